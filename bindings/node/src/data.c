/* The operations on the bytes that go with a peer. */

#include "call.h"

static bool read_data(napi_env env, struct call *call, const napi_value *arguments)
{
  return call_read_target(env, call, arguments) && read_bytes(env, arguments[2], &call->bytes, &call->size);
}

static peer_manager_status run_set_data(struct call *call)
{
  return peer_manager_set_data(call->manager->pm, &call->record.address, call->bytes, call->size, &call->error);
}

static peer_manager_status run_get_data(struct call *call)
{
  return peer_manager_get_data(call->manager->pm, &call->record.address, call->data, sizeof call->data, &call->size,
                               &call->error);
}

static napi_value answer_data(napi_env env, struct call *call)
{
  return answer_bytes(env, call->data, call->size);
}

const struct operation belongings[] = {
  {"setData", read_data, run_set_data, NULL, 0},
  {"getData", call_read_target, run_get_data, answer_data, MAY_MISS},
};
const size_t belongings_count = sizeof belongings / sizeof belongings[0];
