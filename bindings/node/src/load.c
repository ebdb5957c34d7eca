/* The look-up of one peer, which costs so little in the library that the way of other calls would be most of its time: no
 * struct call, no array for the answer, and no text that JavaScript has already. */

#include "addon.h"

#include <string.h>

/* The first of the arguments: a manager that is open. NULL: an exception is pending. */
static struct manager *take(napi_env env, napi_callback_info info, napi_value arguments[3])
{
  struct manager *manager;
  size_t count = 3;

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok)
    return NULL;
  manager = manager_unwrap(env, arguments[0]);
  if (manager != NULL && manager->closing) {
    throw_closed(env);
    return NULL;
  }
  return manager;
}

/* False where there is no such peer, or an exception is pending. */
static bool look_up(napi_env env, const struct manager *manager, peer_manager_record *record)
{
  peer_manager_error error;
  const peer_manager_status status = peer_manager_load(manager->pm, &record->address, record, &error);

  if (status != PEER_MANAGER_OK && status != PEER_MANAGER_ERROR_NOT_FOUND)
    throw_failure(env, &error);
  return status == PEER_MANAGER_OK;
}

/* An address in any spelling; the answer is a record, or undefined. */
napi_value load(napi_env env, napi_callback_info info)
{
  napi_value arguments[3];
  const struct manager *manager = take(env, info, arguments);
  peer_manager_record record;

  if (manager == NULL || !read_address(env, arguments[1], arguments[2], NULL, 0, &record.address)
      || !look_up(env, manager, &record))
    return NULL;
  return answer_record(env, manager->addon, &record);
}

/* The host and port of a PeerAddress, which came from the library: they are not checked here, and the answer is true in
 * place of the host. */
napi_value load_canonical(napi_env env, napi_callback_info info)
{
  napi_value arguments[3];
  const struct manager *manager = take(env, info, arguments);
  peer_manager_record record;
  uint32_t port = 0;
  size_t length = 0;

  if (manager == NULL || !read_u32(env, arguments[2], &port))
    return NULL;
  if (napi_get_value_string_latin1(env, arguments[1], record.address.host, sizeof record.address.host, &length)
      != napi_ok) {
    throw_wrong_argument(env);
    return NULL;
  }
  record.address.port = (uint16_t)port;
  if (!look_up(env, manager, &record))
    return NULL;
  answer_numbers(manager->addon, &record);
  return answer_truth(env, true);
}
