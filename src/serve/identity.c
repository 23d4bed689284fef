/*
 * The portal's certificate, and that of the listeners that take logs over TLS.
 *
 *     portal_tls: off                                none; a proxy in front has one
 *     certificate: FILE, ingest_certificate: FILE    that one
 *     otherwise                                      <keys>/portal/ or <keys>/ingest/, with
 *                                                    certificate.pem and key.pem, made here
 *
 * The local one bears the names by which the portal can be reached as far as the configuration
 * says: localhost, the loopback addresses, those of its listeners, the host of portal_url.  It is
 * made anew when the names are others, and RENEW_DAYS before its end.
 *
 * Always true: the key is on disk before its certificate, and a certificate is used only with the
 * key that belongs to it; so a crash between the two leads to another pair and never to a wrong
 * one.
 */

#include "serve/identity.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "sys/disk.h"

#define PEM_SIZE_MAX   (1 << 20) /* a certificate with its chain */
#define NAMES_SIZE_MAX (64 * 1024)
#define PATH_SIZE      4200
#define LIFE_DAYS      820 /* browsers take 825, and each new one is compared by hand */
#define RENEW_DAYS     30

/* Whose certificate it is. */
struct holder {
    const char *folder; /* below the keys */
    bool portal;
    struct str certificate, key; /* as configured; empty: made here */
};

static enum err small_read(const char *path, struct buf *to, struct why *why)
{
    char *text;
    size_t size;
    enum err err = disk_read_whole(disk_real(), path, PEM_SIZE_MAX, &text, &size, why);
    if (err == OK) {
        err = buf_append(to, str_of(text, size));
        secret_forget(text, size);
        free(text);
    }
    return err;
}

/* ---- Names. */

static bool names_hold(struct str names, struct str name)
{
    while (names.size > 0) {
        if (str_equal(str_cut(&names, '\n'), name)) {
            return true;
        }
    }
    return false;
}

static enum err name_add(struct buf *names, struct str name)
{
    if (name.size == 0 || names_hold(buf_str(names), name)) {
        return OK;
    }
    return buf_print(names, "%s%.*s", names->size > 0 ? "\n" : "", STR_ARG(name));
}

/* An address in the one way in which certificates' are printed; any other text in lower case. */
static enum err host_add(struct buf *names, struct str host)
{
    char plain[256];
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];
    if (host.size >= sizeof plain) {
        return OK;
    }
    for (size_t i = 0; i < host.size; i++) {
        plain[i] = (char)tolower((unsigned char)host.data[i]);
    }
    plain[host.size] = '\0';
    for (int family = AF_INET;; family = AF_INET6) {
        if (inet_pton(family, plain, address) == 1) {
            return name_add(names, str_from(inet_ntop(family, address, text, sizeof text)));
        }
        if (family == AF_INET6) {
            return name_add(names, str_from(plain));
        }
    }
}

/* "https://soc.example:8443" -> "soc.example", "https://[::1]" -> "::1" */
static struct str host_of(struct str url)
{
    size_t at = str_find(url, STR("://"));
    struct str rest = at == STR_NONE ? STR("") : str_slice(url, at + 3, SIZE_MAX);
    struct str host = str_cut(&rest, '/');
    if (str_starts(host, STR("["))) {
        struct str inner = str_slice(host, 1, SIZE_MAX);
        return str_cut(&inner, ']');
    }
    return str_cut(&host, ':');
}

static enum err names_local(const struct config *config, const struct holder *holder,
                            struct buf *names)
{
    enum err err = buf_append(names, STR("localhost\n127.0.0.1\n::1"));
    for (size_t i = 0; i < config->listeners_count && err == OK; i++) {
        const struct listener_config *listener = &config->listeners[i];
        bool every =
            str_equal(listener->address, STR("0.0.0.0")) || str_equal(listener->address, STR("::"));
        bool its = holder->portal ? listener->kind == LISTENER_PORTAL : listener->tls;
        if (its && !every) {
            err = host_add(names, listener->address);
        }
    }
    return err == OK ? host_add(names, host_of(config->portal_url)) : err;
}

/* ---- The local certificate. */

static void local_paths(const struct config *config, const struct holder *holder,
                        char folder[PATH_SIZE], char crt[PATH_SIZE], char key[PATH_SIZE])
{
    (void)snprintf(folder, PATH_SIZE, "%.*s/%s", STR_ARG(config->keys), holder->folder);
    (void)snprintf(crt, PATH_SIZE, "%.*s/%s/certificate.pem", STR_ARG(config->keys),
                   holder->folder);
    (void)snprintf(key, PATH_SIZE, "%.*s/%s/key.pem", STR_ARG(config->keys), holder->folder);
}

/* Whether the pair can be used from now on for a while, by these names. */
static bool serves(const struct identity *identity, struct str names, struct wall now)
{
    int64_t left_ns = identity->says.until.ns - now.ns;
    return str_equal(str_from(identity->says.names), names) && identity->says.from.ns <= now.ns &&
           left_ns > (int64_t)RENEW_DAYS * 86400 * NS_PER_SECOND;
}

static enum err local_make(struct identity *identity, const char *folder, const char *crt,
                           const char *key, struct wall now, struct why *why)
{
    buf_reset(&identity->certificate);
    secret_forget(identity->key.data, identity->key.size);
    buf_reset(&identity->key);
    identity->made = true;
    enum err err = tls_certificate_make(buf_str(&identity->names), now, LIFE_DAYS,
                                        &identity->certificate, &identity->key);
    if (err == OK) {
        err = disk_make_folder(disk_real(), folder);
    }
    if (err == OK) {
        err = disk_replace(disk_real(), key, buf_str(&identity->key));
    }
    if (err == OK) {
        err = disk_replace(disk_real(), crt, buf_str(&identity->certificate));
    }
    if (err != OK) {
        return why_say(why, err, 0, "%s: the certificate cannot be made: %s", folder,
                       err_text(err));
    }
    return tls_certificate_read(buf_str(&identity->certificate), &identity->says, why);
}

static enum err local_open(const struct config *config, const struct holder *holder,
                           struct wall now, struct identity *identity, struct why *why)
{
    char folder[PATH_SIZE];
    char crt[PATH_SIZE];
    char key[PATH_SIZE];
    struct why unused = {0}; /* whatever is wrong with the old one, there will be a new one */
    local_paths(config, holder, folder, crt, key);
    identity->local = true;
    enum err err = names_local(config, holder, &identity->names);
    if (err != OK) {
        return err;
    }
    bool there =
        small_read(crt, &identity->certificate, &unused) == OK &&
        small_read(key, &identity->key, &unused) == OK &&
        tls_certificate_read(buf_str(&identity->certificate), &identity->says, &unused) == OK &&
        tls_check(buf_str(&identity->certificate), buf_str(&identity->key), &unused) == OK &&
        serves(identity, buf_str(&identity->names), now);
    return there ? OK : local_make(identity, folder, crt, key, now, why);
}

/* ---- The configured one. */

static enum err configured_open(const struct config *config, const struct holder *holder,
                                struct identity *identity, struct why *why)
{
    char crt[PATH_SIZE];
    char key[PATH_SIZE];
    (void)snprintf(crt, sizeof crt, "%.*s", STR_ARG(holder->certificate));
    (void)snprintf(key, sizeof key, "%.*s", STR_ARG(holder->key));
    enum err err = small_read(crt, &identity->certificate, why);
    if (err == OK) {
        err = small_read(key, &identity->key, why);
    }
    if (err == OK) {
        struct why wrong = {0};
        err = tls_certificate_read(buf_str(&identity->certificate), &identity->says, &wrong);
        if (err == OK) {
            err = tls_check(buf_str(&identity->certificate), buf_str(&identity->key), &wrong);
        }
        if (err != OK) {
            return why_say(why, err, 0, "%s: %s", crt, why_text(&wrong, err));
        }
    }
    if (err == OK) {
        err = host_add(&identity->names, host_of(config->portal_url));
    }
    struct str names = str_from(identity->says.names);
    while (names.size > 0 && err == OK) {
        err = name_add(&identity->names, str_cut(&names, '\n'));
    }
    return err;
}

static enum err holder_open(const struct config *config, const struct holder *holder,
                            struct wall now, struct identity *ret, struct why *why)
{
    struct identity identity = {0};
    enum err err;
    buf_init(&identity.certificate, PEM_SIZE_MAX);
    buf_init(&identity.key, PEM_SIZE_MAX);
    buf_init(&identity.names, NAMES_SIZE_MAX);
    if (holder->portal && str_equal(config->portal_tls, STR("off"))) {
        err = host_add(&identity.names, host_of(config->portal_url));
    } else if (holder->certificate.size > 0) {
        err = configured_open(config, holder, &identity, why);
    } else {
        err = local_open(config, holder, now, &identity, why);
    }
    if (err != OK) {
        identity_done(&identity);
        return err;
    }
    identity_done(ret);
    *ret = identity;
    return OK;
}

enum err identity_open(const struct config *config, struct wall now, struct identity *ret,
                       struct why *why)
{
    const struct holder holder = {"portal", true, config->certificate, config->certificate_key};
    return holder_open(config, &holder, now, ret, why);
}

enum err identity_open_ingest(const struct config *config, struct wall now, struct identity *ret,
                              struct why *why)
{
    const struct holder holder = {"ingest", false, config->ingest_certificate,
                                  config->ingest_certificate_key};
    return holder_open(config, &holder, now, ret, why);
}

void identity_done(struct identity *identity)
{
    secret_forget(identity->key.data, identity->key.size);
    buf_done(&identity->certificate);
    buf_done(&identity->key);
    buf_done(&identity->names);
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    return str_equal(buf_str(&a->certificate), buf_str(&b->certificate)) &&
           str_equal(buf_str(&a->key), buf_str(&b->key)) &&
           str_equal(buf_str(&a->names), buf_str(&b->names));
}

const char *identity_print(const struct identity *identity, char text[IDENTITY_PRINT_SIZE])
{
    size_t at = 0;
    for (size_t i = 0; identity->says.sha256[i] != '\0'; i++) {
        if (i > 0 && i % 2 == 0) {
            text[at++] = ':';
        }
        text[at++] = (char)toupper((unsigned char)identity->says.sha256[i]);
    }
    text[at] = '\0';
    return text;
}
