#pragma once

/*
 * Who the portal is to browsers, and who the listeners for logs are to senders: a certificate, as
 * the configuration names it or made here, and the host names that it goes by.  The parent's, since
 * neither portal nor front opens a file.
 *
 *     identity_open → … identity_done
 */

#include "base/buf.h"
#include "config/config.h"
#include "sys/tls.h"

struct identity {
    struct buf certificate, key; /* PEM; empty: the portal speaks without TLS */
    struct buf names;            /* that it goes by, one a line */
    struct tls_certificate says; /* of `certificate` */
    bool local, made;            /* it certifies itself; it was made just now */
};

/* Reads the certificate that the configuration names, or else the local one, which is made if there
 * is none that serves.  On an error *ret is as it was. */
NODISCARD enum err identity_open(const struct config *config, struct wall now, struct identity *ret,
                                 struct why *why);
/* The same for the listeners that take logs over TLS. */
NODISCARD enum err identity_open_ingest(const struct config *config, struct wall now,
                                        struct identity *ret, struct why *why);
void identity_done(struct identity *identity);
bool identity_equal(const struct identity *a, const struct identity *b);
/* The fingerprint as browsers show it: "AB:CD:…". */
#define IDENTITY_PRINT_SIZE 96
const char *identity_print(const struct identity *identity, char text[IDENTITY_PRINT_SIZE]);
