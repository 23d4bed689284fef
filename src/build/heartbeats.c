/*
 * Heartbeats (R-M2): once a minute the service says something about each client by the way of every
 * record: front → ring → core → archive → detection → desk.  What does not come out at the end
 * tells that the chain is broken, whatever each process says of itself.
 *
 * A heartbeat is a JSON record of the client's own source `hinomi`, to which no sender is bound; it
 * has a number, the moment and an Ed25519 signature of the installation over both and the client's
 * slug, so it can be told from anything else in the archive, by whoever has the public key.
 *
 * Always true: only the very bytes that were sent count as having come; each counts once.  Two that
 * are missing in a row are an ailment of the chain, one that comes ends it.
 */

#include <stdlib.h>
#include <string.h>

#include "build/private.h"
#include "codec/crypto.h"
#include "codec/json_out.h"
#include "codec/time.h"
#include "service/service.h"

#define WAITING_MAX   4
#define MISSED_WANTED 2
#define PATIENCE_NS   (60 * NS_PER_SECOND) /* a heartbeat that takes longer is missed */
#define RECORD_MAX    1024

struct heartbeat {
    uint64_t number;
    struct wall sent;
    struct sha256 hash; /* of the record */
};

struct pulse {
    struct client_id client;
    uint64_t number;
    struct heartbeat waiting[WAITING_MAX]; /* by number modulo their number; 0: none */
    uint64_t missed;                       /* in a row */
    struct wall came;                      /* the last; WALL_NONE: none yet */
    int64_t latency_ns;                    /* of the last */
    bool ill;
    struct finding finding;
};

struct heartbeats {
    struct pulse *list;
    size_t count;
};

struct heartbeats *heartbeats_new(void)
{
    struct heartbeats *heartbeats = calloc(1, sizeof *heartbeats);
    if (heartbeats != NULL) {
        heartbeats->list = calloc(CLIENTS_MAX, sizeof *heartbeats->list);
        if (heartbeats->list == NULL) {
            free(heartbeats);
            return NULL;
        }
    }
    return heartbeats;
}

void heartbeats_free(struct heartbeats *heartbeats)
{
    if (heartbeats != NULL) {
        free(heartbeats->list);
        free(heartbeats);
    }
}

static struct pulse *pulse_find(const struct heartbeats *heartbeats, struct client_id client)
{
    for (size_t i = 0; i < heartbeats->count; i++) {
        if (client_equal(heartbeats->list[i].client, client)) {
            return &heartbeats->list[i];
        }
    }
    return NULL;
}

static void missed_count(struct pulse *pulse, struct wall now)
{
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct heartbeat *waiting = &pulse->waiting[i];
        if (waiting->number != 0 && now.ns - waiting->sent.ns > PATIENCE_NS) {
            waiting->number = 0;
            pulse->missed++;
        }
    }
    pulse->ill = pulse->ill || pulse->missed >= MISSED_WANTED;
}

/* What is signed: "hinomi heartbeat", the client, the number and the moment, a line each. */
static enum err signature_make(struct service *service, struct str client, uint64_t number,
                               const char *at, struct arena *mem,
                               char hex[2 * ED25519_SIGNATURE_SIZE + 1])
{
    struct str text;
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    enum err err = arena_print(mem, &text, "hinomi heartbeat\n%.*s\n%llu\n%s\n", STR_ARG(client),
                               (unsigned long long)number, at);
    if (err == OK) {
        service_vouch(service, text, signature);
        (void)hex_print(signature, sizeof signature, hex);
    }
    return err;
}

static enum err record_print(struct service *service, struct str client, uint64_t number,
                             struct wall now, struct arena *mem, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char hex[2 * ED25519_SIGNATURE_SIZE + 1];
    struct json_out json;
    enum err err = signature_make(service, client, number, time_print(now, at), mem, hex);
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "@timestamp", str_from(at));
    json_object(&json, "event");
    json_text(&json, "kind", STR("metric"));
    json_text(&json, "action", STR("heartbeat"));
    json_close(&json);
    json_object(&json, "hinomi");
    json_object(&json, "heartbeat");
    json_text(&json, "client", client);
    json_unsigned(&json, "number", number);
    json_text(&json, "signature", str_from(hex));
    json_close(&json);
    json_close(&json);
    json_close(&json);
    json_out_fail(&json, err);
    return json_out_end(&json);
}

enum err heartbeat_make(struct heartbeats *heartbeats, struct service *service,
                        const struct client_info *client, struct wall now, struct arena *mem,
                        struct str *ret)
{
    struct pulse *pulse = pulse_find(heartbeats, client->id);
    struct buf record;
    if (pulse == NULL) {
        if (heartbeats->count == CLIENTS_MAX) {
            return ERR_LIMIT;
        }
        pulse = &heartbeats->list[heartbeats->count++];
        *pulse = (struct pulse){.client = client->id, .came = WALL_NONE};
    }
    missed_count(pulse, now);
    buf_init(&record, RECORD_MAX);
    enum err err = record_print(service, client->slug, pulse->number + 1, now, mem, &record);
    if (err == OK) {
        err = arena_copy(mem, buf_str(&record), ret);
    }
    buf_done(&record);
    if (err == OK) {
        pulse->number++;
        pulse->waiting[pulse->number % WAITING_MAX] =
            (struct heartbeat){pulse->number, now, sha256_of_bytes(*ret)};
    }
    return err;
}

void heartbeat_came(struct heartbeats *heartbeats, struct client_id client, struct str record,
                    struct wall now)
{
    struct pulse *pulse = pulse_find(heartbeats, client);
    const struct sha256 hash = sha256_of_bytes(record);
    for (size_t i = 0; pulse != NULL && i < WAITING_MAX; i++) {
        struct heartbeat *waiting = &pulse->waiting[i];
        if (waiting->number != 0 && sha256_equal(&waiting->hash, &hash)) {
            pulse->came = now;
            pulse->latency_ns = now.ns - waiting->sent.ns;
            pulse->missed = 0;
            pulse->ill = false;
            waiting->number = 0;
        }
    }
}

void heartbeats_ailing(struct heartbeats *heartbeats, struct wall now, struct ailing *list,
                       size_t *count)
{
    for (size_t i = 0; i < heartbeats->count; i++) {
        struct pulse *pulse = &heartbeats->list[i];
        missed_count(pulse, now);
        if (pulse->ill) {
            pulse->finding = (struct finding){
                .ailment = AILMENT_CHAIN, .is = (int64_t)pulse->missed, .usual = 0};
            list[(*count)++] = (struct ailing){
                .client = pulse->client, .provided = true, .findings = &pulse->finding, .count = 1};
        }
    }
}

bool heartbeat_look(const struct heartbeats *heartbeats, struct client_id client,
                    struct heartbeat_view *ret)
{
    const struct pulse *pulse = pulse_find(heartbeats, client);
    *ret = (struct heartbeat_view){.came = WALL_NONE};
    if (pulse != NULL) {
        *ret = (struct heartbeat_view){pulse->came, pulse->latency_ns, pulse->missed, pulse->ill};
    }
    return pulse != NULL;
}
