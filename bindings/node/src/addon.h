/* The addon in one picture: JavaScript (lib/) checks and flattens its arguments; call.c reads them, runs the operation
 * on this thread or on one of libuv's, and answers; manager.c knows what is open and in which order calls are run. */

#ifndef PEER_MANAGER_ADDON_H
#define PEER_MANAGER_ADDON_H

#define NAPI_VERSION 8 /* every Node.js since 16 has it */

#include <node_api.h>
#include <peer_manager.h>
#include <pthread.h>

struct call;

/* ---- What is open: manager.c ----------------------------------------------------------------------------------- */

/* One for each environment (the main thread, a worker): what it has open. */
struct addon {
  struct manager *first;
  size_t uses;     /* the environment, and each manager */
  double *numbers; /* NUMBERS of them, which JavaScript sees too: exports.numbers */
  napi_ref buffer; /* keeps their memory */
};
#define NUMBERS 5

/* A handle. All of it belongs to the thread of its environment, but `pm`, which is for any, and what `lock` guards. */
struct manager {
  const char *kind; /* manager_kind */
  peer_manager *pm; /* NULL once it is freed */
  bool closing;     /* no further calls */
  bool deferred;
  struct call *running; /* with libuv; its `performed` is guarded by `lock` */
  struct call *first;   /* those that wait for their turn */
  struct call **end;
  pthread_mutex_t lock;
  pthread_cond_t performed;
  size_t uses; /* the JavaScript value, and each call that is not settled */
  struct addon *addon;
  struct manager *next;
  struct manager **link; /* what points to this one */
};

bool addon_create(napi_env env, napi_value exports);
/* What this environment's part of the addon is. NULL: an exception is pending. */
struct addon *addon_of(napi_env env);
napi_value manager_wrap(napi_env env, peer_manager *pm, bool deferred);
struct manager *manager_unwrap(napi_env env, napi_value value);
void manager_forget_use(struct manager *manager);
void manager_enqueue(napi_env env, struct manager *manager, struct call *call);
void manager_mark_performed(struct manager *manager, struct call *call);
void manager_run_next(napi_env env, struct manager *manager, const struct call *settled);
napi_value manager_close(napi_env env, napi_callback_info info);
napi_value manager_flush_all(napi_env env, napi_callback_info info);

/* ---- The time: clock.c ----------------------------------------------------------------------------------------- */

void clock_set(int64_t now);
int64_t clock_read(void *context);

/* ---- From JavaScript: read.c. False: an exception is pending ----------------------------------------------------- */

bool read_u32(napi_env env, napi_value value, uint32_t *out);
/* Seconds: a number, a bigint where no number is exact, or an infinity for the first or last of all. */
bool read_time(napi_env env, napi_value value, int64_t *out);
bool read_u64(napi_env env, napi_value value, uint64_t *out);
bool read_size(napi_env env, napi_value value, size_t *out);
bool read_flag(napi_env env, napi_value value, uint32_t *out);
/* Text of any length, which the caller frees. */
bool read_long_text(napi_env env, napi_value value, char **out);
/* A copy of the bytes of a Uint8Array, which the caller frees. Room for none is NULL. */
bool read_bytes(napi_env env, napi_value value, void **out, size_t *size);
bool is_undefined(napi_env env, napi_value value);
/* Longer than any address. What is cut off is refused by the library for its length. */
#define TEXT_CAPACITY 1024
bool read_text(napi_env env, napi_value value, char buffer[TEXT_CAPACITY]);
/* The text of an address, and undefined or its port. `array` names what it is element `index` of; NULL for none. */
bool read_address(napi_env env, napi_value text, napi_value port, const char *array, size_t index,
                  peer_manager_address *out);
/* Text and port of each, one after the other. The caller frees them. */
bool read_addresses(napi_env env, napi_value flat, const char *name, peer_manager_address **out, size_t *count);
/* The parts of a record, as many as RECORD_PARTS. */
bool read_record(napi_env env, const napi_value *parts, const char *array, size_t index, peer_manager_record *out);
bool read_records(napi_env env, napi_value flat, const char *name, peer_manager_record **out, size_t *count);
#define RECORD_PARTS 5

/* ---- To JavaScript: answer.c. NULL where that fails -------------------------------------------------------------- */

napi_value answer_undefined(napi_env env);
napi_value answer_number(napi_env env, double number);
/* Seconds as a number: Infinity and Number.MIN_SAFE_INTEGER stand for what is beyond the exact ones. */
double time_as_number(int64_t time);
napi_value answer_time(napi_env env, int64_t time);
napi_value answer_unsigned_bigint(napi_env env, uint64_t number);
napi_value answer_text(napi_env env, const char *text);
napi_value answer_truth(napi_env env, bool truth);
napi_value answer_addresses(napi_env env, const peer_manager_address *addresses, size_t count);
napi_value answer_bytes(napi_env env, const void *bytes, size_t size);
/* These put numbers where JavaScript sees them, which is several times as fast as making an array; so they are for an
 * answer that is read at once. A record: port, next attempt, failures and type; its host is the value. */
void answer_numbers(const struct addon *addon, const peer_manager_record *record);
napi_value answer_record(napi_env env, const struct addon *addon, const peer_manager_record *record);
/* Five times; the value is true. */
napi_value answer_history(napi_env env, const struct addon *addon, const peer_manager_history *history);
/* Subject and end of each, one after the other. */
napi_value answer_bans(napi_env env, const peer_manager_ban_entry *bans, size_t count);
napi_value answer_array(napi_env env, const napi_value *values, size_t count);
/* [name of the status, SQLite's code, message]: lib/errors.js makes a PeerManagerError of it. */
napi_value answer_failure(napi_env env, const char *name, int32_t sqlite_code, const char *message);
void throw_failure(napi_env env, const peer_manager_error *error);
void throw_closed(napi_env env);
void throw_out_of_memory(napi_env env);
/* For arguments that lib/ should never have let through. */
void throw_wrong_argument(napi_env env);

/* ---- The quickest: load.c ---------------------------------------------------------------------------------------- */

napi_value load(napi_env env, napi_callback_info info);
napi_value load_canonical(napi_env env, napi_callback_info info);

/* ---- What needs no manager: address.c, snapshot.c ---------------------------------------------------------------- */

napi_value address_parse(napi_env env, napi_callback_info info);
napi_value address_init(napi_env env, napi_callback_info info);
napi_value address_equal(napi_env env, napi_callback_info info);
napi_value address_is_private(napi_env env, napi_callback_info info);
napi_value address_is_routable(napi_env env, napi_callback_info info);
napi_value record_init(napi_env env, napi_callback_info info);
napi_value record_is_ready(napi_env env, napi_callback_info info);

napi_value snapshot_wrap(napi_env env, peer_manager_snapshot *snapshot);
napi_value snapshot_get(napi_env env, napi_callback_info info);
napi_value snapshot_get_history(napi_env env, napi_callback_info info);
napi_value snapshot_get_data(napi_env env, napi_callback_info info);
napi_value snapshot_count(napi_env env, napi_callback_info info);
napi_value snapshot_close(napi_env env, napi_callback_info info);

#endif
