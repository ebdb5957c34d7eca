/* The operations that look at peers and count them. */
#include "player.h"

#include <stdio.h>
#include <string.h>

static peer_manager_status load(void) {
  peer_manager_address address;
  peer_manager_record record;
  if (read_address(word(1), &address) || peer_manager_load(pm, &address, &record, &failure)) return failure.status;
  say_record(&record);
  return PEER_MANAGER_OK;
}

/* A history's five times, behind an address and a space, or nothing. */
static void say_history(const char *before, const char *space, const peer_manager_history *history) {
  say("%s%s%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, before, space, history->first_heard,
      history->last_heard, history->first_reached, history->last_reached, history->last_attempt);
}

static peer_manager_status load_history(void) {
  peer_manager_address address;
  peer_manager_history history;
  if (read_address(word(1), &address) || peer_manager_load_history(pm, &address, &history, &failure)) return failure.status;
  say_history("", "", &history);
  return PEER_MANAGER_OK;
}

/* Says data in hexadecimal digits behind an address and a space, or nothing. */
static void say_data(const char *before, const char *space, const unsigned char *data, size_t size) {
  char text[2 * PEER_MANAGER_DATA_CAPACITY + 1] = "-";
  size_t n;
  for (n = 0; n < size; n++) snprintf(text + 2 * n, 3, "%02x", data[n]);
  say("%s%s%s", before, space, text);
}

static peer_manager_status get_data(void) {
  peer_manager_address address;
  unsigned char data[PEER_MANAGER_DATA_CAPACITY];
  size_t size;
  if (read_address(word(1), &address) || peer_manager_get_data(pm, &address, data, sizeof data, &size, &failure))
    return failure.status;
  say_data("", "", data, size);
  return PEER_MANAGER_OK;
}

/* Says what there is to say of the peer at an index of a snapshot. */
typedef peer_manager_status say_entry(const peer_manager_snapshot *snapshot, size_t index, const peer_manager_record *record);

static peer_manager_status say_entry_record(const peer_manager_snapshot *snapshot, size_t index,
                                            const peer_manager_record *record) {
  (void)snapshot;
  (void)index;
  say_record(record);
  return PEER_MANAGER_OK;
}

static peer_manager_status say_entry_history(const peer_manager_snapshot *snapshot, size_t index,
                                             const peer_manager_record *record) {
  peer_manager_history history;
  if (peer_manager_snapshot_get_history(snapshot, index, &history, &failure)) return failure.status;
  say_history(text_of(&record->address), " ", &history);
  return PEER_MANAGER_OK;
}

static peer_manager_status say_entry_data(const peer_manager_snapshot *snapshot, size_t index,
                                          const peer_manager_record *record) {
  unsigned char data[PEER_MANAGER_DATA_CAPACITY];
  size_t size;
  if (peer_manager_snapshot_get_data(snapshot, index, data, sizeof data, &size, &failure)) return failure.status;
  if (size > 0) say_data(text_of(&record->address), " ", data, size);
  return PEER_MANAGER_OK;
}

static peer_manager_status say_snapshot(say_entry *entry) {
  peer_manager_snapshot *snapshot = NULL;
  peer_manager_status status = peer_manager_get_all_peers(pm, &snapshot, &failure);
  size_t n;
  for (n = 0; status == PEER_MANAGER_OK && n < peer_manager_snapshot_count(snapshot); n++) {
    peer_manager_record record;
    status = peer_manager_snapshot_get(snapshot, n, &record, &failure);
    if (status == PEER_MANAGER_OK) status = entry(snapshot, n, &record);
  }
  peer_manager_snapshot_free(snapshot);
  sort_lines();
  return status;
}

static peer_manager_status next_due(void) {
  int64_t due;
  if (peer_manager_next_due(pm, &due, &failure)) return failure.status;
  say("%" PRId64, due);
  return PEER_MANAGER_OK;
}

static peer_manager_status same_netgroup(void) {
  peer_manager_address a, b;
  uint64_t group_of_a, group_of_b;
  if (read_address(word(1), &a) || read_address(word(2), &b) ||
      peer_manager_address_netgroup(pm, &a, &group_of_a, &failure) ||
      peer_manager_address_netgroup(pm, &b, &group_of_b, &failure))
    return failure.status;
  say(group_of_a == group_of_b ? "true" : "false");
  return PEER_MANAGER_OK;
}

/* Says the stats of the first version, each with its name; or only the one that is named, of any version. */
static peer_manager_status say_stats(const char *only) {
  peer_manager_stats stats = PEER_MANAGER_STATS_INIT;
  struct {
    const char *name;
    const uint64_t *value;
  } named[] = {
      {"peers", &stats.peers},
      {"inbound", &stats.inbound},
      {"outbound", &stats.outbound},
      {"preferred", &stats.preferred},
      {"ready", &stats.ready},
      {"netgroups", &stats.netgroups},
      {"pending_writes", &stats.pending_writes},
      {"failed_writes", &stats.failed_writes},
      {"skipped_rows", &stats.skipped_rows},
      {"refused_peers", &stats.refused_peers},
      {"bans", &stats.bans},
      {"log_bytes", &stats.log_bytes},
      {"forgiven_failures", &stats.forgiven_failures},
      {"rejected_rows", &stats.rejected_rows},
  };
  enum { OF_THE_FIRST_VERSION = 10 };
  size_t n;
  if (peer_manager_get_stats(pm, &stats, &failure)) return failure.status;
  if (only == NULL) {
    say("durability %" PRIu32, stats.durability);
    for (n = 0; n < OF_THE_FIRST_VERSION; n++) say("%s %" PRIu64, named[n].name, *named[n].value);
    return PEER_MANAGER_OK;
  }
  if (strcmp(only, "durability") == 0) {
    say("%" PRIu32, stats.durability);
    return PEER_MANAGER_OK;
  }
  for (n = 0; n < sizeof named / sizeof named[0]; n++) {
    if (strcmp(only, named[n].name) != 0) continue;
    say("%" PRIu64, *named[n].value);
    return PEER_MANAGER_OK;
  }
  wrong("no such stat", only);
  return PEER_MANAGER_ERROR_INTERNAL;
}

bool look_at_peers(const char *operation, peer_manager_status *status) {
  *status = PEER_MANAGER_OK;
  if (strcmp(operation, "load") == 0) {
    *status = load();
  } else if (strcmp(operation, "load_history") == 0) {
    *status = load_history();
  } else if (strcmp(operation, "peer_count") == 0) {
    say("%zu", peer_manager_peer_count(pm));
  } else if (strcmp(operation, "get_all_peers") == 0) {
    *status = say_snapshot(say_entry_record);
  } else if (strcmp(operation, "get_all_histories") == 0) {
    *status = say_snapshot(say_entry_history);
  } else if (strcmp(operation, "get_data") == 0) {
    *status = get_data();
  } else if (strcmp(operation, "get_all_data") == 0) {
    *status = say_snapshot(say_entry_data);
  } else if (strcmp(operation, "next_due") == 0) {
    *status = next_due();
  } else if (strcmp(operation, "same_netgroup") == 0) {
    *status = same_netgroup();
  } else if (strcmp(operation, "get_stats") == 0) {
    *status = say_stats(NULL);
  } else if (strcmp(operation, "stat") == 0) {
    *status = say_stats(word(1));
  } else {
    return false;
  }
  return true;
}
