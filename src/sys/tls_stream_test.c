/*
 * A real client of GnuTLS at the other end of a socket pair, with certificates made here.  The
 * matrix: whatever a peer may get wrong with its certificate, its name or the protocol is refused.
 */

#include "sys/tls_stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clocks.h"
#include "sys/gnutls.h"
#include "sys/tls.h"
#include "testing/testing.h"

#define DAY 86400

/* ---- Certificates. */

struct recipe {
    const char *name; /* DNS; NULL: none */
    const char *common;
    int from_days, until_days;        /* from now; both 0: for ten days from yesterday */
    unsigned bits;                    /* RSA; 0: ECDSA on P-256 */
    gnutls_digest_algorithm_t digest; /* 0: SHA-256 */
    const char *purpose;              /* NULL: clients */
    bool authority;
};

struct paper {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
    bool made;
};

static unsigned serial_last;

static void paper_make(const struct recipe *recipe, const struct paper *issuer, struct paper *ret)
{
    time_t now = (time_t)(wall_now().ns / NS_PER_SECOND);
    bool plain = recipe->from_days == 0 && recipe->until_days == 0;
    unsigned char serial[4] = {1, 2, (unsigned char)(serial_last >> 8), (unsigned char)serial_last};
    serial_last++;
    CHECK(gnutls_x509_crt_init(&ret->crt) == 0 && gnutls_x509_privkey_init(&ret->key) == 0);
    CHECK(gnutls_x509_privkey_generate(
              ret->key, recipe->bits > 0 ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA,
              recipe->bits > 0 ? recipe->bits : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
              0) == 0);
    CHECK(gnutls_x509_crt_set_version(ret->crt, 3) == 0);
    CHECK(gnutls_x509_crt_set_serial(ret->crt, serial, sizeof serial) == 0);
    CHECK(gnutls_x509_crt_set_dn_by_oid(ret->crt, GNUTLS_OID_X520_COMMON_NAME, 0, recipe->common,
                                        (unsigned)strlen(recipe->common)) == 0);
    CHECK(gnutls_x509_crt_set_activation_time(ret->crt,
                                              now + (plain ? -1 : recipe->from_days) * DAY) == 0);
    CHECK(gnutls_x509_crt_set_expiration_time(ret->crt,
                                              now + (plain ? 9 : recipe->until_days) * DAY) == 0);
    CHECK(gnutls_x509_crt_set_key(ret->crt, ret->key) == 0);
    CHECK(gnutls_x509_crt_set_basic_constraints(ret->crt, recipe->authority, -1) == 0);
    CHECK(gnutls_x509_crt_set_key_usage(
              ret->crt, recipe->authority ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
                                          : GNUTLS_KEY_DIGITAL_SIGNATURE) == 0);
    if (!recipe->authority) {
        CHECK(gnutls_x509_crt_set_key_purpose_oid(
                  ret->crt, recipe->purpose != NULL ? recipe->purpose : GNUTLS_KP_TLS_WWW_CLIENT,
                  0) == 0);
    }
    if (recipe->name != NULL) {
        CHECK(gnutls_x509_crt_set_subject_alt_name(ret->crt, GNUTLS_SAN_DNSNAME, recipe->name,
                                                   (unsigned)strlen(recipe->name),
                                                   GNUTLS_FSAN_SET) == 0);
    }
    const struct paper *by = issuer != NULL ? issuer : ret;
    unsigned char id[32];
    size_t id_size = sizeof id;
    CHECK(gnutls_x509_crt_get_key_id(ret->crt, 0, id, &id_size) == 0);
    CHECK(gnutls_x509_crt_set_subject_key_id(ret->crt, id, id_size) == 0);
    id_size = sizeof id;
    CHECK(gnutls_x509_crt_get_key_id(by->crt, 0, id, &id_size) == 0);
    CHECK(gnutls_x509_crt_set_authority_key_id(ret->crt, id, id_size) == 0);
    CHECK(gnutls_x509_crt_sign2(ret->crt, by->crt, by->key,
                                recipe->digest != 0 ? recipe->digest : GNUTLS_DIG_SHA256, 0) == 0);
    ret->made = true;
}

static void paper_forget(struct paper *paper)
{
    if (paper->made) {
        gnutls_x509_crt_deinit(paper->crt);
        gnutls_x509_privkey_deinit(paper->key);
    }
    paper->made = false;
}

static void pem_add(struct buf *to, const struct paper *paper)
{
    gnutls_datum_t text;
    CHECK(gnutls_x509_crt_export2(paper->crt, GNUTLS_X509_FMT_PEM, &text) == 0);
    CHECK(buf_append(to, str_of(text.data, text.size)) == OK);
    gnutls_free(text.data);
}

/* ---- The cast: one root, an intermediate, a stranger's root; a gate that asks for the root's. */

static struct cast {
    struct paper root, middle, old_middle, stranger, rsa_root;
    struct buf certificate, key, authorities;
    struct tls_gate *mutual, *open;
} cast;

static void crl_add(const struct paper *revoked, size_t count)
{
    gnutls_x509_crl_t crl;
    gnutls_datum_t text;
    time_t now = (time_t)(wall_now().ns / NS_PER_SECOND);
    unsigned char number = 1;
    CHECK(gnutls_x509_crl_init(&crl) == 0 && gnutls_x509_crl_set_version(crl, 2) == 0);
    CHECK(gnutls_x509_crl_set_this_update(crl, now - DAY) == 0);
    CHECK(gnutls_x509_crl_set_next_update(crl, now + DAY) == 0);
    CHECK(gnutls_x509_crl_set_number(crl, &number, 1) == 0);
    for (size_t i = 0; i < count; i++) {
        CHECK(gnutls_x509_crl_set_crt(crl, revoked[i].crt, now - DAY) == 0);
    }
    CHECK(gnutls_x509_crl_sign2(crl, cast.root.crt, cast.root.key, GNUTLS_DIG_SHA256, 0) == 0);
    CHECK(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &text) == 0);
    CHECK(buf_append(&cast.authorities, str_of(text.data, text.size)) == OK);
    gnutls_free(text.data);
    gnutls_x509_crl_deinit(crl);
}

static void gate_up(const struct paper *revoked, size_t count)
{
    struct why why = {0};
    memset(&cast, 0, sizeof cast);
    paper_make(&(struct recipe){.common = "Root", .authority = true}, NULL, &cast.root);
    paper_make(&(struct recipe){.common = "Middle", .authority = true}, &cast.root, &cast.middle);
    paper_make(
        &(struct recipe){.common = "Old", .authority = true, .from_days = -20, .until_days = -2},
        &cast.root, &cast.old_middle);
    paper_make(&(struct recipe){.common = "Root", .authority = true}, NULL, &cast.stranger);
    paper_make(&(struct recipe){.common = "Old root", .authority = true, .bits = 2048}, NULL,
               &cast.rsa_root);
    buf_init(&cast.certificate, 1 << 16);
    buf_init(&cast.key, 1 << 16);
    buf_init(&cast.authorities, 1 << 16);
    CHECK(tls_certificate_make(STR("collector.example"), wall_now(), 10, &cast.certificate,
                               &cast.key) == OK);
    pem_add(&cast.authorities, &cast.root);
    pem_add(&cast.authorities, &cast.rsa_root);
    if (count > 0) {
        crl_add(revoked, count);
    }
    struct tls_papers papers = {buf_str(&cast.certificate), buf_str(&cast.key), {0}, {0}};
    CHECK(tls_gate_new(&papers, &cast.open, &why) == OK);
    papers.authorities = buf_str(&cast.authorities);
    CHECK(tls_gate_new(&papers, &cast.mutual, &why) == OK);
}

static void gate_down(void)
{
    struct paper *papers[] = {&cast.root, &cast.middle, &cast.old_middle, &cast.stranger,
                              &cast.rsa_root};
    for (size_t i = 0; i < sizeof papers / sizeof papers[0]; i++) {
        paper_forget(papers[i]);
    }
    tls_gate_unref(cast.mutual);
    tls_gate_unref(cast.open);
    buf_done(&cast.certificate);
    buf_done(&cast.key);
    buf_done(&cast.authorities);
}

/* ---- A client. */

#define USUAL "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct show {
    const struct paper *leaf, *between; /* NULL: none */
    const struct paper *key_of;         /* NULL: the leaf's own */
    const char *priorities;             /* NULL: USUAL */
};

struct meeting {
    int sockets[2]; /* ours, the client's */
    struct tls_stream *stream;
    gnutls_session_t client;
    gnutls_certificate_credentials_t credentials;
    const char *reason;
    bool let_in;
};

static void show_set(struct meeting *meeting, const struct show *show)
{
    CHECK(gnutls_certificate_allocate_credentials(&meeting->credentials) == 0);
    gnutls_certificate_set_flags(meeting->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    if (show->leaf != NULL) {
        const struct paper *key_of = show->key_of != NULL ? show->key_of : show->leaf;
        gnutls_x509_crt_t chain[2] = {show->leaf->crt,
                                      show->between != NULL ? show->between->crt : NULL};
        CHECK(gnutls_certificate_set_x509_key(meeting->credentials, chain,
                                              show->between != NULL ? 2 : 1, key_of->key) == 0);
    }
    CHECK(gnutls_init(&meeting->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                                            GNUTLS_FORCE_CLIENT_CERT) == 0);
    CHECK(gnutls_priority_set_direct(
              meeting->client, show->priorities != NULL ? show->priorities : USUAL, NULL) == 0);
    CHECK(gnutls_credentials_set(meeting->client, GNUTLS_CRD_CERTIFICATE, meeting->credentials) ==
          0);
    gnutls_transport_set_int(meeting->client, meeting->sockets[1]);
}

static void pair_up(struct meeting *meeting, struct tls_gate *gate)
{
    *meeting = (struct meeting){0};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, meeting->sockets) == 0);
    CHECK(tls_stream_new(gate, meeting->sockets[0], &meeting->stream) == OK);
}

static bool greet(struct meeting *meeting)
{
    int theirs = GNUTLS_E_AGAIN;
    for (int i = 0; i < 200; i++) {
        bool writes;
        if (theirs == GNUTLS_E_AGAIN && meeting->client != NULL) {
            theirs = gnutls_handshake(meeting->client);
        }
        enum err err = tls_stream_greet(meeting->stream, &writes, &meeting->reason);
        if (err != ERR_AGAIN) {
            meeting->let_in = err == OK;
            CHECK(err == OK || (err == ERR_DENIED && meeting->reason != NULL));
            break;
        }
    }
    if (meeting->let_in && theirs == GNUTLS_E_AGAIN) {
        (void)gnutls_handshake(meeting->client);
    }
    return meeting->let_in;
}

static void meeting_end(struct meeting *meeting)
{
    tls_stream_free(meeting->stream);
    if (meeting->client != NULL) {
        gnutls_deinit(meeting->client);
        gnutls_certificate_free_credentials(meeting->credentials);
    }
    (void)close(meeting->sockets[0]);
    (void)close(meeting->sockets[1]);
}

static bool let_in(struct tls_gate *gate, const struct show *show, struct tls_peer *ret_peer)
{
    struct meeting meeting;
    pair_up(&meeting, gate);
    show_set(&meeting, show);
    bool in = greet(&meeting);
    if (in && ret_peer != NULL) {
        *ret_peer = *tls_stream_peer(meeting.stream);
    }
    meeting_end(&meeting);
    return in;
}

TEST(whom_our_authority_vouches_for_is_let_in_and_known_by_fingerprint_and_name)
{
    struct paper leaf = {0};
    struct tls_peer peer;
    gate_up(NULL, 0);
    paper_make(&(struct recipe){.name = "fw.acme.example", .common = "Firewall"}, &cast.root,
               &leaf);
    CHECK(let_in(cast.mutual, &(struct show){.leaf = &leaf}, &peer));
    CHECK(peer.shown && peer.vouched && strlen(peer.sha256) == 64);
    CHECK(strcmp(peer.names, "fw.acme.example") == 0);
    CHECK(tls_peer_is(&peer, STR("FW.acme.example")) && tls_peer_is(&peer, str_from(peer.sha256)));
    CHECK(!tls_peer_is(&peer, STR("Firewall")));
    char text[128];
    (void)snprintf(text, sizeof text, "sha256:%.2s:%.62s", peer.sha256, peer.sha256 + 2);
    CHECK(tls_peer_is(&peer, str_from(text)));
    paper_forget(&leaf);
    paper_make(&(struct recipe){.common = "fw2.acme.example"}, &cast.middle, &leaf);
    CHECK(let_in(cast.mutual, &(struct show){.leaf = &leaf, .between = &cast.middle}, &peer));
    CHECK(tls_peer_is(&peer, STR("fw2.acme.example")));
    CHECK(let_in(cast.mutual,
                 &(struct show){.leaf = &leaf,
                                .between = &cast.middle,
                                .priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
                 &peer));
    paper_forget(&leaf);
    gate_down();
}

TEST(without_authorities_a_fingerprint_alone_counts_and_nothing_is_asked_for)
{
    struct paper leaf = {0};
    struct tls_peer peer;
    gate_up(NULL, 0);
    CHECK(let_in(cast.open, &(struct show){0}, &peer));
    CHECK(!peer.shown && !tls_peer_is(&peer, STR("")));
    paper_make(&(struct recipe){.name = "fw.acme.example", .common = "x"}, NULL, &leaf);
    CHECK(let_in(cast.open, &(struct show){.leaf = &leaf}, &peer));
    CHECK(peer.shown && !peer.vouched && peer.names[0] == '\0');
    CHECK(tls_peer_is(&peer, str_from(peer.sha256)));
    CHECK(!tls_peer_is(&peer, STR("fw.acme.example")));
    paper_forget(&leaf);
    gate_down();
}

static void refused(struct tls_gate *gate, const struct show *show, const char *what)
{
    struct tls_peer peer;
    if (let_in(gate, show, &peer)) {
        (void)fprintf(stderr, "let in: %s\n", what);
        CHECK(false);
    }
}

enum issuer { BY_ROOT, BY_SELF, BY_STRANGER, BY_OLD_MIDDLE, BY_LEAF, BY_RSA, BY_MISSING_MIDDLE };

static unsigned cases;

static void certificate_refused(const struct recipe *recipe, enum issuer issuer, const char *what)
{
    struct paper leaf = {0};
    struct paper parent = {0};
    const struct paper *by[] = {&cast.root, NULL,           &cast.stranger, &cast.old_middle,
                                &parent,    &cast.rsa_root, &cast.middle};
    const struct paper *between = issuer == BY_OLD_MIDDLE ? &cast.old_middle
                                  : issuer == BY_LEAF     ? &parent
                                                          : NULL;
    if (issuer == BY_LEAF) {
        paper_make(&(struct recipe){.common = "leaf"}, &cast.root, &parent);
    }
    paper_make(recipe, by[issuer], &leaf);
    refused(cast.mutual, &(struct show){.leaf = &leaf, .between = between}, what);
    refused(cast.mutual,
            &(struct show){.leaf = &leaf,
                           .between = between,
                           .priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+SIGN-RSA-SHA1"},
            what);
    cases += 2;
    paper_forget(&leaf);
    paper_forget(&parent);
}

TEST(the_matrix_no_certificate_that_does_not_hold_is_let_in)
{
    const struct recipe good = {.name = "fw.acme.example", .common = "x"};
    struct recipe recipe = good;
    struct paper leaves[2] = {0};
    gate_up(NULL, 0);
    cases = 0;
    recipe.from_days = -20, recipe.until_days = -1;
    certificate_refused(&recipe, BY_ROOT, "expired");
    recipe.from_days = 1, recipe.until_days = 20;
    certificate_refused(&recipe, BY_ROOT, "not valid yet");
    certificate_refused(&good, BY_SELF, "certifies itself");
    certificate_refused(&good, BY_STRANGER, "another root of the same name");
    certificate_refused(&good, BY_OLD_MIDDLE, "the one between has expired");
    certificate_refused(&good, BY_LEAF, "signed by one who may not");
    certificate_refused(&good, BY_MISSING_MIDDLE, "the one between is missing");
    recipe = good, recipe.purpose = GNUTLS_KP_TLS_WWW_SERVER;
    certificate_refused(&recipe, BY_ROOT, "for servers");
    recipe.purpose = GNUTLS_KP_EMAIL_PROTECTION;
    certificate_refused(&recipe, BY_ROOT, "for mail");
    recipe = good, recipe.bits = 1024;
    certificate_refused(&recipe, BY_ROOT, "a short key");
    recipe = good, recipe.digest = GNUTLS_DIG_SHA1;
    certificate_refused(&recipe, BY_RSA, "signed over SHA-1");
    recipe.digest = GNUTLS_DIG_MD5;
    certificate_refused(&recipe, BY_RSA, "signed over MD5");
    refused(cast.mutual, &(struct show){0}, "no certificate");
    paper_make(&good, &cast.root, &leaves[0]);
    paper_make(&good, &cast.root, &leaves[1]);
    refused(cast.mutual, &(struct show){.leaf = &leaves[0], .key_of = &leaves[1]},
            "somebody else's certificate");
    cases += 2;
    gate_down();
    paper_forget(&leaves[0]);
    paper_forget(&leaves[1]);
    CHECK(cases == 26);
}

TEST(the_matrix_what_was_revoked_is_refused_and_its_sister_is_not)
{
    struct paper leaves[2] = {0};
    gate_up(NULL, 0);
    paper_make(&(struct recipe){.common = "lost.example"}, &cast.root, &leaves[0]);
    paper_make(&(struct recipe){.common = "kept.example"}, &cast.root, &leaves[1]);
    CHECK(let_in(cast.mutual, &(struct show){.leaf = &leaves[0]}, NULL));
    tls_gate_unref(cast.mutual);
    crl_add(leaves, 1);
    const struct tls_papers papers = {
        buf_str(&cast.certificate), buf_str(&cast.key), buf_str(&cast.authorities), {0}};
    CHECK(tls_gate_new(&papers, &cast.mutual, NULL) == OK);
    refused(cast.mutual, &(struct show){.leaf = &leaves[0]}, "revoked");
    CHECK(let_in(cast.mutual, &(struct show){.leaf = &leaves[1]}, NULL));
    gate_down();
    paper_forget(&leaves[0]);
    paper_forget(&leaves[1]);
}

TEST(the_matrix_a_name_means_one_peer_and_nothing_like_it)
{
    static const struct {
        const char *has, *wanted;
    } names[] = {
        {"fw.acme.example", "fw.other.example"},
        {"fw.acme.example", "acme.example"},
        {"fw.acme.example", "*.acme.example"},
        {"*.acme.example", "fw.acme.example"},
        {"*.acme.example", "*.acme.example"},
        {"f*.acme.example", "fw.acme.example"},
        {"*w.acme.example", "fw.acme.example"},
        {"*.example", "acme.example"},
        {"*.*.example", "fw.acme.example"},
        {"*", "fw.acme.example"},
        {"fw.*.example", "fw.acme.example"},
        {"fw.acme.example.", "fw.acme.example"},
        {"fw.acme.example\nroot.example", "root.example"},
        {"xfw.acme.example", "fw.acme.example"},
    };
    gate_up(NULL, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct paper leaf = {0};
        struct tls_peer peer;
        paper_make(&(struct recipe){.name = names[i].has, .common = names[i].wanted}, &cast.root,
                   &leaf);
        bool in = let_in(cast.mutual, &(struct show){.leaf = &leaf}, &peer);
        if (in && tls_peer_is(&peer, str_from(names[i].wanted))) {
            (void)fprintf(stderr, "'%s' is taken for '%s'\n", names[i].has, names[i].wanted);
            CHECK(false);
        }
        paper_forget(&leaf);
    }
    gate_down();
}

TEST(the_matrix_no_old_or_weak_protocol_is_spoken)
{
    static const char *const priorities[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.0",
        "NORMAL:-VERS-ALL:+VERS-TLS1.1",
        "NORMAL:-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK",
    };
    gate_up(NULL, 0);
    for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; i++) {
        refused(cast.open, &(struct show){.priorities = priorities[i]}, priorities[i]);
    }
    static const char *const garbage[] = {
        "<13>no greeting at all\n",
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\xff\xff\x01\xff\xff\xff",
        "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct meeting meeting;
        pair_up(&meeting, cast.open);
        size_t size = garbage[i][0] == '\x16'   ? 9
                      : garbage[i][0] == '\x80' ? 11
                                                : strlen(garbage[i]);
        CHECK(write(meeting.sockets[1], garbage[i], size) == (ssize_t)size);
        CHECK(shutdown(meeting.sockets[1], SHUT_WR) == 0);
        CHECK(!greet(&meeting));
        meeting_end(&meeting);
    }
    gate_down();
}

TEST(bytes_go_both_ways_and_a_second_greeting_ends_the_connection)
{
    struct meeting meeting;
    char text[64];
    size_t size;
    gate_up(NULL, 0);
    pair_up(&meeting, cast.open);
    show_set(&meeting, &(struct show){.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2"});
    CHECK(greet(&meeting));
    CHECK(gnutls_record_send(meeting.client, "hello", 5) == 5);
    CHECK(tls_stream_read(meeting.stream, text, sizeof text, &size) == OK && size == 5);
    CHECK(tls_stream_read(meeting.stream, text, sizeof text, &size) == ERR_AGAIN);
    CHECK(tls_stream_write(meeting.stream, STR("welcome"), &size) == OK && size == 7);
    CHECK(gnutls_record_recv(meeting.client, text, sizeof text) == 7);
    CHECK(gnutls_handshake(meeting.client) == GNUTLS_E_AGAIN);
    CHECK(tls_stream_read(meeting.stream, text, sizeof text, &size) == ERR_CLOSED);
    meeting_end(&meeting);
    gate_down();
}

TEST(a_peer_that_does_not_read_is_waited_for_and_misses_no_byte)
{
    struct meeting meeting;
    static char sent[300000];
    static char got[300000];
    size_t out = 0;
    size_t in = 0;
    gate_up(NULL, 0);
    pair_up(&meeting, cast.open);
    show_set(&meeting, &(struct show){0});
    CHECK(greet(&meeting));
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 7 + i / 256);
    }
    for (int i = 0; i < 10000 && in < sizeof sent; i++) {
        size_t size = 0;
        enum err err =
            out < sizeof sent
                ? tls_stream_write(meeting.stream, str_of(sent + out, sizeof sent - out), &size)
                : ERR_AGAIN;
        out += err == OK ? size : 0;
        CHECK(err == OK || err == ERR_AGAIN);
        ssize_t n =
            err == ERR_AGAIN ? gnutls_record_recv(meeting.client, got + in, sizeof got - in) : 0;
        in += n > 0 ? (size_t)n : 0;
    }
    CHECK(in == sizeof sent && memcmp(sent, got, sizeof sent) == 0);
    meeting_end(&meeting);
    gate_down();
}

TEST(papers_that_cannot_be_used_are_refused)
{
    struct tls_gate *gate;
    struct why why = {0};
    gate_up(NULL, 0);
    struct tls_papers papers = {buf_str(&cast.certificate), STR("no key"), {0}, {0}};
    CHECK(tls_gate_new(&papers, &gate, &why) == ERR_SYNTAX);
    papers =
        (struct tls_papers){buf_str(&cast.certificate), buf_str(&cast.key), STR("nobody"), {0}};
    CHECK(tls_gate_new(&papers, &gate, &why) == ERR_SYNTAX);
    gate_down();
}
