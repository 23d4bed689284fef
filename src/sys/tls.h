#pragma once

/*
 * Certificates made, read and used: the door to GnuTLS, which libmicrohttpd speaks TLS with.
 *
 *     tls_certificate_make, tls_certificate_read
 *     tls_use → (http_new with tls) … tls_use again …
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

#define TLS_SUBJECT_SIZE 256
#define TLS_NAMES_SIZE   4096

/* What the first certificate of a PEM text says. */
struct tls_certificate {
    char subject[TLS_SUBJECT_SIZE]; /* "CN=Hinomi"; cut if it is longer */
    char sha256[65];                /* the fingerprint: of its DER form, in hexadecimal */
    char names[TLS_NAMES_SIZE];     /* DNS names and addresses, one a line; those that fit */
    struct wall from, until;
};
/* ERR_SYNTAX: it is none. */
NODISCARD enum err tls_certificate_read(struct str pem, struct tls_certificate *ret,
                                        struct why *why);

/* A certificate that certifies itself, for servers, and its key (ECDSA on P-256), both as PEM.
 * names: as above, one a line.  Its life begins a day before `now`, for peers whose clock is slow.
 */
NODISCARD enum err tls_certificate_make(struct str names, struct wall now, unsigned days,
                                        struct buf *certificate, struct buf *key);

/* From now on this process shows that certificate (with its chain) to whoever begins to speak TLS;
 * connections that stand go on.  ERR_SYNTAX: they are none, or do not belong together. */
NODISCARD enum err tls_use(struct str certificate, struct str key, struct why *why);
/* Whether a certificate and a key could be used. */
NODISCARD enum err tls_check(struct str certificate, struct str key, struct why *why);
/* For libmicrohttpd: the callback that finds what tls_use has set. */
void *tls_callback(void);
