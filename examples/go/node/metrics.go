package main

import (
	"fmt"
	"io"

	pm "peer_manager/examples/go/peermanager"
)

// writeMetrics writes the counts in the text format of Prometheus: what a node's /metrics answers.
func writeMetrics(out io.Writer, stats pm.Stats) {
	fmt.Fprintln(out, "# TYPE peer_manager_peers gauge")
	fmt.Fprintf(out, "peer_manager_peers{type=\"inbound\"} %d\n", stats.Inbound)
	fmt.Fprintf(out, "peer_manager_peers{type=\"outbound\"} %d\n", stats.Outbound)
	fmt.Fprintf(out, "peer_manager_peers{type=\"preferred\"} %d\n", stats.Preferred)
	for _, metric := range []struct {
		name, kind string
		value      uint64
	}{
		{"ready_peers", "gauge", stats.Ready},
		{"netgroups", "gauge", stats.Netgroups},
		{"pending_writes", "gauge", stats.PendingWrites},
		{"failed_writes_total", "counter", stats.FailedWrites},
		{"skipped_rows", "gauge", stats.SkippedRows},
		{"refused_peers_total", "counter", stats.RefusedPeers},
	} {
		fmt.Fprintf(out, "# TYPE peer_manager_%s %s\npeer_manager_%s %d\n", metric.name, metric.kind, metric.name, metric.value)
	}
}
