#pragma once

/* hinomi provision on a folder that nobody serves. */

#include "serve/rooms.h"
#include "serve/serve.h"

struct offline_provision {
    const char *data, *keys;
    const struct rooms *rooms;
    const struct scope *scope;
    const struct control_request *request;
};

/* Makes the package, notes everything as the service would, and gives it to `output`. */
NODISCARD enum err offline_provide(const struct offline_provision *asked, control_output *output,
                                   void *context, struct why *why);
