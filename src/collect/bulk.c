/*
 * Elasticsearch's _bulk: lines in pairs, an action and a document; the document's own bytes are the
 * record.
 *
 *     {"index":{"_index":"logs","_id":"1"}}      index, create: kept
 *     {"message":"…"}                            update, delete: 400, evidence is not changed
 *
 * Each item gets an end of its own: 201 kept, 400 no record, 409 (create) or 200 (index) known
 * already, 429 over the quota or no room, 500 the archive cannot keep it.  An action that is none
 * spoils the whole request, as with Elasticsearch: nobody can say which of the lines behind it are
 * documents.  Nothing of it is kept then.
 *
 * `_id` makes a resend harmless.  If each document that is handed over has one, the request gets a
 * key made of them all: sent again as it was, the archive knows it, for 24 hours and through any
 * crash.  A document that comes again among others is known by ids.c, as long as front lives.  The
 * same `_id` with another text is another record: what was kept is never replaced.
 *
 * Always true: the states are one byte an item, in their order; ITEM_TAKEN ones end in that order,
 * since parts do.  `settled` is the first item of which the end is not known.  A key stands for
 * exactly the documents that are handed over under it, or a resend would be told of one that was
 * over the quota that it is kept: our own key is made of those alone, and under a sender's key all
 * are taken, whatever ids.c knows and the quota says, which is charged afterwards as for lines.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "collect/post.h"
#include "sys/clocks.h"

#define ID_SIZE_MAX 512 /* Elasticsearch's own. */
#define ITEM_ANSWER 256 /* At most, beside its own _index and _id, which the body has paid for. */

enum item_state {
    ITEM_TAKEN,
    ITEM_STORED,
    ITEM_KNOWN,
    ITEM_LOST,
    ITEM_OVER,
    ITEM_NO_ROOM,
    ITEM_NO_OBJECT,
    ITEM_TOO_LONG,
    ITEM_LONG_ID,
    ITEM_FIXED, /* update or delete */
    ITEM_NO_DOCUMENT,
    ITEM_STATE_COUNT
};

static const struct {
    unsigned status;
    const char *type, *reason;
} ends[ITEM_STATE_COUNT] = {
    [ITEM_TAKEN] = {503, "unavailable_shards_exception", "its end is not known"},
    [ITEM_STORED] = {201, NULL, NULL},
    [ITEM_KNOWN] = {409, "version_conflict_engine_exception",
                    "version conflict, document already exists (current version [1])"},
    [ITEM_LOST] = {500, "illegal_state_exception", "the archive cannot keep events of this client"},
    [ITEM_OVER] = {429, "es_rejected_execution_exception", "more was sent than was agreed"},
    [ITEM_NO_ROOM] = {429, "es_rejected_execution_exception", "no room at the moment"},
    [ITEM_NO_OBJECT] = {400, "document_parsing_exception", "the document is no JSON object"},
    [ITEM_TOO_LONG] = {400, "illegal_argument_exception", "the document is over 1 MiB"},
    [ITEM_LONG_ID] = {400, "illegal_argument_exception", "the _id is over 512 bytes"},
    [ITEM_FIXED] = {400, "action_request_validation_exception",
                    "what was kept is evidence: only index and create are possible"},
    [ITEM_NO_DOCUMENT] = {400, "action_request_validation_exception",
                          "no document follows this action"},
};

enum action { ACTION_INDEX, ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE, ACTION_COUNT };
static const struct str action_names[ACTION_COUNT] = {
    {"index", 5}, {"create", 6}, {"update", 6}, {"delete", 6}};

struct item {
    enum action action;
    bool has_id, has_index, has_document;
    struct str index, id; /* as they stand in the JSON, without quotes */
    bool id_bare;         /* a number */
    struct str document;
};

/* ---- Reading. */

struct action_walk {
    struct str line;
    struct item *item;
    unsigned actions;
};

static void action_leaf(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    struct action_walk *walk = context;
    struct str rest = path;
    struct str name = str_cut(&rest, '.');
    struct str value = str_slice(walk->line, offset, size);
    enum action action = ACTION_INDEX;
    while (action < ACTION_COUNT && !str_equal(name, action_names[action])) {
        action++;
    }
    if (action == ACTION_COUNT || (walk->actions > 0 && walk->item->action != action) ||
        (rest.size == 0 && kind != JSON_NULL)) {
        walk->actions = 2; /* Not one action, or one that is no object. */
        return;
    }
    walk->actions = walk->actions > 1 ? 2 : 1;
    walk->item->action = action;
    if (str_equal(rest, STR("_id")) && kind != JSON_NULL) {
        walk->item->has_id = true;
        walk->item->id_bare = kind == JSON_SCALAR;
        walk->item->id = value;
    } else if (str_equal(rest, STR("_index")) && kind == JSON_STRING) {
        walk->item->has_index = true;
        walk->item->index = value;
    }
}

/* ERR_CLOSED at the end, ERR_SYNTAX: no action. */
static enum err item_next(struct str text, struct cursor *cursor, struct item *ret)
{
    struct action_walk walk = {.item = ret};
    *ret = (struct item){0};
    cursor->item = 0; /* Counts lines here, which nobody asks for. */
    if (!body_line(text, cursor, &walk.line)) {
        return ERR_CLOSED;
    }
    enum err err = json_walk(walk.line, action_leaf, &walk, NULL);
    if (err != OK || walk.actions != 1) {
        return err == ERR_MEMORY ? err : ERR_SYNTAX;
    }
    ret->has_document = ret->action != ACTION_DELETE && body_line(text, cursor, &ret->document);
    return OK;
}

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static enum item_state item_judge(const struct item *item)
{
    if (item->action == ACTION_UPDATE || item->action == ACTION_DELETE) {
        return ITEM_FIXED;
    }
    if (!item->has_document) {
        return ITEM_NO_DOCUMENT;
    }
    if (item->document.size > RECORD_SIZE_MAX) {
        return ITEM_TOO_LONG;
    }
    if (item->id.size > ID_SIZE_MAX) {
        return ITEM_LONG_ID;
    }
    return json_walk(item->document, leaf_ignore, NULL, NULL) == OK ? ITEM_TAKEN : ITEM_NO_OBJECT;
}

/* What makes it the same: the source, the index, the _id and the text. */
static struct sha256 item_hash(const struct post *post, const struct item *item)
{
    char numbers[20];
    put_u32(numbers, post->binding->client.value);
    put_u32(numbers + 4, post->binding->source.value);
    struct str index = item->has_index ? item->index : post->index;
    put_u32(numbers + 8, (uint32_t)index.size);
    put_u32(numbers + 12, (uint32_t)item->id.size);
    put_u32(numbers + 16, item->has_index);
    const struct str parts[] = {str_of(numbers, sizeof numbers), index, item->id, item->document};
    return sha256_of(parts, 4);
}

static enum item_state state_at(const struct post *post, uint64_t item)
{
    return (enum item_state)post->stretches.data[item];
}

/* body_next: the documents that are to be handed over. */
static bool document_next(const struct body *body, struct cursor *cursor, struct str *ret)
{
    const struct post *post = (const void *)body;
    uint64_t at = cursor->item;
    struct item item;
    while (at < post->stretches.size && item_next(body->text, cursor, &item) == OK) {
        if (state_at(post, at++) == ITEM_TAKEN) {
            *ret = item.document;
            cursor->item = at;
            return true;
        }
    }
    cursor->item = at;
    return false;
}

/* ---- Saying no. */

static void refuse(struct http_request *request, enum refusal refusal, const char *detail,
                   unsigned retry_seconds)
{
    struct buf text;
    unsigned status = refusal_status(refusal);
    const char *type = status == 401   ? "security_exception"
                       : status == 429 ? "es_rejected_execution_exception"
                       : status == 503 ? "unavailable_shards_exception"
                       : status == 413 ? "content_too_long_exception"
                       : status == 500 ? "illegal_state_exception"
                                       : "illegal_argument_exception";
    const char *reason = detail != NULL ? detail : refusal_sentence(refusal);
    buf_init(&text, 4096);
    if (buf_print(&text,
                  "{\"error\":{\"root_cause\":[{\"type\":\"%s\",\"reason\":\"%s\"}],"
                  "\"type\":\"%s\",\"reason\":\"%s\"},\"status\":%u}\n",
                  type, reason, type, reason, status) == OK) {
        elastic_say(request, status, buf_str(&text), retry_seconds);
    }
    buf_done(&text);
}

/* ---- The whole body. */

/* Judges one item and keeps its state. */
static enum err item_take(struct post *post, const struct item *item, struct sha256_run *run,
                          bool *all_ids)
{
    struct collect *collect = post->collect;
    enum item_state state = item_judge(item);
    struct sha256 hash;
    if (state == ITEM_TAKEN && item->has_id) {
        hash = item_hash(post, item);
        bool known = !batch_key_given(&post->key) && collect->ids != NULL &&
                     ids_know(collect->ids, &hash, mono_now());
        state = known ? ITEM_KNOWN : ITEM_TAKEN;
    }
    if (state == ITEM_TAKEN && post->allowed == 0) {
        state = ITEM_OVER;
    }
    if (state == ITEM_TAKEN && item->has_id) {
        sha256_add(run, str_of(hash.bytes, sizeof hash.bytes));
    } else if (state == ITEM_TAKEN) {
        *all_ids = false;
    }
    if (state == ITEM_TAKEN) {
        post->allowed--;
        post->taken++;
    } else {
        post_reject(post,
                    state == ITEM_KNOWN      ? REJECT_KNOWN
                    : state == ITEM_OVER     ? REJECT_QUOTA
                    : state == ITEM_TOO_LONG ? REJECT_TOO_LONG
                                             : REJECT_MALFORMED,
                    1);
    }
    return buf_append_byte(&post->stretches, (char)state);
}

static void key_make(struct post *post, const struct sha256 *hash)
{
    memcpy(post->key.hash, hash->bytes, sizeof post->key.hash);
    post->key.digest = get_u64(hash->bytes + 16);
    post->key.parts = body_parts(&post->body);
}

static bool bulk_open(struct post *post)
{
    struct cursor cursor = {0};
    struct item item;
    bool all_ids = true;
    enum err err = OK;
    post->body.next = document_next;
    post->allowed = batch_key_given(&post->key)
                        ? UINT64_MAX
                        : quota_left(post->collect, post->binding, mono_now());
    struct sha256_run *run = sha256_begin();
    while (err == OK && (err = item_next(post->body.text, &cursor, &item)) == OK) {
        err = post->stretches.size == BULK_ITEMS_MAX ? ERR_LIMIT
                                                     : item_take(post, &item, run, &all_ids);
    }
    struct sha256 hash = sha256_end(run);
    /* The answer stays until it is read, by whoever takes as long as it likes. */
    if (err == ERR_CLOSED && !post_memory_take(post, post->stretches.size * ITEM_ANSWER)) {
        err = ERR_MEMORY;
    }
    if (err != ERR_CLOSED || post->stretches.size == 0) {
        post_refuse(post,
                    err == ERR_LIMIT    ? REFUSE_LARGE
                    : err == ERR_MEMORY ? REFUSE_MEMORY
                                        : REFUSE_FORMAT,
                    err == ERR_LIMIT    ? "more than 100000 items: split it"
                    : err == ERR_SYNTAX ? "malformed action line: expected index or create"
                    : err == ERR_CLOSED ? "request body is required"
                                        : NULL);
        return false;
    }
    quota_charge(post->collect, post->binding, post->taken, mono_now());
    if (post->allowed == 0) {
        quota_throttled(post->collect, post->binding, mono_now());
    }
    if (batch_key_given(&post->key)) {
        body_key(post);
    } else if (all_ids) {
        key_make(post, &hash);
    }
    return true;
}

/* ---- How items end. */

/* The next item whose end is not known; ERR_CLOSED without. */
static enum err unsettled_next(struct post *post, struct item *ret)
{
    while (post->settled < post->stretches.size) {
        enum err err = item_next(post->body.text, &post->settling, ret);
        if (err != OK) {
            return err;
        }
        if (state_at(post, post->settled) == ITEM_TAKEN) {
            return OK;
        }
        post->settled++;
    }
    return ERR_CLOSED;
}

static void bulk_ended(struct post *post, uint32_t events, enum commit_result result)
{
    enum item_state state = result == COMMIT_STORED      ? ITEM_STORED
                            : result == COMMIT_DUPLICATE ? ITEM_KNOWN
                                                         : ITEM_LOST;
    struct item item;
    while (events > 0 && unsettled_next(post, &item) == OK) {
        post->stretches.data[post->settled++] = (char)state;
        events--;
        if (item.has_id && state != ITEM_LOST && post->collect->ids != NULL) {
            struct sha256 hash = item_hash(post, &item);
            ids_add(post->collect->ids, &hash, mono_now());
        }
    }
}

/* What is on its way may still be stored: only what lies behind the cursor is given up. */
static void bulk_cut_short(struct post *post)
{
    for (uint64_t i = post->cursor.item; i < post->stretches.size; i++) {
        if (state_at(post, i) == ITEM_TAKEN) {
            post->stretches.data[i] = ITEM_NO_ROOM;
        }
    }
}

/* ---- The answer. */

static enum err item_print(const struct post *post, const struct item *item, enum item_state state,
                           struct buf *out)
{
    unsigned status = ends[state].status;
    bool known = state == ITEM_KNOWN && item->action == ACTION_INDEX;
    enum err err = buf_print(out, "{\"%.*s\":{\"_index\":", STR_ARG(action_names[item->action]));
    if (err == OK && item->has_index) {
        err = buf_print(out, "\"%.*s\"", STR_ARG(item->index));
    } else if (err == OK) {
        err = json_print(out, post->index);
    }
    if (err == OK && item->has_id) {
        const char *quote = item->id_bare ? "" : "\"";
        err = buf_print(out, ",\"_id\":%s%.*s%s", quote, STR_ARG(item->id), quote);
    }
    if (err != OK) {
        return err;
    }
    if (status < 300 || known) {
        return buf_print(out, ",\"_version\":1,\"result\":\"%s\",\"status\":%u}}",
                         known ? "noop" : "created", known ? 200 : status);
    }
    return buf_print(out, ",\"status\":%u,\"error\":{\"type\":\"%s\",\"reason\":\"%s\"}}}", status,
                     ends[state].type, ends[state].reason);
}

static bool any_failed(const struct post *post)
{
    struct cursor cursor = {0};
    struct item item;
    for (uint64_t i = 0; i < post->stretches.size; i++) {
        enum item_state state = state_at(post, i);
        bool fine = state == ITEM_STORED;
        if (item_next(post->body.text, &cursor, &item) != OK) {
            return true;
        }
        fine = fine || (state == ITEM_KNOWN && item.action == ACTION_INDEX);
        if (!fine) {
            return true;
        }
    }
    return false;
}

static void bulk_answer(struct post *post)
{
    struct buf text;
    struct cursor cursor = {0};
    struct item item;
    buf_init(&text, HTTP_INFLATED_SIZE_MAX);
    enum err err = buf_print(&text, "{\"took\":%llu,\"errors\":%s,\"items\":[",
                             (unsigned long long)mono_ms_since(post->began, mono_now()),
                             any_failed(post) ? "true" : "false");
    for (uint64_t i = 0; i < post->stretches.size && err == OK; i++) {
        err = item_next(post->body.text, &cursor, &item);
        if (err == OK && i > 0) {
            err = buf_append_byte(&text, ',');
        }
        if (err == OK) {
            err = item_print(post, &item, state_at(post, i), &text);
        }
    }
    if (err == OK) {
        err = buf_append(&text, STR("]}\n"));
    }
    if (err == OK) {
        elastic_say(post->request, 200, buf_str(&text), 0);
    } else {
        post_refuse(post, REFUSE_MEMORY, "there was no memory for the answer");
    }
    buf_done(&text);
}

const struct dialect dialect_bulk = {.refuse = refuse,
                                     .open = bulk_open,
                                     .ended = bulk_ended,
                                     .cut_short = bulk_cut_short,
                                     .answer = bulk_answer,
                                     .keeps_body = true};
