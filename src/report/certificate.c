/*
 * The certificate that a client's data were destroyed.  What is signed is the certificate in JSON,
 * which whoever destroyed them wrote; this is the same for people, with its hash and signature.
 */

#include "report/private.h"

#define TEXT_SIZE 65536

struct certificate_job {
    const struct report_certificate *certificate;
    enum err err;
};

/* Who, and when. */
static void who_draw(struct pen *pen, enum word name, struct str who, struct wall at)
{
    char text[PEN_NUMBER_SIZE];
    const struct words_value values[] = {{"who", who}, {"at", pen_moment(pen, at, text)}};
    pen_fact(pen, name, pen_print(pen, WORD_REPORT_CERTIFICATE_AT, values, 2), false);
}

static void decided_draw(struct pen *pen, const struct report_certificate *it)
{
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_CERTIFICATE_REQUEST));
    who_draw(pen, WORD_REPORT_CERTIFICATE_ASKED_BY, it->asked_by, it->asked);
    pen_fact(pen, WORD_REPORT_CERTIFICATE_REASON, it->reason, false);
    who_draw(pen, WORD_REPORT_CERTIFICATE_CLIENT_BY, it->client_by, it->client_at);
    who_draw(pen, WORD_REPORT_CERTIFICATE_PROVIDER_BY, it->provider_by, it->provider_at);
}

static void done_draw(struct pen *pen, const struct report_certificate *it)
{
    char text[PEN_NUMBER_SIZE];
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_CERTIFICATE_EXPORT));
    pen_fact(pen, WORD_REPORT_CERTIFICATE_EXPORT_SIZE, pen_size(it->export_size, text), false);
    pen_fact(pen, WORD_REPORT_CERTIFICATE_EXPORT_EVENTS, pen_number(it->events, text), false);
    pen_fact(pen, WORD_REPORT_CERTIFICATE_EXPORT_HASH, it->export_sha256, true);
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_CERTIFICATE_DONE));
    pen_fact(pen, WORD_REPORT_CERTIFICATE_DESTROYED, pen_moment(pen, it->destroyed, text), false);
    pen_fact(pen, WORD_REPORT_CERTIFICATE_FILES, pen_number(it->files, text), false);
    pen_fact(pen, WORD_REPORT_CERTIFICATE_ROWS, pen_number(it->rows, text), false);
    if (it->keys_count == 0) {
        return;
    }
    const struct sheet_column columns[] = {
        {pen_word(pen, WORD_REPORT_CERTIFICATE_COLUMN_KEY), 0.30, false, false},
        {pen_word(pen, WORD_REPORT_COVER_COLUMN_HASH), 0.70, false, true}};
    sheet_heading(pen->sheet, pen_word(pen, WORD_REPORT_CERTIFICATE_KEYS));
    sheet_table_begin(pen->sheet, columns, 2);
    for (size_t i = 0; i < it->keys_count; i++) {
        const struct str cells[] = {it->keys[i].name, it->keys[i].sha256};
        sheet_table_row(pen->sheet, cells);
    }
    sheet_table_end(pen->sheet);
}

static void certificate_draw(struct sheet *sheet, void *context)
{
    struct certificate_job *job = context;
    const struct report_certificate *it = job->certificate;
    struct pen pen = {.sheet = sheet, .language = it->language};
    buf_init(&pen.text, TEXT_SIZE);
    const struct words_value under[] = {{"client", it->client}, {"number", it->number}};
    sheet_title(sheet, pen_word(&pen, WORD_REPORT_CERTIFICATE_TITLE),
                pen_print(&pen, WORD_REPORT_CERTIFICATE_UNDER, under, 2));
    sheet_text(sheet, pen_word(&pen, WORD_REPORT_CERTIFICATE_INTRO));
    decided_draw(&pen, it);
    done_draw(&pen, it);
    sheet_heading(sheet, pen_word(&pen, WORD_REPORT_CERTIFICATE_REMAINS));
    sheet_text(sheet, pen_word(&pen, WORD_REPORT_CERTIFICATE_REMAINS_TEXT));
    sheet_heading(sheet, pen_word(&pen, WORD_REPORT_CERTIFICATE_SIGNATURE));
    pen_fact(&pen, WORD_REPORT_CERTIFICATE_DIGEST, it->digest, true);
    pen_fact(&pen, WORD_REPORT_CERTIFICATE_PUBLIC_KEY, it->public_key, true);
    pen_fact(&pen, WORD_REPORT_CERTIFICATE_SEALED, it->signature, true);
    job->err = pen.err;
    buf_done(&pen.text);
}

enum err report_certificate(const struct report_certificate *certificate, struct buf *out,
                            struct why *why)
{
    struct certificate_job job = {.certificate = certificate};
    struct buf foot;
    const struct words_value values[] = {{"version", certificate->version},
                                         {"number", certificate->number}};
    buf_init(&foot, TEXT_SIZE);
    enum err err =
        words_print(&foot, certificate->language, WORD_REPORT_CERTIFICATE_FOOT, values, 2);
    if (err == OK) {
        const struct sheet_settings settings = {
            .language = certificate->language,
            .title = words_text(WORD_REPORT_CERTIFICATE_TITLE, certificate->language),
            .foot = buf_str(&foot),
            .now = certificate->now};
        err = sheet_print(&settings, certificate_draw, &job, out, why);
    }
    buf_done(&foot);
    return err == OK ? job.err : err;
}
