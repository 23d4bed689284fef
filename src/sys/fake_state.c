/* The state of a simulated disk: what got through when the power went, sector by sector and name by
 * name.  Everything else about it is in fake.c. */

#include "sys/fake_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/fake.h"

#define SECTOR_SIZE 512

/* ---- Chance. */

static uint64_t random_next(uint64_t *state)
{
    if (*state == FAKE_SEED_NOTHING || *state == FAKE_SEED_ALL) {
        return *state;
    }
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

size_t random_part(uint64_t *state, size_t size)
{
    uint64_t draw = random_next(state);
    if (draw == UINT64_MAX) {
        return size;
    }
    switch (draw % 8) {
    case 0:
    case 1:
    case 2:
        return 0;
    case 3:
        return (size_t)(draw >> 8) % (size + 1);
    default:
        return size;
    }
}

/* ---- Bytes. */

enum err bytes_resize(struct buf *bytes, uint64_t size)
{
    char *at;
    if (size <= bytes->size) {
        bytes->size = (size_t)size;
        return OK;
    }
    if (size > bytes->size_max) {
        return ERR_LIMIT;
    }
    size_t more = (size_t)size - bytes->size;
    enum err err = buf_extend(bytes, more, &at);
    if (err == OK) {
        memset(at, 0, more);
    }
    return err;
}

enum err bytes_put(struct buf *bytes, uint64_t offset, const char *from, size_t size)
{
    enum err err = offset + size > bytes->size ? bytes_resize(bytes, offset + size) : OK;
    if (err == OK && size > 0) {
        memcpy(bytes->data + offset, from, size);
    }
    return err;
}

enum err bytes_copy(struct buf *to, const struct buf *from)
{
    buf_reset(to);
    return buf_append(to, buf_str(from));
}

void changes_forget(struct inode *inode)
{
    for (size_t i = 0; i < inode->changes_count; i++) {
        free(inode->changes[i].bytes);
    }
    free(inode->changes);
    inode->changes = NULL;
    inode->changes_count = 0;
}

enum err change_add(struct inode *inode, uint64_t offset, const char *bytes, size_t size)
{
    struct change *list = realloc(inode->changes, (inode->changes_count + 1) * sizeof *list);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    inode->changes = list;
    struct change *change = &list[inode->changes_count];
    *change = (struct change){.offset = offset, .size = size};
    if (bytes != NULL) {
        change->bytes = malloc(size + 1);
        if (change->bytes == NULL) {
            return ERR_MEMORY;
        }
        memcpy(change->bytes, bytes, size);
    }
    inode->changes_count++;
    return OK;
}

/* One change reaches the disk as far as chance allows. */
static enum err change_settle(struct buf *durable, const struct change *change, uint64_t *random)
{
    if (change->bytes == NULL) {
        return random_part(random, 1) == 1 ? bytes_resize(durable, change->offset) : OK;
    }
    for (size_t done = 0; done < change->size;) {
        uint64_t at = change->offset + done;
        size_t size = SECTOR_SIZE - (size_t)(at % SECTOR_SIZE);
        size = size < change->size - done ? size : change->size - done;
        size_t kept = random_part(random, size);
        /* A file may have grown although its new bytes never came. */
        bool grown = kept > 0 || random_next(random) % 4 == 1;
        enum err err = OK;
        if (grown && at + size > durable->size) {
            err = bytes_resize(durable, at + size);
        }
        if (err == OK && kept > 0) {
            err = bytes_put(durable, at, change->bytes + done, kept);
        }
        if (err != OK) {
            return err;
        }
        done += size;
    }
    return OK;
}

enum err inode_settle(struct inode *inode, uint64_t *random)
{
    enum err err = OK;
    for (size_t i = 0; i < inode->changes_count && err == OK; i++) {
        err = change_settle(&inode->durable, &inode->changes[i], random);
    }
    changes_forget(inode);
    return err;
}

/* ---- Names. */

size_t names_find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].path, path) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

void names_remove(struct names *names, const char *path)
{
    size_t at = names_find(names, path);
    if (at != SIZE_MAX) {
        free(names->list[at].path);
        names->list[at] = names->list[--names->count];
    }
}

enum err names_put(struct names *names, const char *path, struct inode *inode)
{
    size_t at = names_find(names, path);
    if (at != SIZE_MAX) {
        names->list[at].inode = inode;
        return OK;
    }
    struct name *list = realloc(names->list, (names->count + 1) * sizeof *list);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    names->list = list;
    char *copy = strdup(path);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    list[names->count++] = (struct name){copy, inode};
    return OK;
}

void names_done(struct names *names)
{
    while (names->count > 0) {
        free(names->list[--names->count].path);
    }
    free(names->list);
    *names = (struct names){0};
}

enum err names_apply(struct names *names, const struct name_change *change)
{
    if (change->gone) {
        names_remove(names, change->path);
        return OK;
    }
    if (change->to == NULL) {
        return names_put(names, change->path, change->inode);
    }
    size_t from = names_find(names, change->path);
    if (from != SIZE_MAX && names->list[from].inode == change->inode) {
        names_remove(names, change->path);
    }
    return names_put(names, change->to, change->inode);
}

const char *folder_of(const char *path, char *to)
{
    (void)snprintf(to, 4096, "%s", path);
    char *slash = strrchr(to, '/');
    if (slash == NULL) {
        return ".";
    }
    slash[slash == to ? 1 : 0] = '\0';
    return to;
}

bool folder_there(const struct names *names, const char *path)
{
    if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0) {
        return true;
    }
    size_t at = names_find(names, path);
    return at != SIZE_MAX && names->list[at].inode == NULL;
}

void name_change_done(struct name_change *change)
{
    free(change->path);
    free(change->to);
}
