/*
 * The yardstick: simdjson's On-Demand front end as its manual has it, one parser for all lines,
 * each line parsed where it stands.  It finds every key and every value and looks at none of them:
 * no number is checked, no escape undone, no name remembered.  What a program does with events
 * cannot cost less.
 *
 * Always true: nothing of the project but str is used here, so that no change of ours moves it.
 */

#include "tests/load/yardstick.h"

#include <cstring>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace
{

using namespace simdjson;

static_assert(YARDSTICK_PADDING >= SIMDJSON_PADDING, "lines lie too near to each other");

bool value_tokens(ondemand::value value, size_t *sum);

bool object_tokens(ondemand::object object, size_t *sum)
{
    for (auto item : object) {
        ondemand::field field;
        if (std::move(item).get(field) != SUCCESS) {
            return false;
        }
        *sum += (unsigned char)*field.key().raw();
        if (!value_tokens(field.value(), sum)) {
            return false;
        }
    }
    return true;
}

bool list_tokens(ondemand::array list, size_t *sum)
{
    for (auto item : list) {
        ondemand::value value;
        if (std::move(item).get(value) != SUCCESS || !value_tokens(value, sum)) {
            return false;
        }
    }
    return true;
}

bool value_tokens(ondemand::value value, size_t *sum)
{
    std::string_view token = value.raw_json_token();
    *sum += token.size();
    if (token[0] == '{') {
        ondemand::object object;
        return value.get_object().get(object) == SUCCESS && object_tokens(object, sum);
    }
    if (token[0] == '[') {
        ondemand::array list;
        return value.get_array().get(list) == SUCCESS && list_tokens(list, sum);
    }
    return true;
}

} /* namespace */

size_t yardstick_memcpy(const struct str *lines, size_t count, char *window, size_t window_size)
{
    size_t sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (window_size - at < lines[i].size) {
            at = 0;
        }
        memcpy(window + at, lines[i].data, lines[i].size);
        at += lines[i].size;
        sum += lines[i].size;
    }
    return sum;
}

size_t yardstick_tokens(const struct str *lines, size_t count)
{
    ondemand::parser parser;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        ondemand::document document;
        ondemand::object object;
        padded_string_view line(lines[i].data, lines[i].size, lines[i].size + SIMDJSON_PADDING);
        if (parser.iterate(line).get(document) != SUCCESS ||
            document.get_object().get(object) != SUCCESS || !object_tokens(object, &sum)) {
            return 0;
        }
    }
    return sum;
}
