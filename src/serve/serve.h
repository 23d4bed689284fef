#pragma once

/*
 * The wiring: a parent and its processes, the ring and the channels between them, and the turn in
 * which an event becomes evidence and evidence becomes alerts (spine.c).
 *
 *     serve_run (the parent; returns when the service has ended)
 *     process_run (a child, started by the parent through the hidden command `process`)
 *     control_call (any command that touches the data of a running service)
 *     offline_call (the same commands on a folder that nobody serves)
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "config/config.h"

/* Serves until SIGTERM or SIGINT.  The exit code: 0 after an orderly end. */
int serve_run(const struct config *config);

/* The main function of a child: "front", "core", and so on. */
int process_run(const char *kind);
/* The one that copies heads to a second place, until it is killed (heads_copy.h).  What fails is
 * said once, and tried again at the next look. */
int heads_copy_run(const char *data, const char *folder, uint64_t every_ms);

/* What a command asks of a service, or of a folder. */
enum control_command {
    CONTROL_TENANT_APPLY,
    CONTROL_TENANT_EXPORT,
    CONTROL_TENANT_LIST,
    CONTROL_SEARCH,
    CONTROL_ALERTS,
    CONTROL_BOOKS,
    CONTROL_API, /* one operation of docs/api.yaml */
    CONTROL_KEY, /* the installation's public key */
    CONTROL_RULES_IMPORT,
    CONTROL_RULES_USE,
    CONTROL_RULES_EDITIONS,
    CONTROL_RULES_TRY, /* what other rules would raise on what is archived */
    CONTROL_SCAN,      /* the archive, judged again */
    CONTROL_EXPLAIN,   /* an alert, or a rule and an event */
    CONTROL_MINUTES,   /* the books by the minute, or with `count` by the hour */
    CONTROL_DEVICES,   /* argument: "proposals" or empty */
    CONTROL_PROVIDE, /* a package; argument: language and sources, note: purpose, count: no proof */
    CONTROL_BACKUP,  /* argument: "begin", then "ends" with what begin answered in `after` */
    CONTROL_COMMAND_COUNT
};

enum output_format { FORMAT_TABLE, FORMAT_NDJSON, FORMAT_CSV, FORMAT_RAW, FORMAT_COUNT };

#define ALERTS_LISTED_MAX 1000 /* alerts in one answer; ask again with `after` for more */

/* What a command is called in scopes and in the audit trail. */
const char *control_purpose(enum control_command command);

struct control_request {
    enum control_command command;
    struct str tenant;    /* a client's slug; empty: all that may be seen */
    struct str argument;  /* apply: the key to trust, or empty; api: "METHOD /path?query"; import:
                             "hold",  "anyway" or empty; use: an edition's hash;
                             scan: "as-of-live" or empty; explain: a rule */
    struct str note;      /* import: where the rules come from */
    struct str text;      /* the query, the file to apply, the body of an operation; import, try:
                             a bundle; scan: a bundle, or empty for the rules in force */
    struct wall from, to; /* WALL_NONE: open */
    enum output_format format;
    bool count;     /* only how many */
    uint64_t after; /* alerts: those with a larger id; explain: the alert, or 0 */
    uint64_t limit; /* alerts: at most so many, up to ALERTS_LISTED_MAX; 0: that many; explain: the
                       event's sequence; search: the seconds it may take, 0: any */
};

/* The exit code for an error (sysexits): 65 whoever asked must ask otherwise, 77 may not, 75 later,
 * 74 something here failed. */
int control_code(enum err err);

/* Gets a piece of the answer; ERR_CLOSED stops. */
typedef enum err control_output(void *context, struct str piece);

/* Asks the service that serves `data`.  ERR_NOT_FOUND: nobody does (*ret_code is not set).
 * Otherwise *ret_code is the command's exit code and the reason, if it is not 0, stands in why. */
NODISCARD enum err control_call(const char *data, const struct control_request *request,
                                control_output *output, void *context, int *ret_code,
                                struct why *why);

/* What both sides of a leaving client have confirmed, on a folder that nobody serves:
 * destroys the client's keys and data and writes the certificate to OUT/certificate.json, .sig and
 * .pdf.  ERR_CONFLICT: not confirmed by both sides; ERR_AGAIN: the folder is served.  Can be called
 * again after a crash. */
NODISCARD enum err offline_leave(const char *data, const char *keys, struct str slug,
                                 const char *out, struct why *why);

/* Answers from the folder itself.  ERR_AGAIN: somebody serves it. */
NODISCARD enum err offline_call(const char *data, const char *keys,
                                const struct control_request *request, control_output *output,
                                void *context, int *ret_code, struct why *why);
