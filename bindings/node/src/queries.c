/* The operations that change nothing. */

#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for every path of Linux; the library says so if one is longer. */
#define PATH_CAPACITY 4096

/* ---- One peer, all peers, how many ----------------------------------------------------------------------------- */

static peer_manager_status run_netgroup(struct call *call)
{
  return peer_manager_address_netgroup(call->manager->pm, &call->record.address, &call->netgroup, &call->error);
}

static napi_value answer_netgroup(napi_env env, struct call *call)
{
  return answer_unsigned_bigint(env, call->netgroup);
}

static peer_manager_status run_peer_count(struct call *call)
{
  call->number = peer_manager_peer_count(call->manager->pm);
  return PEER_MANAGER_OK;
}

static peer_manager_status run_get_all_peers(struct call *call)
{
  return peer_manager_get_all_peers(call->manager->pm, &call->snapshot, &call->error);
}

static napi_value answer_snapshot(napi_env env, struct call *call)
{
  napi_value value = snapshot_wrap(env, call->snapshot);

  if (value != NULL)
    call->snapshot = NULL; /* JavaScript owns it now */
  return value;
}

/* ---- Choosing -------------------------------------------------------------------------------------------------- */

/* Filter, whether the next attempt counts, the most failures or undefined, the most of a netgroup, excluded ones,
 * seniority, whether apart, networks, the key of the shared list, since when heard of and reached. */
static bool read_query(napi_env env, struct call *call, const napi_value *arguments, const char *excluded)
{
  peer_manager_query_init(&call->query, sizeof call->query);
  call->query.has_max_num_failures = !is_undefined(env, arguments[2]);
  if (!read_u32(env, arguments[0], &call->query.type_filter)
      || !read_flag(env, arguments[1], &call->query.use_next_attempt)
      || (call->query.has_max_num_failures && !read_u32(env, arguments[2], &call->query.max_num_failures))
      || !read_u32(env, arguments[3], &call->query.max_per_netgroup)
      || !read_addresses(env, arguments[4], excluded, &call->addresses, &call->count)
      || !read_u32(env, arguments[5], &call->query.seniority) || !read_flag(env, arguments[6], &call->query.apart)
      || !read_u32(env, arguments[7], &call->query.networks) || !read_u32(env, arguments[8], &call->query.share_key)
      || !read_time(env, arguments[9], &call->query.heard_since)
      || !read_time(env, arguments[10], &call->query.reached_since))
    return false;
  call->query.exclude = call->addresses;
  call->query.exclude_count = call->count;
  return true;
}

static bool read_choice(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_size(env, arguments[0], &call->size) && read_query(env, call, &arguments[1], "exclude");
}

/* How many, the peer that asks or undefined, and a query or undefined. */
static bool read_share(napi_env env, struct call *call, const napi_value *arguments)
{
  call->has_address = !is_undefined(env, arguments[1]);
  call->has_query = !is_undefined(env, arguments[3]);
  return read_size(env, arguments[0], &call->size)
         && (!call->has_address || read_address(env, arguments[1], arguments[2], NULL, 0, &call->record.address))
         && (!call->has_query || read_query(env, call, &arguments[3], "filter.exclude"));
}

/* No answer is longer than the table, so no more room is made than for that. */
static bool make_room(struct call *call)
{
  const size_t known = peer_manager_peer_count(call->manager->pm);

  if (call->size > known)
    call->size = known;
  if (call->size == 0)
    return true;
  call->chosen = calloc(call->size, sizeof *call->chosen);
  if (call->chosen != NULL)
    return true;
  call->status = call->error.status = PEER_MANAGER_ERROR_INVALID_ARGUMENT;
  snprintf(call->error.message, sizeof call->error.message, "there is no memory for %zu addresses; ask for fewer",
           call->size);
  return false;
}

static peer_manager_status run_load_random_peers(struct call *call)
{
  if (!make_room(call))
    return call->status;
  return peer_manager_load_random_peers(call->manager->pm, &call->query, call->size, call->chosen, &call->number,
                                        &call->error);
}

static peer_manager_status run_get_peers_to_send(struct call *call)
{
  if (!make_room(call))
    return call->status;
  return peer_manager_get_peers_to_send(call->manager->pm, call->has_query ? &call->query : NULL,
                                        call->has_address ? &call->record.address : NULL, call->size, call->chosen,
                                        &call->number, &call->error);
}

/* What for, how many, and those that are busy. */
static bool read_dial(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_u32(env, arguments[0], &call->purpose) && read_size(env, arguments[1], &call->size)
         && read_addresses(env, arguments[2], "busy", &call->addresses, &call->count);
}

static peer_manager_status run_next_to_dial(struct call *call)
{
  if (!make_room(call))
    return call->status;
  return peer_manager_next_to_dial(call->manager->pm, call->purpose, call->addresses, call->count, call->size,
                                   call->chosen, &call->number, &call->error);
}

static peer_manager_status run_next_due(struct call *call)
{
  return peer_manager_next_due(call->manager->pm, &call->due, &call->error);
}

static napi_value answer_due(napi_env env, struct call *call)
{
  return answer_time(env, call->due);
}

static bool read_online(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_flag(env, arguments[0], &call->online);
}

static peer_manager_status run_set_online(struct call *call)
{
  return peer_manager_set_online(call->manager->pm, (uint8_t)call->online, &call->error);
}

static napi_value answer_chosen(napi_env env, struct call *call)
{
  return answer_addresses(env, call->chosen, call->number);
}

/* ---- Counts ---------------------------------------------------------------------------------------------------- */

static peer_manager_status run_get_stats(struct call *call)
{
  peer_manager_stats_init(&call->stats, sizeof call->stats);
  return peer_manager_get_stats(call->manager->pm, &call->stats, &call->error);
}

/* Counts of what is in memory or happened since the table was opened are far below 2^53, so a number is exact. */
static napi_value answer_stats(napi_env env, struct call *call)
{
  const peer_manager_stats *stats = &call->stats;
  const napi_value values[] = {
    answer_number(env, stats->durability),
    answer_number(env, (double)stats->peers),
    answer_number(env, (double)stats->inbound),
    answer_number(env, (double)stats->outbound),
    answer_number(env, (double)stats->preferred),
    answer_number(env, (double)stats->ready),
    answer_number(env, (double)stats->netgroups),
    answer_number(env, (double)stats->pending_writes),
    answer_number(env, (double)stats->failed_writes),
    answer_number(env, (double)stats->skipped_rows),
    answer_number(env, (double)stats->refused_peers),
    answer_number(env, (double)stats->bans),
    answer_number(env, (double)stats->log_bytes),
    answer_number(env, (double)stats->forgiven_failures),
    answer_number(env, (double)stats->rejected_rows),
  };

  return answer_array(env, values, sizeof values / sizeof values[0]);
}

static peer_manager_status run_get_quarantine(struct call *call)
{
  call->path = calloc(1, PATH_CAPACITY);
  if (call->path == NULL) {
    call->error.status = PEER_MANAGER_ERROR_INVALID_ARGUMENT;
    strcpy(call->error.message, "there is no memory for a path");
    return call->error.status;
  }
  return peer_manager_get_quarantine(call->manager->pm, call->path, PATH_CAPACITY, &call->saved, &call->lost,
                                     &call->error);
}

static napi_value answer_quarantine(napi_env env, struct call *call)
{
  const napi_value values[] = {
    answer_text(env, call->path),
    answer_number(env, (double)call->saved),
    answer_number(env, (double)call->lost),
  };

  if (call->path[0] == '\0')
    return answer_undefined(env);
  return answer_array(env, values, sizeof values / sizeof values[0]);
}

const struct operation queries[] = {
  {"netgroup", call_read_target, run_netgroup, answer_netgroup, 0},
  {"peerCount", NULL, run_peer_count, call_answer_how_many, 0},
  {"getAllPeers", NULL, run_get_all_peers, answer_snapshot, 0},
  {"nextToDial", read_dial, run_next_to_dial, answer_chosen, 0},
  {"nextDue", NULL, run_next_due, answer_due, MAY_MISS},
  {"setOnline", read_online, run_set_online, NULL, 0},
  {"loadRandomPeers", read_choice, run_load_random_peers, answer_chosen, 0},
  {"getPeersToSend", read_share, run_get_peers_to_send, answer_chosen, 0},
  {"getStats", NULL, run_get_stats, answer_stats, 0},
  {"getQuarantine", NULL, run_get_quarantine, answer_quarantine, 0},
};
const size_t queries_count = sizeof queries / sizeof queries[0];
