/* Rules, configurations and apply files are written outside: whatever they hold, a tree that was
 * accepted keeps what codec/yaml.h says of trees. */

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void node_check(const struct yaml_node *node, int depth)
{
    require(node->line > 0 && node->column > 0 && depth <= NESTING_MAX + 1);
    if (node->kind == YAML_SCALAR) {
        bool truth;
        int64_t value;
        require(node->first == NULL && node->text.data[node->text.size] == '\0');
        require(yaml_bool(node, &truth) != OK || !yaml_is_null(node));
        (void)!yaml_int(node, &value);
        return;
    }
    size_t count = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        require((child->key != NULL) == (node->kind == YAML_MAPPING));
        require(child->key == NULL || count > 100 || yaml_get(node, child->key->text) == child);
        node_check(child, depth + 1);
        count++;
    }
    require(count == node->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(256 << 20);
    struct yaml_node *root = NULL;
    struct why why = {0};
    enum err err = mem == NULL ? ERR_MEMORY : yaml_parse(str_of(data, size), mem, &root, &why);
    require(err == OK || err == ERR_MEMORY || why.text[0] != '\0');
    for (; err == OK && root != NULL; root = root->next) {
        node_check(root, 1);
    }
    arena_free(mem);
    return 0;
}
