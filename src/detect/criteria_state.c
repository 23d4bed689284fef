/*
 * What the thresholds of a client's criteria have counted: for each criterion and each thing that
 * it counts apart (a rule, an asset, another end's address) the arrivals of the last alerts, as
 * many as the threshold asks for.
 *
 *     key "criterion/by/thing" ─► counter: the last `at_least` arrivals, in a ring
 *
 * A threshold is met by an alert if the one `at_least` - 1 before it arrived less than `within`
 * earlier.  Counters lie in the order in which they were last used; when they would need more than
 * CRITERIA_STATE_MAX, the one that was not used for longest is forgotten.
 *
 *     encoded                    OFFSET  SIZE  MEANING
 *                                     0     8  "HINOMIct"
 *                                     8     8  counters forgotten so far
 *     then each counter, the one unused for longest first:
 *                                     0     4  size of the key, k
 *                                     4     4  at_least
 *                                     8     8  within, ns
 *                                    16     4  arrivals kept, n
 *                                    20     k  key
 *                                  20+k   8*n  arrivals, ns, in the order in which they were
 * counted
 *
 * Integers are little-endian.
 *
 * Always true:
 *
 *   (1) What the counters need is a sum over what they are, not over how they came to be: so a
 *       state that was encoded and decoded forgets the same ones later.
 *   (2) A counter is of one at_least and one within.  Criteria that say other numbers begin anew.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "detect/criteria_private.h"

#define AT_LEAST_MAX 1000 /* of schema/criteria.yaml */
#define KEY_SIZE_MAX 512  /* two slugs and an address, or a rule's id, folded */
#define HEAD_SIZE    16
#define FIXED_SIZE   20
#define COUNTERS_MAX (CRITERIA_STATE_MAX / sizeof(struct counter))

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 'c', 't'};

struct counter {
    struct counter *older, *newer;
    uint32_t at_least;
    int64_t within_ns;
    uint32_t count, next; /* arrivals kept, and where in the ring the next one goes */
    size_t key_size;
    char *key; /* behind the arrivals */
    int64_t arrivals[];
};

struct criteria_state {
    struct map map; /* key to struct counter *, as uintptr_t */
    struct counter *oldest, *newest;
    size_t size;
    uint64_t forgotten;
};

enum err criteria_state_new(struct criteria_state **ret)
{
    struct criteria_state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return ERR_MEMORY;
    }
    map_init(&state->map, COUNTERS_MAX, (uint64_t)(uintptr_t)state);
    *ret = state;
    return OK;
}

static size_t counter_size(uint32_t at_least, size_t key_size)
{
    return sizeof(struct counter) + at_least * sizeof(int64_t) + key_size;
}

static void unlink_counter(struct criteria_state *state, struct counter *counter)
{
    *(counter->older != NULL ? &counter->older->newer : &state->oldest) = counter->newer;
    *(counter->newer != NULL ? &counter->newer->older : &state->newest) = counter->older;
}

static void link_newest(struct criteria_state *state, struct counter *counter)
{
    counter->older = state->newest;
    counter->newer = NULL;
    *(state->newest != NULL ? &state->newest->newer : &state->oldest) = counter;
    state->newest = counter;
}

static void counter_drop(struct criteria_state *state, struct counter *counter)
{
    unlink_counter(state, counter);
    (void)map_remove(&state->map, str_of(counter->key, counter->key_size));
    state->size -= counter_size(counter->at_least, counter->key_size);
    free(counter);
}

static void state_empty(struct criteria_state *state)
{
    while (state->oldest != NULL) {
        counter_drop(state, state->oldest);
    }
    state->forgotten = 0;
}

void criteria_state_free(struct criteria_state *state)
{
    if (state != NULL) {
        state_empty(state);
        map_done(&state->map);
        free(state);
    }
}

uint64_t criteria_state_forgotten(const struct criteria_state *state)
{
    return state->forgotten;
}

/* ---- Counting. */

static enum err counter_new(struct criteria_state *state, struct str key, uint32_t at_least,
                            int64_t within_ns, struct counter **ret)
{
    size_t size = counter_size(at_least, key.size);
    while (state->size + size > CRITERIA_STATE_MAX || state->map.count == COUNTERS_MAX) {
        counter_drop(state, state->oldest);
        state->forgotten++;
    }
    struct counter *counter = calloc(1, size);
    if (counter == NULL) {
        return ERR_MEMORY;
    }
    counter->at_least = at_least;
    counter->within_ns = within_ns;
    counter->key = (char *)&counter->arrivals[at_least];
    counter->key_size = key.size;
    memcpy(counter->key, key.data, key.size);
    enum err err = map_put(&state->map, key, (uint64_t)(uintptr_t)counter);
    if (err != OK) {
        free(counter);
        return err;
    }
    link_newest(state, counter);
    state->size += size;
    *ret = counter;
    return OK;
}

static struct counter *counter_find(const struct criteria_state *state, struct str key)
{
    uint64_t found;
    return map_get(&state->map, key, &found) ? (struct counter *)(uintptr_t)found : NULL;
}

static void counter_add(struct counter *counter, int64_t at)
{
    counter->arrivals[counter->next] = at;
    counter->next = (counter->next + 1) % counter->at_least;
    counter->count += counter->count < counter->at_least;
}

/* "criterion/by/thing", cut: what is longer than any of its parts may be is counted together. */
static struct str key_make(const struct criterion *criterion, struct str by,
                           char text[KEY_SIZE_MAX])
{
    size_t size = 0;
    const struct str parts[] = {criterion->slug,
                                criterion->by == BY_RULE    ? STR("/rule/")
                                : criterion->by == BY_ASSET ? STR("/asset/")
                                                            : STR("/other/"),
                                by};
    for (size_t i = 0; i < 3; i++) {
        struct str part = str_slice(parts[i], 0, KEY_SIZE_MAX - size);
        if (part.size > 0) {
            memcpy(text + size, part.data, part.size);
        }
        size += part.size;
    }
    return str_of(text, size);
}

enum err criteria_state_count(struct criteria_state *state, const struct criterion *criterion,
                              struct str by, struct wall at, bool *ret)
{
    char text[KEY_SIZE_MAX];
    struct str key = key_make(criterion, by, text);
    struct counter *counter = counter_find(state, key);
    if (counter != NULL &&
        (counter->at_least != criterion->at_least || counter->within_ns != criterion->within_ns)) {
        counter_drop(state, counter);
        counter = NULL;
    }
    enum err err = OK;
    if (counter == NULL) {
        err = counter_new(state, key, criterion->at_least, criterion->within_ns, &counter);
    } else {
        unlink_counter(state, counter);
        link_newest(state, counter);
    }
    if (err != OK) {
        return err;
    }
    counter_add(counter, at.ns);
    /* Once the ring is full, the next place holds the first of the last at_least. */
    *ret = counter->count == counter->at_least &&
           at.ns - counter->arrivals[counter->next] < counter->within_ns;
    return OK;
}

/* ---- As bytes. */

static enum err counter_encode(const struct counter *counter, struct buf *out)
{
    char fixed[FIXED_SIZE];
    char number[8];
    put_u32(fixed, (uint32_t)counter->key_size);
    put_u32(fixed + 4, counter->at_least);
    put_u64(fixed + 8, (uint64_t)counter->within_ns);
    put_u32(fixed + 16, counter->count);
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    err = err == OK ? buf_append(out, str_of(counter->key, counter->key_size)) : err;
    uint32_t first = (counter->next + counter->at_least - counter->count) % counter->at_least;
    for (uint32_t i = 0; i < counter->count && err == OK; i++) {
        put_u64(number, (uint64_t)counter->arrivals[(first + i) % counter->at_least]);
        err = buf_append(out, str_of(number, sizeof number));
    }
    return err;
}

enum err criteria_state_encode(const struct criteria_state *state, struct buf *out)
{
    char head[HEAD_SIZE];
    size_t size_before = out->size;
    memcpy(head, magic, sizeof magic);
    put_u64(head + 8, state->forgotten);
    enum err err = buf_append(out, str_of(head, sizeof head));
    for (const struct counter *counter = state->oldest; counter != NULL && err == OK;
         counter = counter->newer) {
        err = counter_encode(counter, out);
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

static enum err counter_decode(struct criteria_state *state, struct str *bytes)
{
    struct str rest = *bytes;
    if (rest.size < FIXED_SIZE) {
        return ERR_CORRUPT;
    }
    size_t key_size = get_u32(rest.data);
    uint32_t at_least = get_u32(rest.data + 4);
    int64_t within_ns = (int64_t)get_u64(rest.data + 8);
    size_t count = get_u32(rest.data + 16);
    if (key_size > KEY_SIZE_MAX || at_least < 2 || at_least > AT_LEAST_MAX || count == 0 ||
        count > at_least || rest.size < FIXED_SIZE + key_size + 8 * count) {
        return ERR_CORRUPT;
    }
    struct str key = str_slice(rest, FIXED_SIZE, key_size);
    const char *arrivals = rest.data + FIXED_SIZE + key_size;
    struct counter *counter;
    if (counter_find(state, key) != NULL ||
        state->size + counter_size(at_least, key_size) > CRITERIA_STATE_MAX) {
        return ERR_CORRUPT;
    }
    enum err err = counter_new(state, key, at_least, within_ns, &counter);
    for (size_t i = 0; i < count && err == OK; i++) {
        counter_add(counter, (int64_t)get_u64(arrivals + 8 * i));
    }
    *bytes = str_slice(rest, FIXED_SIZE + key_size + 8 * count, rest.size);
    return err;
}

enum err criteria_state_decode(struct str bytes, struct criteria_state *state)
{
    state_empty(state);
    if (bytes.size < HEAD_SIZE || memcmp(bytes.data, magic, sizeof magic) != 0) {
        return ERR_CORRUPT;
    }
    uint64_t forgotten = get_u64(bytes.data + 8);
    struct str rest = str_slice(bytes, HEAD_SIZE, bytes.size);
    enum err err = OK;
    while (rest.size > 0 && err == OK) {
        err = counter_decode(state, &rest);
    }
    if (err != OK) {
        state_empty(state);
        return err;
    }
    state->forgotten = forgotten;
    return OK;
}
