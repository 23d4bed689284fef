/*
 * Against the test data: real event logs, and what others decoded of them.
 *
 * `decoded` has been put into the same names as ours by those who made it.  What is still different
 * is not the parser's, and is set right here before every value of every record is compared:
 *
 *   - it went through XML, which makes one line feed of a carriage return and a line feed;
 *   - its Keywords are padded with zeros to sixteen digits, ours are not;
 *   - it has null for attributes that are not there, we have none;
 *   - it has neither @timestamp (the TimeCreated of both is compared) nor EventID's Qualifiers, nor
 *     the names that we give once more without blanks.
 */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/evtx.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/yaml.h"
#include "testing/testing.h"

struct count {
    size_t files, records, fields, damaged;
};

/* The records of one file, as JSON in `mem`. */
struct decoded {
    struct str *list;
    size_t count, damaged;
    struct arena *mem;
};

#define RECORDS_MAX 10000

static enum err record_keep(void *context, const struct evtx_record *record)
{
    struct decoded *decoded = context;
    CHECK(decoded->count < RECORDS_MAX);
    CHECK(record->damaged || str_find(record->json, STR("\"@timestamp\":\"20")) != STR_NONE);
    decoded->damaged += record->damaged;
    return arena_copy(decoded->mem, record->json, &decoded->list[decoded->count++]);
}

static void file_decode(struct evtx *evtx, const char *path, struct arena *mem, struct decoded *ret)
{
    size_t size;
    char *bytes = testing_read(path, &size);
    struct str rest = str_slice(str_of(bytes, size), EVTX_HEADER_SIZE, SIZE_MAX);
    *ret = (struct decoded){.list = ARENA_ARRAY(mem, struct str, RECORDS_MAX), .mem = mem};
    CHECK(ret->list != NULL && evtx_is(str_of(bytes, size)));
    while (evtx_find(rest) != STR_NONE) {
        struct evtx_damage damage;
        rest = str_slice(rest, evtx_find(rest), SIZE_MAX);
        CHECK(evtx_chunk(evtx, str_slice(rest, 0, EVTX_CHUNK_SIZE), record_keep, ret, &damage) ==
              OK);
        rest = str_slice(rest, EVTX_CHUNK_SIZE, SIZE_MAX);
    }
    free(bytes);
}

/* ---- decoded.jsonl.gz */

/* One value as text that both sides agree on; `mem` for what has to change. */
static struct str value_settle(struct str name, struct str value, struct arena *mem)
{
    char *text = arena_take(mem, value.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] != '\r') {
            text[size++] = value.data[i];
        } else if (i + 1 == value.size || value.data[i + 1] != '\n') {
            text[size++] = '\n';
        }
    }
    struct str settled = str_of(text, size);
    if (str_equal(name, STR("Keywords")) && str_starts(settled, STR("0x"))) {
        settled = str_slice(settled, 2, SIZE_MAX);
        while (settled.size > 1 && settled.data[0] == '0') {
            settled = str_slice(settled, 1, SIZE_MAX);
        }
    }
    return settled;
}

/* The values of a name, from a scalar or a list. */
static size_t values_take(const struct yaml_node *node, struct str name, struct str *list,
                          size_t count, struct arena *mem)
{
    if (node->kind == YAML_SCALAR) {
        CHECK(count < 64);
        list[count++] = value_settle(name, node->text, mem);
        return count;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        count = values_take(item, name, list, count, mem);
    }
    return count;
}

/* Whether a name of ours is one that the reference does not give. */
static bool is_ours(const struct yaml_node *ours, struct str name)
{
    if (str_equal(name, STR("@timestamp")) || str_equal(name, STR("EventID_Qualifiers")) ||
        str_starts(name, STR("System."))) {
        return true;
    }
    for (const struct yaml_node *other = ours->first; other != NULL; other = other->next) {
        if (str_find_byte(other->key->text, ' ') == STR_NONE || str_equal(other->key->text, name)) {
            continue;
        }
        char joined[256], scored[256];
        size_t size = 0;
        CHECK(other->key->text.size < sizeof joined);
        for (size_t i = 0; i < other->key->text.size; i++) {
            scored[i] = other->key->text.data[i] == ' ' ? '_' : other->key->text.data[i];
            joined[size] = other->key->text.data[i];
            size += other->key->text.data[i] != ' ';
        }
        if (str_equal(name, str_of(joined, size)) ||
            str_equal(name, str_of(scored, other->key->text.size))) {
            return true;
        }
    }
    return false;
}

static const char *const parts[] = {"System", "EventData", "UserData"};
#define PARTS 3

/* What the reference has under a name, in all three parts of the event. */
static size_t expected_take(const struct yaml_node *line, struct str name, struct str *list,
                            struct arena *mem)
{
    size_t count = 0;
    for (size_t i = 0; i < PARTS; i++) {
        const struct yaml_node *value = yaml_get(yaml_get(line, str_from(parts[i])), name);
        if (value != NULL && !yaml_is_null(value)) {
            count = values_take(value, name, list, count, mem);
        }
    }
    return count;
}

/* Compares one record: every name of the reference, and whether we have others. */
static void record_compare(struct str json, const struct yaml_node *line, struct arena *mem,
                           struct count *count)
{
    struct yaml_node *ours;
    CHECK(json_parse(json, mem, &ours, NULL) == OK);
    for (size_t part = 0; part < PARTS; part++) {
        const struct yaml_node *section = yaml_get(line, str_from(parts[part]));
        for (const struct yaml_node *field = section->first; field != NULL; field = field->next) {
            struct str name = field->key->text, expected[64], told[64];
            size_t expected_count = expected_take(line, name, expected, mem);
            struct str apart; /* where the event's data have the name too */
            CHECK(arena_print(mem, &apart, "System.%.*s", STR_ARG(name)) == OK);
            const struct yaml_node *system = yaml_get(ours, apart);
            const struct yaml_node *our = yaml_get(ours, name);
            size_t told_count = system != NULL ? values_take(system, name, told, 0, mem) : 0;
            told_count = our != NULL ? values_take(our, name, told, told_count, mem) : told_count;
            bool same = expected_count == told_count;
            for (size_t i = 0; same && i < told_count; i++) {
                same = str_equal(expected[i], told[i]);
            }
            if (!same) {
                printf("%.*s: %zu values, not %zu, or others, in %.*s\n", STR_ARG(name), told_count,
                       expected_count, STR_ARG(json));
            }
            CHECK(same);
            count->fields++;
        }
    }
    for (const struct yaml_node *our = ours->first; our != NULL; our = our->next) {
        struct str expected[64];
        if (!is_ours(ours, our->key->text) &&
            expected_take(line, our->key->text, expected, mem) == 0) {
            printf("%.*s: nobody else has it, in %.*s\n", STR_ARG(our->key->text), STR_ARG(json));
            CHECK(false);
        }
    }
}

/* The whole of decoded.jsonl.gz. */
static void reference_read(const char *folder, struct buf *ret)
{
    char command[1024];
    CHECK(snprintf(command, sizeof command, "gzip -dc '%s/decoded.jsonl.gz'", folder) > 0);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): the name is the test's own */
    CHECK(pipe != NULL);
    buf_init(ret, (size_t)1 << 30);
    size_t got;
    do {
        char *room;
        CHECK(buf_extend(ret, 1 << 20, &room) == OK);
        got = fread(room, 1, 1 << 20, pipe);
        ret->size -= (1 << 20) - got;
    } while (got > 0);
    CHECK(pclose(pipe) == 0);
}

TEST(every_field_of_every_record_is_what_others_decoded)
{
    char folder[512], path[1024];
    if (testing_data() == NULL) {
        testing_skip("the event logs are not here");
    }
    CHECK(snprintf(folder, sizeof folder, "%s/windows-evtx/evtx-to-mitre-attack", testing_data()) >
          0);
    struct buf reference;
    reference_read(folder, &reference);
    struct str rest = buf_str(&reference);
    struct arena *mem = arena_new((size_t)1 << 28), *file_mem = arena_new((size_t)1 << 28);
    struct evtx *evtx = evtx_new();
    struct decoded decoded = {0};
    struct count count = {0};
    char file[512] = "";
    while (rest.size > 0) {
        struct yaml_node *line;
        uint64_t index;
        arena_reset(mem);
        CHECK(json_parse(str_cut(&rest, '\n'), mem, &line, NULL) == OK);
        struct str name = yaml_get(line, STR("file"))->text;
        if (!str_equal(name, str_from(file))) {
            CHECK(name.size < sizeof file);
            memcpy(file, name.data, name.size);
            file[name.size] = '\0';
            arena_reset(file_mem);
            CHECK(snprintf(path, sizeof path, "%s/evtx/%s", folder, file) < (int)sizeof path);
            file_decode(evtx, path, file_mem, &decoded);
            CHECK(decoded.damaged == 0);
            count.files++;
        }
        CHECK(str_to_u64(yaml_get(line, STR("idx"))->text, RECORDS_MAX, &index) == OK);
        CHECK(index < decoded.count);
        record_compare(decoded.list[index], line, mem, &count);
        count.records++;
    }
    printf("%zu files, %zu records, %zu fields are equal\n", count.files, count.records,
           count.fields);
    CHECK(count.records == 5599);
    evtx_free(evtx);
    arena_free(mem);
    arena_free(file_mem);
    buf_done(&reference);
}

/* ---- files.jsonl */

static void counts_check(const char *set, struct count *count)
{
    char path[1024];
    size_t size;
    CHECK(snprintf(path, sizeof path, "%s/windows-evtx/%s/files.jsonl", testing_data(), set) > 0);
    char *lines = testing_read(path, &size);
    struct str rest = str_of(lines, size);
    struct arena *mem = arena_new((size_t)1 << 28);
    struct evtx *evtx = evtx_new();
    while (rest.size > 0) {
        struct yaml_node *line;
        struct decoded decoded;
        uint64_t records;
        arena_reset(mem);
        CHECK(json_parse(str_cut(&rest, '\n'), mem, &line, NULL) == OK);
        CHECK(str_to_u64(yaml_get(line, STR("records"))->text, RECORDS_MAX, &records) == OK);
        CHECK(snprintf(path, sizeof path, "%s/windows-evtx/%s/evtx/%.*s", testing_data(), set,
                       STR_ARG(yaml_get(line, STR("file"))->text)) > 0);
        file_decode(evtx, path, mem, &decoded);
        /* One file has a record whose size is 0: the reference gives up that chunk, we go on with
         * the next record. */
        bool zero = str_find(str_from(path), STR("zero-data-size")) != STR_NONE;
        if (zero ? decoded.count != 449 : decoded.count != records) {
            printf("%s: %zu records, not %zu\n", path, decoded.count, (size_t)records);
            CHECK(false);
        }
        count->files++;
        count->records += decoded.count;
        count->damaged += decoded.damaged;
    }
    evtx_free(evtx);
    arena_free(mem);
    free(lines);
}

TEST(files_that_others_could_not_read_are_read_whole)
{
    struct count count = {0};
    if (testing_data() == NULL) {
        testing_skip("the event logs are not here");
    }
    counts_check("evtx-parser-samples", &count);
    counts_check("evtx-to-mitre-attack", &count);
    printf("%zu files, %zu records, %zu of them broken off\n", count.files, count.records,
           count.damaged);
    CHECK(count.files == 149 && count.damaged == 0);
}

/* ---- sigma/regression_data: the same events as JSON, nested, by another decoder.  It trims values
 * and writes GUIDs without braces; TimeCreated has six digits of a second; one case has a value in
 * other letters than its event log (Explorer.exe, Explorer.EXE). */

struct nested {
    struct str text; /* from the object at hand on */
    struct arena *mem;
    struct {
        struct str name, value;
    } list[512];
    size_t count;
};

/* The object at the start of text, which is well-formed. */
static struct str object_cut(struct str *text)
{
    size_t depth = 0;
    bool quoted = false;
    *text = str_trim(*text);
    for (size_t i = 0; i < text->size; i++) {
        char c = text->data[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '}') {
            depth = c == '{' ? depth + 1 : depth - 1;
            if (depth == 0) {
                struct str object = str_slice(*text, 0, i + 1);
                *text = str_slice(*text, i + 1, SIZE_MAX);
                return object;
            }
        }
    }
    *text = (struct str){0};
    return *text;
}

/* The part of a dotted path behind its last dot, which is cut off. */
static struct str last_cut(struct str *path)
{
    size_t at = path->size;
    while (at > 0 && path->data[at - 1] != '.') {
        at--;
    }
    struct str last = str_slice(*path, at, SIZE_MAX);
    *path = str_slice(*path, 0, at > 0 ? at - 1 : 0);
    return last;
}

static void leaf_take(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct nested *nested = context;
    struct str element, last = str_starts(path, STR("Event.EventData."))
                                   ? str_slice(path, 16, SIZE_MAX)
                                   : last_cut(&path);
    struct str value = str_slice(nested->text, offset, size);
    bool null = kind == JSON_NULL;
    bool system = str_starts(path, STR("Event.System"));
    if (str_ends(last, STR(".#text"))) {
        last = str_slice(last, 0, last.size - 6);
    } else if (str_equal(last, STR("#text"))) {
        last = last_cut(&path);
    } else if (str_find(last, STR("#attributes")) != STR_NONE || (null && system)) {
        return; /* of EventData's children: their names, which stand there anyway */
    } else if (str_ends(path, STR(".#attributes"))) {
        (void)last_cut(&path);
        element = last_cut(&path);
        if (!system) {
            return;
        }
        CHECK(arena_print(nested->mem, &last, "%.*s_%.*s", STR_ARG(element), STR_ARG(last)) == OK);
    }
    if (str_equal(last, STR("xmlns")) || (null && str_equal(last, STR("EventData")))) {
        return;
    }
    CHECK(nested->count < 512);
    CHECK(arena_copy(nested->mem, last, &nested->list[nested->count].name) == OK);
    CHECK(json_unescape(null ? (struct str){0} : value, nested->mem,
                        &nested->list[nested->count].value) == OK);
    nested->count++;
}

/* Whether two values are one but for what the other decoder does to them. */
static bool is_like(struct str ours, struct str other)
{
    struct str inside = str_slice(ours, 1, ours.size > 2 ? ours.size - 2 : 0);
    return str_equal_nocase(str_trim(ours), str_trim(other)) ||
           (str_starts(ours, STR("{")) && str_equal_nocase(inside, other));
}

static size_t nested_compare(struct str json, const struct nested *nested, struct arena *mem)
{
    struct yaml_node *ours;
    CHECK(json_parse(json, mem, &ours, NULL) == OK);
    for (size_t i = 0; i < nested->count; i++) {
        struct str name = nested->list[i].name, value = nested->list[i].value, told[64];
        size_t before = 0;
        bool time = str_equal(name, STR("TimeCreated_SystemTime"));
        const struct yaml_node *our = yaml_get(ours, time ? STR("@timestamp") : name);
        size_t count = our != NULL ? values_take(our, STR(""), told, 0, mem) : 0;
        for (size_t k = 0; k < i; k++) {
            before += str_equal(nested->list[k].name, name);
        }
        bool like = before < count && (time ? str_starts(told[0], str_slice(value, 0, 26))
                                            : is_like(told[before], value));
        if (!like) {
            printf("%.*s is not '%.*s' in %.*s\n", STR_ARG(name), STR_ARG(value), STR_ARG(json));
        }
        CHECK(like);
    }
    return nested->count;
}

static struct count regression;

static int regression_take(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind != FTW_F || !str_ends(str_from(path), STR(".evtx"))) {
        return 0;
    }
    char json_path[4096];
    size_t size;
    struct decoded decoded;
    static struct nested nested;
    struct arena *mem = arena_new((size_t)1 << 28);
    struct evtx *evtx = evtx_new();
    file_decode(evtx, path, mem, &decoded);
    CHECK(snprintf(json_path, sizeof json_path, "%.*sjson", (int)strlen(path) - 4, path) > 0);
    char *text = testing_read(json_path, &size);
    struct str rest = str_of(text, size);
    size_t index = 0;
    if (str_starts(rest, STR("\xef\xbb\xbf"))) {
        rest = str_slice(rest, 3, SIZE_MAX);
    }
    while (str_trim(rest).size > 0) {
        nested.text = object_cut(&rest);
        nested.mem = mem;
        nested.count = 0;
        CHECK(index < decoded.count);
        CHECK(json_walk(nested.text, leaf_take, &nested, NULL) == OK);
        regression.fields += nested_compare(decoded.list[index++], &nested, mem);
        regression.records++;
    }
    CHECK(index == decoded.count);
    regression.files++;
    free(text);
    evtx_free(evtx);
    arena_free(mem);
    return 0;
}

TEST(the_regression_cases_of_sigmahq_say_the_same_as_event_log_and_as_json)
{
    char folder[1024];
    if (testing_data() == NULL) {
        testing_skip("the regression cases are not here");
    }
    CHECK(snprintf(folder, sizeof folder, "%s/sigma/regression_data", testing_data()) > 0);
    CHECK(nftw(folder, regression_take, 16, FTW_PHYS) == 0);
    printf("%zu files, %zu events, %zu fields are equal\n", regression.files, regression.records,
           regression.fields);
    CHECK(regression.records == 140);
}
