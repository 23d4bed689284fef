/*
 * A clock warns, or is overrun: the history says so, and people are told.  The clock itself is
 * service's; what it says of an incident stands here, in the transaction that recorded it.
 */

#include "codec/time.h"
#include "incident/private.h"

static struct str metric_name(const struct element *metric, enum language language,
                              struct str otherwise)
{
    const struct element *name = metric != NULL ? element_get(metric, "name") : NULL;
    struct str text = name != NULL ? element_words(name, language, NULL) : (struct str){0};
    return text.size > 0 ? text : otherwise;
}

enum err incident_clock_fired(const struct scope *scope, struct incidents *incidents,
                              const struct clock_fired *fired)
{
    const char *what = fired->breach ? "clock-breach" : "clock-warning";
    struct operation operation;
    enum err err = operation_begin_id(scope, incidents, fired->client, fired->subject.id, fired->at,
                                      &operation);
    if (err != OK) {
        return err;
    }
    const struct element *metric = running_item(&operation, "sla", "metrics", fired->metric);
    char due[TIME_TEXT_SIZE] = "";
    if (wall_known(fired->due)) {
        (void)time_print(fired->due, due);
    }
    const struct notice_value values[] = {
        {STR("due"), str_from(due)},
        {STR("metric"), fired->metric},
        {STR("metric_ja"), metric_name(metric, LANGUAGE_JA, fired->metric)},
        {STR("metric_en"), metric_name(metric, LANGUAGE_EN, fired->metric)},
    };
    err = history_add(&operation, what, operation.row.state, fired->metric, STR(""));
    if (err == OK) {
        err = row_notice(&operation, what, fired->metric, false,
                         (struct notice_extra){values, sizeof values / sizeof *values});
    }
    return operation_end(&operation, err);
}
