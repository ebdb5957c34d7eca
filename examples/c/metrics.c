/* The counts in the text format of Prometheus (version 0.0.4): what a node's /metrics answers, with the content type
 * text/plain; version=0.0.4; charset=utf-8. */

#include "node.h"

#include <inttypes.h>
#include <stdio.h>

static const char *durability_name(uint32_t durability)
{
  switch (durability) {
    case PEER_MANAGER_DURABILITY_COMMIT: return "commit";
    case PEER_MANAGER_DURABILITY_SYNC: return "sync";
    case PEER_MANAGER_DURABILITY_DEFERRED: return "deferred";
    default: return "unknown";
  }
}

static void print_head(const char *name, const char *type, const char *help)
{
  printf("# HELP peer_manager_%s %s\n# TYPE peer_manager_%s %s\n", name, help, name, type);
}

static void print_metric(const char *name, const char *type, const char *help, uint64_t value)
{
  print_head(name, type, help);
  printf("peer_manager_%s %" PRIu64 "\n", name, value);
}

bool print_metrics(peer_manager *pm)
{
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  peer_manager_error error;

  if (peer_manager_get_stats(pm, &stats, &error) != PEER_MANAGER_OK)
    return failed("count the peers", &error);
  print_head("info", "gauge", "How the table of peers was opened.");
  printf("peer_manager_info{durability=\"%s\"} 1\n", durability_name(stats.durability));
  print_head("peers", "gauge", "Peers in the table.");
  printf("peer_manager_peers{type=\"inbound\"} %" PRIu64 "\n", stats.inbound);
  printf("peer_manager_peers{type=\"outbound\"} %" PRIu64 "\n", stats.outbound);
  printf("peer_manager_peers{type=\"preferred\"} %" PRIu64 "\n", stats.preferred);
  print_metric("peers_ready", "gauge", "Peers whose next attempt is due.", stats.ready);
  print_metric("netgroups", "gauge", "Netgroups with a peer: an IPv4 /16, an IPv6 /32, each name.", stats.netgroups);
  print_metric("pending_writes", "gauge", "Changes that are not in the file yet.", stats.pending_writes);
  print_metric("failed_writes_total", "counter", "Writes to the database that failed.", stats.failed_writes);
  print_metric("skipped_rows", "gauge", "Rows of the database that are not valid peers.", stats.skipped_rows);
  print_metric("refused_peers_total", "counter", "Peers that a bound or a policy refused.", stats.refused_peers);
  print_metric("bans", "gauge", "Bans of hosts and prefixes that last.", stats.bans);
  print_metric("log_bytes", "gauge", "Bytes of the write-ahead log.", stats.log_bytes);
  print_metric("forgiven_failures_total", "counter", "Failed dials that did not count, because the node was offline.",
               stats.forgiven_failures);
  print_metric("rejected_rows_total", "counter", "Changes that the constraints of the file refused.", stats.rejected_rows);
  return true;
}
