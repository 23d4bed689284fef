/*
 * What watchers of files write over syslog: inotifywait (inotify-tools) as `inotifywait -m -r DIR |
 * logger -t inotifywait` sends it, and AIDE's report with `report_url=syslog:…`.
 *
 *     /var/www/html/ CLOSE_WRITE,CLOSE index.html              inotifywait: folder, events, name
 *     /etc/hosts ATTRIB                                        a watched file itself
 *     f > ... mc..H.. : /var/www/html/index.html               AIDE: what differs, and where
 *     f++++++++++++++++: /var/www/html/new.php                 an entry that is new; '-': gone
 *
 * A name may hold blanks and words such as ours, and so may a folder: whoever makes "html/a ACCESS
 * b" must not choose what is told of the files in it.  A name has no '/', so the events follow the
 * last one, or end the line where a file itself is watched.  AIDE's letters are those of its
 * `summarize_changes`; lines about attributes ("SHA256 : …") and headings are no changes, and are
 * left to `message`.
 */

#include <string.h>

#include "parse/private.h"

enum change { CHANGE_NONE, CREATED, UPDATED, ATTRIBUTES, DELETED, ACCESSED };

static const struct {
    const char *name;
    enum change change;
} events[] = {
    {"ACCESS", ACCESSED},     {"MODIFY", UPDATED},         {"ATTRIB", ATTRIBUTES},
    {"CLOSE_WRITE", UPDATED}, {"CLOSE_NOWRITE", ACCESSED}, {"CLOSE", CHANGE_NONE},
    {"OPEN", ACCESSED},       {"MOVED_TO", CREATED},       {"MOVED_FROM", DELETED},
    {"MOVE", CHANGE_NONE},    {"MOVE_SELF", DELETED},      {"CREATE", CREATED},
    {"DELETE", DELETED},      {"DELETE_SELF", DELETED},    {"UNMOUNT", CHANGE_NONE},
    {"IGNORED", CHANGE_NONE}, {"ISDIR", CHANGE_NONE},
};

static const struct {
    struct str action, type, inotify, aide;
} meanings[] = {
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
    [CHANGE_NONE] = {S(""), S("info"), S("/linux/inotifywait"), S("/linux/aide")},
    [CREATED] = {S("created"), S("creation"), S("file_event/linux/inotifywait"),
                 S("file_event/linux/aide")},
    [UPDATED] = {S("updated"), S("change"), S("file_change/linux/inotifywait"),
                 S("file_change/linux/aide")},
    [ATTRIBUTES] = {S("attributes_modified"), S("change"), S("file_change/linux/inotifywait"),
                    S("file_change/linux/aide")},
    [DELETED] = {S("deleted"), S("deletion"), S("file_delete/linux/inotifywait"),
                 S("file_delete/linux/aide")},
    [ACCESSED] = {S("accessed"), S("access"), S("file_access/linux/inotifywait"),
                  S("file_access/linux/aide")},
#undef S
};

static bool inotify_parse(struct found *found, struct str text);
static bool aide_parse(struct found *found, struct str text);
static bool names_read(struct str word, enum change *ret, bool *ret_folder);
static void change_tell(struct found *found, enum change change, bool aide);

bool integrity_parse(struct found *found, struct str text)
{
    struct str program = found_program(found);
    text = str_trim(text);
    return (str_equal(program, STR("inotifywait")) && inotify_parse(found, text)) ||
           (str_equal(program, STR("aide")) && aide_parse(found, text));
}

/* "FOLDER/ EVENTS NAME", or "FILE EVENTS". */
static bool inotify_cut(struct str text, struct str *ret_place, struct str *ret_word,
                        struct str *ret_name)
{
    size_t end = text.size;
    while (end > 0 && text.data[end - 1] != '/') {
        end--;
    }
    if (end == 0 || text.data[0] != '/') {
        return false;
    }
    struct str rest = text_from(text, end);
    if (cursor_byte(&rest, ' ')) {
        *ret_place = str_slice(text, 0, end);
        *ret_word = str_cut(&rest, ' ');
        *ret_name = rest;
        return true;
    }
    size_t blank = text.size;
    while (blank > end && text.data[blank - 1] != ' ') {
        blank--;
    }
    *ret_place = str_slice(text, 0, blank > end ? blank - 1 : 0);
    *ret_word = text_from(text, blank);
    *ret_name = STR("");
    return blank > end;
}

static bool inotify_parse(struct found *found, struct str text)
{
    enum change change;
    bool folder;
    struct str place;
    struct str word;
    struct str name;
    if (!inotify_cut(text, &place, &word, &name) || !names_read(word, &change, &folder)) {
        return false;
    }
    if (name.size > 0) {
        struct arena *mem = found_mem(found);
        struct str path;
        if (mem != NULL && place.size + name.size <= 4096 &&
            arena_print(mem, &path, "%.*s%.*s", STR_ARG(place), STR_ARG(name)) == OK) {
            found_derive(found, STR("file.path"), path);
        }
        found_span(found, STR("file.name"), name);
        found_span(found, STR("file.directory"), place);
    } else {
        found_span(found, STR("file.path"), place);
    }
    found_derive(found, STR("file.type"), folder ? STR("dir") : STR("file"));
    change_tell(found, change, false);
    return true;
}

/* "CLOSE_WRITE,CLOSE": the first that means a change decides. */
static bool names_read(struct str word, enum change *ret, bool *ret_folder)
{
    enum change change = CHANGE_NONE;
    bool folder = false;
    if (word.size == 0 || word.size > 128) {
        return false;
    }
    while (word.size > 0) {
        struct str name = str_cut(&word, ',');
        size_t i = 0;
        while (i < sizeof events / sizeof events[0] && !str_equal(name, str_from(events[i].name))) {
            i++;
        }
        if (i == sizeof events / sizeof events[0]) {
            return false;
        }
        change = change == CHANGE_NONE ? events[i].change : change;
        folder = folder || str_equal(name, STR("ISDIR"));
    }
    *ret = change;
    *ret_folder = folder;
    return true;
}

static bool all_of(struct str text, const char *bytes)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr(bytes, text.data[i]) == NULL) {
            return false;
        }
    }
    return text.size > 0;
}

static bool aide_parse(struct found *found, struct str text)
{
    size_t colon = str_find(str_slice(text, 0, 40), STR(": /"));
    if (colon == STR_NONE || colon < 2) {
        return false;
    }
    struct str letters = str_slice(text, 1, colon - 1);
    if (!all_of(str_slice(text, 0, 1), "fdlbcpsDP|?!") ||
        !all_of(letters, " =<>.:+-lZbpugamcinHAXSECFRV")) {
        return false;
    }
    letters = str_trim(letters);
    enum change change = all_of(letters, "+") ? CREATED : all_of(letters, "-") ? DELETED : UPDATED;
    found_span(found, STR("file.path"), text_from(text, colon + 2));
    found_span(found, STR("aide.changes"), str_slice(text, 0, colon));
    found_derive(found, STR("file.type"), text.data[0] == 'd' ? STR("dir") : STR("file"));
    change_tell(found, change, true);
    return true;
}

static void change_tell(struct found *found, enum change change, bool aide)
{
    found_derive(found, STR("event.kind"), STR("event"));
    found_derive(found, STR("event.category"), STR("file"));
    found_derive(found, STR("event.type"), meanings[change].type);
    found_derive(found, STR("event.action"), meanings[change].action);
    found_class(found, aide ? meanings[change].aide : meanings[change].inotify);
}
