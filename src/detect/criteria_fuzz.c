/* Fields of an event, from outside: "name=value" behind one another, each behind a NUL; the first
 * text is the event's class.  Whatever they hold, judging ends in an outcome whose texts are fit to
 * be shown, and which is the same when asked again. */

#include "detect/criteria.h"

#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "event/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *kind, *yaml;
} documents[] = {
    {"assets", "assets:\n"
               "  - {slug: shop, hosts: [shop.example], addresses: [10.0.1.10], owner: o}\n"
               "  - {slug: net, addresses: [10.0.0.0/8, '2001:db8::/32']}\n"},
    {"criteria", "criteria:\n"
                 "  - {slug: a, when: {networks: [192.0.2.0/24], importance: [high]}}\n"
                 "  - {slug: b, when: {zones: [dmz], query: 'user.name: *a* or x'}}\n"
                 "  - {slug: c, when: {assets: [shop]}, then: {incident: yes}}\n"},
    {"detection", "exceptions:\n"
                  "  - {slug: e, all_rules: yes, since: 1970-01-01, expires: 1970-12-31,\n"
                  "     segments: [s], filter: \"x: {user.name|contains: adm}\\nexcept: x\"}\n"},
    {"table-1", "segments: [{slug: s, zone: dmz, networks: [10.0.1.0/24]}]\n"
                "nat:\n"
                "  - {slug: n, outside: 203.0.113.1, outside_ports: '80', inside: 10.0.1.10}\n"
                "  - {slug: m, outside: 203.0.113.1, inside: 10.0.1.11, protocol: udp}\n"},
};

static struct criteria *criteria_make(void)
{
    struct arena *mem = arena_new(1 << 22);
    struct criteria *criteria;
    struct buf bundle;
    struct buf json;
    buf_init(&bundle, 1 << 16);
    buf_init(&json, 1 << 16);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct document document;
        char hash[2 * SHA256_SIZE + 1];
        buf_reset(&json);
        if (mem == NULL ||
            document_read(schema_find(str_from(documents[i].kind)), str_from(documents[i].yaml),
                          mem, &document, NULL) != OK ||
            document_print(&document, &json) != OK) {
            abort();
        }
        struct sha256 sum = sha256_of_bytes(buf_str(&json));
        if (buf_print(&bundle, "%s %s %zu\n", documents[i].kind,
                      hex_print(sum.bytes, SHA256_SIZE, hash), json.size) != OK ||
            buf_append(&bundle, buf_str(&json)) != OK) {
            abort();
        }
    }
    if (criteria_new(buf_str(&bundle), STR("9 web\n"), NULL, &criteria, NULL) != OK) {
        abort();
    }
    buf_done(&json);
    buf_done(&bundle);
    arena_free(mem);
    return criteria;
}

static bool fit_to_show(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] == '<' || text.data[i] == '"') {
            return false;
        }
    }
    return text.size <= 253;
}

static void judge(const struct criteria *criteria, struct str bytes, struct arena *mem)
{
    struct alert alert = {.place = {{3}, 0}, .source = {9}, .rule_tags = STR("attack.t1190")};
    struct alerts alerts = {&alert, 1};
    struct batch batch;
    struct buf first;
    struct buf second;
    buf_init(&first, 1 << 16);
    buf_init(&second, 1 << 16);
    if (batch_check(bytes, mem, &batch, NULL) != OK ||
        criteria_judge(criteria, NULL, &batch, alert.place, mem, &alerts) != OK ||
        alert_encode(&alert, &first) != OK || !fit_to_show(alert.outcome.outside) ||
        !fit_to_show(alert.outcome.inside) || !fit_to_show(alert.outcome.other) ||
        criteria_judge(criteria, NULL, &batch, alert.place, mem, &alerts) != OK ||
        alert_encode(&alert, &second) != OK || !str_equal(buf_str(&first), buf_str(&second))) {
        abort();
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_slice(str_of(data, size), 0, 60000);
    static struct criteria *criteria; /* of every input of this process */
    criteria = criteria != NULL ? criteria : criteria_make();
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct arena *mem = arena_new(1 << 24);
    struct str bytes;
    if (builder != NULL && mem != NULL && builder_begin(builder, rest, (struct wall){0}) == OK) {
        builder_class(builder, str_slice(str_cut(&rest, '\0'), 0, 100));
        while (rest.size > 0) {
            struct str value = str_cut(&rest, '\0');
            struct str name = str_cut(&value, '=');
            if (name.size > 0 && name.size < 100) {
                builder_derive(builder, name, value);
            }
        }
        if (builder_end(builder) == OK && builder_finish(builder, &bytes) == OK) {
            judge(criteria, bytes, mem);
        }
    }
    arena_free(mem);
    builder_free(builder);
    return 0;
}
