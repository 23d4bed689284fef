/* A configuration is written by a person: whatever it holds, the answer is a whole configuration or
 * a reason. */

#include <stdint.h>
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct why why = {0};
    enum err err = config_parse(str_of(data, size), &config, &why);
    if (err == OK) {
        if (config->data.size == 0 || config->keys.size == 0 || config->head_seconds == 0) {
            abort();
        }
        for (size_t i = 0; i < config->listeners_count; i++) {
            if (config->listeners[i].name.size == 0 || config->listeners[i].port == 0) {
                abort();
            }
        }
    } else if (err != ERR_MEMORY && why.text[0] == '\0') {
        abort();
    }
    config_free(config);
    return 0;
}
