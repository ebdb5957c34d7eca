/* Calls that are about one peer, or about the table as a whole. */
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "handle.h"

static void free_manager(void *manager) { peer_manager_free(manager); }

peer_manager_error *binding_address_init(const char *host, uint16_t port, peer_manager_address *out) {
  peer_manager_error error;
  return peer_manager_address_init(host, port, out, &error) == PEER_MANAGER_OK ? NULL : error_copy(&error);
}

peer_manager_error *binding_address_parse(const char *text, uint16_t default_port, peer_manager_address *out) {
  peer_manager_error error;
  return peer_manager_address_parse(text, default_port, out, &error) == PEER_MANAGER_OK ? NULL : error_copy(&error);
}

bool binding_address_is_private(const char *host, uint16_t port) {
  peer_manager_address address = address_of(host, port);
  return peer_manager_address_is_private(&address);
}

bool binding_address_is_routable(const char *host, uint16_t port) {
  peer_manager_address address = address_of(host, port);
  return peer_manager_address_is_routable(&address);
}

peer_manager_error *binding_open(peer_manager_options *options, bool has_clock, int64_t now, binding_handle *out) {
  peer_manager_error error;
  peer_manager *opened = NULL;
  if (has_clock) {
    options->clock = clock_read;
    clock_set(now);
  }
  if (peer_manager_open(options, &opened, &error) != PEER_MANAGER_OK) {
    return error_copy(&error);
  }
  handle_fill(out, opened, free_manager);
  return NULL;
}

peer_manager_error *binding_flush(binding_handle *handle) {
  CALL(peer_manager, handle, peer_manager_flush(thing, &error));
}

peer_manager_error *binding_ensure_exists(binding_handle *handle, int64_t now, const char *host, uint16_t port) {
  peer_manager_address address = address_of(host, port);
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_ensure_exists(thing, &address, &error));
}

peer_manager_error *binding_load(binding_handle *handle, const char *host, uint16_t port, binding_record *out) {
  peer_manager_error error;
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    peer_manager_address address = address_of(host, port);
    peer_manager_record record;
    if (peer_manager_load(atomic_load(&handle->thing), &address, &record, &error) == PEER_MANAGER_OK) {
      *out = (binding_record){record.next_attempt, record.num_failures, record.peer_type};
    } else {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  return failed;
}

peer_manager_error *binding_store(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                  int64_t next_attempt, uint32_t num_failures, uint32_t peer_type) {
  peer_manager_record record = {address_of(host, port), next_attempt, num_failures, peer_type};
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_store(thing, &record, &error));
}

peer_manager_error *binding_update_type(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                        uint32_t observed_type, bool preferred_type_known) {
  peer_manager_address address = address_of(host, port);
  clock_set(now);
  CALL(peer_manager, handle,
       peer_manager_update_type(thing, &address, observed_type, preferred_type_known, &error));
}

peer_manager_error *binding_update_backoff(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                           uint32_t backoff) {
  peer_manager_address address = address_of(host, port);
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_update_backoff(thing, &address, backoff, &error));
}

peer_manager_error *binding_update(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                   uint32_t observed_type, bool preferred_type_known, uint32_t backoff) {
  peer_manager_address address = address_of(host, port);
  clock_set(now);
  CALL(peer_manager, handle,
       peer_manager_update(thing, &address, observed_type, preferred_type_known, backoff, &error));
}

peer_manager_error *binding_import(binding_handle *handle, int64_t now, const char *path, size_t *out) {
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_import(thing, path, out, &error));
}

peer_manager_error *binding_remove(binding_handle *handle, const char *host, uint16_t port) {
  peer_manager_address address = address_of(host, port);
  CALL(peer_manager, handle, peer_manager_remove(thing, &address, &error));
}

peer_manager_error *binding_remove_host(binding_handle *handle, const char *host, size_t *out) {
  CALL(peer_manager, handle, peer_manager_remove_host(thing, host, out, &error));
}

peer_manager_error *binding_remove_peers_with_many_failures(binding_handle *handle, uint32_t min_num_failures,
                                                            size_t *out) {
  CALL(peer_manager, handle, peer_manager_remove_peers_with_many_failures(thing, min_num_failures, out, &error));
}

peer_manager_error *binding_remove_peers_not_heard_since(binding_handle *handle, int64_t since, size_t *out) {
  CALL(peer_manager, handle, peer_manager_remove_peers_not_heard_since(thing, since, out, &error));
}

peer_manager_error *binding_limit_next_attempt(binding_handle *handle, int64_t latest, size_t *out) {
  CALL(peer_manager, handle, peer_manager_limit_next_attempt(thing, latest, out, &error));
}

peer_manager_error *binding_set_online(binding_handle *handle, bool online) {
  CALL(peer_manager, handle, peer_manager_set_online(thing, online, &error));
}

peer_manager_error *binding_clear_all(binding_handle *handle) {
  CALL(peer_manager, handle, peer_manager_clear_all(thing, &error));
}

peer_manager_error *binding_next_due(binding_handle *handle, int64_t now, int64_t *out) {
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_next_due(thing, out, &error));
}

peer_manager_error *binding_ban(binding_handle *handle, int64_t now, const char *subject, int64_t until, size_t *out) {
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_ban(thing, subject, until, out, &error));
}

peer_manager_error *binding_unban(binding_handle *handle, int64_t now, const char *subject) {
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_unban(thing, subject, &error));
}

peer_manager_error *binding_is_banned(binding_handle *handle, int64_t now, const char *host, uint16_t port, bool *out) {
  peer_manager_address address = address_of(host, port);
  clock_set(now);
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    *out = peer_manager_is_banned(atomic_load(&handle->thing), &address);
    handle_leave(handle);
  }
  return failed;
}

peer_manager_error *binding_get_bans(binding_handle *handle, int64_t now, size_t capacity, peer_manager_ban_entry *out,
                                     size_t *out_count) {
  clock_set(now);
  CALL(peer_manager, handle, peer_manager_get_bans(thing, capacity, out, out_count, &error));
}

peer_manager_error *binding_load_history(binding_handle *handle, const char *host, uint16_t port,
                                         peer_manager_history *out) {
  peer_manager_address address = address_of(host, port);
  CALL(peer_manager, handle, peer_manager_load_history(thing, &address, out, &error));
}

peer_manager_error *binding_set_data(binding_handle *handle, const char *host, uint16_t port, const char *data,
                                     size_t size) {
  peer_manager_address address = address_of(host, port);
  CALL(peer_manager, handle, peer_manager_set_data(thing, &address, data, size, &error));
}

peer_manager_error *binding_get_data(binding_handle *handle, const char *host, uint16_t port, char *out,
                                     size_t capacity, size_t *out_size) {
  peer_manager_address address = address_of(host, port);
  CALL(peer_manager, handle, peer_manager_get_data(thing, &address, out, capacity, out_size, &error));
}

peer_manager_error *binding_peer_count(binding_handle *handle, size_t *out) {
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    *out = peer_manager_peer_count(atomic_load(&handle->thing));
    handle_leave(handle);
  }
  return failed;
}

peer_manager_error *binding_netgroup(binding_handle *handle, const char *host, uint16_t port, uint64_t *out) {
  peer_manager_address address = address_of(host, port);
  CALL(peer_manager, handle, peer_manager_address_netgroup(thing, &address, out, &error));
}

peer_manager_error *binding_get_stats(binding_handle *handle, int64_t now, peer_manager_stats *out) {
  clock_set(now);
  peer_manager_stats_init(out, sizeof *out);
  CALL(peer_manager, handle, peer_manager_get_stats(thing, out, &error));
}

peer_manager_error *binding_get_quarantine(binding_handle *handle, char *path, size_t capacity, uint64_t *out_saved,
                                           uint64_t *out_lost) {
  CALL(peer_manager, handle, peer_manager_get_quarantine(thing, path, capacity, out_saved, out_lost, &error));
}
