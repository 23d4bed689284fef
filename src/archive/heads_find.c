/*
 * Heads, found by halving the file: a record names its magic, its client and its size, and its root
 * is that of its peaks, so that one is known wherever the looking begins.  Leaves and events never
 * become fewer from one to the next.
 *
 * Always true: a search looks at some twenty places and goes over HEADS_NEAR bytes, however many
 * years there are.  Signatures are not looked at.
 */

#include "archive/nodes.h"

#define HEADS_NEAR ((uint64_t)8192) /* bytes that are gone over one by one */

static uint64_t head_key(const struct head *head, enum heads_by by)
{
    return by == HEADS_BY_LEAVES ? head->tree.size : head->events;
}

/* The first record that begins in [at, end), into find->head.  there: one begins at `at`. */
static enum err head_from(struct heads_find *find, uint64_t at, uint64_t end, bool there,
                          uint64_t *ret_at, size_t *ret_size)
{
    struct head *head = &find->head;
    while (at < end) {
        size_t got = 0;
        enum err err = file_read(find->file, at, find->window, sizeof find->window, &got);
        if (err != OK || got == 0) {
            return err != OK ? err : ERR_NOT_FOUND;
        }
        bool last = at + got >= find->size || got <= HEAD_SIZE_MAX;
        size_t until = last ? got : got - HEAD_SIZE_MAX;
        for (size_t i = 0; i < until; i++) {
            struct str rest = str_of(find->window + i, got - i);
            size_t next = str_find(rest, STR("HINOMIhd"));
            if (next == STR_NONE || i + next >= until || at + i + next >= end) {
                break;
            }
            i += next;
            rest = str_of(find->window + i, got - i);
            if (!head_read_fast(rest, find->client, head, ret_size)) {
                continue;
            }
            struct sha256 root = head->root;
            if (!there || i > 0) {
                root = tree_root(&head->tree);
            }
            if (sha256_equal(&root, &head->root)) {
                *ret_at = at + i;
                return OK;
            }
        }
        at += until;
        there = false;
    }
    return ERR_NOT_FOUND;
}

enum err heads_before(struct heads_find *find, enum heads_by by, uint64_t value, struct head *ret,
                      uint64_t *ret_next)
{
    uint64_t low = 0;
    uint64_t high = find->size;
    uint64_t at = 0;
    size_t size = 0;
    while (high - low > HEADS_NEAR) {
        uint64_t middle = low + (high - low) / 2;
        enum err err = head_from(find, middle, high, false, &at, &size);
        if (err != OK && err != ERR_NOT_FOUND) {
            return err;
        }
        if (err == OK && head_key(&find->head, by) < value) {
            low = at;
        } else {
            high = middle;
        }
    }
    enum err found = ERR_NOT_FOUND;
    *ret_next = low;
    while (*ret_next < find->size) {
        enum err err = head_from(find, *ret_next, find->size, true, &at, &size);
        if (err != OK && err != ERR_NOT_FOUND) {
            return err;
        }
        if (err != OK || head_key(&find->head, by) >= value) {
            break;
        }
        *ret = find->head;
        find->at = at;
        *ret_next = at + size;
        found = OK;
    }
    return found;
}

enum err heads_at(struct heads_find *find, uint64_t at, struct head *ret)
{
    uint64_t found;
    size_t size;
    enum err err = head_from(find, at, find->size, true, &found, &size);
    if (err == OK) {
        *ret = find->head;
    }
    return err;
}
