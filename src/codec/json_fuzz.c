/* No text leads the walk outside it, every string it tells of can be unescaped, and what the other
 * reader of JSON (json_parse, a grammar of its own) takes for an object has the same leaves here.
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t leaves;
    struct str text;
    struct arena *mem;
};

static void leaf_check(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct seen *seen = context;
    struct str value;
    seen->leaves++;
    if (path.size > NAME_SIZE_MAX + 1 || offset > seen->text.size ||
        size > seen->text.size - offset) {
        abort();
    }
    enum err err = json_unescape(str_slice(seen->text, offset, size), seen->mem, &value);
    if (kind == JSON_STRING && err == ERR_SYNTAX) {
        abort();
    }
}

/* As the walk tells them: scalars, and objects and lists without members. */
static size_t leaves_of(const struct yaml_node *node)
{
    if (node->first == NULL) {
        return 1;
    }
    size_t count = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        count += leaves_of(child);
    }
    return count;
}

static void readers_compare(struct seen *seen, bool walked)
{
    struct yaml_node *root;
    struct why why = {0};
    arena_reset(seen->mem);
    if (json_parse(seen->text, seen->mem, &root, &why) != OK || root->kind != YAML_MAPPING) {
        return;
    }
    size_t leaves = root->first == NULL ? 0 : leaves_of(root);
    if (!walked || leaves != seen->leaves) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {.text = str_of(data, size), .mem = arena_new(64 << 20)};
    struct why why = {0};
    if (seen.mem != NULL && size <= RECORD_SIZE_MAX) {
        readers_compare(&seen, json_walk(seen.text, leaf_check, &seen, &why) == OK);
    }
    arena_free(seen.mem);
    return 0;
}
