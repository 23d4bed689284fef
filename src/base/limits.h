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

/* Streams whose header lines named columns: 16 MB of them. */
#define PARSE_STREAMS_MAX 2048

/* Between processes. */
#define MESSAGE_SIZE_MAX (128 * 1024) /* One packet; larger bodies travel in a descriptor. */
#define RING_SIZE        (16 * 1024 * 1024)

/* Listeners. */
#define DATAGRAM_SIZE_MAX      65536              /* The largest UDP payload, rounded up. */
#define DATAGRAMS_MEMORY_MAX   (64 * 1024 * 1024) /* Read, not yet parsed: 0.5 s of a flood. */
#define CONNECTIONS_MAX        4096 /* Per front; each costs memory before it is known. */
#define PEER_CONNECTIONS_MAX   (CONNECTIONS_MAX / 4) /* Of one address at one kind of listener. */
#define LISTENERS_MAX          64 /* Of one front; each is a socket and a buffer. */
#define LINES_MEMORY_MAX       (256 * 1024 * 1024) /* Unfinished lines of all TCP senders. */
#define LINE_IDLE_SECONDS      60 /* For the rest of a line, or for the first byte. */
#define CLIENT_CONNECTIONS_MAX (CONNECTIONS_MAX / 2) /* Of one client at streams: others go on. */
#define GREETING_SECONDS       10  /* For a TLS handshake: three round trips and a slow device. */
#define GREETINGS_MAX          512 /* TLS handshakes at once; each has some 20 kB. */
#define GREETINGS_PEER_MAX     64  /* Of one address: a site's devices after a power cut. */
#define ANSWERS_SIZE_MAX       (64 * 1024) /* Answers that a peer does not read; then we wait. */
#define WINDOW_EVENTS_MAX      8192        /* Of one RELP or Beats connection, not yet on disk. */
#define ALIVE_SECONDS          5    /* Then a Beats sender that waits hears how far we are. */
#define FILES_MAX              1024 /* That are followed at once; each is a descriptor, twice. */
#define FILE_PRINT_SIZE        256  /* First bytes by which a file is known again. */
#define FILE_REST_SECONDS      10   /* Then the last line of a file that is gone has no LF. */
#define RECORD_SECONDS         300  /* For a record, however it trickles: 1 MiB at 28 kbit/s. */
#define DAWDLE_SECONDS         10   /* Within a record; then a stranger's place is given away. */
#define ANSWERS_MEMORY_MAX     (64 * 1024 * 1024) /* What all peers together do not read. */
#define HTTP_IDLE_SECONDS      30                 /* Without a byte from the peer of a post. */
#define HTTP_REQUEST_SECONDS   300 /* From head to the end of the body, however it trickles. */
#define POST_PART_SIZE         (512 * 1024) /* Of a body to one batch, its fields come on top. */
#define HTTP_BODY_SIZE_MAX     (16 * 1024 * 1024)    /* One POST; a shipper splits larger ones. */
#define HTTP_MEMORY_MAX        (256 * 1024 * 1024)   /* All bodies that are being read, together. */
#define HTTP_CLIENT_MEMORY_MAX (HTTP_MEMORY_MAX / 4) /* One client's: others must go on. */
/* One uploaded file: an event log of Windows' own size, 20 MiB, twice over. */
#define UPLOAD_SIZE_MAX        (48 * 1024 * 1024)
#define UPLOAD_UNPACKED_MAX    (1024 * 1024 * 1024) /* What an uploaded archive may unfold into. */
#define HTTP_PATIENCE_MS       2000 /* With a post that finds no room; then it shall come again. */
#define HTTP_INFLATED_SIZE_MAX (64 * 1024 * 1024) /* One compressed POST, unpacked. */
/* Logs compress by 10 to 100, a bomb by a thousand; so much is free, for the smallest texts. */
#define INFLATE_RATIO_MAX        200
#define INFLATE_FREE_SIZE        (1024 * 1024)
#define INFLATE_WINDOW_LOG_MAX   23 /* zstd's up to level 19, 8 MiB, and what RFC 8878 asks for. */
#define BULK_ITEMS_MAX           100000 /* Of one _bulk; clients send 500 to 5,000. */
#define BULK_IDS_MAX             262144 /* Documents known by their _id, of all clients: 4 MiB. */
#define HEC_CHANNELS_MAX         512    /* Of Splunk senders, 32 KiB of numbers each, */
#define HEC_CHANNELS_CLIENT      64     /* of one client's; the longest silent one makes room; */
#define HEC_ACKS_MAX             4096   /* so many of one channel, */
#define HEC_ACK_SECONDS          600    /* for so long, until they are asked for. */
#define IDEMPOTENCY_KEY_SIZE_MAX 255
#define IDEMPOTENCY_SECONDS      (24 * 60 * 60) /* How long a key is remembered. */

/* The portal. */
#define PORTAL_BODY_SIZE_MAX   (2 * 1024 * 1024)  /* The largest document as YAML, twice over. */
#define PORTAL_ANSWER_SIZE_MAX (16 * 1024 * 1024) /* An export with all signatures. */
#define PORTAL_MEMORY_MAX      (64 * 1024 * 1024) /* Bodies that are being read, together. */
#define PORTAL_PEER_MEMORY_MAX (PORTAL_MEMORY_MAX / 4) /* Of one address: others must go on. */
#define PORTAL_BODY_SECONDS    60                      /* For a body, however it trickles. */
#define PORTAL_OPEN_BODY_MAX   (16 * 1024) /* From whom nobody knows yet: a name, a password. */
#define PORTAL_CONNECTIONS_MAX 1024        /* People at their screens, and their tabs. */
#define PORTAL_TARGET_SIZE_MAX 4096        /* Path and query: slugs, hashes and a few filters. */
#define PORTAL_PENDING_MAX     64          /* Passwords at the workers: 64 MiB and 50 ms each. */
#define PORTAL_PENDING_PEER    16  /* Of one address; behind one proxy they are everybody's. */
#define PORTAL_PENDING_SECONDS 60  /* After which such a one is given up. */
#define PORTAL_PAGE_DEFAULT    100 /* Lines of a list, if nothing is said. */
#define PORTAL_PAGE_MAX        500
#define PORTAL_STREAMS_MAX     512 /* Half of the connections: screens that wait for changes. */
#define PORTAL_STREAMS_PEER    64  /* Of one address; an office behind one has as many tabs. */
#define PORTAL_STREAMS_PERSON  16  /* Of one person, on all their machines; */
#define PORTAL_STREAMS_SESSION 4   /* of one browser, whose tabs can share one. */
/* What waits behind a slow reader of a stream; it is dropped and asks anew. */
#define PORTAL_STREAM_SIZE_MAX (128 * 1024)
#define PORTAL_KEEPALIVE_MS    15000 /* Proxies end what is silent, often after 30 s. */
#define CHANGES_MAX            256   /* Told one by one in one go; beyond, "show all anew". */
#define CHANGES_APART_MS       100   /* Between two tellings of the same thing. */
#define PORTAL_PEERS_MAX       4096  /* Addresses whose haste is known; the longest silent goes. */
#define PORTAL_RATE            50    /* Requests a second of one address, if nothing is said. */
#define PORTAL_BURST_SECONDS   6     /* As many at once: a page with its files, in several tabs. */
#define PORTAL_FILES_FACTOR    16    /* A page that no cache has is some 30 files, out of memory. */
#define PORTAL_TRIES_SHARE     10    /* Of them, to sign in: an office in the morning. */
#define PORTAL_AT_ONCE_MAX     128   /* Requests of one address that wait for their answer. */
#define PORTAL_PROXY_FACTOR    16    /* Behind a proxy everybody has one address. */
#define PORTAL_NAMES_SIZE_MAX  (64 * 1024) /* Host names that the portal goes by. */
#define PORTAL_NOTE_SIZE_MAX   (16 * 1024) /* A note, a reason, a finding: some five pages. */

/* What is shown of the archive. */
#define SEARCH_STEPS_MAX       200 /* Bars of a search's counts: more are no longer told apart. */
#define PORTAL_SEARCH_SECONDS  20  /* Of one search in the portal; then it tells what it has. */
#define PORTAL_SEARCHES_PERSON 2   /* At once: one page, and one more before it is left. */
#define PORTAL_SEARCHES_MAX    8   /* Of all people at once; each has a worker of its own. */
#define PORTAL_SEARCHES_CLIENT 4   /* Of one client's own people: the others' turn is not theirs. */
#define CSV_EVENTS_MAX         10000
#define SHOWN_ORIGINAL_MAX     (16 * 1024) /* Of a record: some 200 lines on a screen. */
#define SHOWN_FIELDS_MAX       256         /* Of an event. */
#define SHOWN_VALUE_MAX        4096        /* Of a field's value: a screenful. */
/* One event as JSON; further fields stay behind. */
#define SHOWN_EVENT_MAX    (512 * 1024)
#define SHOWN_ANSWER_MAX   (16 * 1024 * 1024) /* One page of events; the rest is asked next. */
#define CSV_SIZE_MAX       (32 * 1024 * 1024) /* 10,000 records of Windows, with fields. */
#define EVIDENCE_DEFAULT   20                 /* Alerts of one answer, if nothing is said. */
#define EVIDENCE_MAX       100
#define EVIDENCE_LINES_MAX 20 /* Of one alert: a correlation may lean on thousands. */

/* Logs that are handed out. */
#define PROVISION_OPEN_MAX        32 /* Requests of one client that have not ended. */
#define PROVISION_WAITING_SECONDS (30 * 24 * 60 * 60) /* For an approval; then it is over. */
#define PROVISION_KEPT_SECONDS    (14 * 24 * 60 * 60) /* A package, to be fetched; clear text. */
#define PROVISION_PACKAGES_MAX    2    /* Made at once, each by a worker that reads for minutes. */
#define PROVISION_SOURCES_MAX     1000 /* Named in one request. */
#define PROVISION_STEPS_MAX       1000 /* Of one request's history: the last of them are shown. */

/* Texts that people write. */
#define YAML_SIZE_MAX   (4 * 1024 * 1024) /* A configuration, a rule, an apply file. */
#define YAML_NODES_MAX  200000
#define MEMORY_KEPT_MAX (64 * 1024 * 1024) /* What detection remembers of one client. */
#define RULES_MAX       20000
#define RULES_SIZE_MAX  (64 * 1024 * 1024) /* All rule texts together. */
/* Places in a regular expression, with all its repeats: compiled within a tenth of a second. */
#define REGEX_WEIGHT_MAX     20000
#define REGEX_LEVELS_MAX     16 /* Groups in groups: each level may double the time it takes. */
#define LIST_VALUES_MAX      1000000 /* Values of all of one client's lists together. */
#define QUERY_SIZE_MAX       65536
#define SAVED_SEARCHES_MAX   500     /* Of one client: a list that can still be looked through. */
#define TABLE_ROWS_MAX       1000000 /* That are sorted; TABLE_SIZE_MAX mostly ends it earlier. */
#define TABLE_SIZE_MAX       (64 * 1024 * 1024) /* What a search's pipes may remember. */
#define TABLE_COMBINATIONS   256  /* Of one event's values in one tally: lists times lists. */
#define TIMELINE_STEPS_MAX   2000 /* That are filled with zeros: more than a chart has pixels. */
#define CERTIFICATE_NAME_MAX 253  /* A DNS name, RFC 1035. */
#define FILE_PATTERN_MAX     1000 /* A path of files to be followed. */
#define QUOTA_BURST_SECONDS  10   /* Of its quota that a quiet client may send at once. */
#define QUOTA_DEBT_SECONDS   60   /* What it may owe at most, after one large post. */
#define QUOTA_UNKNOWN        2000 /* Events a second of strangers. */
#define QUOTA_MAX            10000000 /* Events a second that a client may be promised. */
#define SLUG_SIZE_MAX        63    /* Short names: of clients, sources, listeners; a DNS label. */
#define CLIENTS_MAX          4096  /* Clients of one installation. */
#define SOURCES_MAX          16384 /* Log sources of one installation. */
#define DEVICES_MAX          16384 /* Devices of one installation; most send one source. */
/* The books by the minute: 500 busy sources make 5 million rows in a week, about 400 MB; by the
 * hour they are kept over a year, for reports that compare. */
#define BOOKS_MINUTES_DAYS 7LL
#define BOOKS_HOURS_DAYS   400LL
#define PROPOSALS_MAX      1000 /* Senders to enrol: more than a person looks through. */
#define DEVICE_SOURCES_MAX 64   /* Of one device: a virtual system each, say. */
/* Elements of one client that an apply file discloses or hides by name; what is below them follows,
 * so nobody needs to name each asset. */
#define DISCLOSURES_MAX 4096
#define PARTIES_MAX     1024 /* Providers, auditors and bidders of one installation. */
/* Of one installation, those who left included: a provider's staff, and a few of each client. */
#define PEOPLE_MAX      32768
#define ENGAGEMENTS_MAX 16384 /* Of one installation; four a client. */
#define ASSIGNMENTS_MAX 512   /* Of one engagement. */
#define SESSIONS_MAX    16    /* Of one person; the oldest ends when one more begins. */
#define API_TOKENS_MAX  64    /* Of one person, that are good. */
/* One client's documents while its criteria are made, six of a megabyte as trees; what stays of
 * them is a few megabytes. */
#define CRITERIA_MEMORY_MAX ((size_t)256 * 1024 * 1024)

#define DETECTION_LISTS_MAX 500 /* Of one client; all of SigmaHQ asks for ten. */
/* Regular expressions of one client's exceptions, which desk and core compile themselves: some 500
 * plain ones, half a second. */
#define EXCEPTIONS_WEIGHT_MAX 30000
#define EXCEPTIONS_MAX        2000 /* Of one client, each for a reason that a person wrote. */
/* The windows of one client's correlations; a replay has as many bytes, so that it forgets what was
 * forgotten. */
#define WINDOWS_SIZE_MAX ((size_t)32 << 20)
/* What one client's thresholds remember: some 20,000 addresses that are counted up to 20. */
#define CRITERIA_STATE_MAX ((size_t)8 * 1024 * 1024)
/* Correlations.  Devices that lose their connection send what they kept when they are back, most
 * within minutes; collectors of cloud services lag by a quarter of an hour. */
#define CORRELATION_LATENESS_MAX (3600 * NS_PER_SECOND)
/* What a sender's clock may be ahead of ours before its events count as of their arrival. */
#define CORRELATION_AHEAD_MAX            (600 * NS_PER_SECOND)
#define CORRELATION_TIMESPAN_SECONDS_MAX (5 * 366 * 86400) /* Longer than archives are kept. */
/* Sightings of one group that are kept each for itself; beyond them times become coarser. */
#define CORRELATION_ENTRIES_MAX    16384
#define CORRELATION_VALUE_SIZE_MAX 512  /* Of a value that groups; more is told by its hash. */
#define RATE_BUCKETS_MAX           4096 /* Of one rate baseline: 24 weeks of hours. */

/* Incidents. */
#define ALERTS_KEPT_MAX \
    1000 /* Of one rule in one incident, or on a day without; more are counted. */
#define INCIDENT_TEXT_SIZE_MAX       16384 /* A note, a reason, evidence: some eight pages. */
#define INCIDENT_LINES_MAX           10000 /* Of one history; a year of an hourly note. */
#define INCIDENT_PAGE_MAX            500   /* Of one list; the rest is asked for page by page. */
#define INCIDENTS_OPEN_TYPE_MAX      100 /* One type's, by addresses that an attacker may invent. */
#define COUNTERMEASURES_MAX          10  /* Options of a proposal; a person has to choose. */
#define COUNTERMEASURE_TEXT_SIZE_MAX 4096 /* Two pages each for what, effect and risk. */

/* The archive. */
#define GROUP_SIZE_MAX (64 * 1024 * 1024) /* One group commit in memory; some 8 full batches. */
#define JOURNALS_MAX   1000000            /* Files in one archive folder. */
/* Frames that a client's index points at; when full it keeps every second, and finding a frame
 * costs a few headers more. */
#define INDEX_FRAMES_MAX 16384
/* Idempotency keys in memory, 72 bytes each; past it the oldest are forgotten before their 24
 * hours: some 48 posts a second all day. */
#define SEEN_KEYS_MAX (4 * 1024 * 1024)
/* Segments of one archive: years of many clients, merged as they age; core keeps 400 bytes of each.
 */
#define SEGMENTS_MAX 1000000
/* Leaves of one segment: their table is read whole, 56 bytes each. */
#define SEGMENT_LEAVES_MAX (1024 * 1024)
#define SEGMENT_BLOCK_MAX  (64 * 1024 * 1024) /* A packed block; 16 MiB of text and its tables. */
/* What a segment's directory may hold in memory; a full one is ended and the next begun. */
#define SEGMENT_DIRECTORY_MAX   (24 * 1024 * 1024)
#define SEGMENT_GENERATIONS_MAX (4 * 1024 * 1024) /* Some 40,000 changes of rules. */
/* Segments that are merged into one are no larger than this (original bytes) together: what a
 * worker packs again in some minutes, and a search's worker is lent at most so many a year. */
#define SEGMENT_MERGED_MAX ((uint64_t)4 << 30)
/* Events of one block unpacked, their columns and rows; a reader bounds them together. */
#define BLOCK_MEMORY_MAX ((size_t)256 << 20)
/* Of all blocks that a search has unpacked at once, before the oldest is given up. */
#define READER_BLOCKS_MEMORY ((size_t)96 << 20)
/* How far from its end a heads file is searched at opening: some hundred heads. */
#define HEADS_TAIL_SIZE (64 * 1024)
/* What one tombstone leaves behind, and all of a client together: 32 bytes and a little for each
 * leaf at worst, and a client has some hundred thousand leaves a year. */
#define REMAINS_SIZE_MAX     ((size_t)256 * 1024 * 1024)
#define REMAINS_SIZE_ALL_MAX ((size_t)1024 * 1024 * 1024)
/* One package, as zip; a terabyte is asked for in parts. */
#define PACKAGE_SIZE_MAX  ((uint64_t)1024 * 1024 * 1024 * 1024)
#define RENDERED_SIZE_MAX ((size_t)64 * 1024 * 1024) /* one event, all its fields as JSON */
#define MANIFEST_SIZE_MAX ((size_t)16 * 1024 * 1024) /* its sources and its gaps, mostly */
/* The heads between two day heads: some 1.3 MB, unless a clock stood still or many things were
 * removed. */
#define DAY_SIZE_MAX    ((size_t)256 * 1024 * 1024)
#define DAY_WINDOW_SIZE (1024 * 1024) /* of a heads file, read at once; a day has some 1.3 MB */
#define DEBRIS_SIZE_MAX (128 * 1024 * 1024) /* The most of a torn tail that is set aside. */

/* Notices. */
#define NOTICE_VALUES_MAX        64   /* Values that one notice tells. */
#define NOTICE_VALUE_SIZE_MAX    4096 /* One of them; it is cut there: a mail is no archive. */
#define OUTBOX_BODY_SIZE_MAX     (64 * 1024) /* A mail or hook; with the rest still one message. */
#define OUTBOX_SAID_SIZE_MAX     500         /* Of a peer's answer: a line for a person. */
#define OUTBOX_RETRY_SECONDS     15          /* After the first failure; doubled each time, */
#define OUTBOX_RETRY_SECONDS_MAX (15 * 60)   /* up to this. */
#define OUTBOX_SECONDS_MAX       (2 * 24 * 60 * 60) /* Tried so long; then no relay will take it. */

/* Working time. */
#define ZONE_FILE_SIZE_MAX  65536 /* One TZif file; the largest of tzdata has 4 KiB. */
#define ZONES_MAX           1024  /* Zones in use at once; tzdata has some 600 names. */
#define CALENDAR_SPANS_MAX  24    /* Of one day: one for each hour. */
#define CLOCK_NOTE_SIZE_MAX 4000  /* Why a clock was paused; a page of text. */

/* Scans.  A file may unfold into UNPACK_RATIO_MAX times its size and what is free on top: logs
 * compress by 10 to 100, and a bomb by a thousand and more. */
#define UNPACK_FREE_SIZE   (64 * 1024 * 1024)
#define UNPACK_RATIO_MAX   250
#define UNPACK_SIZE_MAX    ((uint64_t)1024 * 1024 * 1024 * 1024) /* Of one file; a big disk. */
#define UNPACK_MEMBERS_MAX 1000000 /* Of one file, all archives in it together. */
#define UNPACK_DEPTH_MAX   5       /* Archives in archives; a collector makes two or three. */
#define MEMBER_PATH_MAX    4096    /* A path in an archive, and all those around it. */
#define SCAN_THREADS_MAX   256
/* Lines of output that wait for their turn; then workers wait. */
#define SCAN_WAITING_MAX (32 * 1024 * 1024)
/* What rules saw for correlations, until the end of a scan: some 500,000 sightings. */
#define SCAN_SIGHTINGS_MAX ((size_t)96 * 1024 * 1024)
/* Rows of a table, which is sorted by time before the first is shown: some 150,000. */
#define SCAN_TABLE_MAX  ((size_t)64 * 1024 * 1024)
#define CSV_COLUMNS_MAX 1024 /* As many as an event has fields. */
