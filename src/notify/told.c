/*
 * What a notice says: its values, as the room that wanted it gave them, and the sentences around
 * them.
 *
 *     subject     one line
 *     body        greeting; what happened; what is asked of the reader; 攻撃概要, 検知情報, 分析例,
 * 推奨される対応例; the link; what comes if nobody answers; who else was told spoken      one short
 * sentence for a telephone
 *
 * Values come in three sorts: our own words, chosen by a slug (type, severity); texts of the
 * client's documents and of people, which end in _ja or _en or are options (lines and links
 * stay); and everything else, which may be an attacker's.
 *
 * Always true: every text of a notice passes text_shown before it stands in a letter; together they
 * are cut so that a letter stays under OUTBOX_BODY_SIZE_MAX; a value that is missing is told as
 * missing and is never an error, since a person has to hear all the same.
 */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "notify/private.h"

#define SHORT_CHARACTERS 160
#define LONG_CHARACTERS  1000
#define ALL_CHARACTERS   2000                       /* of proposed countermeasures */
#define LINES_MAX        5                          /* of a value in 検知情報 */
#define JAPAN_NS         (9 * 3600 * NS_PER_SECOND) /* no summer time since 1951 */
#define PLACES           15

/* ---- Values. */

struct reading {
    struct str json;
    struct arena *mem;
    struct told told;
    enum err err;
};

static void value_told(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct reading *reading = context;
    struct told *told = &reading->told;
    if (reading->err != OK || kind != JSON_STRING || told->count == NOTICE_VALUES_MAX) {
        return;
    }
    struct notice_value *value = &told->list[told->count];
    reading->err = arena_copy(reading->mem, path, &value->name);
    if (reading->err == OK) {
        reading->err =
            json_unescape(str_slice(reading->json, offset, size), reading->mem, &value->text);
    }
    told->count += reading->err == OK;
}

enum err told_read(struct str json, struct arena *mem, struct told *ret)
{
    struct reading reading = {.mem = mem};
    reading.told.list = ARENA_ARRAY(mem, struct notice_value, NOTICE_VALUES_MAX);
    if (reading.told.list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = arena_copy(mem, json, &reading.json);
    if (err == OK) {
        err = json_walk(reading.json, value_told, &reading, NULL) == OK ? OK : ERR_CORRUPT;
    }
    if (err == OK) {
        err = reading.err;
    }
    if (err == OK) {
        *ret = reading.told;
    }
    return err;
}

struct str told_get(const struct told *told, const char *name)
{
    for (size_t i = 0; i < told->count; i++) {
        if (str_equal(told->list[i].name, str_from(name))) {
            return told->list[i].text;
        }
    }
    return (struct str){0};
}

/* "asset_ja", or where there is none "asset". */
static struct str told_in(const struct told *told, const char *name, enum language language)
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s_%s", name, language_text(language));
    struct str text = told_get(told, full);
    return text.size > 0 ? text : told_get(told, name);
}

/* ---- Words that data choose. */

static bool word_of(const char *before, struct str slug, const char *after, enum word *ret)
{
    char key[256];
    int size = snprintf(key, sizeof key, "%s%.*s%s", before, STR_ARG(slug), after);
    return size > 0 && size < (int)sizeof key && words_find(str_from(key), ret);
}

struct str told_type(const struct told *told, enum language language)
{
    enum word word;
    struct str slug = told_get(told, "type");
    if (slug.size > 0 && word_of("type.", slug, ".name", &word)) {
        return words_text(word, language);
    }
    return slug.size > 0 ? slug : words_text(WORD_TYPE_SUSPICIOUS_NAME, language);
}

static struct str severity_of(const struct letter *letter, enum language language)
{
    enum word word;
    struct str slug = str_from(level_text(letter->notice->severity));
    return word_of("level.", slug, "", &word) ? words_text(word, language) : slug;
}

static struct str target_of(const struct told *told, enum language language)
{
    struct str asset = told_in(told, "asset", language);
    if (asset.size == 0) {
        asset = told_get(told, "inside");
    }
    if (asset.size == 0) {
        asset = told_get(told, "outside");
    }
    return asset.size > 0 ? asset : words_text(WORD_MAIL_UNKNOWN_TARGET, language);
}

static enum err shown(struct str text, bool paragraphs, size_t characters_max, struct arena *mem,
                      struct str *ret)
{
    struct buf out;
    buf_init(&out, 64 * 1024);
    enum err err = text_shown(text, paragraphs, characters_max, &out);
    if (err == OK) {
        err = arena_copy(mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

enum err told_time(struct wall wall, enum language language, struct arena *mem, struct str *ret)
{
    struct civil at;
    struct buf out;
    char texts[5][16];
    time_to_civil((struct wall){wall.ns + JAPAN_NS}, &at);
    const int numbers[] = {at.year, at.month, at.day, at.hour, at.minute};
    for (int i = 0; i < 5; i++) {
        bool bare = i == 0 || (language == LANGUAGE_JA && i < 3);
        (void)snprintf(texts[i], sizeof texts[i], bare ? "%d" : "%02d", numbers[i]);
    }
    const struct words_value values[] = {
        {"year", str_from(texts[0])}, {"month", str_from(texts[1])},  {"day", str_from(texts[2])},
        {"hour", str_from(texts[3])}, {"minute", str_from(texts[4])},
    };
    buf_init(&out, 256);
    enum err err = words_print(&out, language, WORD_MAIL_TIME, values, 5);
    if (err == OK) {
        err = arena_copy(mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

/* A moment of the notice in the reader's form; one that is none as it is. */
static enum err time_shown(struct str text, enum language language, struct arena *mem,
                           struct str *ret)
{
    struct wall wall;
    return time_parse(text, &wall) == OK ? told_time(wall, language, mem, ret)
                                         : shown(text, false, SHORT_CHARACTERS, mem, ret);
}

/* The placeholders of words/notice.yaml. */
static enum err places_fill(const struct letter *letter, enum language language, struct arena *mem,
                            struct words_value places[PLACES])
{
    static const char *const plain[] = {"number", "alerts",    "proposal",
                                        "other",  "days_left", "days_promised"};
    static const char *const times[] = {"detected", "decide_by", "due", "ended"};
    const struct told *told = &letter->notice->told;
    struct words_value *at = places;
    enum err err = OK;
    *at++ = (struct words_value){"client", letter->client[language]};
    *at++ = (struct words_value){"type", told_type(told, language)};
    *at++ = (struct words_value){"severity", severity_of(letter, language)};
    *at++ = (struct words_value){"target", target_of(told, language)};
    *at++ = (struct words_value){"metric", told_in(told, "metric", language)};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        *at++ = (struct words_value){plain[i], told_get(told, plain[i])};
    }
    for (size_t i = 0; i < PLACES && err == OK; i++) {
        bool time = i >= PLACES - 4;
        if (time) {
            places[i] = (struct words_value){times[i - (PLACES - 4)],
                                             told_get(told, times[i - (PLACES - 4)])};
        }
        if (places[i].text.size == 0) {
            places[i].text = words_text(WORD_MAIL_NOTHING, language);
        } else {
            err = time ? time_shown(places[i].text, language, mem, &places[i].text)
                       : shown(places[i].text, false, SHORT_CHARACTERS, mem, &places[i].text);
        }
    }
    return err;
}

enum err letter_sentence(const struct letter *letter, enum language language, enum letter_text text,
                         struct arena *mem, struct buf *out)
{
    static const char *const after[] = {".subject", ".happened", ".spoken"};
    static const enum word general[] = {WORD_NOTICE_GENERAL_SUBJECT, WORD_NOTICE_GENERAL_HAPPENED,
                                        WORD_NOTICE_GENERAL_SPOKEN};
    struct words_value places[PLACES];
    enum word word;
    if (!word_of("notice.", letter->notice->purpose, after[text], &word)) {
        word = general[text];
    }
    enum err err = places_fill(letter, language, mem, places);
    return err == OK ? words_print(out, language, word, places, PLACES) : err;
}

/* ---- The body. */

struct writing {
    const struct letter *letter;
    enum language language;
    struct arena *mem;
    struct buf *out;
};

static enum err heading(const struct writing *writing, enum word word)
{
    const struct words_value title = {"title", words_text(word, writing->language)};
    enum err err = buf_append_byte(writing->out, '\n');
    if (err == OK) {
        err = words_print(writing->out, writing->language, WORD_MAIL_HEADING, &title, 1);
    }
    return err == OK ? buf_append_byte(writing->out, '\n') : err;
}

static enum err line(const struct writing *writing, struct str text)
{
    enum err err = buf_append(writing->out, text);
    return err == OK ? buf_append_byte(writing->out, '\n') : err;
}

/* One sentence of the frame with one value, and the line's end. */
static enum err sentence(const struct writing *writing, enum word word, const char *name,
                         struct str text)
{
    const struct words_value value = {name, text};
    enum err err = words_print(writing->out, writing->language, word, &value, 1);
    return err == OK ? buf_append_byte(writing->out, '\n') : err;
}

/* Several lines, as those of `rules`, in one. */
static enum err lines_shown(struct str text, struct arena *mem, struct str *ret)
{
    struct buf out;
    enum err err = OK;
    text = str_slice(str_trim(text), 0, NOTICE_VALUE_SIZE_MAX);
    buf_init(&out, 64 * 1024);
    for (size_t i = 0; text.size > 0 && i < LINES_MAX && err == OK; i++) {
        err = i > 0 ? buf_append(&out, STR(" / ")) : OK;
        if (err == OK) {
            err = text_shown(str_cut(&text, '\n'), false, SHORT_CHARACTERS, &out);
        }
    }
    if (err == OK) {
        err = arena_copy(mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

/* A line of 検知情報; nothing where nothing is known. */
static enum err field(const struct writing *writing, enum word name, struct str text, bool time)
{
    struct str value;
    if (text.size == 0) {
        return OK;
    }
    enum err err = time ? time_shown(text, writing->language, writing->mem, &value)
                        : lines_shown(text, writing->mem, &value);
    const struct words_value values[] = {{"name", words_text(name, writing->language)},
                                         {"value", err == OK ? value : text}};
    if (err == OK) {
        err = words_print(writing->out, writing->language, WORD_MAIL_LINE, values, 2);
    }
    return err == OK ? buf_append_byte(writing->out, '\n') : err;
}

static enum err detected_block(const struct writing *writing)
{
    const struct told *told = &writing->letter->notice->told;
    enum language language = writing->language;
    const struct {
        enum word name;
        struct str text;
        bool time;
    } fields[] = {
        {WORD_MAIL_FIELD_NUMBER, told_get(told, "number"), false},
        {WORD_MAIL_FIELD_TYPE, told_type(told, language), false},
        {WORD_MAIL_FIELD_SEVERITY, severity_of(writing->letter, language), false},
        {WORD_MAIL_FIELD_ASSET, told_in(told, "asset", language), false},
        {WORD_MAIL_FIELD_ZONE, told_in(told, "zone", language), false},
        {WORD_MAIL_FIELD_OWNER, told_in(told, "owner", language), false},
        {WORD_MAIL_FIELD_INSIDE, told_get(told, "inside"), false},
        {WORD_MAIL_FIELD_OUTSIDE, told_get(told, "outside"), false},
        {WORD_MAIL_FIELD_OTHER, told_get(told, "other"), false},
        {WORD_MAIL_FIELD_DETAIL, told_get(told, "detail"), false},
        {WORD_MAIL_FIELD_DETECTED, told_get(told, "detected"), true},
        {WORD_MAIL_FIELD_ALERTS, told_get(told, "alerts"), false},
        {WORD_MAIL_FIELD_RULES, told_get(told, "rules"), false},
        {WORD_MAIL_FIELD_DECIDE_BY, told_get(told, "decide_by"), true},
        {WORD_MAIL_FIELD_ENDED, told_get(told, "ended"), true},
    };
    enum err err = heading(writing, WORD_MAIL_BLOCK_DETECTED);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && err == OK; i++) {
        err = field(writing, fields[i].name, fields[i].text, fields[i].time);
    }
    return err;
}

/* A text of our words for the type of incident, after its heading. */
static enum err type_block(const struct writing *writing, enum word title, const char *part)
{
    enum word word;
    struct str type = told_get(&writing->letter->notice->told, "type");
    enum err err = heading(writing, title);
    if (err == OK && !word_of("type.", type, part, &word) &&
        !word_of("type.", STR("suspicious"), part, &word)) {
        return line(writing, words_text(WORD_MAIL_NOTHING, writing->language));
    }
    return err == OK ? line(writing, words_text(word, writing->language)) : err;
}

/* What the reader has to do besides reading, and where; nothing for most purposes. */
static bool task_of(const struct letter *letter, enum word *ret)
{
    struct str purpose = letter->notice->purpose;
    if (str_equal(purpose, STR("return-wanted"))) {
        *ret = WORD_MAIL_TASK_RETURN;
        return true;
    }
    *ret = WORD_MAIL_TASK_DECIDE;
    return str_equal(purpose, STR("decision-wanted")) ||
           str_equal(purpose, STR("decision-overdue"));
}

/* What the client's criteria say first, then the general advice. */
static enum err advice_block(const struct writing *writing)
{
    const struct told *told = &writing->letter->notice->told;
    struct str action = told_in(told, "action", writing->language);
    struct str explanation = told_in(told, "explanation", writing->language);
    bool authorised = str_equal(told_get(told, "authorised"), STR("yes"));
    enum word word;
    bool proposed = task_of(writing->letter, &word); /* what is advised now are the proposals */
    enum err err = type_block(writing, WORD_MAIL_BLOCK_ADVICE, ".advice");
    if (err == OK && action.size > 0 && !proposed) {
        err = shown(action, true, LONG_CHARACTERS, writing->mem, &action);
        if (err == OK) {
            err =
                sentence(writing, authorised ? WORD_MAIL_ACTION_AUTHORISED : WORD_MAIL_ACTION_ASKED,
                         "action", action);
        }
    }
    if (err == OK && explanation.size > 0) {
        err = shown(explanation, true, LONG_CHARACTERS, writing->mem, &explanation);
        if (err == OK) {
            err = sentence(writing, WORD_MAIL_EXPLANATION, "text", explanation);
        }
    }
    return err;
}

/* A text that people wrote, if there is one. */
static enum err text_block(const struct writing *writing, enum word title, const char *name)
{
    struct str text = told_in(&writing->letter->notice->told, name, writing->language);
    if (text.size == 0) {
        return OK;
    }
    enum err err = heading(writing, title);
    if (err == OK) {
        err = shown(text, true, ALL_CHARACTERS, writing->mem, &text);
    }
    return err == OK ? line(writing, text) : err;
}

/* Where in the portal it is to be read: the incident's own page, where it is about one. */
static struct str page_of(const struct letter *letter)
{
    return letter->page.size > 0 ? letter->page : buf_str(&letter->notify->portal);
}

static enum err page_block(const struct writing *writing)
{
    if (writing->letter->page.size == 0) {
        return OK;
    }
    enum err err = heading(writing, WORD_MAIL_BLOCK_PAGE);
    if (err == OK) {
        err = line(writing, words_text(WORD_MAIL_PAGE, writing->language));
    }
    return err == OK ? line(writing, writing->letter->page) : err;
}

static enum err task_block(const struct writing *writing)
{
    enum word word;
    if (!task_of(writing->letter, &word)) {
        return OK;
    }
    enum err err = heading(writing, WORD_MAIL_BLOCK_TASK);
    return err == OK ? sentence(writing, word, "portal", page_of(writing->letter)) : err;
}

static enum err wait_print(const struct writing *writing, enum word word)
{
    int64_t minutes = (writing->letter->hearers->wait_ms + 59999) / 60000;
    bool hours = minutes % 60 == 0 && minutes > 0;
    char number[32];
    struct buf wait;
    (void)snprintf(number, sizeof number, "%lld", (long long)(hours ? minutes / 60 : minutes));
    const struct words_value count = {"count", str_from(number)};
    buf_init(&wait, 256);
    enum err err = words_print(&wait, writing->language,
                               hours ? WORD_MAIL_HOURS : WORD_MAIL_MINUTES, &count, 1);
    if (err == OK) {
        err = sentence(writing, word, "wait", buf_str(&wait));
    }
    buf_done(&wait);
    return err;
}

static enum err acknowledge_block(const struct writing *writing)
{
    const struct letter *letter = writing->letter;
    uint64_t steps = letter->hearers->steps;
    uint64_t taken = letter->notice->climbed + 1;
    enum word word;
    if (letter->link.size == 0 && task_of(letter, &word)) {
        return OK; /* an answer is wanted, only not to this mail */
    }
    if (letter->link.size == 0) {
        enum err err = buf_append_byte(writing->out, '\n');
        return err == OK ? line(writing, words_text(WORD_MAIL_WAIT_NONE, writing->language)) : err;
    }
    enum err err = heading(writing, WORD_MAIL_BLOCK_ACKNOWLEDGE);
    if (err == OK) {
        err = line(writing, words_text(WORD_MAIL_ACKNOWLEDGE, writing->language));
    }
    if (err == OK) {
        err = line(writing, letter->link);
    }
    if (err == OK) {
        err = wait_print(writing, taken >= steps * ROUNDS_MAX ? WORD_MAIL_WAIT_END
                                  : taken % steps == 0        ? WORD_MAIL_WAIT_AGAIN
                                                              : WORD_MAIL_WAIT_NEXT);
    }
    return err;
}

static enum err recipients_block(const struct writing *writing)
{
    const struct hearers *hearers = writing->letter->hearers;
    enum err err = heading(writing, WORD_MAIL_BLOCK_RECIPIENTS);
    for (size_t i = 0; i < hearers->count && err == OK; i++) {
        const struct hearer *hearer = &hearers->list[i];
        bool mail = hearer->kind == OUTBOX_MAIL;
        struct str name;
        if (hearer->passed.size > 0) {
            continue;
        }
        err = shown(hearer->name[writing->language], false, SHORT_CHARACTERS, writing->mem, &name);
        if (err == OK) {
            err = buf_print(writing->out, mail ? "%.*s <%.*s>\n" : "%.*s\n", STR_ARG(name),
                            STR_ARG(hearer->to));
        }
    }
    return err;
}

static enum err opening(const struct writing *writing)
{
    const struct letter *letter = writing->letter;
    struct str deputy = letter->hearer->deputy_of[writing->language];
    struct str name;
    enum err err = shown(letter->hearer->name[writing->language], false, SHORT_CHARACTERS,
                         writing->mem, &name);
    if (err == OK && letter->hearer->kind == OUTBOX_MAIL) {
        err = sentence(writing, WORD_MAIL_GREETING, "name", name);
        if (err == OK) {
            err = buf_append_byte(writing->out, '\n');
        }
    }
    if (err == OK) {
        err =
            letter_sentence(letter, writing->language, LETTER_HAPPENED, writing->mem, writing->out);
    }
    if (err == OK) {
        err = buf_append_byte(writing->out, '\n');
    }
    if (err == OK && deputy.size > 0) {
        err = shown(deputy, false, SHORT_CHARACTERS, writing->mem, &name);
        if (err == OK) {
            err = sentence(writing, WORD_MAIL_DEPUTY, "name", name);
        }
    }
    if (err == OK && letter->hearers->fallback) {
        err = line(writing, words_text(WORD_MAIL_FALLBACK, writing->language));
    }
    return err;
}

/* When an attack is over, or a clock is what it is about, its advice would mislead. */
static bool about_attack(struct str purpose)
{
    static const char *const others[] = {"return-wanted", "incident-returned", "clock-warning",
                                         "clock-breach",  "incident-recurred", "notice-unanswered",
                                         "action-taken"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (str_equal(purpose, str_from(others[i]))) {
            return false;
        }
    }
    return true;
}

/* The four blocks of the guideline. */
static enum err attack_blocks(const struct writing *writing)
{
    enum err err = type_block(writing, WORD_MAIL_BLOCK_OVERVIEW, ".overview");
    if (err == OK) {
        err = detected_block(writing);
    }
    if (err == OK) {
        err = type_block(writing, WORD_MAIL_BLOCK_ANALYSIS, ".analysis");
    }
    return err == OK ? advice_block(writing) : err;
}

/* Of a device: what it means, what is known, what to look at. */
static enum err device_blocks(const struct writing *writing)
{
    enum err err = type_block(writing, WORD_MAIL_BLOCK_MEANING, ".overview");
    if (err == OK) {
        err = detected_block(writing);
    }
    return err == OK ? type_block(writing, WORD_MAIL_BLOCK_LOOK, ".advice") : err;
}

enum err letter_body(const struct letter *letter, enum language language, struct arena *mem,
                     struct buf *out)
{
    const struct writing writing = {letter, language, mem, out};
    enum err err = opening(&writing);
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_OPTIONS, "options");
    }
    if (err == OK) {
        err = task_block(&writing);
    }
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_CHECKS, "checks");
    }
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_TAKEN, "taken");
    }
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_REPORT, "report");
    }
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_REASON, "reason");
    }
    if (err == OK) {
        err = text_block(&writing, WORD_MAIL_BLOCK_HEAD, "head");
    }
    if (err == OK && told_get(&letter->notice->told, "head").size == 0) {
        err = str_equal(letter->notice->subject_kind, STR(AILMENT_KIND)) ? device_blocks(&writing)
              : about_attack(letter->notice->purpose)                    ? attack_blocks(&writing)
                                                                         : detected_block(&writing);
    }
    if (err == OK) {
        err = page_block(&writing);
    }
    if (err == OK) {
        err = acknowledge_block(&writing);
    }
    if (err == OK) {
        err = recipients_block(&writing);
    }
    if (err == OK) {
        err = buf_append(out, STR("\n-- \n"));
    }
    return err == OK ? line(&writing, words_text(WORD_MAIL_FOOTER, language)) : err;
}
