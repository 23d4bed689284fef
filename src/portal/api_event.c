/*
 * What lies in a client's archive: searches with counts over time, and the same as a table.
 *
 * Always true: a query is read here, so that whoever made a mistake in it hears of it with its
 * place and no worker is started; what was searched for, and over which span, is written to the
 * audit trail before anything is read.
 */

#include "codec/time.h"
#include "match/match.h"
#include "portal/private.h"

/* The query and the span of both operations, into the job. */
static enum err search_read(struct call *call, struct str *ret_query)
{
    struct api_job *job = &call->answer->job;
    struct query *query = NULL;
    enum err err = call_query(call, "query", ret_query);
    err = err == OK ? call_query_time(call, "from", &job->from) : err;
    err = err == OK ? call_query_time(call, "to", &job->to) : err;
    if (err != OK || call->refused) {
        return err;
    }
    if (job->from.ns >= job->to.ns) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("to"), NULL);
    }
    err = query_parse(*ret_query, &query, &call->why);
    if (err == OK) {
        query_free(query);
    }
    return err == ERR_LIMIT ? ERR_SYNTAX : err; /* too many terms: nothing is too large */
}

static enum err search_ask(struct call *call, enum api_job_kind kind, struct str query)
{
    struct api_job *job = &call->answer->job;
    char from[TIME_TEXT_SIZE];
    char to[TIME_TEXT_SIZE];
    struct str what;
    buf_init(&job->text, QUERY_SIZE_MAX);
    enum err err = buf_append(&job->text, query);
    err = err == OK
              ? arena_print(call->mem, &what, "events %s to %s: %.*s", time_print(job->from, from),
                            time_print(job->to, to), STR_ARG(query))
              : err;
    return err == OK ? call_ask_archive(call, kind, what.data) : err;
}

enum err api_events_search(struct call *call)
{
    struct api_job *job = &call->answer->job;
    struct str query;
    size_t limit = 0;
    enum err err = search_read(call, &query);
    if (err == OK && !call->refused) {
        err = call_query_number(call, "before", 0, INT64_MAX, &job->before);
    }
    if (err == OK && !call->refused) {
        err = call_query_limit(call, &limit);
    }
    if (err != OK || call->refused) {
        return err;
    }
    job->limit = limit;
    return search_ask(call, API_JOB_SEARCH, query);
}

enum err api_events_csv(struct call *call)
{
    struct str query;
    enum err err = search_read(call, &query);
    if (err != OK || call->refused) {
        return err;
    }
    call->answer->job.limit = CSV_EVENTS_MAX;
    return search_ask(call, API_JOB_CSV, query);
}
