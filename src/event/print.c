/*
 * Nesting: all leaves are sorted by name with '.' before every other byte, so that what belongs
 * into one object stands together; objects are then written by walking the list once per level.
 *
 * Always true, whatever a record calls its own fields: @timestamp, event.original, event.created
 * and all below hinomi are ours and have one value (hinomi.charset is parse's, which lets nobody
 * else tell it); `event`, `hinomi` and `observer` are objects.
 * A record's field of just such a name stands in the object as "value".
 */

#include "event/print.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_text.h"
#include "codec/time.h"

#define DEPTH_MAX   24 /* levels of objects; what is deeper keeps its dots */
#define LEAVES_MORE 8  /* that come from the event itself, not from its spans */

struct leaf {
    struct str name;
    struct str text; /* a string's value, or JSON as it stands */
    bool json;
    size_t order; /* keeps lists in the record's order */
};

static int leaf_compare(const void *a, const void *b)
{
    const struct leaf *x = a;
    const struct leaf *y = b;
    for (size_t i = 0; i < x->name.size && i < y->name.size; i++) {
        unsigned char p = x->name.data[i] == '.' ? 0 : (unsigned char)x->name.data[i];
        unsigned char q = y->name.data[i] == '.' ? 0 : (unsigned char)y->name.data[i];
        if (p != q) {
            return p < q ? -1 : 1;
        }
    }
    if (x->name.size != y->name.size) {
        return x->name.size < y->name.size ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static enum err leaf_print(const struct leaf *leaf, struct buf *out)
{
    return leaf->json ? buf_append(out, leaf->text) : json_print(out, leaf->text);
}

/* The leaves list[0 .. count) share one name.  ECS wants lists of two of them. */
static enum err value_print(const struct leaf *list, size_t count, struct buf *out)
{
    if (count == 1 && !str_equal(list->name, STR("event.category")) &&
        !str_equal(list->name, STR("event.type"))) {
        return leaf_print(list, out);
    }
    enum err err = buf_append_byte(out, '[');
    for (size_t i = 0; i < count && err == OK; i++) {
        err = i > 0 ? buf_append_byte(out, ',') : OK;
        if (err == OK) {
            err = leaf_print(&list[i], out);
        }
    }
    return err == OK ? buf_append_byte(out, ']') : err;
}

static enum err key_print(struct str key, bool first, struct buf *out)
{
    enum err err = first ? OK : buf_append_byte(out, ',');
    if (err == OK) {
        err = json_print(out, key);
    }
    return err == OK ? buf_append_byte(out, ':') : err;
}

static size_t same_name(const struct leaf *list, size_t count)
{
    size_t same = 1;
    while (same < count && str_equal(list[same].name, list[0].name)) {
        same++;
    }
    return same;
}

/* How many of the leaves share the first one's component at `from` and go on below it. */
static size_t below(const struct leaf *list, size_t count, size_t from, size_t size)
{
    struct str prefix = str_slice(list[0].name, 0, from + size + 1);
    size_t same = 0;
    while (same < count && str_starts(list[same].name, prefix)) {
        same++;
    }
    return same;
}

/* Writes the leaves as the members of one object; their names begin to differ at `from`. */
static enum err members_print(const struct leaf *list, size_t count, size_t from, int depth,
                              struct buf *out)
{
    enum err err = OK;
    bool taken = false; /* the component of the leaf before was a value of its own */
    struct str taken_name = {0};
    for (size_t i = 0; i < count && err == OK;) {
        struct str rest = str_slice(list[i].name, from, list[i].name.size);
        size_t dot = str_find_byte(rest, '.');
        struct str component = str_slice(rest, 0, dot == STR_NONE ? rest.size : dot);
        bool clash = taken && str_equal(component, taken_name);
        size_t used;
        if (dot == STR_NONE || clash || depth == DEPTH_MAX) {
            used = same_name(list + i, count - i);
            err = key_print(rest, i == 0, out);
            if (err == OK) {
                err = value_print(list + i, used, out);
            }
            if (dot == STR_NONE) {
                taken = true;
                taken_name = component;
            }
        } else {
            used = below(list + i, count - i, from, dot);
            err = key_print(component, i == 0, out);
            if (err == OK) {
                err = buf_append_byte(out, '{');
            }
            if (err == OK) {
                err = members_print(list + i, used, from + dot + 1, depth + 1, out);
            }
            if (err == OK) {
                err = buf_append_byte(out, '}');
            }
        }
        i += used;
    }
    return err;
}

/* ECS fields of the type long that our parsers span as text. */
static bool is_number(const struct span *span)
{
    static const char *const names[] = {
        "process.pid",
        "source.port",
        "url.port",
        "http.response.status_code",
        "http.response.body.bytes",
        "log.syslog.priority",
        "log.syslog.facility.code",
        "log.syslog.severity.code",
    };
    uint64_t value;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span->bytes.size > 0 && str_equal(span->name, str_from(names[i]))) {
            return (span->bytes.size == 1 || span->bytes.data[0] != '0') &&
                   str_to_u64(span->bytes, INT64_MAX, &value) == OK;
        }
    }
    return false;
}

/* What we say of every event: the same names in a record give way. */
static bool is_ours(struct str name)
{
    return str_equal(name, STR("@timestamp")) || str_equal(name, STR("event.original")) ||
           str_equal(name, STR("event.created")) ||
           (str_starts(name, STR("hinomi.")) && !str_equal(name, STR("hinomi.charset")));
}

static struct str name_shown(struct str name)
{
    static const char *const objects[][2] = {
        {"event", "event.value"}, {"hinomi", "hinomi.value"}, {"observer", "observer.value"}};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        if (str_equal(name, str_from(objects[i][0]))) {
            return str_from(objects[i][1]);
        }
    }
    return name;
}

static struct str null_text(const struct span *span)
{
    char kind = span->bytes.size > 0 ? span->bytes.data[0] : 'n';
    return kind == '{' ? STR("{}") : kind == '[' ? STR("[]") : STR("null");
}

static enum err spans_gather(const struct event *event, struct arena *scratch, struct leaf *list,
                             size_t *count)
{
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        struct str value;
        event_span(event, i, &span);
        if (is_ours(span.name)) {
            continue;
        }
        enum err err = event_value(&span, scratch, &value);
        if (err == ERR_MEMORY) {
            return err;
        }
        struct leaf leaf = {.name = name_shown(span.name), .order = *count};
        leaf.json = span.how == SPAN_JSON_SCALAR || span.how == SPAN_JSON_NULL ||
                    (span.how != SPAN_JSON_STRING && is_number(&span));
        leaf.text = span.how == SPAN_JSON_NULL ? null_text(&span) : err == OK ? value : span.bytes;
        list[(*count)++] = leaf;
    }
    return OK;
}

enum err event_print_json(const struct event *event, struct str extra, struct str extra_json,
                          struct arena *scratch, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    char created[TIME_TEXT_SIZE];
    size_t count = 0;
    struct leaf *list = ARENA_ARRAY(scratch, struct leaf, (size_t)event->spans + LEAVES_MORE);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    struct span told;
    struct str observer =
        event_find(event, STR("observer.product"), &told) == OK ? (struct str){0} : STR("Hinomi");
    (void)time_print(event_time(event), time);
    (void)time_print(event->received, created);
    const struct leaf own[] = {
        {STR("@timestamp"), str_from(time), false, 0},
        {STR("event.created"), str_from(created), false, 0},
        {STR("event.original"), event->record, false, 0},
        {STR("hinomi.parser"), event->parser, false, 0},
        {STR("hinomi.parse_error"), event->error, false, 0},
        {STR("hinomi.class"), event->class, false, 0},
        {STR("observer.product"), observer, false, 0},
        {extra, extra_json, true, 0},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        bool wanted = own[i].name.size > 0 && (i < 3 || own[i].text.size > 0);
        if (wanted) {
            list[count++] = own[i];
        }
    }
    enum err err = spans_gather(event, scratch, list, &count);
    if (err != OK) {
        return err;
    }
    qsort(list, count, sizeof list[0], leaf_compare);
    size_t size_before = out->size;
    err = buf_append_byte(out, '{');
    if (err == OK) {
        err = members_print(list, count, 0, 0, out);
    }
    if (err == OK) {
        err = buf_append_byte(out, '}');
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}
