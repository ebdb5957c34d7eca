/* The header's section on versions: the header and the library that is loaded agree, and say so in each form. */
#include "check.h"

static void the_number_is_made_of_the_three_parts(void) {
  CHECK(PEER_MANAGER_VERSION_NUMBER == PEER_MANAGER_VERSION_MAJOR * 1000000 + PEER_MANAGER_VERSION_MINOR * 1000 +
                                           PEER_MANAGER_VERSION_PATCH);
}

static void the_text_is_made_of_the_three_parts(void) {
  char text[64];
  int length = snprintf(text, sizeof text, "%d.%d.%d", PEER_MANAGER_VERSION_MAJOR, PEER_MANAGER_VERSION_MINOR,
                        PEER_MANAGER_VERSION_PATCH);
  CHECK(length > 0 && (size_t)length < sizeof text);
  CHECK_TEXT(PEER_MANAGER_VERSION_STRING, text);
}

static void the_library_is_of_the_header_s_version(void) {
  CHECK(peer_manager_version_number() == PEER_MANAGER_VERSION_NUMBER);
  CHECK_TEXT(peer_manager_version_string(), PEER_MANAGER_VERSION_STRING);
}

/* A preprocessor must be able to choose by version, so the macros are plain numbers. */
static void the_preprocessor_can_compare_versions(void) {
#if PEER_MANAGER_VERSION_NUMBER >= 1000 && PEER_MANAGER_VERSION_MAJOR >= 0 && PEER_MANAGER_VERSION_MINOR >= 0 && \
    PEER_MANAGER_VERSION_PATCH >= 0
  int compares = 1;
#else
  int compares = 0;
#endif
  CHECK(compares);
}

static void the_build_info_names_the_version_and_the_copy_of_sqlite(void) {
  const char *info = peer_manager_build_info();
  REQUIRE(info != NULL);
  CHECK(strstr(info, "peer_manager " PEER_MANAGER_VERSION_STRING) == info);
  CHECK(strstr(info, "SQLite 3.") != NULL);
  CHECK((strstr(info, "(bundled)") != NULL) != (strstr(info, "(system)") != NULL));
  CHECK(check_line_of_utf8(info, 4096) > 0);
}

/* A caller keeps these pointers, so they must be the same static text each time. */
static void returned_text_is_static(void) {
  const char *version = peer_manager_version_string();
  const char *info = peer_manager_build_info();
  CHECK(version == peer_manager_version_string());
  CHECK(info == peer_manager_build_info());
}

/* The values are part of the ABI: a program that was compiled long ago has them inside. */
static void the_constants_have_their_values(void) {
  CHECK(PEER_MANAGER_HOST_CAPACITY == 254);
  CHECK(PEER_MANAGER_ADDRESS_TEXT_CAPACITY >= 254 + 6);
  CHECK(PEER_MANAGER_TYPE_INBOUND == 0);
  CHECK(PEER_MANAGER_TYPE_OUTBOUND == 1);
  CHECK(PEER_MANAGER_TYPE_PREFERRED == 2);
  CHECK(PEER_MANAGER_BACKOFF_HARD_RESET == 0);
  CHECK(PEER_MANAGER_BACKOFF_RESET == 1);
  CHECK(PEER_MANAGER_BACKOFF_INCREASE == 2);
  CHECK(PEER_MANAGER_MAX_FAILURES == 10);
  CHECK(PEER_MANAGER_REALLY_DEAD == 120);
  CHECK(PEER_MANAGER_DURABILITY_COMMIT == 0);
  CHECK(PEER_MANAGER_DURABILITY_SYNC == 1);
  CHECK(PEER_MANAGER_DURABILITY_DEFERRED == 2);
  CHECK(PEER_MANAGER_ON_CORRUPT_FAIL == 0);
  CHECK(PEER_MANAGER_ON_CORRUPT_QUARANTINE == 1);
  CHECK(PEER_MANAGER_FILTER_INBOUND_ONLY == 0);
  CHECK(PEER_MANAGER_FILTER_OUTBOUND_ONLY == 1);
  CHECK(PEER_MANAGER_FILTER_PREFERRED_ONLY == 2);
  CHECK(PEER_MANAGER_FILTER_ANY_OUTBOUND == 3);
  CHECK(PEER_MANAGER_FILTER_ANY == 4);
  CHECK(PEER_MANAGER_FILTER_NOT_PREFERRED == 5);
  CHECK(PEER_MANAGER_REACH_SPECIFICATION == 0);
  CHECK(PEER_MANAGER_REACH_PUBLIC == 1);
  CHECK(PEER_MANAGER_REACH_PRIVATE == 2);
  CHECK(PEER_MANAGER_NETWORK_IPV4 == 1);
  CHECK(PEER_MANAGER_NETWORK_IPV6 == 2);
  CHECK(PEER_MANAGER_NETWORK_ONION == 4);
  CHECK(PEER_MANAGER_NETWORK_I2P == 8);
  CHECK(PEER_MANAGER_NETWORK_NAME == 16);
  CHECK(PEER_MANAGER_DIAL_CONNECT == 0);
  CHECK(PEER_MANAGER_DIAL_FEELER == 1);
}

/* The functions have the types of the contract: these assignments compile only then. */
static void the_functions_have_their_types(void) {
  uint32_t (*version_number)(void) = peer_manager_version_number;
  const char *(*version_string)(void) = peer_manager_version_string;
  const char *(*build_info)(void) = peer_manager_build_info;
  CHECK(version_number() == peer_manager_version_number());
  CHECK(version_string() == peer_manager_version_string());
  CHECK(build_info() == peer_manager_build_info());
}

int main(void) {
  the_number_is_made_of_the_three_parts();
  the_text_is_made_of_the_three_parts();
  the_library_is_of_the_header_s_version();
  the_preprocessor_can_compare_versions();
  the_build_info_names_the_version_and_the_copy_of_sqlite();
  returned_text_is_static();
  the_constants_have_their_values();
  the_functions_have_their_types();
  return CHECK_RESULT();
}
