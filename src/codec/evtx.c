/*
 * Windows event logs: chunks into records.
 *
 * The format is Microsoft's own; the pieces of it that stand in MS-EVEN6 (BinXML, 2.2.12 ff.) are
 * read as it says, the rest as the logs show it.  Integers are little-endian.
 *
 *     chunk                                   record
 *     OFFSET  SIZE  MEANING                   OFFSET  SIZE  MEANING
 *          0     8  "ElfChnk\0"                    0     4  0x2a2a0000
 *          8    32  first and last record          4     4  size n of all of it
 *         40     8  header's size, last record     8     8  number (EventRecordID)
 *         48     4  where free space begins       16     8  FILETIME written
 *         52     4  CRC-32 of the records         24  n-28  BinXML
 *        120     8  flags, CRC-32 of the header  n-4     4  n again
 *        128   256  names by hash
 *        384   128  templates by id
 *        512        records
 *
 * Neither checksum is looked at: a chunk that fails it is read as far as it goes all the same, as
 * every offset and size is proved anyway; so is the header of the file.  Of the chunk's header only
 * the place where free space begins counts.  What lies behind it is read on as long as the numbers
 * go on without a gap, since a copy from a running system has records that no header knows of yet;
 * older ones that lie there were given out of an earlier use of the chunk, and are not read.
 *
 * Where no record begins although one should, the next place is searched that has the mark and two
 * sizes that agree.  Records broken within are given as far as they go, flagged.
 *
 * Always true:
 *
 *   (1) What one chunk costs has a ceiling (EVTX_STEPS_MAX, EVTX_TEXT_MAX), whatever it says of
 *       itself, so a file costs time linear in its size.
 *   (2) Nothing that a chunk defines outlives it but names of fields, and of these there are at
 *       most EVTX_NAMES_MAX.
 */

#include "codec/evtx.h"

#include <stdlib.h>

#include "base/limits.h"
#include "codec/evtx_private.h"

#define CHUNK_HEADER_SIZE  512
#define CHUNK_FREE_AT      48
#define RECORD_HEADER_SIZE 24
#define RECORD_SIZE_MIN    (RECORD_HEADER_SIZE + 4)

static const struct str chunk_mark = {"ElfChnk\0", EVTX_MARK_SIZE};
static const struct str record_mark = {"**\0\0", 4};

bool evtx_is(struct str head)
{
    return str_starts(head, STR("ElfFile\0")) || str_starts(head, chunk_mark) ||
           str_starts(str_slice(head, EVTX_HEADER_SIZE, chunk_mark.size), chunk_mark);
}

size_t evtx_find(struct str bytes)
{
    return str_find(bytes, chunk_mark);
}

static void names_reset(struct evtx *evtx)
{
    map_done(&evtx->names_map);
    /* The address is as secret as a seed can be that nobody gives us. */
    map_init(&evtx->names_map, EVTX_NAMES_MAX, (uint64_t)(uintptr_t)evtx);
    buf_reset(&evtx->names_text);
    evtx->names_count = 1;
    evtx->record = 0;
}

struct evtx *evtx_new(void)
{
    struct evtx *evtx = calloc(1, sizeof *evtx);
    if (evtx == NULL) {
        return NULL;
    }
    buf_init(&evtx->texts, EVTX_TEXT_MAX);
    buf_init(&evtx->names_text, (size_t)EVTX_NAMES_MAX * 4 * NAME_SIZE_MAX);
    buf_init(&evtx->out, RECORD_SIZE_MAX);
    buf_init(&evtx->merged, RECORD_SIZE_MAX);
    evtx->names_capacity = 1024;
    evtx->names = calloc(evtx->names_capacity, sizeof *evtx->names);
    evtx->members = calloc(EVTX_MEMBERS_MAX, sizeof *evtx->members);
    if (evtx->names == NULL || evtx->members == NULL) {
        evtx_free(evtx);
        return NULL;
    }
    names_reset(evtx);
    return evtx;
}

void evtx_free(struct evtx *evtx)
{
    if (evtx == NULL) {
        return;
    }
    map_done(&evtx->names_map);
    buf_done(&evtx->texts);
    buf_done(&evtx->names_text);
    buf_done(&evtx->out);
    buf_done(&evtx->merged);
    free(evtx->names);
    free(evtx->members);
    free(evtx->slots);
    free(evtx->steps);
    free(evtx);
}

bool evtx_has_record(struct str bytes)
{
    return str_find(bytes, record_mark) != STR_NONE;
}

bool evtx_break(struct evtx *evtx, const char *what)
{
    if (evtx->what == NULL) {
        evtx->what = what;
    }
    return false;
}

bool evtx_no_memory(struct evtx *evtx)
{
    evtx->err = ERR_MEMORY;
    return evtx_break(evtx, "out of memory");
}

bool evtx_spend(struct evtx *evtx, size_t steps, size_t text)
{
    if (steps > evtx->steps_left || text > evtx->text_left) {
        return evtx_break(evtx, "a chunk asks for more work than its size allows");
    }
    evtx->steps_left -= steps;
    evtx->text_left -= text;
    return true;
}

/* The size of the record at `at`, whose two sizes agree; 0 if there is none. */
static size_t record_size(const struct evtx *evtx, size_t at)
{
    if (evtx->size - at < RECORD_SIZE_MIN ||
        memcmp(evtx->chunk + at, record_mark.data, record_mark.size) != 0) {
        return 0;
    }
    size_t size = get_u32(evtx->chunk + at + 4);
    bool fits = size >= RECORD_SIZE_MIN && size <= evtx->size - at &&
                get_u32(evtx->chunk + at + size - 4) == size;
    return fits ? size : 0;
}

/* The next place from `at` on at which a record stands; `end` if there is none. */
static size_t record_search(const struct evtx *evtx, size_t at, size_t end)
{
    struct str all = str_of(evtx->chunk, end);
    while (at < end) {
        size_t found = str_find(str_slice(all, at, SIZE_MAX), record_mark);
        if (found == STR_NONE) {
            return end;
        }
        at += found;
        if (record_size(evtx, at) > 0) {
            return at;
        }
        at++;
    }
    return end;
}

static void damage_note(struct evtx_damage *damage, size_t offset, const char *what)
{
    if (damage->count++ == 0) {
        damage->offset = offset;
        damage->what = what;
    }
}

static enum err record_tell(struct evtx *evtx, size_t at, size_t size, evtx_call *call,
                            void *context, struct evtx_damage *damage)
{
    struct evtx_record record = {
        .number = get_u64(evtx->chunk + at + 8),
        .written = evtx_filetime(get_u64(evtx->chunk + at + 16)),
        .offset = at,
    };
    evtx->what = NULL;
    evtx_record_run(evtx, at + RECORD_HEADER_SIZE, at + size - 4, &record.json);
    if (evtx->err != OK) {
        return evtx->err;
    }
    if (evtx->what != NULL) {
        record.damaged = true;
        damage_note(damage, at, evtx->what);
    }
    return call(context, &record);
}

static void chunk_begin(struct evtx *evtx, struct str chunk)
{
    evtx->chunk = (const unsigned char *)chunk.data;
    evtx->size = chunk.size < EVTX_CHUNK_SIZE ? chunk.size : EVTX_CHUNK_SIZE;
    evtx->steps_left = EVTX_STEPS_MAX;
    evtx->text_left = EVTX_TEXT_MAX;
    evtx->steps_count = 0;
    evtx->programs_count = 0;
    memset(evtx->program_slots, 0, sizeof evtx->program_slots);
    buf_reset(&evtx->texts);
    evtx->err = OK;
    if (evtx->names_count > EVTX_NAMES_MAX / 2 || evtx->record > UINT32_MAX / 2) {
        names_reset(evtx);
    }
}

enum err evtx_chunk(struct evtx *evtx, struct str chunk, evtx_call *call, void *context,
                    struct evtx_damage *ret)
{
    struct evtx_damage damage = {0};
    enum err err = OK;
    chunk_begin(evtx, chunk);
    size_t at = CHUNK_HEADER_SIZE;
    size_t used = evtx->size;
    uint64_t number = 0;
    if (evtx->size >= CHUNK_HEADER_SIZE) {
        used = get_u32(evtx->chunk + CHUNK_FREE_AT);
        used = used >= CHUNK_HEADER_SIZE && used <= evtx->size ? used : evtx->size;
    }
    while (err == OK && at < evtx->size) {
        size_t size = record_size(evtx, at);
        if (size == 0 && at >= used) {
            break;
        }
        if (size == 0) {
            size_t next = record_search(evtx, at, used);
            damage_note(&damage, at, "no record begins where one should");
            at = next;
            continue;
        }
        if (at >= used && get_u64(evtx->chunk + at + 8) != number + 1) {
            break;
        }
        number = get_u64(evtx->chunk + at + 8);
        err = record_tell(evtx, at, size, call, context, &damage);
        at += size;
    }
    if (err == OK) {
        *ret = damage;
    }
    return err;
}
