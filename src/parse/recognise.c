/*
 * Which parser a text belongs to.
 *
 *     "{"             JSON: by the keys of the object (json.c)
 *     "<Event"        a Windows event
 *     "<13>", a time  syslog: the header is read, and the message behind it goes on here; but a
 *                     bare time may as well begin a device's own line, so its look comes first
 *     anything else   by program, by how it begins, by what it contains, by those who are asked of
 *                     every text
 *
 * Tables of how texts begin, a dictionary of programs and one search for all literals name
 * the few marks that may fit; each of them is then asked in full, and last the parser itself.  Of a
 * message three texts are tried: behind the syslog tag, from the tag on, and all behind the time,
 * for what looked like a tag or a host may be the beginning of the device's own format; and a
 * fourth that begins with the structured data, where some devices put all they have to say.
 *
 * Always true: what nobody knows keeps its message; a text inside a text is looked at INNER_MAX
 * deep.
 */

#include <string.h>

#include "parse/private.h"

#define CANDIDATES_MAX 128

struct search {
    struct found *found;
    struct str texts[4];
    size_t text_count;
    struct str program;
    struct str taken; /* the text that fitted */
    const struct parser *parser;
    uint16_t list[CANDIDATES_MAX];
    size_t count;
    struct needs needs; /* of the longest text, which holds the others */
};

static bool search_run(struct search *search);
static const char *header_run(struct found *found, const struct parser *fixed, struct str text);
static void taken_tell(struct found *found, const struct parser *parser);

/* ---- Candidates, in the order of asking. */

static void candidate_put(struct search *search, uint16_t mark)
{
    size_t at = search->count;
    while (at > 0 && search->list[at - 1] > mark) {
        at--;
    }
    if ((at > 0 && search->list[at - 1] == mark) || search->count == CANDIDATES_MAX) {
        return;
    }
    memmove(search->list + at + 1, search->list + at,
            (search->count - at) * sizeof search->list[0]);
    search->list[at] = mark;
    search->count++;
}

static inline void candidate_add(struct search *search, uint16_t mark)
{
    if (needs_fit(&search->needs, parse_mark_needs[mark])) {
        candidate_put(search, mark);
    }
}

static void candidates_add(struct search *search, const struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        candidate_add(search, marks->list[i]);
    }
}

static void fronts_add(struct search *search, struct str text)
{
    uint16_t marks[CANDIDATES_MAX];
    size_t count = fronts_find(search->found->context, text, marks, CANDIDATES_MAX);
    for (size_t i = 0; i < count; i++) {
        candidate_add(search, marks[i]);
    }
}

static bool begins_fit(const struct mark *mark, struct str text)
{
    for (size_t i = 0; i < mark->begin_count; i++) {
        if (str_starts(text, mark->begins[i])) {
            return true;
        }
    }
    return mark->begin_count == 0;
}

static bool mark_fits(const struct search *search, const struct mark *mark, struct str text)
{
    if (!begins_fit(mark, text) || mark->key_count > 0) {
        return false;
    }
    const struct parser *parser = &parse_table[mark->parser];
    return (mark->columns == 0 ||
            columns_count(text, parser->separator, mark->columns) >= mark->columns) &&
           contains_fit(mark->contains, mark->contain_count, text) &&
           (mark->looks == NULL || pattern_looks(search->found, mark->looks, text));
}

static bool candidate_try(struct search *search, uint16_t number)
{
    const struct mark *mark = &parse_marks[number];
    if ((mark->program_count > 0 &&
         !wanted_fits(mark->programs, mark->program_count, search->program)) ||
        (mark->bare && search->program.size > 0)) {
        return false;
    }
    /* Whatever is asked of every text is asked of the message alone. */
    size_t texts = mark->any ? 1 : search->text_count;
    for (size_t i = 0; i < texts; i++) {
        search->found->parser = &parse_table[mark->parser];
        search->found->value_count = 0;
        if (mark_fits(search, mark, search->texts[i]) &&
            engine_text(search->found, &parse_table[mark->parser], search->texts[i],
                        mark->any ? ASKED_ANY : ASKED_NAMED)) {
            search->taken = search->texts[i];
            search->parser = &parse_table[mark->parser];
            return true;
        }
    }
    return false;
}

static bool candidates_try(struct search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        if (candidate_try(search, search->list[i])) {
            return true;
        }
    }
    search->count = 0;
    return false;
}

/* By the header lines of its stream. */
static bool memory_run(struct search *search)
{
    const struct parser *parser = memory_parser(search->found, search->texts[0]);
    if (parser == NULL || !engine_text(search->found, parser, search->texts[0], ASKED_ANY)) {
        return false;
    }
    search->taken = search->texts[0];
    search->parser = parser;
    return true;
}

static bool search_run(struct search *search)
{
    uint16_t marks[CANDIDATES_MAX];
    if (memory_run(search)) {
        return true;
    }
    if (search->program.size > 0) {
        uint16_t program = dictionary_find(&parse_programs, search->program);
        if (program != UINT16_MAX) {
            candidates_add(search, &parse_program_marks[program]);
        }
        candidates_add(search, &parse_program_stars[(unsigned char)search->program.data[0]]);
    }
    for (size_t i = 0; i < search->text_count; i++) {
        fronts_add(search, search->texts[i]);
    }
    size_t count = sift_text(search->texts[search->text_count - 1], marks, CANDIDATES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (parse_marks[marks[i]].looks != NULL) {
            candidate_add(search, marks[i]);
        }
    }
    if (candidates_try(search)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (parse_marks[marks[i]].looks == NULL) {
            candidate_add(search, marks[i]);
        }
    }
    candidates_add(search, &parse_short_marks);
    if (candidates_try(search)) {
        return true;
    }
    candidates_add(search, &parse_any_marks);
    return candidates_try(search);
}

/* A parser that was named: its own marks say best which text is meant; else the first that fits. */
static bool named_run(struct search *search, const struct parser *fixed)
{
    if (fixed == NULL || fixed->shape == SHAPE_JSON) {
        return false;
    }
    for (uint16_t i = 0; i < parse_mark_count; i++) {
        if (&parse_table[parse_marks[i].parser] == fixed && candidate_try(search, i)) {
            return true;
        }
    }
    for (size_t i = 0; i < search->text_count; i++) {
        search->found->value_count = 0;
        if (engine_text(search->found, fixed, search->texts[i], ASKED_ANY)) {
            search->taken = search->texts[i];
            search->parser = fixed;
            return true;
        }
    }
    return false;
}

/* ---- Texts. */

static void taken_tell(struct found *found, const struct parser *parser)
{
    found_parser(found, parser->name);
    if (found->class.data != NULL) {
        builder_class(found->builder, found->class);
    }
}

static void message_tell(struct found *found, struct str text)
{
    if (text.size > 0 && (found->told >> NAME_MESSAGE & 1) == 0) {
        found_tell(found, NAME_MESSAGE, text, SPAN_RAW);
        found->told |= (uint64_t)1 << NAME_MESSAGE;
    }
}

static struct str program_name(struct str program)
{
    for (size_t i = program.size; i > 0 && program.data[0] == '/'; i--) {
        if (program.data[i - 1] == '/' && i < program.size) {
            return text_from(program, i);
        }
    }
    return program;
}

/* "message repeated 3 times: [what was said]" is what was said. */
static struct str message_said(struct str message)
{
    struct str said = message;
    int times;
    if (cursor_literal(&said, STR("message repeated ")) && cursor_number(&said, 9, &times) &&
        cursor_literal(&said, STR(" times: [")) && str_ends(said, STR("]"))) {
        return str_trim(str_slice(said, 0, said.size - 1));
    }
    return message;
}

/* JSON and XML: NULL if it was told whole. */
static const char *shaped_run(struct found *found, const struct parser *fixed, struct str text)
{
    if (text.size > 0 && text.data[0] == '{') {
        const char *reason = json_object_parse(found, text, fixed);
        if (reason == NULL && found->class.data != NULL) {
            builder_class(found->builder, found->class);
        }
        return reason;
    }
    if (winxml_looks(text)) {
        const char *reason = winxml_event(found, text);
        if (reason == NULL) {
            found_parser(found, STR("winxml"));
            found->class = STR("");
        }
        return reason;
    }
    return "";
}

/* Half of an object would look like the whole of another. */
static void half_forget(struct found *found, struct wall happened)
{
    if (found->depth == 0) {
        builder_unparse(found->builder);
        found->parser_name = (struct str){0};
        if (wall_known(happened)) {
            builder_happened(found->builder, happened);
        }
        found->told = 0;
        found->value_count = 0;
    }
}

/* The structured data and what follows them, up to the record's end. */
static struct str structured_text(const struct header *header)
{
    if (header->data.size == 0) {
        return (struct str){0};
    }
    const char *end = header->message.size > 0 ? header->message.data + header->message.size
                                               : header->data.data + header->data.size;
    return str_of(header->data.data, (size_t)(end - header->data.data));
}

static bool message_run(struct found *found, const struct parser *fixed, struct header *header)
{
    struct str shaped = header->message;
    if (cursor_literal(&shaped, STR("@cee:"))) {
        cursor_blanks(&shaped);
    }
    const char *reason = shaped_run(found, fixed, str_trim(shaped));
    if (reason == NULL) {
        return true;
    }
    if (reason[0] != '\0') {
        half_forget(found, header->happened);
    }
    struct search search = {
        .found = found,
        .texts = {message_said(header->message)},
        .text_count = 1,
        .program = program_name(header->program),
    };
    if (header->tagged.data != header->message.data) {
        search.texts[search.text_count++] = header->tagged;
    }
    if (header->body.data != header->tagged.data) {
        search.texts[search.text_count++] = header->body;
    }
    struct str structured = structured_text(header);
    if (structured.size > 0) {
        search.texts[search.text_count++] = structured;
    }
    search.needs.text = search.texts[search.text_count - 1];
    if (memory_header(found, header->message)) {
        return true;
    }
    if (!named_run(&search, fixed) && !search_run(&search)) {
        return false;
    }
    taken_tell(found, search.parser);
    if (structured.size > 0 && search.taken.data == structured.data) {
        header->data = (struct str){0}; /* The parser told it under names of its own. */
    } else if (search.taken.data != search.texts[0].data) {
        header->program = (struct str){0};
        header->process = (struct str){0};
        header->host = search.taken.data == header->tagged.data ? header->host : (struct str){0};
        header->message = search.taken;
    }
    return true;
}

static const char *header_run(struct found *found, const struct parser *fixed, struct str text)
{
    struct header header;
    const struct header *outer = found->header;
    syslog_read(text, found->context, &header);
    if (wall_known(header.happened)) {
        builder_happened(found->builder, header.happened);
    }
    if (found->depth == 0 || header.fault == NULL) {
        found_parser(found, STR("syslog"));
    }
    struct header told = header;
    found->header = &header;
    bool taken = message_run(found, fixed, &told);
    found->header = outer;
    if (!taken) {
        found_parser(found, STR("syslog"));
        found->class = (struct str){0};
    }
    if (found->class.data == NULL && told.program.size > 0) {
        builder_class(found->builder, STR("/linux/syslog"));
    }
    syslog_tell(found, &told);
    message_tell(found, told.message);
    return taken ? NULL : header.fault;
}

/* A record that begins with a time may be no syslog at all, but a device's own: only those who say
 * how it begins are asked. */
static bool front_run(struct search *search, const struct parser *fixed)
{
    uint16_t marks[CANDIDATES_MAX];
    struct search all = *search;
    fronts_add(&all, search->texts[0]);
    size_t count = sift_text(search->texts[0], marks, CANDIDATES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (parse_marks[marks[i]].looks != NULL) {
            candidate_add(&all, marks[i]);
        }
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct mark *mark = &parse_marks[all.list[i]];
        if (mark->program_count == 0 && (fixed == NULL || fixed == &parse_table[mark->parser])) {
            candidate_add(search, all.list[i]);
        }
    }
    return candidates_try(search);
}

static const char *text_run(struct found *found, const struct parser *fixed, struct str text)
{
    struct str whole = text;
    (void)cursor_literal(&text, STR("\xef\xbb\xbf"));
    text = str_trim(text);
    const char *reason = shaped_run(found, fixed, text);
    if (reason == NULL) {
        return NULL;
    }
    bool json = text.size > 0 && text.data[0] == '{';
    if (reason[0] != '\0') {
        half_forget(found, WALL_NONE);
        found_parser(found, json ? STR("json") : STR("winxml"));
    }
    if (memory_header(found, text)) {
        message_tell(found, text);
        return NULL;
    }
    struct search search = {
        .found = found, .texts = {text}, .text_count = 1, .needs = {.text = text}};
    bool taken = false;
    if (!json && syslog_looks(text) && memory_parser(found, text) == NULL) {
        if (text.data[0] == '<' || !front_run(&search, fixed)) {
            return header_run(found, fixed, text);
        }
        taken_tell(found, search.parser);
        message_tell(found, text);
        return NULL;
    }
    if (fixed != NULL && fixed->shape != SHAPE_JSON) {
        taken = engine_text(found, fixed, text, ASKED_NAMED);
        search.parser = fixed;
    }
    if (taken || search_run(&search)) {
        taken_tell(found, search.parser);
        message_tell(found, text);
        return NULL;
    }
    if (fixed != NULL) {
        found_parser(found, fixed->name);
    }
    if (found->depth == 0) {
        found_tell(found, NAME_MESSAGE, whole, SPAN_RAW);
    }
    return fixed != NULL && reason[0] == '\0' ? "not what the parser that was named knows"
           : reason[0] != '\0'                ? reason
                                              : "no parser recognises this record";
}

const char *recognise_text(struct found *found, struct str text)
{
    return text_run(found, NULL, text);
}

const char *recognise_as(struct found *found, const struct parser *parser, struct str text)
{
    if (parser == NULL) {
        return text_run(found, NULL, text);
    }
    if (parser->shape == SHAPE_SYSLOG) {
        return header_run(found, NULL, text);
    }
    return text_run(found, parser, text);
}

/* As if a syslog header had named the program: "sshd", "sshd[991]:", "/usr/sbin/sshd". */
static const char *programmed_run(struct found *found, const struct parser *fixed,
                                  struct inner inner)
{
    struct header header = {.priority = -1, .happened = WALL_NONE};
    const struct header *outer = found->header;
    struct str rest = inner.program;
    header.program = str_trim(str_cut(&rest, '['));
    if (str_ends(header.program, STR(":"))) {
        header.program.size--;
    }
    header.message = header.tagged = header.body = str_trim(inner.text);
    found->header = &header;
    bool taken = message_run(found, fixed, &header);
    found->header = outer;
    if (taken) {
        message_tell(found, header.message);
    }
    return taken ? NULL : "no parser recognises this message";
}

void recognise_inner(struct found *found, const struct parser *parser, struct inner inner)
{
    if (inner.text.size == 0 || found->depth + 1 >= INNER_MAX) {
        return;
    }
    struct str class = found->class;
    const struct parser *named = parser_named(parser->inner_parser);
    found->depth++;
    const char *reason = inner.program.size > 0 && !syslog_looks(inner.text)
                             ? programmed_run(found, named, inner)
                             : recognise_as(found, named, inner.text);
    found->depth--;
    if (reason != NULL) {
        found_parser(found, parser->name);
        found->class = class;
    }
}
