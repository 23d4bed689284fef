/*
 * Lists of values that a client's documents name: what placeholders of rules stand for.
 *
 * A list is made ready for every question that a rule may ask of it (equal, starts, ends, holds,
 * network; with and without case), since the rules come and go while it stays.  Values without
 * wildcards go into one table (texts.c), the few that have some are asked one after another, those
 * that spell a network are kept as such too.
 *
 * Always true: nothing of a list changes once it is made, so that readings of several threads may
 * share it.
 */

#include "match/private.h"

#include <stdlib.h>

#include "base/limits.h"

#define LISTS_SIZE_MAX ((size_t)512 * 1024 * 1024) /* LIST_VALUES_MAX names of usual length */
#define WILDCARDS_MAX  10000 /* Values with wildcards: each is a question of its own. */

static enum err listing_make(const struct value_list *list, struct arena *mem,
                             struct arena *scratch, struct listing *ret);

enum err lists_new(const struct value_list *lists, size_t count, struct lists **ret)
{
    struct lists *made = calloc(1, sizeof *made);
    struct arena *scratch = arena_new(LISTS_SIZE_MAX);
    size_t values = 0;
    for (size_t i = 0; i < count; i++) {
        values += lists[i].count;
    }
    enum err err = made == NULL || scratch == NULL ? ERR_MEMORY
                   : values > LIST_VALUES_MAX      ? ERR_LIMIT
                                                   : OK;
    if (err == OK) {
        made->mem = arena_new(LISTS_SIZE_MAX);
        made->list = made->mem == NULL ? NULL : ARENA_ARRAY(made->mem, struct listing, count);
        err = made->list == NULL ? ERR_MEMORY : OK;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        arena_reset(scratch);
        err = listing_make(&lists[i], made->mem, scratch, &made->list[i]);
        made->count = i + 1;
    }
    arena_free(scratch);
    if (err != OK) {
        lists_free(made);
        return err;
    }
    *ret = made;
    return OK;
}

void lists_free(struct lists *lists)
{
    if (lists != NULL) {
        arena_free(lists->mem);
        free(lists);
    }
}

bool lists_have(const struct lists *lists, struct str name)
{
    return lists_find(lists, name) != NULL;
}

const struct listing *lists_find(const struct lists *lists, struct str name)
{
    for (size_t i = 0; lists != NULL && i < lists->count; i++) {
        if (str_equal_nocase(lists->list[i].name, name)) {
            return &lists->list[i];
        }
    }
    return NULL;
}

bool listing_fits(const struct listing *listing, enum listed how, bool cased, struct str value)
{
    if (texts_fit(&listing->texts[cased], how, value)) {
        return true;
    }
    for (size_t i = 0; i < listing->globs_count; i++) {
        if (text_test_fits(&listing->globs[i].tests[cased][how], value)) {
            return true;
        }
    }
    return false;
}

static enum err glob_make(const struct pattern *pattern, struct arena *mem, struct glob *ret)
{
    enum err err = OK;
    for (enum listed how = LISTED_EQUAL; how <= LISTED_HOLDS && err == OK; how++) {
        struct pattern open = *pattern;
        err = pattern_open(&open, how == LISTED_ENDS || how == LISTED_HOLDS,
                           how == LISTED_STARTS || how == LISTED_HOLDS, mem);
        for (int cased = 0; cased < 2 && err == OK; cased++) {
            err =
                text_test_make(&open, cased != 0 ? NULL : fold_text, mem, &ret->tests[cased][how]);
        }
    }
    return err;
}

/* One value: a plain text (added to both lists of texts) or a pattern. */
static enum err value_sort(struct str value, struct arena *mem, struct listing *listing,
                           struct str *texts[2], size_t *texts_count)
{
    struct str copy;
    struct pattern pattern;
    enum err err = arena_copy(mem, value, &copy);
    err = err == OK ? pattern_parse(copy, mem, &pattern) : err;
    if (err != OK) {
        return err;
    }
    struct str text;
    err = pattern_text(&pattern, mem, &text);
    if (err == ERR_SYNTAX) {
        return listing->globs_count == WILDCARDS_MAX
                   ? ERR_LIMIT
                   : glob_make(&pattern, mem, &listing->globs[listing->globs_count++]);
    }
    if (err == OK) {
        err = fold_text(text, mem, &texts[0][*texts_count]);
    }
    texts[1][*texts_count] = text;
    *texts_count += err == OK;
    return err;
}

static size_t wildcards_count(const struct value_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += str_find_byte(list->values[i], '*') != STR_NONE ||
                 str_find_byte(list->values[i], '?') != STR_NONE;
    }
    return count < WILDCARDS_MAX ? count : WILDCARDS_MAX;
}

static enum err listing_make(const struct value_list *list, struct arena *mem,
                             struct arena *scratch, struct listing *ret)
{
    struct listing listing = {
        .globs = ARENA_ARRAY(mem, struct glob, wildcards_count(list)),
    };
    struct str *texts[2] = {ARENA_ARRAY(scratch, struct str, list->count),
                            ARENA_ARRAY(scratch, struct str, list->count)};
    struct network *networks = ARENA_ARRAY(scratch, struct network, list->count);
    if (listing.globs == NULL || texts[0] == NULL || texts[1] == NULL || networks == NULL) {
        return ERR_MEMORY;
    }
    size_t texts_count = 0;
    size_t networks_count = 0;
    enum err err = arena_copy(mem, list->name, &listing.name);
    for (size_t i = 0; i < list->count && err == OK; i++) {
        err = value_sort(list->values[i], mem, &listing, texts, &texts_count);
        if (network_parse(str_trim(list->values[i]), &networks[networks_count]) == OK) {
            networks_count++;
        }
    }
    for (int cased = 0; cased < 2 && err == OK; cased++) {
        err = texts_make(texts[cased], texts_count, mem, &listing.texts[cased]);
    }
    err = err == OK ? networks_make(networks, networks_count, mem, &listing.networks) : err;
    if (err == OK) {
        *ret = listing;
    }
    return err;
}
