/* The node that lives on sockets: what its files share. */

#ifndef REAL_H
#define REAL_H

#include "node.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define SHARED 32              /* addresses in one answer at most */
#define LINE_CAPACITY 300      /* "peer ", an address, a newline: what is longer is no line of ours */
#define UNSENT_CAPACITY (SHARED * LINE_CAPACITY + 64)
#define OWN_ADDRESSES 16       /* a node that listens on all interfaces learns so many of its own addresses at most */

#define MOST_SURPLUS 4         /* connections beyond those that may stay, each for one answer */

/* How often a place is given to another peer. It can be defined for the compiler, to watch that. */
#ifndef REAL_ROTATION
#define REAL_ROTATION (2 * HOUR)
#endif

#define MILLISECONDS 1000
#define NEVER INT64_MAX

/* Lines in both directions over a socket that does not block. */
struct wire {
  int fd; /* negative: there is none */
  size_t received;
  size_t sent, unsent; /* the answer's bytes from `sent` up to `unsent` are to be sent */
  char in[LINE_CAPACITY];
  char out[UNSENT_CAPACITY];
};

enum role {
  DIALLED,  /* is to stay */
  FEELER,   /* only finds out whether the peer is there */
  ACCEPTED, /* another node made it */
  SURPLUS   /* the same, when there are enough: it gets an answer and is hung up */
};

enum stage {
  CONNECTING,
  GREETING, /* the first answer is awaited, or the other node's hello */
  STANDING
};

struct connection {
  struct wire wire;
  enum role role;
  enum stage stage;
  peer_manager_address peer; /* where it listens; until an accepted one has said that, where it comes from */
  int64_t deadline;          /* until when what is awaited must be there, by the clock of now_ms; or NEVER */
  uint32_t own;              /* at which of the node's own addresses it asks */
  size_t heard_count;
  peer_manager_address heard[SHARED]; /* the answer so far */
};

/* How often the node does something, in milliseconds. */
struct pace {
  int64_t feeler;   /* tries a peer that it has only heard of */
  int64_t asking_first, asking; /* asks for addresses again: soon, then less and less often */
  int64_t rotation; /* hangs up, so that a patient attacker does not keep its places */
  int64_t pause;    /* between two rounds of dials, if one of the first failed */
};

/* How many connections stand, and what is known: a line is printed when it changes. */
struct standing {
  size_t out, in, known;
};

struct real {
  peer_manager *pm;
  bool is_local;
  const struct pace *pace;

  int listener;
  int family;                    /* of the address that it listens on */
  struct sockaddr_storage local; /* the same with port 0, to dial from; unless it listens on all interfaces */
  socklen_t local_length;        /* 0 then */
  uint16_t port;
  peer_manager_address own[OWN_ADDRESSES];
  size_t own_count;

  struct connection *connections;
  size_t capacity;
  size_t places;                 /* connections that the node wants to make */

  int64_t round_began, not_before; /* the last round of dials; when the next one may be */
  int64_t next_feeler, next_asking, next_rotation, next_accept;
  peer_manager_address rotated;    /* not dialled until then */
  int64_t rotated_until;
  int64_t asking;                  /* for so long it does not ask again */
  bool is_online, has_explained;
  uint64_t heard, heard_routable;
  struct standing printed;
};

/* loop.c: a clock that is never set, in milliseconds; and a life. There are two more descriptors than connections: the first
 * can be read when it is to end early. */
int64_t now_ms(void);
bool live(struct real *node, struct pollfd *fds, int64_t end);

/* wire.c: what the other end has sent, or has to get. Where they return false, `reason` says why this is the end. */
bool wire_receive(struct wire *wire, const char **reason);
bool wire_send(struct wire *wire, const char **reason);
bool wire_put(struct wire *wire, const char *line); /* false: no room */
bool wire_is_sent(const struct wire *wire);
bool wire_take_line(struct wire *wire, char line[LINE_CAPACITY]); /* false: no whole line is there */
bool wire_is_full(const struct wire *wire);
void wire_open(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* sockets.c. The last three leave a negative number and errno on failure; the others have said what is wrong. */
bool open_listener(struct real *node, const char *address);
bool own_address_of(int fd, peer_manager_address *out);
int dial_socket(const struct real *node, const peer_manager_address *peer);
int dial_result(int fd);
int accept_socket(const struct real *node, peer_manager_address *from);

/* talk.c: what nodes tell each other. All return false only if the node cannot go on. */
bool greet(struct real *node, struct connection *connection);
bool ask_peers(struct real *node);
bool serve(struct real *node, struct connection *connection, short events);

/* dialling.c: whom to dial, and how it went. */
bool dial_peers(struct real *node);
bool peer_answered(struct real *node, struct connection *connection, bool is_full);
bool end_connection(struct real *node, struct connection *connection, const char *reason);
bool rotate(struct real *node);
size_t count_connections(const struct real *node, enum role role, enum stage at_least);
struct connection *someone(const struct real *node);
struct connection *free_connection(const struct real *node);

/* events.c: what the node prints. */
void print_event(const char *event, const peer_manager_address *peer, const char *detail);
void print_standing(struct real *node);
void explain_silence(struct real *node);
void print_connections(const struct real *node);

#endif
