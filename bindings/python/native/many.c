/* Calls that take or return many addresses, and snapshots. */
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "handle.h"

static void free_snapshot(void *snapshot) { peer_manager_snapshot_free(snapshot); }

peer_manager_error *binding_ensure_exists_many(binding_handle *handle, int64_t now, const char *hosts,
                                               const uint16_t *ports, size_t count, size_t *out) {
  peer_manager_error error;
  peer_manager_address *addresses = addresses_of(hosts, ports, count);
  if (addresses == NULL && count > 0) {
    return error_no_memory();
  }
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    clock_set(now);
    if (peer_manager_ensure_exists_many(atomic_load(&handle->thing), addresses, count, out, &error) !=
        PEER_MANAGER_OK) {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  free(addresses);
  return failed;
}

peer_manager_error *binding_set_own_addresses(binding_handle *handle, const char *hosts, const uint16_t *ports,
                                              size_t count) {
  peer_manager_error error;
  peer_manager_address *addresses = addresses_of(hosts, ports, count);
  if (addresses == NULL && count > 0) {
    return error_no_memory();
  }
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    if (peer_manager_set_own_addresses(atomic_load(&handle->thing), addresses, count, &error) != PEER_MANAGER_OK) {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  free(addresses);
  return failed;
}

peer_manager_error *binding_store_many(binding_handle *handle, int64_t now, const char *hosts, const uint16_t *ports,
                                       const int64_t *next_attempts, const uint32_t *num_failures,
                                       const uint32_t *peer_types, size_t count) {
  peer_manager_error error;
  peer_manager_address *addresses = addresses_of(hosts, ports, count);
  peer_manager_record *records = count == 0 ? NULL : calloc(count, sizeof *records);
  peer_manager_error *failed = NULL;
  if (count > 0 && (addresses == NULL || records == NULL)) {
    failed = error_no_memory();
  }
  if (failed == NULL) {
    for (size_t i = 0; i < count; i++) {
      records[i] = (peer_manager_record){addresses[i], next_attempts[i], num_failures[i], peer_types[i]};
    }
    failed = handle_enter(handle);
    if (failed == NULL) {
      clock_set(now);
      if (peer_manager_store_many(atomic_load(&handle->thing), records, count, &error) != PEER_MANAGER_OK) {
        failed = error_copy(&error);
      }
      handle_leave(handle);
    }
  }
  free(records);
  free(addresses);
  return failed;
}

/* Turns the addresses at `out` into hosts and ports. A host and its newline are never longer than the struct. */
static void pack(void *out, size_t count, uint16_t *ports, size_t *out_sizes) {
  const peer_manager_address *addresses = out;
  char *end = out;
  for (size_t i = 0; i < count; i++) {
    /* The port first: packing the host may overwrite it. */
    ports[i] = addresses[i].port;
    end = put_host(end, &addresses[i]);
  }
  out_sizes[0] = count;
  out_sizes[1] = (size_t)(end - (char *)out);
}

peer_manager_error *binding_load_random_peers(binding_handle *handle, int64_t now, const peer_manager_query *query,
                                              const char *excluded_hosts, const uint16_t *excluded_ports,
                                              size_t excluded, size_t size, void *out, uint16_t *ports,
                                              size_t *out_sizes) {
  peer_manager_error error;
  peer_manager_query asked = *query;
  peer_manager_address *exclude = addresses_of(excluded_hosts, excluded_ports, excluded);
  if (exclude == NULL && excluded > 0) {
    return error_no_memory();
  }
  asked.exclude = exclude;
  asked.exclude_count = excluded;
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    size_t count = 0;
    clock_set(now);
    if (peer_manager_load_random_peers(atomic_load(&handle->thing), &asked, size, out, &count, &error) ==
        PEER_MANAGER_OK) {
      pack(out, count, ports, out_sizes);
    } else {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  free(exclude);
  return failed;
}

peer_manager_error *binding_get_peers_to_send(binding_handle *handle, int64_t now, const peer_manager_query *query,
                                              const char *excluded_hosts, const uint16_t *excluded_ports,
                                              size_t excluded, const char *asker_host, uint16_t asker_port, size_t size,
                                              void *out, uint16_t *ports, size_t *out_sizes) {
  peer_manager_error error;
  peer_manager_query asked;
  peer_manager_address asker;
  peer_manager_address *exclude = addresses_of(excluded_hosts, excluded_ports, excluded);
  if (exclude == NULL && excluded > 0) {
    return error_no_memory();
  }
  if (query != NULL) {
    asked = *query;
    asked.exclude = exclude;
    asked.exclude_count = excluded;
  }
  if (asker_host != NULL) {
    asker = address_of(asker_host, asker_port);
  }
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    size_t count = 0;
    clock_set(now);
    if (peer_manager_get_peers_to_send(atomic_load(&handle->thing), query == NULL ? NULL : &asked,
                                       asker_host == NULL ? NULL : &asker, size, out, &count,
                                       &error) == PEER_MANAGER_OK) {
      pack(out, count, ports, out_sizes);
    } else {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  free(exclude);
  return failed;
}

peer_manager_error *binding_next_to_dial(binding_handle *handle, int64_t now, uint32_t purpose, const char *busy_hosts,
                                         const uint16_t *busy_ports, size_t busy, size_t size, void *out,
                                         uint16_t *ports, size_t *out_sizes) {
  peer_manager_error error;
  peer_manager_address *addresses = addresses_of(busy_hosts, busy_ports, busy);
  if (addresses == NULL && busy > 0) {
    return error_no_memory();
  }
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    size_t count = 0;
    clock_set(now);
    if (peer_manager_next_to_dial(atomic_load(&handle->thing), purpose, addresses, busy, size, out, &count, &error) ==
        PEER_MANAGER_OK) {
      pack(out, count, ports, out_sizes);
    } else {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  free(addresses);
  return failed;
}

peer_manager_error *binding_get_all_peers(binding_handle *handle, binding_handle *out, size_t *out_count) {
  peer_manager_error error;
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    peer_manager_snapshot *snapshot = NULL;
    if (peer_manager_get_all_peers(atomic_load(&handle->thing), &snapshot, &error) == PEER_MANAGER_OK) {
      *out_count = peer_manager_snapshot_count(snapshot);
      handle_fill(out, snapshot, free_snapshot);
    } else {
      failed = error_copy(&error);
    }
    handle_leave(handle);
  }
  return failed;
}

peer_manager_error *binding_snapshot_get(binding_handle *handle, size_t first, size_t count, char *hosts,
                                         uint16_t *ports, binding_record *records, size_t *out_size) {
  peer_manager_error error;
  peer_manager_error *failed = handle_enter(handle);
  if (failed == NULL) {
    peer_manager_snapshot *snapshot = atomic_load(&handle->thing);
    char *end = hosts;
    for (size_t i = 0; i < count && failed == NULL; i++) {
      peer_manager_record record;
      if (peer_manager_snapshot_get(snapshot, first + i, &record, &error) == PEER_MANAGER_OK) {
        end = put_host(end, &record.address);
        ports[i] = record.address.port;
        records[i] = (binding_record){record.next_attempt, record.num_failures, record.peer_type};
      } else {
        failed = error_copy(&error);
      }
    }
    *out_size = (size_t)(end - hosts);
    handle_leave(handle);
  }
  return failed;
}

peer_manager_error *binding_snapshot_get_history(binding_handle *handle, size_t index, peer_manager_history *out) {
  CALL(peer_manager_snapshot, handle, peer_manager_snapshot_get_history(thing, index, out, &error));
}

peer_manager_error *binding_snapshot_get_data(binding_handle *handle, size_t index, char *out, size_t capacity,
                                              size_t *out_size) {
  CALL(peer_manager_snapshot, handle, peer_manager_snapshot_get_data(thing, index, out, capacity, out_size, &error));
}
