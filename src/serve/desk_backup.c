/*
 * A backup's two moments (docs/formats/backup.md, "The moments").  The command reads the files by
 * itself; here it only learns when which of them may be read.
 *
 *     begin ──► the ledger's file stands still ──► (it is copied) ──► ends ──► core ──► answer
 *
 * Always true: between begin and the answer to ends no client and no source was made, so that what
 * the journals hold up to the ends belongs to clients and sources of the copied ledger; and the
 * ledger is the older of the two, so that its bookmarks are not beyond the archive.
 */

#include "serve/desk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/random.h"

#define STILL_MS_MAX (10 * 60 * 1000) /* then the log has grown enough: the backup begins again */

struct desk_backup {
    uint64_t token; /* 0: the ledger is written as always */
    uint64_t tenants;
    struct timer *overdue;
    bool asks; /* core */
    int connection;
};

static void backup_end(struct desk *desk)
{
    struct desk_backup *backup = desk->backup;
    backup->token = 0;
    if (backup->asks) {
        (void)close(backup->connection);
        backup->asks = false;
    }
    timer_stop(backup->overdue);
    enum err err = ledger_thaw(desk->rooms.ledger);
    if (err != OK) {
        process_fail(desk->process, "the ledger's log", err, NULL);
    }
}

static void backup_overdue(void *context)
{
    backup_end(context);
}

static enum err backup_new(struct desk *desk)
{
    struct desk_backup *backup = calloc(1, sizeof *backup);
    if (backup == NULL) {
        return ERR_MEMORY;
    }
    enum err err = timer_new(desk->process->loop, backup_overdue, desk, &backup->overdue);
    if (err != OK) {
        free(backup);
        return err;
    }
    desk->backup = backup;
    return OK;
}

enum err desk_backup_begin(struct desk *desk, struct buf *out, struct why *why)
{
    enum err err = desk->backup == NULL ? backup_new(desk) : OK;
    if (err != OK) {
        return err;
    }
    if (desk->backup->token != 0) {
        backup_end(desk);
    }
    err = ledger_freeze(desk->rooms.ledger);
    if (err != OK) {
        return why_say(why, err, 0, "the ledger cannot stand still: %s", err_text(err));
    }
    struct desk_backup *backup = desk->backup;
    random_bytes(&backup->token, sizeof backup->token);
    backup->token |= 1;
    backup->tenants = tenant_generation(desk->rooms.tenant);
    timer_set(backup->overdue, STILL_MS_MAX, 0);
    return buf_print(out, "%llu\n", (unsigned long long)backup->token);
}

enum err desk_backup_ends(struct desk *desk, int connection, uint64_t token, struct why *why)
{
    struct desk_backup *backup = desk->backup;
    if (backup == NULL || backup->token == 0 || backup->token != token || backup->asks) {
        return why_say(why, ERR_AGAIN, 0,
                       "the ledger stood still no longer; the backup has to begin again");
    }
    backup->connection = fcntl(connection, F_DUPFD_CLOEXEC, 0);
    if (backup->connection < 0) {
        return ERR_IO;
    }
    backup->asks = true;
    return desk_backup_ask(desk);
}

enum err desk_backup_ask(struct desk *desk)
{
    if (desk->backup == NULL || !desk->backup->asks || desk->core == NULL) {
        return OK;
    }
    const struct message ask = {.type = MESSAGE_HOW_FAR, .how_far = {desk->backup->token}};
    return link_send(desk->core, &ask);
}

/* The answer is small; who has no room for it asks again. */
void desk_thus_far_came(struct desk *desk, const struct thus_far_message *message)
{
    struct desk_backup *backup = desk->backup;
    if (backup == NULL || !backup->asks || backup->token != message->ticket) {
        return;
    }
    bool same = backup->tenants == tenant_generation(desk->rooms.tenant);
    const struct message output = {.type = MESSAGE_OUTPUT, .output = {.text = message->ends}};
    const struct message done = {
        .type = MESSAGE_DONE,
        .done = {.code = same ? 0 : (uint64_t)control_code(ERR_AGAIN),
                 .error =
                     same ? (struct str){0} : STR("clients or sources became others meanwhile")}};
    enum err err = same ? message_send(backup->connection, &output) : OK;
    err = err == OK ? message_send(backup->connection, &done) : err;
    if (err != OK) {
        process_say(desk->process, "a backup could not be told how far it may read: %s",
                    err_text(err));
    }
    backup_end(desk);
}
