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
    struct signer signer = {.epoch = client->head_known ? client->head.epoch + 1 : 0};
    random_bytes(signer.current, sizeof signer.current);
    random_bytes(signer.next, sizeof signer.next);
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

static enum err signer_evolve(struct archive *archive, struct client *client)
{
    struct signer signer = {.epoch = client->signer.epoch + 1};
    memcpy(signer.current, client->signer.next, sizeof signer.current);
    random_bytes(signer.next, sizeof signer.next);
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

enum err client_sign(struct archive *archive, struct client *client, struct wall now)
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
    if (client->head_known) {
        head.before = client->head.hash;
    }
    ed25519_public(client->signer.current, head.public_key);
    ed25519_public(client->signer.next, head.public_next);
    char bytes[HEAD_SIZE_MAX];
    size_t size = head_encode(&head, client->signer.current, bytes);
    err = head_write(archive, client, str_of(bytes, size));
    if (err != OK) {
        return err;
    }
    client->head = head;
    client->head_known = true;
    client->heads_end += size;
    /* The head stands; if the key cannot evolve now, the next signing does it first. */
    return signer_evolve(archive, client);
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

enum err client_journals_learn(struct client *client, const struct frame *frame)
{
    if (client->journals_count > 0 &&
        client->journals[client->journals_count - 1].number == frame->journal) {
        return OK;
    }
    enum err err = client_journals_reserve(client);
    if (err == OK) {
        client->journals[client->journals_count++] =
            (struct client_journal){frame->journal, frame->offset};
    }
    return err;
}
