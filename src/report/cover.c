/*
 * The covering page of a delivery: what was asked, by whom and with whose approval, what is there,
 * what is missing, and how to check it without us.
 *
 * Always true: every number on it stands in the manifest too; long lists end with how many more
 * there are.
 */

#include "report/private.h"

#define ROWS_MAX  200
#define TEXT_SIZE 65536

struct cover_job {
    const struct report_cover *cover;
    enum language language;
    enum err err;
};

static void request_draw(struct pen *pen, const struct report_cover *cover)
{
    char from[PEN_NUMBER_SIZE];
    char to[PEN_NUMBER_SIZE];
    static const enum word formats[] = {WORD_REPORT_COVER_FORMAT_RAW,
                                        WORD_REPORT_COVER_FORMAT_NDJSON,
                                        WORD_REPORT_COVER_FORMAT_CSV};
    bool approved = wall_known(cover->approved);
    size_t format = str_equal(cover->format, STR("csv"))      ? 2
                    : str_equal(cover->format, STR("ndjson")) ? 1
                                                              : 0;
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_COVER_REQUEST));
    pen_fact(pen, WORD_REPORT_COVER_ASKED_BY, cover->asked_by, false);
    pen_fact(pen, WORD_REPORT_COVER_ASKED, pen_moment(pen, cover->asked, from), false);
    pen_fact(pen, WORD_REPORT_COVER_APPROVED_BY,
             approved ? cover->approved_by : pen_word(pen, WORD_REPORT_COVER_NOT_APPROVED), false);
    if (approved) {
        pen_fact(pen, WORD_REPORT_COVER_APPROVED, pen_moment(pen, cover->approved, from), false);
    }
    pen_fact(pen, WORD_REPORT_COVER_PURPOSE, cover->purpose, false);
    const struct words_value span[] = {{"from", pen_moment(pen, cover->from, from)},
                                       {"to", pen_moment(pen, cover->to, to)}};
    pen_fact(pen, WORD_REPORT_COVER_PERIOD, pen_print(pen, WORD_REPORT_COVER_SPAN, span, 2), false);
    if (cover->to.ns > cover->now.ns) { /* nobody has what comes after */
        const struct words_value made = {"made", pen_moment(pen, cover->now, from)};
        pen_fact(pen, WORD_REPORT_COVER_UNTIL,
                 pen_print(pen, WORD_REPORT_COVER_UNTIL_MADE, &made, 1), false);
    }
    pen_fact(pen, WORD_REPORT_COVER_SOURCES,
             cover->wanted.size > 0 ? cover->wanted : pen_word(pen, WORD_REPORT_COVER_ALL_SOURCES),
             false);
    pen_fact(pen, WORD_REPORT_COVER_QUERY,
             cover->query.size > 0 ? cover->query : pen_word(pen, WORD_REPORT_COVER_ALL_LINES),
             false);
    pen_fact(pen, WORD_REPORT_COVER_FORMAT, pen_word(pen, formats[format]), false);
}

static void counted(struct pen *pen, enum word name, enum word sentence, uint64_t count)
{
    char text[PEN_NUMBER_SIZE];
    const struct words_value value = {"count", pen_number(count, text)};
    if (count > 0) {
        pen_fact(pen, name, pen_print(pen, sentence, &value, 1), false);
    }
}

static void content_draw(struct pen *pen, const struct report_cover *cover)
{
    char texts[3][PEN_NUMBER_SIZE];
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_COVER_CONTENT));
    pen_fact(pen, WORD_REPORT_COVER_LINES, pen_number(cover->lines, texts[0]), false);
    pen_fact(pen, WORD_REPORT_COVER_BYTES, pen_size(cover->bytes, texts[0]), false);
    pen_fact(pen, WORD_REPORT_COVER_MADE, pen_moment(pen, cover->now, texts[0]), false);
    const struct words_value proof[] = {{"leaves", pen_number(cover->leaves, texts[0])},
                                        {"heads", pen_number(cover->heads, texts[1])},
                                        {"stamps", pen_number(cover->stamps, texts[2])}};
    pen_fact(pen, WORD_REPORT_COVER_PROOF,
             cover->proof ? pen_print(pen, WORD_REPORT_COVER_PROOF_SOME, proof, 3)
                          : pen_word(pen, WORD_REPORT_COVER_PROOF_NONE),
             false);
    counted(pen, WORD_REPORT_COVER_UNSIGNED, WORD_REPORT_COVER_UNSIGNED_SOME,
            cover->unsigned_lines);
    counted(pen, WORD_REPORT_COVER_GONE, WORD_REPORT_COVER_GONE_SOME, cover->gone);
}

static void more_draw(struct pen *pen, size_t count)
{
    char text[PEN_NUMBER_SIZE];
    const struct words_value value = {"count", pen_number(count, text)};
    sheet_table_end(pen->sheet);
    if (count > 0) {
        sheet_text(pen->sheet, pen_print(pen, WORD_REPORT_COVER_MORE, &value, 1));
    }
}

static void sources_draw(struct pen *pen, const struct report_cover *cover)
{
    const struct sheet_column columns[] = {
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_SOURCE), 0.26, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_LINES), 0.12, true, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_BYTES), 0.14, true, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_OLDEST), 0.24, true, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_NEWEST), 0.24, true, false},
    };
    size_t shown = cover->sources_count < ROWS_MAX ? cover->sources_count : ROWS_MAX;
    if (shown == 0) {
        return;
    }
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_COVER_BY_SOURCE));
    sheet_table_begin(pen->sheet, columns, 5);
    for (size_t i = 0; i < shown; i++) {
        const struct report_source *source = &cover->sources[i];
        char texts[4][PEN_NUMBER_SIZE];
        const struct str cells[] = {
            source->name, pen_number(source->lines, texts[0]), pen_number(source->bytes, texts[1]),
            pen_moment(pen, source->oldest, texts[2]), pen_moment(pen, source->newest, texts[3])};
        sheet_table_row(pen->sheet, cells);
    }
    more_draw(pen, cover->sources_count - shown);
}

static void gaps_draw(struct pen *pen, const struct report_cover *cover)
{
    const struct sheet_column columns[] = {
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_SOURCE), 0.22, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_FROM), 0.24, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_TO), 0.24, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_WHAT), 0.30, false, false},
    };
    size_t shown = cover->gaps_count < ROWS_MAX ? cover->gaps_count : ROWS_MAX;
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_COVER_GAPS));
    if (shown == 0) {
        sheet_text(pen->sheet, pen_word(pen, WORD_REPORT_COVER_GAPS_NONE));
        return;
    }
    sheet_table_begin(pen->sheet, columns, 4);
    for (size_t i = 0; i < shown; i++) {
        const struct report_gap *gap = &cover->gaps[i];
        char from[PEN_NUMBER_SIZE];
        char to[PEN_NUMBER_SIZE];
        const struct str cells[] = {gap->source, pen_moment(pen, gap->from, from),
                                    pen_moment(pen, gap->to, to), gap->what};
        sheet_table_row(pen->sheet, cells);
    }
    more_draw(pen, cover->gaps_count - shown);
}

static void parts_draw(struct pen *pen, const struct report_cover *cover)
{
    const struct sheet_column columns[] = {
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_PART), 0.24, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_SIZE), 0.16, true, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_HASH), 0.60, false, true},
    };
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_COVER_PARTS));
    sheet_table_begin(pen->sheet, columns, 3);
    for (size_t i = 0; i < cover->parts_count && i < ROWS_MAX; i++) {
        char size[PEN_NUMBER_SIZE];
        const struct str cells[] = {cover->parts[i].name, pen_number(cover->parts[i].size, size),
                                    cover->parts[i].sha256};
        sheet_table_row(pen->sheet, cells);
    }
    sheet_table_end(pen->sheet);
}

static void cover_draw(struct sheet *sheet, void *context)
{
    struct cover_job *job = context;
    const struct report_cover *cover = job->cover;
    struct pen pen = {.sheet = sheet, .language = job->language};
    buf_init(&pen.text, TEXT_SIZE);
    const struct words_value under[] = {{"client", cover->client}, {"number", cover->number}};
    sheet_title(sheet, pen_word(&pen, WORD_REPORT_COVER_TITLE),
                pen_print(&pen, WORD_REPORT_COVER_UNDER, under, 2));
    sheet_text(sheet, pen_word(&pen, WORD_REPORT_COVER_INTRO));
    sheet_text(sheet, pen_word(&pen, WORD_REPORT_COVER_TIMES));
    request_draw(&pen, cover);
    content_draw(&pen, cover);
    sources_draw(&pen, cover);
    gaps_draw(&pen, cover);
    parts_draw(&pen, cover);
    sheet_heading(sheet, pen_word(&pen, WORD_REPORT_COVER_CHECK));
    sheet_text(sheet, pen_word(&pen, WORD_REPORT_COVER_CHECK_TEXT));
    if (cover->anchor.size > 0) {
        pen_fact(&pen, WORD_REPORT_COVER_ANCHOR, cover->anchor, true);
    }
    job->err = pen.err;
    buf_done(&pen.text);
}

enum err report_cover(const struct report_cover *cover, struct buf *out, struct why *why)
{
    struct cover_job job = {.cover = cover, .language = cover->language};
    struct buf foot;
    struct buf pdf;
    const struct words_value values[] = {{"version", cover->version}, {"number", cover->number}};
    buf_init(&foot, TEXT_SIZE);
    buf_init(&pdf, (size_t)32 << 20);
    enum err err = words_print(&foot, cover->language, WORD_REPORT_COVER_FOOT, values, 2);
    if (err == OK) {
        const struct sheet_settings settings = {
            .language = cover->language,
            .title = words_text(WORD_REPORT_COVER_TITLE, cover->language),
            .foot = buf_str(&foot),
            .now = cover->now};
        err = sheet_print(&settings, cover_draw, &job, &pdf, why);
    }
    err = err == OK ? job.err : err;
    err = err == OK ? buf_append(out, buf_str(&pdf)) : err;
    buf_done(&foot);
    buf_done(&pdf);
    return err;
}
