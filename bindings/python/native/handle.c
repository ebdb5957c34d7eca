#include "handle.h"

#include <pthread.h>
#include <stdlib.h>

static const uint32_t IS_CLOSED = UINT32_C(1) << 31;

/* Another number in each process that was forked from another. */
static uint64_t process = 1;

static void count_process(void) { process++; }

bool binding_start(void) {
  static bool is_started;
  if (!is_started) {
    is_started = pthread_atfork(NULL, NULL, count_process) == 0;
  }
  return is_started;
}

/* Errors that need no memory. The library writes to none of them. */
static peer_manager_error closed = {BINDING_CLOSED, 0, ""};
static peer_manager_error inherited = {BINDING_INHERITED, 0, ""};
static peer_manager_error no_memory = {PEER_MANAGER_ERROR_NO_MEMORY, 0, "there is not enough memory; free some"};

peer_manager_error *error_no_memory(void) { return &no_memory; }

peer_manager_error *error_copy(const peer_manager_error *error) {
  peer_manager_error *copy = malloc(sizeof *copy);
  if (copy == NULL) {
    return &no_memory;
  }
  *copy = *error;
  return copy;
}

void binding_error_free(peer_manager_error *error) {
  if (error != &closed && error != &inherited && error != &no_memory) {
    free(error);
  }
}

void handle_fill(binding_handle *handle, void *thing, void (*release)(void *)) {
  handle->release = release;
  handle->process = process;
  atomic_store(&handle->thing, thing);
}

bool binding_is_closed(binding_handle *handle) {
  return handle->process == 0 || (atomic_load(&handle->state) & IS_CLOSED) != 0;
}

bool binding_is_inherited(binding_handle *handle) { return handle->process != process && handle->process != 0; }

bool binding_is_used(binding_handle *handle) {
  return !binding_is_inherited(handle) && (atomic_load(&handle->state) & ~IS_CLOSED) != 0;
}

/* Called when no thread is in a call and none will be. More than one thread may find out that it is so. */
static void free_once(binding_handle *handle) {
  /* In a child a lock may be held for ever by a thread that is not there, so its copy is left alone. */
  if (binding_is_inherited(handle)) {
    return;
  }
  void *thing = atomic_exchange(&handle->thing, NULL);
  if (thing != NULL) {
    handle->release(thing);
  }
}

peer_manager_error *handle_enter(binding_handle *handle) {
  /* One operation counts this thread and reads whether it is closed: the thread that closes does the same. */
  uint32_t before = atomic_fetch_add(&handle->state, 1);
  if ((before & IS_CLOSED) != 0 || handle->process == 0) {
    handle_leave(handle);
    return &closed;
  }
  if (binding_is_inherited(handle)) {
    handle_leave(handle);
    return &inherited;
  }
  return NULL;
}

void handle_leave(binding_handle *handle) {
  if (atomic_fetch_sub(&handle->state, 1) == (IS_CLOSED | 1)) {
    free_once(handle);
  }
}

void binding_close(binding_handle *handle) {
  if ((atomic_fetch_or(&handle->state, IS_CLOSED) & ~IS_CLOSED) == 0) {
    free_once(handle);
  }
}

static _Thread_local int64_t present;

void clock_set(int64_t now) { present = now; }

int64_t clock_read(void *context) {
  (void)context;
  return present;
}
