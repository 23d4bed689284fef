/* No text leads the walk outside it, and every string it tells of can be unescaped. */

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "codec/json.h"
#include "codec/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct str text;
    struct arena *mem;
};

static void leaf_check(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct seen *seen = context;
    struct str value;
    if (path.size > NAME_SIZE_MAX + 1 || offset > seen->text.size ||
        size > seen->text.size - offset) {
        abort();
    }
    enum err err = json_unescape(str_slice(seen->text, offset, size), seen->mem, &value);
    if (kind == JSON_STRING && err == ERR_SYNTAX) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {.text = str_of(data, size), .mem = arena_new(8 << 20)};
    struct why why = {0};
    if (seen.mem != NULL) {
        (void)!json_walk(seen.text, leaf_check, &seen, &why);
    }
    arena_free(seen.mem);
    return 0;
}
