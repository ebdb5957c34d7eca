/* The operations that change peers. */

#include "call.h"

static peer_manager_status run_ensure_exists(struct call *call)
{
  return peer_manager_ensure_exists(call->manager->pm, &call->record.address, &call->error);
}

static bool read_many_addresses(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_addresses(env, arguments[0], "addresses", &call->addresses, &call->count);
}

static peer_manager_status run_ensure_exists_many(struct call *call)
{
  return peer_manager_ensure_exists_many(call->manager->pm, call->addresses, call->count, &call->number, &call->error);
}

static bool read_file_name(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_long_text(env, arguments[0], &call->path);
}

static peer_manager_status run_import(struct call *call)
{
  return peer_manager_import(call->manager->pm, call->path, &call->number, &call->error);
}

static bool read_one_record(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_record(env, arguments, NULL, 0, &call->record);
}

static peer_manager_status run_store(struct call *call)
{
  return peer_manager_store(call->manager->pm, &call->record, &call->error);
}

static bool read_many_records(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_records(env, arguments[0], "records", &call->records, &call->count);
}

static peer_manager_status run_store_many(struct call *call)
{
  return peer_manager_store_many(call->manager->pm, call->records, call->count, &call->error);
}

static bool read_observation(napi_env env, struct call *call, const napi_value *arguments)
{
  return call_read_target(env, call, arguments) && read_u32(env, arguments[2], &call->record.peer_type)
         && read_flag(env, arguments[3], &call->known);
}

static peer_manager_status run_update_type(struct call *call)
{
  return peer_manager_update_type(call->manager->pm, &call->record.address, call->record.peer_type,
                                  (uint8_t)call->known, &call->error);
}

static bool read_backoff(napi_env env, struct call *call, const napi_value *arguments)
{
  return call_read_target(env, call, arguments) && read_u32(env, arguments[2], &call->backoff);
}

static peer_manager_status run_update_backoff(struct call *call)
{
  return peer_manager_update_backoff(call->manager->pm, &call->record.address, call->backoff, &call->error);
}

static bool read_both(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_observation(env, call, arguments) && read_u32(env, arguments[4], &call->backoff);
}

static peer_manager_status run_update(struct call *call)
{
  return peer_manager_update(call->manager->pm, &call->record.address, call->record.peer_type, (uint8_t)call->known,
                             call->backoff, &call->error);
}

static peer_manager_status run_remove(struct call *call)
{
  return peer_manager_remove(call->manager->pm, &call->record.address, &call->error);
}

static peer_manager_status run_remove_host(struct call *call)
{
  return peer_manager_remove_host(call->manager->pm, call->subject, &call->number, &call->error);
}

static bool read_failures(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_u32(env, arguments[0], &call->record.num_failures);
}

static peer_manager_status run_remove_many(struct call *call)
{
  return peer_manager_remove_peers_with_many_failures(call->manager->pm, call->record.num_failures, &call->number,
                                                      &call->error);
}

static bool read_latest(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_time(env, arguments[0], &call->time);
}

static peer_manager_status run_limit_next_attempt(struct call *call)
{
  return peer_manager_limit_next_attempt(call->manager->pm, call->time, &call->number, &call->error);
}

static peer_manager_status run_set_own_addresses(struct call *call)
{
  return peer_manager_set_own_addresses(call->manager->pm, call->addresses, call->count, &call->error);
}

static peer_manager_status run_clear_all(struct call *call)
{
  return peer_manager_clear_all(call->manager->pm, &call->error);
}

static peer_manager_status run_flush(struct call *call)
{
  return peer_manager_flush(call->manager->pm, &call->error);
}

const struct operation writes[] = {
  {"ensureExists", call_read_target, run_ensure_exists, NULL, 0},
  {"ensureExistsMany", read_many_addresses, run_ensure_exists_many, call_answer_how_many, 0},
  {"importFile", read_file_name, run_import, call_answer_how_many, 0},
  {"store", read_one_record, run_store, NULL, 0},
  {"storeMany", read_many_records, run_store_many, NULL, 0},
  {"updateType", read_observation, run_update_type, NULL, 0},
  {"updateBackoff", read_backoff, run_update_backoff, NULL, 0},
  {"update", read_both, run_update, NULL, 0},
  {"remove", call_read_target, run_remove, NULL, 0},
  {"removeHost", call_read_subject, run_remove_host, call_answer_how_many, 0},
  {"removePeersWithManyFailures", read_failures, run_remove_many, call_answer_how_many, 0},
  {"limitNextAttempt", read_latest, run_limit_next_attempt, call_answer_how_many, 0},
  {"setOwnAddresses", read_many_addresses, run_set_own_addresses, NULL, 0},
  {"clearAll", NULL, run_clear_all, NULL, 0},
  {"flush", NULL, run_flush, NULL, 0},
};
const size_t writes_count = sizeof writes / sizeof writes[0];
