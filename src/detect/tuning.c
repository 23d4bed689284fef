/*
 * What tunes the rules of a bundle: its filters and its pipelines.
 *
 * They may stand anywhere in the bundle, so they are gathered before the first rule is compiled.
 * That reads a file twice which may hold one; tuning_wants keeps the number of such files small.
 *
 * Always true: nothing of a tuning outlives the loading of its bundle; filters and pipelines lie in
 * its arena, regular expressions beside it.
 */

#include "detect/sigma_private.h"

#include <stdlib.h>
#include <string.h>

#define TUNING_SIZE_MAX  ((size_t)256 * 1024 * 1024)
#define SCRATCH_SIZE_MAX ((size_t)256 * 1024 * 1024)
#define FILTERS_MAX      10000
#define PIPELINES_MAX    100
#define TUNING_SEED      0x74756e65ull

enum err tuning_new(struct tuning **ret)
{
    struct tuning *tuning = calloc(1, sizeof *tuning);
    if (tuning == NULL) {
        return ERR_MEMORY;
    }
    tuning->mem = arena_new(TUNING_SIZE_MAX);
    buf_init(&tuning->filters, FILTERS_MAX * sizeof(struct filter *));
    buf_init(&tuning->pipelines, PIPELINES_MAX * sizeof(struct pipeline *));
    map_init(&tuning->named, SIZE_MAX / 2, TUNING_SEED);
    if (tuning->mem == NULL) {
        tuning_free(tuning);
        return ERR_MEMORY;
    }
    *ret = tuning;
    return OK;
}

static struct pipeline *pipeline_at(const struct tuning *tuning, size_t index)
{
    struct pipeline *pipeline;
    memcpy(&pipeline, tuning->pipelines.data + index * sizeof pipeline, sizeof pipeline);
    return pipeline;
}

void tuning_free(struct tuning *tuning)
{
    if (tuning == NULL) {
        return;
    }
    for (size_t i = 0; i < tuning->pipelines.size / sizeof(struct pipeline *); i++) {
        pipeline_done(pipeline_at(tuning, i));
    }
    buf_done(&tuning->pipelines);
    buf_done(&tuning->filters);
    map_done(&tuning->named);
    arena_free(tuning->mem);
    free(tuning);
}

bool tuning_is_filter(const struct yaml_node *document)
{
    return yaml_get(document, STR("filter")) != NULL &&
           yaml_get(document, STR("detection")) == NULL;
}

bool tuning_is_pipeline(const struct yaml_node *document)
{
    return yaml_get(document, STR("transformations")) != NULL &&
           yaml_get(document, STR("detection")) == NULL;
}

bool tuning_wants(struct str text)
{
    if (str_find(text, STR("transformations")) != STR_NONE) {
        return true;
    }
    for (;;) {
        size_t found = str_find(text, STR("filter"));
        if (found == STR_NONE) {
            return false;
        }
        text = str_slice(text, found + 6, text.size);
        struct str rest = text;
        while (rest.size > 0 && (rest.data[0] == '"' || rest.data[0] == '\'' ||
                                 rest.data[0] == ' ' || rest.data[0] == '\t')) {
            rest = str_slice(rest, 1, rest.size);
        }
        if (rest.size > 0 && rest.data[0] == ':') {
            return true;
        }
    }
}

/* Whether a parsed file holds what its text promised. */
static bool tunes(const struct yaml_node *document)
{
    while (document != NULL && !tuning_is_filter(document) && !tuning_is_pipeline(document)) {
        document = document->next;
    }
    return document != NULL;
}

static enum err document_gather(struct tuning *tuning, const struct yaml_node *document,
                                struct str file, struct ruleset_report *report,
                                const struct problem_sink *sink)
{
    struct why why = {0};
    enum err err = OK;
    if (tuning_is_filter(document)) {
        report->filters++;
        err = filter_read(tuning, document, file, &why);
    } else if (tuning_is_pipeline(document)) {
        report->pipelines++;
        err = pipeline_read(tuning, document, file, &why);
    }
    if (err == OK || err == ERR_MEMORY) {
        return err;
    }
    return sink->add(sink->context, file, why.line != 0 ? why.line : document->line,
                     str_from(why.text[0] != '\0' ? why.text : err_text(err)));
}

enum err tuning_gather(struct tuning *tuning, struct str file, struct str text,
                       struct ruleset_report *report, const struct problem_sink *sink)
{
    struct yaml_node *document = NULL;
    struct arena *scratch = arena_new(SCRATCH_SIZE_MAX);
    enum err err = scratch == NULL ? ERR_MEMORY : yaml_parse(text, scratch, &document, NULL);
    bool wanted = err == OK && tunes(document);
    arena_free(scratch);
    if (!wanted) {
        return err == ERR_MEMORY ? err : OK; /* The rules' turn says what is wrong with it. */
    }
    err = yaml_parse(text, tuning->mem, &document, NULL);
    for (; document != NULL && err == OK; document = document->next) {
        err = document_gather(tuning, document, file, report, sink);
    }
    return err;
}

static int pipelines_compare(const void *a, const void *b)
{
    const struct pipeline *x = *(struct pipeline *const *)a;
    const struct pipeline *y = *(struct pipeline *const *)b;
    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

void tuning_ready(struct tuning *tuning)
{
    if (tuning->pipelines.size > 0) {
        qsort(tuning->pipelines.data, tuning->pipelines.size / sizeof(struct pipeline *),
              sizeof(struct pipeline *), pipelines_compare);
    }
}
