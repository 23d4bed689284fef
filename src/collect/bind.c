/* A new generation of bindings, as desk compiled it.  In a file of its own, since it alone needs
 * tenant/ to be there. */

#include "collect/private.h"

#define BINDINGS_MEMORY_MAX (256 * 1024 * 1024)

enum err collect_bind(struct collect *collect, struct str bindings, struct why *why)
{
    struct arena *mem = arena_new(BINDINGS_MEMORY_MAX);
    struct str copy;
    struct bindings decoded;
    if (mem == NULL) {
        return ERR_MEMORY;
    }
    enum err err = arena_copy(mem, bindings, &copy);
    if (err == OK) {
        err = bindings_decode(copy, mem, &decoded);
    }
    if (err != OK) {
        arena_free(mem);
        return why_say(why, err, 0, "the bindings cannot be read: %s", err_text(err));
    }
    return collect_adopt(collect, mem, &decoded, why);
}
