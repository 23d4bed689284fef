/* Any bytes as the values of a notice: a mail of short printable lines comes out, whose headers are
 * ours, and the text shown is UTF-8 without controls. */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "notify/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_lines(struct str mail, size_t *ret_headers)
{
    bool head = true;
    *ret_headers = 0;
    while (mail.size > 0) {
        size_t end = str_find(mail, STR("\r\n"));
        demand(end != STR_NONE && end <= 76);
        for (size_t i = 0; i < end; i++) {
            demand(mail.data[i] >= ' ' && mail.data[i] <= '~');
        }
        *ret_headers += head && end > 0 && mail.data[0] != ' ';
        head = head && end > 0;
        mail = str_slice(mail, end + 2, SIZE_MAX);
    }
}

static void check_shown(struct str bytes)
{
    struct buf out;
    buf_init(&out, 8 * bytes.size + 64);
    demand(text_shown(bytes, false, 1000, &out) == OK);
    for (struct str rest = buf_str(&out); rest.size > 0;) {
        size_t size = utf8_sequence(rest);
        demand(size > 1 || (size == 1 && rest.data[0] >= ' ' && rest.data[0] <= '~'));
        rest = str_slice(rest, size, SIZE_MAX);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"number", "type",     "asset_ja", "other",
                                        "rules",  "detected", "options",  "explanation_en"};
    struct notice_value values[8];
    struct str rest = str_of(data, size < NOTICE_VALUE_SIZE_MAX ? size : NOTICE_VALUE_SIZE_MAX);
    struct arena *mem = arena_new(16 << 20);
    struct notify notify = {.mem = mem};
    struct str mail;
    size_t headers;
    for (size_t i = 0; i < 8; i++) {
        values[i] = (struct notice_value){str_from(names[i]), str_cut(&rest, '\0')};
        check_shown(values[i].text);
    }
    const struct notice_row notice = {.purpose = values[0].text,
                                      .severity = LEVEL_HIGH,
                                      .acknowledge = true,
                                      .told = {values, 8}};
    const struct hearer hearer = {.to = STR("a@b.example"),
                                  .name = {values[1].text, values[2].text},
                                  .language = size % 2 == 0 ? LANGUAGE_JA : LANGUAGE_EN};
    const struct hearers hearers = {.list = {hearer}, .count = 1, .steps = 1, .wait_ms = 60000};
    const struct letter letter = {.notify = &notify,
                                  .notice = &notice,
                                  .hearers = &hearers,
                                  .hearer = &hearer,
                                  .client = {values[3].text, values[4].text},
                                  .identity = STR("<m@b.example>"),
                                  .link = STR("https://b.example/acknowledge/x")};
    buf_init(&notify.sender, 64);
    demand(buf_append(&notify.sender, STR("w@b.example")) == OK);
    demand(mail_print(&letter, mem, &mail) == OK && mail.size <= OUTBOX_BODY_SIZE_MAX);
    check_lines(mail, &headers);
    demand(headers == 10);
    demand(hook_print(&letter, mem, &mail) == OK);
    buf_done(&notify.sender);
    arena_free(mem);
    return 0;
}
