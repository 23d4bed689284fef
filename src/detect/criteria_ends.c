/*
 * What a record says of the two ends of a connection, and of the machine that wrote it: the fields
 * of the Elastic Common Schema, and those of Windows events, gathered in one pass over an event.
 *
 * The names of a batch are looked up once; after that a span costs one look at a table.  Fields
 * that mean the same stand in one list, in the order of the record.
 *
 * Always true: a value here is not empty and has at most END_TEXT_MAX bytes.  Longer ones are no
 * address and no name, and are passed over whatever they hold.
 */

#include "detect/criteria_private.h"

#include <string.h>

static const struct {
    const char *name;
    enum end_field field;
} fields[] = {
    {"destination.ip", END_DESTINATION_IP},
    {"server.ip", END_DESTINATION_IP},
    {"destination.port", END_DESTINATION_PORT},
    {"server.port", END_DESTINATION_PORT},
    {"url.port", END_DESTINATION_PORT},
    {"destination.nat.ip", END_DESTINATION_NAT},
    {"server.nat.ip", END_DESTINATION_NAT},
    {"url.domain", END_DESTINATION_NAME},
    {"destination.domain", END_DESTINATION_NAME},
    {"server.domain", END_DESTINATION_NAME},
    {"destination.address", END_DESTINATION_NAME},
    {"server.address", END_DESTINATION_NAME},
    {"host.ip", END_HOST_IP},
    {"host.name", END_HOST_NAME},
    {"host.hostname", END_HOST_NAME},
    {"winlog.computer_name", END_HOST_NAME},
    {"Computer", END_HOST_NAME},
    {"source.ip", END_SOURCE_IP},
    {"client.ip", END_SOURCE_IP},
    {"source.port", END_SOURCE_PORT},
    {"client.port", END_SOURCE_PORT},
    {"source.domain", END_SOURCE_NAME},
    {"source.address", END_SOURCE_NAME},
    {"client.domain", END_SOURCE_NAME},
    {"client.address", END_SOURCE_NAME},
    {"observer.ip", END_OBSERVER_IP},
    {"observer.name", END_OBSERVER_NAME},
    {"observer.hostname", END_OBSERVER_NAME},
    {"network.transport", END_TRANSPORT},
    {"network.iana_number", END_TRANSPORT},
    {"network.direction", END_DIRECTION},
};

static bool asks(const struct event *event, const struct ends *ends);

enum err ends_names(const struct batch *batch, struct arena *mem, uint8_t **ret)
{
    uint8_t *names = ARENA_ARRAY(mem, uint8_t, (size_t)batch->names + 1);
    if (names == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < batch->names; i++) {
        for (size_t j = 0; j < sizeof fields / sizeof fields[0]; j++) {
            if (str_equal(batch->name_table[i], str_from(fields[j].name))) {
                names[i] = (uint8_t)fields[j].field;
                break;
            }
        }
    }
    *ret = names;
    return OK;
}

enum err ends_read(const struct event *event, const uint8_t *names, struct arena *mem,
                   struct ends *ret)
{
    memset(ret->counts, 0, sizeof ret->counts);
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        struct str value;
        event_span(event, i, &span);
        uint8_t field = names[span.name_index];
        if (field == END_NOTHING || ret->counts[field] == END_VALUES_MAX ||
            span.how == SPAN_JSON_NULL || span.bytes.size > (size_t)6 * END_TEXT_MAX) {
            continue;
        }
        enum err err = event_value(&span, mem, &value);
        if (err != OK) {
            return err;
        }
        value = str_trim(value);
        if (value.size > 0 && value.size <= END_TEXT_MAX) {
            ret->values[field][ret->counts[field]++] = value;
        }
    }
    ret->client_first = asks(event, ret);
    return OK;
}

/* A proxy's and a name server's records, and outgoing connections, are about who asks. */
static bool asks(const struct event *event, const struct ends *ends)
{
    static const char *const outgoing[] = {"outbound", "egress", "outgoing"};
    if (str_starts(event->class, STR("proxy/")) || str_starts(event->class, STR("dns/"))) {
        return true;
    }
    for (size_t i = 0; ends->counts[END_DIRECTION] > 0 && i < 3; i++) {
        if (str_equal_nocase(ends->values[END_DIRECTION][0], str_from(outgoing[i]))) {
            return true;
        }
    }
    return false;
}

bool end_is_plain(struct str value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == ':' || c == '-' || c == '_')) {
            return false;
        }
    }
    return value.size > 0 && value.size <= END_TEXT_MAX;
}

struct str end_host(struct str value, char text[END_TEXT_MAX])
{
    if (str_starts(value, STR("["))) {
        value = str_slice(value, 1, str_find_byte(value, ']') - 1);
    } else {
        size_t colon = str_find_byte(value, ':');
        bool port = colon != STR_NONE &&
                    str_find_byte(str_slice(value, colon + 1, value.size), ':') == STR_NONE;
        value = port ? str_slice(value, 0, colon) : value; /* more colons: an IPv6 address */
    }
    value.size -= str_ends(value, STR(".")) ? 1 : 0;
    if (value.size > END_TEXT_MAX) {
        return (struct str){0};
    }
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return str_of(text, value.size);
}
