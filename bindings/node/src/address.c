/* What can be asked of an address or a record alone. */

#include "addon.h"

static bool take(napi_env env, napi_callback_info info, napi_value *arguments, size_t count)
{
  return napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok;
}

/* Text, and the port of text that has none; 0 when it must have one. */
napi_value address_parse(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  peer_manager_address address;
  peer_manager_error error;
  char text[TEXT_CAPACITY];
  uint32_t port = 0;

  if (!take(env, info, arguments, 2) || !read_text(env, arguments[0], text)
      || !read_u32(env, arguments[1], &port))
    return NULL;
  if (peer_manager_address_parse(text, (uint16_t)port, &address, &error) != PEER_MANAGER_OK) {
    throw_failure(env, &error);
    return NULL;
  }
  return answer_addresses(env, &address, 1);
}

/* Host and port, in their canonical form. */
napi_value address_init(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  peer_manager_address address;

  if (!take(env, info, arguments, 2) || !read_address(env, arguments[0], arguments[1], NULL, 0, &address))
    return NULL;
  return answer_addresses(env, &address, 1);
}

napi_value address_equal(napi_env env, napi_callback_info info)
{
  napi_value arguments[4];
  peer_manager_address a, b;

  if (!take(env, info, arguments, 4) || !read_address(env, arguments[0], arguments[1], NULL, 0, &a)
      || !read_address(env, arguments[2], arguments[3], NULL, 0, &b))
    return NULL;
  return answer_truth(env, peer_manager_address_equal(&a, &b));
}

napi_value address_is_private(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  peer_manager_address address;

  if (!take(env, info, arguments, 2) || !read_address(env, arguments[0], arguments[1], NULL, 0, &address))
    return NULL;
  return answer_truth(env, peer_manager_address_is_private(&address));
}

napi_value address_is_routable(napi_env env, napi_callback_info info)
{
  napi_value arguments[2];
  peer_manager_address address;

  if (!take(env, info, arguments, 2) || !read_address(env, arguments[0], arguments[1], NULL, 0, &address))
    return NULL;
  return answer_truth(env, peer_manager_address_is_routable(&address));
}

/* An address and the time. */
napi_value record_init(napi_env env, napi_callback_info info)
{
  napi_value arguments[3];
  peer_manager_address address;
  peer_manager_record record;
  peer_manager_error error;
  const struct addon *addon;
  int64_t now = 0;

  if (!take(env, info, arguments, 3) || !read_address(env, arguments[0], arguments[1], NULL, 0, &address)
      || !read_time(env, arguments[2], &now))
    return NULL;
  if (peer_manager_record_init(&address, now, &record, &error) != PEER_MANAGER_OK) {
    throw_failure(env, &error);
    return NULL;
  }
  addon = addon_of(env);
  return addon == NULL ? NULL : answer_record(env, addon, &record);
}

/* The parts of a record, and the time. */
napi_value record_is_ready(napi_env env, napi_callback_info info)
{
  napi_value arguments[RECORD_PARTS + 1];
  peer_manager_record record;
  int64_t now = 0;

  if (!take(env, info, arguments, RECORD_PARTS + 1) || !read_record(env, arguments, NULL, 0, &record)
      || !read_time(env, arguments[RECORD_PARTS], &now))
    return NULL;
  return answer_truth(env, peer_manager_record_is_ready(&record, now));
}
