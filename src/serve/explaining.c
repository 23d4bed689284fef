/*
 * An explanation's two halves.
 *
 *     packed: 8 bytes the event's sequence, then texts, each behind its 4-byte size:
 *             rule, what the alert says of itself (JSON, may be empty), sources,
 *             the documents that lists of values come from, the edition's hash, its bundle
 *
 * Always true: of an alert the very text is explained that raised it (rule_version names it), or it
 * is said that this text is not kept.
 */

#include "serve/explaining.h"

#include "base/bytes.h"
#include "base/packed.h"
#include "codec/crypto.h"
#include "codec/json_text.h"
#include "detect/criteria.h"
#include "detect/explain.h"
#include "incident/incident.h"
#include "service/editions.h"

#define MEMORY_SIZE  ((size_t)1 << 30)
#define EDITIONS_MAX 64 /* looked through for the text that raised an alert, newest first */
#define ANSWER_MAX   ((size_t)64 << 20)
#define TEXTS        6

/* Whether a file of the bundle has this hash.  Only what names the rule is hashed: desk does this,
 * for bundles of megabytes. */
static bool bundle_holds(struct str bundle, struct str version, struct str id)
{
    struct str path;
    struct str text;
    while (bundle.size > 0 && ruleset_unpack(&bundle, &path, &text) == OK) {
        if (!str_equal(path, id) && str_find(text, id) == STR_NONE) {
            continue;
        }
        char hash[2 * SHA256_SIZE + 1];
        struct sha256 sum = sha256_of_bytes(text);
        if (str_equal(str_from(hex_print(sum.bytes, sizeof sum.bytes, hash)), version)) {
            return true;
        }
    }
    return false;
}

/* The edition in force, or for an alert the newest that holds the text that raised it. */
static enum err edition_choose(struct ledger *ledger, struct str version, struct str id,
                               struct arena *mem, struct str *ret_hash, struct str *ret_bundle,
                               struct why *why)
{
    struct edition force;
    struct edition *list;
    size_t count = 0;
    enum err err = edition_in_force(ledger, mem, &force);
    err = err == OK ? edition_bundle(ledger, force.hash, mem, ret_bundle) : err;
    if (err != OK || version.size == 0 || bundle_holds(*ret_bundle, version, id)) {
        *ret_hash = err == OK ? force.hash : (struct str){0};
        return err;
    }
    err = edition_list(ledger, 0, EDITIONS_MAX, mem, &list, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = edition_bundle(ledger, list[i].hash, mem, ret_bundle);
        if (err == OK && bundle_holds(*ret_bundle, version, id)) {
            *ret_hash = list[i].hash;
            return OK;
        }
    }
    return err != OK ? err
                     : why_say(why, ERR_NOT_FOUND, 0,
                               "the text of the rule that raised this alert is not kept here");
}

/* The documents that lists of values may come from; those that need time zones stay behind. */
static enum err documents_pack(const struct scope *scope, struct service *service,
                               struct client_id client, struct buf *out)
{
    static const char *const kinds[] = {"assets", "detection", "log-sources", "table-1"};
    struct buf bundle;
    struct buf kept;
    buf_init(&bundle, MEMORY_SIZE);
    buf_init(&kept, MEMORY_SIZE);
    enum err err = service_bundle(scope, service, client, &bundle);
    struct str rest = buf_str(&bundle);
    while (err == OK && rest.size > 0) {
        struct str whole = rest;
        struct str line = str_cut(&rest, '\n');
        struct str kind = str_cut(&line, ' ');
        uint64_t size = 0;
        (void)str_cut(&line, ' ');
        err = str_to_u64(line, rest.size, &size);
        for (size_t i = 0; err == OK && i < sizeof kinds / sizeof kinds[0]; i++) {
            if (str_equal(kind, str_from(kinds[i]))) {
                size_t head = (size_t)(rest.data - whole.data);
                err = buf_append(&kept, str_slice(whole, 0, head + size));
            }
        }
        rest = str_slice(rest, size, rest.size);
    }
    err = err == OK ? packed_put_text(out, buf_str(&kept)) : err;
    buf_done(&bundle);
    buf_done(&kept);
    return err;
}

static enum err alert_find(const struct scope *scope, struct ledger *ledger,
                           const struct explaining_question *question, struct arena *mem,
                           struct stored_alert *ret)
{
    const struct alert_filter filter = {.client = question->client,
                                        .from = WALL_NONE,
                                        .to = WALL_NONE,
                                        .after_id = question->alert - 1,
                                        .count_max = 1};
    struct stored_alert *list;
    size_t count = 0;
    enum err err = incident_list(scope, ledger, &filter, mem, &list, &count);
    if (err == OK && (count == 0 || list[0].id != question->alert)) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        *ret = list[0];
    }
    return err;
}

/* What the alert says of itself: under which versions it was made. */
static enum err alert_say(const struct stored_alert *stored, struct buf *out)
{
    const struct outcome *outcome = &stored->alert.outcome;
    enum err err = buf_print(out, "{\"id\":%llu,\"rule_version\":\"%.*s\",\"criterion\":",
                             (unsigned long long)stored->id, STR_ARG(stored->alert.rule_version));
    err = err == OK ? json_print(out, outcome->criterion) : err;
    err = err == OK ? buf_append(out, STR(",\"documents\":")) : err;
    err = err == OK ? json_print(out, outcome->documents) : err;
    return err == OK ? buf_append_byte(out, '}') : err;
}

static enum err question_pack(const struct scope *scope, struct ledger *ledger,
                              struct service *service, const struct explaining_question *question,
                              struct arena *mem, struct buf *out, struct why *why)
{
    struct stored_alert stored = {0};
    struct buf alert;
    struct str hash;
    struct str bundle;
    char sequence[8];
    buf_init(&alert, 65536);
    enum err err = OK;
    if (question->alert != 0) {
        err = alert_find(scope, ledger, question, mem, &stored);
        err = err == OK ? alert_say(&stored, &alert) : err;
        if (err == OK && stored.alert.kind == ALERT_CORRELATION) {
            err = why_say(why, ERR_UNSUPPORTED, 0,
                          "a correlation speaks of many events: explain one of its records by the "
                          "rule that it leans on");
        }
    }
    err = err == OK ? edition_choose(ledger, stored.alert.rule_version, stored.alert.rule_id, mem,
                                     &hash, &bundle, why)
                    : err;
    put_u64(sequence, question->alert != 0 ? stored.alert.place.sequence : question->sequence);
    err = err == OK ? buf_append(out, str_of(sequence, sizeof sequence)) : err;
    err = err == OK
              ? packed_put_text(out, question->alert != 0 ? stored.alert.rule_id : question->rule)
              : err;
    err = err == OK ? packed_put_text(out, buf_str(&alert)) : err;
    err = err == OK ? packed_put_text(out, question->sources) : err;
    err = err == OK ? documents_pack(scope, service, question->client, out) : err;
    err = err == OK ? packed_put_text(out, hash) : err;
    err = err == OK ? packed_put_text(out, bundle) : err;
    buf_done(&alert);
    return err;
}

enum err explaining_pack(const struct scope *scope, struct ledger *ledger, struct service *service,
                         const struct explaining_question *question, struct buf *out,
                         struct why *why)
{
    struct arena *mem = arena_new(MEMORY_SIZE);
    enum err err =
        mem == NULL ? ERR_MEMORY : question_pack(scope, ledger, service, question, mem, out, why);
    arena_free(mem);
    return err == ERR_NOT_FOUND && why->text[0] == '\0'
               ? why_say(why, err, 0, "there is no such alert, or no rules are in force")
               : err;
}

/* ---- In the worker. */

struct answering {
    const struct reading *reading;
    struct arena *mem;
    struct str texts[TEXTS]; /* rule, alert, sources, documents, hash, bundle */
    uint64_t sequence;
    bool found;
    struct why *why;
};

static enum err answer_print(struct answering *answering, const struct explained *explained,
                             struct buf *out)
{
    if (answering->reading->format != FORMAT_NDJSON) {
        enum err err = explanation_text(explained, out);
        return err == OK
                   ? buf_print(out, "rules %.12s, event %llu%s%.*s\n", answering->texts[4].data,
                               (unsigned long long)answering->sequence,
                               answering->texts[1].size > 0 ? ", alert " : "",
                               STR_ARG(answering->texts[1]))
                   : err;
    }
    enum err err =
        buf_print(out, "{\"edition\":\"%.*s\",\"place\":%llu,\"alert\":%.*s,\"why\":",
                  STR_ARG(answering->texts[4]), (unsigned long long)answering->sequence,
                  STR_ARG(answering->texts[1].size > 0 ? answering->texts[1] : STR("null")));
    err = err == OK ? explanation_json(explained, out) : err;
    return err == OK ? buf_append(out, STR("}\n")) : err;
}

static enum err event_explain(void *context, struct place place, const struct event *event)
{
    struct answering *answering = context;
    struct criteria *criteria = NULL;
    struct zones *zones = NULL;
    struct explained explained;
    struct buf out;
    struct why pass = {0};
    (void)place;
    answering->found = true;
    buf_init(&out, ANSWER_MAX);
    enum err err = zones_new("", &zones);
    if (err == OK) {
        err = criteria_new(answering->texts[3], answering->texts[2], zones, &criteria, &pass);
    }
    if (err == OK) {
        err = explain_rule(answering->texts[5], answering->texts[0], event,
                           criteria_lists(criteria), answering->mem, &explained, answering->why);
    }
    err = err == OK ? answer_print(answering, &explained, &out) : err;
    err = err == OK ? answering->reading->output(answering->reading->output_context, buf_str(&out))
                    : err;
    criteria_free(criteria);
    zones_free(zones);
    buf_done(&out);
    return err;
}

enum err explaining_answer(const struct reading *reading, struct str packed, struct why *why)
{
    struct answering answering = {.reading = reading, .why = why};
    if (packed.size < 8) {
        return ERR_CORRUPT;
    }
    answering.sequence = get_u64(packed.data);
    packed = str_slice(packed, 8, packed.size);
    for (size_t i = 0; i < TEXTS; i++) {
        if (packed_take_text(&packed, &answering.texts[i]) != OK) {
            return ERR_CORRUPT;
        }
    }
    answering.mem = arena_new(MEMORY_SIZE);
    enum err err = answering.mem == NULL
                       ? ERR_MEMORY
                       : reader_fetch(reading->scope, reading->reader, reading->client,
                                      &answering.sequence, 1, event_explain, &answering, why);
    arena_free(answering.mem);
    if (err == OK && !answering.found) {
        err = why_say(why, ERR_NOT_FOUND, 0, "the event %llu is not in the archive",
                      (unsigned long long)answering.sequence);
    }
    return err;
}
