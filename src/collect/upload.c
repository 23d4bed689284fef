/*
 * POST /ingest/files: a file, or an archive of files, becomes records.
 *
 *     upload ─► (archive: member ─► member …) ─► event log: each event as flat JSON
 *                                             └► text: each line
 *
 * The upload is kept in memory and decoded in steps, one at a turn of the queue of posts, so that
 * nobody waits long for it; what a step made is handed over before the next.  Nothing is written to
 * a disk, and names in archives are names and nothing else.
 *
 * The original that is kept is the decoder's text; a line is one as it stands.  Each event names
 * the upload's SHA-256 and the member that it was in, so that the file, which stays with its
 * sender, can be held beside it.  The same upload, sent again, adds nothing: its key is that hash.
 *
 * Always true: at most UPLOAD_UNPACKED_MAX bytes come out of one upload; an archive in an archive
 * is not opened, and is told of; what could not be read is told of in the answer.
 *
 * Left to others: tables with a header (CSV, Zeek) and JSON over several lines come as lines; scans
 * read them (src/replay/).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/evtx.h"
#include "codec/json_list.h"
#include "codec/json_text.h"
#include "collect/post.h"
#include "sys/clocks.h"
#include "sys/unpack.h"

#define STEP_SIZE     ((size_t)256 * 1024) /* Of records, before they are handed over. */
#define READ_SIZE     ((size_t)64 * 1024)
#define STEPS_MAX     64   /* Without a record, before it is others' turn. */
#define HEAD_SIZE     4096 /* Where a text has no NUL. */
#define REASONS_MAX   100
#define PARTS_UNKNOWN UINT32_MAX
/* What is counted for taking an archive apart, which no account tells: few at once, of one client
 * and of all. */
#define ARCHIVE_WORK ((size_t)16 << 20)

enum member_kind { MEMBER_NONE, MEMBER_TEXT, MEMBER_EVTX };

struct upload {
    struct str whole;
    size_t at; /* how much of it was read */
    struct unpack_purse purse;
    struct unpack *unpack; /* NULL: it is no archive */
    struct evtx *evtx;
    enum member_kind kind;
    bool begun, dry; /* the member was begun; it has been read whole */
    struct buf rest; /* of the member: read and not cut yet */
    char path[MEMBER_PATH_MAX];
    char hash[65];
    unsigned reasons;
    enum err err;
};

static enum err whole_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct upload *upload = context;
    struct str rest = str_slice(upload->whole, upload->at, size);
    (void)why;
    if (rest.size > 0) {
        memcpy(to, rest.data, rest.size);
    }
    upload->at += rest.size;
    upload->purse.packed = upload->purse.packed > upload->at ? upload->purse.packed : upload->at;
    *ret_size = rest.size;
    return OK;
}

static enum err whole_seek(void *context, uint64_t offset)
{
    struct upload *upload = context;
    if (offset > upload->whole.size) {
        return ERR_LIMIT;
    }
    upload->at = (size_t)offset;
    return OK;
}

void upload_free(struct upload *upload)
{
    if (upload != NULL) {
        unpack_close(upload->unpack);
        evtx_free(upload->evtx);
        buf_done(&upload->rest);
        free(upload);
    }
}

/* Something of the upload could not be read. */
static void complain(struct post *post, const char *reason)
{
    struct upload *upload = post->upload;
    struct buf text;
    post_reject(post, REJECT_MALFORMED, 1);
    if (upload->reasons++ >= REASONS_MAX) {
        return;
    }
    buf_init(&text, 4 * MEMBER_PATH_MAX);
    if (buf_print(&text, "%s{\"file\":", post->reasons.size > 0 ? "," : "") == OK &&
        json_print(&text, str_from(upload->path)) == OK &&
        buf_append(&text, STR(",\"reason\":")) == OK && json_print(&text, str_from(reason)) == OK &&
        buf_append_byte(&text, '}') == OK) {
        UNHEEDED(buf_append(&post->reasons, buf_str(&text)));
    }
    buf_done(&text);
}

/* ---- Members. */

static enum err bytes_more(struct post *post)
{
    struct upload *upload = post->upload;
    struct why why = {0};
    size_t before = upload->rest.size;
    size_t got = 0;
    char *to;
    enum err err = buf_extend(&upload->rest, READ_SIZE, &to);
    if (err != OK) {
        return err;
    }
    err = upload->unpack != NULL ? unpack_read(upload->unpack, to, READ_SIZE, &got, &why)
                                 : whole_read(upload, to, READ_SIZE, &got, &why);
    upload->rest.size = before + got;
    if (err == OK && upload->purse.unpacked > UPLOAD_UNPACKED_MAX) {
        err = ERR_LIMIT;
        (void)why_say(&why, err, 0, "the upload unfolds into too much");
    }
    if (err != OK && err != ERR_MEMORY) {
        complain(post, why.text[0] != '\0' ? why.text : err_text(err));
    }
    upload->dry = err != OK || got == 0;
    return err == ERR_MEMORY ? err : OK;
}

/* Turns to the next member that can be read.  ERR_CLOSED: there is none. */
static enum err member_next(struct post *post)
{
    struct upload *upload = post->upload;
    struct unpack_member member;
    struct why why = {0};
    if (upload->unpack == NULL) {
        enum err err = upload->begun ? ERR_CLOSED : OK;
        upload->begun = true;
        return err;
    }
    enum err err = unpack_next(upload->unpack, &member, &why);
    if (err != OK) {
        if (err != ERR_CLOSED) {
            complain(post, why.text[0] != '\0' ? why.text : err_text(err));
        }
        return ERR_CLOSED;
    }
    size_t size =
        member.path.size < sizeof upload->path ? member.path.size : sizeof upload->path - 1;
    if (size > 0) {
        memcpy(upload->path, member.path.data, size);
    }
    upload->path[size] = '\0';
    if (member.encrypted) {
        complain(post, "it is encrypted");
    }
    return member.encrypted || !member.file ? ERR_AGAIN : OK;
}

/* What the member is, by its first bytes.  ERR_AGAIN: nothing that is read. */
static enum err member_begin(struct post *post)
{
    struct upload *upload = post->upload;
    buf_reset(&upload->rest);
    upload->dry = false;
    enum err err = bytes_more(post);
    if (err != OK) {
        return err;
    }
    struct str head = str_slice(buf_str(&upload->rest), 0, HEAD_SIZE);
    if (evtx_is(head)) {
        upload->kind = MEMBER_EVTX;
        buf_consume(&upload->rest, head.size < EVTX_HEADER_SIZE ? head.size : EVTX_HEADER_SIZE);
        if (upload->evtx == NULL) {
            upload->evtx = evtx_new();
        }
        return upload->evtx != NULL ? OK : ERR_MEMORY;
    }
    if (upload->unpack != NULL && unpack_is(head)) {
        complain(post, "an archive in an archive is not opened");
        return ERR_AGAIN;
    }
    if (str_find_byte(head, '\0') != STR_NONE) {
        complain(post, "neither an event log nor a text");
        return ERR_AGAIN;
    }
    upload->kind = MEMBER_TEXT;
    return OK;
}

/* ---- Records. */

static enum err record_keep(struct post *post, struct str record)
{
    size_t from = post->text.size;
    if (record.size == 0) {
        return OK;
    }
    if (record.size > RECORD_SIZE_MAX) {
        complain(post, "a record is over 1 MiB");
        return OK;
    }
    enum err err = buf_append(&post->text, record);
    const struct stretch stretch = {(uint32_t)from, (uint32_t)record.size};
    return err == OK ? buf_append(&post->stretches, str_of(&stretch, sizeof stretch)) : err;
}

static enum err event_keep(void *context, const struct evtx_record *record)
{
    struct post *post = context;
    if (record->damaged) {
        complain(post, "an event broke off");
        return OK;
    }
    return record_keep(post, record->json);
}

/* One chunk of an event log, or what stands before it. */
static enum err chunk_take(struct post *post)
{
    struct upload *upload = post->upload;
    struct evtx_damage damage;
    while (upload->rest.size < EVTX_CHUNK_SIZE && !upload->dry) {
        enum err err = bytes_more(post);
        if (err != OK) {
            return err;
        }
    }
    size_t garbage = evtx_find(buf_str(&upload->rest));
    if (garbage == STR_NONE) {
        /* A mark may begin in the last bytes. */
        size_t kept = upload->dry || upload->rest.size < EVTX_MARK_SIZE ? 0 : EVTX_MARK_SIZE - 1;
        buf_consume(&upload->rest, upload->rest.size - kept);
        upload->kind = upload->dry ? MEMBER_NONE : upload->kind;
        return OK;
    }
    buf_consume(&upload->rest, garbage);
    if (garbage > 0) {
        return OK; /* Now more of the chunk is to be read. */
    }
    struct str chunk = str_slice(buf_str(&upload->rest), 0, EVTX_CHUNK_SIZE);
    enum err err = evtx_chunk(upload->evtx, chunk, event_keep, post, &damage);
    if (err == OK && damage.what != NULL && damage.count > 0) {
        complain(post, damage.what);
    }
    buf_consume(&upload->rest, chunk.size);
    return err;
}

/* A line, or the objects of one that is a JSON list of records. */
static enum err line_keep(struct post *post, struct str line)
{
    size_t at;
    struct str object;
    if (!json_list_begin(line, &at)) {
        return record_keep(post, line);
    }
    enum err err = OK;
    while (err == OK && json_list_next(line, &at, &object)) {
        err = record_keep(post, object);
    }
    struct str rest = str_trim(str_slice(line, at, line.size));
    return err == OK && rest.size > 0 ? record_keep(post, rest) : err;
}

/* The whole lines that have been read. */
static enum err lines_take(struct post *post)
{
    struct upload *upload = post->upload;
    struct cursor cursor = {0};
    struct str text = buf_str(&upload->rest);
    struct str line;
    enum err err = OK;
    size_t last = text.size;
    while (!upload->dry && last > 0 && text.data[last - 1] != '\n') {
        last--;
    }
    text.size = last;
    while (err == OK && body_line(text, &cursor, &line)) {
        err = line_keep(post, line);
    }
    buf_consume(&upload->rest, last);
    if (upload->rest.size > RECORD_SIZE_MAX && err == OK) {
        complain(post, "a line is over 1 MiB: the rest of the file is passed over");
        upload->kind = MEMBER_NONE;
    } else if (upload->dry) {
        upload->kind = MEMBER_NONE;
    } else if (err == OK) {
        err = bytes_more(post);
    }
    return err;
}

/* One step.  ERR_CLOSED: that was all. */
static enum err upload_step(struct post *post)
{
    struct upload *upload = post->upload;
    if (upload->kind == MEMBER_EVTX) {
        return chunk_take(post);
    }
    if (upload->kind == MEMBER_TEXT) {
        return lines_take(post);
    }
    enum err err = member_next(post);
    if (err == OK) {
        err = member_begin(post);
    }
    return err == ERR_AGAIN ? OK : err;
}

static enum more upload_more(struct post *post)
{
    struct upload *upload = post->upload;
    buf_reset(&post->text);
    buf_reset(&post->stretches);
    post->cursor = (struct cursor){0};
    for (unsigned i = 0; upload->err == OK && i < STEPS_MAX && post->text.size < STEP_SIZE; i++) {
        upload->err = upload_step(post);
        if (upload->kind == MEMBER_NONE && post->stretches.size > 0) {
            break; /* These are of this member; the next has another path. */
        }
    }
    if (upload->err != OK && upload->err != ERR_CLOSED) {
        complain(post, err_text(upload->err));
    }
    post->body.text = buf_str(&post->text);
    quota_charge(post->collect, post->binding, post->stretches.size / sizeof(struct stretch),
                 mono_now());
    return post->stretches.size > 0 ? MORE_RECORDS : upload->err == OK ? MORE_LATER : MORE_NONE;
}

/* Fields that no parser could know. */
static void upload_mark(struct post *post)
{
    builder_derive(post->builder, STR("labels.upload_sha256"), str_from(post->upload->hash));
    if (post->upload->path[0] != '\0') {
        builder_derive(post->builder, STR("log.file.path"), str_from(post->upload->path));
    }
}

/* ---- As a dialect. */

static bool upload_open(struct post *post)
{
    struct upload *upload = calloc(1, sizeof *upload);
    struct why why = {0};
    post->upload = upload;
    post->body.next = stretch_next;
    if (upload == NULL) {
        post_refuse(post, REFUSE_MEMORY, NULL);
        return false;
    }
    upload->whole = buf_str(&post->bytes);
    buf_init(&upload->rest, RECORD_SIZE_MAX + 4 * READ_SIZE);
    struct sha256 hash = sha256_of_bytes(upload->whole);
    (void)hex_print(hash.bytes, sizeof hash.bytes, upload->hash);
    if (!batch_key_given(&post->key)) {
        memcpy(post->key.hash, hash.bytes, sizeof post->key.hash);
    }
    post->key.digest = get_u64(hash.bytes + 16);
    post->key.parts = PARTS_UNKNOWN;
    if (unpack_is(str_slice(upload->whole, 0, UNPACK_HEAD_SIZE))) {
        const struct unpack_from from = {upload, whole_read, whole_seek, upload->whole.size, false};
        if (!post_memory_take(post, ARCHIVE_WORK)) {
            post_refuse(post, REFUSE_MEMORY, NULL);
            return false;
        }
        if (unpack_open(&from, &upload->purse, &upload->unpack, &why) != OK) {
            post_refuse(post, REFUSE_FORMAT, "the archive cannot be read");
            return false;
        }
    }
    return true;
}

static void upload_answer(struct post *post)
{
    struct buf text;
    buf_init(&text, 131072);
    enum err err =
        buf_print(&text,
                  "{\"sha256\":\"%s\",\"received\":%llu,\"stored\":%llu,"
                  "\"deduplicated\":%llu,\"rejected\":[",
                  post->upload->hash, (unsigned long long)post->received,
                  (unsigned long long)post->stored, (unsigned long long)post->deduplicated);
    if (err == OK) {
        err = buf_append(&text, buf_str(&post->reasons));
    }
    if (err == OK) {
        err = buf_append(&text, STR("]}\n"));
    }
    if (err == OK) {
        answer_json(post->request, 200, buf_str(&text), 0);
    } else {
        post_refuse(post, REFUSE_MEMORY, "there was no memory for the answer");
    }
    buf_done(&text);
}

const struct dialect dialect_upload = {.refuse = lines_refuse,
                                       .open = upload_open,
                                       .more = upload_more,
                                       .mark = upload_mark,
                                       .answer = upload_answer,
                                       .size_max = UPLOAD_SIZE_MAX};
