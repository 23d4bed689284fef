/*
 * Sifting: which members of some sieves may hold for the event at hand.
 *
 * For a lookout, the values of one name are a column: what all its sieves have on that name.  Of
 * each value that has a column, the memo is asked first; the values that it does not know are
 * folded, looked up in the tables of equal texts, held against the few tests asked as they stand,
 * joined between separators, and scanned once for each sieve:
 *
 *     offset 0   1          5   6                     scan ─► literal, end ─► which value
 *            SEP c m d . e  SEP c : \ w i n … SEP            ─► entry of that field ─► guard
 *
 * The memo remembers what a value fired: nothing, mostly, or a few guards.  It keeps the values'
 * bytes and compares them, so a value can never pass for another, whoever made them up; its hash
 * only chooses the slot, and a sender who fills the slots merely makes us scan.  Its bytes lie in a
 * ring that overwrites the oldest.
 *
 * Keywords are texts of a database of their own, which is shown every value, and the record where
 * that is a text; but only if the bytes as they came raise an alarm (alarm.c), which they do
 * seldom.
 *
 * Always true: candidates are found once each (marks), and none is dropped; a memo slot's bytes
 * are valid while fewer than RING_SIZE bytes were written since.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

#define MEMO_SLOTS     16384 /* of two each; together with the ring some 5 MB for each judge */
#define MEMO_RING      ((size_t)4 * 1024 * 1024)
#define MEMO_SIZE_MAX  4096 /* longer values hardly repeat */
#define STRETCH_FACTOR 4    /* how much more than its values a stretch of text may hold */
#define STRETCH_SIZE   256
#define FIRED_MAX      12 /* guards that one value may fire and still be remembered */
#define JOINED_MAX     ((size_t)64 * 1024 * 1024)
#define CALM_SIZE      256

struct link {
    uint32_t sieve, field;
};
struct column {
    uint32_t link_first, link_count;
    uint32_t present_first, present_count; /* guards */
    bool valued;                           /* values matter, not only that there are some */
};

struct lookout {
    struct reading *reading;
    uint32_t serial; /* never given twice by a reading */
    const struct sieve **sieves;
    size_t sieves_count;
    uint32_t *column_of; /* by name: place in `columns` plus one, or 0 */
    struct column *columns;
    struct buf links, presents, members, always;
    bool keywords;
    char calm[CALM_SIZE]; /* what stood outside of a record, and raised no alarm, last */
    size_t calm_size;
};

struct memo {
    uint64_t hash;
    uint64_t at; /* in all that was ever written to the ring; 0: free */
    uint32_t size;
    uint32_t serial, name;
    uint8_t how, count;
    uint32_t fired[FIRED_MAX];
};

/* A value that the memo does not know. */
struct missed {
    struct value *value;
    const struct column *column; /* NULL: of keywords */
    struct str bytes;            /* as they came, for the memo */
    uint64_t hash;
    uint32_t name;
    uint32_t serial; /* of this scan of this value */
    uint32_t start;  /* in the joined text */
    bool joined;
    bool unsure; /* it holds the separator: texts may seem to stand in it */
    uint8_t how, count;
    uint32_t fired[FIRED_MAX];
};

/* An entry whose text was found in a value; the rest of its test is still to be asked. */
struct pending {
    struct missed *missed;
    uint32_t place;
};

struct sifting {
    uint32_t stamp, serial, value_serial;
    uint32_t *guard_stamps;
    uint32_t *member_marks; /* a stamp, and the sides that have fired since */
    uint32_t *guard_values; /* the serial of the value in which a guard's text was found last */
    struct buf pending;
    uint32_t *candidates;
    size_t candidates_count;
    bool against; /* something fired against a member */
    struct memo *memos;
    char *ring;
    uint64_t written;
    struct buf joined;
    size_t missed_count, order_count;
    struct missed missed[VALUES_MAX + 1]; /* The record may be there twice. */
    uint16_t order[VALUES_MAX + 1];       /* those that are joined, by their start */
};

/* What a scan's hits are told. */
struct scanning {
    struct reading *reading;
    const struct sieve *sieve;
    const struct lookout *lookout;
    uint32_t number; /* of the sieve in the lookout */
    const struct sieve_literal *literals;
};

static enum err columns_make(struct lookout *lookout);

static int number_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void numbers_sort(uint32_t *list, size_t count)
{
    if (count > 24) {
        qsort(list, count, sizeof *list, number_order);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t number = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1] > number; at--) {
            list[at] = list[at - 1];
        }
        list[at] = number;
    }
}

static enum err sifting_new(struct reading *reading)
{
    const struct matcher *matcher = reading->matcher;
    struct sifting *sifting = calloc(1, sizeof *sifting);
    if (sifting == NULL) {
        return ERR_MEMORY;
    }
    size_t guards = matcher->guards.size / sizeof(struct guarded);
    sifting->guard_stamps = calloc(guards + 1, sizeof(uint32_t));
    sifting->guard_values = calloc(guards + 1, sizeof(uint32_t));
    buf_init(&sifting->pending, JOINED_MAX);
    sifting->member_marks = calloc((size_t)matcher->numbers + 1, sizeof(uint32_t));
    sifting->candidates = calloc((size_t)matcher->numbers + 1, sizeof(uint32_t));
    sifting->memos = calloc(MEMO_SLOTS + 1, sizeof *sifting->memos);
    sifting->ring = malloc(MEMO_RING);
    sifting->written = 1;
    buf_init(&sifting->joined, JOINED_MAX);
    if (sifting->guard_stamps == NULL || sifting->guard_values == NULL ||
        sifting->member_marks == NULL || sifting->candidates == NULL || sifting->memos == NULL ||
        sifting->ring == NULL) {
        sifting_free(sifting);
        return ERR_MEMORY;
    }
    reading->sifting = sifting;
    return OK;
}

void sifting_free(struct sifting *sifting)
{
    if (sifting != NULL) {
        free(sifting->guard_stamps);
        free(sifting->guard_values);
        buf_done(&sifting->pending);
        free(sifting->member_marks);
        free(sifting->candidates);
        free(sifting->memos);
        free(sifting->ring);
        buf_done(&sifting->joined);
        free(sifting);
    }
}

enum err lookout_new(struct reading *reading, const struct sieve *const *sieves, size_t count,
                     struct lookout **ret)
{
    if (reading->sifting == NULL && sifting_new(reading) != OK) {
        return ERR_MEMORY;
    }
    struct lookout *lookout = calloc(1, sizeof *lookout);
    if (lookout == NULL) {
        return ERR_MEMORY;
    }
    lookout->reading = reading;
    lookout->serial = reading->sifting->serial++;
    lookout->sieves_count = count;
    lookout->sieves = calloc(count + 1, sizeof(const struct sieve *));
    lookout->column_of = calloc(matcher_names(reading->matcher) + 1, sizeof(uint32_t));
    lookout->columns = calloc(matcher_names(reading->matcher) + 1, sizeof *lookout->columns);
    buf_init(&lookout->links, JOINED_MAX);
    buf_init(&lookout->presents, JOINED_MAX);
    buf_init(&lookout->members, JOINED_MAX);
    buf_init(&lookout->always, JOINED_MAX);
    enum err err = lookout->sieves == NULL || lookout->column_of == NULL || lookout->columns == NULL
                       ? ERR_MEMORY
                       : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        lookout->sieves[i] = sieves[i];
        lookout->keywords = lookout->keywords || sieves[i]->keyword_set != NO_LITERALS;
        err = buf_append(&lookout->members,
                         str_of(sieves[i]->members, sieves[i]->members_count * sizeof(uint32_t)));
        if (err != OK) {
            break;
        }
        err = buf_append(&lookout->always,
                         str_of(sieves[i]->always, sieves[i]->always_count * sizeof(uint32_t)));
    }
    numbers_sort((uint32_t *)(void *)lookout->members.data,
                 lookout->members.size / sizeof(uint32_t));
    err = err == OK ? columns_make(lookout) : err;
    if (err != OK) {
        lookout_free(lookout);
        return err;
    }
    *ret = lookout;
    return OK;
}

void lookout_free(struct lookout *lookout)
{
    if (lookout != NULL) {
        free(lookout->sieves);
        free(lookout->column_of);
        free(lookout->columns);
        buf_done(&lookout->links);
        buf_done(&lookout->presents);
        buf_done(&lookout->members);
        buf_done(&lookout->always);
        free(lookout);
    }
}

/* What a field of a sieve wants of a name. */
struct want {
    uint32_t name;
    struct link link;
};

static int want_order(const void *a, const void *b)
{
    const struct want *x = a;
    const struct want *y = b;
    return (x->name > y->name) - (x->name < y->name);
}

static enum err wants_list(const struct lookout *lookout, struct buf *wants)
{
    const struct matcher *matcher = lookout->reading->matcher;
    for (uint32_t s = 0; s < lookout->sieves_count; s++) {
        for (uint32_t f = 0; f < lookout->sieves[s]->fields_count; f++) {
            const struct field *field =
                matcher_field_at(matcher, lookout->sieves[s]->fields[f].field);
            const uint32_t *names = matcher_field_names(matcher, field);
            for (uint32_t i = 0; i < field->count; i++) {
                struct want want = {names[i], {s, f}};
                enum err err = buf_append(wants, str_of(&want, sizeof want));
                if (err != OK) {
                    return err;
                }
            }
        }
    }
    if (wants->size > 0) {
        qsort(wants->data, wants->size / sizeof(struct want), sizeof(struct want), want_order);
    }
    return OK;
}

static enum err columns_make(struct lookout *lookout)
{
    struct buf wants;
    uint32_t columns = 0;
    buf_init(&wants, JOINED_MAX);
    enum err err = wants_list(lookout, &wants);
    const struct want *list = (const struct want *)(const void *)wants.data;
    for (size_t i = 0; err == OK && i < wants.size / sizeof *list; i++) {
        const struct sieve_field *field =
            &lookout->sieves[list[i].link.sieve]->fields[list[i].link.field];
        if (lookout->column_of[list[i].name] == 0) {
            lookout->columns[columns] = (struct column){
                .link_first = (uint32_t)(lookout->links.size / sizeof(struct link)),
                .present_first = (uint32_t)(lookout->presents.size / sizeof(uint32_t)),
            };
            lookout->column_of[list[i].name] = ++columns;
        }
        struct column *column = &lookout->columns[columns - 1];
        if (field->present != NO_GUARD) {
            err = buf_append(&lookout->presents, str_of(&field->present, sizeof field->present));
            column->present_count++;
        }
        if (err == OK &&
            (field->literal != 0 || field->equal_slots != 0 || field->direct_count != 0)) {
            err = buf_append(&lookout->links, str_of(&list[i].link, sizeof list[i].link));
            column->link_count++;
            column->valued = true;
        }
    }
    buf_done(&wants);
    return err;
}

/* ---- Candidates. */

/* sure: the guard's clause holds; otherwise it may, so that nothing follows from it against
 * anybody.
 */
static void guard_fire(struct reading *reading, uint32_t guard, bool sure)
{
    struct sifting *sifting = reading->sifting;
    if (sifting->guard_stamps[guard] == sifting->stamp) {
        return;
    }
    sifting->guard_stamps[guard] = sifting->stamp;
    const struct matcher *matcher = reading->matcher;
    const struct guarded *guarded =
        (const struct guarded *)(const void *)matcher->guards.data + guard;
    const uint32_t *members = (const uint32_t *)(const void *)matcher->members.data;
    const uint32_t count_in = sure ? SIDES_BOTH | SIDE_AGAINST : SIDES_BOTH;
    for (uint32_t i = guarded->first; i < guarded->first + guarded->count; i++) {
        uint32_t number = members[i] / SIDES_COUNT;
        uint32_t before = sifting->member_marks[number];
        if (before / SIDES_COUNT != sifting->stamp) {
            before = sifting->stamp * SIDES_COUNT;
        }
        uint32_t mark = before | (members[i] % SIDES_COUNT & count_in);
        sifting->member_marks[number] = mark;
        sifting->against = sifting->against || (mark & SIDE_AGAINST) != 0;
        sifting->candidates[sifting->candidates_count] = number;
        sifting->candidates_count +=
            (before & SIDES_BOTH) != SIDES_BOTH && (mark & SIDES_BOTH) == SIDES_BOTH;
    }
}

/* Drops those against whom something fired. */
static void candidates_weed(struct sifting *sifting)
{
    size_t kept = 0;
    for (size_t i = 0; sifting->against && i < sifting->candidates_count; i++) {
        uint32_t mark = sifting->member_marks[sifting->candidates[i]];
        sifting->candidates[kept] = sifting->candidates[i];
        kept += mark / SIDES_COUNT != sifting->stamp || (mark & SIDE_AGAINST) == 0;
    }
    sifting->candidates_count = sifting->against ? kept : sifting->candidates_count;
}

static void missed_fire(struct reading *reading, struct missed *missed, uint32_t guard)
{
    for (uint8_t i = 0; i < missed->count && i < FIRED_MAX; i++) {
        if (missed->fired[i] == guard) {
            return;
        }
    }
    if (missed->count < FIRED_MAX) {
        missed->fired[missed->count] = guard;
    }
    if (missed->count <= FIRED_MAX) { /* One more than that: too many to be remembered. */
        missed->count++;
    }
    guard_fire(reading, guard, !missed->unsure);
}

/* ---- The memo. */

static uint64_t memo_hash(struct str bytes, uint32_t serial, uint32_t name, uint8_t how)
{
    return hash_bytes(bytes, ((uint64_t)serial << 32 | name) * 4 + how);
}

static const struct memo *memo_find(const struct sifting *sifting, const struct missed *missed,
                                    uint32_t serial)
{
    const struct memo *memo = &sifting->memos[missed->hash & (MEMO_SLOTS - 2)];
    for (int way = 0; way < 2; way++, memo++) {
        if (memo->hash == missed->hash && memo->at != 0 && memo->size == missed->bytes.size &&
            memo->serial == serial && memo->name == missed->name && memo->how == missed->how &&
            sifting->written - memo->at <= MEMO_RING &&
            str_equal(str_of(sifting->ring + memo->at % MEMO_RING, memo->size), missed->bytes)) {
            return memo;
        }
    }
    return NULL;
}

static void memo_keep(struct sifting *sifting, const struct missed *missed, uint32_t serial)
{
    size_t size = missed->bytes.size;
    if (size > MEMO_SIZE_MAX || missed->count > FIRED_MAX || missed->unsure) {
        return;
    }
    if (sifting->written % MEMO_RING + size > MEMO_RING) {
        sifting->written += MEMO_RING - sifting->written % MEMO_RING;
    }
    struct memo *memo = &sifting->memos[missed->hash & (MEMO_SLOTS - 2)];
    memo[1] = memo[0];
    *memo = (struct memo){
        .hash = missed->hash,
        .at = sifting->written,
        .size = (uint32_t)size,
        .serial = serial,
        .name = missed->name,
        .how = missed->how,
        .count = missed->count,
    };
    memcpy(memo->fired, missed->fired, sizeof memo->fired);
    if (size > 0) {
        memcpy(sifting->ring + sifting->written % MEMO_RING, missed->bytes.data, size);
    }
    sifting->written += size;
}

/* Fires what the value is known to fire, or puts it to those that have to be looked at. */
static void value_sift(struct reading *reading, const struct lookout *lookout, struct value *value,
                       const struct column *column, uint32_t name)
{
    struct sifting *sifting = reading->sifting;
    if (value->how == SPAN_JSON_NULL) {
        return;
    }
    struct missed *missed = &sifting->missed[sifting->missed_count];
    missed->value = value;
    missed->column = column;
    missed->bytes = value->bytes;
    missed->name = name;
    missed->how = (uint8_t)(value->how | (value->readable ? 0x80 : 0));
    missed->count = 0;
    missed->joined = false;
    missed->unsure = false;
    if (missed->bytes.size <= MEMO_SIZE_MAX) {
        missed->hash = memo_hash(missed->bytes, lookout->serial, name, missed->how);
        const struct memo *memo = memo_find(sifting, missed, lookout->serial);
        if (memo != NULL) {
            for (uint8_t i = 0; i < memo->count; i++) {
                guard_fire(reading, memo->fired[i], true);
            }
            return;
        }
    }
    sifting->missed_count++;
}

/* ---- Values that have to be looked at. */

/* A text was found in the right field.  Where the test asks for more, the value must fit it; that
 * is asked after the scan, since a workspace serves one at a time. */
static void entry_found(struct scanning *scanning, struct missed *missed, uint32_t place)
{
    struct sifting *sifting = scanning->reading->sifting;
    const struct sieve_entry *entry = &scanning->sieve->entries[place];
    if (sifting->guard_values[entry->guard] == missed->serial) {
        return;
    }
    sifting->guard_values[entry->guard] = missed->serial;
    if (entry->test == NO_TEST) {
        missed_fire(scanning->reading, missed, entry->guard);
        return;
    }
    struct pending pending = {missed, place};
    if (buf_append(&sifting->pending, str_of(&pending, sizeof pending)) != OK) {
        missed_fire(scanning->reading, missed, entry->guard);
    }
}

static enum err pending_ask(struct scanning *scanning)
{
    struct sifting *sifting = scanning->reading->sifting;
    const struct pending *list = (const struct pending *)(const void *)sifting->pending.data;
    for (size_t i = 0; i < sifting->pending.size / sizeof *list; i++) {
        const struct sieve_entry *entry = &scanning->sieve->entries[list[i].place];
        bool fits;
        enum err err =
            value_fits(scanning->reading, matcher_test(scanning->reading->matcher, entry->test),
                       list[i].missed->value, &fits);
        if (err != OK) {
            return err;
        }
        if (fits) {
            missed_fire(scanning->reading, list[i].missed, entry->guard);
        }
    }
    return OK;
}

static void literal_fire(void *context, uint32_t literal, size_t end)
{
    struct scanning *scanning = context;
    struct sifting *sifting = scanning->reading->sifting;
    size_t low = 0;
    size_t high = sifting->order_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (sifting->missed[sifting->order[middle]].start < end) {
            low = middle;
        } else {
            high = middle;
        }
    }
    struct missed *missed = &sifting->missed[sifting->order[low]];
    const struct sieve_literal *fired = &scanning->literals[literal];
    for (uint32_t i = fired->first; i < fired->first + fired->count; i++) {
        const struct sieve_entry *entry = &scanning->sieve->entries[i];
        bool fits = entry->field == NO_NAME;
        for (uint32_t k = 0; !fits && k < missed->column->link_count; k++) {
            const struct link *link =
                (const struct link *)(const void *)scanning->lookout->links.data +
                missed->column->link_first + k;
            fits = link->sieve == scanning->number && link->field == entry->field;
        }
        if (fits) {
            entry_found(scanning, missed, i);
        }
    }
}

static enum err missed_join(struct reading *reading, size_t index)
{
    struct sifting *sifting = reading->sifting;
    struct missed *missed = &sifting->missed[index];
    struct str folded;
    enum err err = value_fold(reading, missed->value, &folded);
    missed->start = (uint32_t)sifting->joined.size;
    missed->serial = ++sifting->value_serial;
    if (missed->serial == 0) { /* All numbers were given once. */
        memset(sifting->guard_values, 0,
               reading->matcher->guards.size / sizeof(struct guarded) * sizeof(uint32_t));
        missed->serial = ++sifting->value_serial;
    }
    missed->joined = true;
    missed->unsure = err != OK || str_find_byte(folded, SEPARATOR) != STR_NONE;
    sifting->order[sifting->order_count++] = (uint16_t)index;
    err = err == OK ? buf_append(&sifting->joined, folded) : err;
    return err == OK ? buf_append_byte(&sifting->joined, SEPARATOR) : err;
}

/* The value before the sieve's tables; *ret_join if it is to be scanned too. */
static enum err missed_look(struct reading *reading, const struct lookout *lookout, uint32_t number,
                            struct missed *missed, bool *ret_join)
{
    const struct sieve *sieve = lookout->sieves[number];
    const struct link *links = (const struct link *)(const void *)lookout->links.data;
    *ret_join = false;
    if (missed->column == NULL) {
        return OK;
    }
    for (uint32_t k = 0; k < missed->column->link_count; k++) {
        const struct link *link = &links[missed->column->link_first + k];
        if (link->sieve != number) {
            continue;
        }
        const struct sieve_field *field = &sieve->fields[link->field];
        if (field->equal_slots != 0) {
            struct str folded;
            enum err err = value_fold(reading, missed->value, &folded);
            if (err != OK) {
                return err;
            }
            uint32_t guard = sieve_equal_find(sieve, field, folded);
            if (guard != NO_GUARD) {
                missed_fire(reading, missed, guard);
            }
        }
        for (uint32_t i = 0; i < field->direct_count; i++) {
            const struct sieve_direct *direct = &sieve->directs[field->direct_first + i];
            bool fits;
            enum err err = value_fits(reading, matcher_test(reading->matcher, direct->test),
                                      missed->value, &fits);
            if (err != OK) {
                return err;
            }
            if (fits) {
                missed_fire(reading, missed, direct->guard);
            }
        }
        *ret_join = *ret_join || field->literal != 0;
    }
    return OK;
}

static enum err sieve_scan(struct reading *reading, const struct lookout *lookout, uint32_t number)
{
    struct sifting *sifting = reading->sifting;
    const struct sieve *sieve = lookout->sieves[number];
    struct scanning scanning = {
        .reading = reading, .sieve = sieve, .lookout = lookout, .number = number};
    buf_reset(&sifting->joined);
    buf_reset(&sifting->pending);
    sifting->order_count = 0;
    enum err err = buf_append_byte(&sifting->joined, SEPARATOR);
    for (size_t i = 0; i < sifting->missed_count && err == OK; i++) {
        bool join;
        sifting->missed[i].joined = false;
        err = missed_look(reading, lookout, number, &sifting->missed[i], &join);
        err = err == OK && join ? missed_join(reading, i) : err;
    }
    if (err == OK && sifting->order_count > 0) {
        scanning.literals = sieve->literals;
        err = patterns_scan(reading->matcher->patterns, reading->workspace, sieve->literal_set,
                            buf_str(&sifting->joined), literal_fire, &scanning);
        err = err == OK ? pending_ask(&scanning) : err;
    }
    return err;
}

/* ---- Keywords. */

/* Whether a keyword of the lookout may stand in raw bytes. */
static enum err bytes_alarm(struct reading *reading, const struct lookout *lookout,
                            struct str bytes, bool *ret)
{
    enum err err = OK;
    bool alarm = false;
    for (size_t s = 0; s < lookout->sieves_count && err == OK && !alarm; s++) {
        const struct sieve *sieve = lookout->sieves[s];
        if (sieve->keyword_set != NO_LITERALS) {
            alarm = sieve->alarm_set == NO_LITERALS;
            err = alarm ? OK
                        : patterns_any(reading->matcher->patterns, reading->workspace,
                                       sieve->alarm_set, bytes, &alarm);
        }
    }
    *ret = alarm;
    return err;
}

/* The stretch of the batch's text that holds those values which do not lie in the record;
 * *ret_tight if little else lies in it. */
static struct str derived_stretch(const struct reading *reading, bool *ret_tight)
{
    const struct event *event = reading->event;
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    size_t record = (size_t)(event->record.data - batch->text.data);
    size_t low = SIZE_MAX;
    size_t high = 0;
    size_t sum = 0;
    for (uint32_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE) {
        size_t from = get_u32(at);
        size_t size = get_u32(at + 4);
        if (size > 0 && (from < record || from + size > record + event->record.size)) {
            low = from < low ? from : low;
            high = from + size > high ? from + size : high;
            sum += size;
        }
    }
    *ret_tight = sum == 0 || high - low <= STRETCH_FACTOR * sum + STRETCH_SIZE;
    return sum == 0 ? (struct str){0} : str_slice(batch->text, low, high - low);
}

/* Every value, and the record if it is a text, before the keywords of every sieve. */
static enum err keywords_scan(struct reading *reading, const struct lookout *lookout)
{
    struct sifting *sifting = reading->sifting;
    uint16_t spans = (uint16_t)reading->event->spans;
    reading_enter_all(reading);
    sifting->missed_count = 0;
    for (uint16_t i = 0; i < spans; i++) {
        if (reading->values[i].how != SPAN_JSON_NULL) {
            sifting->missed[sifting->missed_count++] =
                (struct missed){.value = &reading->values[i]};
        }
    }
    if (reading_record_is_text(reading)) {
        sifting->missed[sifting->missed_count++] =
            (struct missed){.value = &reading->values[spans + VALUE_RECORD]};
    }
    buf_reset(&sifting->joined);
    buf_reset(&sifting->pending);
    sifting->order_count = 0;
    enum err err = buf_append_byte(&sifting->joined, SEPARATOR);
    for (size_t i = 0; i < sifting->missed_count && err == OK; i++) {
        err = missed_join(reading, i);
    }
    for (uint32_t s = 0; s < lookout->sieves_count && err == OK; s++) {
        const struct sieve *sieve = lookout->sieves[s];
        struct scanning scanning = {.reading = reading,
                                    .sieve = sieve,
                                    .lookout = lookout,
                                    .number = s,
                                    .literals = sieve->keywords};
        if (sieve->keyword_set != NO_LITERALS && sifting->order_count > 0) {
            err = patterns_scan(reading->matcher->patterns, reading->workspace, sieve->keyword_set,
                                buf_str(&sifting->joined), literal_fire, &scanning);
        }
    }
    return err;
}

/* bytes_alarm of what stands outside of the record: in most events of a source the same bytes. */
static enum err derived_alarm(struct reading *reading, struct lookout *lookout, struct str derived,
                              bool *ret)
{
    *ret = false;
    if (str_equal(derived, str_of(lookout->calm, lookout->calm_size))) {
        return OK;
    }
    enum err err = bytes_alarm(reading, lookout, derived, ret);
    if (err == OK && !*ret && derived.size <= CALM_SIZE) {
        memcpy(lookout->calm, derived.data, derived.size);
        lookout->calm_size = derived.size;
    }
    return err;
}

static enum err keywords_sift(struct reading *reading, struct lookout *lookout)
{
    bool tight;
    bool alarm = false;
    struct str derived = derived_stretch(reading, &tight);
    enum err err = tight ? bytes_alarm(reading, lookout, reading->event->record, &alarm) : OK;
    if (err == OK && tight && !alarm && derived.size > 0) {
        err = derived_alarm(reading, lookout, derived, &alarm);
    }
    return err == OK && (alarm || !tight) ? keywords_scan(reading, lookout) : err;
}

/* ---- An event. */

static void columns_sift(struct reading *reading, const struct lookout *lookout)
{
    const uint32_t *presents = (const uint32_t *)(const void *)lookout->presents.data;
    for (uint16_t i = 0; i < reading->known_count; i++) {
        struct value *value = &reading->values[reading->known[i]];
        uint32_t place = lookout->column_of[value->name];
        if (place == 0) {
            continue;
        }
        const struct column *column = &lookout->columns[place - 1];
        for (uint32_t k = 0; k < column->present_count; k++) {
            guard_fire(reading, presents[column->present_first + k], true);
        }
        if (column->valued) {
            value_sift(reading, lookout, value, column, value->name);
        }
    }
}

enum err reading_sift(struct reading *reading, struct lookout *lookout, const uint32_t **ret,
                      size_t *ret_count)
{
    struct sifting *sifting = reading->sifting;
    const struct matcher *matcher = reading->matcher;
    if (++sifting->stamp == UINT32_MAX / SIDES_COUNT) {
        sifting->stamp = 1;
        memset(sifting->guard_stamps, 0, matcher->guards.size / sizeof(struct guarded) * 4);
        memset(sifting->member_marks, 0, matcher->numbers * sizeof(uint32_t));
    }
    sifting->missed_count = 0;
    sifting->against = false;
    sifting->candidates_count = lookout->always.size / sizeof(uint32_t);
    if (lookout->always.size > 0) {
        memcpy(sifting->candidates, lookout->always.data, lookout->always.size);
    }
    columns_sift(reading, lookout);
    enum err err = OK;
    for (uint32_t s = 0; s < lookout->sieves_count && err == OK && sifting->missed_count > 0; s++) {
        err = sieve_scan(reading, lookout, s);
    }
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < sifting->missed_count; i++) {
        memo_keep(sifting, &sifting->missed[i], lookout->serial);
    }
    err = lookout->keywords ? keywords_sift(reading, lookout) : OK;
    if (err != OK) {
        return err;
    }
    candidates_weed(sifting);
    numbers_sort(sifting->candidates, sifting->candidates_count);
    *ret = sifting->candidates;
    *ret_count = sifting->candidates_count;
    return OK;
}

void lookout_members(const struct lookout *lookout, const uint32_t **ret, size_t *ret_count)
{
    *ret = (const uint32_t *)(const void *)lookout->members.data;
    *ret_count = lookout->members.size / sizeof(uint32_t);
}
