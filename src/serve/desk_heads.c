/*
 * Heads that reach the client (decision 032): once a day a notice with the last head as one line of
 * text, to the escalation chains that the client's `contacts` mark for it.  From there it goes as
 * every notice does: mails in each person's language, webhooks with their signatures, tried for two
 * days.
 *
 *     core ── HOLDINGS: the last head ──► here ── notice "head-of-day" ──► notify/ ──► outbox
 *
 * Always true: one notice a client, chain and day (UTC), also over restarts; what cannot be wanted
 * now is wanted with the next HOLDINGS, half a minute later, and nothing else waits for it.
 */

#include "serve/desk.h"

#include "archive/stamp.h"
#include "service/outbox.h"
#include "sys/clocks.h"

#define HEADS_DAY_NS  (24 * 3600 * NS_PER_SECOND)
#define LINE_SIZE_MAX 512
#define HEADS_KIND    "heads" /* the subject's; its number is the day since 1970 */
#define HEADS_PURPOSE "head-of-day"

static enum err head_want(struct desk *desk, struct client_id client, struct str chain,
                          const struct proved *proved, struct str line)
{
    const struct notice_value values[] = {{STR("head"), line}};
    const struct notice notice = {
        .client = client,
        .purpose = STR(HEADS_PURPOSE),
        .subject = {HEADS_KIND, (uint64_t)(proved->head_wall.ns / HEADS_DAY_NS)},
        .chain = chain,
        .severity = LEVEL_INFORMATIONAL,
        .values = values,
        .values_count = 1,
    };
    struct ledger *ledger = desk->rooms.ledger;
    enum err err = ledger_begin(ledger);
    err = err == OK ? notice_want(desk->rooms.job, ledger, &notice, chain, wall_now(), NULL) : err;
    err = err == OK ? ledger_commit(ledger) : err;
    ledger_rollback(ledger);
    return err;
}

static const struct element *chains_of(struct desk *desk, struct client_id client)
{
    const struct document *contacts =
        service_running(desk->rooms.job, desk->rooms.service, client, STR("contacts"), NULL);
    return contacts != NULL ? element_get(contacts->root, "chains") : NULL;
}

void desk_heads_tell(struct desk *desk, struct client_id client, const struct proved *proved)
{
    struct buf line;
    const struct element *chains = chains_of(desk, client);
    const struct head_said head = {.client = client,
                                   .epoch = proved->head_epoch,
                                   .leaves = proved->leaves,
                                   .wall = proved->head_wall,
                                   .hash = proved->head_hash};
    if (chains == NULL || !proved->head_known) {
        return;
    }
    buf_init(&line, LINE_SIZE_MAX);
    enum err err = head_said_print(&head, &line);
    for (const struct element *at = chains->first; at != NULL && err == OK; at = at->next) {
        if (element_number(at, "heads", 0) != 0) {
            err = head_want(desk, client, at->slug, proved, buf_str(&line));
        }
    }
    buf_done(&line);
    if (err != OK) {
        process_say(desk->process, "a client's head is not sent at the moment: %s", err_text(err));
    }
}
