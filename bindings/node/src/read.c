/* From JavaScript to C. lib/ has checked types and ranges, with better messages than there are here; what is checked
 * again keeps C safe from mistakes there. */

#include "addon.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIZE 9007199254740991.0 /* Number.MAX_SAFE_INTEGER */

static bool sound(napi_env env, bool ok)
{
  if (!ok)
    throw_wrong_argument(env);
  return ok;
}

bool read_u32(napi_env env, napi_value value, uint32_t *out)
{
  return sound(env, napi_get_value_uint32(env, value, out) == napi_ok);
}

static bool is_exact(double number)
{
  return number >= -MOST_SIZE && number <= MOST_SIZE && number == (double)(int64_t)number;
}

bool read_time(napi_env env, napi_value value, int64_t *out)
{
  bool exact = false;
  double number = 0;

  if (napi_get_value_double(env, value, &number) != napi_ok)
    return sound(env, napi_get_value_bigint_int64(env, value, out, &exact) == napi_ok && exact);
  if (isinf(number)) {
    *out = number > 0 ? INT64_MAX : INT64_MIN;
    return true;
  }
  if (!sound(env, is_exact(number)))
    return false;
  *out = (int64_t)number;
  return true;
}

bool read_u64(napi_env env, napi_value value, uint64_t *out)
{
  bool exact = false;
  double number = 0;

  if (napi_get_value_double(env, value, &number) != napi_ok)
    return sound(env, napi_get_value_bigint_uint64(env, value, out, &exact) == napi_ok && exact);
  if (!sound(env, is_exact(number) && number >= 0))
    return false;
  *out = (uint64_t)number;
  return true;
}

bool read_size(napi_env env, napi_value value, size_t *out)
{
  double number = -1;

  if (!sound(env, napi_get_value_double(env, value, &number) == napi_ok && number >= 0 && number <= MOST_SIZE))
    return false;
  *out = number >= (double)SIZE_MAX ? SIZE_MAX : (size_t)number;
  return true;
}

bool read_flag(napi_env env, napi_value value, uint32_t *out)
{
  bool flag = false;

  if (!sound(env, napi_get_value_bool(env, value, &flag) == napi_ok))
    return false;
  *out = flag;
  return true;
}

bool is_undefined(napi_env env, napi_value value)
{
  napi_valuetype type = napi_object;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool read_long_text(napi_env env, napi_value value, char **out)
{
  size_t length = 0;

  if (!sound(env, napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok))
    return false;
  *out = malloc(length + 1);
  if (*out == NULL) {
    throw_out_of_memory(env);
    return false;
  }
  return sound(env, napi_get_value_string_utf8(env, value, *out, length + 1, &length) == napi_ok
                      && strlen(*out) == length);
}

bool read_bytes(napi_env env, napi_value value, void **out, size_t *size)
{
  napi_typedarray_type type = napi_float64_array;
  void *bytes = NULL;

  if (!sound(env, napi_get_typedarray_info(env, value, &type, size, &bytes, NULL, NULL) == napi_ok
                    && type == napi_uint8_array))
    return false;
  if (*size == 0)
    return true;
  *out = malloc(*size);
  if (*out == NULL) {
    throw_out_of_memory(env);
    return false;
  }
  memcpy(*out, bytes, *size);
  return true;
}

/* ---- Addresses ------------------------------------------------------------------------------------------------- */

/* Names the element, as the library does not know which one it was given. */
static void throw_element(napi_env env, const char *array, size_t index, const peer_manager_error *error)
{
  char message[sizeof error->message + 64];
  napi_value failure;

  if (array == NULL) {
    throw_failure(env, error);
    return;
  }
  snprintf(message, sizeof message, "%s[%zu]: %s", array, index, error->message);
  failure = answer_failure(env, peer_manager_status_name(error->status), error->sqlite_code, message);
  if (failure != NULL)
    napi_throw(env, failure);
}

/* A NUL would end the text for C, and another address would be meant than was written. */
bool read_text(napi_env env, napi_value value, char buffer[TEXT_CAPACITY])
{
  size_t length = 0;

  return sound(env, napi_get_value_string_utf8(env, value, buffer, TEXT_CAPACITY, &length) == napi_ok
                      && strlen(buffer) == length);
}

bool read_address(napi_env env, napi_value text, napi_value port, const char *array, size_t index,
                  peer_manager_address *out)
{
  peer_manager_error error;
  peer_manager_status status;
  char buffer[TEXT_CAPACITY];
  uint32_t number = 0;

  if (!read_text(env, text, buffer))
    return false;
  if (is_undefined(env, port)) {
    status = peer_manager_address_parse(buffer, 0, out, &error);
  } else {
    if (!read_u32(env, port, &number) || !sound(env, number <= UINT16_MAX))
      return false;
    status = peer_manager_address_init(buffer, (uint16_t)number, out, &error);
  }
  if (status != PEER_MANAGER_OK)
    throw_element(env, array, index, &error);
  return status == PEER_MANAGER_OK;
}

bool read_record(napi_env env, const napi_value *parts, const char *array, size_t index, peer_manager_record *out)
{
  return read_address(env, parts[0], parts[1], array, index, &out->address)
         && read_time(env, parts[2], &out->next_attempt)
         && read_u32(env, parts[3], &out->num_failures) && read_u32(env, parts[4], &out->peer_type);
}

/* ---- Arrays of them --------------------------------------------------------------------------------------------- */

/* Makes room for as many as `flat` holds, each of `parts` elements. Room for none is NULL. */
static bool make_room(napi_env env, napi_value flat, size_t parts, size_t element_size, void **out, size_t *count)
{
  uint32_t length = 0;

  if (!sound(env, napi_get_array_length(env, flat, &length) == napi_ok && length % parts == 0))
    return false;
  *count = length / parts;
  if (*count == 0)
    return true;
  *out = calloc(*count, element_size);
  if (*out == NULL)
    throw_out_of_memory(env);
  return *out != NULL;
}

/* Fetches the parts of one element. The handles live as long as the scope that the caller has opened. */
static bool fetch(napi_env env, napi_value flat, size_t index, size_t parts, napi_value *out)
{
  size_t i;

  for (i = 0; i < parts; i++) {
    if (!sound(env, napi_get_element(env, flat, (uint32_t)(index * parts + i), &out[i]) == napi_ok))
      return false;
  }
  return true;
}

bool read_addresses(napi_env env, napi_value flat, const char *name, peer_manager_address **out, size_t *count)
{
  napi_handle_scope scope;
  void *room = NULL;
  napi_value parts[2];
  bool ok = true;
  size_t i;

  if (!make_room(env, flat, 2, sizeof **out, &room, count))
    return false;
  *out = room;
  for (i = 0; i < *count && ok; i++) {
    if (!sound(env, napi_open_handle_scope(env, &scope) == napi_ok))
      return false;
    ok = fetch(env, flat, i, 2, parts) && read_address(env, parts[0], parts[1], name, i, &(*out)[i]);
    napi_close_handle_scope(env, scope);
  }
  return ok;
}

bool read_records(napi_env env, napi_value flat, const char *name, peer_manager_record **out, size_t *count)
{
  napi_handle_scope scope;
  void *room = NULL;
  napi_value parts[RECORD_PARTS];
  bool ok = true;
  size_t i;

  if (!make_room(env, flat, RECORD_PARTS, sizeof **out, &room, count))
    return false;
  *out = room;
  for (i = 0; i < *count && ok; i++) {
    if (!sound(env, napi_open_handle_scope(env, &scope) == napi_ok))
      return false;
    ok = fetch(env, flat, i, RECORD_PARTS, parts) && read_record(env, parts, name, i, &(*out)[i]);
    napi_close_handle_scope(env, scope);
  }
  return ok;
}
