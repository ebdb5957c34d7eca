/* The header's section on statuses and errors: their names, and what an error says for each kind of failure. */
#include "check.h"

static void the_error_has_its_layout(void) {
  CHECK(sizeof(peer_manager_status) == 4);
  CHECK(sizeof(peer_manager_error) == 256);
  CHECK(offsetof(peer_manager_error, status) == 0);
  CHECK(offsetof(peer_manager_error, sqlite_code) == 4);
  CHECK(offsetof(peer_manager_error, message) == 8);
  CHECK(sizeof check_error.message == 248);
}

static void each_status_has_its_number_and_its_name(void) {
  static const struct {
    int32_t status;
    int32_t number;
    const char *name;
  } known[] = {
      {PEER_MANAGER_OK, 0, "OK"},
      {PEER_MANAGER_ERROR_INVALID_ARGUMENT, 1, "INVALID_ARGUMENT"},
      {PEER_MANAGER_ERROR_INVALID_ADDRESS, 2, "INVALID_ADDRESS"},
      {PEER_MANAGER_ERROR_NOT_FOUND, 3, "NOT_FOUND"},
      {PEER_MANAGER_ERROR_DATABASE, 4, "DATABASE"},
      {PEER_MANAGER_ERROR_CORRUPT, 5, "CORRUPT"},
      {PEER_MANAGER_ERROR_BUSY, 6, "BUSY"},
      {PEER_MANAGER_ERROR_DISK_FULL, 7, "DISK_FULL"},
      {PEER_MANAGER_ERROR_LIMIT, 8, "LIMIT"},
      {PEER_MANAGER_ERROR_UNSUPPORTED, 9, "UNSUPPORTED"},
      {PEER_MANAGER_ERROR_INTERNAL, 10, "INTERNAL"},
      {PEER_MANAGER_ERROR_REFUSED, 11, "REFUSED"},
      {PEER_MANAGER_ERROR_NO_MEMORY, 12, "NO_MEMORY"},
  };
  size_t i;
  for (i = 0; i < sizeof known / sizeof known[0]; i++) {
    CHECK(known[i].status == known[i].number);
    CHECK_TEXT(peer_manager_status_name(known[i].status), known[i].name);
    CHECK(peer_manager_status_name(known[i].status) == peer_manager_status_name(known[i].status));
  }
}

static void any_other_number_is_named_unknown(void) {
  static const int32_t others[] = {-1, 13, 255, 256, 65536, INT32_MAX, INT32_MIN};
  size_t i;
  for (i = 0; i < sizeof others / sizeof others[0]; i++) {
    CHECK_TEXT(peer_manager_status_name(others[i]), "UNKNOWN");
  }
}

static void a_failure_without_sqlite_has_no_sqlite_code(void) {
  peer_manager_address address;
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "no spaces", peer_manager_address_init, "no spaces", 1, &address);
  CHECK(check_error.sqlite_code == 0);
  REFUSES("host", peer_manager_address_init, NULL, 1, &address);
  CHECK(check_error.sqlite_code == 0);
}

/* A directory cannot be opened as a database: SQLITE_CANTOPEN is 14, with more in the upper bytes. */
static void a_failure_of_sqlite_has_its_code_and_names_the_file(const char *directory) {
  peer_manager *pm = NULL;
  FAILS(PEER_MANAGER_ERROR_DATABASE, "cannot open", peer_manager_new_with_db, directory, &pm);
  CHECK((check_error.sqlite_code & 0xFF) == 14);
  CHECK(pm == NULL);
}

/* A log line must stay one line whatever a stranger sends; check_failed looks at every message for that. */
static void a_stranger_s_text_cannot_break_the_message(void) {
  static const char *const hostile[] = {"a\nb", "a\rb", "\x1B[31mred", "tab\tbed", "\"quoted\"", "a\x7F|b", "%s%n%d"};
  peer_manager_address address;
  size_t i;
  for (i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "is not a peer address", peer_manager_address_init, hostile[i], 1, &address);
    FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "is not a peer address", peer_manager_address_parse, hostile[i], 1, &address);
  }
}

/* Long text is cut between characters: a message that ended in half a character would not be UTF-8. */
static void long_text_is_cut_between_characters(void) {
  char text[1024];
  peer_manager_address address;
  size_t length, i;
  for (length = 1; length < 300; length++) {
    for (i = 0; i < length; i++) memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
    text[3 * length] = '\0';
    check_prepare();
    CHECK(peer_manager_address_init(text, 1, &address, &check_error) == PEER_MANAGER_ERROR_INVALID_ADDRESS);
    CHECK(check_line_of_utf8(check_error.message, sizeof check_error.message) > 0);
  }
}

/* What is wrong must still be read when the text that is wrong is long. */
static void long_text_leaves_room_for_the_reason(void) {
  char text[4096];
  peer_manager_address address;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  FAILS(PEER_MANAGER_ERROR_INVALID_ADDRESS, "1 to 253 characters", peer_manager_address_init, text, 1, &address);
}

static void the_message_names_the_peer_that_is_not_there(void) {
  peer_manager *pm = check_open(NULL, NULL);
  peer_manager_address address = check_address("2001:DB8::1", 11625);
  peer_manager_record record;
  FAILS(PEER_MANAGER_ERROR_NOT_FOUND, "[2001:db8::1]:11625", peer_manager_load, pm, &address, &record);
  peer_manager_free(pm);
}

/* The whole struct is written, so that a caller may log or copy it: no byte of the stack shows behind the NUL. */
static void the_bytes_behind_the_message_are_zero(void) {
  size_t i;
  REFUSES("out", peer_manager_address_init, "192.0.2.1", 1, NULL);
  for (i = strlen(check_error.message); i < sizeof check_error.message; i++) {
    CHECK(check_error.message[i] == '\0');
  }
}

int main(int argc, char **argv) {
  const char *directory = check_directory(argc, argv);
  the_error_has_its_layout();
  each_status_has_its_number_and_its_name();
  any_other_number_is_named_unknown();
  a_failure_without_sqlite_has_no_sqlite_code();
  a_failure_of_sqlite_has_its_code_and_names_the_file(directory);
  a_stranger_s_text_cannot_break_the_message();
  long_text_is_cut_between_characters();
  long_text_leaves_room_for_the_reason();
  the_message_names_the_peer_that_is_not_there();
  the_bytes_behind_the_message_are_zero();
  return CHECK_RESULT();
}
