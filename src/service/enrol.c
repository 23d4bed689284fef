/*
 * A sender that was heard is enrolled: it becomes a source at once, which is the provider's
 * technical act, and an item of the log sources as a draft, which the client signs like any other
 * (decisions 012 and 034).  The item says what is known; what is not known stays open, so that
 * nobody signs a guess as a reason or a retention.
 *
 * Always true: source and draft come together or not at all; the draft holds all that the latest
 * version holds, also what whoever enrols may not see.
 */

#include "document/writer.h"
#include "service/versions.h"

#define KIND          "log-sources"
#define ITEM_SIZE_MAX 4096

/* {"sources":[{…}]}; what is heard now is arriving, by a format that may still be a guess. */
static enum err item_print(const struct source_wish *wish, struct buf *out)
{
    struct writer writer = {out, OK};
    bool guessed = !str_equal(wish->format, STR("auto"));
    writer_add(&writer, "{\"sources\":[{\"slug\":");
    writer_quote(&writer, wish->slug);
    writer_add(&writer, ",\"name\":{\"ja\":");
    writer_quote(&writer, wish->name_ja);
    writer_add(&writer, ",\"en\":");
    writer_quote(&writer, wish->name_en);
    writer_add(&writer, "},\"status\":\"arriving\"");
    if (guessed) {
        writer_add(&writer, ",\"format\":");
        writer_quote(&writer, wish->format);
    }
    writer_add(&writer, "}]}");
    return writer.err;
}

static enum err item_read(const struct source_wish *wish, struct arena *mem, struct document *ret,
                          struct why *why)
{
    struct buf text;
    struct str kept;
    buf_init(&text, ITEM_SIZE_MAX);
    enum err err = item_print(wish, &text);
    if (err == OK) {
        err = arena_copy(mem, buf_str(&text), &kept);
    }
    buf_done(&text);
    if (err == OK) {
        err = document_read(schema_find(STR(KIND)), kept, mem, ret, why);
    }
    return err;
}

/* What the draft is made from: the latest version, whether it waits or runs. */
static enum err latest_read(struct service *service, struct client_id client, struct arena *mem,
                            struct document *ret)
{
    struct stored stored;
    enum err err = stored_find(service, client, STR(KIND), WHICH_LATEST, STR(""), mem, &stored);
    if (err == ERR_NOT_FOUND) {
        return document_read(schema_find(STR(KIND)), STR("{}"), mem, ret, NULL);
    }
    return err == OK ? stored_document(service, &stored, mem, ret) : err;
}

static enum err definition_draft(const struct scope *scope, struct service *service,
                                 struct draft *draft, const struct source_wish *wish,
                                 struct arena *mem, struct enrolled *ret, struct why *why)
{
    struct document latest;
    struct document item;
    struct document joined;
    struct others others;
    struct stored stored;
    enum err err = latest_read(service, draft->client, mem, &latest);
    if (err == OK) {
        err = item_read(wish, mem, &item, why);
    }
    if (err == OK) {
        err = document_with_items(&latest, "sources", &item, mem, &joined);
    }
    if (err == ERR_EXISTS) {
        ret->defined = true;
        return OK;
    }
    draft->document = &joined;
    err = err == OK ? others_init(&others, service, draft->client, mem) : err;
    if (err == OK) {
        others_draft(&others, &joined);
        err = others_check(&others, why);
    }
    if (err == OK) {
        err = draft_store(scope, service, draft, mem, &stored, why);
    }
    if (err == OK) {
        ret->draft = stored.version;
    }
    return err;
}

enum err service_enrol(const struct scope *scope, struct service *service, struct client_id client,
                       const struct source_wish *wish, struct str note, struct wall now,
                       struct arena *mem, struct enrolled *ret, struct why *why)
{
    struct draft draft = {.client = client, .note = note, .wanted = WALL_NONE, .now = now};
    struct enrolled enrolled = {0};
    bool alone;
    if (!text_fits(note, NOTE_SIZE_MAX)) {
        return why_say(why, ERR_SYNTAX, 0, "a note is text of at most %d bytes", NOTE_SIZE_MAX);
    }
    enum err err = service_begin(service, &alone);
    if (err != OK) {
        return err;
    }
    err = tenant_source_enrol(scope, service->tenant, client, wish, now, why);
    if (err == OK) {
        err = definition_draft(scope, service, &draft, wish, mem, &enrolled, why);
    }
    err = service_end_settled(service, alone, err, why);
    if (err == OK) {
        *ret = enrolled;
    }
    return err;
}
