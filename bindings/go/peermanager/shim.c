#include "shim.h"

#include <pthread.h>

#include "_cgo_export.h"

static int64_t read_clock(void *context)
{
  return peermanagerClock((uintptr_t)context);
}

void peermanager_set_clock(peer_manager_options *options, uintptr_t handle)
{
  options->clock = read_clock;
  options->clock_context = (void *)handle; /* a number, never dereferenced */
}

uintptr_t peermanager_thread(void)
{
  return (uintptr_t)pthread_self();
}

peer_manager_status peermanager_load_random_peers(peer_manager *pm, peer_manager_query query,
                                                  const peer_manager_address *exclude, size_t exclude_count, size_t size,
                                                  peer_manager_address *out, size_t *out_count,
                                                  peer_manager_error *error)
{
  query.exclude = exclude;
  query.exclude_count = exclude_count;
  return peer_manager_load_random_peers(pm, &query, size, out, out_count, error);
}

peer_manager_status peermanager_get_peers_to_send(peer_manager *pm, int has_query, peer_manager_query query,
                                                  const peer_manager_address *exclude, size_t exclude_count,
                                                  const peer_manager_address *asker, size_t size,
                                                  peer_manager_address *out, size_t *out_count,
                                                  peer_manager_error *error)
{
  query.exclude = exclude;
  query.exclude_count = exclude_count;
  return peer_manager_get_peers_to_send(pm, has_query ? &query : NULL, asker, size, out, out_count, error);
}

peer_manager_status peermanager_snapshot_read(const peer_manager_snapshot *snapshot, size_t index, size_t count,
                                              peer_manager_record *out, peer_manager_error *error)
{
  size_t i;

  for (i = 0; i < count; i++) {
    const peer_manager_status status = peer_manager_snapshot_get(snapshot, index + i, &out[i], error);
    if (status != PEER_MANAGER_OK)
      return status;
  }
  return PEER_MANAGER_OK;
}
