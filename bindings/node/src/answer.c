/* From C to JavaScript. */

#include "addon.h"

#include <math.h>

#define MOST_EXACT 9007199254740991 /* Number.MAX_SAFE_INTEGER */

napi_value answer_undefined(napi_env env)
{
  napi_value value = NULL;
  return napi_get_undefined(env, &value) == napi_ok ? value : NULL;
}

napi_value answer_number(napi_env env, double number)
{
  napi_value value = NULL;
  return napi_create_double(env, number, &value) == napi_ok ? value : NULL;
}

double time_as_number(int64_t time)
{
  if (time > MOST_EXACT)
    return INFINITY;
  return (double)(time < -MOST_EXACT ? -MOST_EXACT : time);
}

napi_value answer_time(napi_env env, int64_t time)
{
  return answer_number(env, time_as_number(time));
}

napi_value answer_unsigned_bigint(napi_env env, uint64_t number)
{
  napi_value value = NULL;
  return napi_create_bigint_uint64(env, number, &value) == napi_ok ? value : NULL;
}

napi_value answer_text(napi_env env, const char *text)
{
  napi_value value = NULL;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok ? value : NULL;
}

napi_value answer_truth(napi_env env, bool truth)
{
  napi_value value = NULL;
  return napi_get_boolean(env, truth, &value) == napi_ok ? value : NULL;
}

napi_value answer_bytes(napi_env env, const void *bytes, size_t size)
{
  napi_value value = NULL;
  return napi_create_buffer_copy(env, size, bytes, NULL, &value) == napi_ok ? value : NULL;
}

napi_value answer_array(napi_env env, const napi_value *values, size_t count)
{
  napi_value array = NULL;
  size_t i;

  if (napi_create_array_with_length(env, count, &array) != napi_ok)
    return NULL;
  for (i = 0; i < count; i++) {
    if (values[i] == NULL || napi_set_element(env, array, (uint32_t)i, values[i]) != napi_ok)
      return NULL;
  }
  return array;
}

/* Host and port of one address into two elements. */
static bool put_address(napi_env env, napi_value array, size_t index, const peer_manager_address *address)
{
  napi_handle_scope scope;
  napi_value host, port;
  bool ok;

  if (napi_open_handle_scope(env, &scope) != napi_ok)
    return false;
  ok = napi_create_string_latin1(env, address->host, NAPI_AUTO_LENGTH, &host) == napi_ok
       && napi_create_uint32(env, address->port, &port) == napi_ok
       && napi_set_element(env, array, (uint32_t)(2 * index), host) == napi_ok
       && napi_set_element(env, array, (uint32_t)(2 * index + 1), port) == napi_ok;
  napi_close_handle_scope(env, scope);
  return ok;
}

napi_value answer_addresses(napi_env env, const peer_manager_address *addresses, size_t count)
{
  napi_value array = NULL;
  size_t i;

  if (count > UINT32_MAX / 2 || napi_create_array_with_length(env, 2 * count, &array) != napi_ok)
    return NULL;
  for (i = 0; i < count; i++) {
    if (!put_address(env, array, i, &addresses[i]))
      return NULL;
  }
  return array;
}

void answer_numbers(const struct addon *addon, const peer_manager_record *record)
{
  addon->numbers[0] = record->address.port;
  addon->numbers[1] = time_as_number(record->next_attempt);
  addon->numbers[2] = record->num_failures;
  addon->numbers[3] = record->peer_type;
}

napi_value answer_record(napi_env env, const struct addon *addon, const peer_manager_record *record)
{
  napi_value host = NULL;

  answer_numbers(addon, record);
  return napi_create_string_latin1(env, record->address.host, NAPI_AUTO_LENGTH, &host) == napi_ok ? host : NULL;
}

napi_value answer_history(napi_env env, const struct addon *addon, const peer_manager_history *history)
{
  addon->numbers[0] = time_as_number(history->first_heard);
  addon->numbers[1] = time_as_number(history->last_heard);
  addon->numbers[2] = time_as_number(history->first_reached);
  addon->numbers[3] = time_as_number(history->last_reached);
  addon->numbers[4] = time_as_number(history->last_attempt);
  return answer_truth(env, true);
}

static bool put_ban(napi_env env, napi_value array, size_t index, const peer_manager_ban_entry *ban)
{
  napi_handle_scope scope;
  napi_value subject, until;
  bool ok;

  if (napi_open_handle_scope(env, &scope) != napi_ok)
    return false;
  ok = napi_create_string_latin1(env, ban->subject, NAPI_AUTO_LENGTH, &subject) == napi_ok
       && napi_create_double(env, time_as_number(ban->until), &until) == napi_ok
       && napi_set_element(env, array, (uint32_t)(2 * index), subject) == napi_ok
       && napi_set_element(env, array, (uint32_t)(2 * index + 1), until) == napi_ok;
  napi_close_handle_scope(env, scope);
  return ok;
}

napi_value answer_bans(napi_env env, const peer_manager_ban_entry *bans, size_t count)
{
  napi_value array = NULL;
  size_t i;

  if (count > UINT32_MAX / 2 || napi_create_array_with_length(env, 2 * count, &array) != napi_ok)
    return NULL;
  for (i = 0; i < count; i++) {
    if (!put_ban(env, array, i, &bans[i]))
      return NULL;
  }
  return array;
}

napi_value answer_failure(napi_env env, const char *name, int32_t sqlite_code, const char *message)
{
  const napi_value parts[] = {answer_text(env, name), answer_number(env, sqlite_code), answer_text(env, message)};

  return answer_array(env, parts, sizeof parts / sizeof parts[0]);
}

static void throw_value(napi_env env, napi_value value)
{
  if (value != NULL)
    napi_throw(env, value);
}

void throw_failure(napi_env env, const peer_manager_error *error)
{
  throw_value(env, answer_failure(env, peer_manager_status_name(error->status), error->sqlite_code, error->message));
}

void throw_closed(napi_env env)
{
  throw_value(env, answer_failure(env, "CLOSED", 0, "the peer manager is closed; open another one"));
}

void throw_out_of_memory(napi_env env)
{
  napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED", "there is not enough memory for the call");
}

void throw_wrong_argument(napi_env env)
{
  bool pending = true;

  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending)
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "an argument has the wrong type");
}
