#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "ledger/ledger.h"
#include "service/versions.h"
#include "service/world_test.h"
#include "testing/testing.h"

#define FILE_SIZE_MAX (1 << 20)

static enum err apply_str(struct world *world, struct str text, const char *trust)
{
    world->why = (struct why){0};
    world->result = (struct apply_result){0};
    return service_apply(world->administrator, world->service, text, str_from(trust),
                         world_at(trust[0] == '\0' ? 50 : 100), world->mem, &world->result,
                         &world->why);
}

static enum err apply(struct world *world, const char *text)
{
    return apply_str(world, str_from(text), "");
}

static const struct apply_change *change_of(const struct world *world, const char *element)
{
    for (size_t i = 0; i < world->result.count; i++) {
        if (str_equal(world->result.changes[i].element, str_from(element))) {
            return &world->result.changes[i];
        }
    }
    return NULL;
}

/* Whether the result has this line. */
static bool said(const struct world *world, const char *element, const char *what,
                 const char *waits)
{
    const struct apply_change *change = change_of(world, element);
    bool holds = change != NULL && str_equal(change->what, str_from(what)) &&
                 str_equal(change->waits, str_from(waits));
    if (!holds && change != NULL) {
        printf("%s is '%.*s', '%.*s'\n", element, STR_ARG(change->what), STR_ARG(change->waits));
    }
    return holds;
}

static struct str example(struct world *world)
{
    char path[4096];
    const char *root = getenv("HINOMI_ROOT");
    (void)snprintf(path, sizeof path, "%s/examples/service.yaml", root != NULL ? root : ".");
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char *text = arena_take(world->mem, FILE_SIZE_MAX);
    size_t size = fread(text, 1, FILE_SIZE_MAX, file);
    CHECK(size > 0 && fclose(file) == 0);
    return (struct str){text, size};
}

static struct str exported(struct world *world)
{
    struct buf out;
    struct str text = {0};
    buf_init(&out, FILE_SIZE_MAX);
    CHECK(service_export(world->administrator, world->service, STR(""), &out) == OK);
    CHECK(arena_copy(world->mem, buf_str(&out), &text) == OK);
    buf_done(&out);
    return text;
}

/* Signs whatever waits, as every role that is asked for. */
static void sign_all(struct world *world)
{
    for (size_t i = 0; i < schema_count(); i++) {
        struct str kind = str_from(schema_kind(schema_at(i)));
        struct version *list;
        size_t count;
        CHECK(service_versions(world->administrator, world->service, world->client, kind,
                               world->mem, &list, &count) == OK);
        if (count == 0 || list[0].state != VERSION_DRAFT) {
            continue;
        }
        for (int set = 0; set < SETS_MAX && list[0].waits[set] != 0; set++) {
            enum role role = ROLE_PROVIDER_ADMIN;
            struct version after;
            while ((list[0].waits[set] & 1u << role) == 0) {
                role++;
            }
            CHECK(world_sign(world, role, &list[0], 60 + set, &after) == OK);
        }
    }
}

static size_t effective_count(struct world *world)
{
    size_t found = 0;
    for (size_t i = 0; i < schema_count(); i++) {
        found += service_running(world->administrator, world->service, world->client,
                                 str_from(schema_kind(schema_at(i))), NULL) != NULL;
    }
    return found;
}

TEST(a_whole_file_becomes_drafts_that_say_what_they_wait_for)
{
    struct world world = world_empty();
    enum err err = apply_str(&world, example(&world), "");
    if (err != OK) {
        printf("%s\n", why_text(&world.why, err));
    }
    CHECK(err == OK);
    world_roles(&world);
    CHECK(said(&world, "client acme", "new", ""));
    CHECK(said(&world, "document acme/assets", "new draft", "waits for responsible"));
    CHECK(said(&world, "document acme/criteria", "new draft",
               "waits for responsible; provider-admin or engineer"));
    CHECK(change_of(&world, "document acme/sla")->version.size == 64);
    CHECK(effective_count(&world) == 0);
    CHECK(apply_str(&world, example(&world), "") == OK);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    CHECK(said(&world, "document acme/assets", "unchanged", "waits for responsible"));
    sign_all(&world);
    CHECK(effective_count(&world) == schema_count());
    CHECK(apply_str(&world, example(&world), "") == OK);
    CHECK(said(&world, "document acme/assets", "unchanged", ""));
    world_done(&world);
}

TEST(an_export_makes_the_same_service_elsewhere_if_its_key_is_trusted)
{
    struct world first = world_empty();
    struct world second = world_empty();
    CHECK(apply_str(&first, example(&first), "") == OK);
    world_roles(&first);
    sign_all(&first);
    struct str text = exported(&first);
    enum err err = apply_str(&second, text, service_key(first.service).data);
    if (err != OK) {
        printf("%s\n%.*s\n", why_text(&second.why, err), STR_ARG(text));
    }
    CHECK(err == OK);
    world_roles(&second);
    CHECK(said(&second, "document acme/criteria", "effective", ""));
    CHECK(effective_count(&second) == schema_count());
    for (size_t i = 0; i < schema_count(); i++) {
        struct str kind = str_from(schema_kind(schema_at(i)));
        struct version here;
        struct version there;
        struct document document;
        CHECK(service_effective(first.administrator, first.service, first.client, kind, first.mem,
                                &here, &document) == OK);
        CHECK(service_effective(second.administrator, second.service, second.client, kind,
                                second.mem, &there, &document) == OK);
        CHECK(str_equal(here.hash, there.hash));
        CHECK(str_equal(there.signatures[0].key, service_key(first.service)));
        CHECK(!str_equal(there.signatures[0].key, service_key(second.service)));
    }
    CHECK(str_equal(exported(&second), text));
    world_reopen(&second);
    CHECK(str_equal(exported(&second), text));
    CHECK(world_audited(&second, "trust signature") > (int64_t)schema_count());
    CHECK(apply_str(&second, text, service_key(first.service).data) == OK);
    for (size_t i = 0; i < second.result.count; i++) {
        CHECK(str_equal(second.result.changes[i].what, STR("unchanged")));
    }
    world_done(&first);
    world_done(&second);
}

TEST(nothing_runs_before_its_last_signature_even_where_the_clock_is_behind)
{
    struct world first = world_empty();
    struct world second = world_empty();
    CHECK(apply_str(&first, example(&first), "") == OK);
    world_roles(&first);
    sign_all(&first);
    struct str text = exported(&first);
    const char *key = service_key(first.service).data;
    CHECK(service_apply(second.administrator, second.service, text, str_from(key), world_at(1),
                        second.mem, &second.result, &second.why) == OK);
    world_roles(&second);
    CHECK(effective_count(&second) == 0);
    world_done(&first);
    world_done(&second);
}

TEST(without_trust_an_export_is_drafts_that_wait)
{
    struct world first = world_empty();
    struct world second = world_empty();
    CHECK(apply_str(&first, example(&first), "") == OK);
    world_roles(&first);
    sign_all(&first);
    struct str text = exported(&first);
    CHECK(apply_str(&second, text, "") == OK);
    world_roles(&second);
    CHECK(effective_count(&second) == 0);
    CHECK(said(&second, "document acme/assets", "new draft", "waits for responsible"));
    const struct apply_change *passed =
        change_of(&second, "signature acme/assets of test/responsible");
    CHECK(passed != NULL && str_equal(passed->what, STR("passed over")));
    CHECK(str_ends(passed->waits, STR("is not trusted here; waits for responsible")));
    /* A key that signed nothing here changes nothing. */
    CHECK(apply_str(&second, text, service_key(second.service).data) == OK);
    CHECK(effective_count(&second) == 0);
    /* Then the right one. */
    CHECK(apply_str(&second, text, service_key(first.service).data) == OK);
    CHECK(said(&second, "document acme/assets", "effective", ""));
    CHECK(effective_count(&second) == schema_count());
    CHECK(str_equal(exported(&second), text));
    world_done(&first);
    world_done(&second);
}

TEST(a_signature_that_does_not_fit_is_refused_with_its_place)
{
    struct world first = world_empty();
    CHECK(apply_str(&first, example(&first), "") == OK);
    world_roles(&first);
    sign_all(&first);
    struct str text = exported(&first);
    static const struct {
        const char *before, *after;
    } forgeries[] = {
        {"who: test/responsible", "who: test/responsiblf"},
        {"at: \"2023", "at: \"2022"},
        {"role: responsible", "from: \"2030-01-01T00:00:00Z\", role: responsible"},
        {"signature: \"", NULL},
    };
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        struct world second = world_empty();
        struct buf forged;
        size_t at = str_find(text, STR("    signatures:\n"));
        struct str before = str_from(forgeries[i].before);
        CHECK(at != STR_NONE);
        at += str_find(str_slice(text, at, text.size), before);
        buf_init(&forged, FILE_SIZE_MAX);
        CHECK(buf_append(&forged, str_slice(text, 0, at)) == OK);
        if (forgeries[i].after != NULL) {
            CHECK(buf_append(&forged, str_from(forgeries[i].after)) == OK);
            at += before.size;
        }
        CHECK(buf_append(&forged, str_slice(text, at, text.size)) == OK);
        if (forgeries[i].after == NULL) {
            char *digit = &forged.data[at + before.size + 5];
            *digit = *digit == '0' ? '1' : '0';
        }
        CHECK(apply_str(&second, buf_str(&forged), service_key(first.service).data) == ERR_SYNTAX);
        CHECK(second.why.line > 0 && second.why.column > 0);
        CHECK(strstr(second.why.text, "does not fit") != NULL);
        CHECK(tenant_client_find(second.tenant, STR("acme"), &second.client) == ERR_NOT_FOUND);
        buf_done(&forged);
        world_done(&second);
    }
    world_done(&first);
}

TEST(only_whoever_runs_the_machine_names_a_key)
{
    struct world world = world_new();
    const char *text = "clients: [{slug: acme}]";
    CHECK(apply_str(&world, str_from(text), "not a key") == ERR_SYNTAX);
    CHECK(service_apply(world.roles[ROLE_PROVIDER_ADMIN], world.service, str_from(text),
                        service_key(world.service), WORLD_NOW, world.mem, &world.result,
                        &world.why) == ERR_DENIED);
    CHECK(service_apply(world.roles[ROLE_PROVIDER_ADMIN], world.service, str_from(text), STR(""),
                        WORLD_NOW, world.mem, &world.result, &world.why) == OK);
    CHECK(service_apply(world.roles[ROLE_ENGINEER], world.service, str_from(text), STR(""),
                        WORLD_NOW, world.mem, &world.result, &world.why) == ERR_DENIED);
    world_done(&world);
}

TEST(documents_of_one_file_may_refer_to_each_other_in_any_order)
{
    struct world world = world_new();
    CHECK(apply(&world, "clients:\n"
                        "  - slug: acme\n"
                        "    documents:\n"
                        "      assets: {assets: [{slug: shop, owner: head}]}\n"
                        "      contacts: {people: [{slug: head}]}\n") == OK);
    CHECK(said(&world, "document acme/assets", "new draft", "waits for responsible"));
    /* Later also alone: contacts are there. */
    CHECK(apply(&world, "clients:\n"
                        "  - slug: acme\n"
                        "    documents:\n"
                        "      assets: {assets: [{slug: shop-2, owner: head}]}\n") == OK);
    CHECK(said(&world, "document acme/assets", "changed draft", "waits for responsible"));
    /* But not without them. */
    CHECK(apply(&world, "clients:\n"
                        "  - slug: acme\n"
                        "    documents:\n"
                        "      contacts: {people: [{slug: deputy}]}\n") == ERR_CONFLICT);
    CHECK(world.why.line == 2);
    world_done(&world);
}

TEST(mistakes_name_line_and_column_and_nothing_is_applied)
{
    static const struct {
        const char *line;
        enum err err;
        uint32_t column;
        const char *says;
    } mistakes[] = {
        {"    documents: {asets: {}}", ERR_SYNTAX, 17, "did you mean 'assets'"},
        {"    documents: []", ERR_SYNTAX, 16, "documents"},
        {"    documents: {assets: {assets: [{slug: a, owner: nobody}]}}", ERR_SYNTAX, 52, ""},
        {"    documents: {assets: {assets: [{slug: a, colour: red}]}}", ERR_SYNTAX, 45, ""},
        {"    disclosures: [{kind: assets, path: x, disclosure: shown}]", ERR_SYNTAX, 40,
         "no such element"},
        {"    disclosures: [{kind: assets, path: assets, disclosure: shwn}]", ERR_SYNTAX, 60,
         "shown, hidden or summarised"},
        {"    disclosures: [{kind: assets, pth: assets, disclosure: shown}]", ERR_SYNTAX, 34,
         "did you mean 'path'"},
        {"    signatures: [{kind: assets, hash: 12}]", ERR_SYNTAX, 39, "64 lower-case"},
        {"    signatures: yes", ERR_SYNTAX, 17, "a list"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct world world = world_new();
        char text[1024];
        (void)snprintf(text, sizeof text, "clients:\n  - slug: globex\n  - slug: acme\n%s\n",
                       mistakes[i].line);
        enum err err = apply(&world, text);
        if (err != mistakes[i].err || world.why.line != 4 ||
            world.why.column != mistakes[i].column) {
            printf("%s: %s\n", mistakes[i].line, why_text(&world.why, err));
        }
        CHECK(err == mistakes[i].err && world.why.line == 4);
        CHECK(world.why.column == mistakes[i].column);
        CHECK(strstr(world.why.text, mistakes[i].says) != NULL);
        CHECK(tenant_client_find(world.tenant, STR("globex"), &world.client) == ERR_NOT_FOUND);
        world_done(&world);
    }
}

TEST(what_runs_is_not_drafted_again_beside_a_draft_that_waits)
{
    static const char one[] =
        "clients: [{slug: acme, documents: {contacts: {people: [{slug: a}]}}}]";
    static const char two[] =
        "clients: [{slug: acme, documents: {contacts: {people: [{slug: b}]}}}]";
    struct world world = world_new();
    CHECK(apply(&world, one) == OK);
    sign_all(&world);
    CHECK(apply(&world, two) == OK);
    CHECK(said(&world, "document acme/contacts", "changed draft", "waits for responsible"));
    CHECK(apply(&world, one) == OK);
    const struct apply_change *change = change_of(&world, "document acme/contacts");
    CHECK(change != NULL && str_equal(change->what, STR("unchanged")));
    CHECK(str_starts(change->waits, STR("beside it draft ")));
    CHECK(str_ends(change->waits, STR("waits for responsible")));
    /* The export has what runs, not what waits. */
    CHECK(str_find(exported(&world), STR("\"a\"")) != STR_NONE ||
          str_find(exported(&world), STR("slug: a\n")) != STR_NONE);
    world_done(&world);
}

TEST(sources_that_are_defined_and_not_enrolled_are_noted_and_the_other_way)
{
    struct world world = world_new();
    CHECK(apply(&world,
                "clients:\n"
                "  - slug: acme\n"
                "    sources: [{slug: web-1}, {slug: web-2}]\n"
                "    documents: {log-sources: {sources: [{slug: web-2}, {slug: db}]}}\n") == OK);
    CHECK(said(&world, "document acme/log-sources", "new draft", "waits for responsible"));
    bool notes[2] = {false, false};
    for (size_t i = 0; i < world.result.count; i++) {
        const struct apply_change *change = &world.result.changes[i];
        bool note = str_equal(change->what, STR("note"));
        notes[0] = notes[0] || (note && str_equal(change->element, STR("source acme/web-1")));
        notes[1] = notes[1] || (note && str_equal(change->element, STR("source acme/db")));
        CHECK(!note || !str_equal(change->element, STR("source acme/web-2")));
    }
    CHECK(notes[0] && notes[1]);
    world_done(&world);
}

TEST(a_file_takes_disclosures_along_but_a_provider_cannot_disclose_to_itself)
{
    static const char text[] =
        "clients:\n"
        "  - slug: acme\n"
        "    disclosures: [{kind: assets, path: information, disclosure: shown}]\n";
    struct world world = world_new();
    CHECK(service_apply(world.roles[ROLE_PROVIDER_ADMIN], world.service, str_from(text), STR(""),
                        WORLD_NOW, world.mem, &world.result, &world.why) == ERR_DENIED);
    CHECK(world.why.line == 3);
    CHECK(apply(&world, text) == OK);
    CHECK(said(&world, "disclosure acme/assets/information", "shown", ""));
    CHECK(apply(&world, text) == OK);
    CHECK(change_of(&world, "disclosure acme/assets/information") == NULL);
    CHECK(service_apply(world.roles[ROLE_PROVIDER_ADMIN], world.service, str_from(text), STR(""),
                        WORLD_NOW, world.mem, &world.result, &world.why) == OK);
    CHECK(str_find(exported(&world), STR("path: \"information\", disclosure: shown}")) != STR_NONE);
    world_done(&world);
}

TEST(a_date_that_was_asked_for_travels_with_the_signatures)
{
    struct world first = world_new();
    struct world second = world_empty();
    struct version version =
        world_draft(&first, "contacts", "people: [{slug: head}]", 0, world_at(1000));
    struct version after;
    struct document document;
    CHECK(world_sign(&first, ROLE_RESPONSIBLE, &version, 1, &after) == OK);
    struct str text = exported(&first);
    CHECK(apply_str(&second, text, service_key(first.service).data) == OK);
    world_roles(&second);
    CHECK(service_version(second.administrator, second.service, second.client, STR("contacts"),
                          version.hash, second.mem, &after, &document) == OK);
    CHECK(after.state == VERSION_SIGNED && after.wanted.ns == world_at(1000).ns);
    CHECK(str_starts(change_of(&second, "document acme/contacts")->waits, STR("waits for 2023-")));
    CHECK(str_equal(exported(&second), text));
    world_done(&first);
    world_done(&second);
}

TEST(a_provider_exports_what_it_sees_without_signatures)
{
    struct world world = world_new();
    struct buf out;
    CHECK(apply(&world, "clients:\n"
                        "  - slug: acme\n"
                        "    documents: {contacts: {people: [{slug: head}, {slug: deputy}]}}\n"
                        "    disclosures: [{kind: contacts, path: people/head, disclosure: hidden}]"
                        "\n") == OK);
    sign_all(&world);
    buf_init(&out, FILE_SIZE_MAX);
    CHECK(service_export(world.roles[ROLE_PROVIDER_ADMIN], world.service, STR("acme"), &out) == OK);
    CHECK(str_find(buf_str(&out), STR("deputy")) != STR_NONE);
    CHECK(str_find(buf_str(&out), STR("signatures:")) == STR_NONE);
    CHECK(str_find(exported(&world), STR("signatures:")) != STR_NONE);
    /* Applied again it changes nothing, since what is hidden stays. */
    CHECK(service_apply(world.roles[ROLE_PROVIDER_ADMIN], world.service, buf_str(&out), STR(""),
                        WORLD_NOW, world.mem, &world.result, &world.why) == OK);
    CHECK(said(&world, "document acme/contacts", "unchanged", ""));
    buf_reset(&out);
    CHECK(service_export(world.roles[ROLE_ANALYST], world.service, STR("acme"), &out) ==
          ERR_NOT_FOUND);
    buf_done(&out);
    world_done(&world);
}

TEST(an_apply_joins_the_callers_transaction)
{
    struct world world = world_new();
    CHECK(ledger_begin(world.ledger) == OK);
    CHECK(apply(&world, "clients:\n"
                        "  - slug: globex\n"
                        "    documents: {contacts: {people: [{slug: a}]}}\n") == OK);
    CHECK(ledger_in_transaction(world.ledger));
    ledger_rollback(world.ledger);
    CHECK(tenant_settle(world.tenant, &world.why) == OK);
    CHECK(tenant_client_find(world.tenant, STR("globex"), &world.client) == ERR_NOT_FOUND);
    world_done(&world);
}

/* Signs all that waits as the person, where one of their roles is asked for; returns how often. */
static size_t person_signs(struct world *world, const char *name, struct wall at)
{
    struct person_info person;
    struct scope *scope = NULL;
    size_t count = 0;
    CHECK(tenant_person_find(world->tenant, str_from(name), &person) == OK);
    CHECK(scope_for_person(world->tenant, person.id, STR("sign"), at, &scope) == OK);
    for (size_t i = 0; i < schema_count(); i++) {
        struct str kind = str_from(schema_kind(schema_at(i)));
        struct version *list;
        size_t size;
        struct version after;
        CHECK(service_versions(world->administrator, world->service, world->client, kind,
                               world->mem, &list, &size) == OK &&
              size == 1);
        enum err err = service_sign(scope, world->service, world->client, kind, list[0].hash, at,
                                    world->mem, &after, &world->why);
        CHECK(err == OK || err == ERR_DENIED || err == ERR_CONFLICT);
        count += err == OK;
    }
    scope_free(scope);
    return count;
}

TEST(the_people_of_the_example_sign_and_its_service_runs)
{
    struct world world = world_empty();
    struct wall at;
    CHECK(time_parse(STR("2026-11-22T00:00:00Z"), &at) == OK);
    CHECK(apply_str(&world, example(&world), "") == OK);
    CHECK(tenant_client_find(world.tenant, STR("acme"), &world.client) == OK);
    CHECK(person_signs(&world, "acme/head", at) == schema_count());
    CHECK(effective_count(&world) == schema_count() - 3);
    CHECK(person_signs(&world, "watch/analyst", at) == 0);
    CHECK(person_signs(&world, "watch/admin", at) == 3);
    CHECK(effective_count(&world) == schema_count());
    CHECK(str_find(exported(&world), STR("role: responsible, who: acme/head")) != STR_NONE);
    CHECK(str_find(exported(&world), STR("role: provider-admin, who: watch/admin")) != STR_NONE);
    world_done(&world);
}
