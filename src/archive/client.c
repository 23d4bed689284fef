/*
 * What an open archive knows of one client: its next sequence number, its tree, where its frames
 * lie, its keys, and the last head that it signed.
 *
 * Signing, in an order that a crash may cut anywhere:
 *
 *     1. the head of epoch e, signed with key e, announcing key e+1, is appended and synced
 *     2. the key file is replaced by epoch e+1 with keys e+1 and e+2; key e is gone
 *
 * After a crash between the two the key file still says e, the last head says e too, and the second
 * step is done at opening.  A head that was cut short is debris, and epoch e is signed anew.
 *
 * Always true: no head is signed over a leaf that is not on disk.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sys/random.h"

static struct str client_name(const struct client_id *id)
{
    return str_of(&id->value, sizeof id->value);
}

struct client *client_find(const struct archive *archive, struct client_id id)
{
    uint64_t index;
    return map_get(&archive->by_client, client_name(&id), &index) ? archive->clients[index] : NULL;
}

enum err client_get(struct archive *archive, struct client_id id, struct client **ret)
{
    struct client *client = client_find(archive, id);
    if (client != NULL) {
        *ret = client;
        return OK;
    }
    if (archive->clients_count == CLIENTS_MAX) {
        return ERR_LIMIT;
    }
    if (archive->clients_count == archive->clients_capacity) {
        size_t capacity = archive->clients_capacity == 0 ? 16 : archive->clients_capacity * 2;
        struct client **larger = realloc(archive->clients, capacity * sizeof(struct client *));
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        archive->clients = larger;
        archive->clients_capacity = capacity;
    }
    client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERR_MEMORY;
    }
    client->id = id;
    client->next = 1;
    client->generation_next = 1;
    client->key_journal = UINT64_MAX;
    enum err err = map_put(&archive->by_client, client_name(&id), archive->clients_count);
    if (err != OK) {
        free(client);
        return err;
    }
    archive->clients[archive->clients_count++] = client;
    *ret = client;
    return OK;
}

void client_free(struct client *client)
{
    if (client != NULL) {
        index_done(&client->index);
        held_done(client);
        keep_done(client);
        free(client->journals);
        secret_forget(client, sizeof *client);
        free(client);
    }
}

enum err client_key(struct archive *archive, struct client *client, struct why *why)
{
    if (client->key_known) {
        return OK;
    }
    enum err err = key_load(archive->disk, archive->keys, client->id, client->key, why);
    client->key_known = err == OK;
    return err;
}

const struct sha256 *client_journal_key(struct client *client, uint64_t journal)
{
    if (client->key_journal != journal) {
        client->journal_key = journal_key(client->key, client->id, journal);
        client->key_journal = journal;
    }
    return &client->journal_key;
}

/* The first public key is told twice, in the anchor and in the first head. */
static enum err signer_make(struct archive *archive, struct client *client)
{
    struct signer signer = {.epoch = client->head_known ? client->head.epoch + 1 : 0, .days = true};
    random_bytes(signer.current, sizeof signer.current);
    random_bytes(signer.next, sizeof signer.next);
    random_bytes(signer.day_current, sizeof signer.day_current);
    random_bytes(signer.day_next, sizeof signer.day_next);
    enum err err = signer_store(archive->disk, archive->keys, client->id, &signer);
    if (err == OK) {
        client->signer = signer;
        client->signer_known = true;
    }
    secret_forget(&signer, sizeof signer);
    return err;
}

enum err client_ready(struct archive *archive, struct client *client, struct wall now)
{
    enum err err = client_key(archive, client, NULL);
    if (err == ERR_NOT_FOUND && client->next == 1 && !client->head_known) {
        err = key_make(archive->disk, archive->keys, client->id, client->key);
        client->key_known = err == OK;
    }
    if (err == OK && !client->signer_known) {
        err = signer_make(archive, client);
    }
    if (err == OK && !client->head_known) {
        uint8_t first[ED25519_SIZE];
        ed25519_public(client->signer.current, first);
        err = anchor_store(archive->disk, archive->keys, client->id, first);
        if (err == OK) {
            err = client_sign(archive, client, now);
        }
    }
    return err;
}

/* The key of the epoch that the last head was signed with goes, and so does its day's, if that was
 * a day head.  A signer from before there were days gets its first keys of days. */
static enum err signer_evolve(struct archive *archive, struct client *client)
{
    struct signer signer = client->signer;
    const struct head *head = &client->head;
    signer.epoch++;
    memcpy(signer.current, signer.next, sizeof signer.current);
    random_bytes(signer.next, sizeof signer.next);
    if (!signer.days) {
        random_bytes(signer.day_current, sizeof signer.day_current);
        random_bytes(signer.day_next, sizeof signer.day_next);
        signer.days = true;
    } else if (head->kind == HEAD_DAY && head->day.number == signer.day) {
        signer.day++;
        memcpy(signer.day_current, signer.day_next, sizeof signer.day_current);
        random_bytes(signer.day_next, sizeof signer.day_next);
        signer.day_at = client->head_at;
        signer.day_epoch = head->epoch;
        signer.day_hash = head->hash;
        signer.day_wall = head->wall;
    }
    enum err err = signer_store(archive->disk, archive->keys, client->id, &signer);
    if (err == OK) {
        client->signer = signer;
    }
    secret_forget(&signer, sizeof signer);
    return err;
}

static enum err head_write(struct archive *archive, struct client *client, struct str bytes)
{
    char path[PATH_SIZE];
    char folder[PATH_SIZE];
    struct file *file;
    bool there = false;
    enum err err = heads_path(archive->folder, client->id, path, sizeof path);
    if (err == OK) {
        err = disk_exists(archive->disk, path, &there);
    }
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &file, NULL);
    }
    if (err != OK) {
        return err;
    }
    err = file_write(file, client->heads_end, bytes.data, bytes.size);
    if (err == OK) {
        err = file_sync(file);
    }
    if (err != OK) {
        (void)!file_truncate(file, client->heads_end);
    }
    file_close(file);
    if (err == OK && !there) {
        memcpy(folder, path, sizeof folder);
        *strrchr(folder, '/') = '\0';
        err = disk_sync_folder(archive->disk, folder);
    }
    return err;
}

/* The heads since the last day head, itself included, as the leaves of a tree: once a day, over
 * some 1,440 records.  What is not there or not whole is left out, and verify will say so. */
static enum err day_gather(struct archive *archive, struct client *client, struct head_day *day)
{
    const struct signer *signer = &client->signer;
    char path[PATH_SIZE];
    struct file *file;
    struct tree tree = {0};
    char *window = malloc(DAY_WINDOW_SIZE);
    enum err err =
        window == NULL ? ERR_MEMORY : heads_path(archive->folder, client->id, path, sizeof path);
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_READ, &file, NULL);
    }
    if (err != OK) {
        free(window);
        return err;
    }
    for (uint64_t at = signer->day_at; err == OK && at < client->heads_end;) {
        size_t got = 0;
        size_t used = 0;
        size_t size;
        struct head head;
        err = file_read(file, at, window, DAY_WINDOW_SIZE, &got);
        while (err == OK && at + used < client->heads_end &&
               head_read_fast(str_of(window + used, got - used), client->id, &head, &size)) {
            tree_add(&tree, &head.hash);
            used += size;
        }
        if (used == 0) {
            break;
        }
        at += used;
    }
    file_close(file);
    free(window);
    day->first_epoch = signer->day_epoch;
    day->covered = tree_root(&tree);
    return err;
}

static int64_t day_of(struct wall wall)
{
    const int64_t day = (int64_t)24 * 3600 * NS_PER_SECOND;
    return wall.ns / day - (wall.ns % day < 0);
}

/* The first head of a day rolls up the day before; the very first of all begins the chain of days.
 */
static enum err day_fill(struct archive *archive, struct client *client, struct head *head)
{
    const struct signer *signer = &client->signer;
    static const struct sha256 zeros;
    bool first = sha256_equal(&signer->day_hash, &zeros);
    if (!signer->days || (!first && day_of(head->wall) == day_of(signer->day_wall))) {
        return OK;
    }
    struct tree none = {0};
    head->kind = HEAD_DAY;
    head->day = (struct head_day){.number = signer->day, .before = signer->day_hash};
    head->day.first_epoch = head->epoch;
    head->day.covered = tree_root(&none);
    ed25519_public(signer->day_current, head->day.public_key);
    ed25519_public(signer->day_next, head->day.public_next);
    return first ? OK : day_gather(archive, client, &head->day);
}

static enum err head_sign(struct archive *archive, struct client *client, struct head *head)
{
    if (client->head_known) {
        head->before = client->head.hash;
    }
    ed25519_public(client->signer.current, head->public_key);
    ed25519_public(client->signer.next, head->public_next);
    char bytes[HEAD_SIZE_MAX];
    size_t size = head_encode(head, client->signer.current, client->signer.day_current, bytes);
    enum err err = head_write(archive, client, str_of(bytes, size));
    if (err != OK) {
        return err;
    }
    client->head = *head;
    client->head_known = true;
    client->head_at = client->heads_end;
    client->heads_end += size;
    return OK;
}

static enum err sign(struct archive *archive, struct client *client, struct wall now,
                     struct str body)
{
    enum err err = OK;
    if (client->head_known && client->signer.epoch == client->head.epoch) {
        err = signer_evolve(archive, client); /* what the last signing could not finish */
    }
    if (err != OK) {
        return err;
    }
    struct head head = {
        .client = client->id,
        .epoch = client->signer.epoch,
        .wall = now,
        .events = client->next - 1,
        .journal = archive->end > 0 ? archive->journal : archive->before_journal,
        .journal_end = archive->end > 0 ? archive->end : archive->before_end,
        .chain = archive->chain,
        .tree = client->tree,
    };
    if (body.size > 0) {
        head.kind = HEAD_TOMBSTONE;
        head.body_size = (uint32_t)body.size;
        memcpy(head.body, body.data, body.size);
    } else {
        err = day_fill(archive, client, &head);
    }
    if (err == OK) {
        err = head_sign(archive, client, &head);
    }
    /* The head stands; if the key cannot evolve now, the next signing does it first. */
    return err == OK ? signer_evolve(archive, client) : err;
}

enum err client_sign(struct archive *archive, struct client *client, struct wall now)
{
    return sign(archive, client, now, STR(""));
}

enum err client_sign_body(struct archive *archive, struct client *client, struct wall now,
                          struct str body)
{
    return body.size == 0 || body.size > HEAD_BODY_MAX ? ERR_LIMIT
                                                       : sign(archive, client, now, body);
}

static enum err tail_search(struct client *client, struct str tail, uint64_t tail_at)
{
    size_t at = 0;
    while (at < tail.size) {
        size_t size;
        struct head head;
        if (head_decode(str_slice(tail, at, tail.size), client->id, &head, &size)) {
            client->head = head;
            client->head_known = true;
            client->head_at = tail_at + at;
            at += size;
            client->heads_end = tail_at + at;
            continue;
        }
        size_t next = str_find(str_slice(tail, at + 1, tail.size), STR("HINOMIhd"));
        at = next == STR_NONE ? tail.size : at + 1 + next;
    }
    return OK;
}

/* Bytes behind the last head: debris of a head cut short, unless the key has evolved past it, or
 * it was damaged later: then it stays where it is, and verify names it. */
static enum err tail_settle(struct archive *archive, struct client *client, struct file *file,
                            uint64_t size)
{
    bool debris = !client->signer_known ||
                  client->signer.epoch <= (client->head_known ? client->head.epoch + 1 : 0);
    if (client->heads_end == size) {
        return OK;
    }
    if (!debris || archive->read_only) {
        client->heads_end = size;
        return OK;
    }
    enum err err = file_truncate(file, client->heads_end);
    return err == OK ? file_sync(file) : err;
}

enum err client_heads(struct archive *archive, struct client *client)
{
    char path[PATH_SIZE];
    struct file *file;
    uint64_t size = 0;
    size_t got = 0;
    enum err err = signer_load(archive->disk, archive->keys, client->id, &client->signer, NULL);
    client->signer_known = err == OK;
    if (err != OK && err != ERR_NOT_FOUND && err != ERR_CORRUPT) {
        return err;
    }
    err = heads_path(archive->folder, client->id, path, sizeof path);
    if (err == OK) {
        err = disk_open(archive->disk, path, archive->read_only ? DISK_READ : DISK_WRITE, &file,
                        NULL);
    }
    if (err != OK) {
        return err;
    }
    char *tail = malloc(HEADS_TAIL_SIZE);
    err = tail == NULL ? ERR_MEMORY : file_size(file, &size);
    uint64_t from = size > HEADS_TAIL_SIZE ? size - HEADS_TAIL_SIZE : 0;
    if (err == OK) {
        err = file_read(file, from, tail, HEADS_TAIL_SIZE, &got);
    }
    if (err == OK) {
        err = tail_search(client, str_of(tail, got), from);
    }
    if (err == OK) {
        err = tail_settle(archive, client, file, size);
    }
    free(tail);
    file_close(file);
    return err;
}

enum err client_journals_reserve(struct client *client)
{
    if (client->journals_count < client->journals_capacity) {
        return OK;
    }
    size_t capacity = client->journals_capacity == 0 ? 4 : client->journals_capacity * 2;
    struct client_journal *larger = realloc(client->journals, capacity * sizeof *larger);
    if (larger == NULL) {
        return ERR_MEMORY;
    }
    client->journals = larger;
    client->journals_capacity = capacity;
    return OK;
}

struct client_journal *client_journal_find(struct client *client, uint64_t number)
{
    for (size_t i = client->journals_count; i > 0; i--) {
        if (client->journals[i - 1].number == number) {
            return &client->journals[i - 1];
        }
    }
    return NULL;
}

enum err client_journals_learn(struct client *client, const struct frame *frame)
{
    struct client_journal *journal =
        client->journals_count > 0 ? &client->journals[client->journals_count - 1] : NULL;
    if (journal == NULL || journal->number != frame->journal) {
        enum err err = client_journals_reserve(client);
        if (err != OK) {
            return err;
        }
        journal = &client->journals[client->journals_count++];
        *journal = (struct client_journal){.number = frame->journal,
                                           .first_offset = frame->offset,
                                           .leaf_first = frame->leaf_index,
                                           .oldest = frame->wall,
                                           .newest = frame->wall};
    }
    journal->stored += FRAME_HEADER_SIZE + frame->payload_size;
    if (frame->kind == FRAME_DATA) {
        journal->first = journal->leaves == 0 ? frame->first : journal->first;
        journal->last = frame->first + frame->events - 1;
        journal->leaves++;
        journal->events += frame->events;
        journal->packed += frame->plain_size;
        journal->oldest.ns =
            frame->wall.ns < journal->oldest.ns ? frame->wall.ns : journal->oldest.ns;
        journal->newest.ns =
            frame->wall.ns > journal->newest.ns ? frame->wall.ns : journal->newest.ns;
    }
    return OK;
}
