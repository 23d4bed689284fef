#pragma once

/*
 * Windows event logs (.evtx): each record as one flat JSON object.
 *
 *     evtx_is → evtx_new → evtx_find, evtx_chunk, … → evtx_free
 *
 * A file is a header of EVTX_HEADER_SIZE bytes and then chunks of EVTX_CHUNK_SIZE.  The header is
 * of no use to us: in a file that was copied from a running system it is out of date.  Chunks are
 * independent of each other, so readers in several threads may take different chunks of one file;
 * a reader belongs to one thread.
 *
 * The JSON is flat, as rules name things: Provider_Name, EventID, "@timestamp", Channel, Computer,
 * Security_UserID …, then the names under EventData and UserData as they are (codec/winevent.h has
 * the table).  All values are strings but those of a name that stands more than once (the Data
 * without a name, above all), which are one list of strings.
 *
 * Where the data have a name of System's (a log that was cleared has a Channel), System's own goes
 * by System.NAME.
 *
 * Of the format we read chunks, records, and BinXML as MS-EVEN6 gives it: elements, attributes,
 * values, CDATA, character and entity references, templates, normal and optional substitutions,
 * arrays, and BinXML within values; records with and without a template.  Processing instructions
 * are passed over, as are both checksums, the file's header, and the tables of names and templates
 * in a chunk's header, which say nothing that the records do not.  Not read: what an earlier use
 * left behind in a chunk, and the message texts, which are not in the file but on the machine.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define EVTX_HEADER_SIZE 4096
#define EVTX_CHUNK_SIZE  65536
#define EVTX_MARK_SIZE   8 /* of a chunk */

/* Whether a file that begins so is an event log, be it a damaged one. */
bool evtx_is(struct str head);

/* Where the next chunk begins in bytes of a file, by its mark: 0 if they begin with one, STR_NONE
 * if none does.  What lies before it is garbage, or a chunk whose mark was damaged. */
size_t evtx_find(struct str bytes);
/* Whether a record's mark stands in them. */
bool evtx_has_record(struct str bytes);

struct evtx; /* private to evtx.c: templates, output */

/* NULL when out of memory. */
struct evtx *evtx_new(void);
void evtx_free(struct evtx *evtx); /* NULL is fine. */

struct evtx_record {
    uint64_t number;     /* EventRecordID, as the record's header has it */
    struct wall written; /* as the record's header has it; WALL_NONE if that is no time */
    size_t offset;       /* of the record in its chunk */
    struct str json;     /* until the call returns */
    /* The record broke off: json holds only what stands before that, and is valid JSON, but half of
     * an event is not to be judged as if it were a whole one. */
    bool damaged;
};
typedef enum err evtx_call(void *context, const struct evtx_record *record);

/* What could not be read of one chunk. */
struct evtx_damage {
    size_t count;     /* records that broke off, and stretches in which no record was found */
    size_t offset;    /* of the first of them, in the chunk */
    const char *what; /* one sentence about it; NULL if nothing is damaged */
};

/* Walks the records of one chunk in their order; a chunk cut short by the file's end is shorter.
 * Nothing that the chunk holds makes it fail: errors are those of the call, which end the walk, and
 * ERR_MEMORY. */
NODISCARD enum err evtx_chunk(struct evtx *evtx, struct str chunk, evtx_call *call, void *context,
                              struct evtx_damage *ret);
