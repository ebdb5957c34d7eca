/* Handles: the life of what the library has allocated, whatever the program does meanwhile. */
#ifndef PEER_MANAGER_PYTHON_HANDLE_H
#define PEER_MANAGER_PYTHON_HANDLE_H

#include <stdatomic.h>

#include "peer_manager.h"

#include "binding.h"

struct binding_handle {
  /* How many threads are in a call, and the bit IS_CLOSED. */
  _Atomic uint32_t state;
  /* NULL once it was freed. */
  _Atomic(void *) thing;
  void (*release)(void *);
  uint64_t process;
};

/* Puts a thing into a handle that is all zero. */
void handle_fill(binding_handle *handle, void *thing, void (*release)(void *));

/* Begins to use a handle; on success handle_leave ends that. */
peer_manager_error *handle_enter(binding_handle *handle);
void handle_leave(binding_handle *handle);

/* A copy that outlives the call. */
peer_manager_error *error_copy(const peer_manager_error *error);
peer_manager_error *error_no_memory(void);

/* The time that the library's clock reads in this thread. */
void clock_set(int64_t now);
int64_t clock_read(void *context);

/* The body of a function: calls the library with `thing`, which the handle holds, and `error`. */
#define CALL(type, handle, call)                          \
  do {                                                    \
    peer_manager_error *failed = handle_enter(handle);    \
    if (failed == NULL) {                                 \
      peer_manager_error error;                           \
      type *const thing = atomic_load(&(handle)->thing);  \
      if ((call) != PEER_MANAGER_OK) {                    \
        failed = error_copy(&error);                      \
      }                                                   \
      handle_leave(handle);                               \
    }                                                     \
    return failed;                                        \
  } while (0)

#endif
