/*
 * Streams of changes: who hears of what, at once.
 *
 *     transaction on disk ─► changes.c ─► for each stream: is the session there? what does the
 *                                         person reach now? ─► API_STREAM
 *
 * A stream is an answer of portal's that stays open.  It has the session's token and the person,
 * and asks with them again whenever something is said, so that a right which was taken away is not
 * used once more; every LOOK_MS some of the streams are looked at even if there is nothing to say,
 * each of them within a second.  What somebody reaches is found anew when the tenants' generation
 * is another one, and every second, since engagements begin and end with time alone.
 *
 * Always true:
 *
 *   (1) a change goes to a stream only under the scope that its person has at that moment, and by
 *       the right that the operation behind the change asks for;
 *   (2) a stream that could not be told something is told `hello` later: it shows everything anew.
 *       So is one whose person reaches something else than before.
 *   (3) watching is no use of a session: an open page alone keeps no session alive.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/json_out.h"
#include "codec/time.h"
#include "serve/changes.h"
#include "sys/clocks.h"

#define LOOK_MS      250
#define LOOK_PARTS   3 /* of the streams, one at a time: with the push itself within a second */
#define SCOPE_MS     1000
#define TEXT_SIZE    ((size_t)1 << 20)
#define SESSION_SIZE 128 /* of a token */

struct stream {
    uint64_t ticket; /* portal's */
    uint32_t person;
    char session[SESSION_SIZE];
    size_t session_size;
    struct scope *scope; /* NULL: they reach nothing */
    struct buf reach;    /* the scope's bytes */
    uint64_t generation; /* of the tenants, at that time */
    struct mono scope_at;
    bool anew; /* has to show everything anew */
};

struct desk_streams {
    struct changes *changes;
    struct timer *push, *look;
    struct stream list[PORTAL_STREAMS_MAX];
    size_t count;
    size_t part; /* that was looked at last */
    struct changes_taken taken;
    struct str slugs[CHANGES_MAX]; /* of the taken changes' clients */
    struct buf text;
};

static void streams_push(void *context);
static void stream_reach(struct desk *desk, struct stream *stream, struct wall now,
                         struct mono moment);
static void streams_look(void *context);

static void something_changed(void *context)
{
    struct desk *desk = context;
    timer_set(desk->streams->push, 0, 0);
}

enum err desk_change_open(struct desk *desk)
{
    struct desk_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) {
        return ERR_MEMORY;
    }
    desk->streams = streams;
    buf_init(&streams->text, TEXT_SIZE);
    enum err err = timer_new(desk->process->loop, streams_push, desk, &streams->push);
    if (err == OK) {
        err = timer_new(desk->process->loop, streams_look, desk, &streams->look);
    }
    return err == OK ? changes_new(desk->rooms.ledger, something_changed, desk, &streams->changes)
                     : err;
}

/* ---- Streams come and go. */

static void stream_free(struct stream *stream)
{
    scope_free(stream->scope);
    buf_done(&stream->reach);
    secret_forget(stream->session, sizeof stream->session);
}

static void stream_remove(struct desk_streams *streams, size_t at)
{
    stream_free(&streams->list[at]);
    streams->list[at] = streams->list[--streams->count];
    if (streams->count == 0) {
        timer_stop(streams->look);
    }
}

void desk_change_close(struct desk *desk)
{
    struct desk_streams *streams = desk->streams;
    if (streams == NULL) {
        return;
    }
    desk_change_drop(desk);
    changes_free(streams->changes);
    timer_free(streams->push);
    timer_free(streams->look);
    buf_done(&streams->text);
    free(streams);
    desk->streams = NULL;
}

enum err desk_change_begin(struct desk *desk, uint64_t ticket, struct str session, uint32_t person)
{
    struct desk_streams *streams = desk->streams;
    size_t of_person = 0;
    size_t of_session = 0;
    for (size_t i = 0; i < streams->count; i++) {
        const struct stream *stream = &streams->list[i];
        of_person += stream->person == person;
        of_session += str_equal(str_of(stream->session, stream->session_size), session);
    }
    if (streams->count == PORTAL_STREAMS_MAX || of_person >= PORTAL_STREAMS_PERSON ||
        of_session >= PORTAL_STREAMS_SESSION || session.size > SESSION_SIZE) {
        return ERR_AGAIN;
    }
    struct stream *stream = &streams->list[streams->count++];
    *stream = (struct stream){.ticket = ticket, .person = person, .session_size = session.size};
    memcpy(stream->session, session.data, session.size);
    stream_reach(desk, stream, wall_now(), mono_now());
    if (streams->count == 1) {
        timer_set(streams->look, LOOK_MS, LOOK_MS);
    }
    return OK;
}

void desk_change_gone(struct desk *desk, uint64_t ticket)
{
    for (size_t i = 0; i < desk->streams->count; i++) {
        if (desk->streams->list[i].ticket == ticket) {
            stream_remove(desk->streams, i);
            return;
        }
    }
}

void desk_change_drop(struct desk *desk)
{
    while (desk->streams != NULL && desk->streams->count > 0) {
        stream_remove(desk->streams, desk->streams->count - 1);
    }
}

/* ---- Looking at one. */

static bool stream_alive(struct desk *desk, const struct stream *stream, struct wall now)
{
    struct str session = str_of(stream->session, stream->session_size);
    return session_alive(desk->rooms.tenant, session, now) == OK;
}

/* What the person reaches at this moment.  What cannot be found out is nothing. */
static void stream_reach(struct desk *desk, struct stream *stream, struct wall now,
                         struct mono moment)
{
    uint64_t generation = tenant_generation(desk->rooms.tenant);
    bool first = stream->scope_at.ns == 0;
    struct scope *scope = NULL;
    struct buf reach;
    if (!first && stream->generation == generation &&
        mono_ms_since(stream->scope_at, moment) < SCOPE_MS) {
        return;
    }
    buf_init(&reach, MESSAGE_SIZE_MAX);
    enum err err =
        scope_for_person(desk->rooms.tenant, stream->person, STR("change.stream"), now, &scope);
    err = err == OK ? scope_encode(scope, &reach) : err;
    if (err != OK) {
        scope_free(scope);
        scope = NULL;
        buf_reset(&reach);
    }
    if (!first && !str_equal(buf_str(&reach), buf_str(&stream->reach))) {
        stream->anew = true;
    }
    scope_free(stream->scope);
    buf_done(&stream->reach);
    stream->scope = scope;
    stream->reach = reach;
    stream->generation = generation;
    stream->scope_at = moment;
}

static bool is_own_party(struct desk *desk, const struct stream *stream, const char *party)
{
    struct person_info person;
    return tenant_person_get(desk->rooms.tenant, stream->person, &person) == OK &&
           str_equal(person.party, str_from(party));
}

/* A bidder knows of the documents that were released, and of no others. */
static bool document_shown(struct desk *desk, const struct scope *scope,
                           const struct change *change)
{
    struct version *list;
    size_t count = 0;
    if (!scope_allows(scope, change->client, RIGHT_DOCUMENTS)) {
        return false;
    }
    if (scope_side(scope, change->client) != SIDE_BIDDER) {
        return true;
    }
    struct arena *mem = arena_new((size_t)64 << 20);
    enum err err = mem == NULL ? ERR_MEMORY
                               : service_versions(scope, desk->rooms.service, change->client,
                                                  str_from(change->kind), mem, &list, &count);
    arena_free(mem);
    return err == OK && count > 0;
}

static bool may_hear(struct desk *desk, const struct stream *stream, const struct change *change)
{
    const struct scope *scope = stream->scope;
    const struct client_id client = change->client;
    if (change->what == CHANGE_PEOPLE && is_own_party(desk, stream, change->kind)) {
        return true;
    }
    if (scope == NULL) {
        return false;
    }
    switch (change->what) {
    case CHANGE_INCIDENT:
        return scope_allows(scope, client, RIGHT_INCIDENTS);
    case CHANGE_ALERTS:
        return scope_allows(scope, client, RIGHT_ALERTS);
    case CHANGE_DOCUMENT:
        return document_shown(desk, scope, change);
    case CHANGE_CLIENT:
        return scope_side(scope, client) != SIDE_NONE;
    case CHANGE_PEOPLE:
        return scope_allows(scope, client, RIGHT_INCIDENTS) ||
               scope_allows(scope, client, RIGHT_USERS) ||
               scope_allows(scope, client, RIGHT_MANAGE);
    default:
        return false;
    }
}

/* ---- Telling. */

static enum err stream_send(struct desk *desk, const struct stream *stream, bool end,
                            struct str text)
{
    const struct message message = {
        .type = MESSAGE_API_STREAM,
        .api_stream = {.ticket = stream->ticket, .end = end, .text = text}};
    return desk->portal != NULL ? link_send(desk->portal, &message) : ERR_CLOSED;
}

static enum err change_print(const struct change *change, struct str slug, struct buf *out)
{
    struct json_out json;
    enum err err = buf_append(out, STR("event: change\ndata: "));
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "client", slug);
    json_text(&json, "what", str_from(change_text(change->what)));
    json_unsigned(&json, "number", change->number);
    json_text(&json, "kind", str_from(change->what == CHANGE_DOCUMENT ? change->kind : ""));
    json_close(&json);
    err = err == OK ? json_out_end(&json) : err;
    return err == OK ? buf_append(out, STR("\n\n")) : err;
}

static enum err stream_text(struct desk *desk, struct stream *stream, struct wall now)
{
    struct desk_streams *streams = desk->streams;
    const struct changes_taken *taken = &streams->taken;
    char text[TIME_TEXT_SIZE];
    enum err err = OK;
    buf_reset(&streams->text);
    if (stream->anew) {
        return buf_print(&streams->text, "event: hello\ndata: {\"now\":\"%s\"}\n\n",
                         time_print(now, text));
    }
    for (size_t i = 0; i < taken->count && err == OK; i++) {
        if (may_hear(desk, stream, &taken->list[i])) {
            err = change_print(&taken->list[i], streams->slugs[i], &streams->text);
        }
    }
    return err;
}

/* False: the stream has ended. */
static bool stream_tell(struct desk *desk, struct stream *stream, struct wall now,
                        struct mono moment)
{
    struct desk_streams *streams = desk->streams;
    if (!stream_alive(desk, stream, now)) {
        UNHEEDED(stream_send(desk, stream, true, STR("event: end\ndata: {}\n\n")));
        return false;
    }
    stream_reach(desk, stream, now, moment);
    stream->anew = stream->anew || streams->taken.all;
    enum err err = stream_text(desk, stream, now);
    if (err == OK && streams->text.size > 0) {
        err = stream_send(desk, stream, false, buf_str(&streams->text));
    }
    stream->anew = err != OK;
    return true;
}

/* Those in [from, from + step, …), backwards, since the last one takes the place of an ended one.
 */
static void streams_tell(struct desk *desk, size_t from, size_t step)
{
    struct desk_streams *streams = desk->streams;
    const struct wall now = wall_now();
    const struct mono moment = mono_now();
    for (size_t i = streams->count; i > 0; i--) {
        if (i % step == from && !stream_tell(desk, &streams->list[i - 1], now, moment)) {
            stream_remove(streams, i - 1);
        }
    }
}

static void slugs_find(struct desk *desk)
{
    struct desk_streams *streams = desk->streams;
    struct client_info client;
    for (size_t at = 0; at < streams->taken.count; at++) {
        streams->slugs[at] = STR("");
    }
    for (size_t i = 0; tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        for (size_t at = 0; at < streams->taken.count; at++) {
            if (client_equal(client.id, streams->taken.list[at].client)) {
                streams->slugs[at] = client.slug;
            }
        }
    }
}

static void streams_push(void *context)
{
    struct desk *desk = context;
    struct desk_streams *streams = desk->streams;
    if (streams->count == 0) {
        changes_empty(streams->changes); /* who comes next shows everything anew */
        return;
    }
    changes_take(streams->changes, mono_now(), &streams->taken);
    if (streams->taken.count > 0 || streams->taken.all || streams->taken.sessions) {
        slugs_find(desk);
        streams_tell(desk, 0, 1);
    }
    if (streams->taken.again_ms >= 0) {
        timer_set(streams->push, (uint64_t)streams->taken.again_ms, 0);
    }
}

/* Nothing has to have changed: sessions end, and engagements with them, by the time alone. */
static void streams_look(void *context)
{
    struct desk *desk = context;
    struct desk_streams *streams = desk->streams;
    streams->taken.count = 0;
    streams->taken.all = false;
    streams->part = (streams->part + 1) % LOOK_PARTS;
    streams_tell(desk, streams->part, LOOK_PARTS);
}
