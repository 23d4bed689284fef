/*
 * Alerts as bytes: the fixed part, then the texts, each behind its 4-byte size: eight of the rule,
 * then thirteen of the outcome, in the order of alert_texts.
 *
 *     OFFSET SIZE MEANING
 *          0    4 client, not 0
 *          4    4 source
 *          8    8 sequence of the record
 *         16    8 received, ns
 *         24    8 happened, ns
 *         32    4 the rule's level
 *         36    1 the outcome's severity
 *         37    1 OUTCOME_… flags
 *         38    1 kind
 *         39    1 zero
 *         40    8 events that a correlation counts
 *
 * Always true: what decodes has one encoding alone, so bytes that no encoder makes (an unknown
 * flag, a level outside the list) are refused.
 */

#include "event/alert.h"

#include "base/bytes.h"

#define FIXED_SIZE     48
#define ALERT_TEXT_MAX 16384 /* one text of an alert; a rule's tags and authors are far smaller */
#define ALERT_TEXTS    21

#define OUTCOME_INCIDENT   1u
#define OUTCOME_AUTHORISED 2u
#define OUTCOME_FLAGS      (OUTCOME_INCIDENT | OUTCOME_AUTHORISED)

static void alert_texts(struct alert *alert, struct str *ret[ALERT_TEXTS]);

const char *level_text(enum level level)
{
    static const char *const texts[LEVEL_COUNT] = {
        [LEVEL_INFORMATIONAL] = "informational",
        [LEVEL_LOW] = "low",
        [LEVEL_MEDIUM] = "medium",
        [LEVEL_HIGH] = "high",
        [LEVEL_CRITICAL] = "critical",
    };
    return (unsigned)level < LEVEL_COUNT ? texts[level] : "unknown";
}

enum err level_parse(struct str text, enum level *ret)
{
    for (int level = 0; level < LEVEL_COUNT; level++) {
        if (str_equal_nocase(text, str_from(level_text((enum level)level)))) {
            *ret = (enum level)level;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

enum err alert_encode(const struct alert *alert, struct buf *out)
{
    struct alert copy = *alert;
    char fixed[FIXED_SIZE] = {0};
    put_u32(fixed, alert->place.client.value);
    put_u32(fixed + 4, alert->source.value);
    put_u64(fixed + 8, alert->place.sequence);
    put_u64(fixed + 16, (uint64_t)alert->received.ns);
    put_u64(fixed + 24, (uint64_t)alert->happened.ns);
    put_u32(fixed + 32, (uint32_t)alert->level);
    fixed[36] = (char)alert->outcome.severity;
    fixed[37] = (char)((alert->outcome.incident ? OUTCOME_INCIDENT : 0) |
                       (alert->outcome.authorised ? OUTCOME_AUTHORISED : 0));
    fixed[38] = (char)alert->kind;
    put_u64(fixed + 40, alert->count);
    size_t size_before = out->size;
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    struct str *texts[ALERT_TEXTS];
    alert_texts(&copy, texts);
    for (int i = 0; i < ALERT_TEXTS && err == OK; i++) {
        char size[4];
        struct str text = str_slice(*texts[i], 0, ALERT_TEXT_MAX);
        put_u32(size, (uint32_t)text.size);
        err = buf_append(out, str_of(size, sizeof size));
        if (err == OK) {
            err = buf_append(out, text);
        }
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

enum err alert_decode(struct str *bytes, struct alert *ret)
{
    struct str rest = *bytes;
    if (rest.size < FIXED_SIZE || get_u32(rest.data) == 0 ||
        get_u32(rest.data + 32) >= LEVEL_COUNT || (uint8_t)rest.data[36] >= LEVEL_COUNT ||
        ((uint8_t)rest.data[37] & ~OUTCOME_FLAGS) != 0 ||
        (uint8_t)rest.data[38] >= ALERT_KIND_COUNT || rest.data[39] != 0) {
        return ERR_CORRUPT;
    }
    struct alert alert = {
        .place = {{get_u32(rest.data)}, get_u64(rest.data + 8)},
        .source = {get_u32(rest.data + 4)},
        .received = {(int64_t)get_u64(rest.data + 16)},
        .happened = {(int64_t)get_u64(rest.data + 24)},
        .level = (enum level)get_u32(rest.data + 32),
        .kind = (enum alert_kind)rest.data[38],
        .count = get_u64(rest.data + 40),
        .outcome = {.severity = (enum level)rest.data[36],
                    .incident = ((uint8_t)rest.data[37] & OUTCOME_INCIDENT) != 0,
                    .authorised = ((uint8_t)rest.data[37] & OUTCOME_AUTHORISED) != 0},
    };
    struct str *texts[ALERT_TEXTS];
    alert_texts(&alert, texts);
    rest = str_slice(rest, FIXED_SIZE, rest.size);
    for (int i = 0; i < ALERT_TEXTS; i++) {
        if (rest.size < 4 || get_u32(rest.data) > ALERT_TEXT_MAX ||
            get_u32(rest.data) > rest.size - 4) {
            return ERR_CORRUPT;
        }
        *texts[i] = str_slice(rest, 4, get_u32(rest.data));
        rest = str_slice(rest, 4 + (size_t)get_u32(rest.data), rest.size);
    }
    *ret = alert;
    *bytes = rest;
    return OK;
}

/* Where the texts lie, in the order of the encoding. */
static void alert_texts(struct alert *alert, struct str *ret[ALERT_TEXTS])
{
    struct outcome *outcome = &alert->outcome;
    struct str *const texts[ALERT_TEXTS] = {
        &alert->rule_id,     &alert->rule_title,   &alert->rule_author, &alert->rule_link,
        &alert->rule_tags,   &alert->rule_version, &alert->group,       &alert->records,
        &outcome->type,      &outcome->criterion,  &outcome->chain,     &outcome->action,
        &outcome->asset,     &outcome->owner,      &outcome->zone,      &outcome->outside,
        &outcome->inside,    &outcome->other,      &outcome->excepted,  &outcome->planned,
        &outcome->documents,
    };
    memcpy(ret, texts, sizeof texts);
}
