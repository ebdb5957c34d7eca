package node;

import java.util.Locale;
import peermanager.Stats;

/** The counts of a table in Prometheus' text format: the same as the nodes in C and Go print. */
final class Metrics {
    private final StringBuilder text = new StringBuilder();

    private Metrics() {}

    static String of(Stats stats) {
        Metrics metrics = new Metrics();
        metrics.head("info", "gauge", "How the table of peers was opened.");
        metrics.value("info{durability=\"" + stats.durability().name().toLowerCase(Locale.ROOT) + "\"}", 1);
        metrics.head("peers", "gauge", "Peers in the table.");
        metrics.value("peers{type=\"inbound\"}", stats.inbound());
        metrics.value("peers{type=\"outbound\"}", stats.outbound());
        metrics.value("peers{type=\"preferred\"}", stats.preferred());
        metrics.gauge("peers_ready", "Peers whose next attempt is due.", stats.ready());
        metrics.gauge("netgroups", "Netgroups with a peer: an IPv4 /16, an IPv6 /32, each name.", stats.netgroups());
        metrics.gauge("pending_writes", "Changes that are not in the file yet.", stats.pendingWrites());
        metrics.counter("failed_writes_total", "Writes to the database that failed.", stats.failedWrites());
        metrics.gauge("skipped_rows", "Rows of the database that are not valid peers.", stats.skippedRows());
        metrics.counter("refused_peers_total", "Peers that a bound or a policy refused.", stats.refusedPeers());
        metrics.gauge("bans", "Bans of hosts and prefixes that last.", stats.bans());
        metrics.gauge("log_bytes", "Bytes of the write-ahead log.", stats.logBytes());
        metrics.counter("forgiven_failures_total", "Failed dials that did not count, because the node was offline.",
                stats.forgivenFailures());
        metrics.counter("rejected_rows_total", "Changes that the constraints of the file refused.", stats.rejectedRows());
        return metrics.text.toString();
    }

    private void gauge(String name, String help, long value) {
        head(name, "gauge", help);
        value(name, value);
    }

    private void counter(String name, String help, long value) {
        head(name, "counter", help);
        value(name, value);
    }

    private void head(String name, String kind, String help) {
        text.append("# HELP peer_manager_").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE peer_manager_").append(name).append(' ').append(kind).append('\n');
    }

    private void value(String name, long value) {
        text.append("peer_manager_").append(name).append(' ').append(value).append('\n');
    }
}
