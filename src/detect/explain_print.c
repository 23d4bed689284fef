/* Explanations for machines and for terminals. */

#include "codec/json_text.h"
#include "detect/explain.h"

#define DEPTH_SHOWN 80

static enum err text_json(struct buf *out, const char *before, struct str text)
{
    enum err err = buf_append(out, str_from(before));
    return err == OK ? json_print(out, text) : err;
}

static enum err node_json(const struct explanation *node, struct buf *out)
{
    enum err err = text_json(out, "{\"what\":", node->what);
    err = err == OK ? buf_print(out, ",\"holds\":%s", node->holds ? "true" : "false") : err;
    if (err == OK && (node->found.size > 0 || node->missing)) {
        err = node->missing ? buf_append(out, STR(",\"found\":null"))
                            : text_json(out, ",\"found\":", node->found);
    }
    if (err == OK && node->note.size > 0) {
        err = text_json(out, ",\"note\":", node->note);
    }
    if (err == OK && node->count > 0) {
        err = buf_append(out, STR(",\"parts\":["));
        for (size_t i = 0; i < node->count && err == OK; i++) {
            err = i > 0 ? buf_append_byte(out, ',') : OK;
            err = err == OK ? node_json(&node->children[i], out) : err;
        }
        err = err == OK ? buf_append_byte(out, ']') : err;
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

enum err explanation_json(const struct explained *explained, struct buf *out)
{
    const struct rule_summary *rule = &explained->rule;
    enum err err = text_json(out, "{\"rule\":{\"id\":", rule->id);
    err = err == OK ? text_json(out, ",\"title\":", rule->title) : err;
    err = err == OK ? text_json(out, ",\"author\":", rule->author) : err;
    err = err == OK ? text_json(out, ",\"link\":", rule->link) : err;
    err = err == OK ? text_json(out, ",\"file\":", rule->file) : err;
    err = err == OK ? text_json(out, ",\"category\":", rule->category) : err;
    err = err == OK ? text_json(out, ",\"product\":", rule->product) : err;
    err = err == OK ? text_json(out, ",\"service\":", rule->service) : err;
    err = err == OK ? text_json(out, "},\"class\":", explained->class) : err;
    err = err == OK
              ? buf_print(out, ",\"routed\":%s,\"held\":%s,\"condition\":",
                          explained->routed ? "true" : "false", explained->held ? "true" : "false")
              : err;
    err = err == OK ? node_json(&explained->condition, out) : err;
    err = err == OK ? buf_append(out, STR(",\"filters\":[")) : err;
    for (size_t i = 0; i < explained->filters_count && err == OK; i++) {
        err = i > 0 ? buf_append_byte(out, ',') : OK;
        err = err == OK ? node_json(&explained->filters[i], out) : err;
    }
    return err == OK ? buf_append(out, STR("]}")) : err;
}

static enum err node_text(const struct explanation *node, unsigned depth, struct buf *out)
{
    enum err err = buf_print(out, "%*s%s ", (int)(2 * (depth < DEPTH_SHOWN ? depth : DEPTH_SHOWN)),
                             "", node->holds ? "+" : "-");
    err = err == OK ? json_print(out, node->what) : err;
    if (err == OK && node->missing) {
        err = buf_append(out, STR("  the event does not have it"));
    } else if (err == OK && node->found.size > 0) {
        err = text_json(out, "  found ", node->found);
    }
    if (err == OK && node->note.size > 0) {
        err = text_json(out, "  note ", node->note);
    }
    err = err == OK ? buf_append_byte(out, '\n') : err;
    for (size_t i = 0; i < node->count && err == OK; i++) {
        err = node_text(&node->children[i], depth + 1, out);
    }
    return err;
}

enum err explanation_text(const struct explained *explained, struct buf *out)
{
    const struct rule_summary *rule = &explained->rule;
    enum err err = text_json(out, explained->held ? "holds: " : "does not hold: ", rule->title);
    err = err == OK ? text_json(out, " ", rule->id) : err;
    err = err == OK && rule->author.size > 0 ? text_json(out, "\nby ", rule->author) : err;
    err = err == OK ? text_json(out, "\nlog source ", rule->category) : err;
    err = err == OK ? text_json(out, "/", rule->product) : err;
    err = err == OK ? text_json(out, "/", rule->service) : err;
    if (err == OK) {
        err = explained->class.size == 0 ? buf_append(out, STR(", the event is of no known class"))
                                         : text_json(out, ", the event is ", explained->class);
    }
    err = err == OK ? buf_append(out, explained->routed ? STR(": they fit\n")
                                                        : STR(": they do not fit\n"))
                    : err;
    err = err == OK ? node_text(&explained->condition, 0, out) : err;
    for (size_t i = 0; i < explained->filters_count && err == OK; i++) {
        err = buf_append(out, STR("and by a filter:\n"));
        err = err == OK ? node_text(&explained->filters[i], 1, out) : err;
    }
    return err;
}
