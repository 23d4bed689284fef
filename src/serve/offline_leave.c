/*
 * A client's end, after both sides confirmed it (provision/leaving.h):
 *
 *     keys ─► files of the archive ─► the key of the installation's backups ─► packages
 *        ─► rows of the ledger, certificate (one transaction)
 *       ─► the ledger's log emptied ─► certificate below DATA/archive/destroyed, for hinomi verify,
 *       and with its PDF where --out says
 *
 * Each step can be done again, so a crash between two of them is mended by calling once more; the
 * certificate is made only when all the others are done.
 *
 * Always true: nothing is destroyed while a hold is in force; the keys go first; the certificate
 * holds the client's number and slug, and no name, since the ledger keeps it; the name stands in
 * the PDF alone, which goes to whoever called.
 */

#include "serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/forget.h"
#include "codec/crypto.h"
#include "codec/json_out.h"
#include "ledger/ledger.h"
#include "provision/leaving.h"
#include "report/report.h"
#include "serve/answer.h"
#include "serve/rooms.h"
#include "service/keeping.h"
#include "sys/clocks.h"
#include "sys/disk.h"

#define PATH_SIZE  4300
#define ROW_MEMORY ((size_t)16 << 20)
#define HEX(size)  (2 * (size) + 1)

struct end {
    const char *data, *keys, *out;
    struct rooms rooms;
    struct scope *scope;
    struct arena *mem;
    struct client_id client;
    struct str slug, name;
    struct leaving leaving;
    struct provision exported;
    struct archive_forgotten archive;
    struct wall now;
    uint64_t rows, packages;
    struct buf json;
    char signature[HEX(64)], digest[HEX(SHA256_SIZE)];
};

/* ---- What is to be done. */

/* What somebody had held is not destroyed, whoever agreed to it; who may release a hold does so
 * first (service/holds.c).  What open incidents hold by themselves ends with the client. */
static enum err holds_check(struct end *end, struct why *why)
{
    struct hold *list;
    size_t count = 0;
    enum err err = hold_list(end->rooms.job, end->rooms.ledger, end->client, true, end->now,
                             end->mem, &list, &count);
    return err == OK && count > 0
               ? why_say(why, ERR_CONFLICT, 0,
                         "hold %llu of %.*s is in force (%zu in all); it is released first",
                         (unsigned long long)list[0].id, STR_ARG(list[0].who), count)
               : err;
}

/* What a crash may have kept from the end of the run before. */
static enum err end_again(const struct end *end)
{
    char folder[PATH_SIZE];
    (void)snprintf(folder, sizeof folder, "%s/archive", end->data);
    enum err err = ledger_scrub(end->rooms.ledger);
    return err == OK ? archive_destroyed_put(disk_real(), folder, end->client,
                                             end->leaving.certificate, end->leaving.signature)
                     : err;
}

static enum err end_open(struct end *end, struct why *why)
{
    char folder[PATH_SIZE];
    struct client_info info = {0};
    (void)snprintf(folder, sizeof folder, "%s/ledger", end->data);
    const struct rooms_settings settings = {
        .disk = disk_real(), .folder = folder, .zoneinfo = "/usr/share/zoneinfo"};
    enum err err = rooms_open(&settings, end->now, &end->rooms, why);
    if (err == ERR_AGAIN) {
        return why_say(why, err, 0, "%s is served; stop the service first", end->data);
    }
    err = err == OK ? scope_for_administrator(end->rooms.tenant, (uint32_t)getuid(),
                                              STR("offboard"), end->now, &end->scope)
                    : err;
    err = err == OK ? answer_client(end->rooms.tenant, end->slug, &end->client, why) : err;
    err = err == OK
              ? leaving_get(end->scope, end->rooms.ledger, end->client, end->mem, &end->leaving)
              : err;
    if (err == OK && end->leaving.state == LEAVING_DESTROYED) {
        err = end_again(end);
        return err == OK ? why_say(why, ERR_CONFLICT, 0,
                                   "the client's data are destroyed; its certificate is %llu",
                                   (unsigned long long)end->leaving.id)
                         : err;
    }
    if (err == ERR_NOT_FOUND || (err == OK && end->leaving.state != LEAVING_CONFIRMED)) {
        return why_say(why, ERR_CONFLICT, 0,
                       "the client's leaving is %s; both sides confirm it in the portal first",
                       err == OK ? leaving_state_text(end->leaving.state) : "not asked for");
    }
    err = err == OK ? holds_check(end, why) : err;
    err = err == OK ? provision_get(end->scope, end->rooms.ledger, end->client,
                                    end->leaving.provision, end->mem, &end->exported)
                    : err;
    for (size_t i = 0; err == OK && tenant_client_at(end->rooms.tenant, i, &info); i++) {
        if (client_equal(info.id, end->client)) {
            struct str name = end->leaving.language == LANGUAGE_JA ? info.name_ja : info.name_en;
            name = name.size > 0 ? name : info.name_ja.size > 0 ? info.name_ja : info.name_en;
            err = arena_copy(end->mem, name.size > 0 ? name : end->slug, &end->name);
        }
    }
    return err;
}

/* Backups of the ledger, the client's rows in them, are sealed under the installation's key
 * (decision 033).  The next backup makes a new one. */
static enum err backups_end(struct end *end)
{
    char path[PATH_SIZE];
    uint64_t count = 0;
    (void)snprintf(path, sizeof path, "%s/backup.key", end->keys);
    enum err err = archive_key_destroy(disk_real(), path, &count);
    return err == OK ? disk_sync_folder(disk_real(), end->keys) : err;
}

/* ---- Packages: those of rows, by the name that desk gives them. */

static enum err package_visit(void *context, const char *name)
{
    struct end *end = context;
    char path[PATH_SIZE];
    struct str rest = str_from(name);
    uint64_t number;
    if (!str_starts(rest, end->slug)) {
        return OK;
    }
    rest = str_slice(rest, end->slug.size, SIZE_MAX);
    if (!str_starts(rest, STR("-")) || !str_ends(rest, STR(".zip")) ||
        str_to_u64(str_slice(rest, 1, rest.size - 5), INT64_MAX, &number) != OK) {
        return OK; /* of a client whose slug only begins so */
    }
    (void)snprintf(path, sizeof path, "%s/packages/%s", end->data, name);
    enum err err = disk_remove(disk_real(), path);
    end->packages += err == OK;
    return err;
}

static enum err packages_drop(struct end *end)
{
    char path[PATH_SIZE];
    bool there;
    (void)snprintf(path, sizeof path, "%s/packages", end->data);
    enum err err = disk_exists(disk_real(), path, &there);
    if (err != OK || !there) {
        return err;
    }
    err = disk_list(disk_real(), path, package_visit, end);
    return err == OK ? disk_sync_folder(disk_real(), path) : err;
}

/* ---- The certificate. */

static void said(struct json_out *json, const char *key, struct str who, struct wall at)
{
    json_object(json, key);
    json_text(json, "who", who);
    json_time(json, "at", at);
    json_close(json);
}

static enum err certificate_print(struct end *end)
{
    struct json_out json;
    json_out_begin(&json, &end->json);
    json_object(&json, NULL);
    json_text(&json, "certificate", STR("destruction of a client's data"));
    json_unsigned(&json, "version", 1);
    json_unsigned(&json, "number", end->leaving.id);
    json_object(&json, "client");
    json_unsigned(&json, "id", end->client.value);
    json_text(&json, "slug", end->slug);
    json_text(&json, "anchor", str_from(end->archive.anchor));
    json_close(&json);
    said(&json, "asked", end->leaving.asked_by, end->leaving.asked);
    said(&json, "confirmed_for_client", end->leaving.client_by, end->leaving.client_at);
    said(&json, "confirmed_for_provider", end->leaving.provider_by, end->leaving.provider_at);
    json_object(&json, "export");
    json_text(&json, "sha256", end->exported.sha256);
    json_unsigned(&json, "size", end->exported.size);
    json_unsigned(&json, "events", end->exported.events);
    json_close(&json);
    json_object(&json, "destroyed");
    json_time(&json, "at", end->now);
    json_unsigned(&json, "keys", end->archive.keys);
    json_unsigned(&json, "files", end->archive.files + end->packages);
    json_unsigned(&json, "rows", end->rows);
    json_close(&json);
    json_text(&json, "remains",
              STR("the audit trail, numbers of the books, identifiers and slugs, this certificate; "
                  "frames in shared journals, sealed under the destroyed key"));
    json_text(&json, "public_key", service_key(end->rooms.service));
    json_close(&json);
    enum err err = json_out_end(&json);
    if (err == OK) {
        uint8_t signature[64];
        struct sha256 digest = sha256_of_bytes(buf_str(&end->json));
        service_vouch(end->rooms.service, buf_str(&end->json), signature);
        (void)hex_print(signature, sizeof signature, end->signature);
        (void)hex_print(digest.bytes, SHA256_SIZE, end->digest);
    }
    return err;
}

static enum err file_put(const struct end *end, const char *name, struct str bytes)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", end->out, name);
    return disk_replace(disk_real(), path, bytes);
}

static enum err certificate_put(const struct end *end, struct why *why)
{
    char number[24];
    struct buf pdf;
    buf_init(&pdf, (size_t)32 << 20);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)end->leaving.id);
    const struct report_certificate certificate = {
        .language = end->leaving.language,
        .now = end->now,
        .client = end->name,
        .number = str_from(number),
        .asked_by = end->leaving.asked_by,
        .client_by = end->leaving.client_by,
        .provider_by = end->leaving.provider_by,
        .reason = end->leaving.reason,
        .asked = end->leaving.asked,
        .client_at = end->leaving.client_at,
        .provider_at = end->leaving.provider_at,
        .destroyed = end->now,
        .export_sha256 = end->exported.sha256,
        .export_size = end->exported.size,
        .events = end->exported.events,
        .rows = end->rows,
        .files = end->archive.files + end->packages,
        .digest = str_from(end->digest),
        .signature = str_from(end->signature),
        .public_key = service_key(end->rooms.service),
        .version = STR(HINOMI_VERSION),
    };
    enum err err = report_certificate(&certificate, &pdf, why);
    err = err == OK ? file_put(end, "certificate.json", buf_str(&end->json)) : err;
    err = err == OK ? file_put(end, "certificate.sig", str_from(end->signature)) : err;
    err = err == OK ? file_put(end, "certificate.pdf", buf_str(&pdf)) : err;
    buf_done(&pdf);
    return err;
}

/* ---- The order of things. */

static enum err rows_drop(struct end *end)
{
    struct ledger *ledger = end->rooms.ledger;
    enum err err = ledger_begin(ledger);
    err = err == OK ? ledger_client_forget(ledger, end->client.value, &end->rows) : err;
    err = err == OK ? certificate_print(end) : err;
    err = err == OK ? leaving_destroyed(end->rooms.job, ledger, end->leaving.id,
                                        buf_str(&end->json), str_from(end->signature), end->now)
                    : err;
    err = err == OK ? ledger_commit(ledger) : err;
    ledger_rollback(ledger);
    return err == OK ? ledger_scrub(ledger) : err;
}

static enum err end_make(struct end *end, struct why *why)
{
    char folder[PATH_SIZE];
    enum err err = disk_make_folder(disk_real(), end->out);
    err = err == OK ? end_open(end, why) : err;
    (void)snprintf(folder, sizeof folder, "%s/archive", end->data);
    err = err == OK
              ? archive_forget(disk_real(), folder, end->keys, end->client, &end->archive, why)
              : err;
    err = err == OK ? backups_end(end) : err;
    err = err == OK ? packages_drop(end) : err;
    err = err == OK ? rows_drop(end) : err;
    err = err == OK ? archive_destroyed_put(disk_real(), folder, end->client, buf_str(&end->json),
                                            str_from(end->signature))
                    : err;
    return err == OK ? certificate_put(end, why) : err;
}

enum err offline_leave(const char *data, const char *keys, struct str slug, const char *out,
                       struct why *why)
{
    struct end end = {.data = data,
                      .keys = keys,
                      .out = out,
                      .slug = slug,
                      .now = wall_now(),
                      .mem = arena_new(ROW_MEMORY)};
    buf_init(&end.json, (size_t)1 << 20);
    enum err err = end.mem == NULL ? ERR_MEMORY : end_make(&end, why);
    scope_free(end.scope);
    rooms_close(&end.rooms);
    buf_done(&end.json);
    arena_free(end.mem);
    return err;
}
