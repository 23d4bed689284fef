/*
 * One encoder and one decoder for the whole table.
 *
 * Always true: what message_decode accepts uses every byte of the packet and not one more, so a
 * message means the same to whoever reads it.
 */

#include "serve/message.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "sys/memory.h"

#define VERSION     1
#define HEADER_SIZE 16
#define FLAG_LARGE  1u

/* A type's fields as letters, in order: 'n' a number, 't' a text.  The structs are made of the same
 * list, a number being 8 bytes and a text 16, so the letters give the offsets too. */
#define LETTER_NUMBER(name) "n"
#define LETTER_TEXT(name)   "t"
static const char *const layouts[MESSAGE_TYPE_COUNT] = {
#define MESSAGE_LAYOUT(upper, lower) upper##_FIELDS(LETTER_NUMBER, LETTER_TEXT),
    MESSAGE_LIST(MESSAGE_LAYOUT)
#undef MESSAGE_LAYOUT
};

static const char *const names[MESSAGE_TYPE_COUNT] = {
#define MESSAGE_NAME(upper, lower) #lower,
    MESSAGE_LIST(MESSAGE_NAME)
#undef MESSAGE_NAME
};

_Static_assert(sizeof(uint64_t) == 8 && sizeof(struct str) == 16, "see `layouts`");

static size_t packet_size(const struct message *message, bool large);
static void packet_fill(const struct message *message, bool large, char *packet);
static struct str *text_last(struct message *message);

const char *message_name(enum message_type type)
{
    return (unsigned)type < MESSAGE_TYPE_COUNT ? names[type] : "unknown";
}

/* The union begins at the same place for all types. */
static char *body_of(struct message *message)
{
    return (char *)&message->setup;
}

static const char *field_next(const char *layout, const char *body)
{
    return body + (*layout == 'n' ? sizeof(uint64_t) : sizeof(struct str));
}

enum err message_send(int channel, const struct message *message)
{
    char packet[MESSAGE_SIZE_MAX];
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t count = message->descriptors_count;
    assert(message->type < MESSAGE_TYPE_COUNT && count < CHANNEL_DESCRIPTORS_MAX);
    memcpy(descriptors, message->descriptors, count * sizeof descriptors[0]);

    bool large = packet_size(message, false) > sizeof packet;
    if (large) {
        struct message copy = *message;
        const struct str *text = text_last(&copy);
        if (text == NULL || packet_size(message, true) > sizeof packet) {
            return ERR_LIMIT;
        }
        enum err err = memory_of("hinomi-message", *text, &descriptors[count]);
        if (err != OK) {
            return err;
        }
        count++;
    }
    packet_fill(message, large, packet);
    enum err err =
        channel_send(channel, str_of(packet, packet_size(message, large)), descriptors, count);
    if (large) {
        (void)close(descriptors[count - 1]);
    }
    return err;
}

enum err message_receive(int channel, char *packet, struct message *ret)
{
    struct message message = {0};
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t count;
    size_t size;
    enum err err = channel_receive(channel, packet, MESSAGE_SIZE_MAX, &size, descriptors, &count);
    if (err != OK) {
        return err == ERR_LIMIT ? ERR_CORRUPT : err;
    }
    err = message_decode(str_of(packet, size), &message);
    memcpy(message.descriptors, descriptors, sizeof descriptors);
    message.descriptors_count = count;
    if (err == OK && (get_u32(packet + 4) & FLAG_LARGE) != 0) {
        struct str *text = text_last(&message);
        void *memory = NULL;
        size_t memory_size = 0;
        err = ERR_CORRUPT;
        if (text != NULL && count > 0) {
            int descriptor = message.descriptors[--message.descriptors_count];
            /* Whoever could still write to it would change it between our looks. */
            err = memory_map_fixed(descriptor, &memory, &memory_size) == OK ? OK : ERR_CORRUPT;
            (void)close(descriptor);
            message.memory = memory;
            message.memory_size = memory_size;
            *text = str_of(memory, memory_size);
        }
    }
    if (err != OK) {
        message_done(&message);
        return err;
    }
    *ret = message;
    return OK;
}

void message_done(struct message *message)
{
    for (size_t i = 0; i < message->descriptors_count; i++) {
        (void)close(message->descriptors[i]);
    }
    message->descriptors_count = 0;
    memory_unmap(message->memory, message->memory_size);
    message->memory = NULL;
}

int message_take_descriptor(struct message *message)
{
    if (message->descriptors_count == 0) {
        return -1;
    }
    int first = message->descriptors[0];
    message->descriptors_count--;
    memmove(message->descriptors, message->descriptors + 1,
            message->descriptors_count * sizeof message->descriptors[0]);
    return first;
}

size_t message_texts_size(const struct message *message)
{
    size_t size = 0;
    const char *field = (const char *)&message->setup;
    for (const char *layout = layouts[message->type]; *layout != '\0'; layout++) {
        if (*layout == 't') {
            struct str text;
            memcpy(&text, field, sizeof text);
            size += text.size;
        }
        field = field_next(layout, field);
    }
    return size;
}

void message_texts_copy(struct message *message, char *to)
{
    char *field = body_of(message);
    for (const char *layout = layouts[message->type]; *layout != '\0'; layout++) {
        if (*layout == 't') {
            struct str text;
            memcpy(&text, field, sizeof text);
            if (text.size > 0) {
                memcpy(to, text.data, text.size);
            }
            text.data = to;
            to += text.size;
            memcpy(field, &text, sizeof text);
        }
        field += *layout == 'n' ? sizeof(uint64_t) : sizeof(struct str);
    }
}

enum err message_decode(struct str packet, struct message *ret)
{
    struct message message = {0};
    if (packet.size < HEADER_SIZE || get_u16(packet.data) != VERSION ||
        get_u16(packet.data + 2) >= MESSAGE_TYPE_COUNT ||
        get_u32(packet.data + 8) != packet.size - HEADER_SIZE || get_u32(packet.data + 12) != 0) {
        return ERR_CORRUPT;
    }
    message.type = (enum message_type)get_u16(packet.data + 2);
    struct str rest = str_slice(packet, HEADER_SIZE, packet.size);
    char *field = body_of(&message);
    for (const char *layout = layouts[message.type]; *layout != '\0'; layout++) {
        size_t fixed = *layout == 'n' ? 8 : 4;
        if (rest.size < fixed) {
            return ERR_CORRUPT;
        }
        if (*layout == 'n') {
            put_u64(field, get_u64(rest.data));
            rest = str_slice(rest, 8, rest.size);
        } else {
            uint32_t size = get_u32(rest.data);
            rest = str_slice(rest, 4, rest.size);
            if (size > rest.size) {
                return ERR_CORRUPT;
            }
            struct str text = str_slice(rest, 0, size);
            memcpy(field, &text, sizeof text);
            rest = str_slice(rest, size, rest.size);
        }
        field += *layout == 'n' ? sizeof(uint64_t) : sizeof(struct str);
    }
    if (rest.size != 0) {
        return ERR_CORRUPT;
    }
    *ret = message;
    return OK;
}

static size_t packet_size(const struct message *message, bool large)
{
    size_t size = HEADER_SIZE;
    const char *field = (const char *)&message->setup;
    for (const char *layout = layouts[message->type]; *layout != '\0'; layout++) {
        if (*layout == 'n') {
            size += 8;
        } else {
            struct str text;
            memcpy(&text, field, sizeof text);
            size += 4 + (large && layout[1] == '\0' ? 0 : text.size);
        }
        field = field_next(layout, field);
    }
    return size;
}

static void packet_fill(const struct message *message, bool large, char *packet)
{
    memset(packet, 0, HEADER_SIZE);
    put_u16(packet, VERSION);
    put_u16(packet + 2, (uint16_t)message->type);
    put_u32(packet + 4, large ? FLAG_LARGE : 0);
    put_u32(packet + 8, (uint32_t)(packet_size(message, large) - HEADER_SIZE));
    char *at = packet + HEADER_SIZE;
    const char *field = (const char *)&message->setup;
    for (const char *layout = layouts[message->type]; *layout != '\0'; layout++) {
        if (*layout == 'n') {
            memcpy(at, field, 8);
            at += 8;
        } else {
            struct str text;
            memcpy(&text, field, sizeof text);
            if (large && layout[1] == '\0') {
                text.size = 0;
            }
            put_u32(at, (uint32_t)text.size);
            if (text.size > 0) {
                memcpy(at + 4, text.data, text.size);
            }
            at += 4 + text.size;
        }
        field = field_next(layout, field);
    }
}

/* The last field, if it is a text. */
static struct str *text_last(struct message *message)
{
    char *field = body_of(message);
    const char *layout = layouts[message->type];
    for (; layout[1] != '\0'; layout++) {
        field += *layout == 'n' ? sizeof(uint64_t) : sizeof(struct str);
    }
    return *layout == 't' ? (struct str *)(void *)field : NULL;
}
