/* Whatever a text holds, it is refused or can be told: each line within its size, and never back in
 * time. */

#include <stdint.h>
#include <stdlib.h>

#include "story/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(64 << 20);
    const struct story *story;
    struct telling *telling = NULL;
    struct buf out;
    struct wall start = {1795336200 * NS_PER_SECOND};
    buf_init(&out, 16 << 20);
    if (mem != NULL && story_parse(str_of(data, size), mem, &story, NULL) == OK &&
        telling_new(story, story_seed(story), start, &telling) == OK) {
        int64_t last = 0;
        int64_t due;
        size_t device;
        for (int i = 0; i < 300 && telling_due(telling, &due) == OK; i++) {
            if (due < last) {
                abort();
            }
            last = due;
            buf_reset(&out);
            if (telling_say(telling, start, &out, &device) != OK ||
                device >= story_devices(story)) {
                abort();
            }
        }
    }
    telling_free(telling);
    buf_done(&out);
    arena_free(mem);
    return 0;
}
