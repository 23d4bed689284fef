#include "tenant/tenant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "sys/fake.h"
#include "tenant/private.h"
#include "testing/testing.h"

#define NOW ((struct wall){1700000000000000000})

static const char two_clients[] = "clients:\n"
                                  "  - slug: acme\n"
                                  "    name: {ja: アクメ, en: \"Acme \\\"A\\\"\"}\n"
                                  "    sources:\n"
                                  "      - slug: web-1\n"
                                  "        parser: combined\n"
                                  "        zone: \"-03:30\"\n"
                                  "        senders:\n"
                                  "          - listener: syslog-udp\n"
                                  "            addresses: [192.0.2.10, 192.0.2.0/24]\n"
                                  "      - slug: db\n"
                                  "  - slug: globex\n"
                                  "    sources:\n"
                                  "      - slug: web-1\n"
                                  "        senders:\n"
                                  "          - listener: syslog-udp\n"
                                  "            addresses: [\"2001:db8::/32\"]\n";

struct world {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct scope *scope;
    struct arena *mem;
    struct apply_result result;
    struct why why;
};

static void world_open(struct world *world)
{
    CHECK(ledger_open(fake_disk(world->fake), ".", &world->ledger, &world->why) == OK);
    CHECK(tenant_open(world->ledger, NOW, &world->tenant, &world->why) == OK);
}

static struct world world_new(void)
{
    struct world world = {.fake = fake_new(), .mem = arena_new(512 << 20)};
    world_open(&world);
    CHECK(scope_for_administrator(world.tenant, 1000, STR("tenant apply"), NOW, &world.scope) ==
          OK);
    return world;
}

static void world_reopen(struct world *world)
{
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    world_open(world);
}

static void world_done(struct world *world)
{
    scope_free(world->scope);
    CHECK(ledger_check(world->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(world->ledger, NULL) == OK);
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    fake_free(world->fake);
    arena_free(world->mem);
}

static enum err apply(struct world *world, const char *text)
{
    world->why = (struct why){0};
    world->result = (struct apply_result){0};
    return tenant_apply(world->scope, world->tenant, str_from(text), NOW, world->mem,
                        &world->result, &world->why);
}

static bool changed(const struct world *world, const char *element, const char *what)
{
    for (size_t i = 0; i < world->result.count; i++) {
        if (str_equal(world->result.changes[i].element, str_from(element))) {
            return str_equal(world->result.changes[i].what, str_from(what)) &&
                   world->result.changes[i].version.size == 64;
        }
    }
    return false;
}

TEST(the_installation_itself_is_the_first_client)
{
    struct world world = world_new();
    struct client_info client;
    struct client_id id = {0};
    CHECK(tenant_client_at(world.tenant, 0, &client) && client.id.value == 1);
    CHECK(str_equal(client.slug, STR("installation")));
    CHECK(tenant_client_find(world.tenant, STR("installation"), &id) == OK && id.value == 1);
    CHECK(!tenant_client_at(world.tenant, 1, &client));
    CHECK(tenant_client_find(world.tenant, STR("acme"), &id) == ERR_NOT_FOUND);
    CHECK(apply(&world, "clients: [{slug: installation}]") == ERR_DENIED);
    world_done(&world);
}

TEST(an_apply_is_effective_at_once_and_again_changes_nothing)
{
    struct world world = world_new();
    CHECK(apply(&world, two_clients) == OK && world.result.count == 5);
    CHECK(changed(&world, "client acme", "new") && changed(&world, "source acme/web-1", "new"));
    CHECK(changed(&world, "source acme/db", "new") && changed(&world, "client globex", "new"));
    struct source_info source;
    CHECK(tenant_source_at(world.tenant, 2, &source) && source.client.value == 3);
    CHECK(source.id.value == 3 && source.active && !source.unknown_senders);
    world_reopen(&world);
    CHECK(apply(&world, two_clients) == OK && world.result.count == 5);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    world_done(&world);
}

TEST(a_source_that_left_the_file_keeps_its_id_and_may_come_back)
{
    struct world world = world_new();
    struct source_info source;
    CHECK(apply(&world, two_clients) == OK);
    CHECK(apply(&world, "clients: [{slug: acme, name: {en: A}, sources: [{slug: db}]}]") == OK);
    CHECK(world.result.count == 3 && changed(&world, "client acme", "changed"));
    CHECK(changed(&world, "source acme/web-1", "removed"));
    CHECK(changed(&world, "source acme/db", "unchanged"));
    CHECK(tenant_source_at(world.tenant, 0, &source) && !source.active && source.id.value == 1);
    world_reopen(&world);
    CHECK(apply(&world, two_clients) == OK && changed(&world, "source acme/web-1", "new"));
    CHECK(tenant_source_at(world.tenant, 0, &source) && source.active && source.id.value == 1);
    CHECK(tenant_source_at(world.tenant, 2, &source) &&
          !tenant_source_at(world.tenant, 3, &source));
    struct client_info client;
    CHECK(tenant_client_at(world.tenant, 1, &client) && str_equal(client.name_ja, STR("アクメ")));
    CHECK(str_equal(client.name_en, STR("Acme \"A\"")));
    world_done(&world);
}

TEST(what_is_exported_applies_as_unchanged)
{
    struct world world = world_new();
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(tenant_export(world.scope, world.tenant, STR(""), NULL, NULL, &out) == OK);
    CHECK(apply(&world, two_clients) == OK);
    buf_reset(&out);
    CHECK(tenant_export(world.scope, world.tenant, STR(""), NULL, NULL, &out) == OK);
    CHECK(buf_append_byte(&out, '\0') == OK && apply(&world, out.data) == OK);
    CHECK(world.result.count == 5);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    buf_reset(&out);
    CHECK(tenant_export(world.scope, world.tenant, STR("globex"), NULL, NULL, &out) == OK);
    CHECK(str_find(buf_str(&out), STR("ja: ~, en: ~")) != STR_NONE);
    CHECK(str_find(buf_str(&out), STR("acme")) == STR_NONE);
    CHECK(tenant_export(world.scope, world.tenant, STR("nobody"), NULL, NULL, &out) ==
          ERR_NOT_FOUND);
    buf_done(&out);
    world_done(&world);
}

TEST(mistakes_in_an_apply_file_say_where_and_what_to_do)
{
    static const struct {
        const char *text;
        enum err err;
        uint32_t line, column;
        const char *says;
    } cases[] = {
        {"", ERR_SYNTAX, 1, 1, "begins with 'clients:'"},
        {"client: []", ERR_SYNTAX, 1, 1, "did you mean 'clients'?"},
        {"clients: {}", ERR_SYNTAX, 1, 10, "a list of clients"},
        {"clients:\n  - slug: Acme", ERR_SYNTAX, 2, 11, "a-z, 0-9 and '-'"},
        {"clients:\n  - name: {}", ERR_SYNTAX, 2, 5, "has no slug"},
        {"clients:\n  - slug: a\n    source: []", ERR_SYNTAX, 3, 5, "did you mean 'sources'?"},
        {"clients:\n  - slug: a\n    name: {fr: x}", ERR_SYNTAX, 3, 12, "a name has no key 'fr'"},
        {"clients:\n  - slug: a\n    name: {en: \"x\\e[1m\"}", ERR_SYNTAX, 3, 16, "control"},
        {"clients:\n  - slug: a\n    name: {en: \"x\\u061C\"}", ERR_SYNTAX, 3, 16, "turns the"},
        {"clients:\n  - slug: a\n    people:\n      - {slug: b, name: {ja: \"x\\u200E\"}}",
         ERR_SYNTAX, 4, 30, "turns the"},
        {"parties:\n  - slug: a\n    name: {en: \"x\\u200F\"}", ERR_SYNTAX, 3, 16, "turns the"},
        {"clients:\n  - slug: a\n  - slug: a", ERR_SYNTAX, 3, 5, "stands in line 2 already"},
        {"clients:\n  - slug: a\n    sources:\n      - slug: b\n      - slug: b", ERR_SYNTAX, 5, 9,
         "source 'a/b' stands in line 4"},
        {"clients:\n  - slug: a\n    sources:\n      - {slug: b, parser: C E F}", ERR_SYNTAX, 4, 27,
         "docs/parsers.md"},
        {"clients:\n  - slug: a\n    sources:\n      - {slug: b, charset: sjis}", ERR_SYNTAX, 4, 28,
         "write auto, utf-8, shift_jis"},
        {"clients:\n  - slug: a\n    quota: 0", ERR_SYNTAX, 3, 12, "events a second"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders: [{listener: x, path: y}]",
         ERR_SYNTAX, 5, 35, "a path is absolute"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders: [{listener: x, path: /y, "
         "certificate: fw-1.acme.example}]",
         ERR_SYNTAX, 5, 15, "write two senders"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders: [{listener: x, "
         "certificate: \"sha256:00\"}]",
         ERR_SYNTAX, 5, 42, "fingerprint"},
        {"clients:\n  - slug: a\n    sources:\n      - {slug: b, zone: JST}", ERR_SYNTAX, 4, 25,
         "distance from UTC"},
        {"clients:\n  - slug: a\n    sources:\n      - {slug: b, zone: \"+19:00\"}", ERR_SYNTAX, 4,
         25, "distance from UTC"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders: [{listener: x}]", ERR_SYNTAX,
         5, 15, "add one"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders: [{addresses: [\"::1\"]}]",
         ERR_SYNTAX, 5, 15, "needs 'listener:'"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders:\n    - {listener: x, "
         "addresses: "
         "[10.0.0.1/8]}",
         ERR_SYNTAX, 6, 33, "no bits behind"},
        {"clients:\n- slug: a\n  sources:\n  - slug: b\n    senders:\n    - {listener: x, "
         "token_sha256: abc}",
         ERR_SYNTAX, 6, 35, "64 hexadecimal digits"},
        {"clients: []\n---\nclients: []", ERR_SYNTAX, 3, 1, "one document"},
    };
    struct world world = world_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err err = apply(&world, cases[i].text);
        if (err != cases[i].err || world.why.line != cases[i].line ||
            world.why.column != cases[i].column || strstr(world.why.text, cases[i].says) == NULL) {
            printf("case %zu: %s\n", i, why_text(&world.why, err));
            CHECK(false);
        }
        CHECK(tenant_apply_check(str_from(cases[i].text), world.mem, NULL) == err);
    }
    struct client_info client;
    CHECK(!tenant_client_at(world.tenant, 1, &client));
    world_done(&world);
}

TEST(no_sender_belongs_to_two_sources)
{
    struct world world = world_new();
    CHECK(apply(&world,
                "clients:\n"
                "- slug: a\n"
                "  sources:\n"
                "  - slug: x\n"
                "    senders:\n"
                "    - {listener: l, addresses: [10.0.0.0/8]}\n"
                "- slug: b\n"
                "  sources:\n"
                "  - slug: y\n"
                "    senders:\n"
                "    - {listener: l, addresses: [10.1.0.0/16, 10.0.0.0/8]}\n") == ERR_CONFLICT);
    CHECK(world.why.line == 11 && strstr(world.why.text, "a/x in line 6 already") != NULL);
    CHECK(strstr(world.why.text, "b/y") != NULL && strstr(world.why.text, "10.0.0.0/8") != NULL);
    CHECK(apply(&world, two_clients) == OK);
    CHECK(apply(&world,
                "clients:\n"
                "- slug: third\n"
                "  sources:\n"
                "  - slug: x\n"
                "    senders:\n"
                "    - {listener: syslog-udp, addresses: [192.0.2.10/32]}\n") == ERR_CONFLICT);
    CHECK(strstr(world.why.text, "acme/web-1 already, applied before") != NULL);
    CHECK(apply(&world, "clients:\n"
                        "- slug: third\n"
                        "  sources:\n"
                        "  - slug: x\n"
                        "    senders:\n"
                        "    - {listener: syslog-tcp, addresses: [192.0.2.10]}\n") == OK);
    world_done(&world);
}

TEST(only_who_may_manage_a_client_changes_or_sees_its_documents)
{
    struct world world = world_new();
    struct scope *narrow = NULL;
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(apply(&world, two_clients) == OK);
    scope_free(world.scope);
    CHECK(scope_for_test((struct client_id){2}, RIGHT_MANAGE, &world.scope) == OK);
    CHECK(apply(&world, "clients: [{slug: acme}]") == OK);
    CHECK(apply(&world, "clients: [{slug: acme, sources: [{slug: s, senders: [{listener: "
                        "syslog-udp, addresses: [\"2001:db8::/32\"]}]}]}]") == ERR_CONFLICT);
    CHECK(strstr(world.why.text, "globex") == NULL);
    CHECK(apply(&world, "clients: [{slug: globex}]") == ERR_DENIED);
    CHECK(apply(&world, "clients: [{slug: other}]") == ERR_DENIED);
    CHECK(tenant_export(world.scope, world.tenant, STR("globex"), NULL, NULL, &out) ==
          ERR_NOT_FOUND);
    CHECK(tenant_export(world.scope, world.tenant, STR("acme"), NULL, NULL, &out) == OK);
    CHECK(scope_for_spine(world.tenant, (struct client_id){3}, &narrow) == OK);
    CHECK(scope_allows(narrow, (struct client_id){3}, RIGHT_APPEND | RIGHT_ALERT));
    CHECK(!scope_allows(narrow, (struct client_id){2}, RIGHT_APPEND));
    CHECK(!scope_allows(narrow, (struct client_id){3}, RIGHT_MANAGE));
    scope_free(narrow);
    CHECK(scope_for_spine(world.tenant, (struct client_id){9}, &narrow) == ERR_NOT_FOUND);
    buf_done(&out);
    world_done(&world);
}

TEST(bindings_name_every_sender_and_take_unknown_ones_apart)
{
    static const struct str listeners[] = {{"syslog-udp", 10}, {"ingest", 6}};
    struct world world = world_new();
    struct bindings bindings;
    struct source_info source;
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(tenant_bindings(world.tenant, listeners, 2, NULL, NULL, &out) == OK);
    CHECK(bindings_decode(buf_str(&out), world.mem, &bindings) == OK && bindings.count == 2);
    CHECK(bindings.list[0].unknown_senders && bindings.list[0].client.value == 1);
    CHECK(str_equal(bindings.list[1].listener, STR("ingest")) &&
          bindings.list[1].source.value == 2);
    CHECK(tenant_source_at(world.tenant, 1, &source) && source.unknown_senders);
    uint64_t generation = bindings.generation;
    CHECK(apply(&world, two_clients) == OK);
    CHECK(apply(&world, "clients: [{slug: third, sources: [{slug: s, senders: [{listener: ingest, "
                        "token_sha256: "
                        "50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c}, "
                        "{listener: other, addresses: [\"::1\"]}]}]}]") == OK);
    buf_reset(&out);
    CHECK(tenant_bindings(world.tenant, listeners, 2, NULL, NULL, &out) == OK);
    CHECK(bindings_decode(buf_str(&out), world.mem, &bindings) == OK && bindings.count == 5);
    CHECK(bindings.generation > generation);
    const struct binding *acme = &bindings.list[0];
    CHECK(acme->client.value == 2 && acme->source.value == 3 && acme->networks_count == 2);
    CHECK(acme->networks[0].prefix == 128 && acme->networks[1].prefix == 120);
    CHECK(memcmp(acme->networks[1].address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\0", 16) == 0);
    CHECK(acme->zone_seconds == -(3 * 3600 + 1800) && str_equal(acme->parser, STR("combined")));
    const struct binding *token = &bindings.list[2];
    struct sha256 hash = sha256_of_bytes(STR("example"));
    CHECK(token->has_token && memcmp(token->token_hash, hash.bytes, 32) == 0);
    CHECK(token->networks_count == 0 && bindings.list[3].unknown_senders);
    for (size_t size = 0; size < out.size; size++) {
        CHECK(bindings_decode(str_of(out.data, size), world.mem, &bindings) == ERR_CORRUPT);
    }
    buf_done(&out);
    world_done(&world);
}

static bool summer_zone(void *context, struct str name, struct binding *ret)
{
    (void)context;
    ret->zone_seconds = 3600;
    ret->zone_next_seconds = 7200;
    ret->zone_until = (struct wall){1000};
    return str_equal(name, STR("Europe/Berlin"));
}

TEST(bindings_carry_what_marks_a_sender_and_how_its_lines_are_read)
{
    static const struct str listeners[] = {{"tls", 3}, {"files", 5}};
    static const char text[] = "clients:\n- slug: acme\n  quota: 500\n  sources:\n"
                               "  - {slug: fw, charset: shift_jis, zone: Europe/Berlin,\n"
                               "     senders: [{listener: tls, certificate: fw-1.acme.example}]}\n"
                               "  - {slug: web, zone: Asia/Nowhere, senders: [{listener: files, "
                               "path: /var/log/a*.log}]}\n";
    struct world world = world_new();
    struct bindings bindings;
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(apply(&world, text) == OK);
    CHECK(tenant_bindings(world.tenant, listeners, 2, summer_zone, NULL, &out) == OK);
    CHECK(bindings_decode(buf_str(&out), world.mem, &bindings) == OK && bindings.count == 4);
    const struct binding *tls = &bindings.list[0];
    CHECK(str_equal(tls->certificate, STR("fw-1.acme.example")) && tls->path.size == 0);
    CHECK(str_equal(tls->charset, STR("shift_jis")) && tls->quota == 500);
    CHECK(tls->zone_seconds == 3600 && tls->zone_next_seconds == 7200 &&
          tls->zone_until.ns == 1000);
    const struct binding *file = &bindings.list[1];
    CHECK(str_equal(file->path, STR("/var/log/a*.log")) && str_equal(file->charset, STR("auto")));
    CHECK(file->zone_seconds == 0 && !wall_known(file->zone_until));
    for (size_t size = 0; size < out.size; size++) {
        CHECK(bindings_decode(str_of(out.data, size), world.mem, &bindings) == ERR_CORRUPT);
    }
    buf_done(&out);
    world_done(&world);
}

TEST(a_token_is_new_each_time_and_its_hash_fits)
{
    struct arena *mem = arena_new(1 << 16);
    struct str token, other, hash;
    struct sha256 parsed;
    CHECK(tenant_token_new(mem, &token, &hash) == OK);
    CHECK(tenant_token_new(mem, &other, &hash) == OK && !str_equal(token, other));
    CHECK(hex_parse(hash, parsed.bytes, sizeof parsed.bytes) == OK);
    struct sha256 expected = sha256_of_bytes(other);
    CHECK(sha256_equal(&parsed, &expected));
    arena_free(mem);
}

TEST(the_example_of_the_apply_file_applies)
{
    char path[4096];
    struct world world = world_new();
    (void)snprintf(path, sizeof path, "%s/examples/clients.yaml", testing_root());
    char *text = testing_read(path, NULL);
    CHECK(apply(&world, text) == OK && world.result.count == 5);
    free(text);
    world_done(&world);
}

TEST(an_apply_that_fails_on_the_disk_changes_nothing)
{
    for (uint64_t nth = 1;; nth++) {
        struct world world = world_new();
        CHECK(apply(&world, "clients: [{slug: acme, sources: [{slug: db}]}]") == OK);
        fake_fail(world.fake, FAKE_ANY, nth, false, nth % 2 ? ERR_FULL : ERR_IO);
        enum err err = apply(&world, two_clients);
        bool failed = fake_failed(world.fake);
        struct client_id id;
        CHECK((err == OK) == (tenant_client_find(world.tenant, STR("globex"), &id) == OK));
        world_reopen(&world);
        CHECK(apply(&world, two_clients) == OK);
        CHECK(tenant_client_find(world.tenant, STR("globex"), &id) == OK && id.value == 3);
        world_done(&world);
        if (!failed) {
            CHECK(nth > 2);
            break;
        }
    }
}

static const char with_devices[] =
    "clients:\n"
    "  - slug: acme\n"
    "    sources: [{slug: one}, {slug: two}]\n"
    "    devices:\n"
    "      - {slug: box, name: {ja: 箱}, kind: firewall, provision: rental, owner: head,\n"
    "         place: {en: Hall}, on_failure: {en: fail-open}, sources: [one]}\n"
    "      - {slug: bare}\n";

TEST(devices_are_applied_found_by_their_sources_exported_and_taken_out)
{
    struct world world = world_new();
    struct apply_result result;
    struct device_info device;
    struct client_id client;
    struct why why = {0};
    struct buf out;
    CHECK(tenant_apply(world.scope, world.tenant, str_from(with_devices),
                       (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == OK);
    CHECK(tenant_client_find(world.tenant, STR("acme"), &client) == OK);
    CHECK(tenant_device_of(world.tenant, client, STR("one"), &device));
    CHECK(str_equal(device.slug, STR("box")) && str_equal(device.provision, STR("rental")));
    CHECK(str_equal(device.kind, STR("firewall")) && str_equal(device.place_en, STR("Hall")));
    CHECK(!tenant_device_of(world.tenant, client, STR("two"), &device));
    buf_init(&out, 65536);
    CHECK(tenant_export(world.scope, world.tenant, STR("acme"), NULL, NULL, &out) == OK);
    CHECK(tenant_apply(world.scope, world.tenant, buf_str(&out),
                       (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == OK);
    for (size_t i = 0; i < result.count; i++) {
        CHECK(str_equal(result.changes[i].what, STR("unchanged")));
    }
    buf_done(&out);
    CHECK(tenant_apply(world.scope, world.tenant,
                       STR("clients: [{slug: acme, sources: [{slug: one}]}]"),
                       (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == OK);
    CHECK(!tenant_device_of(world.tenant, client, STR("one"), &device));
    world_done(&world);
}

TEST(a_device_sends_sources_of_its_client_that_no_other_device_sends)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"clients: [{slug: a, devices: [{slug: d, sources: [x]}]}]",
         "device 'd' sends 'x', which is no source of 'a'"},
        {"clients: [{slug: a, sources: [{slug: x}], devices: [{slug: d, sources: [x]},"
         " {slug: e, sources: [x]}]}]",
         "source 'x' belongs to device 'd' already"},
        {"clients: [{slug: a, devices: [{slug: d, kind: fire}]}]", "there is no such choice"},
        {"clients: [{slug: a, devices: [{slug: d}, {slug: d}]}]", "stands in line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *mem = arena_new((size_t)1 << 24);
        struct why why = {0};
        CHECK(tenant_apply_check(str_from(cases[i].text), mem, &why) != OK);
        CHECK(strstr(why.text, cases[i].reason) != NULL);
        arena_free(mem);
    }
}

TEST(each_client_has_one_source_of_the_services_own_which_no_file_touches)
{
    struct world world = world_new();
    struct apply_result result;
    struct source_info source;
    struct why why = {0};
    size_t own = 0;
    CHECK(tenant_apply(world.scope, world.tenant, str_from(with_devices),
                       (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == OK);
    CHECK(tenant_own_sources(world.tenant, (struct wall){1700000000 * NS_PER_SECOND}) == OK);
    uint64_t generation = tenant_generation(world.tenant);
    CHECK(tenant_own_sources(world.tenant, (struct wall){1700000000 * NS_PER_SECOND}) == OK);
    CHECK(tenant_generation(world.tenant) == generation);
    CHECK(tenant_apply(world.scope, world.tenant, STR("clients: [{slug: acme}]"),
                       (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == OK);
    for (size_t i = 0; tenant_source_at(world.tenant, i, &source); i++) {
        own += source.own && source.active;
    }
    size_t clients = 0;
    struct client_info info;
    while (tenant_client_at(world.tenant, clients, &info)) {
        clients++;
    }
    CHECK(own == clients);
    CHECK(tenant_apply(
              world.scope, world.tenant, STR("clients: [{slug: acme, sources: [{slug: hinomi}]}]"),
              (struct wall){1700000000 * NS_PER_SECOND}, world.mem, &result, &why) == ERR_DENIED);
    world_done(&world);
}
