/*
 * Drafting, signing and the turn on a disk that fails.  A life makes one version effective in these
 * three steps; after an error everything is closed, opened again and what was not done is tried
 * once more, as a restarted process would.  Whatever is seen then, and after the power went, must
 * be the state after one of the steps, whole: the row, its signatures and the audit trail together.
 */

#include <stdio.h>

#include "ledger/ledger.h"
#include "service/world_test.h"
#include "testing/testing.h"

#define ATTEMPTS_MAX 12
#define CONTACTS     "people: [{slug: head, mail: head@acme.example}]"

enum step { STEP_NOTHING, STEP_DRAFTED, STEP_SIGNED, STEP_EFFECTIVE };

/* What does not live on the disk. */
struct actors {
    struct scope *administrator, *engineer, *responsible, *job;
    struct document contacts;
    struct arena *mem;
};

struct life {
    struct fake *fake;
    const struct actors *actors;
    enum step done; /* what a call said was done, or a later opening saw */
    bool open;      /* the step after it failed, and nobody looked since */
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct arena *mem;
};

static struct actors actors_new(void)
{
    struct actors actors = {.mem = arena_new(64 << 20)};
    const struct client_id every = {0};
    CHECK(scope_for_test(every, RIGHT_MANAGE | RIGHT_DOCUMENTS, &actors.administrator) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_ENGINEER, &actors.engineer) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_RESPONSIBLE, &actors.responsible) == OK);
    CHECK(scope_for_test(every, RIGHT_SERVE, &actors.job) == OK);
    CHECK(document_read(schema_find(STR("contacts")), STR(CONTACTS), actors.mem, &actors.contacts,
                        NULL) == OK);
    return actors;
}

static void actors_done(struct actors *actors)
{
    scope_free(actors->administrator);
    scope_free(actors->engineer);
    scope_free(actors->responsible);
    scope_free(actors->job);
    arena_free(actors->mem);
}

static enum err life_open(struct life *life)
{
    struct why why = {0};
    enum err err = ledger_open(fake_disk(life->fake), ".", &life->ledger, &why);
    if (err == OK) {
        err = tenant_open(life->ledger, WORLD_NOW, &life->tenant, &why);
    }
    return err == OK ? service_open(life->ledger, life->tenant, WORLD_NOW, &life->service, &why)
                     : err;
}

static void life_close(struct life *life)
{
    service_close(life->service);
    tenant_close(life->tenant);
    ledger_close(life->ledger);
    life->service = NULL;
    life->tenant = NULL;
    life->ledger = NULL;
}

static int64_t count(struct life *life, const char *sql)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(life->ledger, sql, &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t found = statement_int(statement, 0);
    statement_reset(statement);
    return found;
}

/* Which step is on disk; it must be there as a whole. */
static enum step step_seen(struct life *life)
{
    static const enum step steps[VERSION_STATE_COUNT] = {
        [VERSION_DRAFT] = STEP_DRAFTED,
        [VERSION_SIGNED] = STEP_SIGNED,
        [VERSION_EFFECTIVE] = STEP_EFFECTIVE,
    };
    struct version *list = NULL;
    size_t size = 0;
    CHECK(service_versions(life->actors->administrator, life->service, ACME, STR("contacts"),
                           life->mem, &list, &size) == OK);
    CHECK(size <= 1);
    enum step step = size == 0 ? STEP_NOTHING : steps[list[0].state];
    CHECK(size == 0 || step != STEP_NOTHING);
    CHECK(size == 0 || (list[0].signatures_count == 1) == (step >= STEP_SIGNED));
    CHECK(count(life, "SELECT count(*) FROM audit WHERE action = 'draft'") ==
          (step >= STEP_DRAFTED));
    CHECK(count(life, "SELECT count(*) FROM audit WHERE action = 'sign'") == (step >= STEP_SIGNED));
    CHECK(count(life, "SELECT count(*) FROM audit WHERE action = 'effective'") ==
          (step >= STEP_EFFECTIVE));
    CHECK((service_running(life->actors->job, life->service, ACME, STR("contacts"), NULL) !=
           NULL) == (step >= STEP_EFFECTIVE));
    return step;
}

static enum err step_take(struct life *life)
{
    const struct actors *actors = life->actors;
    struct version version;
    struct wall next;
    bool changed;
    switch (life->done) {
    case STEP_NOTHING:
        return service_draft(actors->engineer, life->service, ACME, &actors->contacts, STR(""),
                             world_at(100), WORLD_NOW, life->mem, &version, NULL);
    case STEP_DRAFTED: {
        struct version *list;
        size_t size;
        enum err err = service_versions(actors->administrator, life->service, ACME, STR("contacts"),
                                        life->mem, &list, &size);
        return err == OK ? service_sign(actors->responsible, life->service, ACME, STR("contacts"),
                                        list[0].hash, world_at(1), life->mem, &version, NULL)
                         : err;
    }
    case STEP_SIGNED:
        return service_turn(actors->job, life->service, world_at(200), &next, &changed);
    case STEP_EFFECTIVE:
        break;
    }
    return OK;
}

static enum err steps_take(struct life *life)
{
    while (life->done != STEP_EFFECTIVE) {
        enum err err = step_take(life);
        life->open = err != OK;
        if (err != OK) {
            return err;
        }
        life->done++;
    }
    return OK;
}

static void life_look(struct life *life)
{
    enum step seen = step_seen(life);
    CHECK(seen == life->done || (life->open && seen == life->done + 1));
    life->done = seen;
    life->open = false;
}

static void life_run(struct life *life)
{
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        enum err err = life_open(life);
        if (err == OK && life->open && fake_failed(life->fake) && !fake_is_off(life->fake)) {
            life_look(life);
        }
        if (err == OK) {
            err = steps_take(life);
        }
        life_close(life);
        if (err == OK || fake_is_off(life->fake)) {
            return;
        }
    }
}

/* A ledger with the client and nothing else, made once. */
static struct fake *life_disk(const struct actors *actors)
{
    static struct fake *disk;
    if (disk == NULL) {
        struct life life = {.fake = fake_new(), .actors = actors, .mem = arena_new(256 << 20)};
        struct apply_result result;
        CHECK(life_open(&life) == OK);
        CHECK(tenant_apply(actors->administrator, life.tenant, STR("clients: [{slug: acme}]"),
                           WORLD_NOW, life.mem, &result, NULL) == OK);
        life_close(&life);
        arena_free(life.mem);
        disk = life.fake;
    }
    return fake_copy(disk);
}

static struct life life_new(const struct actors *actors)
{
    return (struct life){.fake = life_disk(actors), .actors = actors, .mem = arena_new(256 << 20)};
}

static void life_end(struct life *life, uint64_t seed)
{
    fake_fail(life->fake, FAKE_ANY, 1, false, OK);
    fake_power_off(life->fake);
    CHECK(fake_power_on(life->fake, seed) == OK);
    CHECK(life_open(life) == OK);
    CHECK(ledger_check(life->ledger, NULL) == OK && ledger_audit_verify(life->ledger, NULL) == OK);
    life_look(life);
    life_close(life);
    arena_free(life->mem);
    fake_free(life->fake);
}

TEST(one_failure_of_the_disk_leaves_no_version_between_two_states)
{
    static const struct {
        enum fake_operation operation;
        enum err err;
        uint64_t sync_seed;
    } kinds[] = {
        {FAKE_ANY, ERR_IO, 21},
        {FAKE_WRITE, ERR_FULL, 22},
        {FAKE_SYNC, ERR_IO, 23},
        {FAKE_SYNC, ERR_IO, FAKE_SEED_NOTHING},
        {FAKE_SYNC, ERR_IO, FAKE_SEED_ALL},
    };
    struct actors actors = actors_new();
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        uint64_t nth = 1;
        for (bool failed = true; failed; nth++) {
            struct life life = life_new(&actors);
            fake_seed(life.fake, kinds[kind].sync_seed);
            fake_fail(life.fake, kinds[kind].operation, nth, false, kinds[kind].err);
            life_run(&life);
            failed = fake_failed(life.fake);
            CHECK(life.done == STEP_EFFECTIVE);
            life_end(&life, nth * 7919 + kind);
        }
        printf("kind %zu: %llu places\n", kind, (unsigned long long)nth - 2);
    }
    actors_done(&actors);
}

TEST(power_may_go_between_any_two_writes_of_a_version)
{
    struct actors actors = actors_new();
    for (uint64_t seed = 0; seed < 3; seed++) {
        uint64_t nth = 1;
        for (bool off = true; off; nth++) {
            struct life life = life_new(&actors);
            fake_power_off_at(life.fake, nth);
            life_run(&life);
            off = fake_is_off(life.fake);
            life_end(&life, seed == 0   ? FAKE_SEED_NOTHING
                            : seed == 1 ? FAKE_SEED_ALL
                                        : nth * 15485863);
        }
        printf("seed %llu: %llu places\n", (unsigned long long)seed, (unsigned long long)nth - 2);
    }
    actors_done(&actors);
}
