/* The operations that insert, update and remove peers. */
#include "player.h"

#include <string.h>

static bool is(const char *operation, const char *name) {
  return strcmp(operation, name) == 0;
}

static peer_manager_status store_many(void) {
  peer_manager_record records[MAX_WORDS];
  size_t n;
  for (n = 1; n < word_count; n++) {
    char *parts[4];
    size_t part;
    for (part = 0; part < 4; part++) parts[part] = strtok(part == 0 ? word_to_cut(n) : NULL, ",");
    if (parts[3] == NULL) wrong("a record has four parts", word(n));
    if (read_record(parts, &records[n - 1])) return failure.status;
  }
  return peer_manager_store_many(pm, records, word_count - 1, &failure);
}

/* A hexadecimal digit's value. */
static int digit(char character) {
  static const char digits[] = "0123456789abcdef";
  const char *place = character == '\0' ? NULL : strchr(digits, character);
  if (place == NULL) wrong("no bytes in hexadecimal digits", word(2));
  return (int)(place - digits);
}

static peer_manager_status set_data(const peer_manager_address *address) {
  unsigned char data[MAX_LINE / 2];
  const char *text = strcmp(word(2), "-") == 0 ? "" : word(2);
  size_t size = 0;
  for (; text[2 * size] != '\0'; size++) data[size] = (unsigned char)(digit(text[2 * size]) << 4 | digit(text[2 * size + 1]));
  return peer_manager_set_data(pm, address, data, size, &failure);
}

static peer_manager_status store(void) {
  char *parts[4];
  peer_manager_record record;
  size_t part;
  for (part = 0; part < 4; part++) parts[part] = word_to_cut(part + 1);
  if (read_record(parts, &record)) return failure.status;
  return peer_manager_store(pm, &record, &failure);
}

static peer_manager_status ensure_exists_many(void) {
  peer_manager_address addresses[MAX_WORDS];
  size_t count, inserted;
  if (read_addresses(1, addresses, &count)) return failure.status;
  if (peer_manager_ensure_exists_many(pm, addresses, count, &inserted, &failure)) return failure.status;
  say("inserted %zu", inserted);
  return PEER_MANAGER_OK;
}

/* Says how many peers an operation has changed, if it has succeeded. */
static peer_manager_status say_count(peer_manager_status status, const char *what, size_t count) {
  if (status == PEER_MANAGER_OK) say("%s %zu", what, count);
  return status;
}

/* The operations on one peer, whose first word is its address. */
static bool change_peer(const char *operation, peer_manager_status *status) {
  static const char *const names[] = {"ensure_exists", "remove", "update_type", "update_backoff", "update", "set_data", NULL};
  peer_manager_address address;
  size_t n = 0;
  while (names[n] != NULL && !is(operation, names[n])) n++;
  if (names[n] == NULL) return false;
  *status = read_address(word(1), &address);
  if (*status != PEER_MANAGER_OK) return true;
  if (is(operation, "ensure_exists")) {
    *status = peer_manager_ensure_exists(pm, &address, &failure);
  } else if (is(operation, "remove")) {
    *status = peer_manager_remove(pm, &address, &failure);
  } else if (is(operation, "update_type")) {
    *status = peer_manager_update_type(pm, &address, number_of(word(2), types), read_truth(word(3)), &failure);
  } else if (is(operation, "set_data")) {
    *status = set_data(&address);
  } else if (is(operation, "update_backoff")) {
    *status = peer_manager_update_backoff(pm, &address, number_of(word(2), backoffs), &failure);
  } else {
    *status = peer_manager_update(pm, &address, number_of(word(2), types), read_truth(word(3)), number_of(word(4), backoffs),
                                  &failure);
  }
  return true;
}

bool change_peers(const char *operation, peer_manager_status *status) {
  size_t count = 0;
  if (change_peer(operation, status)) return true;
  if (is(operation, "ensure_exists_many")) {
    *status = ensure_exists_many();
  } else if (is(operation, "store")) {
    *status = store();
  } else if (is(operation, "store_many")) {
    *status = store_many();
  } else if (is(operation, "remove_peers_with_many_failures")) {
    *status = peer_manager_remove_peers_with_many_failures(pm, (uint32_t)read_unsigned(word(1)), &count, &failure);
    *status = say_count(*status, "removed", count);
  } else if (is(operation, "remove_peers_not_heard_since")) {
    *status = peer_manager_remove_peers_not_heard_since(pm, read_number(word(1)), &count, &failure);
    *status = say_count(*status, "removed", count);
  } else if (is(operation, "remove_host")) {
    *status = peer_manager_remove_host(pm, word(1), &count, &failure);
    *status = say_count(*status, "removed", count);
  } else if (is(operation, "limit_next_attempt")) {
    *status = peer_manager_limit_next_attempt(pm, read_number(word(1)), &count, &failure);
    *status = say_count(*status, "changed", count);
  } else if (is(operation, "clear_all")) {
    *status = peer_manager_clear_all(pm, &failure);
  } else if (is(operation, "flush")) {
    *status = peer_manager_flush(pm, &failure);
  } else {
    return false;
  }
  return true;
}
