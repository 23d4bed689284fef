#pragma once

/*
 * The installation's own configuration: one YAML file, one table of keys (config.c).  Everything
 * that steers the service for a client comes from documents instead (tenant/).
 *
 *     config_load → … → config_free
 *
 * Relative paths count from the folder where the program was started.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"

enum listener_kind { LISTENER_SYSLOG_UDP, LISTENER_SYSLOG_TCP, LISTENER_HTTP, LISTENER_KIND_COUNT };

struct listener_config {
    struct str name; /* a slug, unique */
    enum listener_kind kind;
    struct str address; /* IPv4 or IPv6, numeric */
    uint16_t port;
};

struct config {
    struct arena *mem;
    struct str data; /* the data folder */
    struct str keys; /* the clients' keys, outside data; default: data with ".keys" behind it */
    struct str *rules;
    size_t rules_count;
    struct listener_config *listeners;
    size_t listeners_count;
    uint32_t user_base; /* as root, process kind k runs as user and group user_base + k */
    uint64_t journal_size_max;
    uint64_t space_reserve;   /* bytes of the disk that events never take */
    uint32_t commit_delay_ms; /* how long a group commit may wait for company */
    uint32_t search_seconds_max;
    uint32_t head_seconds; /* how often heads are signed */
};

/* Reads a file.  Mistakes name line, column and what to do; an unknown key brings a suggestion. */
NODISCARD enum err config_load(const char *path, struct config **ret, struct why *why);
NODISCARD enum err config_parse(struct str text, struct config **ret, struct why *why);
void config_free(struct config *config);
/* One line per key: name, type, default, help.  For --help and the operator's guide. */
NODISCARD enum err config_help(struct buf *out);
