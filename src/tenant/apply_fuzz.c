/* Apply files are written by people: what is accepted can be printed as canonical JSON, and is then
 * read back as the same. */

#include <stdint.h>
#include <stdlib.h>

#include "tenant/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void source_check(const struct source_element *source, struct arena *mem)
{
    struct buf first, second;
    struct yaml_node *node = NULL;
    struct source_element again;
    buf_init(&first, VERSION_SIZE_MAX);
    buf_init(&second, VERSION_SIZE_MAX);
    if (source_print(source, &first) == OK) {
        require(yaml_parse(buf_str(&first), mem, &node, NULL) == OK);
        require(source_read(node, mem, &again, NULL) == OK);
        require(source_print(&again, &second) == OK);
        require(str_equal(buf_str(&first), buf_str(&second)));
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(256 << 20);
    struct why why = {0};
    struct plan plan;
    enum err err = mem == NULL ? ERR_MEMORY : tenant_apply_check(str_of(data, size), mem, &why);
    require(err == OK || err == ERR_MEMORY || why.text[0] != '\0');
    if (err == OK) {
        require(plan_read(str_of(data, size), mem, &plan, NULL) == OK);
        for (size_t i = 0; i < plan.count; i++) {
            struct buf out;
            buf_init(&out, VERSION_SIZE_MAX);
            require(client_print(&plan.clients[i], &out) == OK);
            buf_done(&out);
            for (size_t j = 0; j < plan.clients[i].sources_count && j < 20; j++) {
                source_check(&plan.clients[i].sources[j], mem);
            }
        }
    }
    arena_free(mem);
    return 0;
}
