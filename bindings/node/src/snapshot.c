/* Snapshots that JavaScript holds. Each is used by the thread of its environment only, as the library demands. */

#include "addon.h"

#include <stdlib.h>

struct held {
  const char *kind; /* snapshot_kind */
  peer_manager_snapshot *snapshot; /* NULL once it is freed */
};

/* As in manager.c. */
static const char snapshot_kind[] = "snapshot";

static void finalize(napi_env env, void *data, void *hint)
{
  struct held *held = data;

  (void)env;
  (void)hint;
  peer_manager_snapshot_free(held->snapshot);
  free(held);
}

/* On failure the caller still owns the snapshot. */
napi_value snapshot_wrap(napi_env env, peer_manager_snapshot *snapshot)
{
  struct held *held = malloc(sizeof *held);
  napi_value value = NULL;

  if (held == NULL)
    return NULL;
  held->kind = snapshot_kind;
  held->snapshot = snapshot;
  if (napi_create_external(env, held, finalize, NULL, &value) != napi_ok) {
    free(held);
    return NULL;
  }
  return value;
}

static struct held *unwrap(napi_env env, napi_value value)
{
  void *data = NULL;

  if (napi_get_value_external(env, value, &data) == napi_ok && ((struct held *)data)->kind == snapshot_kind)
    return data;
  throw_wrong_argument(env);
  return NULL;
}

/* The first of `count` arguments is the snapshot. NULL: an exception is pending. */
static struct held *take(napi_env env, napi_callback_info info, napi_value *arguments, size_t count)
{
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok)
    return NULL;
  return unwrap(env, arguments[0]);
}

static void throw_disposed(napi_env env)
{
  napi_value failure = answer_failure(env, "CLOSED", 0, "the snapshot is disposed of; take another one");

  if (failure != NULL)
    napi_throw(env, failure);
}

napi_value snapshot_count(napi_env env, napi_callback_info info)
{
  napi_value argument;
  struct held *held = take(env, info, &argument, 1);

  if (held == NULL)
    return NULL;
  if (held->snapshot == NULL) {
    throw_disposed(env);
    return NULL;
  }
  return answer_number(env, (double)peer_manager_snapshot_count(held->snapshot));
}

/* A snapshot and an index. NULL: an exception is pending. */
static peer_manager_snapshot *take_index(napi_env env, napi_callback_info info, size_t *index)
{
  napi_value arguments[2];
  struct held *held = take(env, info, arguments, 2);

  if (held == NULL || !read_size(env, arguments[1], index))
    return NULL;
  if (held->snapshot == NULL)
    throw_disposed(env);
  return held->snapshot;
}

napi_value snapshot_get(napi_env env, napi_callback_info info)
{
  size_t index = 0;
  const peer_manager_snapshot *snapshot = take_index(env, info, &index);
  const struct addon *addon = addon_of(env);
  peer_manager_record record;
  peer_manager_error error;

  if (snapshot == NULL)
    return NULL;
  if (peer_manager_snapshot_get(snapshot, index, &record, &error) != PEER_MANAGER_OK) {
    throw_failure(env, &error);
    return NULL;
  }
  return addon == NULL ? NULL : answer_record(env, addon, &record);
}

napi_value snapshot_get_history(napi_env env, napi_callback_info info)
{
  size_t index = 0;
  const peer_manager_snapshot *snapshot = take_index(env, info, &index);
  const struct addon *addon = addon_of(env);
  peer_manager_history history;
  peer_manager_error error;

  if (snapshot == NULL)
    return NULL;
  if (peer_manager_snapshot_get_history(snapshot, index, &history, &error) != PEER_MANAGER_OK) {
    throw_failure(env, &error);
    return NULL;
  }
  return addon == NULL ? NULL : answer_history(env, addon, &history);
}

napi_value snapshot_get_data(napi_env env, napi_callback_info info)
{
  size_t index = 0, size = 0;
  const peer_manager_snapshot *snapshot = take_index(env, info, &index);
  char data[PEER_MANAGER_DATA_CAPACITY];
  peer_manager_error error;

  if (snapshot == NULL)
    return NULL;
  if (peer_manager_snapshot_get_data(snapshot, index, data, sizeof data, &size, &error) != PEER_MANAGER_OK) {
    throw_failure(env, &error);
    return NULL;
  }
  return answer_bytes(env, data, size);
}

napi_value snapshot_close(napi_env env, napi_callback_info info)
{
  napi_value argument;
  struct held *held = take(env, info, &argument, 1);

  if (held != NULL) {
    peer_manager_snapshot_free(held->snapshot);
    held->snapshot = NULL;
  }
  return NULL;
}
