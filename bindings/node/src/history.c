/* The operations on what is known of a peer's past. */

#include "call.h"

static peer_manager_status run_load_history(struct call *call)
{
  return peer_manager_load_history(call->manager->pm, &call->record.address, &call->history, &call->error);
}

static napi_value answer_loaded(napi_env env, struct call *call)
{
  return answer_history(env, call->manager->addon, &call->history);
}

static bool read_since(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_time(env, arguments[0], &call->time);
}

static peer_manager_status run_remove_not_heard(struct call *call)
{
  return peer_manager_remove_peers_not_heard_since(call->manager->pm, call->time, &call->number, &call->error);
}

const struct operation histories[] = {
  {"loadHistory", call_read_target, run_load_history, answer_loaded, MAY_MISS | AT_ONCE},
  {"removePeersNotHeardSince", read_since, run_remove_not_heard, call_answer_how_many, 0},
};
const size_t histories_count = sizeof histories / sizeof histories[0];
