/*
 * From a request's row to its package.
 *
 *     job    times (8 bytes each: from, to, asked, approved, 0 for nobody), then texts: client's
 *            name, number, who asked, who approved, purpose, query, format, language, proof;
 *            then the sources that are wanted and all of the client, and the gaps
 *
 * Always true: the worker learns nothing of another client, and nothing that the package does not
 * say; the covering page has the same numbers as the manifest, since both come from package_make.
 */

#include "serve/packing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/packed.h"
#include "codec/json_out.h"
#include "ledger/ledger.h"
#include "report/report.h"

#define MAKE_MEMORY ((size_t)192 << 20)
#define READ_SIZE   ((size_t)1 << 20)
#define GAPS_MAX    10000
#define DEFLATE     4 /* 6 makes logs a tenth smaller and takes twice as long */

enum { TIME_FROM, TIME_TO, TIME_ASKED, TIME_APPROVED, TIMES };
enum {
    TEXT_CLIENT,
    TEXT_NUMBER,
    TEXT_ASKED_BY,
    TEXT_APPROVED_BY,
    TEXT_PURPOSE,
    TEXT_QUERY,
    TEXT_FORMAT,
    TEXT_LANGUAGE,
    TEXT_PROOF,
    TEXT_WANTED, /* slugs, one a line */
    TEXT_LEDGER, /* of a client that leaves: its rows, lines of JSON */
    TEXTS
};

struct job_source {
    uint32_t id;
    struct str slug, name;
    bool wanted;
};
struct job_gap {
    uint32_t source;
    struct wall from, to;
};
struct job {
    struct wall times[TIMES];
    struct str texts[TEXTS];
    struct job_source *sources;
    uint32_t sources_count;
    struct job_gap *gaps;
    uint32_t gaps_count;
    enum language language;
    enum provision_format format;
};

/* ---- In desk. */

enum err packing_wish(const struct control_request *request, struct str *sources,
                      size_t sources_max, struct provision_wish *wish, struct why *why)
{
    struct str words = request->argument;
    struct str language = str_cut(&words, ' ');
    *wish = (struct provision_wish){.from = request->from,
                                    .to = request->to,
                                    .sources = sources,
                                    .query = request->text,
                                    .format = request->format == FORMAT_CSV      ? PROVISION_CSV
                                              : request->format == FORMAT_NDJSON ? PROVISION_NDJSON
                                                                                 : PROVISION_RAW,
                                    .proof = !request->count,
                                    .purpose = request->note};
    while (words.size > 0 && wish->sources_count < sources_max) {
        sources[wish->sources_count++] = str_cut(&words, ' ');
    }
    return language_parse(language, &wish->language) == OK
               ? OK
               : why_say(why, ERR_SYNTAX, 0, "the language is ja or en");
}

static enum err time_put(struct buf *out, int64_t ns)
{
    char bytes[8];
    put_u64(bytes, (uint64_t)ns);
    return buf_append(out, str_of(bytes, sizeof bytes));
}

static struct str name_of(struct str ja, struct str en, enum language language, struct str slug)
{
    struct str first = language == LANGUAGE_JA ? ja : en;
    struct str second = language == LANGUAGE_JA ? en : ja;
    return first.size > 0 ? first : second.size > 0 ? second : slug;
}

static enum err sources_put(const struct tenant *tenant, const struct provision *row,
                            struct buf *out)
{
    struct source_info info;
    size_t count = 0;
    for (size_t i = 0; tenant_source_at(tenant, i, &info); i++) {
        count += client_equal(info.client, row->client);
    }
    enum err err = packed_put_number(out, count);
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &info); i++) {
        if (client_equal(info.client, row->client)) {
            struct str name = name_of(info.name_ja, info.name_en, row->language, info.slug);
            err = packed_put_number(out, info.id.value);
            err = err == OK ? packed_put_text(out, info.slug) : err;
            err = err == OK ? packed_put_text(out, name) : err;
        }
    }
    return err;
}

static enum err gaps_put(struct ledger *ledger, const struct provision *row, struct buf *out)
{
    struct statement *statement;
    struct buf list;
    bool there = false;
    size_t count = 0;
    buf_init(&list, PACKING_JOB_MAX);
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT g.source, g.gap_from, g.gap_to FROM books_gap g"
                                " JOIN source s ON s.id = g.source WHERE s.client = ?"
                                " AND g.gap_from < ? AND g.gap_to > ? ORDER BY g.id LIMIT ?",
                                &statement, BIND_INT(row->client.value), BIND_INT(row->to.ns),
                                BIND_INT(row->from.ns), BIND_INT(GAPS_MAX));
    err = err == OK ? statement_step(statement, &there) : err;
    while (err == OK && there) {
        err = packed_put_number(&list, (size_t)statement_int(statement, 0));
        err = err == OK ? time_put(&list, statement_int(statement, 1)) : err;
        err = err == OK ? time_put(&list, statement_int(statement, 2)) : err;
        count++;
        err = err == OK ? statement_step(statement, &there) : err;
    }
    if (there) {
        statement_reset(statement);
    }
    err = err == OK ? packed_put_number(out, count) : err;
    err = err == OK ? buf_append(out, buf_str(&list)) : err;
    buf_done(&list);
    return err;
}

enum err packing_pack(struct ledger *ledger, const struct tenant *tenant,
                      const struct provision *row, struct buf *out)
{
    const int64_t times[TIMES] = {row->from.ns, row->to.ns, row->asked.ns,
                                  wall_known(row->approved) ? row->approved.ns : 0};
    struct client_info client = {0};
    char number[24];
    struct buf rows;
    buf_init(&rows, PACKING_JOB_MAX);
    enum err err =
        row->offboarding != 0 ? ledger_client_print(ledger, row->client.value, &rows) : OK;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)row->id);
    for (size_t i = 0; tenant_client_at(tenant, i, &client); i++) {
        if (client_equal(client.id, row->client)) {
            break;
        }
    }
    const struct str texts[TEXTS] = {
        [TEXT_CLIENT] = name_of(client.name_ja, client.name_en, row->language, client.slug),
        [TEXT_NUMBER] = str_from(number),
        [TEXT_ASKED_BY] = row->asked_by,
        [TEXT_APPROVED_BY] = row->approved_by,
        [TEXT_PURPOSE] = row->purpose,
        [TEXT_QUERY] = row->query,
        [TEXT_FORMAT] = str_from(provision_format_text(row->format)),
        [TEXT_LANGUAGE] = str_from(language_text(row->language)),
        [TEXT_PROOF] = row->proof ? STR("1") : STR(""),
        [TEXT_WANTED] = row->sources,
        [TEXT_LEDGER] = buf_str(&rows),
    };
    for (size_t i = 0; i < TIMES && err == OK; i++) {
        err = time_put(out, times[i]);
    }
    for (size_t i = 0; i < TEXTS && err == OK; i++) {
        err = packed_put_text(out, texts[i]);
    }
    buf_done(&rows);
    err = err == OK ? sources_put(tenant, row, out) : err;
    return err == OK ? gaps_put(ledger, row, out) : err;
}

/* ---- In the worker: the job read. */

static enum err time_take(struct str *bytes, struct wall *ret)
{
    if (bytes->size < 8) {
        return ERR_CORRUPT;
    }
    ret->ns = (int64_t)get_u64(bytes->data);
    *bytes = str_slice(*bytes, 8, SIZE_MAX);
    return OK;
}

static bool is_wanted(struct str wanted, struct str slug)
{
    if (wanted.size == 0) {
        return true;
    }
    while (wanted.size > 0) {
        if (str_equal(str_cut(&wanted, '\n'), slug)) {
            return true;
        }
    }
    return false;
}

static enum err sources_take(struct str *bytes, struct arena *mem, struct job *job)
{
    enum err err = packed_take_number(bytes, &job->sources_count);
    if (err == OK && job->sources_count > SOURCES_MAX) {
        err = ERR_CORRUPT;
    }
    job->sources = err == OK ? ARENA_ARRAY(mem, struct job_source, job->sources_count + 1) : NULL;
    if (err == OK && job->sources == NULL) {
        err = ERR_MEMORY;
    }
    for (uint32_t i = 0; i < job->sources_count && err == OK; i++) {
        struct job_source *source = &job->sources[i];
        err = packed_take_number(bytes, &source->id);
        err = err == OK ? packed_take_text(bytes, &source->slug) : err;
        err = err == OK ? packed_take_text(bytes, &source->name) : err;
        source->wanted = err == OK && is_wanted(job->texts[TEXT_WANTED], source->slug);
    }
    return err;
}

static enum err gaps_take(struct str *bytes, struct arena *mem, struct job *job)
{
    enum err err = packed_take_number(bytes, &job->gaps_count);
    if (err == OK && job->gaps_count > GAPS_MAX) {
        err = ERR_CORRUPT;
    }
    job->gaps = err == OK ? ARENA_ARRAY(mem, struct job_gap, job->gaps_count + 1) : NULL;
    if (err == OK && job->gaps == NULL) {
        err = ERR_MEMORY;
    }
    for (uint32_t i = 0; i < job->gaps_count && err == OK; i++) {
        err = packed_take_number(bytes, &job->gaps[i].source);
        err = err == OK ? time_take(bytes, &job->gaps[i].from) : err;
        err = err == OK ? time_take(bytes, &job->gaps[i].to) : err;
    }
    return err;
}

static enum err job_take(struct str bytes, struct arena *mem, struct job *job)
{
    enum err err = OK;
    for (size_t i = 0; i < TIMES && err == OK; i++) {
        err = time_take(&bytes, &job->times[i]);
    }
    for (size_t i = 0; i < TEXTS && err == OK; i++) {
        err = packed_take_text(&bytes, &job->texts[i]);
    }
    err = err == OK ? sources_take(&bytes, mem, job) : err;
    err = err == OK ? gaps_take(&bytes, mem, job) : err;
    bool fits = err == OK && bytes.size == 0 &&
                language_parse(job->texts[TEXT_LANGUAGE], &job->language) == OK &&
                provision_format_parse(job->texts[TEXT_FORMAT], &job->format) == OK;
    return err == OK && !fits ? ERR_CORRUPT : err;
}

static const struct job_source *source_find(const struct job *job, uint32_t id)
{
    for (uint32_t i = 0; i < job->sources_count; i++) {
        if (job->sources[i].id == id) {
            return &job->sources[i];
        }
    }
    return NULL;
}

/* ---- What the manifest says of it. */

static enum err request_print(const struct job *job, struct buf *out)
{
    struct json_out json;
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "number", job->texts[TEXT_NUMBER]);
    json_text(&json, "client", job->texts[TEXT_CLIENT]);
    json_time(&json, "asked", job->times[TIME_ASKED]);
    json_text(&json, "asked_by", job->texts[TEXT_ASKED_BY]);
    if (job->times[TIME_APPROVED].ns != 0) {
        json_time(&json, "approved", job->times[TIME_APPROVED]);
    } else {
        json_null(&json, "approved");
    }
    json_text(&json, "approved_by", job->texts[TEXT_APPROVED_BY]);
    json_text(&json, "purpose", job->texts[TEXT_PURPOSE]);
    json_list(&json, "sources");
    for (uint32_t i = 0; i < job->sources_count; i++) {
        if (job->sources[i].wanted) {
            json_object(&json, NULL);
            json_unsigned(&json, "id", job->sources[i].id);
            json_text(&json, "source", job->sources[i].slug);
            json_close(&json);
        }
    }
    json_close(&json);
    json_close(&json);
    return json_out_end(&json);
}

static enum err gaps_print(const struct job *job, struct buf *out)
{
    struct json_out json;
    json_out_begin(&json, out);
    json_list(&json, NULL);
    for (uint32_t i = 0; i < job->gaps_count; i++) {
        const struct job_source *source = source_find(job, job->gaps[i].source);
        if (source != NULL && source->wanted) {
            json_object(&json, NULL);
            json_text(&json, "source", source->slug);
            json_time(&json, "from", job->gaps[i].from);
            json_time(&json, "to", job->gaps[i].to);
            json_text(&json, "what", STR("uncounted"));
            json_close(&json);
        }
    }
    json_close(&json);
    return json_out_end(&json);
}

/* ---- The covering page. */

struct covering {
    const struct packing *packing;
    const struct job *job;
    struct arena *mem;
    struct why *why;
};

static enum err hex_make(struct arena *mem, const uint8_t *bytes, size_t size, struct str *ret)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_take(mem, 2 * size + 1);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    *ret = str_of(text, 2 * size);
    return OK;
}

static enum err cover_lists(const struct covering *covering, const struct package_told *told,
                            struct report_cover *cover)
{
    const struct job *job = covering->job;
    struct report_source *sources =
        ARENA_ARRAY(covering->mem, struct report_source, told->sources_count + 1);
    struct report_part *parts =
        ARENA_ARRAY(covering->mem, struct report_part, told->parts_count + 1);
    struct report_gap *gaps = ARENA_ARRAY(covering->mem, struct report_gap, job->gaps_count + 1);
    enum err err = sources == NULL || parts == NULL || gaps == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < told->sources_count && err == OK; i++) {
        const struct package_source *from = &told->sources[i];
        const struct job_source *known = source_find(job, from->source.value);
        sources[i] = (struct report_source){.name = known != NULL ? known->name : STR("?"),
                                            .lines = from->lines,
                                            .bytes = from->bytes,
                                            .oldest = from->oldest,
                                            .newest = from->newest};
    }
    for (size_t i = 0; i < told->parts_count && err == OK; i++) {
        parts[i] = (struct report_part){.name = str_from(told->parts[i].name),
                                        .size = told->parts[i].size};
        err = hex_make(covering->mem, told->parts[i].hash.bytes, SHA256_SIZE, &parts[i].sha256);
    }
    for (uint32_t i = 0; i < job->gaps_count && err == OK; i++) {
        const struct job_source *known = source_find(job, job->gaps[i].source);
        if (known != NULL && known->wanted) {
            gaps[cover->gaps_count++] =
                (struct report_gap){.source = known->name,
                                    .from = job->gaps[i].from,
                                    .to = job->gaps[i].to,
                                    .what = words_text(WORD_REPORT_GAP_UNCOUNTED, job->language)};
        }
    }
    cover->sources = sources;
    cover->sources_count = told->sources_count;
    cover->parts = parts;
    cover->parts_count = told->parts_count;
    cover->gaps = gaps;
    return err;
}

/* The names of what is wanted; empty for all. */
static enum err wanted_print(const struct job *job, struct buf *out)
{
    enum err err = OK;
    bool first = true;
    for (uint32_t i = 0; i < job->sources_count && job->texts[TEXT_WANTED].size > 0 && err == OK;
         i++) {
        if (job->sources[i].wanted) {
            err = buf_print(out, "%s%.*s", first ? "" : ", ", STR_ARG(job->sources[i].name));
            first = false;
        }
    }
    return err;
}

static enum err cover_add(void *context, const struct package_told *told, package_add *add,
                          void *package)
{
    const struct covering *covering = context;
    const struct job *job = covering->job;
    bool approved = job->times[TIME_APPROVED].ns != 0;
    struct buf wanted;
    struct buf pdf;
    buf_init(&wanted, (size_t)4 << 20);
    buf_init(&pdf, (size_t)32 << 20);
    struct report_cover cover = {
        .language = job->language,
        .now = covering->packing->now,
        .client = job->texts[TEXT_CLIENT],
        .number = job->texts[TEXT_NUMBER],
        .asked_by = job->texts[TEXT_ASKED_BY],
        .approved_by = job->texts[TEXT_APPROVED_BY],
        .purpose = job->texts[TEXT_PURPOSE],
        .asked = job->times[TIME_ASKED],
        .approved = approved ? job->times[TIME_APPROVED] : WALL_NONE,
        .from = job->times[TIME_FROM],
        .to = job->times[TIME_TO],
        .query = job->texts[TEXT_QUERY],
        .format = job->texts[TEXT_FORMAT],
        .proof = job->texts[TEXT_PROOF].size > 0,
        .lines = told->lines,
        .bytes = told->bytes,
        .others = told->others,
        .leaves = told->leaves_end - told->leaves,
        .heads = told->heads,
        .stamps = told->stamps,
        .unsigned_lines = told->unsigned_lines,
        .gone = told->gone,
        .version = STR(HINOMI_VERSION),
    };
    enum err err = wanted_print(job, &wanted);
    cover.wanted = buf_str(&wanted);
    err = err == OK ? cover_lists(covering, told, &cover) : err;
    err = err == OK ? hex_make(covering->mem, covering->packing->proof->anchor, ED25519_SIZE,
                               &cover.anchor)
                    : err;
    err = err == OK ? report_cover(&cover, &pdf, covering->why) : err;
    err = err == OK ? add(package, "covering.pdf", buf_str(&pdf)) : err;
    if (err == OK && job->texts[TEXT_LEDGER].size > 0) {
        err = add(package, "ledger.jsonl", job->texts[TEXT_LEDGER]);
    }
    buf_done(&wanted);
    buf_done(&pdf);
    return err;
}

/* ---- The package. */

static int ids_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The ids of what is wanted, ascending; NULL for all. */
static enum err ids_make(const struct job *job, struct arena *mem, struct package_request *request)
{
    if (job->texts[TEXT_WANTED].size == 0) {
        return OK;
    }
    uint32_t *ids = ARENA_ARRAY(mem, uint32_t, job->sources_count + 1);
    if (ids == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < job->sources_count; i++) {
        if (job->sources[i].wanted) {
            ids[request->sources_count++] = job->sources[i].id;
        }
    }
    qsort(ids, request->sources_count, sizeof *ids, ids_compare);
    request->sources = ids;
    return request->sources_count > 0 ? OK : ERR_CORRUPT;
}

static enum err file_hash(struct file *file, struct packing_made *ret)
{
    struct sha256_run *run = sha256_begin();
    char *block = malloc(READ_SIZE);
    enum err err = run == NULL || block == NULL ? ERR_MEMORY : OK;
    uint64_t at = 0;
    size_t got = READ_SIZE;
    while (err == OK && got > 0) {
        err = file_read(file, at, block, READ_SIZE, &got);
        if (err == OK && got > 0) {
            sha256_add(run, str_of(block, got));
            at += got;
        }
    }
    free(block);
    if (run != NULL) {
        struct sha256 hash = sha256_end(run);
        for (size_t i = 0; i < SHA256_SIZE; i++) {
            (void)snprintf(ret->sha256 + 2 * i, 3, "%02x", hash.bytes[i]);
        }
    }
    ret->size = at;
    return err;
}

static enum err package_write(const struct packing *packing, const struct job *job,
                              struct package_request *request, struct arena *mem,
                              struct packing_made *made, struct why *why)
{
    struct covering covering = {packing, job, mem, why};
    struct query *query = NULL;
    struct package_told told;
    enum err err = OK;
    if (job->texts[TEXT_QUERY].size > 0) {
        err = query_parse(job->texts[TEXT_QUERY], &query, why);
    }
    if (err == OK) {
        request->query = query;
        err = package_make(packing->scope, packing->reader, request, packing->proof, packing->to,
                           packing->scratch, cover_add, &covering, mem, &told, why);
    }
    query_free(query);
    err = err == OK ? file_hash(packing->to, made) : err;
    if (err == OK) {
        made->events = told.lines;
    }
    return err;
}

enum err packing_make(const struct packing *packing, struct str job, struct packing_made *ret,
                      struct why *why)
{
    static const enum package_format formats[PROVISION_FORMAT_COUNT] = {PACKAGE_RAW, PACKAGE_NDJSON,
                                                                        PACKAGE_CSV};
    struct job taken = {0};
    struct packing_made made = {0};
    struct buf request_text;
    struct buf gaps_text;
    struct arena *mem = arena_new(MAKE_MEMORY);
    buf_init(&request_text, PACKING_JOB_MAX);
    buf_init(&gaps_text, PACKING_JOB_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : job_take(job, mem, &taken);
    err = err == OK ? request_print(&taken, &request_text) : err;
    err = err == OK ? gaps_print(&taken, &gaps_text) : err;
    if (err == OK) {
        struct package_request request = {.client = packing->client,
                                          .from = taken.times[TIME_FROM],
                                          .to = taken.times[TIME_TO],
                                          .query_text = taken.texts[TEXT_QUERY],
                                          .format = formats[taken.format],
                                          .proof = taken.texts[TEXT_PROOF].size > 0,
                                          .level = DEFLATE,
                                          .room = packing->room,
                                          .now = packing->now,
                                          .request = buf_str(&request_text),
                                          .gaps = buf_str(&gaps_text),
                                          .version = STR(HINOMI_VERSION)};
        err = ids_make(&taken, mem, &request);
        err = err == OK ? package_write(packing, &taken, &request, mem, &made, why) : err;
    }
    if (err == OK) {
        *ret = made;
    }
    buf_done(&request_text);
    buf_done(&gaps_text);
    arena_free(mem);
    return err;
}
