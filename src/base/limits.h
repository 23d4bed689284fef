#pragma once

/*
 * Every ceiling, on one page, each with its reason: it is also an answer to a client who asks.
 * Sizes are bytes.
 */

/* Events.  A record is the largest thing that we call one event; 1 MiB holds the longest script
 * block and stack trace seen in practice, sixteen times over. */
#define RECORD_SIZE_MAX      (1024 * 1024)
#define EVENTS_PER_BATCH_MAX 4000              /* Also the largest evidence leaf (decision 002). */
#define BATCH_SIZE_MAX       (8 * 1024 * 1024) /* One batch with all tables; half a ring. */
#define SPANS_PER_EVENT_MAX  1024 /* Fields of one event; the rest is only searchable. */
#define NAMES_PER_BATCH_MAX  4096 /* Distinct field names in one batch. */
#define NAME_SIZE_MAX        512  /* A field name, dots included. */
#define NESTING_MAX          32   /* Levels of an outside JSON or YAML text. */

/* Between processes. */
#define MESSAGE_SIZE_MAX (128 * 1024) /* One packet; larger bodies travel in a descriptor. */
#define RING_SIZE        (16 * 1024 * 1024)

/* Listeners. */
#define DATAGRAM_SIZE_MAX        65536 /* The largest UDP payload, rounded up. */
#define CONNECTIONS_MAX          4096  /* Per front; each costs memory before it is known. */
#define PEER_CONNECTIONS_MAX     (CONNECTIONS_MAX / 4) /* Of one address at one kind of listener. */
#define LISTENERS_MAX            64 /* Of one front; each is a socket and a buffer. */
#define LINES_MEMORY_MAX         (256 * 1024 * 1024) /* Unfinished lines of all TCP senders. */
#define LINE_IDLE_SECONDS        60  /* For the rest of a line, or for the first byte. */
#define HTTP_IDLE_SECONDS        30  /* Without a byte from the peer of a post. */
#define HTTP_REQUEST_SECONDS     300 /* From head to the end of the body, however it trickles. */
#define POST_PART_SIZE           (512 * 1024) /* Of a body to one batch, its fields come on top. */
#define HTTP_BODY_SIZE_MAX       (16 * 1024 * 1024)  /* One POST; a shipper splits larger ones. */
#define HTTP_MEMORY_MAX          (256 * 1024 * 1024) /* All bodies that are being read, together. */
#define HTTP_CLIENT_MEMORY_MAX   (HTTP_MEMORY_MAX / 4) /* One client's: others must go on. */
#define IDEMPOTENCY_KEY_SIZE_MAX 255
#define IDEMPOTENCY_SECONDS      (24 * 60 * 60) /* How long a key is remembered. */

/* Texts that people write. */
#define YAML_SIZE_MAX  (4 * 1024 * 1024) /* A configuration, a rule, an apply file. */
#define YAML_NODES_MAX 200000
#define RULES_MAX      20000
#define RULES_SIZE_MAX (64 * 1024 * 1024) /* All rule texts together. */
#define QUERY_SIZE_MAX 65536
#define SLUG_SIZE_MAX  63    /* Short names: of clients, sources, listeners; a DNS label. */
#define CLIENTS_MAX    4096  /* Clients of one installation. */
#define SOURCES_MAX    16384 /* Log sources of one installation. */

/* The archive. */
#define GROUP_SIZE_MAX (64 * 1024 * 1024) /* One group commit in memory; some 8 full batches. */
#define JOURNALS_MAX   1000000            /* Files in one archive folder. */
/* Frames that a client's index points at; when full it keeps every second, and finding a frame
 * costs a few headers more. */
#define INDEX_FRAMES_MAX 16384
/* Rings remembered; each restart makes a few, and the one silent for longest goes first. */
/* Idempotency keys in memory, 72 bytes each; past it the oldest are forgotten before their 24
 * hours: some 48 posts a second all day. */
#define SEEN_KEYS_MAX (4 * 1024 * 1024)
/* How far from its end a heads file is searched at opening: some hundred heads. */
#define HEADS_TAIL_SIZE (64 * 1024)
#define DEBRIS_SIZE_MAX (128 * 1024 * 1024) /* The most of a torn tail that is set aside. */
