/* Peer managers that JavaScript holds. Their asynchronous calls are run one after the other, in the order in which they
 * were made: the database takes one at a time anyway, and so they never hold more than one of libuv's few threads. */

#include "call.h"

#include <stdlib.h>

/* What an external holds begins with its kind, because Node-API's type tags take longer than many a query. Externals of
 * other addons do not come here: lib/ hands on its own only, and keeps them to itself. */
static const char manager_kind[] = "manager";

/* ---- The order of calls ---------------------------------------------------------------------------------------- */

static struct call *take_first(struct manager *manager)
{
  struct call *call = manager->first;

  if (call != NULL) {
    manager->first = call->next;
    if (manager->first == NULL)
      manager->end = &manager->first;
  }
  return call;
}

static void run_first(napi_env env, struct manager *manager)
{
  while (manager->running == NULL && manager->first != NULL) {
    struct call *call = take_first(manager);

    manager->running = call;
    if (call_start(env, call))
      return;
    manager->running = NULL; /* libuv does not take it: it is run here */
    call_perform(call);
    call_settle(env, call);
  }
}

void manager_enqueue(napi_env env, struct manager *manager, struct call *call)
{
  if ((call->operation->flags & CLOSES) != 0)
    manager->closing = true;
  *manager->end = call;
  manager->end = &call->next;
  run_first(env, manager);
}

void manager_run_next(napi_env env, struct manager *manager, const struct call *settled)
{
  if (manager->running == settled)
    manager->running = NULL;
  run_first(env, manager);
}

void manager_mark_performed(struct manager *manager, struct call *call)
{
  pthread_mutex_lock(&manager->lock);
  call->performed = true;
  pthread_cond_broadcast(&manager->performed);
  pthread_mutex_unlock(&manager->lock);
}

/* Waits for the call that is running and runs those that wait for their turn, on this thread. No thread of libuv's
 * ever waits for this one, so this ends. */
static void drain(napi_env env, struct manager *manager)
{
  struct call *call;

  if (manager->running != NULL) {
    pthread_mutex_lock(&manager->lock);
    while (!manager->running->performed)
      pthread_cond_wait(&manager->performed, &manager->lock);
    pthread_mutex_unlock(&manager->lock);
  }
  while ((call = take_first(manager)) != NULL) {
    call_perform(call);
    call_settle(env, call);
  }
}

static void shut(napi_env env, struct manager *manager)
{
  manager->closing = true;
  drain(env, manager);
  peer_manager_free(manager->pm); /* NULL if a call has closed it */
  manager->pm = NULL;
}

/* ---- Its life -------------------------------------------------------------------------------------------------- */

static void addon_forget_use(struct addon *addon)
{
  if (--addon->uses == 0)
    free(addon);
}

static void finalize_addon(napi_env env, void *data, void *hint)
{
  struct addon *addon = data;

  (void)hint;
  napi_delete_reference(env, addon->buffer);
  addon_forget_use(addon);
}

static bool share_numbers(napi_env env, napi_value exports, struct addon *addon)
{
  napi_value buffer, numbers;
  void *data = NULL;

  if (napi_create_arraybuffer(env, NUMBERS * sizeof *addon->numbers, &data, &buffer) != napi_ok
      || napi_create_typedarray(env, napi_float64_array, NUMBERS, buffer, 0, &numbers) != napi_ok
      || napi_set_named_property(env, exports, "numbers", numbers) != napi_ok)
    return false;
  addon->numbers = data;
  return napi_create_reference(env, buffer, 1, &addon->buffer) == napi_ok;
}

bool addon_create(napi_env env, napi_value exports)
{
  struct addon *addon = calloc(1, sizeof *addon);

  if (addon == NULL)
    return false;
  addon->uses = 1;
  if (share_numbers(env, exports, addon)) {
    if (napi_set_instance_data(env, addon, finalize_addon, NULL) == napi_ok)
      return true;
    napi_delete_reference(env, addon->buffer);
  }
  free(addon);
  return false;
}

struct addon *addon_of(napi_env env)
{
  void *addon = NULL;

  if (napi_get_instance_data(env, &addon) != napi_ok || addon == NULL)
    throw_out_of_memory(env);
  return addon;
}

void manager_forget_use(struct manager *manager)
{
  if (--manager->uses > 0)
    return;
  pthread_cond_destroy(&manager->performed);
  pthread_mutex_destroy(&manager->lock);
  addon_forget_use(manager->addon);
  free(manager);
}

static void unlink_manager(struct manager *manager)
{
  *manager->link = manager->next;
  if (manager->next != NULL)
    manager->next->link = manager->link;
}

/* The JavaScript value was collected, or its environment ends. Calls keep the value alive, so there are none but at the
 * end, when no caller waits for an answer any more. */
static void finalize(napi_env env, void *data, void *hint)
{
  struct manager *manager = data;

  (void)env;
  (void)hint;
  shut(NULL, manager);
  unlink_manager(manager);
  manager_forget_use(manager);
}

static struct manager *create(struct addon *addon, peer_manager *pm, bool deferred)
{
  struct manager *manager = calloc(1, sizeof *manager);

  if (manager == NULL)
    return NULL;
  pthread_mutex_init(&manager->lock, NULL);
  pthread_cond_init(&manager->performed, NULL);
  manager->kind = manager_kind;
  manager->pm = pm;
  manager->deferred = deferred;
  manager->end = &manager->first;
  manager->uses = 1;
  manager->addon = addon;
  addon->uses++;
  manager->next = addon->first;
  manager->link = &addon->first;
  if (manager->next != NULL)
    manager->next->link = &manager->next;
  addon->first = manager;
  return manager;
}

/* On failure the caller still owns the peer manager. */
napi_value manager_wrap(napi_env env, peer_manager *pm, bool deferred)
{
  struct manager *manager;
  struct addon *addon = addon_of(env);
  napi_value value = NULL;

  if (addon == NULL)
    return NULL;
  manager = create(addon, pm, deferred);
  if (manager == NULL)
    return NULL;
  if (napi_create_external(env, manager, finalize, NULL, &value) != napi_ok) {
    unlink_manager(manager);
    manager_forget_use(manager);
    return NULL;
  }
  return value;
}

struct manager *manager_unwrap(napi_env env, napi_value value)
{
  void *data = NULL;

  if (napi_get_value_external(env, value, &data) == napi_ok && ((struct manager *)data)->kind == manager_kind)
    return data;
  throw_wrong_argument(env);
  return NULL;
}

/* ---- What JavaScript calls ------------------------------------------------------------------------------------- */

/* Every call that was made before is carried out first; its promise is settled. */
napi_value manager_close(napi_env env, napi_callback_info info)
{
  struct manager *manager;
  napi_value argument;
  size_t count = 1;

  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok)
    return NULL;
  manager = manager_unwrap(env, argument);
  if (manager != NULL)
    shut(env, manager);
  return NULL;
}

/* The process is about to end, and perhaps without finalizers: what was asked for is done, what is pending is
 * written. Managers stay open, for the handlers that come after this one. */
napi_value manager_flush_all(napi_env env, napi_callback_info info)
{
  struct manager *manager;
  const struct addon *addon = addon_of(env);

  (void)info;
  if (addon == NULL)
    return NULL;
  for (manager = addon->first; manager != NULL; manager = manager->next) {
    drain(env, manager);
    if (manager->pm != NULL && manager->deferred)
      peer_manager_flush(manager->pm, NULL); /* no caller is left that could be told of a failure */
  }
  return NULL;
}
