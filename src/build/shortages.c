/*
 * What the forecast says of the disk, for the vigils: the service's own trouble, as heartbeats are,
 * told to the providers whose clients were promised what the disk will not hold.
 *
 * Always true: what was said lasts until another figure says otherwise, over a restart too, since
 * the rows that are open are where it begins again; so nobody is told twice of the same.  Who was
 * told that the disk is short is not told so again when it is short no longer soon.
 */

#include <stdlib.h>

#include "build/private.h"
#include "ledger/ledger.h"

struct told {
    struct client_id client;
    struct finding list[2];
    size_t count;
};

struct shortages {
    struct told *list;
    size_t count;
};

struct shortages *shortages_new(void)
{
    struct shortages *shortages = calloc(1, sizeof *shortages);
    if (shortages != NULL) {
        shortages->list = calloc(CLIENTS_MAX, sizeof *shortages->list);
        if (shortages->list == NULL) {
            free(shortages);
            return NULL;
        }
    }
    return shortages;
}

void shortages_free(struct shortages *shortages)
{
    if (shortages != NULL) {
        free(shortages->list);
        free(shortages);
    }
}

static struct told *told_of(struct shortages *shortages, struct client_id client)
{
    for (size_t i = 0; i < shortages->count; i++) {
        if (client_equal(shortages->list[i].client, client)) {
            return &shortages->list[i];
        }
    }
    if (shortages->count == CLIENTS_MAX) {
        return NULL;
    }
    struct told *told = &shortages->list[shortages->count++];
    *told = (struct told){.client = client};
    return told;
}

static bool says(const struct told *told, enum ailment ailment)
{
    bool there = false;
    for (size_t i = 0; i < told->count; i++) {
        there = there || told->list[i].ailment == ailment;
    }
    return there;
}

static void say(struct told *told, enum ailment ailment, int64_t is, int64_t usual)
{
    if (told->count < sizeof told->list / sizeof *told->list && !says(told, ailment)) {
        told->list[told->count++] = (struct finding){.ailment = ailment, .is = is, .usual = usual};
    }
}

enum err shortages_load(struct shortages *shortages, struct ledger *ledger)
{
    struct statement *statement;
    bool row = true;
    enum err err = ledger_prepare(ledger,
                                  "SELECT client, kind, found, usual FROM ailment"
                                  " WHERE closed IS NULL AND kind IN ('disk-short', 'disk-soon')",
                                  &statement);
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        enum ailment ailment;
        struct told *told =
            told_of(shortages, (struct client_id){(uint32_t)statement_int(statement, 0)});
        err = ailment_parse(statement_text(statement, 1), &ailment) == OK ? OK : ERR_CORRUPT;
        if (err == OK && told != NULL) {
            say(told, ailment, statement_int(statement, 2), statement_int(statement, 3));
        }
        if (err != OK) {
            statement_reset(statement);
        }
    }
    return err;
}

void shortages_set(struct shortages *shortages, struct client_id client,
                   const struct shortage *shortage)
{
    struct told *told = told_of(shortages, client);
    if (told == NULL) {
        return;
    }
    /* Who hears at once that it is soon need not hear that it is short. */
    bool is_short = shortage->is_short && (!shortage->is_soon || says(told, AILMENT_DISK_SHORT));
    told->count = 0;
    if (is_short) {
        say(told, AILMENT_DISK_SHORT, shortage->days_left, shortage->days_promised);
    }
    if (shortage->is_soon) {
        say(told, AILMENT_DISK_SOON, shortage->days_left, shortage->days_promised);
    }
}

void shortages_ailing(struct shortages *shortages, struct ailing *list, size_t *count)
{
    for (size_t i = 0; i < shortages->count; i++) {
        const struct told *told = &shortages->list[i];
        if (told->count > 0) {
            list[(*count)++] = (struct ailing){.client = told->client,
                                               .provided = true,
                                               .findings = told->list,
                                               .count = told->count};
        }
    }
}
