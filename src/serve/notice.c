/* One record of JSON in ECS's words, read by the same parser as anybody's. */

#include "serve/notice.h"

#include <stdio.h>

#include "collect/collect.h"
#include "event/builder.h"
#include "parse/parse.h"

bool notice_wanted(const struct entry *entry)
{
    return entry->kind == ENTRY_TALLY && entry->reason == REJECT_KERNEL_DROP;
}

static enum err record_build(const struct entry *entry, struct builder *builder, struct wall now)
{
    char record[256];
    const struct parser *parser;
    const struct parse_context context = {.received = now};
    int size = snprintf(record, sizeof record,
                        "{\"event\":{\"kind\":\"metric\",\"action\":\"records-lost\","
                        "\"reason\":\"%s\"},\"hinomi\":{\"lost\":%llu}}",
                        reject_reason_text((enum reject_reason)entry->reason),
                        (unsigned long long)entry->count);
    if (size < 0 || (size_t)size >= sizeof record) {
        return ERR_LIMIT;
    }
    enum err err = parser_find(STR("json"), &parser);
    if (err == OK) {
        err = builder_begin(builder, str_of(record, (size_t)size), now);
    }
    if (err == OK) {
        parse_record(parser, &context, builder);
        err = builder_end(builder);
    }
    return err;
}

enum err notice_make(const struct entry *entry, struct wall now, struct arena *mem,
                     struct batch *ret)
{
    struct builder *builder = builder_new(entry->client, entry->source);
    struct str bytes;
    if (builder == NULL) {
        return ERR_MEMORY;
    }
    enum err err = record_build(entry, builder, now);
    if (err == OK) {
        err = builder_finish(builder, &bytes);
    }
    if (err == OK) {
        err = arena_copy(mem, bytes, &bytes);
    }
    if (err == OK) {
        err = batch_check(bytes, mem, ret, NULL);
    }
    builder_free(builder);
    return err;
}
