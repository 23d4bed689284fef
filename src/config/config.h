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

enum listener_kind {
    LISTENER_SYSLOG_UDP,
    LISTENER_SYSLOG_TCP,
    LISTENER_HTTP,       /* logs: lines, files, and what shippers speak over HTTP */
    LISTENER_SYSLOG_TLS, /* RFC 5425 */
    LISTENER_RELP,
    LISTENER_LUMBERJACK, /* version 2, of Beats */
    LISTENER_FILES,      /* files that are followed; it has paths instead of an address */
    LISTENER_PORTAL,     /* people and the API; no sender is bound to it */
    LISTENER_KIND_COUNT
};

struct listener_config {
    struct str name; /* a slug, unique */
    enum listener_kind kind;
    struct str address; /* IPv4 or IPv6, numeric */
    uint16_t port;
    bool tls;               /* of HTTP, RELP and Lumberjack; syslog-tls always */
    struct str authorities; /* PEM file of those who certify senders; empty: none is asked for a
                               certificate that somebody vouches for */
    struct str revoked;     /* PEM file of their revocation lists; empty: none */
    struct str *paths;      /* of files, '*' in the last part for anything */
    size_t paths_count;
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
    uint32_t journal_seconds;      /* a journal is closed after so long, */
    uint32_t journal_keep_seconds; /* and removed so long after it, once segments hold it */
    uint32_t cold_days;            /* segments older than this are packed smaller; 0: never */
    uint64_t space_reserve;        /* bytes of the disk that events never take */
    uint32_t commit_delay_ms;      /* how long a group commit may wait for company */
    uint32_t search_seconds_max;
    uint32_t head_seconds;      /* how often heads are signed */
    uint32_t disk_warning_days; /* before the disk is full somebody is told */
    struct str stamp_url;       /* of an authority that stamps heads; empty: none does */
    uint32_t stamp_seconds;     /* how often it is asked to, each client */
    struct str heads_copy;      /* a folder that heads are copied to; empty: none */
    struct str zoneinfo;        /* the folder of time zones */
    struct str portal_url;      /* "https://soc.example"; in front of the links in mails */
    struct str portal_tls;      /* "on", or "off": a proxy in front does it */
    struct str certificate, certificate_key; /* PEM files of the portal; empty: one is made */
    uint32_t portal_rate;                    /* requests a second that one address may make */
    struct str ingest_certificate, ingest_certificate_key; /* of the listeners that take logs; as
                                                              the portal's */
    struct str mail_relay; /* "smtp://host:port" or "smtps://…"; empty: no mail is sent */
    struct str mail_from;
    struct str mail_user, mail_password_file; /* at the relay; empty: it asks for none */
    struct str mail_tls;                      /* "required" or "optional" */
    struct str second_factor;     /* of whom one is wanted: "optional", "provider", "everybody" */
    struct str authorities;       /* PEM file of trusted authorities; empty: the system's */
    struct str secrets;           /* a folder: webhooks' secrets, a file each; empty: none */
    struct str *webhook_networks; /* local networks that webhooks may reach all the same */
    size_t webhook_networks_count;
};

/* Reads a file.  Mistakes name line, column and what to do; an unknown key brings a suggestion. */
NODISCARD enum err config_load(const char *path, struct config **ret, struct why *why);
/* The same of several files, one over the other: a key of a later file takes the place of an
 * earlier one, lists as a whole.  *ret_at (may be NULL) is the index of the file that was read
 * last, also on failure. */
NODISCARD enum err config_load_all(const char *const *paths, size_t count, struct config **ret,
                                   size_t *ret_at, struct why *why);
NODISCARD enum err config_parse(struct str text, struct config **ret, struct why *why);
void config_free(struct config *config);
/* One line per key: name, type, default, help.  For check-config --keys and the operator's guide.
 */
NODISCARD enum err config_help(struct buf *out);
