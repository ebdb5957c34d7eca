/* What the addon gives to lib/: each operation, as `name` and most as `nameAsync` too, and what needs no manager. */

#include "call.h"

#include <stdio.h>

static bool put_function(napi_env env, napi_value exports, const char *name, napi_callback callback, void *data)
{
  napi_value function;

  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function) == napi_ok
         && napi_set_named_property(env, exports, name, function) == napi_ok;
}

static bool put_operations(napi_env env, napi_value exports, const struct operation *operations, size_t count)
{
  char name[64];
  size_t i;

  for (i = 0; i < count; i++) {
    /* Node-API's data is not const; nothing writes to it. */
    if (!put_function(env, exports, operations[i].name, call_now, (void *)&operations[i]))
      return false;
    if ((operations[i].flags & AT_ONCE) != 0)
      continue;
    snprintf(name, sizeof name, "%sAsync", operations[i].name);
    if (!put_function(env, exports, name, call_later, (void *)&operations[i]))
      return false;
  }
  return true;
}

static bool put_text(napi_env env, napi_value exports, const char *name, const char *text)
{
  const napi_value value = answer_text(env, text);
  return value != NULL && napi_set_named_property(env, exports, name, value) == napi_ok;
}

static bool put_number(napi_env env, napi_value exports, const char *name, uint32_t number)
{
  const napi_value value = answer_number(env, number);
  return value != NULL && napi_set_named_property(env, exports, name, value) == napi_ok;
}

static bool put_rest(napi_env env, napi_value exports)
{
  static const struct {
    const char *name;
    napi_callback callback;
  } functions[] = {
    {"close", manager_close}, /* in place of the operation: it also waits for the calls before it */
    {"flushAll", manager_flush_all},
    {"load", load},
    {"loadCanonical", load_canonical},
    {"addressParse", address_parse},
    {"addressInit", address_init},
    {"addressEqual", address_equal},
    {"addressIsPrivate", address_is_private},
    {"addressIsRoutable", address_is_routable},
    {"recordInit", record_init},
    {"recordIsReady", record_is_ready},
    {"snapshotCount", snapshot_count},
    {"snapshotGet", snapshot_get},
    {"snapshotGetHistory", snapshot_get_history},
    {"snapshotGetData", snapshot_get_data},
    {"snapshotClose", snapshot_close},
  };
  size_t i;

  for (i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    if (!put_function(env, exports, functions[i].name, functions[i].callback, NULL))
      return false;
  }
  return put_text(env, exports, "version", peer_manager_version_string())
         && put_text(env, exports, "buildInfo", peer_manager_build_info())
         && put_number(env, exports, "versionNumber", peer_manager_version_number())
         && put_number(env, exports, "headerVersionNumber", PEER_MANAGER_VERSION_NUMBER)
         && put_number(env, exports, "maxFailures", PEER_MANAGER_MAX_FAILURES)
         && put_number(env, exports, "dataCapacity", PEER_MANAGER_DATA_CAPACITY)
         && put_number(env, exports, "reallyDead", PEER_MANAGER_REALLY_DEAD);
}

/* Once for each environment that loads the addon: nothing here is shared between them. */
NAPI_MODULE_INIT()
{
  if (!addon_create(env, exports) || !put_operations(env, exports, writes, writes_count)
      || !put_operations(env, exports, queries, queries_count)
      || !put_operations(env, exports, banning, banning_count)
      || !put_operations(env, exports, histories, histories_count)
      || !put_operations(env, exports, belongings, belongings_count)
      || !put_operations(env, exports, lives, lives_count) || !put_rest(env, exports)) {
    napi_throw_error(env, NULL, "peer-manager cannot be loaded: the addon could not be set up");
    return NULL;
  }
  return exports;
}
