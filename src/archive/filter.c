/*
 * The summary of a block: what its directory keeps of it, so that a search passes it over unread.
 *
 *     OFFSET SIZE MEANING
 *          0    4 "HBS1"
 *          4    4 sources
 *          8   16 earliest and latest arrival
 *         24   16 earliest and latest time of an event (its arrival, where it tells none)
 *         40   16 kinds of bytes at tight edges: before, behind
 *         56    4 flags: 1, folding may join pieces; 2, some records may hold anything
 *         60    4 alphabets
 *         64    4 names
 *         68    1 grams: 2^n bits
 *         69    1 values: 2^n bits
 *         70    2 zero
 *         72      the sources, ascending, 4 bytes each
 *                 the alphabets, 12 bytes each: kinds of bytes, longest run
 *                 the names of fields whose values are not among the values: a hash of 4 bytes each
 *                 the grams, the values: a bit each
 *        end    8 hash of all bytes before, under the client's filter key
 *
 * A *gram* is four bytes of a run; a *value* is the whole of a field's value.  Each is hashed under
 * the filter key, a gram to one bit, a value to two.  What varies in a pattern is no gram: of such
 * texts the alphabet tells what they may hold.
 *
 * Always true: a summary whose hash does not fit is damage, and never an answer.
 */

#include "archive/filter.h"

#include <stdlib.h>
#include <string.h>

#include "archive/block_making.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "codec/json_text.h"
#include "match/required.h"

#define SUMMARY_HEAD 72
#define SUMMARY_HASH 8

uint64_t summary_hash(struct str bytes, const uint8_t key[BLOCK_FILTER_KEY_SIZE])
{
    return hash_bytes(bytes, get_u64(key)) ^ hash_bytes(bytes, ~get_u64(key + 8));
}

/* ---- What goes in. */

static inline uint64_t gram_hash(const uint64_t salt[2], uint32_t gram)
{
    uint64_t hash = (gram ^ salt[0]) * (salt[1] | 1);
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
    return hash >> 44;
}

static inline void bit_set(uint64_t *bits, uint64_t at)
{
    bits[at / 64] |= (uint64_t)1 << at % 64;
}

/* Each byte of a run as folded, zero for any other. */
static const unsigned char run_bytes[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',
    ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',
    ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
    ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
    ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm',
    ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z'};

/* What stands in a text that matters to whoever reads it. */
struct seen {
    bool wide;    /* a byte from 0x80 on */
    bool escaped; /* a backslash and a u, which may be a character's escape */
};

/* Folded runs, four bytes at a time.  Bytes from 0x80 on count as they are. */
static struct seen grams_add(struct filter *filter, struct str text)
{
    uint32_t gram = 0;
    unsigned size = 0;
    unsigned all = 0;
    bool escape = false;
    struct seen seen = {0};
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        unsigned folded = c >= 0x80 ? c : run_bytes[c];
        all |= c;
        seen.escaped |= escape && c == 'u';
        escape = c == '\\' && !escape;
        gram = gram << 8 | folded;
        size = folded == 0 ? 0 : size + 1;
        if (size >= GRAM_SIZE) {
            bit_set(filter->grams, gram_hash(filter->salt, gram));
        }
    }
    seen.wide = all >= 0x80;
    return seen;
}

/* Grams of what is not folded do no harm. */
enum err filter_piece(struct filter *filter, struct str text)
{
    struct str folded;
    struct str readable;
    struct seen seen = grams_add(filter, text);
    enum err err = seen.wide ? search_fold(text, filter->scratch, &folded) : OK;
    if (err == OK && seen.wide) {
        (void)grams_add(filter, folded);
    }
    /* Other escapes stand for what is in no run. */
    if (err == OK && seen.escaped && json_unescape(text, filter->scratch, &readable) == OK) {
        err = search_fold(readable, filter->scratch, &folded);
        if (err == OK) {
            (void)grams_add(filter, folded);
        }
    }
    return err;
}

static void value_bits(const uint64_t salt[2], struct str text, uint64_t ret[2])
{
    uint64_t hash = hash_bytes(text, salt[0] ^ salt[1] << 1);
    ret[0] = hash >> 44;
    ret[1] = hash & (FILTER_BITS - 1);
}

static enum err value_add(struct filter *filter, struct str text)
{
    struct str folded;
    uint64_t bits[2];
    enum err err = search_fold(text, filter->scratch, &folded);
    if (err == OK) {
        value_bits(filter->salt, folded, bits);
        bit_set(filter->values, bits[0]);
        bit_set(filter->values, bits[1]);
    }
    return err;
}

enum err filter_value(struct filter *filter, struct str text)
{
    struct str readable;
    enum err err = value_add(filter, text);
    if (err == OK && str_find_byte(text, '\\') != STR_NONE &&
        json_unescape(text, filter->scratch, &readable) == OK) {
        err = value_add(filter, readable);
    }
    return err;
}

void filter_alphabet(struct filter *filter, struct alphabet alphabet)
{
    for (uint32_t i = 0; i < filter->alphabets_count; i++) {
        struct alphabet *other = &filter->alphabets[i];
        if (other->kinds == alphabet.kinds || i == ALPHABETS_MAX - 1) {
            other->kinds |= alphabet.kinds;
            other->run_max = other->run_max > alphabet.run_max ? other->run_max : alphabet.run_max;
            return;
        }
    }
    filter->alphabets[filter->alphabets_count++] = alphabet;
}

bool edges_cross(const struct edges *edges, struct str run)
{
    for (size_t i = 1; i < run.size; i++) {
        if ((edges->left >> run_kind(run.data[i - 1]) & 1) != 0 &&
            (edges->right >> run_kind(run.data[i]) & 1) != 0) {
            return true;
        }
    }
    return edges->wide;
}

bool run_next(struct str *rest, struct str *ret)
{
    size_t from = 0;
    while (from < rest->size && !run_byte(rest->data[from])) {
        from++;
    }
    size_t to = from;
    while (to < rest->size && run_byte(rest->data[to])) {
        to++;
    }
    *ret = str_slice(*rest, from, to - from);
    *rest = str_slice(*rest, to, rest->size);
    return to > from;
}

/* ---- As bytes. */

/* The bits folded in half as long as no more than half of them are set; how many remain. */
static unsigned bits_fold(uint64_t *bits)
{
    size_t set = 0;
    for (size_t i = 0; i < FILTER_BITS / 64; i++) {
        set += (size_t)__builtin_popcountll(bits[i]);
    }
    unsigned log = 20;
    while (log > 6 && set * 4 <= (size_t)1 << log) {
        log--;
        size_t words = ((size_t)1 << log) / 64;
        for (size_t i = 0; i < words; i++) {
            bits[i] |= bits[i + words];
        }
    }
    return log;
}

static int source_order(const void *one, const void *other)
{
    uint32_t a = get_u32(one);
    uint32_t b = get_u32(other);
    return a < b ? -1 : a > b;
}

static enum err sources_put(const struct block_maker *maker, struct buf *out, uint32_t *ret)
{
    size_t count = maker->leaves.size / sizeof(struct maker_leaf);
    uint32_t *list = ARENA_ARRAY(maker->scratch, uint32_t, count);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = maker_leaves(maker)[i].source;
    }
    qsort(list, count, sizeof *list, source_order);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || list[kept - 1] != list[i]) {
            list[kept++] = list[i];
        }
    }
    *ret = kept;
    return buf_append(out, str_of(list, kept * sizeof *list));
}

static enum err parts_put(struct filter *filter, const struct buf *names, char *head,
                          struct buf *out)
{
    enum err err = OK;
    put_u64(head + 40, filter->edges.left);
    put_u64(head + 48, filter->edges.right);
    put_u32(head + 56, (filter->edges.wide ? 1u : 0) | (filter->whole ? 2u : 0));
    put_u32(head + 60, filter->alphabets_count);
    put_u32(head + 64, (uint32_t)(names->size / sizeof(uint32_t)));
    for (uint32_t i = 0; err == OK && i < filter->alphabets_count; i++) {
        char bytes[12];
        put_u64(bytes, filter->alphabets[i].kinds);
        put_u32(bytes + 8, filter->alphabets[i].run_max);
        err = buf_append(out, str_of(bytes, sizeof bytes));
    }
    err = err == OK ? buf_append(out, buf_str(names)) : err;
    unsigned grams = bits_fold(filter->grams);
    unsigned values = bits_fold(filter->values);
    head[68] = (char)grams;
    head[69] = (char)values;
    err = err == OK ? buf_append(out, str_of(filter->grams, ((size_t)1 << grams) / 8)) : err;
    return err == OK ? buf_append(out, str_of(filter->values, ((size_t)1 << values) / 8)) : err;
}

enum err summary_put(const struct block_maker *maker, struct filter *filter,
                     const struct buf *names, struct buf *out)
{
    char head[SUMMARY_HEAD] = "HBS1";
    size_t from = out->size;
    int64_t received[2] = {INT64_MAX, INT64_MIN};
    int64_t happened[2] = {INT64_MAX, INT64_MIN};
    const struct maker_row *rows = maker_rows(maker);
    for (uint32_t i = 0; i < block_events(maker); i++) {
        int64_t came = rows[i].received;
        int64_t was = rows[i].happened == INT64_MIN ? came : rows[i].happened;
        received[0] = came < received[0] ? came : received[0];
        received[1] = came > received[1] ? came : received[1];
        happened[0] = was < happened[0] ? was : happened[0];
        happened[1] = was > happened[1] ? was : happened[1];
    }
    memcpy(head + 8, received, sizeof received);
    memcpy(head + 24, happened, sizeof happened);
    uint32_t sources = 0;
    enum err err = buf_append(out, str_of(head, sizeof head));
    err = err == OK ? sources_put(maker, out, &sources) : err;
    err = err == OK ? parts_put(filter, names, head, out) : err;
    char hash[SUMMARY_HASH];
    if (err == OK) {
        put_u32(head + 4, sources);
        memcpy(out->data + from, head, sizeof head);
        put_u64(hash, summary_hash(str_slice(buf_str(out), from, out->size), maker->filter_key));
        err = buf_append(out, str_of(hash, sizeof hash));
    }
    out->size = err == OK ? out->size : from;
    return err;
}

enum err summary_open(struct str bytes, const uint8_t key[BLOCK_FILTER_KEY_SIZE],
                      struct summary *ret)
{
    if (bytes.size < SUMMARY_HEAD + SUMMARY_HASH || memcmp(bytes.data, "HBS1", 4) != 0) {
        return ERR_CORRUPT;
    }
    const char *at = bytes.data;
    struct str body = str_slice(bytes, 0, bytes.size - SUMMARY_HASH);
    struct summary summary = {
        .sources_count = get_u32(at + 4),
        .sources = at + SUMMARY_HEAD,
        .edges = {get_u64(at + 40), get_u64(at + 48), (get_u32(at + 56) & 1) != 0},
        .whole = (get_u32(at + 56) & 2) != 0,
        .alphabets_count = get_u32(at + 60),
        .names_count = get_u32(at + 64),
        .grams_log = (unsigned char)at[68],
        .values_log = (unsigned char)at[69],
        .salt = {get_u64(key), get_u64(key + 8)},
    };
    if (get_u64(body.data + body.size) != summary_hash(body, key) || summary.grams_log < 6 ||
        summary.values_log < 6 || summary.grams_log > 20 || summary.values_log > 20) {
        return ERR_CORRUPT;
    }
    uint64_t sources = 4 * (uint64_t)summary.sources_count;
    uint64_t alphabets = 12 * (uint64_t)summary.alphabets_count;
    uint64_t names = 4 * (uint64_t)summary.names_count;
    uint64_t grams = ((uint64_t)1 << summary.grams_log) / 8;
    uint64_t values = ((uint64_t)1 << summary.values_log) / 8;
    if (SUMMARY_HEAD + sources + alphabets + names + grams + values != body.size) {
        return ERR_CORRUPT;
    }
    memcpy(summary.received, at + 8, sizeof summary.received);
    memcpy(summary.happened, at + 24, sizeof summary.happened);
    summary.alphabets = summary.sources + sources;
    summary.names = summary.alphabets + alphabets;
    summary.grams = summary.names + names;
    summary.values = summary.grams + grams;
    *ret = summary;
    return OK;
}

static bool bit_at(const char *bits, unsigned log, uint64_t at)
{
    at &= ((uint64_t)1 << log) - 1;
    return ((unsigned char)bits[at / 8] >> at % 8 & 1) != 0;
}

bool summary_value(const struct summary *summary, struct str folded)
{
    uint64_t bits[2];
    value_bits(summary->salt, folded, bits);
    return bit_at(summary->values, summary->values_log, bits[0]) &&
           bit_at(summary->values, summary->values_log, bits[1]);
}

uint32_t filter_name(struct str name, const uint64_t salt[2])
{
    return (uint32_t)hash_bytes(name, salt[0] + salt[1]);
}

bool summary_name(const struct summary *summary, struct str name)
{
    uint32_t hash = filter_name(name, summary->salt);
    for (uint32_t i = 0; i < summary->names_count; i++) {
        if (get_u32(summary->names + 4 * (size_t)i) == hash) {
            return true;
        }
    }
    return false;
}

/* Whether a run may stand in a text of some alphabet. */
static bool alphabets_hold(const struct summary *summary, struct str run)
{
    uint64_t kinds = 0;
    for (size_t i = 0; i < run.size; i++) {
        kinds |= (uint64_t)1 << run_kind(run.data[i]);
    }
    for (uint32_t i = 0; i < summary->alphabets_count; i++) {
        const char *at = summary->alphabets + 12 * (size_t)i;
        if ((kinds & ~get_u64(at)) == 0 && run.size <= get_u32(at + 8)) {
            return true;
        }
    }
    return false;
}

static bool run_may(const struct summary *summary, struct str run)
{
    uint32_t gram = 0;
    if (run.size < GRAM_SIZE || edges_cross(&summary->edges, run) || alphabets_hold(summary, run)) {
        return true;
    }
    for (size_t i = 0; i < run.size; i++) {
        gram = gram << 8 | (unsigned char)run.data[i];
        if (i + 1 >= GRAM_SIZE &&
            !bit_at(summary->grams, summary->grams_log, gram_hash(summary->salt, gram))) {
            return false;
        }
    }
    return true;
}

bool summary_text(const struct summary *summary, struct str folded)
{
    struct str run;
    bool may = true;
    while (may && run_next(&folded, &run)) {
        may = run_may(summary, run_sure(run));
    }
    return may;
}
