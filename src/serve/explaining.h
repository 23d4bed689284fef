#pragma once

/*
 * Why an alert came, or why an event did not raise a rule: what desk packs from the ledger, and
 * what a worker makes of it with the event from the archive.
 *
 *     explaining_pack (desk, offline) → explaining_answer (worker, offline)
 */

#include "ledger/ledger.h"
#include "serve/reading.h"
#include "service/service.h"

struct explaining_question {
    struct client_id client;
    uint64_t alert;     /* by its id; 0: the rule and the place below */
    struct str rule;    /* id or name */
    uint64_t sequence;  /* of the event */
    struct str sources; /* "id slug" a line */
};
/* The rule's edition is the one that raised the alert; for a rule and a place the one in force.
 * ERR_NOT_FOUND: no such alert; or, with a sentence, its edition is not kept. */
NODISCARD enum err explaining_pack(const struct scope *scope, struct ledger *ledger,
                                   struct service *service,
                                   const struct explaining_question *question, struct buf *out,
                                   struct why *why);
/* Prints the explanation: JSON for FORMAT_NDJSON, else text. */
NODISCARD enum err explaining_answer(const struct reading *reading, struct str packed,
                                     struct why *why);
