/* Codes by time, recovery codes, and a factor's life. */

#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"
#include "tenant/world_test.h"
#include "testing/testing.h"

#define PEER    STR("192.0.2.7")
#define STEP_NS (30 * NS_PER_SECOND)

static const uint8_t key[FACTOR_KEY_SIZE] = {1, 2, 3};

/* The secret of an app: Base32 the way back. */
static size_t base32_read(struct str text, uint8_t *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t held = 0;
    unsigned bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = strchr(digits, text.data[i]);
        CHECK(at != NULL && *at != '\0');
        held = held << 5 | (uint32_t)(at - digits);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (uint8_t)(held >> bits);
        }
    }
    return size;
}

/* What the app shows at a moment. */
static struct str app(struct world *world, struct str secret, struct wall now)
{
    uint8_t bytes[64];
    struct str shown;
    size_t size = base32_read(secret, bytes);
    CHECK(size == 20);
    CHECK(arena_print(world->mem, &shown, "%06u",
                      (unsigned)totp_code(str_of(bytes, size), (uint64_t)(now.ns / STEP_NS))) ==
          OK);
    return shown;
}

/* A code that fits neither now nor a step before or after. */
static struct str wrong(struct world *world, struct str secret, struct wall now)
{
    for (unsigned i = 0;; i++) {
        struct str code;
        CHECK(arena_print(world->mem, &code, "%06u", i) == OK);
        if (!str_equal(code, app(world, secret, now)) &&
            !str_equal(code, app(world, secret, (struct wall){now.ns - STEP_NS})) &&
            !str_equal(code, app(world, secret, (struct wall){now.ns + STEP_NS}))) {
            return code;
        }
    }
}

static struct str session(struct world *world, uint32_t person, struct wall now)
{
    struct str token = {0};
    CHECK(session_new(world->tenant, person, PEER, STR("x"), now, world->mem, &token) == OK);
    return token;
}

struct armed {
    struct world world;
    uint32_t person;
    struct str secret, session;
    struct str codes[RECOVERY_CODES];
};

/* acme/head with a factor, confirmed at NOW. */
static struct armed armed_new(void)
{
    struct armed armed = {.world = world_peopled()};
    struct world *world = &armed.world;
    tenant_factors_set(world->tenant, key, FACTOR_OPTIONAL);
    armed.person = world_person(world, "acme/head");
    armed.session = session(world, armed.person, NOW);
    CHECK(factor_begin(world->tenant, armed.person, NOW, world->mem, &armed.secret) == OK);
    CHECK(factor_confirm(world->tenant, armed.person, app(world, armed.secret, NOW), armed.session,
                         NOW, world->mem, armed.codes) == OK);
    return armed;
}

static struct person_door door(struct world *world, uint32_t person)
{
    struct person_door door = {0};
    CHECK(tenant_person_door(world->tenant, person, &door) == OK);
    return door;
}

/* RFC 6238, appendix B, the rows of SHA-1: its eight digits without the first two. */
TEST(codes_by_time_are_what_rfc_6238_says)
{
    static const struct {
        int64_t seconds;
        uint32_t code;
    } rows[] = {
        {59, 287082},       {1111111109, 81804},  {1111111111, 50471},
        {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t code = totp_code(STR("12345678901234567890"), (uint64_t)rows[i].seconds / 30);
        CHECK(code == rows[i].code);
    }
}

TEST(a_code_is_six_digits_and_counts_one_step_before_and_after)
{
    struct str secret = STR("12345678901234567890");
    uint32_t code = totp_code(secret, 1000);
    int64_t step = 0;
    uint32_t read;
    for (int64_t at = 990; at < 1010; at++) {
        struct wall now = {at * STEP_NS + 7};
        CHECK(totp_find(secret, code, now, 0, &step) == (at >= 999 && at <= 1001));
    }
    CHECK(step == 1000);
    CHECK(!totp_find(secret, code, (struct wall){1000 * STEP_NS}, 1000, &step));
    CHECK(totp_read(STR("012 345"), &read) && read == 12345);
    CHECK(!totp_read(STR("12345"), &read) && !totp_read(STR("1234567"), &read));
    CHECK(!totp_read(STR("12345a"), &read) && !totp_read(STR(""), &read));
}

TEST(a_factor_counts_from_its_first_code_on_and_ends_every_other_session)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    uint32_t clerk = world_person(world, "acme/clerk");
    struct str here = session(world, clerk, NOW);
    struct str there = session(world, clerk, NOW);
    struct str codes[RECOVERY_CODES];
    struct str first, second;
    CHECK(factor_confirm(world->tenant, clerk, STR("123456"), here, NOW, world->mem, codes) ==
          ERR_CONFLICT);
    CHECK(factor_begin(world->tenant, clerk, NOW, world->mem, &first) == OK);
    CHECK(!door(world, clerk).second_factor);
    CHECK(factor_use(world->tenant, clerk, app(world, first, NOW), NOW) == ERR_CONFLICT);
    CHECK(factor_begin(world->tenant, clerk, NOW, world->mem, &second) == OK);
    CHECK(!str_equal(first, second));
    CHECK(factor_confirm(world->tenant, clerk, wrong(world, second, NOW), here, NOW, world->mem,
                         codes) == ERR_DENIED);
    CHECK(session_alive(world->tenant, there, NOW) == OK);
    CHECK(factor_confirm(world->tenant, clerk, app(world, second, NOW), here, NOW, world->mem,
                         codes) == OK);
    CHECK(session_alive(world->tenant, here, NOW) == OK);
    CHECK(session_alive(world->tenant, there, NOW) == ERR_DENIED);
    CHECK(session_alive(world->tenant, armed.session, NOW) == OK);
    CHECK(door(world, clerk).second_factor && door(world, clerk).recovery_codes == RECOVERY_CODES);
    CHECK(factor_begin(world->tenant, clerk, NOW, world->mem, &first) == ERR_EXISTS);
    world_done(world);
}

TEST(a_code_is_good_once_also_after_a_restart)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    struct wall later = after(MINUTE);
    /* The code of the confirmation has been used. */
    CHECK(factor_use(world->tenant, armed.person, app(world, armed.secret, NOW), NOW) ==
          ERR_DENIED);
    struct str code = app(world, armed.secret, later);
    CHECK(factor_use(world->tenant, armed.person, code, later) == OK);
    CHECK(factor_use(world->tenant, armed.person, code, later) == ERR_DENIED);
    world_reopen(world);
    tenant_factors_set(world->tenant, key, FACTOR_OPTIONAL);
    CHECK(factor_use(world->tenant, armed.person, code, later) == ERR_DENIED);
    later = after(2 * MINUTE);
    CHECK(factor_use(world->tenant, armed.person, app(world, armed.secret, later), later) == OK);
    world_done(world);
}

TEST(a_recovery_code_is_good_once_however_it_is_written)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    char shouted[64];
    size_t size = 0;
    CHECK(armed.codes[0].size == 19 && armed.codes[0].data[4] == '-');
    for (size_t i = 0; i < armed.codes[0].size; i++) {
        char c = armed.codes[0].data[i];
        if (c != '-') {
            shouted[size++] = (char)(c == '0'               ? 'O'
                                     : c == '1'             ? 'l'
                                     : c >= 'a' && c <= 'z' ? c & ~0x20
                                                            : c);
        }
    }
    CHECK(factor_use(world->tenant, armed.person, str_of(shouted, size), NOW) == OK);
    CHECK(factor_use(world->tenant, armed.person, armed.codes[0], NOW) == ERR_DENIED);
    CHECK(door(world, armed.person).recovery_codes == RECOVERY_CODES - 1);
    CHECK(world_audited(world, "recovery-code") == 1);
    CHECK(factor_use(world->tenant, armed.person, STR("0000-0000-0000-0000"), NOW) == ERR_DENIED);
    CHECK(factor_use(world->tenant, armed.person, STR("uuuu"), NOW) == ERR_DENIED);
    struct str fresh[RECOVERY_CODES];
    CHECK(factor_codes(world->tenant, armed.person, NOW, world->mem, fresh) == OK);
    CHECK(factor_use(world->tenant, armed.person, armed.codes[1], NOW) == ERR_DENIED);
    CHECK(factor_use(world->tenant, armed.person, fresh[9], NOW) == OK);
    world_done(world);
}

TEST(after_a_hundred_wrong_codes_only_a_recovery_code_lets_in)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    struct wall now = after(MINUTE);
    struct str bad = wrong(world, armed.secret, now);
    for (int i = 0; i < 100; i++) {
        CHECK(world_audited(world, "second-factor-locked") == 0);
        CHECK(factor_use(world->tenant, armed.person, bad, now) == ERR_DENIED);
    }
    CHECK(world_audited(world, "second-factor-locked") == 1);
    world_reopen(world);
    tenant_factors_set(world->tenant, key, FACTOR_OPTIONAL);
    CHECK(factor_use(world->tenant, armed.person, app(world, armed.secret, now), now) ==
          ERR_DENIED);
    CHECK(factor_use(world->tenant, armed.person, armed.codes[3], now) == OK);
    CHECK(factor_use(world->tenant, armed.person, app(world, armed.secret, now), now) == OK);
    world_done(world);
}

TEST(without_the_installations_key_no_code_fits_and_recovery_codes_do)
{
    static const uint8_t other[FACTOR_KEY_SIZE] = {9};
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    struct wall now = after(MINUTE);
    struct str code = app(world, armed.secret, now);
    struct str secret;
    world_reopen(world);
    CHECK(factor_use(world->tenant, armed.person, code, now) == ERR_DENIED);
    CHECK(factor_begin(world->tenant, world_person(world, "acme/clerk"), now, world->mem,
                       &secret) == ERR_UNSUPPORTED);
    tenant_factors_set(world->tenant, other, FACTOR_OPTIONAL);
    CHECK(factor_use(world->tenant, armed.person, code, now) == ERR_DENIED);
    CHECK(factor_use(world->tenant, armed.person, armed.codes[0], now) == OK);
    world_done(world);
}

TEST(the_ledger_holds_neither_the_secret_nor_a_recovery_code)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    uint8_t bytes[64];
    struct statement *statement;
    bool row;
    size_t size = base32_read(armed.secret, bytes);
    CHECK(ledger_prepare(world->ledger, "SELECT secret FROM factor", &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    struct str sealed = statement_bytes(statement, 0);
    CHECK(sealed.size == 48);
    CHECK(memmem(sealed.data, sealed.size, bytes, size) == NULL);
    statement_reset(statement);
    world_done(world);
}

TEST(who_ends_a_factor_or_leaves_starts_anew)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    struct str there = session(world, armed.person, NOW);
    CHECK(factor_end(world->tenant, armed.person, armed.session, NOW) == OK);
    CHECK(session_alive(world->tenant, armed.session, NOW) == OK);
    CHECK(session_alive(world->tenant, there, NOW) == ERR_DENIED);
    CHECK(!door(world, armed.person).second_factor);
    CHECK(door(world, armed.person).recovery_codes == 0);
    CHECK(factor_begin(world->tenant, armed.person, NOW, world->mem, &armed.secret) == OK);
    CHECK(factor_confirm(world->tenant, armed.person, app(world, armed.secret, NOW), armed.session,
                         NOW, world->mem, armed.codes) == OK);
    CHECK(world_apply(world, "clients: [{slug: acme}]\n") == OK);
    CHECK(!door(world, armed.person).second_factor);
    CHECK(door(world, armed.person).recovery_codes == 0);
    CHECK(session_alive(world->tenant, armed.session, NOW) == ERR_DENIED);
    world_done(world);
}

TEST(a_lost_factor_is_taken_away_by_who_manages_the_party_and_by_nobody_else)
{
    struct armed armed = armed_new();
    struct world *world = &armed.world;
    struct str head = STR("acme/head");
    CHECK(factor_take(NULL, world->tenant, world_person(world, "acme/clerk"), head, NOW, NULL) ==
          ERR_DENIED);
    CHECK(factor_take(NULL, world->tenant, world_person(world, "watch/admin"), head, NOW, NULL) ==
          ERR_NOT_FOUND);
    CHECK(factor_take(NULL, world->tenant, world_person(world, "other/head"), head, NOW, NULL) ==
          ERR_NOT_FOUND);
    CHECK(factor_take(NULL, world->tenant, 0, head, NOW, NULL) == ERR_NOT_FOUND);
    CHECK(factor_take(NULL, world->tenant, armed.person, head, NOW, &world->why) == ERR_CONFLICT);
    CHECK(session_alive(world->tenant, armed.session, NOW) == OK);
    CHECK(factor_take(world->scope, world->tenant, 0, head, NOW, NULL) == OK);
    CHECK(session_alive(world->tenant, armed.session, NOW) == ERR_DENIED);
    CHECK(!door(world, armed.person).second_factor);
    CHECK(factor_take(world->scope, world->tenant, 0, head, NOW, NULL) == ERR_NOT_FOUND);
    world_done(world);
}

TEST(an_installation_wants_a_factor_of_nobody_of_providers_or_of_everybody)
{
    static const bool wanted[FACTOR_POLICY_COUNT][3] = {
        [FACTOR_PROVIDER] = {true, false, false}, [FACTOR_EVERYBODY] = {true, true, true}};
    static const char *const names[] = {"watch/ann", "acme/head", "audit/ada"};
    struct world world = world_peopled();
    for (int policy = 0; policy < FACTOR_POLICY_COUNT; policy++) {
        tenant_factors_set(world.tenant, key, (enum factor_policy)policy);
        for (size_t i = 0; i < 3; i++) {
            CHECK(factor_wanted(world.tenant, world_person(&world, names[i])) == wanted[policy][i]);
        }
    }
    CHECK(!factor_wanted(world.tenant, 9999));
    world_done(&world);
}

TEST(a_factor_that_fails_on_the_disk_is_there_whole_or_not_at_all)
{
    for (uint64_t nth = 1;; nth++) {
        struct world world = world_peopled();
        struct str secret = {0};
        struct str codes[RECOVERY_CODES];
        uint32_t person = world_person(&world, "acme/head");
        tenant_factors_set(world.tenant, key, FACTOR_OPTIONAL);
        struct str token = session(&world, person, NOW);
        CHECK(factor_begin(world.tenant, person, NOW, world.mem, &secret) == OK);
        fake_fail(world.fake, FAKE_ANY, nth, false, nth % 2 ? ERR_FULL : ERR_IO);
        enum err err = factor_confirm(world.tenant, person, app(&world, secret, NOW), token, NOW,
                                      world.mem, codes);
        bool failed = fake_failed(world.fake);
        CHECK(failed || err == OK);
        world_reopen(&world);
        struct person_door now = door(&world, person);
        CHECK(now.second_factor == (now.recovery_codes == RECOVERY_CODES));
        CHECK(now.second_factor || now.recovery_codes == 0);
        CHECK(err != OK || now.second_factor);
        world_done(&world);
        if (!failed) {
            CHECK(nth > 1);
            break;
        }
    }
}
