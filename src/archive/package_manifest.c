/*
 * manifest.json: what was asked, what is there, and the hash of every part.  People read it too, so
 * times stand as text beside the nanoseconds that are compared.
 *
 * Read again it is bytes from anywhere: every count has its limit, and what it says is believed
 * only as far as the proof shows it.
 */

#include <string.h>

#include "archive/package_private.h"
#include "codec/json.h"
#include "codec/json_out.h"
#include "codec/yaml.h"

static void times_print(struct json_out *json, const char *name, const char *name_ns,
                        struct wall wall)
{
    json_time(json, name, wall);
    json_number(json, name_ns, wall.ns);
}

static void hash_print(struct json_out *json, const char *name, const void *bytes)
{
    char text[2 * SHA256_SIZE + 1];
    json_text(json, name, str_from(hex_print(bytes, SHA256_SIZE, text)));
}

static void asked_print(struct json_out *json, const struct package_request *request)
{
    static const char *const formats[] = {"raw", "ndjson", "csv"};
    json_object(json, "asked");
    times_print(json, "from", "from_ns", request->from);
    times_print(json, "to", "to_ns", request->to);
    if (request->sources == NULL) {
        json_null(json, "sources");
    } else {
        json_list(json, "sources");
        for (size_t i = 0; i < request->sources_count; i++) {
            json_unsigned(json, NULL, request->sources[i]);
        }
        json_close(json);
    }
    json_text(json, "query", request->query != NULL ? request->query_text : STR(""));
    json_text(json, "format", str_from(formats[request->format]));
    json_yes_no(json, "proof", request->proof);
    json_close(json);
}

static void sources_print(struct json_out *json, const struct package_told *told)
{
    json_list(json, "sources");
    for (size_t i = 0; i < told->sources_count; i++) {
        const struct package_source *source = &told->sources[i];
        json_object(json, NULL);
        json_unsigned(json, "source", source->source.value);
        json_unsigned(json, "lines", source->lines);
        json_unsigned(json, "bytes", source->bytes);
        json_unsigned(json, "first", source->first);
        json_unsigned(json, "last", source->last);
        json_time(json, "oldest", source->oldest);
        json_time(json, "newest", source->newest);
        json_close(json);
    }
    json_close(json);
}

static void proof_print(struct json_out *json, const struct package_told *told,
                        const struct package_range *range)
{
    json_object(json, "proof");
    json_unsigned(json, "leaves", told->leaves);
    json_unsigned(json, "leaves_end", told->leaves_end);
    json_unsigned(json, "whole", told->whole);
    json_unsigned(json, "told", told->stubs);
    json_unsigned(json, "hash_only", told->unknown);
    json_unsigned(json, "gone", told->gone);
    json_unsigned(json, "missing", told->missing);
    json_unsigned(json, "other_lines", told->others);
    json_unsigned(json, "heads", told->heads);
    json_unsigned(json, "stamps", told->stamps);
    json_unsigned(json, "first_epoch", range->start_epoch);
    json_unsigned(json, "last_epoch", range->end_epoch);
    json_time(json, "first_head", range->start_wall);
    json_time(json, "last_head", range->end_wall);
    json_close(json);
}

bool manifest_by_leaves(const char *name)
{
    return strcmp(name, "lines.raw") == 0 || strcmp(name, "proof/leaves.bin") == 0;
}

enum err manifest_print(const struct package_request *request, const struct package_told *told,
                        const struct package_range *range, struct buf *out)
{
    struct json_out json;
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "hinomi", STR("package"));
    json_unsigned(&json, "version", 2);
    json_text(&json, "program", request->version);
    json_unsigned(&json, "client", request->client.value);
    times_print(&json, "made", "made_ns", request->now);
    asked_print(&json, request);
    json_unsigned(&json, "lines", told->lines);
    json_unsigned(&json, "bytes", told->bytes);
    sources_print(&json, told);
    if (request->proof) {
        proof_print(&json, told, range);
    }
    json_raw(&json, "gaps", request->gaps.size > 0 ? request->gaps : STR("[]"));
    json_raw(&json, "request", request->request.size > 0 ? request->request : STR("{}"));
    if (request->proof) {
        hash_print(&json, "leaves_sha256", told->leaves_hash.bytes);
    }
    json_list(&json, "parts");
    for (size_t i = 0; i < told->parts_count; i++) {
        json_object(&json, NULL);
        json_text(&json, "name", str_from(told->parts[i].name));
        json_unsigned(&json, "size", told->parts[i].size);
        if (request->proof && manifest_by_leaves(told->parts[i].name)) {
            json_null(&json, "sha256");
        } else {
            hash_print(&json, "sha256", told->parts[i].hash.bytes);
        }
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    enum err err = json_out_end(&json);
    return err == OK ? buf_append_byte(out, '\n') : err;
}

/* ---- Reading. */

static enum err number_get(const struct yaml_node *node, const char *name, int64_t least,
                           int64_t *ret)
{
    const struct yaml_node *value = yaml_get(node, str_from(name));
    int64_t number;
    if (value == NULL || yaml_int(value, &number) != OK || number < least) {
        return ERR_SYNTAX;
    }
    *ret = number;
    return OK;
}

static enum err sources_parse(const struct yaml_node *asked, struct arena *mem,
                              struct manifest *manifest)
{
    const struct yaml_node *list = yaml_get(asked, STR("sources"));
    manifest->all_sources = list != NULL && yaml_is_null(list);
    if (list == NULL || manifest->all_sources) {
        return list == NULL ? ERR_SYNTAX : OK;
    }
    if (list->kind != YAML_SEQUENCE || list->count > SOURCES_MAX) {
        return ERR_SYNTAX;
    }
    manifest->sources = ARENA_ARRAY(mem, uint32_t, list->count + 1);
    if (manifest->sources == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        int64_t number;
        if (yaml_int(node, &number) != OK || number < 0 || number > UINT32_MAX) {
            return ERR_SYNTAX;
        }
        manifest->sources[manifest->sources_count++] = (uint32_t)number;
    }
    return OK;
}

static enum err asked_parse(const struct yaml_node *asked, struct arena *mem,
                            struct manifest *manifest)
{
    const struct yaml_node *query = yaml_get(asked, STR("query"));
    const struct yaml_node *proof = yaml_get(asked, STR("proof"));
    enum err err = query == NULL || proof == NULL ? ERR_SYNTAX : yaml_bool(proof, &manifest->proof);
    err = err == OK ? number_get(asked, "from_ns", INT64_MIN, &manifest->from.ns) : err;
    err = err == OK ? number_get(asked, "to_ns", INT64_MIN, &manifest->to.ns) : err;
    manifest->filtered = query != NULL && query->text.size > 0;
    return err == OK ? sources_parse(asked, mem, manifest) : err;
}

/* A part's name is printed where it is damaged. */
static bool name_is_plain(struct str name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~') {
            return false;
        }
    }
    return name.size > 0;
}

/* As they are printed, so that what one reader takes another does not refuse. */
static enum err hash_parse(struct str text, struct sha256 *ret)
{
    char again[2 * SHA256_SIZE + 1];
    struct sha256 hash;
    if (hex_parse(text, hash.bytes, SHA256_SIZE) != OK ||
        !str_equal(text, str_from(hex_print(hash.bytes, SHA256_SIZE, again)))) {
        return ERR_SYNTAX;
    }
    *ret = hash;
    return OK;
}

static bool name_stands(const struct manifest *manifest, struct str name)
{
    for (size_t i = 0; i < manifest->parts_count; i++) {
        if (str_equal(str_from(manifest->parts[i].name), name)) {
            return true;
        }
    }
    return false;
}

static enum err parts_parse(const struct yaml_node *parts, struct manifest *manifest)
{
    if (parts == NULL || parts->kind != YAML_SEQUENCE || parts->count > PACKAGE_PARTS_MAX) {
        return ERR_SYNTAX;
    }
    for (const struct yaml_node *node = parts->first; node != NULL; node = node->next) {
        struct package_part *part = &manifest->parts[manifest->parts_count];
        const struct yaml_node *name = yaml_get(node, STR("name"));
        const struct yaml_node *hash = yaml_get(node, STR("sha256"));
        int64_t size = 0;
        if (name == NULL || hash == NULL || name->text.size >= sizeof part->name ||
            !name_is_plain(name->text) || name_stands(manifest, name->text) ||
            number_get(node, "size", 0, &size) != OK) {
            return ERR_SYNTAX;
        }
        memcpy(part->name, name->text.data, name->text.size);
        part->by_leaves = yaml_is_null(hash);
        if (part->by_leaves ? !manifest->leaves_hashed || !manifest_by_leaves(part->name)
                            : hash_parse(hash->text, &part->hash) != OK) {
            return ERR_SYNTAX;
        }
        part->size = (uint64_t)size;
        manifest->parts_count++;
    }
    return OK;
}

/* Of version 2 with proof: the hash over the leaves, which stands for those of two parts. */
static enum err leaves_hash_parse(const struct yaml_node *root, int64_t version,
                                  struct manifest *manifest)
{
    const struct yaml_node *hash = yaml_get(root, STR("leaves_sha256"));
    manifest->leaves_hashed = version == 2 && manifest->proof;
    if (!manifest->leaves_hashed) {
        return OK;
    }
    return hash == NULL ? ERR_SYNTAX : hash_parse(hash->text, &manifest->leaves);
}

enum err manifest_parse(struct str text, struct arena *mem, struct manifest *ret, struct why *why)
{
    struct manifest manifest = {0};
    struct yaml_node *root;
    int64_t version = 0;
    int64_t client = 0;
    int64_t lines = 0;
    enum err err = json_parse(text, mem, &root, why);
    if (err != OK) {
        return err;
    }
    const struct yaml_node *mark = yaml_get(root, STR("hinomi"));
    err = mark == NULL || !str_equal(mark->text, STR("package")) ? ERR_SYNTAX : OK;
    err = err == OK ? number_get(root, "version", 1, &version) : err;
    err = err == OK ? number_get(root, "client", 1, &client) : err;
    err = err == OK ? number_get(root, "lines", 0, &lines) : err;
    err = err == OK ? number_get(root, "made_ns", INT64_MIN, &manifest.made.ns) : err;
    err = err == OK ? asked_parse(yaml_get(root, STR("asked")), mem, &manifest) : err;
    err = err == OK ? leaves_hash_parse(root, version, &manifest) : err;
    err = err == OK ? parts_parse(yaml_get(root, STR("parts")), &manifest) : err;
    if (err != OK || version > 2 || client > UINT32_MAX - 1) {
        return why_say(why, err == ERR_MEMORY ? err : ERR_SYNTAX, 0,
                       "manifest.json is not that of a package of version 1 or 2");
    }
    manifest.client = (struct client_id){(uint32_t)client};
    manifest.lines = (uint64_t)lines;
    *ret = manifest;
    return OK;
}

bool manifest_wants(const struct manifest *manifest, uint32_t source, struct wall oldest,
                    struct wall newest)
{
    bool wanted = manifest->all_sources;
    for (size_t i = 0; !wanted && i < manifest->sources_count; i++) {
        wanted = manifest->sources[i] == source;
    }
    return wanted && newest.ns >= manifest->from.ns && oldest.ns < manifest->to.ns;
}
