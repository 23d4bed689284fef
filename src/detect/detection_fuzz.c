/* The text of an exception, as a person of the client may write it; or, behind the byte 0, the
 * state of thresholds as bytes.  What the check takes can run, and excepts or does not, twice the
 * same; what decodes is encoded as it was. */

#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "codec/json_text.h"
#include "detect/criteria.h"
#include "event/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void state_try(struct str bytes)
{
    struct criteria_state *state;
    struct buf again;
    buf_init(&again, bytes.size + 1);
    must(criteria_state_new(&state) == OK);
    if (criteria_state_decode(bytes, state) == OK) {
        must(criteria_state_encode(state, &again) == OK && str_equal(buf_str(&again), bytes));
    }
    buf_done(&again);
    criteria_state_free(state);
}

static struct batch event_make(struct builder *builder, struct arena *mem)
{
    struct batch batch;
    struct str bytes = {0};
    must(builder_begin(builder, STR("a record of adm_kato"), (struct wall){1800000000000000000}) ==
         OK);
    builder_class(builder, STR("process_creation/windows/"));
    builder_derive(builder, STR("User"), STR("adm_kato"));
    builder_derive(builder, STR("Image"), STR("C:\\Windows\\cmd.exe"));
    builder_derive(builder, STR("source.ip"), STR("192.0.2.7"));
    must(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    must(batch_check(bytes, mem, &batch, NULL) == OK);
    return batch;
}

static void judge(struct str json, struct arena *mem)
{
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct criteria *criteria;
    struct str slugs[2];
    struct buf bundle;
    char hash[2 * SHA256_SIZE + 1];
    struct sha256 sum = sha256_of_bytes(json);
    buf_init(&bundle, json.size + 1000);
    must(builder != NULL &&
         buf_print(&bundle, "detection %s %zu\n", hex_print(sum.bytes, SHA256_SIZE, hash),
                   json.size) == OK &&
         buf_append(&bundle, json) == OK);
    must(criteria_new(buf_str(&bundle), STR(""), NULL, &criteria, NULL) == OK);
    struct batch batch = event_make(builder, mem);
    for (size_t i = 0; i < 2; i++) {
        struct alert alert = {.place = {{3}, 0}, .source = {9}, .rule_id = STR("r")};
        struct alerts alerts = {&alert, 1};
        must(criteria_judge(criteria, NULL, &batch, alert.place, mem, &alerts) == OK);
        must(!alert.outcome.incident);
        slugs[i] = alert.outcome.excepted;
    }
    must(str_equal(slugs[0], slugs[1]));
    criteria_free(criteria);
    builder_free(builder);
    buf_done(&bundle);
}

static void filter_try(struct str text, struct arena *mem)
{
    struct document document;
    struct buf json;
    buf_init(&json, (size_t)8 << 20);
    must(
        buf_append(&json, STR("{\"exceptions\":[{\"slug\":\"a\",\"all_rules\":true,\"owner\":\"o\","
                              "\"reason\":{\"en\":\"r\"},\"since\":\"2026-12-01\",\"expires\":"
                              "\"2027-11-30\",\"filter\":")) == OK);
    must(json_print(&json, text) == OK && buf_append(&json, STR("}]}")) == OK);
    struct str read;
    must(arena_copy(mem, buf_str(&json), &read) == OK);
    buf_reset(&json);
    struct why why = {0};
    if (document_read(schema_find(STR("detection")), read, mem, &document, NULL) == OK &&
        detection_check(&document, &why) == OK) {
        must(document_print(&document, &json) == OK);
        judge(buf_str(&json), mem);
    }
    buf_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_slice(str_of(data, size), 0, 60000);
    struct arena *mem = arena_new((size_t)64 << 20);
    if (mem != NULL && bytes.size > 0 && bytes.data[0] == '\0') {
        state_try(str_slice(bytes, 1, bytes.size));
    } else if (mem != NULL) {
        filter_try(bytes, mem);
    }
    arena_free(mem);
    return 0;
}
