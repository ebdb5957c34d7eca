/* The operations that choose peers. */
#include "player.h"

#include <string.h>

/* What was drawn. */
static peer_manager_address answer[MAX_ANSWER];

/* What a query asks for, from three words. */
static peer_manager_query read_query(const char *filter, const char *use_next_attempt, const char *max_failures) {
  peer_manager_query query = PEER_MANAGER_QUERY_INIT;
  query.type_filter = number_of(filter, filters);
  query.use_next_attempt = read_truth(use_next_attempt);
  query.has_max_num_failures = strcmp(max_failures, "-") != 0;
  query.max_num_failures = query.has_max_num_failures ? (uint32_t)read_unsigned(max_failures) : 0;
  return query;
}

static void set_field(peer_manager_query *query, const char *field) {
  const char *value;
  if ((value = value_of(field, "seniority")) != NULL) {
    query->seniority = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "apart")) != NULL) {
    query->apart = read_truth(value);
  } else if ((value = value_of(field, "networks")) != NULL) {
    query->networks = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "max_per_netgroup")) != NULL) {
    query->max_per_netgroup = (uint32_t)read_unsigned(value);
  } else if ((value = value_of(field, "heard_since")) != NULL) {
    query->heard_since = read_number(value);
  } else if ((value = value_of(field, "reached_since")) != NULL) {
    query->reached_since = read_number(value);
  } else if ((value = value_of(field, "share_key")) != NULL) {
    query->share_key = (uint32_t)read_unsigned(value);
  } else {
    wrong("no such field of a query", field);
  }
}

static size_t read_size(const char *text) {
  const uint64_t size = read_unsigned(text);
  if (size > MAX_ANSWER) wrong("a larger answer than this player has room for", text);
  return (size_t)size;
}

static peer_manager_status load_random_peers(void) {
  peer_manager_address exclude[MAX_WORDS];
  peer_manager_query query = read_query(word(1), word(2), word(3));
  size_t count = 0, n;
  for (n = 5; n < word_count; n++) {
    if (strchr(word(n), '=') != NULL) set_field(&query, word(n));
  }
  query.exclude = exclude;
  if (read_addresses(5, exclude, &query.exclude_count)) return failure.status;
  if (peer_manager_load_random_peers(pm, &query, read_size(word(4)), answer, &count, &failure)) return failure.status;
  say_addresses(answer, count);
  return PEER_MANAGER_OK;
}

static peer_manager_status get_peers_to_send(void) {
  peer_manager_address exclude;
  peer_manager_query filter = PEER_MANAGER_QUERY_INIT;
  const bool has_filter = strcmp(word(1), "-") != 0, has_exclude = strcmp(word(2), "-") != 0;
  const size_t size = read_size(word(3));
  size_t count = 0;
  if (has_filter) {
    const char *type = strtok(word_to_cut(1), ","), *use_next_attempt = strtok(NULL, ","), *max_failures = strtok(NULL, ",");
    const char *field;
    if (max_failures == NULL) wrong("a filter has three parts", type);
    filter = read_query(type, use_next_attempt, max_failures);
    while ((field = strtok(NULL, ",")) != NULL) set_field(&filter, field);
  }
  if (has_exclude && read_address(word(2), &exclude)) return failure.status;
  if (peer_manager_get_peers_to_send(pm, has_filter ? &filter : NULL, has_exclude ? &exclude : NULL, size, answer, &count,
                                     &failure))
    return failure.status;
  say_addresses(answer, count);
  return PEER_MANAGER_OK;
}

static peer_manager_status next_to_dial(void) {
  peer_manager_address busy[MAX_WORDS];
  size_t busy_count, count = 0;
  if (read_addresses(3, busy, &busy_count)) return failure.status;
  if (peer_manager_next_to_dial(pm, number_of(word(1), purposes), busy, busy_count, read_size(word(2)), answer, &count, &failure))
    return failure.status;
  say_addresses(answer, count);
  return PEER_MANAGER_OK;
}

bool choose_peers(const char *operation, peer_manager_status *status) {
  if (strcmp(operation, "load_random_peers") == 0) {
    *status = load_random_peers();
  } else if (strcmp(operation, "get_peers_to_send") == 0) {
    *status = get_peers_to_send();
  } else if (strcmp(operation, "next_to_dial") == 0) {
    *status = next_to_dial();
  } else {
    return false;
  }
  return true;
}
