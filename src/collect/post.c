/*
 * POST /ingest/lines: a body of lines becomes records, and is answered once they are on disk.
 *
 *     head ─► body ─► whole ─► handed over, part by part ─► all parts ended ─► answered ─► gone
 *
 * The body is kept whole, since its key, digest and parts are known only at its end.  Each part is
 * a batch; its position goes into `pending`, in order, and collect_committed takes it out.  A post
 * is freed when its peer has been answered or is gone, and none of its parts is pending: a peer
 * that leaves does not undo what it sent.
 *
 * Always true: `pending` is in the order of positions; http_memory is what all bodies hold or have
 * been promised by their Content-Length.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "collect/private.h"
#include "sys/clocks.h"

#define STATUS_TEXT_SIZE 160

struct post {
    struct post *next;
    struct collect *collect;
    struct http_request *request; /* NULL: the peer is gone */
    struct generation *generation;
    const struct binding *binding;
    struct peer peer;
    struct mono began;
    struct buf body;
    size_t promised; /* of http_memory, under its client */
    size_t refused;  /* bytes passed over after the body was over its limit */
    struct batch_key key;
    struct body_cursor cursor;
    struct builder *builder; /* holds a part that was not taken yet, if it has events */
    struct wall received_at;
    bool handed;
    uint64_t waiting; /* parts pending */
    uint64_t received, stored, deduplicated, rejected, conflicts, lost;
    struct buf reasons; /* the list of rejected lines, JSON */
};

struct pending {
    uint64_t position;
    struct post *post;
    uint32_t events;
    enum commit_result result;
};

static void begin(void *context, struct http_request *request);
static bool body(void *context, struct http_request *request, struct str bytes);
static void end(void *context, struct http_request *request);
static void gone(void *context, struct http_request *request);
static enum err post_hand(struct post *post);
static enum err part_build(struct post *post, const struct body_part *part);
static enum err part_hand(struct post *post);
static void post_answer(struct post *post);
static void post_drop(struct post *post);
static void answer(struct http_request *request, unsigned status, const char *sentence);

enum err post_listen(struct listener *listener, struct why *why)
{
    const struct http_calls calls = {
        .context = listener, .begin = begin, .body = body, .end = end, .gone = gone};
    return http_new(listener->collect->loop, listener->socket, CONNECTIONS_MAX, HTTP_IDLE_SECONDS,
                    &calls, &listener->http, why);
}

/* ---- The head. */

/* The binding, or NULL after an answer. */
static const struct binding *authorise(struct listener *listener, struct http_request *request,
                                       const struct peer *peer)
{
    struct collect *collect = listener->collect;
    struct str token = http_header(request, "Authorization");
    struct str scheme = str_cut(&token, ' ');
    const struct binding *found = NULL;
    token = str_trim(token);
    if (str_equal_nocase(scheme, STR("Bearer")) && token.size > 0) {
        found =
            sender_find_token(collect->generation, str_from(listener->name), peer->address, token);
    }
    if (found == NULL) {
        reject_add(collect, sender_unknown(collect->generation, str_from(listener->name)),
                   REJECT_UNAUTHORISED, 1);
        collect_say(collect, "listener %s: a post of %s had no known token", listener->name,
                    peer->text);
        answer(request, 401, "a known token is needed: Authorization: Bearer TOKEN");
    }
    return found;
}

/* False after an answer. */
static bool head_fits(struct http_request *request)
{
    struct str encoding = http_header(request, "Content-Encoding");
    struct str key = http_header(request, "Idempotency-Key");
    uint64_t size = http_body_size(request);
    if (encoding.size > 0 && !str_equal_nocase(encoding, STR("identity"))) {
        answer(request, 415, "a compressed body is not supported yet: send it plain");
    } else if (key.size > IDEMPOTENCY_KEY_SIZE_MAX) {
        answer(request, 400, "the Idempotency-Key is over 255 bytes");
    } else if (size > HTTP_BODY_SIZE_MAX) {
        answer(request, 413, "the body is over 16 MiB: split it");
    } else {
        return true;
    }
    return false;
}

/* Gives a post so much of the memory for bodies.  False: there is not so much left for all, or its
 * client holds its share; a sender that promises and does not send must not stop others'. */
static bool memory_take(struct post *post, uint64_t size)
{
    struct collect *collect = post->collect;
    struct str client = str_of(&post->binding->client.value, sizeof post->binding->client.value);
    uint64_t held = 0;
    (void)map_get(&collect->http_by_client, client, &held);
    if (size > HTTP_MEMORY_MAX - collect->http_memory || held > HTTP_CLIENT_MEMORY_MAX ||
        size > HTTP_CLIENT_MEMORY_MAX - held ||
        map_put(&collect->http_by_client, client, held + size) != OK) {
        return false;
    }
    collect->http_memory += (size_t)size;
    post->promised += (size_t)size;
    return true;
}

static void memory_give_back(struct post *post)
{
    struct collect *collect = post->collect;
    struct str client = str_of(&post->binding->client.value, sizeof post->binding->client.value);
    uint64_t held = 0;
    if (post->promised > 0 && map_get(&collect->http_by_client, client, &held)) {
        /* The key is there, so this cannot fail. */
        (void)!map_put(&collect->http_by_client, client, held - post->promised);
        collect->http_memory -= post->promised;
        post->promised = 0;
    }
}

static void begin(void *context, struct http_request *request)
{
    struct listener *listener = context;
    struct collect *collect = listener->collect;
    struct str method = http_method(request);
    bool get = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    if (str_equal(http_path(request), STR("/healthz"))) {
        if (get) {
            (void)!http_answer(request, 200, STR("application/json"), STR("{\"status\":\"ok\"}\n"),
                               0);
        } else {
            answer(request, 405, "ask /healthz with GET");
        }
        return;
    }
    if (!str_equal(http_path(request), STR("/ingest/lines"))) {
        answer(request, 404, "there is POST /ingest/lines and GET /healthz");
        return;
    }
    if (!str_equal(method, STR("POST"))) {
        answer(request, 405, "send lines with POST");
        return;
    }
    struct peer peer;
    http_peer(request, &peer);
    const struct binding *binding = authorise(listener, request, &peer);
    if (binding == NULL || !head_fits(request)) {
        return;
    }
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL) {
        answer(request, 503, "no memory for another post: try again");
        return;
    }
    post->collect = collect;
    post->request = request;
    post->generation = generation_ref(collect->generation);
    post->binding = binding;
    post->peer = peer;
    post->began = mono_now();
    if (!memory_take(post, http_body_size(request))) {
        post_drop(post);
        answer(request, 503, "no memory for another post: try again");
        return;
    }
    buf_init(&post->body, HTTP_BODY_SIZE_MAX);
    buf_init(&post->reasons, 65536);
    struct str key = http_header(request, "Idempotency-Key");
    if (key.size > 0) {
        struct sha256 hash = sha256_of_bytes(key);
        memcpy(post->key.hash, hash.bytes, sizeof post->key.hash);
    }
    http_attach(request, post);
}

/* ---- The body. */

static bool body(void *context, struct http_request *request, struct str bytes)
{
    struct post *post = http_attached(request);
    (void)context;
    if (post == NULL || mono_ms_since(post->began, mono_now()) > HTTP_REQUEST_SECONDS * 1000) {
        return false; /* Closed: whoever trickles for so long would not hear an answer either. */
    }
    if (post->refused > 0) {
        post->refused += bytes.size; /* To be answered at the end, which must come soon. */
        return post->refused <= HTTP_BODY_SIZE_MAX;
    }
    size_t whole = post->body.size + bytes.size;
    if (whole > post->promised) { /* Chunked: nothing was promised. */
        if (!memory_take(post, whole - post->promised)) {
            post->refused = bytes.size;
            return true;
        }
    }
    if (buf_append(&post->body, bytes) != OK) {
        post->refused = bytes.size;
    }
    return true;
}

static void end(void *context, struct http_request *request)
{
    struct post *post = http_attached(request);
    (void)context;
    if (post == NULL) {
        answer(request, 400, "this request cannot have a body");
        return;
    }
    struct collect *collect = post->collect;
    if (post->refused > 0) {
        bool large = post->body.size + post->refused > HTTP_BODY_SIZE_MAX;
        answer(request, large ? 413 : 503,
               large ? "the body is over 16 MiB: split it"
                     : "no memory for another post: try again");
        return;
    }
    struct str whole = buf_str(&post->body);
    if (batch_key_given(&post->key)) {
        struct sha256 digest = sha256_of_bytes(whole);
        post->key.digest = get_u64(digest.bytes);
    }
    post->key.parts = body_parts(whole);
    post->cursor.rest = whole;
    post->received_at = collect_now(collect);
    if (collect->posts_last != NULL) {
        collect->posts_last->next = post;
    } else {
        collect->posts_first = post;
    }
    collect->posts_last = post;
    if (!collect->held && posts_resume(collect) != OK) {
        collect_hold(collect);
    }
}

static void gone(void *context, struct http_request *request)
{
    struct post *post = http_attached(request);
    (void)context;
    if (post == NULL) {
        return;
    }
    post->request = NULL;
    bool queued = false;
    for (struct post *at = post->collect->posts_first; at != NULL; at = at->next) {
        queued = queued || at == post;
    }
    if (!queued && post->waiting == 0) {
        post_drop(post);
    }
}

/* ---- Handing over. */

enum err posts_resume(struct collect *collect)
{
    while (collect->posts_first != NULL) {
        struct post *post = collect->posts_first;
        enum err err = post_hand(post);
        if (err != OK) {
            return err;
        }
        collect->posts_first = post->next;
        if (collect->posts_first == NULL) {
            collect->posts_last = NULL;
        }
        post->next = NULL;
        post->handed = true;
        builder_free(post->builder);
        post->builder = NULL;
        buf_done(&post->body);
        memory_give_back(post);
        if (post->waiting == 0) {
            post_answer(post);
        }
    }
    return OK;
}

static enum err post_hand(struct post *post)
{
    struct body_part part;
    if (post->builder == NULL) {
        post->builder = builder_new(post->binding->client, post->binding->source);
        if (post->builder == NULL) {
            return ERR_AGAIN;
        }
    }
    for (;;) {
        enum err err = part_hand(post);
        if (err != OK) {
            return err;
        }
        struct body_cursor next = post->cursor;
        if (!body_part(&next, &part)) {
            return OK;
        }
        err = part_build(post, &part);
        if (err != OK) {
            return err;
        }
        post->cursor = next;
    }
}

static void line_refuse(struct post *post, uint64_t line)
{
    post->received++;
    post->rejected++;
    reject_add(post->collect, post->binding, REJECT_TOO_LONG, 1);
    (void)!buf_print(&post->reasons, "%s{\"line\":%llu,\"reason\":\"%s\"}",
                     post->reasons.size > 0 ? "," : "", (unsigned long long)line,
                     reject_reason_text(REJECT_TOO_LONG));
}

/* A record whose fields do not fit beside the others' is kept without them: parts must not depend
 * on what parsing finds. */
static enum err record_add_anyhow(struct post *post, struct str record)
{
    enum err err = record_add(post->collect, post->binding, str_from(post->peer.text), record,
                              post->received_at, post->builder);
    if (err == ERR_LIMIT) {
        err = builder_begin(post->builder, record, post->received_at);
        if (err == OK) {
            builder_error(post->builder, STR("its fields do not fit the batch"));
            err = builder_end(post->builder);
        }
    }
    return err;
}

static enum err part_build(struct post *post, const struct body_part *part)
{
    struct body_cursor at = part->from;
    struct str line;
    at.rest.size = (size_t)(part->end - at.rest.data);
    while (body_line(&at, &line)) {
        if (line.size <= RECORD_SIZE_MAX && record_add_anyhow(post, line) != OK) {
            builder_reset(post->builder);
            return ERR_AGAIN;
        }
    }
    /* Only now, as the part may be built again. */
    at = part->from;
    at.rest.size = (size_t)(part->end - at.rest.data);
    while (body_line(&at, &line)) {
        if (line.size > RECORD_SIZE_MAX) {
            line_refuse(post, at.line);
        }
    }
    post->received += builder_events(post->builder);
    return OK;
}

static enum err pending_room(struct collect *collect)
{
    if (collect->pending_first > 0 &&
        collect->pending_first + collect->pending_count == collect->pending_capacity) {
        memmove(collect->pending, collect->pending + collect->pending_first,
                collect->pending_count * sizeof *collect->pending);
        collect->pending_first = 0;
    }
    if (collect->pending_count == collect->pending_capacity) {
        size_t capacity = collect->pending_capacity == 0 ? 256 : collect->pending_capacity * 2;
        struct pending *larger = realloc(collect->pending, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_AGAIN;
        }
        collect->pending = larger;
        collect->pending_capacity = capacity;
    }
    return OK;
}

/* Hands over the part in the builder, if there is one. */
static enum err part_hand(struct post *post)
{
    struct collect *collect = post->collect;
    struct str bytes;
    uint64_t position;
    uint32_t events = builder_events(post->builder);
    if (events == 0) {
        return OK;
    }
    struct batch_key key = batch_key_given(&post->key) ? post->key : (struct batch_key){0};
    builder_key(post->builder, &key);
    enum err err = pending_room(collect);
    if (err == OK) {
        err = builder_finish(post->builder, &bytes);
    }
    if (err == OK) {
        err = collect->calls.batch(collect->calls.context, bytes, post->binding->client,
                                   post->binding->source, events, &position);
    }
    if (err != OK) {
        return err;
    }
    builder_reset(post->builder);
    collect->pending[collect->pending_first + collect->pending_count++] =
        (struct pending){.position = position, .post = post, .events = events};
    post->waiting++;
    post->key.part++;
    return OK;
}

/* ---- The end. */

void collect_committed(struct collect *collect, uint64_t position,
                       const struct commit_exception *exceptions, size_t count)
{
    struct pending *list =
        collect->pending != NULL ? collect->pending + collect->pending_first : NULL;
    for (size_t i = 0; i < count; i++) {
        size_t low = 0;
        size_t high = collect->pending_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (list[middle].position < exceptions[i].position) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low < collect->pending_count && list[low].position == exceptions[i].position) {
            list[low].result = exceptions[i].result;
        }
    }
    while (collect->pending_count > 0 &&
           collect->pending[collect->pending_first].position <= position) {
        struct pending ended = collect->pending[collect->pending_first];
        collect->pending_first++;
        collect->pending_count--;
        struct post *post = ended.post;
        post->stored += ended.result == COMMIT_STORED ? ended.events : 0;
        post->deduplicated += ended.result == COMMIT_DUPLICATE ? ended.events : 0;
        post->conflicts += ended.result == COMMIT_CONFLICT ? ended.events : 0;
        post->lost += ended.result == COMMIT_REFUSED ? ended.events : 0;
        post->waiting--;
        if (post->waiting == 0 && post->handed) {
            post_answer(post);
        }
    }
    if (collect->pending_count == 0) {
        collect->pending_first = 0;
    }
}

static void post_answer(struct post *post)
{
    struct buf text;
    if (post->request == NULL) {
        post_drop(post);
        return;
    }
    if (post->conflicts > 0) {
        answer(post->request, 422, "this Idempotency-Key was used for another body");
        return;
    }
    if (post->lost > 0) {
        answer(post->request, 500, "the archive cannot keep events of this client");
        return;
    }
    buf_init(&text, 131072);
    enum err err =
        buf_print(&text, "{\"received\":%llu,\"stored\":%llu,\"deduplicated\":%llu,\"rejected\":[",
                  (unsigned long long)post->received, (unsigned long long)post->stored,
                  (unsigned long long)post->deduplicated);
    if (err == OK) {
        err = buf_append(&text, buf_str(&post->reasons));
    }
    if (err == OK) {
        err = buf_append(&text, STR("]}\n"));
    }
    if (err == OK) {
        err = http_answer(post->request, 200, STR("application/json"), buf_str(&text), 0);
    }
    if (err != OK) {
        answer(post->request, 503, "stored, but there was no memory for the answer");
    }
    buf_done(&text);
}

static void post_drop(struct post *post)
{
    if (post->request != NULL) {
        http_attach(post->request, NULL);
    }
    memory_give_back(post);
    generation_unref(post->generation);
    builder_free(post->builder);
    buf_done(&post->body);
    buf_done(&post->reasons);
    free(post);
}

void posts_done(struct collect *collect)
{
    /* Peers are gone by now; what is left is what waited for room or for its commit. */
    while (collect->posts_first != NULL) {
        struct post *post = collect->posts_first;
        collect->posts_first = post->next;
        post->handed = true;
        if (post->waiting == 0) {
            post_drop(post);
        }
    }
    for (size_t i = 0; i < collect->pending_count; i++) {
        struct post *post = collect->pending[collect->pending_first + i].post;
        if (--post->waiting == 0) {
            post_drop(post);
        }
    }
    free(collect->pending);
}

static void answer(struct http_request *request, unsigned status, const char *sentence)
{
    char text[STATUS_TEXT_SIZE];
    int size = snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", sentence);
    if (size > 0 && (size_t)size < sizeof text) {
        (void)!http_answer(request, status, STR("application/json"), str_of(text, (size_t)size),
                           status == 503 ? 1 : 0);
    }
}
