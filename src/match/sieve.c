/*
 * A sieve: the guards of many expressions, as tables by field and one small database of texts.
 *
 *     fields    the field is there ─► guard      equal texts: a hash table ─► guard
 *               tests asked as they stand ─► guard
 *     literals  one database; a text ─► entries: in which field ─► guard
 *     keywords  a database of its own, for texts that are looked for in every value
 *     always    members without a guard
 *
 * The same clause of several members is one guard; a guard is the numbers of its members, each with
 * the sides on which it counts: a member is a candidate once both its sides have fired, and nothing
 * against it.  Values that are scanned together stand between separators (0x01).  A text that is
 * anchored at the start of a value has a separator in front of it, one anchored at the end has one
 * behind it, so the database itself refuses most of what does not fit.  A value that holds 0x01
 * itself may fire in vain: guards are necessary, not sufficient; what it fires against a member
 * does not count.
 *
 * Always true: nothing here points anywhere but from struct sieve to its tables, so that tables can
 * be written down (encode.c).  No guard is left out because there are many.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SIEVE_SEED       0x7369657665ull
#define SIEVE_MEMORY_MAX ((size_t)1024 * 1024 * 1024) /* far above what RULES_SIZE_MAX can need */

/* A guard while the sieve is made. */
struct made {
    const struct clause *clause;
    uint32_t field; /* place in the sieve, NO_NAME: any */
    uint32_t guard; /* in the matcher */
    uint32_t test;  /* NO_TEST: the clause's text says it all */
};
struct pair { /* a guard's place in `made`, and a member that it speaks for, with sides */
    uint32_t made, member;
};

struct making {
    struct matcher *matcher;
    struct arena *mem; /* scratch */
    struct map known;  /* fields and guards by their spelling */
    struct buf made, pairs, fields, always;
    struct sieve sieve;
};

static enum err members_guard(struct making *making, const struct sieve_member *members,
                              size_t count, const char **ret_reasons);
static enum err numbers_sort(struct making *making);
static enum err tables_make(struct making *making);
static enum err equals_make(struct making *making);
static enum err literals_make(struct making *making, bool keywords);
static enum err alarms_make(struct making *making);

static void making_done(struct making *making)
{
    map_done(&making->known);
    buf_done(&making->made);
    buf_done(&making->pairs);
    buf_done(&making->fields);
    buf_done(&making->always);
    arena_free(making->mem);
}

enum err matcher_sieve(struct matcher *matcher, const struct sieve_member *members, size_t count,
                       const struct sieve **ret, const char **ret_reasons)
{
    struct making making = {.matcher = matcher, .mem = arena_new(SIEVE_MEMORY_MAX)};
    struct sieve *sieve = ARENA_ONE(matcher->mem, struct sieve);
    making.sieve.literal_set = making.sieve.keyword_set = making.sieve.alarm_set = NO_LITERALS;
    map_init(&making.known, SIZE_MAX / 2, SIEVE_SEED);
    buf_init(&making.made, SIEVE_MEMORY_MAX);
    buf_init(&making.pairs, SIEVE_MEMORY_MAX);
    buf_init(&making.fields, SIEVE_MEMORY_MAX);
    buf_init(&making.always, SIEVE_MEMORY_MAX);
    enum err err = making.mem == NULL || sieve == NULL
                       ? ERR_MEMORY
                       : members_guard(&making, members, count, ret_reasons);
    err = err == OK ? numbers_sort(&making) : err;
    err = err == OK ? tables_make(&making) : err;
    err = err == OK ? equals_make(&making) : err;
    err = err == OK ? literals_make(&making, false) : err;
    err = err == OK ? literals_make(&making, true) : err;
    err = err == OK ? alarms_make(&making) : err;
    if (err == OK) {
        *sieve = making.sieve;
        err = buf_append(&matcher->sieves, str_of(&sieve, sizeof(struct sieve *)));
    }
    making_done(&making);
    if (err == OK) {
        *ret = sieve;
    }
    return err;
}

/* The place of a key in a list that grows; *ret_new if it is to be appended. */
static enum err key_place(struct making *making, const struct buf *key, size_t next, uint32_t *ret,
                          bool *ret_new)
{
    uint64_t place;
    *ret_new = !map_get(&making->known, buf_str(key), &place);
    if (*ret_new) {
        place = next;
        enum err err = map_put(&making->known, buf_str(key), place);
        if (err != OK) {
            return err;
        }
    }
    *ret = (uint32_t)place;
    return OK;
}

static enum err field_place(struct making *making, uint32_t field, uint32_t *ret)
{
    struct buf key;
    bool is_new = false;
    if (field == FIELD_ANYWHERE) {
        *ret = NO_NAME;
        return OK;
    }
    buf_init(&key, SIEVE_MEMORY_MAX);
    enum err err = buf_append_byte(&key, 'f');
    err = err == OK ? buf_append(&key, str_of(&field, sizeof field)) : err;
    if (err == OK) {
        err =
            key_place(making, &key, making->fields.size / sizeof(struct sieve_field), ret, &is_new);
    }
    if (err == OK && is_new) {
        struct sieve_field made = {.field = field, .present = NO_GUARD};
        err = buf_append(&making->fields, str_of(&made, sizeof made));
    }
    buf_done(&key);
    return err;
}

static enum err clause_add(struct making *making, const struct clause *clause, uint32_t member)
{
    struct buf key;
    struct made made = {.clause = clause};
    struct pair pair = {.member = member};
    bool is_new = false;
    enum err err = field_place(making, clause->field, &made.field);
    uint32_t test = clause->kind == CLAUSE_DIRECT || clause->part ? clause->test->index : NO_TEST;
    char head[4] = {'g', (char)clause->kind, (char)clause->starts, (char)clause->ends};
    buf_init(&key, SIEVE_MEMORY_MAX);
    err = err == OK ? buf_append(&key, str_of(head, sizeof head)) : err;
    err = err == OK ? buf_append(&key, str_of(&made.field, sizeof made.field)) : err;
    err = err == OK ? buf_append(&key, str_of(&test, sizeof test)) : err;
    err = err == OK ? buf_append(&key, clause->text) : err;
    if (err == OK) {
        err = key_place(making, &key, making->made.size / sizeof(struct made), &pair.made, &is_new);
    }
    made.test = test;
    if (err == OK && is_new) {
        err = buf_append(&making->made, str_of(&made, sizeof made));
    }
    buf_done(&key);
    return err == OK ? buf_append(&making->pairs, str_of(&pair, sizeof pair)) : err;
}

static enum err guard_add(struct making *making, const struct guard *guard, uint32_t number,
                          uint32_t sides)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && !guard->none && i < guard->count; i++) {
        err = clause_add(making, &guard->clauses[i], number * SIDES_COUNT + sides);
    }
    return err;
}

static enum err members_guard(struct making *making, const struct sieve_member *members,
                              size_t count, const char **ret_reasons)
{
    uint32_t *uses = ARENA_ARRAY(making->mem, uint32_t, making->matcher->tests);
    making->sieve.members = ARENA_ARRAY(making->matcher->mem, uint32_t, count);
    if (uses == NULL || making->sieve.members == NULL) {
        return ERR_MEMORY;
    }
    making->sieve.members_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        making->sieve.members[i] = members[i].number;
        guard_count_uses(members[i].expr, uses);
    }
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        struct guard guard;
        struct guard second;
        struct guard against;
        uint32_t number = members[i].number;
        ret_reasons[i] = NULL;
        if (number >= making->matcher->numbers) {
            making->matcher->numbers = number + 1;
        }
        err = guard_derive(members[i].expr, uses, making->mem, &guard, &second, &against,
                           &ret_reasons[i]);
        if (err == OK && guard.none) {
            err = buf_append(&making->always, str_of(&number, sizeof number));
        }
        err = err == OK ? guard_add(making, &guard, number, second.none ? SIDES_BOTH : SIDE_FIRST)
                        : err;
        err = err == OK ? guard_add(making, &second, number, SIDE_SECOND) : err;
        err = err == OK ? guard_add(making, &against, number, SIDE_AGAINST) : err;
    }
    return err;
}

static int pair_order(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    return x->made != y->made ? (x->made > y->made) - (x->made < y->made)
                              : (x->member > y->member) - (x->member < y->member);
}

/* The matcher learns each guard's numbers; a guard's place there is kept in `made`. */
static enum err numbers_sort(struct making *making)
{
    struct matcher *matcher = making->matcher;
    struct made *made = (struct made *)(void *)making->made.data;
    struct pair *pairs = (struct pair *)(void *)making->pairs.data;
    size_t count = making->pairs.size / sizeof *pairs;
    if (count > 0) {
        qsort(pairs, count, sizeof *pairs, pair_order);
    }
    for (size_t i = 0; i < count;) {
        struct guarded guarded = {.first = (uint32_t)(matcher->members.size / sizeof(uint32_t))};
        size_t from = i;
        while (i < count && pairs[i].made == pairs[from].made) {
            uint32_t member = pairs[i].member;
            for (; i < count && pairs[i].made == pairs[from].made &&
                   pairs[i].member / SIDES_COUNT == member / SIDES_COUNT;
                 i++) {
                member |= pairs[i].member;
            }
            enum err err = buf_append(&matcher->members, str_of(&member, sizeof member));
            if (err != OK) {
                return err;
            }
            guarded.count++;
        }
        made[pairs[from].made].guard = (uint32_t)(matcher->guards.size / sizeof guarded);
        enum err err = buf_append(&matcher->guards, str_of(&guarded, sizeof guarded));
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err table_keep(struct making *making, struct str table, void *ret)
{
    struct str copy;
    enum err err = arena_copy(making->matcher->mem, table, &copy);
    if (err == OK) {
        memcpy(ret, &copy.data, sizeof copy.data);
    }
    return err;
}

/* Fields, tests asked as they stand, and members without a guard. */
static enum err tables_make(struct making *making)
{
    struct sieve *sieve = &making->sieve;
    const struct made *made = (const struct made *)(const void *)making->made.data;
    size_t count = making->made.size / sizeof *made;
    sieve->directs = ARENA_ARRAY(making->matcher->mem, struct sieve_direct, count);
    sieve->fields_count = (uint32_t)(making->fields.size / sizeof(struct sieve_field));
    sieve->always_count = (uint32_t)(making->always.size / sizeof(uint32_t));
    enum err err = table_keep(making, buf_str(&making->fields), &sieve->fields);
    err = err == OK ? table_keep(making, buf_str(&making->always), &sieve->always) : err;
    if (err != OK || sieve->directs == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct clause *clause = made[i].clause;
        if (made[i].field == NO_NAME) {
            continue;
        }
        struct sieve_field *to = &sieve->fields[made[i].field];
        to->present = clause->kind == CLAUSE_PRESENT ? made[i].guard : to->present;
        to->literal |= clause->kind == CLAUSE_LITERAL;
        to->direct_count += clause->kind == CLAUSE_DIRECT;
        to->equal_slots += clause->kind == CLAUSE_EQUAL; /* until equals_make */
    }
    for (uint32_t field = 0; field < sieve->fields_count; field++) {
        sieve->fields[field].direct_first = sieve->directs_count;
        sieve->directs_count += sieve->fields[field].direct_count;
        sieve->fields[field].direct_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (made[i].clause->kind == CLAUSE_DIRECT) {
            struct sieve_field *to = &sieve->fields[made[i].field];
            sieve->directs[to->direct_first + to->direct_count++] =
                (struct sieve_direct){made[i].clause->test->index, made[i].guard};
        }
    }
    return OK;
}

static enum err equals_make(struct making *making)
{
    struct sieve *sieve = &making->sieve;
    const struct made *made = (const struct made *)(const void *)making->made.data;
    struct buf text;
    uint32_t slots = 0;
    for (uint32_t field = 0; field < sieve->fields_count; field++) {
        struct sieve_field *to = &sieve->fields[field];
        uint32_t count = to->equal_slots;
        to->equal_first = slots;
        to->equal_slots = count == 0 ? 0 : 2;
        while (to->equal_slots < 2 * count) {
            to->equal_slots *= 2;
        }
        slots += to->equal_slots;
    }
    sieve->equals = ARENA_ARRAY(making->matcher->mem, struct sieve_equal, slots);
    if (sieve->equals == NULL) {
        return ERR_MEMORY;
    }
    sieve->equals_count = slots;
    for (uint32_t i = 0; i < slots; i++) {
        sieve->equals[i].guard = NO_GUARD;
    }
    enum err err = OK;
    buf_init(&text, SIEVE_MEMORY_MAX);
    for (size_t i = 0; i < making->made.size / sizeof *made && err == OK; i++) {
        if (made[i].clause->kind != CLAUSE_EQUAL) {
            continue;
        }
        const struct sieve_field *field = &sieve->fields[made[i].field];
        struct str value = made[i].clause->text;
        uint64_t hash = hash_bytes(value, SIEVE_SEED);
        uint32_t at = (uint32_t)hash & (field->equal_slots - 1);
        while (sieve->equals[field->equal_first + at].guard != NO_GUARD) {
            at = (at + 1) & (field->equal_slots - 1);
        }
        sieve->equals[field->equal_first + at] = (struct sieve_equal){.hash = hash,
                                                                      .offset = (uint32_t)text.size,
                                                                      .size = (uint32_t)value.size,
                                                                      .guard = made[i].guard};
        err = buf_append(&text, value);
    }
    err = err == OK ? arena_copy(making->matcher->mem, buf_str(&text), &sieve->text) : err;
    buf_done(&text);
    return err;
}

uint32_t sieve_equal_find(const struct sieve *sieve, const struct sieve_field *field,
                          struct str folded)
{
    if (field->equal_slots == 0) {
        return NO_GUARD;
    }
    uint64_t hash = hash_bytes(folded, SIEVE_SEED);
    uint32_t at = (uint32_t)hash & (field->equal_slots - 1);
    for (;; at = (at + 1) & (field->equal_slots - 1)) {
        const struct sieve_equal *slot = &sieve->equals[field->equal_first + at];
        if (slot->guard == NO_GUARD) {
            return NO_GUARD;
        }
        if (slot->hash == hash &&
            str_equal(str_slice(sieve->text, slot->offset, slot->size), folded)) {
            return slot->guard;
        }
    }
}

/* ---- Literals. */

struct lettered { /* a literal's bytes, separators included, and what it is made of */
    struct str bytes;
    const struct made *made;
};

static int lettered_order(const void *a, const void *b)
{
    const struct lettered *x = a;
    const struct lettered *y = b;
    return str_compare(x->bytes, y->bytes);
}

static enum err letter(struct making *making, const struct made *made, struct lettered *ret)
{
    const struct clause *clause = made->clause;
    size_t size = clause->text.size + clause->starts + clause->ends;
    char *bytes = arena_take(making->mem, size);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    memset(bytes, SEPARATOR, size);
    memcpy(bytes + clause->starts, clause->text.data, clause->text.size);
    *ret = (struct lettered){{bytes, size}, made};
    return OK;
}

/* Those of one kind, sorted by their bytes. */
static enum err literals_list(struct making *making, bool keywords, struct lettered **ret,
                              size_t *ret_count)
{
    const struct made *made = (const struct made *)(const void *)making->made.data;
    size_t all = making->made.size / sizeof *made;
    struct lettered *list = ARENA_ARRAY(making->mem, struct lettered, all);
    size_t count = 0;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < all; i++) {
        if (made[i].clause->kind == CLAUSE_LITERAL && (made[i].field == NO_NAME) == keywords) {
            enum err err = letter(making, &made[i], &list[count++]);
            if (err != OK) {
                return err;
            }
        }
    }
    if (count > 0) {
        qsort(list, count, sizeof *list, lettered_order);
    }
    *ret = list;
    *ret_count = count;
    return OK;
}

static enum err entries_grow(struct making *making, size_t count)
{
    struct sieve *sieve = &making->sieve;
    struct sieve_entry *grown =
        ARENA_ARRAY(making->matcher->mem, struct sieve_entry, sieve->entries_count + count);
    if (grown == NULL) {
        return ERR_MEMORY;
    }
    if (sieve->entries_count > 0) {
        memcpy(grown, sieve->entries, sieve->entries_count * sizeof *grown);
    }
    sieve->entries = grown;
    return OK;
}

static enum err literals_make(struct making *making, bool keywords)
{
    struct sieve *sieve = &making->sieve;
    struct lettered *list;
    size_t count;
    enum err err = literals_list(making, keywords, &list, &count);
    if (err != OK || count == 0) {
        return err;
    }
    struct str *texts = ARENA_ARRAY(making->mem, struct str, count);
    struct sieve_literal *literals = ARENA_ARRAY(making->matcher->mem, struct sieve_literal, count);
    uint32_t literals_count = 0;
    if (texts == NULL || literals == NULL || entries_grow(making, count) != OK) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_equal(list[i].bytes, list[i - 1].bytes)) {
            texts[literals_count] = list[i].bytes;
            literals[literals_count++] = (struct sieve_literal){.first = sieve->entries_count};
        }
        sieve->entries[sieve->entries_count++] =
            (struct sieve_entry){list[i].made->field, list[i].made->guard, list[i].made->test};
        literals[literals_count - 1].count++;
    }
    if (keywords) {
        sieve->keywords = literals;
        sieve->keywords_count = literals_count;
    } else {
        sieve->literals = literals;
        sieve->literals_count = literals_count;
    }
    return patterns_add_literals(making->matcher->patterns, texts, NULL, literals_count,
                                 keywords ? &sieve->keyword_set : &sieve->literal_set);
}

static enum err alarms_make(struct making *making)
{
    struct lettered *list;
    size_t count;
    enum err err = literals_list(making, true, &list, &count);
    if (err != OK || count == 0) {
        return err;
    }
    struct str *keywords = ARENA_ARRAY(making->mem, struct str, count);
    if (keywords == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        keywords[i] = list[i].bytes;
    }
    return alarm_make(making->matcher->patterns, keywords, count, making->mem,
                      &making->sieve.alarm_set);
}
