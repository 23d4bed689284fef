/* Whatever is read as a tree is JSON to the other reader too, if it is an object; and every text of
 * the tree can be written and read back. */

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void leaf(void *context, struct str path, size_t offset, size_t size, enum json_kind kind)
{
    (void)context;
    (void)path;
    (void)offset;
    (void)size;
    (void)kind;
}

static void text_check(struct str text, struct arena *mem)
{
    struct buf out;
    struct yaml_node *back = NULL;
    buf_init(&out, 16 * text.size + 16);
    if (json_print(&out, text) == OK) {
        enum err err = json_parse(buf_str(&out), mem, &back, NULL);
        if (err == ERR_SYNTAX || (err == OK && !str_equal(back->text, text))) {
            abort();
        }
    }
    buf_done(&out);
}

static void node_check(const struct yaml_node *node, struct arena *mem)
{
    size_t count = 0;
    if (node->kind == YAML_SCALAR) {
        text_check(node->text, mem);
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if ((child->key != NULL) != (node->kind == YAML_MAPPING) || child->line == 0) {
            abort();
        }
        node_check(child, mem);
        count++;
    }
    if (count != node->count) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(64 << 20);
    struct str text = str_of(data, size);
    struct yaml_node *node;
    if (mem != NULL && json_parse(text, mem, &node, NULL) == OK) {
        node_check(node, mem);
        if (node->kind == YAML_MAPPING && json_walk(text, leaf, NULL, NULL) == ERR_SYNTAX) {
            abort();
        }
    }
    arena_free(mem);
    return 0;
}
