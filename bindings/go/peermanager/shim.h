/* What Go cannot say in C's terms: a callback, and a struct in Go's memory that points to more of it. */
#ifndef PEERMANAGER_SHIM_H
#define PEERMANAGER_SHIM_H

#include <peer_manager.h>

/* Has the library read the clock that the handle stands for. */
void peermanager_set_clock(peer_manager_options *options, uintptr_t handle);

/* A number that no other running thread has. */
uintptr_t peermanager_thread(void);

/* Go may pass a pointer to its memory, but none to memory that holds such pointers: the query is put together here. */
peer_manager_status peermanager_load_random_peers(peer_manager *pm, peer_manager_query query,
                                                  const peer_manager_address *exclude, size_t exclude_count, size_t size,
                                                  peer_manager_address *out, size_t *out_count,
                                                  peer_manager_error *error);
/* Takes has_query for a pointer that may be NULL. */
peer_manager_status peermanager_get_peers_to_send(peer_manager *pm, int has_query, peer_manager_query query,
                                                  const peer_manager_address *exclude, size_t exclude_count,
                                                  const peer_manager_address *asker, size_t size,
                                                  peer_manager_address *out, size_t *out_count,
                                                  peer_manager_error *error);

/* Reads up to count records from index on, so that Go crosses into C once for many. */
peer_manager_status peermanager_snapshot_read(const peer_manager_snapshot *snapshot, size_t index, size_t count,
                                              peer_manager_record *out, peer_manager_error *error);

#endif
