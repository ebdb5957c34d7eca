// Package metrics serves the counts of a peer manager to Prometheus.
//
//	http.Handle("/metrics", metrics.Handler(peers))
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	pm "peer-manager.example/go/peermanager"
)

// ContentType is that of Prometheus' text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Handler answers with the counts of a manager, or with 503 and the reason when the manager was closed.
func Handler(peers *pm.Manager) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stats, err := peers.Stats()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_ = Write(w, stats) // it fails when the client has gone
	})
}

// Write writes counts in Prometheus' text format.
func Write(w io.Writer, stats pm.Stats) error {
	var out bytes.Buffer
	head := func(name, kind, help string) {
		fmt.Fprintf(&out, "# HELP peer_manager_%s %s\n# TYPE peer_manager_%[1]s %[3]s\n", name, help, kind)
	}
	head("info", "gauge", "How the table of peers was opened.")
	fmt.Fprintf(&out, "peer_manager_info{durability=\"%v\"} 1\n", stats.Durability)
	head("peers", "gauge", "Peers in the table.")
	fmt.Fprintf(&out, "peer_manager_peers{type=\"inbound\"} %d\n", stats.Inbound)
	fmt.Fprintf(&out, "peer_manager_peers{type=\"outbound\"} %d\n", stats.Outbound)
	fmt.Fprintf(&out, "peer_manager_peers{type=\"preferred\"} %d\n", stats.Preferred)
	for _, metric := range []struct {
		name, kind, help string
		value            uint64
	}{
		{"peers_ready", "gauge", "Peers whose next attempt is due.", stats.Ready},
		{"netgroups", "gauge", "Netgroups with a peer: an IPv4 /16, an IPv6 /32, each name.", stats.Netgroups},
		{"pending_writes", "gauge", "Changes that are not in the file yet.", stats.PendingWrites},
		{"failed_writes_total", "counter", "Writes to the database that failed.", stats.FailedWrites},
		{"skipped_rows", "gauge", "Rows of the database that are not valid peers.", stats.SkippedRows},
		{"refused_peers_total", "counter", "Peers that a bound or a policy refused.", stats.RefusedPeers},
		{"bans", "gauge", "Bans of hosts and prefixes that last.", stats.Bans},
		{"log_bytes", "gauge", "Bytes of the write-ahead log.", stats.LogBytes},
		{"forgiven_failures_total", "counter", "Failed dials that did not count, because the node was offline.", stats.ForgivenFailures},
		{"rejected_rows_total", "counter", "Changes that the constraints of the file refused.", stats.RejectedRows},
	} {
		head(metric.name, metric.kind, metric.help)
		fmt.Fprintf(&out, "peer_manager_%s %d\n", metric.name, metric.value)
	}
	_, err := w.Write(out.Bytes())
	return err
}
