#pragma once

/*
 * A chunk of an event log, written token by token, for tests, the fuzzer and the benchmark:
 *
 *     fixture_begin → fixture_event …, or record_begin → element_open … → record_end
 */

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/evtx.h"

struct fixture {
    unsigned char bytes[EVTX_CHUNK_SIZE];
    size_t at;
    size_t record;     /* of the record begun */
    size_t definition; /* of the first event's template; 0: none yet */
    uint64_t number;
};

static inline void fixture_u8(struct fixture *fixture, unsigned value)
{
    fixture->bytes[fixture->at++] = (unsigned char)value;
}

static inline void fixture_u16(struct fixture *fixture, unsigned value)
{
    put_u16(fixture->bytes + fixture->at, (uint16_t)value);
    fixture->at += 2;
}

static inline void fixture_u32(struct fixture *fixture, size_t value)
{
    put_u32(fixture->bytes + fixture->at, (uint32_t)value);
    fixture->at += 4;
}

static inline void fixture_u64(struct fixture *fixture, uint64_t value)
{
    put_u64(fixture->bytes + fixture->at, value);
    fixture->at += 8;
}

static inline void fixture_begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    memcpy(fixture->bytes, "ElfChnk", 8);
    fixture->at = 512;
}

/* UTF-16 of ASCII. */
static inline void fixture_text(struct fixture *fixture, const char *text)
{
    for (; *text != '\0'; text++) {
        fixture_u16(fixture, (unsigned char)*text);
    }
}

/* A name, told where it stands. */
static inline void fixture_name(struct fixture *fixture, const char *name)
{
    fixture_u32(fixture, fixture->at + 4);
    fixture_u32(fixture, 0);
    fixture_u16(fixture, 0);
    fixture_u16(fixture, (unsigned)strlen(name));
    fixture_text(fixture, name);
    fixture_u16(fixture, 0);
}

static inline void record_begin(struct fixture *fixture)
{
    fixture->record = fixture->at;
    fixture_u32(fixture, 0x2a2a);
    fixture_u32(fixture, 0);
    fixture_u64(fixture, ++fixture->number);
    fixture_u64(fixture, 134000000000000000ULL);
    fixture_u32(fixture, 0x0001010f);
}

static inline void record_end(struct fixture *fixture)
{
    fixture_u8(fixture, 0);
    size_t size = fixture->at + 4 - fixture->record;
    fixture_u32(fixture, size);
    put_u32(fixture->bytes + fixture->record + 4, (uint32_t)size);
    put_u32(fixture->bytes + 48, (uint32_t)fixture->at);
}

/* An element; within templates it has a dependency identifier. */
static inline void element_open(struct fixture *fixture, const char *name, int dependency,
                                int attributes)
{
    fixture_u8(fixture, attributes ? 0x41 : 0x01);
    if (dependency) {
        fixture_u16(fixture, 0xffff);
    }
    fixture_u32(fixture, 0);
    fixture_name(fixture, name);
    if (attributes) {
        fixture_u32(fixture, 0);
    }
}

static inline void attribute(struct fixture *fixture, const char *name)
{
    fixture_u8(fixture, 0x06);
    fixture_name(fixture, name);
}

static inline void value_text(struct fixture *fixture, const char *text)
{
    fixture_u8(fixture, 0x05);
    fixture_u8(fixture, 0x01);
    fixture_u16(fixture, (unsigned)strlen(text));
    fixture_text(fixture, text);
}

static inline void slot(struct fixture *fixture, unsigned index, unsigned type)
{
    fixture_u8(fixture, 0x0e);
    fixture_u16(fixture, index);
    fixture_u8(fixture, type);
}

static inline void start_close(struct fixture *fixture)
{
    fixture_u8(fixture, 0x02);
}

static inline void element_close(struct fixture *fixture)
{
    fixture_u8(fixture, 0x04);
}

/* An element with one slot. */
static inline void element_slot(struct fixture *fixture, const char *name, unsigned index,
                                unsigned type)
{
    element_open(fixture, name, 1, 0);
    start_close(fixture);
    slot(fixture, index, type);
    element_close(fixture);
}

/* The head of an instance; without a definition yet, that has to follow, up to definition_end. */
static inline void instance_begin(struct fixture *fixture, size_t definition)
{
    fixture_u8(fixture, 0x0c);
    fixture_u8(fixture, 1);
    fixture_u32(fixture, 7);
    fixture_u32(fixture, definition != 0 ? definition : fixture->at + 4);
}

static inline size_t definition_begin(struct fixture *fixture)
{
    size_t at = fixture->at;
    memset(fixture->bytes + at, 0, 24);
    fixture->at += 24;
    fixture_u32(fixture, 0x0001010f);
    return at;
}

static inline void definition_end(struct fixture *fixture, size_t at)
{
    fixture_u8(fixture, 0);
    put_u32(fixture->bytes + at + 20, (uint32_t)(fixture->at - at - 24));
}

static inline void slot_type(struct fixture *fixture, size_t size, unsigned type)
{
    fixture_u16(fixture, (unsigned)size);
    fixture_u16(fixture, type);
}

/* Event/System and an EventData with two fields and one that is any type's. */
static inline void event_definition(struct fixture *fixture, unsigned type)
{
    size_t at = definition_begin(fixture);
    element_open(fixture, "Event", 1, 1);
    attribute(fixture, "xmlns");
    value_text(fixture, "u");
    start_close(fixture);
    element_open(fixture, "System", 1, 0);
    start_close(fixture);
    element_open(fixture, "Provider", 1, 1);
    attribute(fixture, "Name");
    value_text(fixture, "P");
    fixture_u8(fixture, 0x03);
    element_slot(fixture, "EventID", 0, 0x06);
    element_open(fixture, "TimeCreated", 1, 1);
    attribute(fixture, "SystemTime");
    slot(fixture, 1, 0x11);
    fixture_u8(fixture, 0x03);
    element_close(fixture);
    element_open(fixture, "EventData", 1, 0);
    start_close(fixture);
    element_open(fixture, "Data", 1, 1);
    attribute(fixture, "Name");
    value_text(fixture, "Image");
    start_close(fixture);
    slot(fixture, 2, 0x01);
    element_close(fixture);
    element_open(fixture, "Data", 1, 1);
    attribute(fixture, "Name");
    value_text(fixture, "Any");
    start_close(fixture);
    slot(fixture, 3, type);
    element_close(fixture);
    element_close(fixture);
    element_close(fixture);
    definition_end(fixture, at);
    fixture->definition = at;
}

/* A record of the template above: its Any has that type and those bytes. */
static inline void fixture_event(struct fixture *fixture, const char *image, unsigned type,
                                 const void *any, size_t size)
{
    record_begin(fixture);
    instance_begin(fixture, fixture->definition);
    if (fixture->definition == 0) {
        event_definition(fixture, type);
    }
    fixture_u32(fixture, 4);
    slot_type(fixture, 2, 0x06);
    slot_type(fixture, 8, 0x11);
    slot_type(fixture, 2 * strlen(image), 0x01);
    slot_type(fixture, size, type);
    fixture_u16(fixture, 4688);
    fixture_u64(fixture, 134000000001234567ULL);
    fixture_text(fixture, image);
    if (size > 0) {
        memcpy(fixture->bytes + fixture->at, any, size);
    }
    fixture->at += size;
    record_end(fixture);
}
