#pragma once

/*
 * A package made of a request for logs: desk packs what the ledger knows of it, and whoever holds
 * the client's journals, a worker or a command on a folder that nobody serves, makes the package.
 *
 *     packing_pack (desk) ─ bytes ─► packing_make (worker)
 */

#include "archive/package.h"
#include "provision/provision.h"
#include "serve/serve.h"

struct ledger;

/* What a command asks for; sources borrow from it. */
NODISCARD enum err packing_wish(const struct control_request *request, struct str *sources,
                                size_t sources_max, struct provision_wish *wish, struct why *why);

#define PACKING_JOB_MAX ((size_t)1 << 30) /* with the rows of a client that leaves */

/* Appends the request with the names and gaps that its covering page needs. */
NODISCARD enum err packing_pack(struct ledger *ledger, const struct tenant *tenant,
                                const struct provision *row, struct buf *out);

struct packing {
    const struct scope *scope;
    struct reader *reader;
    const struct package_proof *proof;
    struct file *to, *scratch; /* both empty, to be written and read */
    struct client_id client;
    uint64_t room; /* bytes that each of the two may take; 0: any */
    struct wall now;
};
struct packing_made {
    uint64_t size, events;
    char sha256[2 * SHA256_SIZE + 1]; /* of the whole file, hexadecimal */
};
/* ERR_CORRUPT for a job that packing_pack cannot have made. */
NODISCARD enum err packing_make(const struct packing *packing, struct str job,
                                struct packing_made *ret, struct why *why);
