#pragma once

/*
 * One thing handed over to the world outside, and its answer: a mail by SMTP, a body by HTTP POST.
 * The only door to libcurl.  Calls block up to their time limit (with SMTP's farewell twice as
 * long); each may run in a thread of its own.
 *
 *     fetch_init → fetch_mail | fetch_post …
 *
 * Nothing is followed, nothing is taken from the environment (no proxy, no .netrc), names are
 * resolved by the system, and a connection is refused on the address that it would really go to.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Once in a process, before its threads. */
NODISCARD enum err fetch_init(void);

/* What came back.  Texts are the peer's bytes, or libcurl's sentence. */
struct fetch_answer {
    uint32_t status;      /* of SMTP or HTTP; 0: no answer came */
    struct str text;      /* the last line of SMTP; the first bytes of an HTTP body */
    struct str trouble;   /* why there was no good end; empty: there was one */
    bool refused_address; /* every address of the name was refused */
    bool wrong;           /* the request can never be made: no such protocol, no URL */
    bool greeting;        /* SMTP: the relay refused us or our password, not this message */
};

struct fetch_mail {
    const char *relay; /* "smtp://HOST:PORT" or "smtps://…" */
    const char *from, *to;
    struct str body;             /* RFC 5322 with CRLF; dots are stuffed here */
    const char *user, *password; /* "": none.  With one, TLS is required whatever `tls` says. */
    const char *roots;           /* file of trusted authorities; "": the system's */
    bool tls;                    /* STARTTLS and a good certificate, or nothing; else as offered */
    uint32_t seconds_max;
};
/* ERR_MEMORY alone; all else is in the answer. */
NODISCARD enum err fetch_mail(const struct fetch_mail *mail, struct arena *mem,
                              struct fetch_answer *ret);

/* True to refuse the connection.  IPv4 as ::ffff:a.b.c.d. */
typedef bool fetch_refuse_call(void *context, const uint8_t address[16]);

struct fetch_post {
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value" */
    size_t headers_count;
    struct str body;
    const char *roots;
    uint32_t seconds_max;
    size_t answer_max;         /* bytes of a body that are kept, 64 KiB at most; 0: 1,000 */
    fetch_refuse_call *refuse; /* NULL: none */
    void *context;
};
NODISCARD enum err fetch_post(const struct fetch_post *post, struct arena *mem,
                              struct fetch_answer *ret);
