/*
 * A file on its way: read by one scanner at a time, a block of whole records at a time.
 *
 * What stands behind the last whole record of a block is kept in `rest` and begins the next block.
 * A block holds records of one stream only; streams that hold none, or cannot be read, leave their
 * complaints in the block that is being read.
 *
 * Always true between two calls: `rest` holds less than a record of the stream under way and what
 * was read behind it; outside of a stream it is empty.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/private.h"

#define READ_SIZE       ((size_t)256 * 1024)
#define EVTX_BLOCK_SIZE ((size_t)256 * 1024) /* four chunks, some thousand records */
#define COMPLAINTS_MAX  ((size_t)64 * 1024)  /* of one block; then it is put out */

enum err lane_new(const char *path, struct lane **ret)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL) {
        return ERR_MEMORY;
    }
    lane->path = path;
    buf_init(&lane->rest, RECORD_SIZE_MAX + 4 * BLOCK_SIZE);
    *ret = lane;
    return OK;
}

void lane_free(struct lane *lane)
{
    if (lane != NULL) {
        reel_close(lane->reel);
        records_done(&lane->records);
        numbering_release(&lane->numbering);
        buf_done(&lane->rest);
        free(lane);
    }
}

uint64_t lane_packed(struct lane *lane)
{
    uint64_t now = lane->reel != NULL ? reel_packed(lane->reel) : 0;
    uint64_t before = lane->packed;
    lane->packed = now;
    return now - before;
}

void numbering_release(struct numbering **numbering)
{
    if (*numbering != NULL && atomic_fetch_sub(&(*numbering)->users, 1) == 1) {
        free(*numbering);
    }
    *numbering = NULL;
}

void block_init(struct block *block)
{
    *block = (struct block){0};
    buf_init(&block->data, RECORD_SIZE_MAX + 4 * BLOCK_SIZE);
    buf_init(&block->stretches, (RECORD_SIZE_MAX + 4 * BLOCK_SIZE) * sizeof(struct stretch));
    buf_init(&block->header, RECORD_SIZE_MAX);
    buf_init(&block->member, MEMBER_PATH_MAX);
    buf_init(&block->complaints, 2 * COMPLAINTS_MAX);
}

void block_done(struct block *block)
{
    buf_done(&block->data);
    buf_done(&block->stretches);
    buf_done(&block->header);
    buf_done(&block->member);
    buf_done(&block->complaints);
}

enum err complaint_add(struct buf *complaints, struct str member, const char *reason)
{
    enum err err = buf_append(complaints, member);
    err = err == OK ? buf_append_byte(complaints, '\0') : err;
    err = err == OK ? buf_append(complaints, str_of(reason, strlen(reason) + 1)) : err;
    return err;
}

static enum err lane_complain(struct lane *lane, struct block *block, const struct why *why,
                              enum err err)
{
    struct str member = lane->reel != NULL ? reel_member(lane->reel) : (struct str){0};
    return err == ERR_MEMORY ? err : complaint_add(&block->complaints, member, why_text(why, err));
}

static void stream_end(struct lane *lane)
{
    records_done(&lane->records);
    lane->records = (struct records){0};
    buf_reset(&lane->rest);
    lane->streaming = false;
    numbering_release(&lane->numbering);
}

/* Turns to the next stream; ERR_CLOSED after the last. */
static enum err stream_begin(struct lane *lane, struct why *why)
{
    size_t skip = 0;
    enum err err = OK;
    if (!lane->opened) {
        lane->opened = true;
        err = reel_open(lane->path, &lane->reel, why);
    }
    if (err == OK && lane->reel == NULL) {
        return ERR_CLOSED;
    }
    err = err == OK ? reel_next(lane->reel, why) : err;
    if (err != OK) {
        return err;
    }
    struct str member = reel_member(lane->reel);
    struct str name = member.size > 0 ? member : str_from(lane->path);
    err = records_begin(&lane->records, reel_head(lane->reel), name, &skip, why);
    for (size_t got = 1; err == OK && skip > 0 && got > 0; skip -= got) {
        char passed[HEAD_SIZE];
        err = reel_read(lane->reel, passed, skip < HEAD_SIZE ? skip : HEAD_SIZE, &got, why);
    }
    if (err == OK && lane->records.kind == RECORDS_EVTX) {
        lane->numbering = calloc(1, sizeof *lane->numbering);
        err = lane->numbering == NULL ? ERR_MEMORY : OK;
    }
    if (err != OK) {
        records_done(&lane->records);
        lane->records = (struct records){0};
        return err;
    }
    if (lane->numbering != NULL) {
        atomic_init(&lane->numbering->users, 1);
    }
    lane->number = 0;
    lane->streaming = true;
    lane->dry = false;
    return OK;
}

/* Reads until the block is full or the stream dry. */
static enum err block_fill(struct lane *lane, struct block *block, size_t size)
{
    struct why why = {0};
    while (!lane->dry && block->data.size < size) {
        char *room;
        size_t got = 0;
        size_t wanted = size - block->data.size;
        wanted = wanted > READ_SIZE ? wanted : READ_SIZE;
        enum err err = buf_extend(&block->data, wanted, &room);
        if (err != OK) {
            return err;
        }
        err = reel_read(lane->reel, room, wanted, &got, &why);
        block->data.size -= wanted - (err == OK ? got : 0);
        block->bytes += err == OK ? got : 0;
        lane->dry = err != OK || got == 0;
        if (err != OK) {
            err = lane_complain(lane, block, &why, err);
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

/* Cuts the block's data into records; what is left becomes the rest. */
static enum err block_cut(struct lane *lane, struct block *block)
{
    size_t done = 0;
    struct why why = {0};
    enum err err =
        records_cut(&lane->records, buf_str(&block->data), lane->dry, &block->stretches, &done);
    bool limit = err == ERR_LIMIT;
    if (limit) {
        err = why_say(&why, err, 0, "a record has more than %d bytes or is never closed",
                      RECORD_SIZE_MAX);
        err = lane_complain(lane, block, &why, err);
    }
    if (err != OK) {
        return err;
    }
    block->first = lane->number;
    lane->number += block->stretches.size / sizeof(struct stretch) + limit;
    buf_reset(&lane->rest);
    err = buf_append(&lane->rest, str_slice(buf_str(&block->data), done, SIZE_MAX));
    if (err == OK && lane->dry && !limit) {
        lane->rest.size = 0;
    }
    return err;
}

static enum err block_label(struct lane *lane, struct block *block)
{
    buf_reset(&block->header);
    buf_reset(&block->member);
    block->kind = lane->records.kind;
    enum err err = buf_append(&block->header, buf_str(&lane->records.header));
    err = err == OK ? buf_append_byte(&block->header, lane->records.separator) : err;
    err = err == OK ? buf_append(&block->member, reel_member(lane->reel)) : err;
    block->numbering = lane->numbering;
    if (block->numbering != NULL) {
        atomic_fetch_add(&block->numbering->users, 1);
        block->numbered = block->numbering->blocks++;
    }
    return err;
}

/* One step: true in *ret_full when the block has something for a scanner. */
static enum err stream_read(struct lane *lane, struct block *block, bool *ret_full)
{
    size_t size = lane->records.kind == RECORDS_EVTX ? EVTX_BLOCK_SIZE : BLOCK_SIZE;
    buf_reset(&block->data);
    buf_reset(&block->stretches);
    enum err err = buf_append(&block->data, buf_str(&lane->rest));
    size = size > block->data.size ? size : block->data.size + READ_SIZE;
    err = err == OK ? block_fill(lane, block, size) : err;
    err = err == OK ? block_cut(lane, block) : err;
    *ret_full = err == OK && block->stretches.size > 0;
    if (*ret_full) {
        err = block_label(lane, block);
    }
    return err;
}

enum err lane_read(struct lane *lane, struct block *block, bool *ret_ended)
{
    bool full = false;
    enum err err = OK;
    buf_reset(&block->complaints);
    buf_reset(&block->stretches);
    buf_reset(&block->member);
    block->numbering = NULL;
    block->bytes = 0;
    *ret_ended = false;
    while (err == OK && !full && block->complaints.size < COMPLAINTS_MAX) {
        struct why why = {0};
        if (!lane->streaming) {
            err = stream_begin(lane, &why);
        } else if (lane->dry && lane->rest.size == 0) {
            stream_end(lane);
        } else {
            err = stream_read(lane, block, &full);
            continue;
        }
        if (err == ERR_CLOSED) {
            *ret_ended = true;
            return OK;
        }
        err = err == OK ? OK : lane_complain(lane, block, &why, err);
    }
    return err;
}
