/*
 * Which leaves of a closed journal are in no segment yet: its headers, walked a few at a time, so
 * that core's turns stay short.
 *
 *     a closed journal with such leaves, the oldest first → headers → sorted: by client, by class
 *
 * Always true: a survey lists leaves of one closed journal, each as its frame's header tells it,
 * and none that a segment has.
 */

#include "archive/private.h"

#include <stdlib.h>

#define LEAVES_MAX ((size_t)1 << 20) /* the rest of the journal comes with the next survey */

void survey_free(struct survey *survey)
{
    if (survey != NULL) {
        file_close(survey->file);
        free(survey->leaves);
        free(survey);
    }
}

static bool is_closed(const struct archive *archive, const struct journal_file *journal)
{
    return archive->file == NULL || journal->number != archive->journal;
}

static enum err survey_begin(struct archive *archive, struct wall now)
{
    char path[PATH_SIZE];
    for (size_t i = 0; i < archive->journals.count; i++) {
        struct journal_file *journal = &archive->journals.list[i];
        if (!is_closed(archive, journal) || journal->leaves <= journal->sealed ||
            journal->retry.ns > now.ns) {
            continue;
        }
        struct survey *survey = calloc(1, sizeof *survey);
        enum err err = survey == NULL ? ERR_MEMORY : OK;
        err = err == OK ? journal_path(archive->folder, journal->number, path, sizeof path) : err;
        err = err == OK ? disk_open(archive->disk, path, DISK_READ, &survey->file, NULL) : err;
        if (err != OK) {
            free(survey);
            journal->retry.ns = now.ns + 600 * NS_PER_SECOND;
            return err;
        }
        survey->journal = journal->number;
        walk_init(&survey->walk, survey->file, journal->number, 0, journal->end);
        archive->survey = survey;
        return OK;
    }
    return OK;
}

static enum err leaf_add(struct survey *survey, struct client *client, const struct frame *frame)
{
    if (survey->count == survey->capacity) {
        size_t capacity = survey->capacity == 0 ? 256 : survey->capacity * 2;
        struct survey_leaf *larger = realloc(survey->leaves, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        survey->leaves = larger;
        survey->capacity = capacity;
    }
    survey->leaves[survey->count++] =
        (struct survey_leaf){.client = client,
                             .days = keep_class(client, frame->source),
                             .leaf = {.index = frame->leaf_index,
                                      .source = frame->source,
                                      .first = frame->first,
                                      .events = frame->events,
                                      .hash = frame->leaf}};
    return OK;
}

static int leaf_compare(const void *a, const void *b)
{
    const struct survey_leaf *left = a;
    const struct survey_leaf *right = b;
    if (left->client->id.value != right->client->id.value) {
        return left->client->id.value < right->client->id.value ? -1 : 1;
    }
    if (left->days != right->days) {
        return left->days < right->days ? -1 : 1;
    }
    return left->leaf.index < right->leaf.index ? -1 : left->leaf.index > right->leaf.index;
}

enum err survey_step(struct archive *archive, struct wall now, uint32_t *left)
{
    struct frame frame;
    enum err err = archive->survey == NULL ? survey_begin(archive, now) : OK;
    struct survey *survey = archive->survey;
    if (err != OK || survey == NULL || survey->walked) {
        return err;
    }
    while (err == OK && *left > 0 && survey->count < LEAVES_MAX) {
        (*left)--;
        if (!walk_next(&survey->walk, &frame)) {
            survey->walked = true;
            break;
        }
        struct client *client = client_find(archive, frame.client);
        if (frame.kind == FRAME_DATA && client != NULL && frame.leaf_index < client->tree.size &&
            !leafset_has(&client->sealed, frame.leaf_index)) {
            err = leaf_add(survey, client, &frame);
        }
    }
    survey->walked = survey->walked || survey->count == LEAVES_MAX;
    if (survey->walked && survey->count > 1) {
        qsort(survey->leaves, survey->count, sizeof *survey->leaves, leaf_compare);
    }
    return err;
}
