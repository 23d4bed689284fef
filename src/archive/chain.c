/*
 * Judging one client's heads file: a chain from the anchor, through every head, to the signing key
 * that lies beside the data.
 *
 *     anchor = key of epoch 0;  head e is signed with key e and announces key e+1;
 *     the signing key is of the last head's epoch + 1 (or of its epoch, right after a crash)
 *
 * What attackers of journald's sealing did, and what meets them here: heads signed anew with
 * today's key are not signed with the key that was announced; a file truncated and continued jumps
 * in epoch, and one truncated and left alone ends before the signing key's epoch; a key file put
 * in place by hand is not the announced key.  Entries hidden from the journals are missed by the
 * tree (verify.c).
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk_heads {
    struct judge *judge;
    struct judged *client;
    char name[64];
    struct file *file;
    uint64_t size;
    struct head last; /* the last good one */
    bool last_known, anchor_known;
    bool damaged; /* between the last good one and here */
    struct days days;
    uint8_t anchor[ED25519_SIZE];
};

static void head_judge(struct walk_heads *walk, const struct head *head, uint64_t offset);
static uint64_t head_search(struct walk_heads *walk, uint64_t from);
static void tail_judge(struct walk_heads *walk, uint64_t offset, const struct signer *signer);
static void signer_judge(struct walk_heads *walk, const struct signer *signer, uint64_t end);

enum err marks_add(struct marks *marks, const struct mark *mark)
{
    if (marks->count == marks->capacity) {
        size_t capacity = marks->capacity == 0 ? 64 : marks->capacity * 2;
        struct mark *larger = realloc(marks->list, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        marks->list = larger;
        marks->capacity = capacity;
    }
    marks->list[marks->count++] = *mark;
    return OK;
}

static bool head_read(struct file *file, struct client_id client, uint64_t offset, struct head *ret,
                      size_t *ret_size)
{
    char bytes[HEAD_SIZE_MAX];
    size_t got = 0;
    return file_read(file, offset, bytes, sizeof bytes, &got) == OK &&
           head_decode(str_of(bytes, got), client, ret, ret_size);
}

static enum err head_keep(struct walk_heads *walk, const struct head *head, uint64_t offset)
{
    struct mark mark = {.client = head->client.value,
                        .offset = offset,
                        .leaves = head->tree.size,
                        .events = head->events,
                        .journal = head->journal,
                        .journal_end = head->journal_end,
                        .root = head->root,
                        .chain = head->chain};
    enum err err = marks_add(&walk->client->marks, &mark);
    return err == OK ? marks_add(&walk->judge->marks, &mark) : err;
}

static enum err heads_walk(struct walk_heads *walk, const struct signer *signer)
{
    uint64_t at = 0;
    enum err err = OK;
    while (err == OK && at < walk->size) {
        struct head head;
        size_t size = 0;
        if (head_read(walk->file, walk->client->client, at, &head, &size)) {
            head_judge(walk, &head, at);
            err = head_keep(walk, &head, at);
            walk->last = head;
            walk->last_known = true;
            walk->damaged = false;
            walk->judge->report.heads++;
            at += size;
            continue;
        }
        uint64_t next = head_search(walk, at + 1);
        if (next < walk->size) {
            judge_say(walk->judge, walk->name, at, "a head of client %u is damaged",
                      walk->client->client.value);
        } else {
            tail_judge(walk, at, signer);
        }
        walk->damaged = true;
        at = next;
    }
    return err;
}

enum err chain_judge(struct judge *judge, struct judged *client)
{
    struct walk_heads walk = {.judge = judge, .client = client, .days = {.whole = true}};
    struct signer signer;
    char path[PATH_SIZE];
    bool signer_known = false;
    (void)snprintf(walk.name, sizeof walk.name, "heads/%u.heads", client->client.value);
    if (judge->keys != NULL) {
        char name[64];
        enum err err = signer_load(judge->disk, judge->keys, client->client, &signer, NULL);
        signer_known = err == OK;
        if (err != OK) {
            (void)snprintf(name, sizeof name, "keys/%u.sign", client->client.value);
            judge_say(judge, name, 0, "the signing key is %s",
                      err == ERR_NOT_FOUND ? "missing" : "damaged");
        }
        err = anchor_load(judge->disk, judge->keys, client->client, walk.anchor, NULL);
        walk.anchor_known = err == OK;
        if (err != OK) {
            (void)snprintf(name, sizeof name, "keys/%u.anchor", client->client.value);
            judge_say(judge, name, 0, "the anchor is %s",
                      err == ERR_NOT_FOUND ? "missing" : "damaged");
        }
    }
    enum err err = heads_path(judge->folder, client->client, path, sizeof path);
    if (err == OK && disk_open(judge->disk, path, DISK_READ, &walk.file, NULL) != OK) {
        judge_say(judge, walk.name, 0, "the heads of client %u are missing", client->client.value);
        return OK;
    }
    if (err == OK) {
        err = file_size(walk.file, &walk.size);
    }
    if (err == OK) {
        err = heads_walk(&walk, signer_known ? &signer : NULL);
    }
    if (err == OK && signer_known) {
        signer_judge(&walk, &signer, walk.size);
    }
    secret_forget(&signer, sizeof signer);
    file_close(walk.file);
    return err;
}

/* What is wrong with the days at this head; NULL: nothing.  Then the head belongs to them. */
const char *days_pass(struct days *days, const struct head *head)
{
    static const struct sha256 zeros;
    const char *wrong = NULL;
    if (head->kind == HEAD_DAY) {
        struct sha256 root = tree_root(&days->tree);
        const struct head_day *day = &head->day;
        if (!days->known && days->whole &&
            (day->number != 0 || !sha256_equal(&day->before, &zeros))) {
            wrong = "the first day heads are missing";
        } else if (days->known && (day->number <= days->last.number ||
                                   (days->whole && day->number != days->last.number + 1))) {
            wrong = "day heads are missing between this and the one before";
        } else if (days->known && day->number == days->last.number + 1 &&
                   (memcmp(day->public_key, days->last.public_next, ED25519_SIZE) != 0 ||
                    !sha256_equal(&day->before, &days->hash))) {
            wrong = "the day head does not follow the day head before it";
        } else if (days->known && days->whole &&
                   (day->first_epoch != days->epoch || !sha256_equal(&day->covered, &root))) {
            wrong = "the day head was not signed over the heads of its day";
        }
        *days = (struct days){
            .known = true, .whole = true, .last = *day, .epoch = head->epoch, .hash = head->hash};
    }
    if (days->known) {
        tree_add(&days->tree, &head->hash);
    }
    return wrong;
}

bool chain_head(struct judge *judge, const struct mark *mark, struct head *ret)
{
    char path[PATH_SIZE];
    struct file *file;
    size_t size;
    struct client_id client = {mark->client};
    if (heads_path(judge->folder, client, path, sizeof path) != OK ||
        disk_open(judge->disk, path, DISK_READ, &file, NULL) != OK) {
        return false;
    }
    bool found = head_read(file, client, mark->offset, ret, &size);
    file_close(file);
    return found;
}

static void first_judge(struct walk_heads *walk, const struct head *head, uint64_t offset)
{
    static const struct sha256 zeros;
    if (head->epoch != 0 || !sha256_equal(&head->before, &zeros)) {
        judge_say(walk->judge, walk->name, offset,
                  "the first heads, before epoch %llu, are missing",
                  (unsigned long long)head->epoch);
    } else if (walk->anchor_known && memcmp(head->public_key, walk->anchor, ED25519_SIZE) != 0) {
        judge_say(walk->judge, walk->name, offset,
                  "the first head is not signed with the key of the anchor");
    }
}

static void day_judge(struct walk_heads *walk, const struct head *head, uint64_t offset)
{
    if (walk->damaged) {
        walk->days.whole = false;
    }
    const char *wrong = days_pass(&walk->days, head);
    if (wrong != NULL) {
        judge_say(walk->judge, walk->name, offset, "%s", wrong);
    }
}

/* What a tombstone's record names must be there, as it was signed. */
static bool remains_there(struct judge *judge, struct client_id client,
                          const struct remains_place *place)
{
    char path[PATH_SIZE];
    struct file *file;
    size_t got = 0;
    if (place->size > REMAINS_SIZE_MAX ||
        remains_path(judge->folder, client, path, sizeof path) != OK ||
        disk_open(judge->disk, path, DISK_READ, &file, NULL) != OK) {
        return false;
    }
    char *bytes = malloc((size_t)place->size + 1);
    bool same = bytes != NULL &&
                file_read(file, place->offset, bytes, (size_t)place->size, &got) == OK &&
                got == place->size;
    if (same) {
        struct sha256 hash = sha256_of_bytes(str_of(bytes, got));
        same = sha256_equal(&hash, &place->hash);
    }
    free(bytes);
    file_close(file);
    return same;
}

static void tombstone_judge(struct walk_heads *walk, const struct head *head, uint64_t offset)
{
    struct tombstone_told told;
    struct remains_place place;
    if (head->kind != HEAD_TOMBSTONE) {
        return;
    }
    if (!tombstone_decode(head, &told, &place)) {
        judge_say(walk->judge, walk->name, offset, "a tombstone does not say what went");
    } else if (!remains_there(walk->judge, head->client, &place)) {
        char name[64];
        (void)snprintf(name, sizeof name, "remains/%u.remains", head->client.value);
        judge_say(walk->judge, name, place.offset,
                  "the remains of %llu leaves that a tombstone names are not there",
                  (unsigned long long)told.leaves);
    }
}

static void head_judge(struct walk_heads *walk, const struct head *head, uint64_t offset)
{
    const struct head *last = &walk->last;
    tombstone_judge(walk, head, offset);
    day_judge(walk, head, offset);
    if (!walk->last_known) {
        if (!walk->damaged) {
            first_judge(walk, head, offset);
        }
        return;
    }
    if (head->epoch <= last->epoch || (!walk->damaged && head->epoch != last->epoch + 1)) {
        judge_say(walk->judge, walk->name, offset,
                  "epoch %llu follows epoch %llu: heads between them are missing",
                  (unsigned long long)head->epoch, (unsigned long long)last->epoch);
    } else if (!walk->damaged && memcmp(head->public_key, last->public_next, ED25519_SIZE) != 0) {
        judge_say(walk->judge, walk->name, offset,
                  "epoch %llu is not signed with the key that the head before announced",
                  (unsigned long long)head->epoch);
    } else if (!walk->damaged && !sha256_equal(&head->before, &last->hash)) {
        judge_say(walk->judge, walk->name, offset, "epoch %llu does not name the head before it",
                  (unsigned long long)head->epoch);
    }
    if (head->tree.size < last->tree.size || head->events < last->events) {
        judge_say(walk->judge, walk->name, offset, "the tree is smaller than at the head before");
    }
}

static uint64_t head_search(struct walk_heads *walk, uint64_t from)
{
    char window[65536];
    while (from < walk->size) {
        size_t got = 0;
        if (file_read(walk->file, from, window, sizeof window, &got) != OK || got < 8) {
            break;
        }
        const char *found = memmem(window, got, "HINOMIhd", 8);
        if (found != NULL) {
            return from + (uint64_t)(found - window);
        }
        if (from + got >= walk->size) {
            break;
        }
        from += got - 7;
    }
    return walk->size;
}

/* A head cut short by a crash was never told to anyone; a head that the signing key has left
 * behind was whole once. */
static void tail_judge(struct walk_heads *walk, uint64_t offset, const struct signer *signer)
{
    uint64_t expected = walk->last_known ? walk->last.epoch + 1 : 0;
    if (signer != NULL && signer->epoch <= expected) {
        walk->judge->report.unfinished += walk->size - offset;
    } else {
        judge_say(walk->judge, walk->name, offset, "a head of client %u is damaged",
                  walk->client->client.value);
    }
}

static void signer_judge(struct walk_heads *walk, const struct signer *signer, uint64_t end)
{
    uint8_t public_key[ED25519_SIZE];
    const struct head *last = &walk->last;
    ed25519_public(signer->current, public_key);
    if (!walk->last_known) {
        if (signer->epoch != 0 && !walk->damaged) {
            judge_say(walk->judge, walk->name, end, "all heads of client %u are missing",
                      walk->client->client.value);
        }
        return;
    }
    if (signer->epoch > last->epoch + 1 && !walk->damaged) {
        judge_say(walk->judge, walk->name, end,
                  "the heads of epochs %llu to %llu are missing: the signing key is past them",
                  (unsigned long long)last->epoch + 1, (unsigned long long)signer->epoch - 1);
    } else if ((signer->epoch == last->epoch + 1 &&
                memcmp(public_key, last->public_next, ED25519_SIZE) != 0) ||
               (signer->epoch == last->epoch &&
                memcmp(public_key, last->public_key, ED25519_SIZE) != 0)) {
        judge_say(walk->judge, walk->name, end,
                  "the signing key is not the one that the last head announced");
    }
    if (!signer->days || !walk->days.known || walk->damaged) {
        return;
    }
    const struct head_day *day = &walk->days.last;
    ed25519_public(signer->day_current, public_key);
    if (signer->day < day->number || signer->day > day->number + 1 ||
        memcmp(public_key, signer->day == day->number ? day->public_key : day->public_next,
               ED25519_SIZE) != 0) {
        judge_say(walk->judge, walk->name, end,
                  "the signing key of days is not the one that the last day head announced");
    }
}
