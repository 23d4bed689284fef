#include <string.h>

#include "ledger/ledger.h"
#include "service/versions.h"
#include "service/world_test.h"
#include "testing/testing.h"

/* Contacts are signed by the responsible person, criteria by both sides. */
#define HEAD     "people: [{slug: head, mail: head@acme.example}]"
#define DEPUTY   "people: [{slug: deputy, mail: deputy@acme.example}]"
#define THIRD    "people: [{slug: third, mail: third@acme.example}]"
#define CRITERIA "actions: [{slug: block}]"

static struct version latest(struct world *world, const char *kind)
{
    struct version *list = NULL;
    size_t count = 0;
    CHECK(service_versions(world->administrator, world->service, ACME, str_from(kind), world->mem,
                           &list, &count) == OK);
    CHECK(count > 0);
    return list[0];
}

static struct version numbered(struct world *world, const char *kind, uint32_t number)
{
    struct version *list = NULL;
    size_t count = 0;
    CHECK(service_versions(world->administrator, world->service, ACME, str_from(kind), world->mem,
                           &list, &count) == OK);
    CHECK(number >= 1 && number <= count && list[count - number].number == number);
    return list[count - number];
}

static enum version_state state_of(struct world *world, uint32_t number)
{
    return numbered(world, "contacts", number).state;
}

static bool turn(struct world *world, int64_t seconds, struct wall *ret_next)
{
    bool changed = false;
    CHECK(service_turn(world->job, world->service, world_at(seconds), ret_next, &changed) == OK);
    return changed;
}

TEST(a_draft_is_a_version_named_by_its_canonical_text)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct document document = world_document(&world, "contacts", HEAD);
    struct buf out;
    char hex[HASH_TEXT_SIZE];
    buf_init(&out, DOCUMENT_SIZE_MAX);
    CHECK(document_print(&document, &out) == OK);
    struct sha256 hash = sha256_of_bytes(buf_str(&out));
    CHECK(str_equal(version.hash, str_from(hex_print(hash.bytes, SHA256_SIZE, hex))));
    buf_done(&out);
    CHECK(version.number == 1 && version.state == VERSION_DRAFT);
    CHECK(str_equal(version.author, STR("test/engineer")));
    CHECK(str_equal(version.note, STR("a note")));
    CHECK(version.waits[0] == 1u << ROLE_RESPONSIBLE && version.waits[1] == 0);
    CHECK(!wall_known(version.effective) && version.signatures_count == 0);
    CHECK(world_audited(&world, "draft") == 1);
    world_done(&world);
}

TEST(the_same_text_again_is_the_version_that_is_there)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct document document = world_document(&world, "contacts", HEAD);
    struct version again = {0};
    CHECK(service_draft(world.roles[ROLE_CONTACT], world.service, ACME, &document, STR(""),
                        WALL_NONE, world_at(1), world.mem, &again, &world.why) == ERR_EXISTS);
    CHECK(again.number == 1 && str_equal(again.hash, version.hash));
    CHECK(world_audited(&world, "draft") == 1);
    world_done(&world);
}

TEST(drafts_need_the_right_to_draft_and_a_decent_note)
{
    struct world world = world_new();
    struct document document = world_document(&world, "contacts", HEAD);
    struct version version;
    CHECK(service_draft(world.roles[ROLE_ANALYST], world.service, ACME, &document, STR(""),
                        WALL_NONE, WORLD_NOW, world.mem, &version, &world.why) == ERR_DENIED);
    CHECK(service_draft(world.roles[ROLE_VIEWER], world.service, ACME, &document, STR(""),
                        WALL_NONE, WORLD_NOW, world.mem, &version, &world.why) == ERR_DENIED);
    CHECK(service_draft(world.roles[ROLE_ENGINEER], world.service, (struct client_id){1}, &document,
                        STR(""), WALL_NONE, WORLD_NOW, world.mem, &version,
                        &world.why) == ERR_DENIED);
    CHECK(service_draft(world.administrator, world.service, (struct client_id){77}, &document,
                        STR(""), WALL_NONE, WORLD_NOW, world.mem, &version, &world.why) != OK);
    CHECK(service_draft(world.roles[ROLE_ENGINEER], world.service, ACME, &document, STR("a\x1b[0m"),
                        WALL_NONE, WORLD_NOW, world.mem, &version, &world.why) == ERR_SYNTAX);
    CHECK(service_draft(world.administrator, world.service, ACME, &document, STR(""), WALL_NONE,
                        WORLD_NOW, world.mem, &version, &world.why) == OK);
    world_done(&world);
}

TEST(references_into_other_kinds_are_looked_up_in_their_latest_versions)
{
    static const char assets[] = "assets: [{slug: shop, owner: head}]";
    struct world world = world_new();
    struct document document = world_document(&world, "assets", assets);
    struct version version;
    CHECK(service_draft(world.roles[ROLE_ENGINEER], world.service, ACME, &document, STR(""),
                        WALL_NONE, WORLD_NOW, world.mem, &version, &world.why) == ERR_SYNTAX);
    CHECK(world.why.line == 1 && world.why.text[0] != '\0');
    world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    world_draft(&world, "assets", assets, 1, WALL_NONE);
    world_done(&world);
}

TEST(what_others_refer_to_cannot_be_drafted_away)
{
    struct world world = world_new();
    struct document document = world_document(&world, "contacts", DEPUTY);
    struct version version;
    world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    world_draft(&world, "assets", "assets: [{slug: shop, owner: head}]", 1, WALL_NONE);
    CHECK(service_draft(world.roles[ROLE_ENGINEER], world.service, ACME, &document, STR(""),
                        WALL_NONE, world_at(2), world.mem, &version, &world.why) == ERR_CONFLICT);
    CHECK(strstr(world.why.text, "'assets' still refers to this") != NULL);
    world_draft(&world, "assets", "assets: [{slug: shop}]", 3, WALL_NONE);
    world_draft(&world, "contacts", DEPUTY, 4, WALL_NONE);
    world_done(&world);
}

TEST(a_reference_that_was_lost_before_hinders_no_other_draft)
{
    struct world world = world_new();
    struct version contacts = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    world_draft(&world, "assets", "assets: [{slug: shop, owner: head}]", 1, WALL_NONE);
    CHECK(service_withdraw(world.roles[ROLE_ENGINEER], world.service, ACME, contacts.kind,
                           contacts.hash, world_at(2), &world.why) == OK);
    world_draft(&world, "calendars", "calendars: [{slug: office}]", 3, WALL_NONE);
    world_draft(&world, "contacts", DEPUTY, 4, WALL_NONE);
    world_done(&world);
}

TEST(the_last_signature_makes_a_version_effective_at_once)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version after = {0};
    uint64_t generation = service_generation(world.service, ACME);
    struct document document;
    CHECK(service_effective(world.administrator, world.service, ACME, STR("contacts"), world.mem,
                            &after, &document) == ERR_NOT_FOUND);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 10, &after) == OK);
    CHECK(after.state == VERSION_EFFECTIVE && after.effective.ns == world_at(10).ns);
    CHECK(after.signatures_count == 1 && after.waits[0] == 0);
    CHECK(str_equal(after.signatures[0].who, STR("test/responsible")));
    CHECK(str_equal(after.signatures[0].role, STR("responsible")));
    CHECK(str_equal(after.signatures[0].key, service_key(world.service)));
    CHECK(after.signatures[0].at.ns == world_at(10).ns);
    CHECK(service_generation(world.service, ACME) > generation);
    CHECK(service_generation(world.service, (struct client_id){3}) == 1);
    CHECK(world_audited(&world, "sign") == 1 && world_audited(&world, "effective") == 1);
    CHECK(service_effective(world.administrator, world.service, ACME, STR("contacts"), world.mem,
                            &after, &document) == OK);
    CHECK(element_item(element_get(document.root, "people"), STR("head")) != NULL);
    world_done(&world);
}

TEST(the_next_version_supersedes_and_the_old_one_can_be_read_for_ever)
{
    struct world world = world_new();
    struct version first = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version after;
    struct document document;
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &first, 1, &after) == OK);
    struct version second = world_draft(&world, "contacts", DEPUTY, 2, WALL_NONE);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &second, 3, &after) == OK);
    world_reopen(&world);
    CHECK(service_version(world.administrator, world.service, ACME, STR("contacts"), first.hash,
                          world.mem, &after, &document) == OK);
    CHECK(after.state == VERSION_SUPERSEDED && after.effective.ns == world_at(1).ns);
    CHECK(after.ended.ns == world_at(3).ns);
    CHECK(element_item(element_get(document.root, "people"), STR("head")) != NULL);
    CHECK(latest(&world, "contacts").state == VERSION_EFFECTIVE);
    CHECK(latest(&world, "contacts").effective.ns == world_at(3).ns);
    CHECK(!wall_known(latest(&world, "contacts").ended));
    world_done(&world);
}

TEST(a_version_waits_for_its_date_and_starts_on_it_however_late_the_turn_is)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", HEAD, 0, world_at(100));
    struct version after;
    struct wall next = {0};
    CHECK(!turn(&world, 1, &next) && !wall_known(next));
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 10, &after) == OK);
    CHECK(after.state == VERSION_SIGNED && after.wanted.ns == world_at(100).ns);
    CHECK(!turn(&world, 99, &next) && next.ns == world_at(100).ns);
    world_reopen(&world);
    CHECK(turn(&world, 500, &next) && !wall_known(next));
    CHECK(state_of(&world, 1) == VERSION_EFFECTIVE);
    CHECK(numbered(&world, "contacts", 1).effective.ns == world_at(100).ns);
    CHECK(!turn(&world, 501, &next));
    world_done(&world);
}

TEST(only_the_services_own_work_may_turn)
{
    struct world world = world_new();
    struct wall next;
    bool changed;
    CHECK(service_turn(world.administrator, world.service, WORLD_NOW, &next, &changed) ==
          ERR_DENIED);
    CHECK(service_turn(world.roles[ROLE_RESPONSIBLE], world.service, WORLD_NOW, &next, &changed) ==
          ERR_DENIED);
    world_done(&world);
}

TEST(both_sides_sign_and_no_one_for_the_other)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "criteria", CRITERIA, 0, WALL_NONE);
    struct version after;
    CHECK(version.waits[0] == 1u << ROLE_RESPONSIBLE);
    CHECK(version.waits[1] == (1u << ROLE_PROVIDER_ADMIN | 1u << ROLE_ENGINEER));
    CHECK(world_sign(&world, ROLE_ANALYST, &version, 1, &after) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_CONTACT, &version, 1, &after) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_BIDDER, &version, 1, &after) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_ENGINEER, &version, 1, &after) == OK);
    CHECK(after.state == VERSION_DRAFT && after.waits[0] == 1u << ROLE_RESPONSIBLE);
    CHECK(after.waits[1] == 0);
    CHECK(world_sign(&world, ROLE_PROVIDER_ADMIN, &version, 2, &after) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_ENGINEER, &version, 2, &after) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 3, &after) == OK);
    CHECK(after.state == VERSION_EFFECTIVE && after.effective.ns == world_at(3).ns);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 4, &after) == ERR_CONFLICT);
    world_done(&world);
}

TEST(neither_an_installation_nor_a_job_signs)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version after;
    CHECK(service_sign(world.administrator, world.service, ACME, version.kind, version.hash,
                       world_at(1), world.mem, &after, &world.why) == ERR_DENIED);
    CHECK(service_sign(world.job, world.service, ACME, version.kind, version.hash, world_at(1),
                       world.mem, &after, &world.why) == ERR_DENIED);
    CHECK(state_of(&world, 1) == VERSION_DRAFT);
    world_done(&world);
}

/* The only way to a scope with two roles is through its bytes. */
static struct scope *scope_of_both(void)
{
    struct scope *one = NULL;
    struct scope *both = NULL;
    struct buf bytes;
    buf_init(&bytes, 4096);
    CHECK(scope_for_test_role(ACME, ROLE_RESPONSIBLE, &one) == OK);
    CHECK(scope_encode(one, &bytes) == OK);
    bytes.data[20 + 8] |= 1 << ROLE_ENGINEER;
    CHECK(scope_decode(buf_str(&bytes), &both) == OK);
    scope_free(one);
    buf_done(&bytes);
    return both;
}

TEST(who_has_roles_of_both_sides_signs_for_one_of_them_alone)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "criteria", CRITERIA, 0, WALL_NONE);
    struct scope *both = scope_of_both();
    struct version after;
    CHECK(scope_has_role(both, ACME, ROLE_RESPONSIBLE) &&
          scope_has_role(both, ACME, ROLE_ENGINEER));
    CHECK(service_sign(both, world.service, ACME, version.kind, version.hash, world_at(1),
                       world.mem, &after, &world.why) == OK);
    CHECK(service_sign(both, world.service, ACME, version.kind, version.hash, world_at(1),
                       world.mem, &after, &world.why) == ERR_DENIED);
    CHECK(strstr(world.why.text, "somebody else") != NULL);
    CHECK(world_sign(&world, ROLE_ENGINEER, &version, 2, &after) == OK);
    CHECK(after.state == VERSION_EFFECTIVE);
    scope_free(both);
    world_done(&world);
}

TEST(a_replaced_or_withdrawn_draft_can_no_longer_be_signed)
{
    struct world world = world_new();
    struct version first = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version second = world_draft(&world, "contacts", DEPUTY, 1, WALL_NONE);
    struct version after;
    CHECK(state_of(&world, 1) == VERSION_WITHDRAWN && state_of(&world, 2) == VERSION_DRAFT);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &first, 2, &after) == ERR_CONFLICT);
    CHECK(service_withdraw(world.roles[ROLE_ANALYST], world.service, ACME, second.kind, second.hash,
                           world_at(3), &world.why) == ERR_DENIED);
    CHECK(service_withdraw(world.roles[ROLE_CONTACT], world.service, ACME, second.kind, second.hash,
                           world_at(3), &world.why) == OK);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &second, 4, &after) == ERR_CONFLICT);
    CHECK(service_withdraw(world.roles[ROLE_CONTACT], world.service, ACME, second.kind, second.hash,
                           world_at(5), &world.why) == ERR_CONFLICT);
    CHECK(world_audited(&world, "withdraw") == 1 && world_audited(&world, "replace draft") == 1);
    struct version third = world_draft(&world, "contacts", DEPUTY, 6, WALL_NONE);
    CHECK(third.number == 3 && world_sign(&world, ROLE_RESPONSIBLE, &third, 7, &after) == OK);
    CHECK(after.number == 3 && after.state == VERSION_EFFECTIVE);
    world_done(&world);
}

TEST(a_signed_version_outlives_new_drafts_but_not_a_newer_one_that_runs)
{
    struct world world = world_new();
    struct version planned = world_draft(&world, "contacts", HEAD, 0, world_at(100));
    struct version after;
    struct wall next;
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &planned, 1, &after) == OK);
    struct version urgent = world_draft(&world, "contacts", DEPUTY, 2, WALL_NONE);
    CHECK(state_of(&world, 1) == VERSION_SIGNED);
    CHECK(service_withdraw(world.roles[ROLE_CONTACT], world.service, ACME, planned.kind,
                           planned.hash, world_at(3), &world.why) == ERR_DENIED);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &urgent, 4, &after) == OK);
    CHECK(after.state == VERSION_EFFECTIVE && state_of(&world, 1) == VERSION_WITHDRAWN);
    CHECK(!turn(&world, 200, &next) && !wall_known(next));
    CHECK(state_of(&world, 2) == VERSION_EFFECTIVE);
    world_done(&world);
}

TEST(several_due_versions_become_effective_in_the_order_of_their_dates)
{
    struct world world = world_new();
    struct version first = world_draft(&world, "contacts", HEAD, 0, world_at(100));
    struct version after;
    struct wall next;
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &first, 1, &after) == OK);
    struct version second = world_draft(&world, "contacts", DEPUTY, 2, world_at(200));
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &second, 3, &after) == OK);
    CHECK(turn(&world, 300, &next));
    CHECK(state_of(&world, 1) == VERSION_SUPERSEDED && state_of(&world, 2) == VERSION_EFFECTIVE);
    CHECK(numbered(&world, "contacts", 1).effective.ns == world_at(100).ns);
    CHECK(numbered(&world, "contacts", 1).ended.ns == world_at(200).ns);
    CHECK(numbered(&world, "contacts", 2).effective.ns == world_at(200).ns);
    /* The clock stepped back: a version does not start before the one that it follows. */
    struct version third = world_draft(&world, "contacts", THIRD, 150, WALL_NONE);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &third, 160, &after) == OK);
    CHECK(after.effective.ns == world_at(200).ns);
    world_done(&world);
}

TEST(what_runs_is_read_once_and_follows_the_ledger)
{
    struct world world = world_new();
    struct version first = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version after;
    struct str hash = {0};
    const struct scope *scope = world.roles[ROLE_ANALYST];
    CHECK(service_running(scope, world.service, ACME, STR("contacts"), NULL) == NULL);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &first, 1, &after) == OK);
    const struct document *one =
        service_running(scope, world.service, ACME, STR("contacts"), &hash);
    CHECK(one != NULL && str_equal(hash, first.hash));
    CHECK(service_running(scope, world.service, ACME, STR("contacts"), NULL) == one);
    CHECK(service_running(world.job, world.service, ACME, STR("contacts"), NULL) == one);
    CHECK(service_running(scope, world.service, (struct client_id){1}, STR("contacts"), NULL) ==
          NULL);
    CHECK(service_running(scope, world.service, ACME, STR("nothing"), NULL) == NULL);
    /* What a caller takes back does not run. */
    struct version second = world_draft(&world, "contacts", DEPUTY, 2, WALL_NONE);
    CHECK(ledger_begin(world.ledger) == OK);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &second, 3, &after) == OK);
    CHECK(ledger_in_transaction(world.ledger));
    CHECK(service_running(scope, world.service, ACME, STR("contacts"), &hash) != NULL);
    CHECK(str_equal(hash, second.hash));
    ledger_rollback(world.ledger);
    CHECK(service_running(scope, world.service, ACME, STR("contacts"), &hash) != NULL);
    CHECK(str_equal(hash, first.hash));
    world_done(&world);
}

TEST(the_bundle_is_what_core_needs_and_reads_back)
{
    struct world world = world_new();
    struct version after;
    struct version contacts = world_draft(&world, "contacts", HEAD, 0, WALL_NONE);
    struct version calendars =
        world_draft(&world, "calendars", "calendars: [{slug: office}]", 0, WALL_NONE);
    struct version logs =
        world_draft(&world, "log-sources", "sources: [{slug: web}]", 0, WALL_NONE);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(service_bundle(world.job, world.service, ACME, &out) == OK && out.size == 0);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &contacts, 1, &after) == OK);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &calendars, 1, &after) == OK);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &logs, 1, &after) == OK);
    CHECK(service_bundle(world.job, world.service, ACME, &out) == OK);
    struct str rest = buf_str(&out);
    struct document document;
    struct str hash;
    CHECK(service_bundle_next(&rest, world.mem, &document, &hash) == OK);
    CHECK(strcmp(schema_kind(document.schema), "calendars") == 0);
    CHECK(str_equal(hash, calendars.hash));
    CHECK(service_bundle_next(&rest, world.mem, &document, &hash) == OK);
    CHECK(strcmp(schema_kind(document.schema), "contacts") == 0);
    CHECK(service_bundle_next(&rest, world.mem, &document, &hash) == OK);
    CHECK(strcmp(schema_kind(document.schema), "log-sources") == 0);
    CHECK(str_equal(hash, logs.hash));
    CHECK(service_bundle_next(&rest, world.mem, &document, &hash) == ERR_NOT_FOUND);
    for (size_t i = 0; i < out.size; i++) {
        out.data[i] ^= 1;
        rest = buf_str(&out);
        enum err err = OK;
        while (err == OK) {
            err = service_bundle_next(&rest, world.mem, &document, &hash);
        }
        CHECK(err == ERR_CORRUPT);
        out.data[i] ^= 1;
    }
    for (size_t size = 1; size < out.size; size++) {
        rest = str_slice(buf_str(&out), 0, size);
        enum err err = OK;
        while (err == OK) {
            err = service_bundle_next(&rest, world.mem, &document, &hash);
        }
        CHECK(err == ERR_CORRUPT || err == ERR_NOT_FOUND);
    }
    buf_done(&out);
    world_done(&world);
}

TEST(the_key_is_made_once_and_stays)
{
    struct world world = world_new();
    char key[KEY_TEXT_SIZE];
    CHECK(service_key(world.service).size == 64);
    memcpy(key, service_key(world.service).data, sizeof key);
    world_reopen(&world);
    CHECK(str_equal(service_key(world.service), str_from(key)));
    world_done(&world);
}

TEST(states_have_names)
{
    for (int state = 0; state < VERSION_STATE_COUNT; state++) {
        CHECK(version_state_text((enum version_state)state) != NULL);
    }
}
