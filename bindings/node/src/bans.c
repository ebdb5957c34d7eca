/* The operations with which hosts and prefixes are refused. */

#include "call.h"

#include <stdlib.h>

static bool read_ban(napi_env env, struct call *call, const napi_value *arguments)
{
  return call_read_subject(env, call, arguments) && read_time(env, arguments[1], &call->time);
}

static peer_manager_status run_ban(struct call *call)
{
  return peer_manager_ban(call->manager->pm, call->subject, call->time, &call->number, &call->error);
}

static peer_manager_status run_unban(struct call *call)
{
  return peer_manager_unban(call->manager->pm, call->subject, &call->error);
}

static peer_manager_status run_is_banned(struct call *call)
{
  call->truth = peer_manager_is_banned(call->manager->pm, &call->record.address);
  return PEER_MANAGER_OK;
}

static napi_value answer_banned(napi_env env, struct call *call)
{
  return answer_truth(env, call->truth);
}

/* Counts them first. Other threads may ban more meanwhile: then it is done again. */
static peer_manager_status run_bans(struct call *call)
{
  size_t capacity = 0;

  for (;;) {
    const peer_manager_status status
      = peer_manager_get_bans(call->manager->pm, capacity, call->bans, &call->number, &call->error);

    if (status != PEER_MANAGER_OK || call->number <= capacity)
      return status;
    free(call->bans);
    capacity = call->number;
    call->bans = calloc(capacity, sizeof *call->bans);
    if (call->bans == NULL)
      return call_fail(call, PEER_MANAGER_ERROR_NO_MEMORY, "there is not enough memory for a list of the bans");
  }
}

static napi_value answer_list(napi_env env, struct call *call)
{
  return answer_bans(env, call->bans, call->number);
}

const struct operation banning[] = {
  {"ban", read_ban, run_ban, call_answer_how_many, 0},
  {"unban", call_read_subject, run_unban, NULL, 0},
  {"isBanned", call_read_target, run_is_banned, answer_banned, 0},
  {"bans", NULL, run_bans, answer_list, 0},
};
const size_t banning_count = sizeof banning / sizeof banning[0];
