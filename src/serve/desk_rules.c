/*
 * The rules in desk: which edition is in force, and how core gets it.
 *
 *     configuration (parent) ─┐                        ┌─► ledger: the edition, its report
 *     import, use (control) ──┴► a worker compiles ────┤
 *                                                      └─► rules.set beside the ledger ─► core
 *
 * The edition that was put in force last is in force: by the configuration when its bundle is
 * another than the last one that it named, or by whoever imports or chooses one.  The compiled set
 * lies in a file that only desk writes, under the edition's hash, so that a start compiles nothing;
 * it is a cache and may be missing.
 *
 * Always true: core is granted clients only after it was given rules; an edition is in the ledger
 * before core judges by it.  A reload that refuses more rules than what is in force does not become
 * effective by itself: a slip of the pen must not take a rule away that worked.
 */

#include "serve/desk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/time.h"
#include "detect/detect.h"
#include "service/editions.h"
#include "sys/clocks.h"

#define SET_SIZE_MAX ((size_t)1 << 30)
#define RULES_MEMORY ((size_t)4 * RULES_SIZE_MAX)
#define HASH_SIZE    64
#define HASH_ROOM    (HASH_SIZE + 1)
#define COMPILES_MAX 8 /* imports that wait for their turn */

enum compile_reason {
    COMPILE_CONFIGURED, /* the configuration's bundle, which was never seen */
    COMPILE_IMPORTED,   /* somebody brings a bundle */
    COMPILE_KNOWN,      /* an edition of the ledger, whose compiled set is not at hand */
};

/* A bundle on its way through a worker. */
struct desk_compile {
    struct desk_compile *next;
    enum compile_reason reason;
    uint64_t worker; /* 0: waits for its turn */
    struct link *link;
    char hash[HASH_ROOM];
    struct buf note, bundle;
    int connection;      /* of who waits for the answer; -1: nobody does */
    struct scope *scope; /* theirs; NULL: the service's own work */
    bool hold, anyway;
};

static void compile_begin(struct desk *desk);

/* ---- The set in force. */

static enum err set_path(const struct desk *desk, char *path, size_t size)
{
    int length = snprintf(path, size, "%s/rules.set", desk->folder);
    return length > 0 && (size_t)length < size ? OK : ERR_LIMIT;
}

/* Another version of the program may have compiled it, and core would end by it. */
static enum err set_check(struct str set, struct arena *mem)
{
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    enum err err = ruleset_decode(set, mem, &ruleset, &report, &why);
    if (err == OK) {
        ruleset_free(ruleset);
    }
    return err;
}

/* The file is the hash of the edition and then the set.  ERR_NOT_FOUND: of another edition. */
static enum err set_load(const struct desk *desk, struct str hash, struct arena *mem, char **ret,
                         size_t *ret_size)
{
    char path[4096];
    char *bytes = NULL;
    size_t size = 0;
    enum err err = set_path(desk, path, sizeof path);
    err = err == OK ? disk_read_whole(disk_real(), path, SET_SIZE_MAX, &bytes, &size, NULL) : err;
    if (err == OK && (size < HASH_SIZE || !str_equal(str_of(bytes, HASH_SIZE), hash))) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = set_check(str_of(bytes + HASH_SIZE, size - HASH_SIZE), mem);
    }
    if (err != OK) {
        free(bytes);
    } else {
        *ret = bytes;
        *ret_size = size;
    }
    return err;
}

static enum err set_keep(const struct desk *desk, struct str hash, struct str set)
{
    char path[4096];
    struct buf file;
    buf_init(&file, SET_SIZE_MAX);
    enum err err = set_path(desk, path, sizeof path);
    err = err == OK ? buf_append(&file, hash) : err;
    err = err == OK ? buf_append(&file, set) : err;
    err = err == OK ? disk_replace(disk_real(), path, buf_str(&file)) : err;
    buf_done(&file);
    return err;
}

static enum err set_send(struct desk *desk, struct str set)
{
    const struct message rules = {.type = MESSAGE_RULESET, .ruleset = {.set = set}};
    return desk->core == NULL ? OK : link_send(desk->core, &rules);
}

enum err desk_tell_rules(struct desk *desk, bool *ret_told)
{
    struct edition edition;
    char *bytes;
    size_t size;
    struct arena *mem = arena_new(RULES_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : edition_in_force(desk->rooms.ledger, mem, &edition);
    *ret_told = false;
    if (err == OK) {
        err = set_load(desk, edition.hash, mem, &bytes, &size);
    }
    if (err == OK) {
        err = set_send(desk, str_of(bytes + HASH_SIZE, size - HASH_SIZE));
        *ret_told = err == OK;
        free(bytes);
    } else if (err != ERR_MEMORY) {
        err = OK; /* it is being compiled */
    }
    arena_free(mem);
    return err;
}

/* ---- Answers to whoever waits. */

static void waiting_end(struct desk_compile *compile, int code, const char *error)
{
    const struct message done = {.type = MESSAGE_DONE,
                                 .done = {.code = (uint64_t)code, .error = str_from(error)}};
    if (compile->connection >= 0) {
        UNHEEDED(message_send(compile->connection, &done));
    }
}

static void waiting_tell(const struct desk_compile *compile, struct str text)
{
    const struct message output = {.type = MESSAGE_OUTPUT, .output = {.text = text}};
    if (compile->connection >= 0) {
        UNHEEDED(message_send(compile->connection, &output));
    }
}

static void compile_free(struct desk_compile *compile)
{
    link_free(compile->link);
    buf_done(&compile->note);
    buf_done(&compile->bundle);
    scope_free(compile->scope);
    if (compile->connection >= 0) {
        (void)close(compile->connection);
    }
    free(compile);
}

/* ---- What a worker made of a bundle. */

/* Whether the edition becomes effective, and if not, why not. */
static const char *held_back(struct desk *desk, const struct desk_compile *compile,
                             const struct compiled_message *compiled)
{
    struct edition now;
    if (compile->reason == COMPILE_KNOWN || compile->anyway) {
        return NULL;
    }
    if (compile->hold) {
        return "it is held, as you asked";
    }
    if (compile->reason == COMPILE_IMPORTED) {
        return compiled->refused > 0 ? "rules were refused; mend them, or import with --anyway"
                                     : NULL;
    }
    struct arena *mem = arena_new(RULES_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : edition_in_force(desk->rooms.ledger, mem, &now);
    bool worse = err == OK && compiled->refused > now.refused;
    arena_free(mem);
    return worse ? "more rules are refused than before; what runs stays as it was until they are"
                   " mended"
                 : NULL;
}

static enum err edition_keep(struct desk *desk, const struct desk_compile *compile,
                             const struct compiled_message *compiled, bool enforce)
{
    const struct scope *scope = compile->scope != NULL ? compile->scope : desk->rooms.job;
    const struct edition edition = {
        .hash = str_of(compile->hash, HASH_SIZE),
        .origin = compile->reason == COMPILE_CONFIGURED ? STR("configuration") : STR("import"),
        .note = buf_str(&compile->note),
        .loaded = compiled->loaded,
        .refused = compiled->refused,
        .needs_values = compiled->needs_values,
        .report = compiled->report,
    };
    enum err err = OK;
    if (compile->reason != COMPILE_KNOWN) {
        err =
            edition_put(scope, desk->rooms.ledger, &edition, buf_str(&compile->bundle), wall_now());
    }
    if (err == OK && enforce) {
        err = edition_enforce(scope, desk->rooms.ledger, edition.hash, wall_now());
    }
    return err;
}

/* Puts the compiled set to work: on disk first, so that a core that starts later finds it. */
static enum err compiled_enforce(struct desk *desk, const struct desk_compile *compile,
                                 struct str set)
{
    enum err err = set_keep(desk, str_of(compile->hash, HASH_SIZE), set);
    if (err != OK) {
        process_say(desk->process, "compiled rules could not be kept: %s", err_text(err));
    }
    if (!desk->core_waits) {
        return set_send(desk, set);
    }
    desk->core_waits = false;
    return desk_tell_core(desk, true);
}

static enum err compiled_take(struct desk *desk, struct desk_compile *compile,
                              const struct compiled_message *compiled)
{
    char line[512];
    if (compiled->error.size > 0) {
        process_say(desk->process, "the rules stay as they were: %.*s", STR_ARG(compiled->error));
        (void)snprintf(line, sizeof line, "%.*s", STR_ARG(str_slice(compiled->error, 0, 400)));
        waiting_end(compile, control_code(ERR_SYNTAX), line);
        return OK;
    }
    const char *held = held_back(desk, compile, compiled);
    bool again = compile->reason == COMPILE_KNOWN && compile->connection < 0;
    desk_transaction_end(desk);
    enum err err = edition_keep(desk, compile, compiled, held == NULL && !again);
    if (err == OK && held == NULL) {
        err = compiled_enforce(desk, compile, compiled->set);
    }
    if (err != OK) {
        waiting_end(compile, control_code(err), err_text(err));
        return err;
    }
    if (held != NULL) {
        process_say(desk->process, "%llu rules loaded, %llu refused; %s",
                    (unsigned long long)compiled->loaded, (unsigned long long)compiled->refused,
                    held);
    }
    (void)snprintf(line, sizeof line, "%.12s  %llu loaded, %llu refused, %llu need values; %s%s\n",
                   compile->hash, (unsigned long long)compiled->loaded,
                   (unsigned long long)compiled->refused,
                   (unsigned long long)compiled->needs_values,
                   held == NULL ? "in force" : "not in force: ", held == NULL ? "" : held);
    waiting_tell(compile, str_from(line));
    bool refused = held != NULL && !compile->hold;
    waiting_end(compile, refused ? control_code(ERR_SYNTAX) : 0,
                refused ? "nothing has changed; 'hinomi rules check' names what was refused" : "");
    return OK;
}

/* ---- Workers. */

static void compile_end(struct desk *desk, struct desk_compile *compile,
                        const struct compiled_message *compiled)
{
    struct desk_compile **at = &desk->compiles;
    while (*at != compile) {
        at = &(*at)->next;
    }
    *at = compile->next;
    enum err err = OK;
    if (compiled == NULL) {
        process_say(desk->process, "rules could not be compiled: the worker ended");
        waiting_end(compile, control_code(ERR_AGAIN), "the rules could not be compiled; try again");
    } else {
        err = compiled_take(desk, compile, compiled);
    }
    compile_free(compile);
    if (err != OK) {
        process_fail(desk->process, "rules", err, NULL);
    }
    compile_begin(desk);
}

static void compiler_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    struct desk_compile *compile = desk->compiles;
    (void)err;
    while (compile != NULL && compile->link != link) {
        compile = compile->next;
    }
    if (compile != NULL) {
        bool whole = message != NULL && message->type == MESSAGE_COMPILED;
        compile_end(desk, compile, whole ? &message->compiled : NULL);
    }
}

/* One at a time: each takes the whole of a processor. */
static void compile_begin(struct desk *desk)
{
    struct desk_compile *compile = desk->compiles;
    if (compile == NULL || compile->worker != 0) {
        return;
    }
    const struct message want = {.type = MESSAGE_WANT_WORKER, .want_worker = {++desk->workers, 0}};
    compile->worker = desk->workers;
    if (link_send(desk->process->parent, &want) != OK) {
        process_fail(desk->process, "parent", ERR_CLOSED, NULL);
    }
}

bool desk_compiler_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_compile *compile = desk->compiles;
    if (compile == NULL || worker == 0 || compile->worker != worker) {
        return false;
    }
    enum err err =
        channel < 0 ? ERR_CLOSED
                    : link_new(desk->process->loop, channel, compiler_spoke, desk, &compile->link);
    if (err == OK) {
        const struct message ask = {.type = MESSAGE_COMPILE,
                                    .compile = {.bundle = buf_str(&compile->bundle)}};
        err = link_send(compile->link, &ask);
    }
    if (err != OK) {
        compile_end(desk, compile, NULL);
    }
    return true;
}

static void hash_print(struct str bundle, char hash[HASH_ROOM])
{
    struct sha256 sum = sha256_of_bytes(bundle);
    (void)hex_print(sum.bytes, sizeof sum.bytes, hash);
}

/* Queues a bundle; takes what is in `compile`. */
static enum err compile_add(struct desk *desk, const struct desk_compile *wanted, struct str note,
                            struct str bundle)
{
    struct desk_compile **last = &desk->compiles;
    size_t count = 0;
    for (; *last != NULL; last = &(*last)->next) {
        count++;
    }
    struct desk_compile *compile = count < COMPILES_MAX ? calloc(1, sizeof *compile) : NULL;
    if (compile == NULL) {
        return ERR_AGAIN;
    }
    *compile = *wanted;
    hash_print(bundle, compile->hash);
    buf_init(&compile->note, MESSAGE_SIZE_MAX);
    buf_init(&compile->bundle, RULES_SIZE_MAX);
    enum err err = buf_append(&compile->note, note);
    err = err == OK ? buf_append(&compile->bundle, bundle) : err;
    if (err != OK) {
        buf_done(&compile->note);
        buf_done(&compile->bundle);
        free(compile);
        return err;
    }
    *last = compile;
    compile_begin(desk);
    return OK;
}

/* ---- What the configuration says. */

/* Compiles an edition of the ledger again. */
static enum err known_compile(struct desk *desk, struct str hash, struct arena *mem)
{
    const struct desk_compile wanted = {.reason = COMPILE_KNOWN, .connection = -1};
    struct str bundle;
    enum err err = edition_bundle(desk->rooms.ledger, hash, mem, &bundle);
    return err == OK ? compile_add(desk, &wanted, (struct str){0}, bundle) : err;
}

/* Decides what is in force after the configuration has spoken. */
static enum err configured_settle(struct desk *desk, struct arena *mem)
{
    struct edition force, configured;
    char hash[HASH_ROOM];
    char *bytes;
    size_t size;
    struct str bundle = buf_str(&desk->configured);
    hash_print(bundle, hash);
    enum err none = edition_in_force(desk->rooms.ledger, mem, &force);
    enum err never = edition_configured(desk->rooms.ledger, mem, &configured);
    if ((none != OK && none != ERR_NOT_FOUND) || (never != OK && never != ERR_NOT_FOUND)) {
        return none != OK ? none : never;
    }
    if (none == ERR_NOT_FOUND || never == ERR_NOT_FOUND ||
        !str_equal(configured.hash, str_from(hash))) {
        const struct desk_compile wanted = {.reason = COMPILE_CONFIGURED, .connection = -1};
        return compile_add(desk, &wanted, buf_str(&desk->note), bundle);
    }
    enum err err = set_load(desk, force.hash, mem, &bytes, &size);
    if (err == OK) {
        free(bytes);
        return OK;
    }
    return err == ERR_MEMORY ? err : known_compile(desk, force.hash, mem);
}

enum err desk_rules_open(struct desk *desk)
{
    struct arena *mem = arena_new(RULES_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : configured_settle(desk, mem);
    arena_free(mem);
    return err;
}

enum err desk_rules_came(struct desk *desk, const struct rules_message *message)
{
    buf_done(&desk->configured);
    buf_done(&desk->note);
    buf_init(&desk->configured, RULES_SIZE_MAX);
    buf_init(&desk->note, MESSAGE_SIZE_MAX);
    enum err err = buf_append(&desk->configured, message->bundle);
    err = err == OK ? buf_append(&desk->note, message->note) : err;
    /* Before the ledger is open they only wait. */
    if (err != OK || desk->rooms.ledger == NULL) {
        return err;
    }
    const struct desk_compile wanted = {.reason = COMPILE_CONFIGURED, .connection = -1};
    err = compile_add(desk, &wanted, buf_str(&desk->note), buf_str(&desk->configured));
    if (err == ERR_AGAIN) {
        process_say(desk->process, "too many rules wait to be compiled; reload again later");
        err = OK;
    }
    return err;
}

/* ---- Commands. */

enum err desk_rules_import(struct desk *desk, struct scope *scope, int connection,
                           const struct control_request *request, struct why *why)
{
    struct str option = request->argument;
    bool hold = str_equal(option, STR("hold"));
    bool anyway = str_equal(option, STR("anyway"));
    if (!scope_allows_all(scope, RIGHT_MANAGE)) {
        return ERR_DENIED;
    }
    if (option.size > 0 && !hold && !anyway) {
        return why_say(why, ERR_SYNTAX, 0, "an import is held, or anyway, or neither");
    }
    const struct desk_compile wanted = {.reason = COMPILE_IMPORTED,
                                        .connection = fcntl(connection, F_DUPFD_CLOEXEC, 0),
                                        .scope = scope,
                                        .hold = hold,
                                        .anyway = anyway};
    enum err err =
        wanted.connection < 0 ? ERR_IO : compile_add(desk, &wanted, request->note, request->text);
    if (err != OK && wanted.connection >= 0) {
        (void)close(wanted.connection);
    }
    return err == ERR_AGAIN
               ? why_say(why, err, 0, "other rules are being compiled; try again later")
               : err;
}

enum err desk_rules_use(struct desk *desk, struct scope *scope, int connection,
                        const struct control_request *request, struct why *why)
{
    struct edition edition;
    struct str bundle;
    struct arena *mem = arena_new(RULES_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY
                   : !scope_allows_all(scope, RIGHT_MANAGE)
                       ? ERR_DENIED
                       : edition_find(desk->rooms.ledger, request->argument, mem, &edition);
    if (err == ERR_NOT_FOUND || err == ERR_CONFLICT) {
        err = why_say(
            why, err, 0,
            "%s edition begins with '%.*s' (8 digits at least); see 'hinomi rules editions'",
            err == ERR_NOT_FOUND ? "no" : "more than one", STR_ARG(request->argument));
    }
    err = err == OK ? edition_bundle(desk->rooms.ledger, edition.hash, mem, &bundle) : err;
    if (err == OK) {
        const struct desk_compile wanted = {.reason = COMPILE_KNOWN,
                                            .connection = fcntl(connection, F_DUPFD_CLOEXEC, 0),
                                            .scope = scope};
        err = wanted.connection < 0 ? ERR_IO : compile_add(desk, &wanted, (struct str){0}, bundle);
        if (err != OK && wanted.connection >= 0) {
            (void)close(wanted.connection);
        }
    }
    arena_free(mem);
    return err;
}
