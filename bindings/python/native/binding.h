/* What the extension module has besides the library's own functions. cffi reads this file as it is, without a
 * preprocessor, so there are only declarations in it.
 *
 * Each function is one call of the library, made in C from beginning to end: it counts itself as a user of its handle,
 * sets the time that the library's clock will read, calls, and stops using the handle. So no signal handler, finaliser or
 * other thread of Python can come between these steps. Addresses come in as a host and a port, many of them as hosts
 * that end in newlines and an array of ports; they go out in the same form, because Python splits text faster than it
 * reads structs.
 *
 * What can fail returns NULL, or an error that binding_error_free frees.
 */

/* What the library has allocated. It is freed once, when it is closed and no thread is in a call with it. All zero: one
 * that holds nothing yet, and is closed. */
typedef struct binding_handle binding_handle;

/* What is known of a peer but its address. */
typedef struct binding_record {
  int64_t next_attempt;
  uint32_t num_failures;
  uint32_t peer_type;
} binding_record;

/* The statuses of the two errors that only the binding has. */
enum { BINDING_CLOSED = -1, BINDING_INHERITED = -2 };

/* To be called once, before the others. Returns whether it could have forked children noticed. */
bool binding_start(void);
void binding_error_free(peer_manager_error *error);

bool binding_is_closed(binding_handle *handle);
/* Whether it belongs to the process that this one was forked from. */
bool binding_is_inherited(binding_handle *handle);
/* Whether a thread of this process is in a call with it. */
bool binding_is_used(binding_handle *handle);
/* Frees what it holds, unless a thread is in a call: then that thread will. */
void binding_close(binding_handle *handle);

peer_manager_error *binding_address_init(const char *host, uint16_t port, peer_manager_address *out);
peer_manager_error *binding_address_parse(const char *text, uint16_t default_port, peer_manager_address *out);
bool binding_address_is_private(const char *host, uint16_t port);
bool binding_address_is_routable(const char *host, uint16_t port);

peer_manager_error *binding_open(peer_manager_options *options, bool has_clock, int64_t now, binding_handle *out);
peer_manager_error *binding_flush(binding_handle *handle);

peer_manager_error *binding_ensure_exists(binding_handle *handle, int64_t now, const char *host, uint16_t port);
peer_manager_error *binding_ensure_exists_many(binding_handle *handle, int64_t now, const char *hosts,
                                               const uint16_t *ports, size_t count, size_t *out);
peer_manager_error *binding_load(binding_handle *handle, const char *host, uint16_t port, binding_record *out);
peer_manager_error *binding_store(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                  int64_t next_attempt, uint32_t num_failures, uint32_t peer_type);
peer_manager_error *binding_store_many(binding_handle *handle, int64_t now, const char *hosts, const uint16_t *ports,
                                       const int64_t *next_attempts, const uint32_t *num_failures,
                                       const uint32_t *peer_types, size_t count);
peer_manager_error *binding_update_type(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                        uint32_t observed_type, bool preferred_type_known);
peer_manager_error *binding_update_backoff(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                           uint32_t backoff);
peer_manager_error *binding_update(binding_handle *handle, int64_t now, const char *host, uint16_t port,
                                   uint32_t observed_type, bool preferred_type_known, uint32_t backoff);
peer_manager_error *binding_import(binding_handle *handle, int64_t now, const char *path, size_t *out);
peer_manager_error *binding_remove(binding_handle *handle, const char *host, uint16_t port);
peer_manager_error *binding_remove_host(binding_handle *handle, const char *host, size_t *out);
peer_manager_error *binding_remove_peers_with_many_failures(binding_handle *handle, uint32_t min_num_failures,
                                                            size_t *out);
peer_manager_error *binding_remove_peers_not_heard_since(binding_handle *handle, int64_t since, size_t *out);
peer_manager_error *binding_limit_next_attempt(binding_handle *handle, int64_t latest, size_t *out);
peer_manager_error *binding_set_online(binding_handle *handle, bool online);
peer_manager_error *binding_set_own_addresses(binding_handle *handle, const char *hosts, const uint16_t *ports,
                                              size_t count);
peer_manager_error *binding_clear_all(binding_handle *handle);

/* Draws. `out` has room for `size` structs of the library; it receives the hosts, each with a newline behind it, and
 * `ports` the ports. `out_sizes` receives how many there are and how many bytes the hosts take. */
peer_manager_error *binding_load_random_peers(binding_handle *handle, int64_t now, const peer_manager_query *query,
                                              const char *excluded_hosts, const uint16_t *excluded_ports,
                                              size_t excluded, size_t size, void *out, uint16_t *ports,
                                              size_t *out_sizes);
/* `query` and `asker_host` may be NULL. */
peer_manager_error *binding_get_peers_to_send(binding_handle *handle, int64_t now, const peer_manager_query *query,
                                              const char *excluded_hosts, const uint16_t *excluded_ports,
                                              size_t excluded, const char *asker_host, uint16_t asker_port, size_t size,
                                              void *out, uint16_t *ports, size_t *out_sizes);
peer_manager_error *binding_next_to_dial(binding_handle *handle, int64_t now, uint32_t purpose, const char *busy_hosts,
                                         const uint16_t *busy_ports, size_t busy, size_t size, void *out,
                                         uint16_t *ports, size_t *out_sizes);
peer_manager_error *binding_next_due(binding_handle *handle, int64_t now, int64_t *out);

peer_manager_error *binding_ban(binding_handle *handle, int64_t now, const char *subject, int64_t until, size_t *out);
peer_manager_error *binding_unban(binding_handle *handle, int64_t now, const char *subject);
peer_manager_error *binding_is_banned(binding_handle *handle, int64_t now, const char *host, uint16_t port, bool *out);
peer_manager_error *binding_get_bans(binding_handle *handle, int64_t now, size_t capacity, peer_manager_ban_entry *out,
                                     size_t *out_count);

peer_manager_error *binding_load_history(binding_handle *handle, const char *host, uint16_t port,
                                         peer_manager_history *out);
peer_manager_error *binding_set_data(binding_handle *handle, const char *host, uint16_t port, const char *data,
                                     size_t size);
peer_manager_error *binding_get_data(binding_handle *handle, const char *host, uint16_t port, char *out,
                                     size_t capacity, size_t *out_size);

peer_manager_error *binding_peer_count(binding_handle *handle, size_t *out);
peer_manager_error *binding_netgroup(binding_handle *handle, const char *host, uint16_t port, uint64_t *out);
peer_manager_error *binding_get_stats(binding_handle *handle, int64_t now, peer_manager_stats *out);
peer_manager_error *binding_get_quarantine(binding_handle *handle, char *path, size_t capacity, uint64_t *out_saved,
                                           uint64_t *out_lost);

/* Snapshots are handles of their own; their functions are called by one thread at a time. */
peer_manager_error *binding_get_all_peers(binding_handle *handle, binding_handle *out, size_t *out_count);
/* Reads `count` records from the index `first` on: hosts and ports as above, `records` the rest. */
peer_manager_error *binding_snapshot_get(binding_handle *handle, size_t first, size_t count, char *hosts,
                                         uint16_t *ports, binding_record *records, size_t *out_size);
peer_manager_error *binding_snapshot_get_history(binding_handle *handle, size_t index, peer_manager_history *out);
peer_manager_error *binding_snapshot_get_data(binding_handle *handle, size_t index, char *out, size_t capacity,
                                              size_t *out_size);
