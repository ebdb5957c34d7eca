/* A call: what goes in, what comes out, and how it is run. It touches JavaScript only before and after it is run, so
 * any thread may run it. */

#ifndef PEER_MANAGER_CALL_H
#define PEER_MANAGER_CALL_H

#include "addon.h"

#define MOST_ARGUMENTS 19 /* of any operation, with the two that all have: the manager and the time */

struct call {
  const struct operation *operation;
  struct manager *manager; /* NULL for an opening */
  int64_t now;             /* what the clock said when the call was made */

  /* What goes in. */
  peer_manager_record record; /* its address alone, for most */
  peer_manager_record *records;
  peer_manager_address *addresses; /* also those that a query excludes */
  size_t count;                    /* of either */
  uint32_t known;
  uint32_t backoff;
  uint32_t purpose;
  uint32_t online;
  peer_manager_query query;
  bool has_query;
  bool has_address; /* to exclude */
  size_t size;
  peer_manager_options options;
  char *path; /* also what goes out */
  char *asmap_path;
  char *subject; /* of a ban, or the host of peers */
  void *bytes;
  int64_t time;  /* until, since or at the latest */

  /* What comes out. */
  peer_manager *opened;
  peer_manager_address *chosen;
  peer_manager_ban_entry *bans;
  peer_manager_history history;
  char data[PEER_MANAGER_DATA_CAPACITY];
  bool truth;
  peer_manager_snapshot *snapshot;
  peer_manager_stats stats;
  uint64_t saved;
  uint64_t lost;
  size_t number;
  int64_t due;
  uint64_t netgroup;
  peer_manager_status status;
  peer_manager_error error;

  /* Of those that are run by libuv. */
  napi_async_work work;
  napi_deferred promise;
  napi_ref handle; /* keeps the manager's JavaScript value from being collected */
  bool performed;
  struct call *next;
};

struct operation {
  const char *name;
  /* Reads the arguments behind the manager and the time; NULL where there are none. */
  bool (*read)(napi_env env, struct call *call, const napi_value *arguments);
  peer_manager_status (*run)(struct call *call);
  /* NULL for undefined. */
  napi_value (*answer)(napi_env env, struct call *call);
  unsigned flags;
};

#define OPENS 1u    /* there is no manager yet */
#define CLOSES 2u   /* there is none afterwards */
#define MAY_MISS 4u /* NOT_FOUND is no error, but undefined */
#define AT_ONCE 8u  /* never with libuv: the answer is in what the next one overwrites */

extern const struct operation writes[];
extern const size_t writes_count;
extern const struct operation queries[];
extern const size_t queries_count;
extern const struct operation banning[];
extern const size_t banning_count;
extern const struct operation histories[];
extern const size_t histories_count;
extern const struct operation belongings[];
extern const size_t belongings_count;
extern const struct operation lives[];
extern const size_t lives_count;

/* What several operations read and answer: the address of a peer, a host or prefix, and how many there were. */
bool call_read_target(napi_env env, struct call *call, const napi_value *arguments);
bool call_read_subject(napi_env env, struct call *call, const napi_value *arguments);
napi_value call_answer_how_many(napi_env env, struct call *call);
/* For a status of the addon's own. Returns it. */
peer_manager_status call_fail(struct call *call, peer_manager_status status, const char *message);

/* What JavaScript calls; the callback's data is the operation. */
napi_value call_now(napi_env env, napi_callback_info info);
napi_value call_later(napi_env env, napi_callback_info info);

void call_perform(struct call *call);
/* Settles the promise, unless `env` is NULL, and frees the call. */
void call_settle(napi_env env, struct call *call);
bool call_start(napi_env env, struct call *call);
void call_discard(napi_env env, struct call *call);

#endif
