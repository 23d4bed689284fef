/* What became of each document of a rule set, as JSON: for commands, the API and the ledger. */

#include "codec/json_text.h"
#include "detect/private.h"

static enum err problems_print(const struct problems *problems, const char *list, const char *what,
                               bool with_line, struct buf *out)
{
    enum err err = buf_print(out, ",\"%s\":[", list);
    for (size_t i = 0; i < problems->count && err == OK; i++) {
        const struct rule_problem *problem = &problems->list[i];
        err = buf_print(out, "%s{\"file\":", i > 0 ? "," : "");
        err = err == OK ? json_print(out, problem->file) : err;
        if (err == OK && with_line) {
            err = buf_print(out, ",\"line\":%u", problem->line);
        }
        err = err == OK ? buf_print(out, ",\"%s\":", what) : err;
        err = err == OK ? json_print(out, problem->reason) : err;
        err = err == OK ? buf_append_byte(out, '}') : err;
    }
    return err == OK ? buf_append_byte(out, ']') : err;
}

enum err ruleset_report_print(const struct ruleset_report *report, struct buf *out)
{
    enum err err = buf_print(out,
                             "{\"files\":%zu,\"rules\":%zu,\"correlations\":%zu,\"filters\":%zu,"
                             "\"pipelines\":%zu,\"loaded\":%zu",
                             report->files, report->rules, report->correlations, report->filters,
                             report->pipelines, report->loaded);
    err = err == OK ? problems_print(&report->refused, "refused", "reason", true, out) : err;
    err = err == OK
              ? problems_print(&report->needs_values, "needs_values", "placeholder", false, out)
              : err;
    err = err == OK ? problems_print(&report->unguarded, "unguarded", "reason", false, out) : err;
    return err == OK ? buf_append_byte(out, '}') : err;
}
