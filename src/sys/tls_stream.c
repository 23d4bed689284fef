/*
 * TLS sessions of a server, by GnuTLS, on sockets that never block.
 *
 * RFC 5425 (syslog over TLS), section 4.2, names two ways to know a peer: the fingerprint of its
 * certificate, and a name that an authority vouches for.  OUR implementation:
 *
 *     gate has        the peer shows                          it is known by
 *     no authorities  nothing                                 its address alone
 *     no authorities  a certificate in its days, strong key   fingerprint
 *     authorities     what leads to one of them, not revoked  fingerprint and names
 *     authorities     anything else, or nothing               it is refused
 *
 * Names are compared by whoever has them; here they are only read.  The common name counts where
 * there is no name of another kind (RFC 6125, section 6.4.4).  A name with an asterisk is no name
 * of anybody: a certificate for "*.example" must not be able to be each of our sources.
 *
 * Always true:
 *
 *   (1) nothing of a peer is believed before its greeting ended with OK;
 *   (2) a greeting is held in at most HANDSHAKE_SIZE_MAX of memory a message;
 *   (3) a second greeting on the same connection (renegotiation) ends it.
 */

#include "sys/tls_stream.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clocks.h"
#include "sys/gnutls.h"

#define HANDSHAKE_SIZE_MAX (24 * 1024) /* a chain of five certificates with long keys */
#define CHAIN_DEPTH_MAX    6
#define WARNINGS_MAX       4    /* of one peer, in one go */
#define KEY_BITS_MAX       8192 /* larger ones cost more time than whoever sends them deserves */

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SAFE_RENEGOTIATION:%PROFILE_MEDIUM"

struct tls_gate {
    unsigned refs;
    bool vouching; /* it has authorities */
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
};

struct tls_stream {
    struct tls_gate *gate;
    gnutls_session_t session;
    struct tls_peer peer;
    bool greeted;
    bool interrupted;   /* a write that GnuTLS has taken and not finished */
    const char *reason; /* why the peer's certificate was refused */
};

static int certificate_judge(gnutls_session_t session);

static gnutls_datum_t datum_of(struct str text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.data, (unsigned)text.size};
}

/* ---- The gate. */

static enum err revoked_add(struct tls_gate *gate, struct str pem, struct why *why)
{
    const gnutls_datum_t text = datum_of(pem);
    if (gnutls_certificate_set_x509_crl_mem(gate->credentials, &text, GNUTLS_X509_FMT_PEM) < 1) {
        return why_say(why, ERR_SYNTAX, 0, "a list of revoked certificates cannot be used");
    }
    return OK;
}

static enum err authorities_add(struct tls_gate *gate, const struct tls_papers *papers,
                                struct why *why)
{
    const gnutls_datum_t text = datum_of(papers->authorities);
    if (gnutls_certificate_set_x509_trust_mem(gate->credentials, &text, GNUTLS_X509_FMT_PEM) < 1) {
        return why_say(why, ERR_SYNTAX, 0, "the authorities hold no certificate in PEM");
    }
    gate->vouching = true;
    enum err err = OK;
    if (str_find(papers->authorities, STR("-----BEGIN X509 CRL-----")) != STR_NONE) {
        err = revoked_add(gate, papers->authorities, why);
    }
    return err == OK && papers->revoked.size > 0 ? revoked_add(gate, papers->revoked, why) : err;
}

enum err tls_gate_new(const struct tls_papers *papers, struct tls_gate **ret, struct why *why)
{
    struct tls_gate *gate = calloc(1, sizeof *gate);
    const gnutls_datum_t certificate = datum_of(papers->certificate);
    const gnutls_datum_t key = datum_of(papers->key);
    if (gate == NULL) {
        return ERR_MEMORY;
    }
    gate->refs = 1;
    enum err err = gnutls_certificate_allocate_credentials(&gate->credentials) == 0 &&
                           gnutls_priority_init(&gate->priorities, PRIORITIES, NULL) == 0
                       ? OK
                       : ERR_MEMORY;
    if (err == OK && gnutls_certificate_set_x509_key_mem2(gate->credentials, &certificate, &key,
                                                          GNUTLS_X509_FMT_PEM, NULL, 0) < 0) {
        err = why_say(why, ERR_SYNTAX, 0,
                      "the certificate or its key cannot be used, or they do not belong together");
    }
    if (err == OK && papers->authorities.size > 0) {
        err = authorities_add(gate, papers, why);
    }
    if (err != OK) {
        tls_gate_unref(gate);
        return err;
    }
    gnutls_certificate_set_verify_limits(gate->credentials, KEY_BITS_MAX, CHAIN_DEPTH_MAX);
    gnutls_certificate_set_verify_flags(gate->credentials,
                                        GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM));
    gnutls_certificate_set_verify_function(gate->credentials, certificate_judge);
    *ret = gate;
    return OK;
}

struct tls_gate *tls_gate_ref(struct tls_gate *gate)
{
    gate->refs++;
    return gate;
}

void tls_gate_unref(struct tls_gate *gate)
{
    if (gate == NULL || --gate->refs > 0) {
        return;
    }
    if (gate->credentials != NULL) {
        gnutls_certificate_free_credentials(gate->credentials);
    }
    if (gate->priorities != NULL) {
        gnutls_priority_deinit(gate->priorities);
    }
    free(gate);
}

/* ---- What the peer shows. */

static bool name_add(struct tls_peer *peer, size_t *at, struct str name)
{
    if (name.size == 0 || *at + name.size + 2 > sizeof peer->names ||
        str_find_byte(name, '\n') != STR_NONE || str_find_byte(name, '\0') != STR_NONE ||
        str_find_byte(name, '*') != STR_NONE) {
        return false;
    }
    memcpy(peer->names + *at, name.data, name.size);
    *at += name.size;
    peer->names[(*at)++] = '\n';
    return true;
}

/* Its DNS names and addresses, or, if it has no name of any kind, the common name. */
static void names_read(gnutls_x509_crt_t crt, struct tls_peer *peer)
{
    char name[256];
    char text[INET6_ADDRSTRLEN];
    size_t at = 0;
    unsigned found = 0;
    for (;; found++) {
        size_t size = sizeof name;
        int kind = gnutls_x509_crt_get_subject_alt_name(crt, found, name, &size, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (kind == GNUTLS_SAN_DNSNAME) {
            (void)name_add(peer, &at, str_of(name, strnlen(name, size) == size ? size : 0));
        } else if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
            int family = size == 4 ? AF_INET : AF_INET6;
            (void)name_add(peer, &at, str_from(inet_ntop(family, name, text, sizeof text)));
        } else if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) {
            break;
        }
    }
    size_t size = sizeof name;
    if (found == 0 &&
        gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0) {
        (void)name_add(peer, &at, str_of(name, size));
    }
    peer->names[at > 0 ? at - 1 : 0] = '\0';
}

static void hexadecimal(const unsigned char *bytes, size_t size, char *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    to[2 * size] = '\0';
}

/* Nobody vouches for it: it must at least be in its days and not be easy to forge. */
static const char *alone_judge(gnutls_x509_crt_t crt)
{
    unsigned bits = 0;
    time_t now = (time_t)(wall_now().ns / NS_PER_SECOND);
    int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
    if (gnutls_x509_crt_get_activation_time(crt) > now) {
        return "its certificate is not valid yet";
    }
    if (gnutls_x509_crt_get_expiration_time(crt) < now) {
        return "its certificate has expired";
    }
    if (algorithm < 0 || bits > KEY_BITS_MAX ||
        gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)algorithm, bits) <
            GNUTLS_SEC_PARAM_MEDIUM) {
        return "its certificate has a weak key";
    }
    return NULL;
}

static const char *vouch_judge(gnutls_session_t session)
{
    static const struct {
        unsigned status;
        const char *sentence;
    } reasons[] = {
        {GNUTLS_CERT_REVOKED, "its certificate was revoked"},
        {GNUTLS_CERT_EXPIRED, "its certificate has expired"},
        {GNUTLS_CERT_NOT_ACTIVATED, "its certificate is not valid yet"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "its certificate is weak"},
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "none of our authorities vouches for its certificate"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "its certificate is not for clients"},
    };
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st data = {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)purpose, 0};
    unsigned status = 0;
    if (gnutls_certificate_verify_peers(session, &data, 1, &status) != 0) {
        return "its certificate cannot be judged";
    }
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if ((status & reasons[i].status) != 0) {
            return reasons[i].sentence;
        }
    }
    return status != 0 ? "its certificate does not hold" : NULL;
}

/* Called by GnuTLS in the greeting, once the peer has proved that the certificate is its own or
 * is about to; not 0 ends the greeting. */
static int certificate_judge(gnutls_session_t session)
{
    struct tls_stream *stream = gnutls_session_get_ptr(session);
    unsigned count = 0;
    unsigned char print[32];
    size_t print_size = sizeof print;
    gnutls_x509_crt_t crt;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (chain == NULL || count == 0) {
        stream->reason = stream->gate->vouching ? "it showed no certificate" : NULL;
        return stream->gate->vouching ? -1 : 0;
    }
    stream->reason = "its certificate cannot be read";
    if (gnutls_x509_crt_init(&crt) != 0) {
        return -1;
    }
    if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, print, &print_size) == 0) {
        stream->reason = stream->gate->vouching ? vouch_judge(session) : alone_judge(crt);
        stream->peer = (struct tls_peer){.shown = true, .vouched = stream->gate->vouching};
        hexadecimal(print, sizeof print, stream->peer.sha256);
        if (stream->peer.vouched) {
            names_read(crt, &stream->peer);
        }
    }
    gnutls_x509_crt_deinit(crt);
    return stream->reason == NULL ? 0 : -1;
}

/* ---- The stream. */

enum err tls_stream_new(struct tls_gate *gate, int socket, struct tls_stream **ret)
{
    struct tls_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return ERR_MEMORY;
    }
    if (gnutls_init(&stream->session,
                    GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) != 0) {
        free(stream);
        return ERR_MEMORY;
    }
    stream->gate = tls_gate_ref(gate);
    if (gnutls_priority_set(stream->session, gate->priorities) != 0 ||
        gnutls_credentials_set(stream->session, GNUTLS_CRD_CERTIFICATE, gate->credentials) != 0) {
        tls_stream_free(stream);
        return ERR_MEMORY;
    }
    gnutls_session_set_ptr(stream->session, stream);
    gnutls_certificate_server_set_request(stream->session, gate->vouching ? GNUTLS_CERT_REQUIRE
                                                                          : GNUTLS_CERT_REQUEST);
    gnutls_handshake_set_max_packet_length(stream->session, HANDSHAKE_SIZE_MAX);
    gnutls_handshake_set_timeout(stream->session, 0); /* whoever has a loop counts the time */
    gnutls_transport_set_int(stream->session, socket);
    *ret = stream;
    return OK;
}

void tls_stream_free(struct tls_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->greeted) {
        (void)gnutls_bye(stream->session, GNUTLS_SHUT_WR);
    }
    gnutls_deinit(stream->session);
    tls_gate_unref(stream->gate);
    free(stream);
}

static bool again(ssize_t result)
{
    return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

enum err tls_stream_greet(struct tls_stream *stream, bool *ret_write, const char **ret_reason)
{
    int result = gnutls_handshake(stream->session);
    for (int i = 0;
         i < WARNINGS_MAX && result < 0 && !again(result) && gnutls_error_is_fatal(result) == 0;
         i++) {
        result = gnutls_handshake(stream->session);
    }
    if (result == 0) {
        stream->greeted = true;
        return OK;
    }
    if (again(result)) {
        *ret_write = gnutls_record_get_direction(stream->session) == 1;
        return ERR_AGAIN;
    }
    (void)gnutls_alert_send_appropriate(stream->session, result);
    *ret_reason = stream->reason != NULL ? stream->reason : gnutls_strerror(result);
    return ERR_DENIED;
}

const struct tls_peer *tls_stream_peer(const struct tls_stream *stream)
{
    return &stream->peer;
}

static bool fingerprint_is(const char sha256[65], struct str who)
{
    size_t at = 0;
    for (size_t i = 0; i < who.size; i++) {
        if (who.data[i] == ':' && at % 2 == 0) {
            continue;
        }
        if (at == 64 || !str_equal_nocase(str_of(&who.data[i], 1), str_of(&sha256[at], 1))) {
            return false;
        }
        at++;
    }
    return at == 64;
}

bool tls_peer_is(const struct tls_peer *peer, struct str who)
{
    const struct str prefix = STR("sha256:");
    struct str names = str_from(peer->names);
    if (!peer->shown || who.size == 0) {
        return false;
    }
    if (who.size > prefix.size && str_equal_nocase(str_slice(who, 0, prefix.size), prefix)) {
        return fingerprint_is(peer->sha256, str_slice(who, prefix.size, who.size));
    }
    if (fingerprint_is(peer->sha256, who)) {
        return true;
    }
    while (names.size > 0) {
        if (str_equal_nocase(str_cut(&names, '\n'), who)) {
            return true;
        }
    }
    return false;
}

enum err tls_stream_read(struct tls_stream *stream, void *to, size_t size, size_t *ret_size)
{
    ssize_t got = gnutls_record_recv(stream->session, to, size);
    if (got > 0) {
        *ret_size = (size_t)got;
        return OK;
    }
    /* GNUTLS_E_REHANDSHAKE, which is not fatal to GnuTLS, is to us. */
    return again(got) ? ERR_AGAIN : ERR_CLOSED;
}

enum err tls_stream_write(struct tls_stream *stream, struct str bytes, size_t *ret_size)
{
    ssize_t sent = stream->interrupted
                       ? gnutls_record_send(stream->session, NULL, 0)
                       : gnutls_record_send(stream->session, bytes.data,
                                            bytes.size < 16384 ? bytes.size : 16384);
    stream->interrupted = again(sent);
    if (sent < 0) {
        return again(sent) ? ERR_AGAIN : ERR_CLOSED;
    }
    *ret_size = (size_t)sent;
    return OK;
}
