/* Bans: hosts and prefixes that are refused until a time. */
#include "check.h"

#define NOW 1700000000

static const char *const subject_message = "is neither a host nor a prefix: ";

static void ban(peer_manager *pm, const char *subject, int64_t until, size_t removed) {
  size_t count = 12345;
  if (!CHECK(SUCCEEDS(peer_manager_ban, pm, subject, until, &count) && count == removed)) {
    fprintf(stderr, "  %s: %zu removed\n", subject, count);
  }
}

static int is_banned(peer_manager *pm, const char *host) {
  const peer_manager_address address = check_address(host, 1);
  return peer_manager_is_banned(pm, &address);
}

static void layouts_are_as_promised(void) {
  CHECK(sizeof(peer_manager_ban_entry) == 272);
  CHECK(offsetof(peer_manager_ban_entry, until) == 264);
}

static void bad_arguments_are_refused_and_nothing_is_written(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  const peer_manager_address address = check_address("203.0.113.7", 1), endless = check_endless_address();
  peer_manager_ban_entry entry;
  size_t count = 12345;
  const size_t too_many = SIZE_MAX / sizeof entry;
  check_fill(&entry, sizeof entry);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &address);

  REFUSES("pm is NULL", peer_manager_ban, NULL, "203.0.113.7", INT64_MAX, &count);
  REFUSES("subject is NULL", peer_manager_ban, pm, NULL, INT64_MAX, &count);
  REFUSES("subject is not UTF-8", peer_manager_ban, pm, "caf\xE9.example", INT64_MAX, &count);
  REFUSES("cannot ban 203.0.113.7 until 1700000000, because it is 1700000000 now; give a later time", peer_manager_ban, pm,
          "203.0.113.7", NOW, &count);
  REFUSES("cannot ban 203.0.113.7 until 0, ", peer_manager_ban, pm, "203.0.113.7", 0, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, subject_message, peer_manager_ban, pm, "", INT64_MAX, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "\"203.0.113.0/33\" is neither", peer_manager_ban, pm, "203.0.113.0/33",
        INT64_MAX, &count);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "the length of an IPv6 prefix is a number from 0 to 128", peer_manager_ban, pm,
        "2001:db8::/x", INT64_MAX, &count);
  REFUSES("pm is NULL", peer_manager_unban, NULL, "203.0.113.7");
  REFUSES("subject is NULL", peer_manager_unban, pm, NULL);
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, subject_message, peer_manager_unban, pm, "203.0.113.7:1");
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "203.0.113.7 is not banned", peer_manager_unban, pm, "203.0.113.7");
  CHECK(count == 12345 && peer_manager_peer_count(pm) == 1);

  ban(pm, "198.51.100.0/24", INT64_MAX, 0);
  REFUSES("pm is NULL", peer_manager_get_bans, NULL, 1, &entry, &count);
  REFUSES("out is NULL", peer_manager_get_bans, pm, 1, NULL, &count);
  REFUSES("out_count is NULL", peer_manager_get_bans, pm, 1, &entry, NULL);
  REFUSES("out has ", peer_manager_get_bans, pm, too_many, &entry, &count);
  CHECK(count == 12345 && check_is_filled(&entry, sizeof entry));
  CHECK(!peer_manager_is_banned(NULL, &address) && !peer_manager_is_banned(pm, NULL));
  CHECK(!peer_manager_is_banned(pm, &endless) && !is_banned(pm, "1.2.3") && !is_banned(pm, "203.0.113.7"));
  CHECK(is_banned(pm, "198.51.100.1"));
  /* No one need be told how many there were. */
  (void)SUCCEEDS(peer_manager_ban, pm, "203.0.113.7", INT64_MAX, NULL);
  CHECK(peer_manager_peer_count(pm) == 0);
  peer_manager_free(pm);
}

static void the_banned_are_removed_and_refused_until_the_end(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  peer_manager_address batch[3], banned = check_address("203.0.113.7", 9), out[4];
  peer_manager_record record = check_record("203.0.113.7", 9, 0, 0, PEER_MANAGER_TYPE_PREFERRED);
  size_t count = 12345;
  batch[0] = check_address("203.0.113.7", 1);
  batch[1] = check_address("::ffff:203.0.113.8", 1);
  batch[2] = check_address("203.0.114.1", 1);
  CHECK(SUCCEEDS(peer_manager_ensure_exists_many, pm, batch, 3, &count) && count == 3);
  (void)SUCCEEDS(peer_manager_store, pm, &record);

  ban(pm, "203.0.113.99/24", NOW + 60, 3);
  CHECK(peer_manager_peer_count(pm) == 1 && check_stats(pm).bans == 1 && check_stats(pm).refused_peers == 0);
  /* Alone. Each is refused twice: FAILS calls twice. */
  FAILS(PEER_MANAGER_ERROR_REFUSED,
        "cannot add 203.0.113.7:9: 203.0.113.0/24 is banned until 1700000060; unban it, if that was a mistake",
        peer_manager_ensure_exists, pm, &banned);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "is banned until", peer_manager_store, pm, &record);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "is banned until", peer_manager_update_type, pm, &banned,
        PEER_MANAGER_TYPE_PREFERRED, 1);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "is banned until", peer_manager_update_backoff, pm, &banned,
        PEER_MANAGER_BACKOFF_RESET);
  FAILS(PEER_MANAGER_ERROR_REFUSED, "is banned until", peer_manager_update, pm, &banned, PEER_MANAGER_TYPE_OUTBOUND, 0,
        PEER_MANAGER_BACKOFF_RESET);
  CHECK(check_stats(pm).refused_peers == 10);
  /* In a batch the others are added. */
  batch[2] = check_address("203.0.114.2", 1);
  CHECK(SUCCEEDS(peer_manager_ensure_exists_many, pm, batch, 3, &count) && count == 1);
  CHECK(check_stats(pm).refused_peers == 12);
  (void)SUCCEEDS(peer_manager_get_peers_to_send, pm, NULL, NULL, 4, out, &count);
  CHECK(count == 2);

  now = NOW + 59;
  CHECK(is_banned(pm, "203.0.113.255"));
  now = NOW + 60;
  CHECK(!is_banned(pm, "203.0.113.255") && check_stats(pm).bans == 0);
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "203.0.113.0/24 is not banned", peer_manager_unban, pm, "203.0.113.0/24");
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &banned);
  peer_manager_free(pm);
}

static void a_host_is_one_in_every_spelling(void) {
  peer_manager *pm = check_open(NULL, NULL);
  ban(pm, "2002:cb00:7107::1", INT64_MAX, 0);
  CHECK(is_banned(pm, "203.0.113.7") && is_banned(pm, "64:ff9b::203.0.113.7") && is_banned(pm, "2002:cb00:7107:9::"));
  CHECK(!is_banned(pm, "203.0.113.6") && !is_banned(pm, "2001:db8::1"));
  (void)SUCCEEDS(peer_manager_unban, pm, "203.0.113.7/32");
  CHECK(!is_banned(pm, "2002:cb00:7107::1"));
  ban(pm, "2002::/16", INT64_MAX, 0);
  CHECK(is_banned(pm, "2002:cb00:7107::1") && !is_banned(pm, "203.0.113.7"));
  ban(pm, "Node.Example.", INT64_MAX, 0);
  CHECK(is_banned(pm, "node.EXAMPLE") && !is_banned(pm, "a.node.example"));
  peer_manager_free(pm);
}

/* Whether an entry is this one, with zeros behind the text. */
static int is_entry(const peer_manager_ban_entry *entry, const char *subject, int64_t until) {
  size_t i = strlen(subject);
  if (strcmp(entry->subject, subject) != 0 || entry->until != until) return 0;
  for (; i < sizeof entry->subject; i++) {
    if (entry->subject[i] != 0) return 0;
  }
  return 1;
}

static void bans_are_listed_in_order_and_counted_beyond_the_capacity(void) {
  int64_t now = NOW;
  peer_manager *pm = check_open(NULL, &now);
  char longest[254];
  peer_manager_ban_entry entries[5];
  size_t count = 12345, i;
  CHECK(SUCCEEDS(peer_manager_get_bans, pm, 0, NULL, &count) && count == 0);
  for (i = 0; i < 253; i++) longest[i] = i % 50 == 49 ? '.' : 'a';
  longest[253] = 0;
  ban(pm, longest, INT64_MAX, 0);
  ban(pm, "2001:db8::/32", NOW + 5, 0);
  ban(pm, "203.0.113.0/24", NOW + 7, 0);
  ban(pm, "198.51.100.1", NOW + 1, 0);
  check_fill(entries, sizeof entries);
  CHECK(SUCCEEDS(peer_manager_get_bans, pm, 2, entries, &count) && count == 4);
  CHECK(is_entry(&entries[0], "198.51.100.1", NOW + 1) && is_entry(&entries[1], "203.0.113.0/24", NOW + 7));
  CHECK(check_is_filled(&entries[2], sizeof entries - 2 * sizeof entries[0]));
  now = NOW + 1;
  CHECK(SUCCEEDS(peer_manager_get_bans, pm, 5, entries, &count) && count == 3);
  CHECK(is_entry(&entries[0], "203.0.113.0/24", NOW + 7) && is_entry(&entries[1], "2001:db8::/32", NOW + 5));
  CHECK(is_entry(&entries[2], longest, INT64_MAX));
  CHECK(check_is_filled(&entries[3], 2 * sizeof entries[0]));
  CHECK(SUCCEEDS(peer_manager_get_bans, pm, 0, NULL, &count) && count == 3);
  peer_manager_free(pm);
}

static void bans_survive_a_restart_with(const char *directory, uint32_t durability) {
  char path[4096], other[4096];
  peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
  peer_manager_address known[2];
  peer_manager_ban_entry entry;
  peer_manager *pm = NULL;
  size_t count = 12345;
  check_path(path, sizeof path, directory, durability == PEER_MANAGER_DURABILITY_COMMIT ? "commit.db"
                                           : durability == PEER_MANAGER_DURABILITY_SYNC ? "sync.db"
                                                                                        : "deferred.db");
  check_path(other, sizeof other, directory, "other.db");
  options.db_path = path;
  options.durability = durability;
  known[0] = check_address("203.0.113.7", 1);
  known[1] = check_address("example.org", 1);
  pm = check_open(other, NULL);
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, known, 2, NULL);
  peer_manager_free(pm);

  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  (void)SUCCEEDS(peer_manager_ensure_exists_many, pm, known, 2, NULL);
  ban(pm, "203.0.113.0/24", INT64_MAX, 1);
  peer_manager_free(pm);
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(peer_manager_peer_count(pm) == 1);
  CHECK(SUCCEEDS(peer_manager_get_bans, pm, 1, &entry, &count) && count == 1);
  CHECK(is_entry(&entry, "203.0.113.0/24", INT64_MAX));
  FAILS(PEER_MANAGER_ERROR_REFUSED, "203.0.113.0/24 is banned for good", peer_manager_ensure_exists, pm, &known[0]);
  /* Nor does it come back with what another node knows. */
  CHECK(SUCCEEDS(peer_manager_import, pm, other, &count) && count == 0);
  CHECK(check_stats(pm).refused_peers == 3);
  (void)SUCCEEDS(peer_manager_unban, pm, "203.0.113.0/24");
  peer_manager_free(pm);
  REQUIRE(SUCCEEDS(peer_manager_open, &options, &pm));
  CHECK(check_stats(pm).bans == 0);
  (void)SUCCEEDS(peer_manager_ensure_exists, pm, &known[0]);
  peer_manager_free(pm);
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  layouts_are_as_promised();
  bad_arguments_are_refused_and_nothing_is_written();
  the_banned_are_removed_and_refused_until_the_end();
  a_host_is_one_in_every_spelling();
  bans_are_listed_in_order_and_counted_beyond_the_capacity();
  bans_survive_a_restart_with(directory, PEER_MANAGER_DURABILITY_COMMIT);
  bans_survive_a_restart_with(directory, PEER_MANAGER_DURABILITY_SYNC);
  bans_survive_a_restart_with(directory, PEER_MANAGER_DURABILITY_DEFERRED);
  return CHECK_RESULT();
}
