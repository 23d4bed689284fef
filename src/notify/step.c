/*
 * One step of a chain as rows: for everybody in it a row of notice_step, and for those who are told
 * a message in the outbox, in one transaction.
 *
 * Always true: a message's identity is made once, here; a code of 32 random bytes leaves this
 * function only inside the message, and is kept as its SHA-256; a secret is named CLIENT.NAME, and
 * no slug holds a dot, so the documents of one client cannot have signed with that of another.
 */

#include <stdio.h>

#include "codec/crypto.h"
#include "notify/private.h"
#include "sys/random.h"

struct taking {
    const struct scope *scope;
    struct notify *notify;
    const struct notice_row *notice;
    const struct hearers *hearers;
    struct letter letter;
    struct str slug; /* the client's */
    struct str identity;
    struct sha256 code_hash;
    uint64_t message; /* 0: none */
};

static enum err count_of(struct statement *statement, uint64_t *ret);

enum err notice_messages(struct notify *notify, const struct notice_row *notice, uint64_t *ret)
{
    struct statement *statement;
    enum err err =
        LEDGER_QUERY(notify->ledger, "SELECT COUNT(*) FROM outbox WHERE client = ? AND notice = ?",
                     &statement, BIND_INT(notice->client.value), BIND_INT(notice->id));
    return err == OK ? count_of(statement, ret) : err;
}

static enum err steps_count(struct notify *notify, uint64_t notice, uint64_t *ret)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(notify->ledger, "SELECT COUNT(*) FROM notice_step WHERE notice = ?",
                                &statement, BIND_INT(notice));
    return err == OK ? count_of(statement, ret) : err;
}

static enum err count_of(struct statement *statement, uint64_t *ret)
{
    bool row;
    enum err err = statement_step(statement, &row);
    if (err == OK) {
        *ret = row ? (uint64_t)statement_int(statement, 0) : 0;
        statement_reset(statement);
    }
    return err;
}

static enum err client_names(struct notify *notify, struct client_id client,
                             struct str names[LANGUAGE_COUNT], struct str *ret_slug)
{
    struct client_info info;
    for (size_t i = 0; tenant_client_at(notify->tenant, i, &info); i++) {
        if (client_equal(info.id, client)) {
            names[LANGUAGE_JA] = info.name_ja.size > 0 ? info.name_ja : info.slug;
            names[LANGUAGE_EN] = info.name_en.size > 0 ? info.name_en : info.slug;
            *ret_slug = info.slug;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

/* "<n12.3.HEX@soc.example>" for a mail, "n12.3.HEX" for a hook. */
static enum err identity_make(struct taking *taking, enum outbox_kind kind, uint64_t number)
{
    struct str domain = buf_str(&taking->notify->sender);
    bool mail = kind == OUTBOX_MAIL;
    (void)str_cut(&domain, '@');
    return arena_print(taking->notify->scratch, &taking->identity, "%sn%llu.%llu.%016llx%s%.*s%s",
                       mail ? "<" : "", (unsigned long long)taking->notice->id,
                       (unsigned long long)number, (unsigned long long)random_u64(),
                       mail ? "@" : "", mail ? (int)domain.size : 0, domain.data, mail ? ">" : "");
}

static enum err code_make(struct taking *taking)
{
    unsigned char bytes[CODE_BYTES];
    struct buf code;
    random_bytes(bytes, sizeof bytes);
    buf_init(&code, 64);
    enum err err = base64_print(str_of(bytes, sizeof bytes), true, &code);
    if (err == OK) {
        taking->code_hash = sha256_of_bytes(buf_str(&code));
        err = arena_print(taking->notify->scratch, &taking->letter.link, "%.*s/acknowledge/%.*s",
                          STR_ARG(buf_str(&taking->notify->portal)), STR_ARG(buf_str(&code)));
    }
    secret_forget(bytes, sizeof bytes);
    buf_done(&code);
    return err;
}

/* The page of the client's devices, or the incident's own; its number is ours, but travels as a
 * text. */
static enum err page_make(struct taking *taking)
{
    uint64_t number;
    taking->letter.page = (struct str){0};
    if (str_equal(taking->notice->subject_kind, STR(AILMENT_KIND))) {
        return arena_print(taking->notify->scratch, &taking->letter.page, "%.*s/sources/%.*s",
                           STR_ARG(buf_str(&taking->notify->portal)), STR_ARG(taking->slug));
    }
    if (!str_equal(taking->notice->subject_kind, STR(INCIDENT_KIND)) ||
        str_to_u64(told_get(&taking->notice->told, "number"), UINT32_MAX, &number) != OK) {
        return OK;
    }
    return arena_print(taking->notify->scratch, &taking->letter.page, "%.*s/incidents/%.*s/%llu",
                       STR_ARG(buf_str(&taking->notify->portal)), STR_ARG(taking->slug),
                       (unsigned long long)number);
}

static enum err message_put(struct taking *taking, const struct hearer *hearer, uint64_t number,
                            struct wall now)
{
    struct outbox_message message = {
        .client = taking->notice->client,
        .notice = taking->notice->id,
        .kind = hearer->kind,
        .to = hearer->to,
        .contact = hearer->contact,
    };
    bool spoken = str_equal(hearer->template, STR("phone")); /* nobody hears a link */
    taking->letter.link = (struct str){0};
    taking->letter.hearer = hearer;
    enum err err = identity_make(taking, hearer->kind, number);
    taking->letter.identity = taking->identity;
    message.identity = taking->identity;
    if (err == OK && hearer->secret.size > 0) {
        err = arena_print(taking->notify->scratch, &message.signing, "%.*s.%.*s",
                          STR_ARG(taking->slug), STR_ARG(hearer->secret));
    }
    if (err == OK && taking->notice->acknowledge && !spoken) {
        err = code_make(taking);
    }
    if (err == OK) {
        err = page_make(taking);
    }
    if (err == OK) {
        err = hearer->kind == OUTBOX_MAIL
                  ? mail_print(&taking->letter, taking->notify->scratch, &message.body)
                  : hook_print(&taking->letter, taking->notify->scratch, &message.body);
    }
    return err == OK
               ? outbox_put(taking->scope, taking->notify->ledger, &message, now, &taking->message)
               : err;
}

static enum err step_put(struct taking *taking, const struct hearer *hearer, uint64_t number,
                         struct wall now)
{
    struct statement *statement;
    bool code = taking->message != 0 && taking->letter.link.size > 0;
    enum err err = LEDGER_QUERY(
        taking->notify->ledger,
        "INSERT INTO notice_step (notice, number, step, contact, name, means, recipient, language,"
        " at, passed, code, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &statement, BIND_INT(taking->notice->id), BIND_INT(number),
        BIND_INT(taking->notice->climbed + 1), BIND_TEXT(hearer->contact),
        BIND_TEXT(hearer->name[hearer->language]),
        BIND_TEXT(hearer->kind == OUTBOX_MAIL ? STR("mail") : STR("webhook")),
        BIND_TEXT(hearer->to), BIND_TEXT(str_from(language_text(hearer->language))),
        BIND_INT(now.ns), BIND_TEXT(hearer->passed),
        code ? BIND_BYTES(str_of(taking->code_hash.bytes, SHA256_SIZE)) : BIND_NULL,
        taking->message != 0 ? BIND_INT(taking->message) : BIND_NULL);
    return err == OK ? statement_run(statement) : err;
}

enum err step_take(const struct scope *scope, struct notify *notify,
                   const struct notice_row *notice, const struct hearers *hearers, struct wall now,
                   size_t *ret_sent)
{
    struct taking taking = {
        .scope = scope,
        .notify = notify,
        .notice = notice,
        .hearers = hearers,
        .letter = {.notify = notify, .notice = notice, .hearers = hearers, .now = now},
    };
    uint64_t number = 0;
    size_t sent = 0;
    enum err err = client_names(notify, notice->client, taking.letter.client, &taking.slug);
    if (err == OK) {
        err = steps_count(notify, notice->id, &number);
    }
    for (size_t i = 0; i < hearers->count && err == OK; i++) {
        const struct hearer *hearer = &hearers->list[i];
        taking.message = 0;
        number++;
        if (hearer->passed.size == 0) {
            err = message_put(&taking, hearer, number, now);
            notify->written++;
            sent++;
        }
        if (err == OK) {
            err = step_put(&taking, hearer, number, now);
        }
    }
    if (err == OK) {
        *ret_sent = sent;
    }
    return err;
}
