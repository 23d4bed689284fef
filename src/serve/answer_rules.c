/* Editions of the rules: listed, and packed for whoever judges by them. */

#include "codec/json_text.h"
#include "codec/time.h"
#include "serve/answer.h"
#include "serve/rejudge.h"
#include "service/editions.h"

#define EDITIONS_SHOWN  1000
#define EDITIONS_MEMORY ((size_t)1 << 30) /* reports with a line for every rule */

static enum err edition_json(const struct edition *edition, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char force[TIME_TEXT_SIZE];
    const struct {
        const char *before;
        struct str value;
    } texts[] = {{",\"origin\":", edition->origin},
                 {",\"note\":", edition->note},
                 {",\"by\":", edition->who}};
    enum err err = buf_print(
        out, "{\"hash\":\"%.*s\",\"at\":\"%s\",\"in_force\":%s%s%s", STR_ARG(edition->hash),
        time_print(edition->at, at), wall_known(edition->in_force) ? "\"" : "",
        wall_known(edition->in_force) ? time_print(edition->in_force, force) : "null",
        wall_known(edition->in_force) ? "\"" : "");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == OK; i++) {
        err = buf_append(out, str_from(texts[i].before));
        err = err == OK ? json_print(out, texts[i].value) : err;
    }
    return err == OK ? buf_print(out, ",\"report\":%.*s}\n", STR_ARG(edition->report)) : err;
}

static enum err edition_line(const struct edition *edition, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    return buf_print(out, "%c %.12s  %s  %6llu loaded  %4llu refused  %4llu need values  %-13.*s  ",
                     wall_known(edition->in_force) ? '*' : ' ', edition->hash.data,
                     time_print(edition->at, at), (unsigned long long)edition->loaded,
                     (unsigned long long)edition->refused,
                     (unsigned long long)edition->needs_values, STR_ARG(edition->origin));
}

enum err answer_editions(const struct scope *scope, struct ledger *ledger,
                         const struct control_request *request, struct buf *out)
{
    struct edition *list;
    size_t count = 0;
    if (!scope_allows_all(scope, RIGHT_MANAGE)) {
        return ERR_DENIED;
    }
    struct arena *mem = arena_new(EDITIONS_MEMORY);
    enum err err =
        mem == NULL ? ERR_MEMORY : edition_list(ledger, 0, EDITIONS_SHOWN, mem, &list, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        if (request->format == FORMAT_NDJSON) {
            err = edition_json(&list[i], out);
            continue;
        }
        err = edition_line(&list[i], out);
        err = err == OK ? json_print(out, list[i].note) : err;
        err = err == OK ? buf_append_byte(out, '\n') : err;
    }
    arena_free(mem);
    return err;
}

bool answer_judges(enum control_command command)
{
    return command == CONTROL_SCAN || command == CONTROL_RULES_TRY;
}

static enum err edition_pack(struct ledger *ledger, struct str hash, struct arena *mem,
                             struct buf *out)
{
    struct str bundle;
    enum err err = edition_bundle(ledger, hash, mem, &bundle);
    return err == OK ? rules_pack(out, hash, bundle) : err;
}

/* The newest editions: one that was in force is among them unless very many came after it. */
static enum err editions_pack(struct ledger *ledger, struct arena *mem, struct buf *out)
{
    struct edition *list;
    size_t count = 0;
    enum err err = edition_list(ledger, 0, REJUDGE_EDITIONS_MAX, mem, &list, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = edition_pack(ledger, list[i].hash, mem, out);
    }
    return err;
}

enum err answer_rules(struct ledger *ledger, const struct control_request *request, struct buf *out,
                      struct why *why)
{
    struct edition force;
    struct arena *mem = arena_new(EDITIONS_MEMORY);
    bool as_live =
        request->command == CONTROL_SCAN && str_equal(request->argument, STR("as-of-live"));
    bool given = request->text.size > 0;
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    if (err == OK && as_live) {
        err = editions_pack(ledger, mem, out);
    } else if (err == OK) {
        err = given ? rules_pack(out, STR("given"), request->text) : OK;
        if (err == OK && (!given || request->command == CONTROL_RULES_TRY)) {
            err = edition_in_force(ledger, mem, &force);
            err = err == OK ? edition_pack(ledger, force.hash, mem, out) : err;
        }
    }
    arena_free(mem);
    return err == ERR_NOT_FOUND
               ? why_say(why, err, 0, "no rules were ever in force here; start the service once")
               : err;
}
