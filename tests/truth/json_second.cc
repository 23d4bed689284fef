/*
 * simdjson by its DOM, which looks into every number and string, unlike the walk of codec/json.cc
 * that uses its first stage alone; and yajl, an event parser of another family.
 *
 * Always true: nothing of codec/ is used here.
 */

#include "tests/truth/json_second.h"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>
#include <yajl/yajl_parse.h>

namespace
{

using namespace simdjson;

struct telling {
    std::string out;
    struct json_seen *seen;
};

void leaf_tell(telling *told, const std::string &path, char kind, std::string_view value)
{
    told->out.append(path).append(1, '=').append(1, kind).append(1, ':').append(value).append(1,
                                                                                              ';');
}

void value_tell(telling *told, dom::element value, const std::string &path, unsigned depth);

void object_tell(telling *told, dom::object object, const std::string &path, unsigned depth)
{
    std::set<std::string_view> names;
    for (auto field : object) {
        told->seen->twice |= !names.insert(field.key).second;
        told->seen->nul |= field.key.find('\0') != field.key.npos;
        std::string name(field.key);
        value_tell(told, field.value, depth == 0 ? name : path + "." + name, depth + 1);
    }
}

void number_tell(telling *told, dom::element value, const std::string &path)
{
    char text[64];
    double number = value.is_int64()    ? (double)value.get_int64().value_unsafe()
                    : value.is_uint64() ? (double)value.get_uint64().value_unsafe()
                                        : value.get_double().value_unsafe();
    (void)snprintf(text, sizeof text, "%.17g", number + 0.0);
    leaf_tell(told, path, 'V', text);
}

void value_tell(telling *told, dom::element value, const std::string &path, unsigned depth)
{
    if (value.is_object() && value.get_object().value_unsafe().size() > 0) {
        object_tell(told, value.get_object().value_unsafe(), path, depth);
    } else if (value.is_array() && value.get_array().value_unsafe().size() > 0) {
        dom::array list = value.get_array().value_unsafe();
        for (auto member : list) {
            value_tell(told, member, path, depth + 1);
        }
    } else if (value.is_string()) {
        std::string_view text = value.get_string().value_unsafe();
        told->seen->nul |= text.find('\0') != text.npos;
        leaf_tell(told, path, 'S', text);
    } else if (value.is_bool()) {
        leaf_tell(told, path, 'V', value.get_bool().value_unsafe() ? "true" : "false");
    } else if (value.is_number()) {
        number_tell(told, value, path);
    } else if (depth > 0) {
        leaf_tell(told, path, 'N', "");
    }
}

enum json_second verdict_of(error_code error)
{
    return error == NUMBER_ERROR   ? JSON_SECOND_NUMBER
           : error == STRING_ERROR ? JSON_SECOND_STRING
                                   : JSON_SECOND_WRONG;
}

} /* namespace */

void json_simdjson(struct str text, struct buf *leaves, struct json_seen *ret)
{
    static dom::parser parser;
    dom::element root;
    *ret = {};
    ret->utf8 = validate_utf8(text.data, text.size);
    error_code error = parser.parse(text.data, text.size).get(root);
    if (error != SUCCESS) {
        ret->verdict = verdict_of(error);
        return;
    }
    ret->object = root.is_object();
    ret->members = ret->object ? root.get_object().value_unsafe().size() : 0;
    telling told = {"", ret};
    value_tell(&told, root, "", 0);
    if (buf_append(leaves, {told.out.data(), told.out.size()}) != OK) {
        abort();
    }
}

/* yajl does not miss the end of a string behind the value; a line break, which may stand in none,
 * shows it. */
bool json_yajl(struct str text)
{
    yajl_handle handle = yajl_alloc(nullptr, nullptr, nullptr);
    bool takes =
        yajl_parse(handle, (const unsigned char *)text.data, text.size) == yajl_status_ok &&
        yajl_parse(handle, (const unsigned char *)"\n", 1) == yajl_status_ok &&
        yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return takes;
}
