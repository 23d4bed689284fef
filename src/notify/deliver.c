/*
 * Handing one message over, in herald.  Everything a peer can do ends in one of three ways:
 *
 *              mail                                    hook
 *     SENT     250 to the whole message                2xx
 *     LATER    4xx; no connection, no answer, TLS      408, 425, 429, 5xx; no connection, no
 *              or password refused (somebody will      answer, a bad certificate
 *              mend that)
 *     FAILED   5xx to the sender, the recipient or     every other status, redirects too (whoever
 *              the message                             signs must know for whom); a denied address
 *
 * Where it is open whether the peer has taken a message (the connection broke after the final dot)
 * it goes again: at least once, under the same identity.
 *
 * Always true: nothing of a message decides where a connection goes but `to`, and that was checked
 * for control characters and blanks before libcurl sees it.
 */

#include "notify/notify.h"

#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "notify/private.h"
#include "sys/fetch.h"

#define HMAC_BLOCK 64
#define URL_MAX    2048

static enum err mail_hand_over(const struct delivery *delivery, struct arena *mem,
                               enum outbox_end *ret, struct str *ret_said);
static enum err hook_hand_over(const struct delivery *delivery, struct wall now, struct arena *mem,
                               enum outbox_end *ret, struct str *ret_said);
static bool plain(struct str text, size_t size_max);
static enum err said_print(const struct fetch_answer *answer, struct arena *mem, struct str *ret);

enum outbox_end deliver(const struct delivery *delivery, struct wall now, struct arena *mem,
                        struct str *ret_said)
{
    enum outbox_end end = OUTBOX_LATER;
    struct str said = STR("");
    enum err err = delivery->kind == OUTBOX_MAIL ? mail_hand_over(delivery, mem, &end, &said)
                                                 : hook_hand_over(delivery, now, mem, &end, &said);
    if (err != OK) {
        end = OUTBOX_LATER;
        said = str_from(err_text(err));
    }
    *ret_said = said;
    return end;
}

/* ---- Mail. */

static enum outbox_end mail_end(const struct fetch_answer *answer)
{
    if (answer->trouble.size == 0) {
        return OUTBOX_SENT;
    }
    return answer->wrong || (!answer->greeting && answer->status >= 500) ? OUTBOX_FAILED
                                                                         : OUTBOX_LATER;
}

static enum err mail_hand_over(const struct delivery *delivery, struct arena *mem,
                               enum outbox_end *ret, struct str *ret_said)
{
    const struct str texts[] = {delivery->relay, delivery->from,     delivery->to,
                                delivery->user,  delivery->password, delivery->roots};
    struct str copies[6];
    struct fetch_answer answer;
    if (!plain(delivery->relay, URL_MAX) || !text_is_mailbox(delivery->from) ||
        !text_is_mailbox(delivery->to)) {
        *ret = OUTBOX_FAILED;
        *ret_said = STR("not a mailbox or relay");
        return OK;
    }
    for (size_t i = 0; i < 6; i++) {
        enum err err = arena_copy(mem, texts[i], &copies[i]);
        if (err != OK) {
            return err;
        }
    }
    const struct fetch_mail mail = {
        .relay = copies[0].data,
        .from = copies[1].data,
        .to = copies[2].data,
        .body = delivery->body,
        .user = copies[3].data,
        .password = copies[4].data,
        .roots = copies[5].data,
        .tls = delivery->tls_required,
        .seconds_max = delivery->seconds_max,
    };
    enum err err = fetch_mail(&mail, mem, &answer);
    if (err == OK) {
        *ret = mail_end(&answer);
        err = said_print(&answer, mem, ret_said);
    }
    return err;
}

/* ---- Hooks. */

/* RFC 2104 for a key of any size. */
static struct sha256 signature_of(struct str secret, struct str time, struct str body)
{
    char inner[HMAC_BLOCK] = {0};
    char outer[HMAC_BLOCK];
    struct sha256 shorter = sha256_of_bytes(secret);
    bool longer = secret.size > HMAC_BLOCK;
    if (longer || secret.size > 0) {
        memcpy(inner, longer ? (const char *)shorter.bytes : secret.data,
               longer ? SHA256_SIZE : secret.size);
    }
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        outer[i] = (char)(inner[i] ^ 0x5c);
        inner[i] = (char)(inner[i] ^ 0x36);
    }
    const struct str message[] = {str_of(inner, HMAC_BLOCK), time, STR("."), body};
    struct sha256 hash = sha256_of(message, 4);
    const struct str envelope[] = {str_of(outer, HMAC_BLOCK), str_of(hash.bytes, SHA256_SIZE)};
    hash = sha256_of(envelope, 2);
    secret_forget(inner, sizeof inner);
    secret_forget(outer, sizeof outer);
    return hash;
}

static bool among(const struct network *networks, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        if (network_holds(&networks[i], address)) {
            return true;
        }
    }
    return false;
}

/* The address of a NAT64 (RFC 6052) is that of the IPv4 host behind it. */
static bool denied(void *context, const uint8_t address[16])
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    const struct delivery *delivery = context;
    uint8_t inside[ADDRESS_SIZE] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(address, nat64, sizeof nat64) == 0) {
        memcpy(inside + 12, address + 12, 4);
        address = inside;
    }
    return among(delivery->denied, delivery->denied_count, address) &&
           !among(delivery->allowed, delivery->allowed_count, address);
}

static enum outbox_end hook_end(const struct fetch_answer *answer)
{
    if (answer->status >= 200 && answer->status < 300) {
        return OUTBOX_SENT; /* also if the rest of its answer was too long for us */
    }
    if (answer->wrong || answer->refused_address) {
        return OUTBOX_FAILED;
    }
    bool later = answer->status < 200 || answer->status >= 500 || answer->status == 408 ||
                 answer->status == 425 || answer->status == 429;
    return later ? OUTBOX_LATER : OUTBOX_FAILED;
}

static enum err hook_headers(const struct delivery *delivery, struct wall now, struct arena *mem,
                             const char *headers[3], size_t *ret_count)
{
    struct str identity;
    struct str signature;
    struct str time;
    char hex[2 * SHA256_SIZE + 1];
    headers[0] = "Content-Type: application/json; charset=utf-8";
    enum err err =
        arena_print(mem, &identity, "Hinomi-Identity: %.*s", STR_ARG(delivery->identity));
    if (err != OK) {
        return err;
    }
    headers[1] = identity.data;
    *ret_count = 2;
    if (delivery->secret.size == 0) {
        return OK;
    }
    err = arena_print(mem, &time, "%lld", (long long)(now.ns / NS_PER_SECOND));
    if (err == OK) {
        struct sha256 hash = signature_of(delivery->secret, time, delivery->body);
        err = arena_print(mem, &signature, "Hinomi-Signature: t=%.*s,v1=%s", STR_ARG(time),
                          hex_print(hash.bytes, SHA256_SIZE, hex));
    }
    if (err == OK) {
        headers[2] = signature.data;
        *ret_count = 3;
    }
    return err;
}

static enum err hook_hand_over(const struct delivery *delivery, struct wall now, struct arena *mem,
                               enum outbox_end *ret, struct str *ret_said)
{
    const char *headers[3];
    size_t headers_count;
    struct str url;
    struct str roots;
    struct fetch_answer answer;
    if (!plain(delivery->to, URL_MAX) || !plain(delivery->identity, URL_MAX)) {
        *ret = OUTBOX_FAILED;
        *ret_said = STR("not a URL");
        return OK;
    }
    enum err err = hook_headers(delivery, now, mem, headers, &headers_count);
    err = err == OK ? arena_copy(mem, delivery->to, &url) : err;
    err = err == OK ? arena_copy(mem, delivery->roots, &roots) : err;
    if (err != OK) {
        return err;
    }
    const struct fetch_post post = {
        .url = url.data,
        .headers = headers,
        .headers_count = headers_count,
        .body = delivery->body,
        .roots = roots.data,
        .seconds_max = delivery->seconds_max,
        .refuse = denied,
        .context = (void *)(uintptr_t)delivery,
    };
    err = fetch_post(&post, mem, &answer);
    if (err == OK) {
        *ret = hook_end(&answer);
        err = said_print(&answer, mem, ret_said);
    }
    return err;
}

/* ---- Texts. */

/* Printable ASCII without blanks: nothing that could begin another line, header or argument. */
static bool plain(struct str text, size_t size_max)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.size > 0 && text.size <= size_max;
}

static enum err said_print(const struct fetch_answer *answer, struct arena *mem, struct str *ret)
{
    if (answer->refused_address) {
        *ret = STR("the address may not be connected to (denied network)");
        return OK;
    }
    bool code = answer->status != 0 && !str_starts(answer->text, STR("4")) &&
                !str_starts(answer->text, STR("5")) && !str_starts(answer->text, STR("2"));
    const char *between = answer->text.size > 0 && answer->trouble.size > 0 ? "; " : "";
    if (code) {
        return arena_print(mem, ret, "%u %.*s%s%.*s", (unsigned)answer->status,
                           STR_ARG(answer->text), between, STR_ARG(answer->trouble));
    }
    return arena_print(mem, ret, "%.*s%s%.*s", STR_ARG(answer->text), between,
                       STR_ARG(answer->trouble));
}
