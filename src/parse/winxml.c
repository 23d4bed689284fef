/*
 * Windows events as XML, as event forwarding, agents and people's exports write them:
 *
 *     <Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">
 *       <System>…<EventID>4688</EventID>…</System>
 *       <EventData><Data Name="SubjectUserName">…</Data>…</EventData>
 *     </Event>
 *
 * The fields have the names that the same event has in an event log (codec/winevent.h).  A value is
 * a stretch of the record where it stands there as it is, and derived where it has escapes or comes
 * in parts.  The event's time is that of TimeCreated; its class is decided by whoever knows the
 * channels.
 *
 * Always true: a record that is not one whole event tells no field but `message`.
 */

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "codec/winevent.h"
#include "codec/xml.h"
#include "parse/private.h"

/* One more than an event may have, so that the builder notes that some were left out. */
#define FIELDS_MAX (SPANS_PER_EVENT_MAX + 1)
#define FIELDS_FEW 64 /* What most events get by with. */

/* An element that stands open. */
struct frame {
    enum winevent_at at, inside;
    bool leaf, attributed;
    struct str element; /* in mem */
    struct str field;   /* the name that an attribute gave it */
    struct str text;    /* its value so far, unless that is joined */
    bool joined;
};

struct winxml {
    struct found *found;
    struct arena *mem;
    struct derived *fields; /* told when the whole record has proved to be an event */
    size_t fields_count, fields_room;
    struct frame frames[NESTING_MAX];
    size_t depth;
    size_t events;
    struct str time;
    struct buf joined; /* the value of the innermost element, if it comes in parts */
};

static enum err element_open(void *context, struct str element,
                             const struct xml_attribute *attributes, size_t count);
static enum err element_text(void *context, struct str text);
static enum err element_close(void *context, struct str element);
static void value_tell(struct winxml *winxml, struct str name, struct str value);

bool winxml_looks(struct str text)
{
    if (str_starts(text, STR("<?xml "))) {
        size_t at = str_find(text, STR("?>"));
        text = str_trim(at == STR_NONE ? (struct str){0} : str_slice(text, at + 2, SIZE_MAX));
    }
    struct str next = str_slice(text, 6, 1);
    return str_starts(text, STR("<Event")) && next.size > 0 &&
           memchr(" \t\r\n>", next.data[0], 5) != NULL;
}

bool winxml_parse(struct found *found, struct str text)
{
    text = str_trim(text);
    if (!winxml_looks(text) || winxml_event(found, text) != NULL) {
        return false;
    }
    found_class(found, STR(""));
    return true;
}

const char *winxml_event(struct found *found, struct str text)
{
    static const struct xml_calls calls = {element_open, element_text, element_close};
    struct winxml winxml = {.found = found, .mem = found_mem(found)};
    struct wall happened;
    if (winxml.mem == NULL) {
        return "no memory to parse XML";
    }
    buf_init(&winxml.joined, RECORD_SIZE_MAX);
    enum err err = xml_walk(text, winxml.mem, &calls, &winxml, NULL);
    buf_done(&winxml.joined);
    switch (err) {
    case OK:
        break;
    case ERR_LIMIT:
        return "XML nested too deep, or too many fields";
    case ERR_MEMORY:
        return "no memory to parse XML";
    case ERR_UNSUPPORTED:
        return "XML, but not one Windows event";
    default:
        return "not well-formed XML, or with a document type";
    }
    struct str rest = winxml.time;
    if (winxml.events != 1) {
        return "XML, but not one Windows event";
    }
    if (rest.size > 0 && stamp_iso(&rest, found->context, &happened) && rest.size == 0) {
        builder_happened(found->builder, happened);
    }
    for (size_t i = 0; i < winxml.fields_count; i++) {
        value_tell(&winxml, winxml.fields[i].name, winxml.fields[i].value);
    }
    return NULL;
}

/* ---- Fields. */

static bool is_within(const struct winxml *winxml, struct str text)
{
    struct str record = winxml->found->record;
    return text.data >= record.data && text.data < record.data + record.size;
}

static void value_tell(struct winxml *winxml, struct str name, struct str value)
{
    if (value.size == 0 || is_within(winxml, value)) {
        found_span(winxml->found, name, value);
    } else {
        found_derive(winxml->found, name, value);
    }
}

static enum err field_add(struct winxml *winxml, struct str name, struct str value)
{
    if (winxml->fields_count == FIELDS_MAX) {
        return OK;
    }
    if (winxml->fields_count == winxml->fields_room) {
        size_t room = winxml->fields_room == 0 ? FIELDS_FEW : FIELDS_MAX;
        struct derived *fields = ARENA_ARRAY(winxml->mem, struct derived, room);
        if (fields == NULL) {
            return ERR_MEMORY;
        }
        for (size_t i = 0; i < winxml->fields_count; i++) {
            fields[i] = winxml->fields[i];
        }
        winxml->fields = fields;
        winxml->fields_room = room;
    }
    winxml->fields[winxml->fields_count++] = (struct derived){.name = name, .value = value};
    return OK;
}

/* A name with blanks is also told without them and with underscores. */
static enum err field_tell(struct winxml *winxml, struct str name, struct str value)
{
    enum err err = field_add(winxml, name, value);
    if (err != OK || str_find_byte(name, ' ') == STR_NONE) {
        return err;
    }
    char *joined = arena_take(winxml->mem, name.size), *scored = arena_take(winxml->mem, name.size);
    size_t size = 0;
    if (joined == NULL || scored == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < name.size; i++) {
        scored[i] = name.data[i] == ' ' ? '_' : name.data[i];
        if (name.data[i] != ' ') {
            joined[size++] = name.data[i];
        }
    }
    err = field_add(winxml, str_of(joined, size), value);
    return err == OK ? field_add(winxml, str_of(scored, name.size), value) : err;
}

/* PREFIXelement, or PREFIXelement_attribute; `element` is in mem. */
static enum err name_make(struct winxml *winxml, struct str prefix, struct str element,
                          struct str attribute, struct str *ret)
{
    if (prefix.size == 0 && attribute.size == 0) {
        *ret = element;
        return OK;
    }
    char *text = arena_take(winxml->mem, prefix.size + element.size + 1 + attribute.size);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    size_t size = prefix.size;
    memcpy(text, size > 0 ? prefix.data : "", size);
    memcpy(text + size, element.data, element.size);
    size += element.size;
    if (attribute.size > 0) {
        text[size++] = '_';
        memcpy(text + size, attribute.data, attribute.size);
        size += attribute.size;
    }
    *ret = str_of(text, size);
    return OK;
}

static enum err attribute_tell(struct winxml *winxml, struct frame *frame,
                               const struct xml_attribute *attribute)
{
    struct str name;
    enum err err = OK;
    switch (winevent_attribute(frame->at, frame->element, frame->leaf, attribute->name)) {
    case WINEVENT_IGNORED:
        return OK;
    case WINEVENT_NAME:
        return arena_copy(winxml->mem, attribute->value, &frame->field);
    case WINEVENT_TIME:
        frame->attributed = true;
        winxml->time = attribute->value;
        err = field_add(winxml, STR("@timestamp"), attribute->value);
        return err == OK ? field_add(winxml, STR("TimeCreated"), attribute->value) : err;
    case WINEVENT_FIELD:
        break;
    }
    frame->attributed = true;
    struct str prefix = winevent_prefix(frame->at, frame->element);
    err = name_make(winxml, prefix, frame->element, attribute->name, &name);
    return err == OK && attribute->value.size > 0 ? field_tell(winxml, name, attribute->value)
                                                  : err;
}

/* ---- Elements. */

static enum err element_open(void *context, struct str element,
                             const struct xml_attribute *attributes, size_t count)
{
    struct winxml *winxml = context;
    struct frame frame = {.at = WINEVENT_DOCUMENT};
    if (winxml->depth == NESTING_MAX) {
        return ERR_LIMIT;
    }
    if (winxml->depth > 0) {
        struct frame *parent = &winxml->frames[winxml->depth - 1];
        frame.at = parent->inside;
        parent->leaf = false;
    }
    frame.inside = winevent_enter(frame.at, element, &frame.leaf);
    if (frame.at == WINEVENT_DOCUMENT && (frame.inside != WINEVENT_EVENT || winxml->events++ > 0)) {
        return ERR_UNSUPPORTED;
    }
    enum err err = arena_copy(winxml->mem, element, &frame.element);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = attribute_tell(winxml, &frame, &attributes[i]);
    }
    winxml->frames[winxml->depth++] = frame;
    return err;
}

/* A value in one piece stays where it is; others are joined. */
static enum err element_text(void *context, struct str text)
{
    struct winxml *winxml = context;
    if (winxml->depth == 0 || !winxml->frames[winxml->depth - 1].leaf) {
        return OK;
    }
    struct frame *frame = &winxml->frames[winxml->depth - 1];
    bool within = !frame->joined && is_within(winxml, text);
    if (within && frame->text.size == 0) {
        frame->text = text;
        return OK;
    }
    if (within && frame->text.data + frame->text.size == text.data) {
        frame->text.size += text.size;
        return OK;
    }
    enum err err = OK;
    if (!frame->joined) {
        frame->joined = true;
        buf_reset(&winxml->joined);
        err = buf_append(&winxml->joined, frame->text);
    }
    return err == OK ? buf_append(&winxml->joined, text) : err;
}

static enum err element_close(void *context, struct str element)
{
    struct winxml *winxml = context;
    struct frame *frame = &winxml->frames[--winxml->depth];
    enum err err = OK;
    (void)element;
    if (!frame->leaf) {
        return OK;
    }
    if (frame->joined) {
        err = arena_copy(winxml->mem, buf_str(&winxml->joined), &frame->text);
    }
    bool blank = str_trim(frame->text).size == 0;
    if (blank && (frame->attributed || winevent_omit(frame->at, frame->element))) {
        return OK;
    }
    struct str name = frame->field;
    if (name.size == 0 && err == OK) {
        struct str prefix = winevent_prefix(frame->at, frame->element);
        err = name_make(winxml, prefix, frame->element, (struct str){0}, &name);
    }
    return err == OK ? field_tell(winxml, name, frame->text) : err;
}
