/* A chunk that the fixture writes, whole and broken in every way that its format invites. */

#include "codec/evtx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/evtx_fixture_test.h"
#include "codec/json.h"
#include "testing/testing.h"

#define SYSTEM                                         \
    "{\"Provider_Name\":\"P\",\"EventID\":\"4688\","   \
    "\"@timestamp\":\"2025-08-18T14:13:20.1234567Z\"," \
    "\"TimeCreated\":\"2025-08-18T14:13:20.123456700Z\",\"Image\":\"%s\","

static struct fixture fixture;

/* The records of a chunk, a line each; one that broke off begins with '!'. */
static struct buf told;
static struct evtx_damage damage;

static enum err record_note(void *context, const struct evtx_record *record)
{
    (void)context;
    CHECK(!record->damaged || buf_append_byte(&told, '!') == OK);
    CHECK(buf_append(&told, record->json) == OK);
    return buf_append_byte(&told, '\n');
}

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static enum err json_judge(struct str json)
{
    return json_walk(json, leaf_ignore, NULL, NULL);
}

static struct str chunk_told_of(struct str chunk)
{
    struct evtx *evtx = evtx_new();
    CHECK(evtx != NULL);
    buf_done(&told);
    buf_init(&told, 64 << 20);
    CHECK(evtx_chunk(evtx, chunk, record_note, NULL, &damage) == OK);
    evtx_free(evtx);
    return buf_str(&told);
}

static struct str chunk_told(void)
{
    return chunk_told_of(str_of(fixture.bytes, sizeof fixture.bytes));
}

static void told_is(const char *expected)
{
    struct str text = chunk_told();
    if (!str_equal(text, str_from(expected))) {
        printf("told: %.*s\nexpected: %s\n(%s)\n", STR_ARG(text), expected,
               damage.what != NULL ? damage.what : "no damage");
        CHECK(false);
    }
}

/* The JSON of one record whose field Any has such a value. */
static void any_is(unsigned type, const void *data, size_t size, const char *expected)
{
    char line[2048];
    fixture_begin(&fixture);
    fixture_event(&fixture, "C:\\a", type, data, size);
    CHECK(snprintf(line, sizeof line, SYSTEM "\"Any\":%s}\n", "C:\\\\a", expected) > 0);
    told_is(line);
    CHECK(damage.count == 0);
    CHECK(json_judge(str_trim(buf_str(&told))) == OK);
}

TEST(a_record_is_one_flat_object)
{
    any_is(0x01, "b\0\"\0", 4, "\"b\\\"\"");
    any_is(0x00, "", 0, "\"\"");
}

TEST(each_type_has_its_text)
{
    any_is(0x02, "a\xe9\n\0", 4, "\"a\xc3\xa9\\n\"");
    any_is(0x03, "\xff", 1, "\"-1\"");
    any_is(0x04, "\xff", 1, "\"255\"");
    any_is(0x05, "\x00\x80", 2, "\"-32768\"");
    any_is(0x06, "\xff\xff", 2, "\"65535\"");
    any_is(0x07, "\x00\x00\x00\x80", 4, "\"-2147483648\"");
    any_is(0x08, "\xff\xff\xff\xff", 4, "\"4294967295\"");
    any_is(0x09, "\x00\x00\x00\x00\x00\x00\x00\x80", 8, "\"-9223372036854775808\"");
    any_is(0x0a, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "\"18446744073709551615\"");
    any_is(0x0b, "\x00\x00\xc0\x3f", 4, "\"1.5\"");
    any_is(0x0c, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8, "\"0.1\"");
    any_is(0x0d, "\x01\x00\x00\x00", 4, "\"true\"");
    any_is(0x0d, "\x00\x00\x00\x00", 4, "\"false\"");
    any_is(0x0e, "\x00\xab", 2, "\"00AB\"");
    any_is(0x0f, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 16,
           "\"{04030201-0605-0807-090A-0B0C0D0E0F10}\"");
    any_is(0x10, "\x10\x14\x00\x00", 4, "\"0x1410\"");
    any_is(0x11, "\x00\x80\x3e\xd5\xde\xb1\x9d\x01", 8, "\"1970-01-01T00:00:00.000000000Z\"");
    any_is(0x11, "\x00\x00\x00\x00\x00\x00\x00\x00", 8, "\"1601-01-01T00:00:00.000000000Z\"");
    any_is(0x12, "\xea\x07\x0b\x00\x00\x00\x15\x00\x08\x00\x1e\x00\x07\x00\x2a\x00", 16,
           "\"2026-11-21T08:30:07.042000000Z\"");
    any_is(0x13, "\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00", 16,
           "\"S-1-5-32-544\"");
    any_is(0x14, "\x00\x00\x00\x00", 4, "\"0x0\"");
    any_is(0x15, "\xff\x00\x00\x00\x00\x00\x00\x80", 8, "\"0x80000000000000ff\"");
}

TEST(arrays_are_lists)
{
    any_is(0x81, "a\0\0\0b\0\0\0", 8, "[\"a\",\"b\"]");
    any_is(0x88, "\x01\x00\x00\x00\x02\x00\x00\x00", 8, "[\"1\",\"2\"]");
    any_is(0x86, "\x07\x00", 2, "\"7\"");
    any_is(0x81, "", 0, "\"\"");
}

TEST(a_value_of_a_wrong_size_breaks_its_record_off_and_no_other)
{
    fixture_begin(&fixture);
    fixture_event(&fixture, "a", 0x08, "\x01\x00\x00", 3);
    fixture_event(&fixture, "b", 0x08, "\x01\x00\x00\x00", 4);
    struct str text = chunk_told();
    CHECK(damage.count == 1 && damage.offset == 512 && damage.what != NULL);
    CHECK(str_starts(text, STR("!{\"Provider_Name\"")));
    struct str first = str_cut(&text, '\n');
    CHECK(str_ends(first, STR("\"Image\":\"a\"}")));
    CHECK(str_ends(text, STR("\"Any\":\"1\"}\n")));
}

TEST(records_without_a_template_are_read)
{
    fixture_begin(&fixture);
    record_begin(&fixture);
    element_open(&fixture, "Event", 0, 0);
    start_close(&fixture);
    element_open(&fixture, "System", 0, 0);
    start_close(&fixture);
    element_open(&fixture, "TimeCreated", 0, 1);
    attribute(&fixture, "SystemTime");
    value_text(&fixture, "2026-11-21T08:30:00Z");
    fixture_u8(&fixture, 0x03);
    element_close(&fixture);
    element_open(&fixture, "UserData", 0, 0);
    start_close(&fixture);
    element_open(&fixture, "Wrapper", 0, 0);
    start_close(&fixture);
    element_open(&fixture, "Item", 0, 1);
    attribute(&fixture, "size");
    value_text(&fixture, "3");
    fixture_u8(&fixture, 0x03);
    element_open(&fixture, "Item", 0, 0);
    start_close(&fixture);
    value_text(&fixture, "a<");
    fixture_u8(&fixture, 0x08); /* a character reference */
    fixture_u16(&fixture, 0x706b);
    fixture_u8(&fixture, 0x09); /* an entity */
    fixture_name(&fixture, "amp");
    fixture_u8(&fixture, 0x07); /* CDATA */
    fixture_u16(&fixture, 1);
    fixture_text(&fixture, ">");
    element_close(&fixture);
    element_close(&fixture);
    element_close(&fixture);
    element_close(&fixture);
    record_end(&fixture);
    told_is("{\"@timestamp\":\"2026-11-21T08:30:00Z\",\"TimeCreated\":\"2026-11-21T08:30:00Z\","
            "\"Item_size\":\"3\",\"Item\":\"a<\xe7\x81\xab&>\"}\n");
    CHECK(damage.count == 0);
}

TEST(names_that_repeat_are_lists_and_blanks_have_two_other_names)
{
    fixture_begin(&fixture);
    record_begin(&fixture);
    element_open(&fixture, "Event", 0, 0);
    start_close(&fixture);
    element_open(&fixture, "EventData", 0, 0);
    start_close(&fixture);
    static const char *const names[] = {NULL, "Threat Name", NULL, NULL};
    static const char *const values[] = {"a", "t", "b", "c"};
    for (size_t i = 0; i < 4; i++) {
        element_open(&fixture, "Data", 0, names[i] != NULL);
        if (names[i] != NULL) {
            attribute(&fixture, "Name");
            value_text(&fixture, names[i]);
        }
        start_close(&fixture);
        value_text(&fixture, values[i]);
        element_close(&fixture);
    }
    element_close(&fixture);
    element_close(&fixture);
    record_end(&fixture);
    told_is("{\"Data\":[\"a\",\"b\",\"c\"],\"Threat Name\":\"t\",\"ThreatName\":\"t\","
            "\"Threat_Name\":\"t\"}\n");
}

/* A template whose EventData is a slot, and a fragment in that. */
TEST(binxml_in_a_value_joins_the_record)
{
    fixture_begin(&fixture);
    record_begin(&fixture);
    instance_begin(&fixture, 0);
    size_t at = definition_begin(&fixture);
    element_open(&fixture, "Event", 1, 0);
    start_close(&fixture);
    slot(&fixture, 0, 0x21);
    element_close(&fixture);
    definition_end(&fixture, at);
    fixture_u32(&fixture, 1);
    size_t type = fixture.at;
    slot_type(&fixture, 0, 0x21);
    size_t value = fixture.at;
    fixture_u32(&fixture, 0x0001010f);
    instance_begin(&fixture, 0);
    at = definition_begin(&fixture);
    element_open(&fixture, "EventData", 1, 0);
    start_close(&fixture);
    element_open(&fixture, "Data", 1, 1);
    attribute(&fixture, "Name");
    slot(&fixture, 1, 0x01); /* a name that only the record knows */
    start_close(&fixture);
    slot(&fixture, 0, 0x08);
    value_text(&fixture, "/");
    slot(&fixture, 0, 0x08);
    element_close(&fixture);
    element_close(&fixture);
    definition_end(&fixture, at);
    fixture_u32(&fixture, 2);
    slot_type(&fixture, 4, 0x08);
    slot_type(&fixture, 4, 0x01);
    fixture_u32(&fixture, 7);
    fixture_text(&fixture, "Pid");
    fixture.at -= 2; /* four bytes were promised */
    put_u16(fixture.bytes + type, (uint16_t)(fixture.at - value));
    record_end(&fixture);
    told_is("{\"Pi\":\"7/7\"}\n");
    CHECK(damage.count == 0);
}

/* ---- Damage. */

static void three_records(void)
{
    fixture_begin(&fixture);
    fixture_event(&fixture, "a", 0x06, "\1\0", 2);
    fixture_event(&fixture, "b", 0x06, "\2\0", 2);
    fixture_event(&fixture, "c", 0x06, "\3\0", 2);
}

static size_t lines(void)
{
    struct str text = chunk_told();
    size_t count = 0;
    while (text.size > 0) {
        struct str line = str_cut(&text, '\n');
        count += line.size > 0 && line.data[0] != '!';
    }
    return count;
}

TEST(a_header_that_knows_of_no_record_hides_none)
{
    three_records();
    put_u32(fixture.bytes + 48, 512);
    CHECK(lines() == 3 && damage.count == 0);
    put_u32(fixture.bytes + 48, 0xffffffff);
    memset(fixture.bytes, 0, 8);
    CHECK(lines() == 3);
}

TEST(records_left_over_from_an_earlier_use_of_the_chunk_are_not_read)
{
    three_records();
    size_t first = get_u32(fixture.bytes + 516);
    put_u32(fixture.bytes + 48, (uint32_t)(512 + first));
    put_u64(fixture.bytes + 512 + first + 8, 77);
    CHECK(lines() == 1 && damage.count == 0);
}

TEST(what_follows_a_broken_record_is_found_again)
{
    three_records();
    size_t second = 512 + get_u32(fixture.bytes + 516);
    put_u32(fixture.bytes + second + 4, 0xfffffff0);
    CHECK(lines() == 2 && damage.count == 1 && damage.offset == second);
    put_u32(fixture.bytes + second + 4, 29);
    CHECK(lines() == 2 && damage.count == 1);
    memset(fixture.bytes + second, 0xff, 40);
    CHECK(lines() == 2 && damage.count == 1);
}

TEST(a_chunk_cut_short_gives_what_is_left)
{
    three_records();
    size_t first = 512 + get_u32(fixture.bytes + 516);
    for (size_t size = 0; size < fixture.at; size++) {
        char *copy = malloc(size + 1);
        CHECK(copy != NULL);
        memcpy(copy, fixture.bytes, size);
        struct str text = chunk_told_of(str_of(copy, size));
        CHECK((text.size > 0) == (size >= first));
        free(copy);
    }
}

TEST(every_flipped_byte_leaves_json_and_ends)
{
    three_records();
    size_t end = fixture.at;
    for (size_t at = 512; at < end; at++) {
        for (unsigned mask = 1; mask <= 0xff; mask = mask == 1 ? 0x80 : mask == 0x80 ? 0xff : 256) {
            fixture.bytes[at] ^= (unsigned char)mask;
            struct str text = chunk_told();
            while (text.size > 0) {
                struct str line = str_cut(&text, '\n');
                bool broken = line.data[0] == '!';
                if (json_judge(str_slice(line, broken, SIZE_MAX)) != OK) {
                    printf("%zu: %.*s\n", at, STR_ARG(line));
                    CHECK(false);
                }
            }
            fixture.bytes[at] ^= (unsigned char)mask;
        }
    }
}

TEST(files_are_known_by_their_mark_and_chunks_found_behind_garbage)
{
    char bytes[600] = "ElfFile";
    CHECK(evtx_is(str_of(bytes, sizeof bytes)));
    CHECK(!evtx_is(STR("ElfFil")));
    CHECK(evtx_find(str_of(bytes, sizeof bytes)) == STR_NONE);
    memcpy(bytes + 555, "ElfChnk", 8);
    CHECK(evtx_find(str_of(bytes, sizeof bytes)) == 555);
    CHECK(evtx_is(str_of(bytes + 555, 20)));
}

/* ---- Lies that ask for work. */

/* The processor's time that one chunk takes. */
static double seconds(void)
{
    double begun = testing_cpu();
    for (int i = 0; i < 3; i++) {
        (void)chunk_told();
    }
    return (testing_cpu() - begun) / 3;
}

TEST(templates_that_contain_themselves_end)
{
    fixture_begin(&fixture);
    record_begin(&fixture);
    instance_begin(&fixture, 0);
    size_t at = definition_begin(&fixture);
    element_open(&fixture, "Event", 1, 0);
    start_close(&fixture);
    for (int i = 0; i < 8; i++) {
        instance_begin(&fixture, at);
        fixture_u32(&fixture, 0);
    }
    element_close(&fixture);
    definition_end(&fixture, at);
    fixture_u32(&fixture, 0);
    record_end(&fixture);
    CHECK(seconds() < testing_cpu_allowed(1));
    CHECK(damage.count == 1);
}

/* One slot, named by every step of a template that has room for nothing else, in every record. */
TEST(a_large_value_asked_for_again_and_again_ends)
{
    static char image[20001];
    memset(image, 'x', sizeof image - 1);
    fixture_begin(&fixture);
    record_begin(&fixture);
    instance_begin(&fixture, 0);
    size_t at = definition_begin(&fixture);
    element_open(&fixture, "Event", 1, 0);
    start_close(&fixture);
    element_open(&fixture, "EventData", 1, 0);
    start_close(&fixture);
    element_open(&fixture, "Data", 1, 0);
    start_close(&fixture);
    for (int i = 0; i < 2000; i++) {
        slot(&fixture, 0, 0x01);
    }
    element_close(&fixture);
    element_close(&fixture);
    element_close(&fixture);
    definition_end(&fixture, at);
    fixture_u32(&fixture, 1);
    slot_type(&fixture, 40000, 0x01);
    fixture_text(&fixture, image);
    record_end(&fixture);
    size_t end = fixture.at;
    while (end < EVTX_CHUNK_SIZE - 100) {
        record_begin(&fixture);
        instance_begin(&fixture, at);
        fixture_u32(&fixture, 0);
        record_end(&fixture);
        end = fixture.at;
    }
    CHECK(seconds() < testing_cpu_allowed(1));
    CHECK(damage.count > 0);
    CHECK(told.size < 64 << 20);
}

/* Every offset is a definition, and every definition goes on to the chunk's end. */
TEST(definitions_that_overlap_end)
{
    fixture_begin(&fixture);
    fixture_event(&fixture, "a", 0x06, "\1\0", 2);
    size_t from = fixture.at;
    memset(fixture.bytes + from, 0x0d, 40000);
    fixture.at += 40000;
    for (size_t at = from; fixture.at < EVTX_CHUNK_SIZE - 100; at += 7) {
        record_begin(&fixture);
        instance_begin(&fixture, at);
        fixture_u32(&fixture, 0);
        record_end(&fixture);
    }
    CHECK(seconds() < testing_cpu_allowed(1));
    CHECK(damage.count > 0);
}

static enum err record_refuse(void *context, const struct evtx_record *record)
{
    size_t *count = context;
    (void)record;
    return ++*count == 2 ? ERR_FULL : OK;
}

TEST(an_error_of_the_call_ends_the_walk)
{
    size_t count = 0;
    struct evtx *evtx = evtx_new();
    three_records();
    CHECK(evtx_chunk(evtx, str_of(fixture.bytes, sizeof fixture.bytes), record_refuse, &count,
                     &damage) == ERR_FULL);
    CHECK(count == 2);
    evtx_free(evtx);
}
