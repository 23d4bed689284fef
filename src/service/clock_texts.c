/*
 * The versions of documents under which clocks run, read back by their hashes, and the calendars
 * made of them.  What was read is kept for a while, since a client's clocks share versions.
 *
 * Always true: a text is taken through the client's own row of it, so no hash leads to another
 * client's document; what is kept is known by client and hash.
 */

#include <stdlib.h>
#include <string.h>

#include "service/clocks.h"

#define TEXT_MEMORY_MAX (64 * 1024 * 1024) /* a document of the largest size, as a tree */

static enum err text_read(struct clocks *clocks, struct client_id client, const char *kind,
                          struct str hash, struct clock_text *ret);
static enum err calendar_make(struct clocks *clocks, const struct clock_row *row,
                              struct calendar **ret, struct why *why);

static void text_drop(struct clock_text *text)
{
    arena_free(text->mem);
    *text = (struct clock_text){0};
}

static void hours_drop(struct clock_hours *hours)
{
    calendar_free(hours->calendar);
    free((char *)(uintptr_t)hours->slug.data);
    *hours = (struct clock_hours){0};
}

void clock_texts_done(struct clocks *clocks)
{
    for (size_t i = 0; i < CLOCK_TEXTS_MAX; i++) {
        text_drop(&clocks->texts[i]);
    }
    for (size_t i = 0; i < CLOCK_HOURS_MAX; i++) {
        hours_drop(&clocks->hours[i]);
    }
}

enum err clock_text_get(struct clocks *clocks, struct client_id client, const char *kind,
                        struct str hash, const struct document **ret)
{
    struct clock_text text;
    for (size_t i = 0; i < CLOCK_TEXTS_MAX; i++) {
        struct clock_text *kept = &clocks->texts[i];
        if (kept->mem != NULL && client_equal(kept->client, client) &&
            str_equal(str_from(kept->hash), hash) &&
            strcmp(schema_kind(kept->document.schema), kind) == 0) {
            *ret = &kept->document;
            return OK;
        }
    }
    enum err err = text_read(clocks, client, kind, hash, &text);
    if (err == OK) {
        struct clock_text *place = &clocks->texts[clocks->texts_next];
        clocks->texts_next = (clocks->texts_next + 1) % CLOCK_TEXTS_MAX;
        text_drop(place);
        *place = text;
        *ret = &place->document;
    }
    return err;
}

enum err clock_calendar_get(struct clocks *clocks, const struct clock_row *row,
                            const struct calendar **ret, struct why *why)
{
    struct calendar *calendar;
    if (row->calendar.size == 0) {
        *ret = clocks->always;
        return OK;
    }
    for (size_t i = 0; i < CLOCK_HOURS_MAX; i++) {
        const struct clock_hours *kept = &clocks->hours[i];
        if (kept->calendar != NULL && client_equal(kept->client, row->client) &&
            str_equal(str_from(kept->hash), row->calendars) &&
            str_equal(kept->slug, row->calendar)) {
            *ret = kept->calendar;
            return OK;
        }
    }
    enum err err = calendar_make(clocks, row, &calendar, why);
    if (err != OK) {
        return err;
    }
    char *slug = strndup(row->calendar.data, row->calendar.size);
    if (slug == NULL) {
        calendar_free(calendar);
        return ERR_MEMORY;
    }
    struct clock_hours *place = &clocks->hours[clocks->hours_next];
    clocks->hours_next = (clocks->hours_next + 1) % CLOCK_HOURS_MAX;
    hours_drop(place);
    *place = (struct clock_hours){
        .client = row->client,
        .slug = str_of(slug, row->calendar.size),
        .calendar = calendar,
    };
    memcpy(place->hash, row->calendars.data, CLOCK_HASH_SIZE);
    *ret = calendar;
    return OK;
}

/* ---- Reading. */

static enum err canonical_get(struct ledger *ledger, struct client_id client, const char *kind,
                              struct str hash, struct arena *mem, struct str *ret)
{
    struct statement *statement;
    bool there = false;
    enum err err =
        ledger_prepare(ledger,
                       "SELECT t.canonical FROM document d JOIN document_text t ON t.hash = d.hash"
                       " WHERE d.client = ? AND d.kind = ? AND d.hash = ? LIMIT 1",
                       &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, str_from(kind));
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, hash);
    }
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err == OK) {
        err = there ? arena_copy(mem, statement_text(statement, 0), ret) : ERR_CORRUPT;
        statement_reset(statement);
    }
    return err;
}

static enum err text_read(struct clocks *clocks, struct client_id client, const char *kind,
                          struct str hash, struct clock_text *ret)
{
    struct str canonical;
    struct clock_text text = {.client = client};
    if (hash.size != CLOCK_HASH_SIZE) {
        return ERR_CORRUPT;
    }
    memcpy(text.hash, hash.data, CLOCK_HASH_SIZE);
    text.mem = arena_new(TEXT_MEMORY_MAX);
    if (text.mem == NULL) {
        return ERR_MEMORY;
    }
    enum err err = canonical_get(clocks->ledger, client, kind, hash, text.mem, &canonical);
    if (err == OK) {
        err = document_read(schema_find(str_from(kind)), canonical, text.mem, &text.document, NULL);
        err = err == OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    if (err != OK) {
        arena_free(text.mem);
        return err;
    }
    *ret = text;
    return OK;
}

static enum err calendar_make(struct clocks *clocks, const struct clock_row *row,
                              struct calendar **ret, struct why *why)
{
    const struct document *document;
    enum err err = clock_text_get(clocks, row->client, "calendars", row->calendars, &document);
    if (err != OK) {
        return err;
    }
    const struct element *list = element_get(document->root, "calendars");
    const struct element *item = list == NULL ? NULL : element_item(list, row->calendar);
    if (item == NULL) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no calendar '%.*s'",
                       STR_ARG(row->calendar));
    }
    return calendar_new(clocks->zones, item, ret, why);
}
