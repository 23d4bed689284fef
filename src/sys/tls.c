/*
 * One process shows one certificate.  GnuTLS asks for it at each handshake (its "retrieve
 * function"), so it can be another one from one moment to the next.
 *
 * A certificate that we make ourselves is trusted by nobody but whoever compared its fingerprint,
 * so it says little: who may be called by it, and until when.  Browsers refuse servers'
 * certificates that live longer than 825 days (Apple, 2019; self-made ones too).
 *
 * Always true:
 *
 *   (1) what a handshake was given stays until the process ends: GnuTLS keeps pointers into it for
 *       as long as the handshake takes.  It is some 5 kB, and changes as often as certificates do;
 *   (2) certificate and key belong together, or are not used.
 */

#include "sys/tls.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "sys/gnutls.h"
#include "sys/random.h"

#define CHAIN_MAX   16
#define KEY_ID_SIZE 32

struct tls_identity {
    struct tls_identity *before;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
};

static struct tls_identity *in_force; /* the latest; those before it hang behind it */

static gnutls_datum_t datum_of(struct str text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.data, (unsigned)text.size};
}

/* ---- Use. */

static void identity_free(struct tls_identity *identity)
{
    for (unsigned i = 0; i < identity->count; i++) {
        gnutls_pcert_deinit(&identity->chain[i]);
    }
    gnutls_privkey_deinit(identity->key);
    free(identity);
}

static bool belongs_together(const struct tls_identity *identity)
{
    unsigned char ours[KEY_ID_SIZE];
    unsigned char theirs[KEY_ID_SIZE];
    size_t ours_size = sizeof ours;
    size_t theirs_size = sizeof theirs;
    gnutls_pubkey_t public_key;
    if (gnutls_pubkey_init(&public_key) != 0) {
        return false;
    }
    bool same =
        gnutls_pubkey_import_privkey(public_key, identity->key, 0, 0) == 0 &&
        gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, ours, &ours_size) == 0 &&
        gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs,
                                 &theirs_size) == 0 &&
        ours_size == theirs_size && memcmp(ours, theirs, ours_size) == 0;
    gnutls_pubkey_deinit(public_key);
    return same;
}

static enum err identity_new(struct str certificate, struct str key, struct tls_identity **ret,
                             struct why *why)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    const gnutls_datum_t chain = datum_of(certificate);
    const gnutls_datum_t secret = datum_of(key);
    if (identity == NULL || gnutls_privkey_init(&identity->key) != 0) {
        free(identity);
        return ERR_MEMORY;
    }
    unsigned count = CHAIN_MAX;
    bool usable =
        gnutls_pcert_list_import_x509_raw(identity->chain, &count, &chain, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_SORT) == 0;
    identity->count = usable ? count : 0;
    usable =
        usable && count > 0 &&
        gnutls_privkey_import_x509_raw(identity->key, &secret, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
        belongs_together(identity);
    if (!usable) {
        identity_free(identity);
        return why_say(why, ERR_SYNTAX, 0,
                       "the certificate or its key cannot be used, or they do not belong together");
    }
    *ret = identity;
    return OK;
}

enum err tls_check(struct str certificate, struct str key, struct why *why)
{
    struct tls_identity *identity;
    enum err err = identity_new(certificate, key, &identity, why);
    if (err == OK) {
        identity_free(identity);
    }
    return err;
}

enum err tls_use(struct str certificate, struct str key, struct why *why)
{
    struct tls_identity *identity;
    enum err err = identity_new(certificate, key, &identity, why);
    if (err == OK) {
        identity->before = in_force;
        in_force = identity;
    }
    return err;
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                    int authorities_count, const gnutls_pk_algorithm_t *algorithms,
                    int algorithms_count, gnutls_pcert_st **ret_chain, unsigned *ret_count,
                    gnutls_privkey_t *ret_key)
{
    (void)session, (void)authorities, (void)authorities_count;
    (void)algorithms, (void)algorithms_count;
    if (in_force == NULL) {
        return -1;
    }
    *ret_chain = in_force->chain;
    *ret_count = in_force->count;
    *ret_key = in_force->key;
    return 0;
}

void *tls_callback(void)
{
    gnutls_certificate_retrieve_function2 *function = retrieve;
    void *pointer;
    memcpy(&pointer, &function, sizeof pointer); /* POSIX: both are alike */
    return pointer;
}

/* ---- What a certificate says. */

static void names_read(gnutls_x509_crt_t crt, struct tls_certificate *to)
{
    size_t at = 0;
    for (unsigned i = 0;; i++) {
        char name[512];
        char text[INET6_ADDRSTRLEN];
        size_t size = sizeof name - 1;
        int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        struct str found = STR("");
        if (kind == GNUTLS_SAN_DNSNAME) {
            found = str_of(name, size);
        } else if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
            found = str_from(inet_ntop(size == 4 ? AF_INET : AF_INET6, name, text, sizeof text));
        }
        bool fits = found.size > 0 && at + found.size + 2 < sizeof to->names &&
                    str_find_byte(found, '\n') == STR_NONE &&
                    str_find_byte(found, '\0') == STR_NONE;
        if (fits) {
            memcpy(to->names + at, found.data, found.size);
            at += found.size;
            to->names[at++] = '\n';
        }
    }
    to->names[at > 0 ? at - 1 : 0] = '\0';
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

static struct wall wall_of(time_t seconds)
{
    return (struct wall){(int64_t)seconds * NS_PER_SECOND};
}

enum err tls_certificate_read(struct str pem, struct tls_certificate *ret, struct why *why)
{
    gnutls_x509_crt_t crt;
    unsigned char print[32];
    size_t print_size = sizeof print;
    size_t subject_size = sizeof ret->subject;
    const gnutls_datum_t text = datum_of(pem);
    if (gnutls_x509_crt_init(&crt) != 0) {
        return ERR_MEMORY;
    }
    if (gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM) != 0 ||
        gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, print, &print_size) != 0) {
        gnutls_x509_crt_deinit(crt);
        return why_say(why, ERR_SYNTAX, 0, "this is no certificate in PEM");
    }
    *ret = (struct tls_certificate){
        .from = wall_of(gnutls_x509_crt_get_activation_time(crt)),
        .until = wall_of(gnutls_x509_crt_get_expiration_time(crt)),
    };
    if (gnutls_x509_crt_get_dn(crt, ret->subject, &subject_size) != 0) {
        ret->subject[0] = '\0';
    }
    hexadecimal(print, sizeof print, ret->sha256);
    names_read(crt, ret);
    gnutls_x509_crt_deinit(crt);
    return OK;
}

/* ---- A certificate of our own. */

static int name_put(gnutls_x509_crt_t crt, struct str name)
{
    char text[256];
    unsigned char address[16];
    if (name.size == 0 || name.size >= sizeof text) {
        return 0;
    }
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    bool v4 = inet_pton(AF_INET, text, address) == 1;
    bool v6 = !v4 && inet_pton(AF_INET6, text, address) == 1;
    return v4 || v6 ? gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address,
                                                           v4 ? 4 : 16, GNUTLS_FSAN_APPEND)
                    : gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, text,
                                                           (unsigned)name.size, GNUTLS_FSAN_APPEND);
}

static bool certificate_fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct str names,
                             struct wall now, unsigned days)
{
    unsigned char serial[16];
    time_t from = (time_t)(now.ns / NS_PER_SECOND) - 86400;
    random_bytes(serial, sizeof serial);
    serial[0] &= 0x7f; /* RFC 5280, section 4.1.2.2: a positive number */
    serial[0] |= 0x40;
    bool filled = gnutls_x509_crt_set_version(crt, 3) == 0 &&
                  gnutls_x509_crt_set_serial(crt, serial, sizeof serial) == 0 &&
                  gnutls_x509_crt_set_dn(crt, "CN=Hinomi", NULL) == 0 &&
                  gnutls_x509_crt_set_activation_time(crt, from) == 0 &&
                  gnutls_x509_crt_set_expiration_time(crt, from + (time_t)days * 86400) == 0 &&
                  gnutls_x509_crt_set_key(crt, key) == 0 &&
                  gnutls_x509_crt_set_basic_constraints(crt, 0, -1) == 0 &&
                  gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE) == 0 &&
                  gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0) == 0;
    while (names.size > 0 && filled) {
        filled = name_put(crt, str_cut(&names, '\n')) == 0;
    }
    return filled && gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0;
}

enum err tls_certificate_make(struct str names, struct wall now, unsigned days,
                              struct buf *certificate, struct buf *key)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t secret = NULL;
    gnutls_datum_t crt_text = {0};
    gnutls_datum_t key_text = {0};
    enum err err = ERR_IO;
    if (gnutls_x509_crt_init(&crt) == 0 && gnutls_x509_privkey_init(&secret) == 0 &&
        gnutls_x509_privkey_generate2(secret, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0, NULL,
                                      0) == 0 &&
        certificate_fill(crt, secret, names, now, days) &&
        gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_text) == 0 &&
        gnutls_x509_privkey_export2_pkcs8(secret, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                          &key_text) == 0) {
        err = buf_append(certificate, str_of((char *)crt_text.data, crt_text.size));
        if (err == OK) {
            err = buf_append(key, str_of((char *)key_text.data, key_text.size));
        }
    }
    if (key_text.data != NULL) {
        explicit_bzero(key_text.data, key_text.size);
    }
    gnutls_free(key_text.data);
    gnutls_free(crt_text.data);
    gnutls_x509_privkey_deinit(secret);
    gnutls_x509_crt_deinit(crt);
    return err;
}
