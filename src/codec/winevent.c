/* Tables and comparisons; the header says it all. */

#include "codec/winevent.h"

enum winevent_at winevent_enter(enum winevent_at at, struct str element, bool *ret_leaf)
{
    static const struct {
        struct str element;
        enum winevent_at inside;
    } rooms[] = {
        {{"System", 6}, WINEVENT_SYSTEM},
        {{"EventData", 9}, WINEVENT_DATA},
        {{"UserData", 8}, WINEVENT_USER},
        {{"RenderingInfo", 13}, WINEVENT_RENDERING},
        {{"DebugData", 9}, WINEVENT_USER},
        {{"BinaryEventData", 15}, WINEVENT_USER},
        {{"ProcessingErrorData", 19}, WINEVENT_USER},
    };
    *ret_leaf = false;
    switch (at) {
    case WINEVENT_DOCUMENT:
        return str_equal(element, STR("Event"))    ? WINEVENT_EVENT
               : str_equal(element, STR("Events")) ? WINEVENT_DOCUMENT
                                                   : WINEVENT_USER;
    case WINEVENT_EVENT:
        for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
            if (str_equal(element, rooms[i].element)) {
                return rooms[i].inside;
            }
        }
        break;
    case WINEVENT_RENDERING:
        if (str_equal(element, STR("Keywords"))) {
            return WINEVENT_RENDERING;
        }
        break;
    default:
        break;
    }
    *ret_leaf = true;
    return at == WINEVENT_RENDERING ? WINEVENT_RENDERING : WINEVENT_USER;
}

static bool is_data(struct str element)
{
    return str_equal(element, STR("Data")) || str_equal(element, STR("ComplexData"));
}

bool winevent_omit(enum winevent_at at, struct str element)
{
    return at == WINEVENT_SYSTEM || (at == WINEVENT_DATA && !is_data(element));
}

struct str winevent_prefix(enum winevent_at at, struct str element)
{
    bool rendering = at == WINEVENT_RENDERING && !str_equal(element, STR("Message"));
    return rendering ? STR("RenderingInfo_") : (struct str){0};
}

enum winevent_attribute winevent_attribute(enum winevent_at at, struct str element, bool leaf,
                                           struct str attribute)
{
    if (!leaf || str_equal(attribute, STR("xmlns")) || str_starts(attribute, STR("xmlns:"))) {
        return WINEVENT_IGNORED;
    }
    if (at == WINEVENT_SYSTEM) {
        return str_equal(element, STR("TimeCreated")) && str_equal(attribute, STR("SystemTime"))
                   ? WINEVENT_TIME
                   : WINEVENT_FIELD;
    }
    return is_data(element) && str_equal(attribute, STR("Name")) ? WINEVENT_NAME : WINEVENT_FIELD;
}
