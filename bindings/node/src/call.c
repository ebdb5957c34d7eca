/* How a call is made: read its arguments, run it here or with libuv, answer. */

#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release(struct call *call)
{
  free(call->records);
  free(call->addresses);
  free(call->chosen);
  free(call->path);
  free(call->asmap_path);
  free(call->subject);
  free(call->bytes);
  free(call->bans);
  /* These two are left here only when no JavaScript value could be made of them. */
  peer_manager_snapshot_free(call->snapshot);
  peer_manager_free(call->opened);
}

bool call_read_target(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_address(env, arguments[0], arguments[1], NULL, 0, &call->record.address);
}

bool call_read_subject(napi_env env, struct call *call, const napi_value *arguments)
{
  return read_long_text(env, arguments[0], &call->subject);
}

napi_value call_answer_how_many(napi_env env, struct call *call)
{
  return answer_number(env, (double)call->number);
}

peer_manager_status call_fail(struct call *call, peer_manager_status status, const char *message)
{
  call->error.status = status;
  call->error.sqlite_code = 0;
  snprintf(call->error.message, sizeof call->error.message, "%s", message);
  return status;
}

/* Reads the arguments. They may be objects whose code closes the manager, so whether it is open is asked last. */
static bool prepare(napi_env env, napi_callback_info info, struct call *call, napi_value *handle)
{
  napi_value arguments[MOST_ARGUMENTS];
  size_t count = MOST_ARGUMENTS;
  void *data = NULL;

  memset(call, 0, sizeof *call);
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok)
    return false;
  call->operation = data;
  *handle = arguments[0];
  if ((call->operation->flags & OPENS) == 0) {
    call->manager = manager_unwrap(env, arguments[0]);
    if (call->manager == NULL)
      return false;
  }
  if (!is_undefined(env, arguments[1]) && !read_time(env, arguments[1], &call->now))
    return false;
  if (call->operation->read != NULL && !call->operation->read(env, call, &arguments[2]))
    return false;
  if (call->manager != NULL && call->manager->closing) {
    throw_closed(env);
    return false;
  }
  return true;
}

void call_perform(struct call *call)
{
  clock_set(call->now);
  call->status = call->operation->run(call);
}

static napi_value answer(napi_env env, struct call *call)
{
  if (call->status == PEER_MANAGER_ERROR_NOT_FOUND)
    return answer_undefined(env);
  return call->operation->answer == NULL ? answer_undefined(env) : call->operation->answer(env, call);
}

static bool has_answer(const struct call *call)
{
  return call->status == PEER_MANAGER_OK
         || (call->status == PEER_MANAGER_ERROR_NOT_FOUND && (call->operation->flags & MAY_MISS) != 0);
}

napi_value call_now(napi_env env, napi_callback_info info)
{
  struct call call;
  napi_value handle, result = NULL;

  if (prepare(env, info, &call, &handle)) {
    call_perform(&call);
    if (!has_answer(&call))
      throw_failure(env, &call.error);
    else if ((result = answer(env, &call)) == NULL)
      throw_out_of_memory(env);
  }
  release(&call);
  return result;
}

/* ---- With libuv -------------------------------------------------------------------------------------------------- */

/* On a thread of libuv's pool. */
static void execute(napi_env env, void *data)
{
  struct call *call = data;

  (void)env;
  call_perform(call);
  if (call->manager != NULL)
    manager_mark_performed(call->manager, call);
}

/* Back on the thread of the environment. */
static void complete(napi_env env, napi_status status, void *data)
{
  struct call *call = data;
  struct manager *manager = call->manager;

  if (status == napi_cancelled) /* the environment ends, and this never had its turn */
    execute(env, call);
  if (manager != NULL) {
    manager->uses++;
    manager_run_next(env, manager, call);
  }
  call_settle(env, call);
  if (manager != NULL)
    manager_forget_use(manager);
}

bool call_start(napi_env env, struct call *call)
{
  return napi_queue_async_work(env, call->work) == napi_ok;
}

void call_discard(napi_env env, struct call *call)
{
  if (env != NULL && call->handle != NULL)
    napi_delete_reference(env, call->handle);
  if (env != NULL && call->work != NULL)
    napi_delete_async_work(env, call->work);
  if (call->manager != NULL)
    manager_forget_use(call->manager);
  release(call);
  free(call);
}

/* When the environment ends there may be no caller left to tell: that is why nothing is checked. */
void call_settle(napi_env env, struct call *call)
{
  napi_value value = NULL;

  if (env != NULL && has_answer(call) && (value = answer(env, call)) != NULL) {
    napi_resolve_deferred(env, call->promise, value);
  } else if (env != NULL) {
    if (has_answer(call)) /* done, but there was no memory for the answer */
      value = answer_failure(env, "INTERNAL", 0, "the answer could not be made");
    else
      value = answer_failure(env, peer_manager_status_name(call->status), call->error.sqlite_code,
                             call->error.message);
    if (value != NULL)
      napi_reject_deferred(env, call->promise, value);
  }
  call_discard(env, call);
}

static bool prepare_work(napi_env env, struct call *call, napi_value handle, napi_value *promise)
{
  napi_value name = answer_text(env, call->operation->name);

  if (call->manager != NULL && napi_create_reference(env, handle, 1, &call->handle) != napi_ok)
    return false;
  return name != NULL && napi_create_async_work(env, NULL, name, execute, complete, call, &call->work) == napi_ok
         && napi_create_promise(env, &call->promise, promise) == napi_ok;
}

napi_value call_later(napi_env env, napi_callback_info info)
{
  struct call *call = malloc(sizeof *call);
  napi_value handle, promise = NULL;

  if (call == NULL) {
    throw_out_of_memory(env);
    return NULL;
  }
  if (!prepare(env, info, call, &handle)) {
    call->manager = NULL; /* which does not know of it yet */
    call_discard(env, call);
    return NULL;
  }
  if (call->manager != NULL)
    call->manager->uses++;
  if (!prepare_work(env, call, handle, &promise)) {
    throw_out_of_memory(env);
    call_discard(env, call);
    return NULL;
  }
  if (call->manager != NULL) {
    manager_enqueue(env, call->manager, call);
  } else if (!call_start(env, call)) {
    call_perform(call);
    call_settle(env, call);
  }
  return promise;
}
