/* Whole apply files are written by people: a mistake has a sentence, and what is accepted has
 * documents that can be printed, disclosures of elements that there are, and signatures whose
 * statements can be made. */

#include <stdint.h>
#include <stdlib.h>

#include "service/versions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void client_try(const struct plan_client *client, struct arena *mem)
{
    for (size_t i = 0; i < schema_count(); i++) {
        const struct plan_document *document = &client->documents[i];
        struct str canonical;
        struct str hash;
        struct document again;
        if (document->node == NULL ||
            document_hash(&document->document, mem, &canonical, &hash) != OK) {
            continue;
        }
        require(document_read(schema_at(i), canonical, mem, &again, NULL) == OK);
    }
    for (size_t i = 0; i < client->disclosures_count; i++) {
        const struct plan_disclosure *item = &client->disclosures[i];
        require(disclosure_path_valid(schema_find(item->kind), item->path));
    }
    for (size_t i = 0; i < client->signatures_count; i++) {
        const struct plan_signature *item = &client->signatures[i];
        struct version version = {
            .kind = str_from(schema_kind(schema_at(item->kind))),
            .hash = item->hash,
            .wanted = item->wanted,
        };
        struct buf statement;
        buf_init(&statement, 4096);
        require(signature_statement(client->slug, &version, &item->signature, &statement) == OK);
        (void)signature_valid(&item->signature, buf_str(&statement));
        buf_done(&statement);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(512 << 20);
    struct why why = {0};
    struct plan plan;
    enum err err = mem == NULL ? ERR_MEMORY : service_apply_check(str_of(data, size), mem, &why);
    require(err == OK || err == ERR_MEMORY || why.text[0] != '\0');
    if (err == OK && service_plan_read(str_of(data, size), mem, &plan, NULL) == OK) {
        for (size_t i = 0; i < plan.count; i++) {
            client_try(&plan.clients[i], mem);
        }
    }
    arena_free(mem);
    return 0;
}
