/*
 * The order of many scanners.
 *
 * Files are *lanes*, in the order in which they are to be told.  A lane is read by one scanner at a
 * time, which then judges what it read while another reads on:
 *
 *     order_take: the oldest lane that nobody reads and that has more, else the next file
 *     (lane_read)
 *     order_give: others may read it
 *     (the block is judged)
 *     order_put:  written at once if all before it is written, else kept until then
 *
 * Memory is bounded since order_put waits, once SCAN_WAITING_MAX bytes are kept, until the block's
 * turn has come.  Nobody waits for ever: a scanner takes a younger lane only while another reads
 * each older one, and that one comes back to the older lane before it takes a younger one.  So the
 * oldest block that is not finished is never one that nobody has.
 *
 * Always true under the gate: the first lane of the list is the oldest that is not told whole;
 * `waiting` of a lane is sorted by block and holds none whose turn has come.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/private.h"

#define OUT_SIZE_MAX ((size_t)256 * 1024 * 1024) /* of one batch: an event under many rules */

struct told {
    struct told *next;
    uint64_t sequence;
    struct buf member;
    struct out out;
};

struct order {
    struct gate *gate;
    order_tell *tell;
    void *context;
    struct buf paths; /* const char * each */
    size_t paths_at;
    struct lane *first, *last;
    size_t lanes, lanes_max;
    size_t waiting; /* bytes kept */
    enum err failed;
};

void out_init(struct out *out)
{
    *out = (struct out){0};
    buf_init(&out->lines, OUT_SIZE_MAX);
    buf_init(&out->sightings, OUT_SIZE_MAX);
    buf_init(&out->complaints, OUT_SIZE_MAX);
}

void out_reset(struct out *out)
{
    buf_reset(&out->lines);
    buf_reset(&out->sightings);
    buf_reset(&out->complaints);
    out->stats = (struct replay_stats){0};
}

void out_done(struct out *out)
{
    buf_done(&out->lines);
    buf_done(&out->sightings);
    buf_done(&out->complaints);
}

static size_t out_size(const struct out *out)
{
    return out->lines.size + out->sightings.size + out->complaints.size + sizeof(struct told);
}

enum err order_new(order_tell *tell, void *context, unsigned threads, struct order **ret)
{
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        return ERR_MEMORY;
    }
    order->tell = tell;
    order->context = context;
    order->lanes_max = 4 * (size_t)threads;
    buf_init(&order->paths, (size_t)1 << 30);
    order->gate = gate_new();
    if (order->gate == NULL) {
        order_free(order);
        return ERR_MEMORY;
    }
    *ret = order;
    return OK;
}

static void told_free(struct told *told)
{
    out_done(&told->out);
    buf_done(&told->member);
    free(told);
}

static void lane_drop(struct order *order)
{
    struct lane *lane = order->first;
    order->first = lane->next;
    order->last = order->first == NULL ? NULL : order->last;
    order->lanes--;
    while (lane->waiting != NULL) {
        struct told *told = lane->waiting;
        lane->waiting = told->next;
        told_free(told);
    }
    lane_free(lane);
}

void order_free(struct order *order)
{
    if (order == NULL) {
        return;
    }
    while (order->first != NULL) {
        lane_drop(order);
    }
    for (size_t i = 0; i < order->paths.size / sizeof(char *); i++) {
        char *path;
        memcpy(&path, order->paths.data + i * sizeof path, sizeof path);
        free(path);
    }
    buf_done(&order->paths);
    gate_free(order->gate);
    free(order);
}

enum err order_add(struct order *order, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    enum err err = buf_append(&order->paths, str_of(&copy, sizeof(char *)));
    if (err != OK) {
        free(copy);
    }
    return err;
}

/* ---- Within the gate. */

static enum err lane_open(struct order *order, struct lane **ret)
{
    const char *path;
    memcpy(&path, order->paths.data + order->paths_at * sizeof path, sizeof path);
    enum err err = lane_new(path, ret);
    if (err != OK) {
        return err;
    }
    order->paths_at++;
    if (order->last != NULL) {
        order->last->next = *ret;
    } else {
        order->first = *ret;
    }
    order->last = *ret;
    order->lanes++;
    return OK;
}

/* A lane to be read, or NULL; *ret_later: one may come yet. */
static struct lane *lane_find(struct order *order, bool *ret_later)
{
    struct lane *lane;
    *ret_later = false;
    for (lane = order->first; lane != NULL; lane = lane->next) {
        if (!lane->ended && !lane->reading) {
            return lane;
        }
        *ret_later = *ret_later || lane->reading;
    }
    if (order->paths_at == order->paths.size / sizeof(char *)) {
        return NULL;
    }
    *ret_later = order->lanes >= order->lanes_max;
    if (*ret_later) {
        return NULL;
    }
    enum err err = lane_open(order, &lane);
    if (err != OK) {
        order->failed = err;
        return NULL;
    }
    return lane;
}

static void told_tell(struct order *order, const struct lane *lane, struct str member,
                      struct out *out)
{
    if (order->failed == OK) {
        order->failed = order->tell(order->context, lane->path, member, out);
    }
    out_reset(out);
}

/* Tells all whose turn has come. */
static void turns_take(struct order *order)
{
    while (order->first != NULL) {
        struct lane *lane = order->first;
        struct told *told = lane->waiting;
        if (told != NULL && told->sequence == lane->blocks_out) {
            lane->waiting = told->next;
            lane->blocks_out++;
            order->waiting -= out_size(&told->out);
            told_tell(order, lane, buf_str(&told->member), &told->out);
            told_free(told);
        } else if (lane->ended && lane->blocks_out == lane->blocks) {
            lane_drop(order);
        } else {
            return;
        }
    }
}

static bool turn_has_come(const struct order *order, const struct lane *lane,
                          const struct block *block)
{
    return order->first == lane && lane->blocks_out == block->sequence;
}

/* Keeps what a block says until its turn; its memory goes along. */
static enum err told_keep(struct order *order, struct lane *lane, const struct block *block,
                          struct out *out)
{
    struct told *told = calloc(1, sizeof *told);
    if (told == NULL) {
        return ERR_MEMORY;
    }
    told->sequence = block->sequence;
    buf_init(&told->member, MEMBER_PATH_MAX);
    enum err err = buf_append(&told->member, buf_str(&block->member));
    if (err != OK) {
        told_free(told);
        return err;
    }
    told->out = *out;
    out_init(out);
    struct told **at = &lane->waiting;
    while (*at != NULL && (*at)->sequence < told->sequence) {
        at = &(*at)->next;
    }
    told->next = *at;
    *at = told;
    order->waiting += out_size(&told->out);
    return OK;
}

/* ---- Through the gate. */

struct lane *order_take(struct order *order)
{
    struct lane *lane = NULL;
    bool later = true;
    gate_enter(order->gate);
    while (order->failed == OK && later) {
        lane = lane_find(order, &later);
        if (lane != NULL) {
            lane->reading = true;
            break;
        }
        if (later) {
            gate_wait(order->gate);
        }
    }
    lane = order->failed == OK ? lane : NULL;
    gate_leave(order->gate);
    return lane;
}

void order_give(struct order *order, struct lane *lane, struct block *block, bool ended)
{
    gate_enter(order->gate);
    lane->reading = false;
    lane->ended = ended;
    block->sequence = lane->blocks++;
    gate_wake(order->gate);
    gate_leave(order->gate);
}

void order_put(struct order *order, struct lane *lane, const struct block *block, struct out *out,
               bool last)
{
    gate_enter(order->gate);
    while (order->failed == OK && !turn_has_come(order, lane, block)) {
        if (last && order->waiting + out_size(out) <= SCAN_WAITING_MAX) {
            enum err err = told_keep(order, lane, block, out);
            order->failed = err == OK ? order->failed : err;
            gate_wake(order->gate);
            gate_leave(order->gate);
            return;
        }
        gate_wait(order->gate);
    }
    told_tell(order, lane, buf_str(&block->member), out);
    if (last && order->failed == OK) {
        lane->blocks_out++;
        turns_take(order);
    }
    gate_wake(order->gate);
    gate_leave(order->gate);
}

uint64_t order_number(struct order *order, const struct block *block)
{
    if (block->numbering == NULL) {
        return block->first;
    }
    gate_enter(order->gate);
    while (order->failed == OK && block->numbering->next != block->numbered) {
        gate_wait(order->gate);
    }
    uint64_t number = block->numbering->number;
    gate_leave(order->gate);
    return number;
}

void order_count(struct order *order, const struct block *block, uint64_t count)
{
    struct numbering *numbering = block->numbering;
    if (numbering == NULL) {
        return;
    }
    (void)order_number(order, block);
    gate_enter(order->gate);
    numbering->number += count;
    numbering->next++;
    gate_wake(order->gate);
    gate_leave(order->gate);
}

void order_fail(struct order *order, enum err err)
{
    gate_enter(order->gate);
    order->failed = order->failed == OK ? err : order->failed;
    gate_wake(order->gate);
    gate_leave(order->gate);
}

enum err order_failed(const struct order *order)
{
    return order->failed;
}
