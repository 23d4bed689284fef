/*
 * What Elasticsearch's and OpenSearch's clients ask before and beside _bulk, and in which form they
 * want to be answered.
 *
 * Clients look for a product header on every answer, ask who is there, and put templates, policies
 * and pipelines before they send the first document.  We say who we pretend to be, and accept what
 * is put without keeping it: how records are read is the parsers' affair.
 *
 * Always true: nothing here depends on any client's data, so no token is asked for; nothing that
 * was put can be got back, and no question about documents is answered.
 */

#include <stdio.h>
#include <string.h>

#include "codec/json_text.h"
#include "collect/post.h"

/* Beats of version 8 and 9 refuse an older one, unless they are told to allow it. */
#define VERSION        "8.19.0"
#define INDEX_SIZE_MAX 255 /* Elasticsearch's own. */
#define ROOT                                                                           \
    "{\"name\":\"hinomi\",\"cluster_name\":\"hinomi\",\"cluster_uuid\":\"hinomi\","    \
    "\"version\":{\"number\":\"" VERSION "\",\"build_flavor\":\"default\","            \
    "\"build_type\":\"deb\",\"build_hash\":\"unknown\",\"build_snapshot\":false,"      \
    "\"lucene_version\":\"9.12.0\",\"minimum_wire_compatibility_version\":\"7.17.0\"," \
    "\"minimum_index_compatibility_version\":\"7.0.0\"},"                              \
    "\"tagline\":\"You Know, for Search\"}\n"

/* The answer in kind: a client that named a version of the format wants it named back. */
static struct str type_of(const struct http_request *request, char *text, size_t size)
{
    struct str accept = http_header(request, "Accept");
    size_t at = str_find(accept, STR("compatible-with="));
    char version = at != STR_NONE && at + 16 < accept.size ? accept.data[at + 16] : '\0';
    if (version < '7' || version > '9') {
        return STR("application/json");
    }
    int made =
        snprintf(text, size, "application/vnd.elasticsearch+json;compatible-with=%c", version);
    return str_of(text, made > 0 && (size_t)made < size ? (size_t)made : 0);
}

void elastic_say(struct http_request *request, unsigned status, struct str text,
                 unsigned retry_seconds)
{
    char type[80];
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%u", retry_seconds);
    const struct http_header headers[] = {
        {"X-Elastic-Product", "Elasticsearch"},
        {"Retry-After", seconds},
    };
    UNHEEDED(http_answer_with(request, status, type_of(request, type, sizeof type), text, headers,
                              retry_seconds > 0 ? 2 : 1));
}

bool elastic_bulk_path(struct str path, struct str *ret_index)
{
    struct str index = {0};
    if (!str_equal(path, STR("/_bulk"))) {
        if (!str_starts(path, STR("/")) || !str_ends(path, STR("/_bulk"))) {
            return false;
        }
        index = str_slice(path, 1, path.size - 7);
        if (str_ends(index, STR("/_doc"))) {
            index.size -= 5; /* As clients of version 7 may still write it. */
        }
        if (index.size == 0 || index.size > INDEX_SIZE_MAX || index.data[0] == '_' ||
            str_find_byte(index, '/') != STR_NONE) {
            return false;
        }
    }
    *ret_index = index;
    return true;
}

/* What is answered to a GET of a path, or of what begins with it. */
static const struct {
    struct str path;
    bool begins;
    const char *text;
} questions[] = {
    {{"/", 1}, false, ROOT},
    {{"/_license", 9},
     false,
     "{\"license\":{\"status\":\"active\",\"uid\":\"hinomi\",\"type\":\"basic\"}}\n"},
    {{"/_xpack", 7},
     true,
     "{\"license\":{\"uid\":\"hinomi\",\"type\":\"basic\",\"mode\":\"basic\",\"status\":\"active\"}"
     ","
     "\"features\":{\"ilm\":{\"available\":true,\"enabled\":true},"
     "\"security\":{\"available\":true,\"enabled\":true}}}\n"},
    {{"/_nodes", 7},
     true,
     "{\"_nodes\":{\"total\":0,\"successful\":0,\"failed\":0},"
     "\"cluster_name\":\"hinomi\",\"nodes\":{}}\n"},
    {{"/_cluster/health", 16},
     true,
     "{\"cluster_name\":\"hinomi\",\"status\":\"green\",\"timed_out\":false,"
     "\"number_of_nodes\":1,\"number_of_data_nodes\":1,\"active_primary_shards\":1,"
     "\"active_shards\":1,\"relocating_shards\":0,\"initializing_shards\":0,"
     "\"unassigned_shards\":0}\n"},
    {{"/_cat", 5}, true, "[]\n"},
    {{"/_ilm", 5}, true, "{}\n"},
    {{"/_index_template", 16}, true, "{}\n"},
    {{"/_component_template", 20}, true, "{}\n"},
    {{"/_template", 10}, true, "{}\n"},
    {{"/_ingest/pipeline", 17}, true, "{}\n"},
    {{"/_data_stream", 13}, true, "{\"data_streams\":[]}\n"},
    {{"/logstash", 9}, false, "{}\n"},
    {{"/_plugins/_ism/policies", 23}, true, "{}\n"},
};

/* What may be put, and is forgotten: what is asked for above, but for what says who we are. */
#define QUESTIONS_FIXED 6

static bool path_fits(struct str path, size_t i)
{
    struct str known = questions[i].path;
    return str_equal(path, known) ||
           (questions[i].begins && str_starts(path, known) && path.data[known.size] == '/');
}

/* An index of a plain name, which may be made and looked for. */
static bool index_answer(struct http_request *request, struct str method, struct str path)
{
    struct str index = str_slice(path, 1, path.size);
    bool head = str_equal(method, STR("HEAD"));
    bool refresh = str_ends(index, STR("_refresh")) && str_equal(method, STR("POST"));
    if (refresh) {
        elastic_say(request, 200,
                    STR("{\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0}}\n"), 0);
        return true;
    }
    if ((!head && !str_equal(method, STR("PUT"))) || index.size == 0 ||
        index.size > INDEX_SIZE_MAX || index.data[0] == '_' ||
        str_find_byte(index, '/') != STR_NONE) {
        return false;
    }
    struct buf text;
    buf_init(&text, 4096);
    enum err err =
        buf_print(&text, "{\"acknowledged\":true,\"shards_acknowledged\":true,\"index\":");
    if (err == OK) {
        err = json_print(&text, index);
    }
    if (err == OK) {
        err = buf_append(&text, STR("}\n"));
    }
    elastic_say(request, err == OK ? 200 : 503, buf_str(&text), 0);
    buf_done(&text);
    return true;
}

bool elastic_answer(struct http_request *request)
{
    struct str path = http_path(request);
    struct str method = http_method(request);
    bool get = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (!path_fits(path, i)) {
            continue;
        }
        if (get) {
            elastic_say(request, 200, str_from(questions[i].text), 0);
        } else if (i >= QUESTIONS_FIXED) {
            elastic_say(request, 200, STR("{\"acknowledged\":true}\n"), 0);
        } else {
            elastic_say(request, 405, STR("{\"error\":\"ask this with GET\",\"status\":405}\n"), 0);
        }
        return true;
    }
    return index_answer(request, method, path);
}
