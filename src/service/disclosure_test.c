#include <stdio.h>
#include <string.h>

#include "service/versions.h"
#include "service/world_test.h"
#include "testing/testing.h"

#define TWO "people: [{slug: head, mail: head@acme.example}, {slug: deputy, phone: \"+81 3\"}]"

static enum err disclose(struct world *world, enum role role, const char *path,
                         enum disclosure disclosure)
{
    return service_disclose(world->roles[role], world->service, ACME, STR("contacts"),
                            str_from(path), disclosure, world_at(5), &world->why);
}

static struct version signed_contacts(struct world *world)
{
    struct version version = world_draft(world, "contacts", TWO, 0, WALL_NONE);
    struct version after = {0};
    CHECK(world_sign(world, ROLE_RESPONSIBLE, &version, 1, &after) == OK);
    return after;
}

static const struct element *seen(struct world *world, const struct scope *scope, const char *slug)
{
    struct version version;
    struct document document;
    enum err err = service_effective(scope, world->service, ACME, STR("contacts"), world->mem,
                                     &version, &document);
    return err != OK ? NULL : element_item(element_get(document.root, "people"), str_from(slug));
}

TEST(a_provider_sees_what_is_disclosed_and_the_client_everything)
{
    struct world world = world_new();
    signed_contacts(&world);
    CHECK(seen(&world, world.roles[ROLE_ANALYST], "head") != NULL);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "people/head", DISCLOSURE_HIDDEN) == OK);
    CHECK(seen(&world, world.roles[ROLE_ANALYST], "head") == NULL);
    CHECK(seen(&world, world.roles[ROLE_ANALYST], "deputy") != NULL);
    CHECK(seen(&world, world.roles[ROLE_AUDITOR], "head") == NULL);
    CHECK(seen(&world, world.roles[ROLE_VIEWER], "head") != NULL);
    CHECK(seen(&world, world.administrator, "head") != NULL);
    CHECK(disclose(&world, ROLE_CONTACT, "people/head", DISCLOSURE_SUMMARISED) == OK);
    const struct element *head = seen(&world, world.roles[ROLE_ENGINEER], "head");
    CHECK(head != NULL && element_text(head, "mail").size == 0);
    CHECK(world_audited(&world, "disclose") == 2);
    world_done(&world);
}

TEST(only_the_clients_side_hears_what_was_said_of_disclosure)
{
    struct world world = world_new();
    struct disclosed *list;
    size_t count;
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "people/head", DISCLOSURE_HIDDEN) == OK);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "chains", DISCLOSURE_SUMMARISED) == OK);
    CHECK(service_disclosures(world.roles[ROLE_VIEWER], world.service, ACME, STR("contacts"),
                              world.mem, &list, &count) == OK);
    CHECK(count == 2 && str_equal(list[1].path, STR("people/head")));
    CHECK(list[0].disclosure == DISCLOSURE_SUMMARISED && list[1].disclosure == DISCLOSURE_HIDDEN);
    CHECK(service_disclosures(world.administrator, world.service, ACME, STR("contacts"), world.mem,
                              &list, &count) == OK);
    CHECK(service_disclosures(world.roles[ROLE_PROVIDER_ADMIN], world.service, ACME,
                              STR("contacts"), world.mem, &list, &count) == ERR_DENIED);
    CHECK(service_disclosures(world.roles[ROLE_BIDDER], world.service, ACME, STR("contacts"),
                              world.mem, &list, &count) == ERR_DENIED);
    world_done(&world);
}

TEST(only_the_clients_own_people_who_may_draft_disclose)
{
    struct world world = world_new();
    CHECK(disclose(&world, ROLE_PROVIDER_ADMIN, "people", DISCLOSURE_SHOWN) == ERR_DENIED);
    CHECK(disclose(&world, ROLE_VIEWER, "people", DISCLOSURE_SHOWN) == ERR_DENIED);
    CHECK(service_disclose(world.administrator, world.service, ACME, STR("contacts"), STR("people"),
                           DISCLOSURE_SHOWN, WORLD_NOW, &world.why) == ERR_DENIED);
    CHECK(disclose(&world, ROLE_CONTACT, "people", DISCLOSURE_SHOWN) == OK);
    CHECK(disclose(&world, ROLE_CONTACT, "people", DISCLOSURE_SHOWN) == OK);
    CHECK(world_audited(&world, "disclose") == 1);
    world_done(&world);
}

TEST(a_path_is_one_of_the_schema_whether_the_item_exists_or_not)
{
    static const struct {
        const char *path;
        bool valid;
    } paths[] = {
        {"", true},
        {"people", true},
        {"people/nobody", true},
        {"people/x/mail", true},
        {"people/x/y", false},
        {"peoples", false},
        {"people/", false},
        {"/people", false},
        {"people//mail", false},
        {"people/X", false},
        {"people/x/mail/z", false},
    };
    struct world world = world_new();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        CHECK(disclose(&world, ROLE_RESPONSIBLE, paths[i].path, DISCLOSURE_SHOWN) ==
              (paths[i].valid ? OK : ERR_NOT_FOUND));
    }
    CHECK(service_disclose(world.roles[ROLE_CONTACT], world.service, ACME, STR("nothing"), STR(""),
                           DISCLOSURE_SHOWN, WORLD_NOW, &world.why) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(a_bidder_sees_only_kinds_that_were_released)
{
    struct world world = world_new();
    struct version version = signed_contacts(&world);
    const struct scope *bidder = world.roles[ROLE_BIDDER];
    struct document document;
    struct version *list;
    size_t count = 9;
    CHECK(seen(&world, bidder, "head") == NULL);
    CHECK(service_version(bidder, world.service, ACME, version.kind, version.hash, world.mem,
                          &version, &document) == ERR_NOT_FOUND);
    CHECK(service_versions(bidder, world.service, ACME, version.kind, world.mem, &list, &count) ==
              OK &&
          count == 0);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "people", DISCLOSURE_SHOWN) == OK);
    CHECK(seen(&world, bidder, "head") == NULL);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "", DISCLOSURE_SHOWN) == OK);
    CHECK(seen(&world, bidder, "head") != NULL);
    CHECK(service_versions(bidder, world.service, ACME, version.kind, world.mem, &list, &count) ==
              OK &&
          count == 1);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "", DISCLOSURE_HIDDEN) == OK);
    CHECK(seen(&world, bidder, "head") == NULL);
    world_done(&world);
}

TEST(nobody_reads_documents_without_the_right)
{
    struct world world = world_new();
    struct version version = signed_contacts(&world);
    struct document document;
    struct version *list;
    size_t count;
    struct scope *other = NULL;
    CHECK(scope_for_test_role((struct client_id){1}, ROLE_RESPONSIBLE, &other) == OK);
    const struct scope *scopes[] = {other, world.job};
    for (size_t i = 0; i < 2; i++) {
        CHECK(service_versions(scopes[i], world.service, ACME, version.kind, world.mem, &list,
                               &count) == ERR_DENIED);
        CHECK(service_version(scopes[i], world.service, ACME, version.kind, version.hash, world.mem,
                              &version, &document) == ERR_DENIED);
        CHECK(service_effective(scopes[i], world.service, ACME, version.kind, world.mem, &version,
                                &document) == ERR_DENIED);
    }
    scope_free(other);
    world_done(&world);
}

TEST(the_other_side_says_once_that_it_has_read_what_runs)
{
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", TWO, 0, WALL_NONE);
    struct acknowledgement *list = NULL;
    size_t count = 0;
    struct version after;
    const struct scope *head = world.roles[ROLE_RESPONSIBLE];
    CHECK(service_acknowledge(head, world.service, ACME, version.kind, version.hash, STR(""),
                              world_at(1), &world.why) == ERR_CONFLICT);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 1, &after) == OK);
    CHECK(service_acknowledge(world.roles[ROLE_ANALYST], world.service, ACME, version.kind,
                              version.hash, STR(""), world_at(2), &world.why) == ERR_DENIED);
    CHECK(service_acknowledge(world.administrator, world.service, ACME, version.kind, version.hash,
                              STR(""), world_at(2), &world.why) == ERR_DENIED);
    CHECK(service_acknowledge(head, world.service, ACME, version.kind, version.hash,
                              STR("one question"), world_at(2), &world.why) == OK);
    CHECK(service_acknowledge(head, world.service, ACME, version.kind, version.hash, STR(""),
                              world_at(3), &world.why) == ERR_EXISTS);
    CHECK(service_acknowledgements(world.roles[ROLE_ANALYST], world.service, ACME, version.kind,
                                   version.hash, world.mem, &list, &count) == OK);
    CHECK(count == 1 && str_equal(list[0].who, STR("test/responsible")));
    CHECK(list[0].at.ns == world_at(2).ns && str_equal(list[0].note, STR("one question")));
    CHECK(world_audited(&world, "acknowledge") == 1);
    world_done(&world);
}

/* What the provider sees of the latest contacts, drafted as it is or as `text`. */
static enum err provider_draft(struct world *world, const char *text, struct version *ret)
{
    struct version version = {0};
    struct document document = {0};
    const struct scope *engineer = world->roles[ROLE_ENGINEER];
    if (text != NULL) {
        document = world_document(world, "contacts", text);
    } else {
        CHECK(service_effective(engineer, world->service, ACME, STR("contacts"), world->mem,
                                &version, &document) == OK);
    }
    return service_draft(engineer, world->service, ACME, &document, STR(""), WALL_NONE, world_at(9),
                         world->mem, ret, &world->why);
}

TEST(a_draft_of_what_is_seen_leaves_what_is_hidden_as_it_is)
{
    static const char three[] =
        "people: [{slug: a, mail: a@acme.example}, {slug: b, phone: \"+81 1\"},"
        " {slug: c, mail: c@acme.example, phone: \"+81 3\"}]\n"
        "gateways: [{slug: chat, url: \"https://acme.example/\"}]";
    static const char expected[] =
        "{\"gateways\":[{\"slug\":\"chat\",\"url\":\"https://acme.example/\"}],"
        "\"people\":[{\"mail\":\"new@acme.example\",\"slug\":\"a\"},"
        "{\"phone\":\"+81 1\",\"slug\":\"b\"},"
        "{\"mail\":\"c@acme.example\",\"phone\":\"+81 4\",\"slug\":\"c\"},{\"slug\":\"d\"}]}";
    struct world world = world_new();
    struct version version = world_draft(&world, "contacts", three, 0, WALL_NONE);
    struct version after;
    struct document document;
    struct str canonical;
    struct str hash;
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 1, &after) == OK);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "people/b", DISCLOSURE_HIDDEN) == OK);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "people/c/mail", DISCLOSURE_SUMMARISED) == OK);
    CHECK(disclose(&world, ROLE_RESPONSIBLE, "gateways", DISCLOSURE_HIDDEN) == OK);
    CHECK(provider_draft(&world, NULL, &after) == ERR_EXISTS);
    CHECK(provider_draft(&world,
                         "people: [{slug: a, mail: new@acme.example}, {slug: c, phone: \"+81 4\"},"
                         " {slug: d}]",
                         &after) == OK);
    CHECK(service_version(world.administrator, world.service, ACME, STR("contacts"), after.hash,
                          world.mem, &after, &document) == OK);
    CHECK(document_hash(&document, world.mem, &canonical, &hash) == OK);
    if (!str_equal(canonical, STR(expected))) {
        printf("%.*s\n", STR_ARG(canonical));
    }
    CHECK(str_equal(canonical, STR(expected)));
    /* Blind, the hidden is not overwritten; what was seen can be taken out. */
    CHECK(provider_draft(&world, "people: [{slug: b, phone: \"+81 9\"}]", &after) == OK);
    CHECK(service_version(world.administrator, world.service, ACME, STR("contacts"), after.hash,
                          world.mem, &after, &document) == OK);
    const struct element *people = element_get(document.root, "people");
    CHECK(people->count == 1 && element_item(people, STR("b")) != NULL);
    CHECK(str_equal(element_text(people->first, "phone"), STR("+81 1")));
    CHECK(element_get(document.root, "gateways") != NULL);
    world_done(&world);
}
