#include "serve/entry.h"

#include <string.h>

#include "collect/collect.h"
#include "testing/testing.h"

static enum err decoded(const struct entry *entry, struct entry *ret)
{
    static char bytes[256];
    entry_head(entry, bytes);
    memcpy(bytes + ENTRY_HEAD_SIZE, "batch", 5);
    size_t size = ENTRY_HEAD_SIZE + (entry->kind == ENTRY_BATCH ? 5 : 0);
    return entry_decode(str_of(bytes, size), ret);
}

TEST(an_entry_reads_back_as_it_was_written)
{
    const struct entry batch = {ENTRY_BATCH, {3}, {4}, 0, 17, {0}};
    const struct entry tally = {ENTRY_TALLY, {3}, {4}, REJECT_TOO_LONG, 1ull << 40, {0}};
    struct entry back;
    CHECK(decoded(&batch, &back) == OK && back.kind == ENTRY_BATCH && back.count == 17);
    CHECK(back.client.value == 3 && back.source.value == 4);
    CHECK(str_equal(back.batch, STR("batch")));
    CHECK(decoded(&tally, &back) == OK && back.kind == ENTRY_TALLY);
    CHECK(back.reason == REJECT_TOO_LONG && back.count == 1ull << 40);
}

TEST(an_entry_that_no_front_of_ours_would_write_is_refused)
{
    const struct entry nobody = {ENTRY_BATCH, {0}, {4}, 0, 1, {0}};
    const struct entry nowhere = {ENTRY_BATCH, {3}, {0}, 0, 1, {0}};
    const struct entry too_many = {ENTRY_BATCH, {3}, {4}, 0, 1 << 20, {0}};
    const struct entry no_reason = {ENTRY_TALLY, {3}, {4}, REJECT_KNOWN + 1, 1, {0}};
    struct entry back;
    CHECK(decoded(&nobody, &back) == ERR_CORRUPT);
    CHECK(decoded(&nowhere, &back) == ERR_CORRUPT);
    CHECK(decoded(&too_many, &back) == ERR_CORRUPT);
    CHECK(decoded(&no_reason, &back) == ERR_CORRUPT);
    CHECK(entry_decode(STR("short"), &back) == ERR_CORRUPT);
}
