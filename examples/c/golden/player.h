/* The player of scripts of operations: what its files share. The words of a script are described in ../../golden/README.md. */

#ifndef PLAYER_H
#define PLAYER_H

#include <peer_manager.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_WORDS = 256, MAX_ANSWER = 1024, MAX_LINE = 8192, DEFAULT_PORT = 11625 };

/* The one peer manager that a script has at a time; NULL while none is open. */
extern peer_manager *pm;

/* What the library said of the last call that failed. */
extern peer_manager_error failure;

/* What is wrong with a script ends the program. */
void wrong(const char *what, const char *word);

/* words.c: the words of the line that is played, the first is the operation. The line is cut up. */
extern size_t word_count;
void read_words(char *line);
const char *word(size_t n);
char *word_to_cut(size_t n);
int64_t read_number(const char *text);
uint64_t read_unsigned(const char *text);
bool read_truth(const char *text);
/* The number of a name in a list, which ends with NULL; the lists are in the order of the header's constants. */
uint32_t number_of(const char *name, const char *const *names);
extern const char *const types[], *const backoffs[], *const filters[], *const durabilities[], *const purposes[];
peer_manager_status read_address(const char *text, peer_manager_address *address);
/* Addresses from the words, from the first on; those with '=' are passed over. */
peer_manager_status read_addresses(size_t first, peer_manager_address *addresses, size_t *count);
peer_manager_status read_record(char *const parts[4], peer_manager_record *record);
/* The value behind "name=", or NULL if the field has another name. */
const char *value_of(const char *field, const char *name);

/* lines.c: what an operation prints, a line at a time. */
void say(const char *format, ...);
const char *text_of(const peer_manager_address *address);
void say_addresses(const peer_manager_address *addresses, size_t count);
void say_record(const peer_manager_record *record);
/* The lines so far, in the order of their bytes. */
void sort_lines(void);
void print_lines(void);
void drop_lines(void);

/* The operations. Each returns false for one that is not its own, else puts what became of it into status. */
bool change_peers(const char *operation, peer_manager_status *status);
bool choose_peers(const char *operation, peer_manager_status *status);
bool look_at_peers(const char *operation, peer_manager_status *status);
bool set_policy(const char *operation, peer_manager_status *status);

#endif
