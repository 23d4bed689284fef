/*
 * Values of BinXML as text (MS-EVEN6, 2.2.12; the forms are those that the event viewer shows).
 *
 *     integers              decimal                    Boolean     true, false
 *     HexInt32, HexInt64    0x1410, without padding    Binary      0A1B, without blanks
 *     SizeT, EvtHandle      as HexInt                  Sid         S-1-5-18
 *     Real32, Real64        the shortest that reads    Guid        {54849625-5478-…}, capitals
 *                           back as the same number
 *     FileTime, SysTime     RFC 3339, UTC, nine digits of a second
 *     String, AnsiString    up to a NUL at their end; bytes of the latter over 0x7f are taken as
 *                           Latin-1, since nobody says in which code page they are
 *
 * Always true: a value is read with the size that its record gives it; a size that the type cannot
 * have is an error, never a read beyond.
 */

#include <stdio.h>
#include <stdlib.h>

#include "codec/evtx_private.h"
#include "codec/time.h"
#include "codec/utf16.h"

#define TICKS_PER_SECOND 10000000ULL
#define TICKS_TO_1970    116444736000000000ULL

size_t evtx_value_room(size_t size)
{
    return UTF16_JSON_UNIT_MAX * size + 64;
}

static char *decimal(char *to, uint64_t number)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "68697071727374757677787980818283848586878889909192939495969798"
        "99";
    char text[20];
    size_t at = sizeof text;
    while (number >= 100) {
        at -= 2;
        memcpy(text + at, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(text + at, pairs + 2 * number, 2);
    } else {
        text[--at] = (char)('0' + number);
    }
    memcpy(to, text + at, sizeof text - at);
    return to + (sizeof text - at);
}

static char *digits(char *to, unsigned number, unsigned count)
{
    for (unsigned i = count; i-- > 0; number /= 10) {
        to[i] = (char)('0' + number % 10);
    }
    return to + count;
}

static char *hexadecimal(char *to, uint64_t number)
{
    static const char letters[] = "0123456789abcdef";
    unsigned shift = number == 0 ? 0 : (63U - (unsigned)__builtin_clzll(number)) / 4 * 4;
    *to++ = '0';
    *to++ = 'x';
    for (;; shift -= 4) {
        *to++ = letters[number >> shift & 15];
        if (shift == 0) {
            return to;
        }
    }
}

static char *bytes_hex(char *to, const unsigned char *data, size_t size)
{
    static const char letters[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size; i++) {
        *to++ = letters[data[i] >> 4];
        *to++ = letters[data[i] & 15];
    }
    return to;
}

/* An integer of 1, 2, 4 or 8 bytes. */
static bool integer_read(const unsigned char *data, size_t size, uint64_t *ret)
{
    uint64_t number = 0;
    if (size != 1 && size != 2 && size != 4 && size != 8) {
        return false;
    }
    memcpy(&number, data, size);
    *ret = number;
    return true;
}

static char *signed_write(char *to, const unsigned char *data, size_t size)
{
    uint64_t number;
    if (!integer_read(data, size, &number)) {
        return NULL;
    }
    uint64_t sign = 1ULL << (8 * size - 1);
    if ((number & sign) != 0) {
        *to++ = '-';
        number = (sign - (number & (sign - 1)));
    }
    return decimal(to, number);
}

static char *real_write(char *to, const unsigned char *data, size_t size)
{
    float single = 0;
    double number = 0;
    if (size == sizeof single) {
        memcpy(&single, data, sizeof single);
        number = (double)single;
    } else if (size == sizeof number) {
        memcpy(&number, data, sizeof number);
    } else {
        return NULL;
    }
    int most = size == sizeof single ? 9 : 17;
    for (int precision = most - 3; precision <= most; precision++) {
        char text[40];
        int length = snprintf(text, sizeof text, "%.*g", precision, number);
        double again = strtod(text, NULL);
        bool same = size == sizeof single ? !((float)again < single || (float)again > single)
                                          : !(again < number || again > number);
        if (same || precision == most) {
            memcpy(to, text, (size_t)length);
            return to + length;
        }
    }
    return to;
}

static char *guid_write(char *to, const unsigned char *data, size_t size)
{
    static const unsigned char order[] = {3,   2, 1, 0,   255, 5,  4,  255, 7,  6,
                                          255, 8, 9, 255, 10,  11, 12, 13,  14, 15};
    if (size != 16) {
        return NULL;
    }
    *to++ = '{';
    for (size_t i = 0; i < sizeof order; i++) {
        if (order[i] == 255) {
            *to++ = '-';
        } else {
            to = bytes_hex(to, data + order[i], 1);
        }
    }
    *to++ = '}';
    return to;
}

static char *sid_write(char *to, const unsigned char *data, size_t size)
{
    if (size < 8 || size < 8 + 4 * (size_t)data[1]) {
        return NULL;
    }
    uint64_t authority = 0;
    for (size_t i = 2; i < 8; i++) {
        authority = authority << 8 | data[i];
    }
    memcpy(to, "S-", 2);
    to = decimal(to + 2, data[0]);
    *to++ = '-';
    to = authority < 1ULL << 32 ? decimal(to, authority) : hexadecimal(to, authority);
    for (size_t i = 0; i < data[1]; i++) {
        *to++ = '-';
        to = decimal(to, get_u32(data + 8 + 4 * i));
    }
    return to;
}

static char *civil_write(char *to, const struct civil *civil)
{
    to = digits(to, (unsigned)civil->year, 4);
    *to++ = '-';
    to = digits(to, (unsigned)civil->month, 2);
    *to++ = '-';
    to = digits(to, (unsigned)civil->day, 2);
    *to++ = 'T';
    to = digits(to, (unsigned)civil->hour, 2);
    *to++ = ':';
    to = digits(to, (unsigned)civil->minute, 2);
    *to++ = ':';
    return digits(to, (unsigned)civil->second, 2);
}

struct wall evtx_filetime(uint64_t ticks)
{
    /* Some hundred years around now are what 64 bits of nanoseconds hold. */
    int64_t since = (int64_t)(ticks - TICKS_TO_1970);
    if (ticks > (uint64_t)INT64_MAX || since > INT64_MAX / 100 || since < -(INT64_MAX / 100)) {
        return WALL_NONE;
    }
    return (struct wall){since * 100};
}

char *evtx_filetime_print(char *to, uint64_t ticks, unsigned fraction_digits)
{
    /* 400 years have always the same number of days, so years that nanoseconds cannot hold are read
     * as ones between 1801 and 2200. */
    const uint64_t cycle = 146097ULL * 86400 * TICKS_PER_SECOND;
    int cycles = (int)(ticks / cycle);
    uint64_t rest = ticks % cycle;
    struct civil civil;
    if (cycles >= 20) {
        return decimal(to, ticks);
    }
    if (rest < cycle / 2) {
        rest += cycle;
        cycles--;
    }
    struct wall wall = evtx_filetime(rest);
    time_to_civil(wall, &civil);
    civil.year += 400 * cycles;
    to = civil_write(to, &civil);
    *to++ = '.';
    to = digits(to, (unsigned)(ticks % TICKS_PER_SECOND), 7);
    if (fraction_digits > 7) {
        to = digits(to, 0, fraction_digits - 7);
    }
    *to++ = 'Z';
    return to;
}

static char *systemtime_write(char *to, const unsigned char *data, size_t size)
{
    if (size != 16) {
        return NULL;
    }
    struct civil civil = {.year = get_u16(data) % 10000,
                          .month = get_u16(data + 2) % 100,
                          .day = get_u16(data + 6) % 100,
                          .hour = get_u16(data + 8) % 100,
                          .minute = get_u16(data + 10) % 100,
                          .second = get_u16(data + 12) % 100};
    to = civil_write(to, &civil);
    *to++ = '.';
    to = digits(to, get_u16(data + 14) % 1000U, 3);
    to = digits(to, 0, 6);
    *to++ = 'Z';
    return to;
}

static char *string_write(char *to, const unsigned char *data, size_t size)
{
    size_t units = size / 2;
    while (units > 0 && data[2 * units - 1] == 0 && data[2 * units - 2] == 0) {
        units--;
    }
    return utf16_json(to, data, units);
}

static char *ansi_write(char *to, const unsigned char *data, size_t size)
{
    while (size > 0 && data[size - 1] == 0) {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        to = utf16_json_point(to, data[i]);
    }
    return to;
}

static char *text_write(char *to, struct str text)
{
    memcpy(to, text.data, text.size);
    return to + text.size;
}

char *evtx_value_write(char *to, unsigned type, const unsigned char *data, size_t size)
{
    uint64_t number = 0;
    switch (type) {
    case EVTX_NULL:
        return to;
    case EVTX_STRING:
    case EVTX_XML:
        return string_write(to, data, size);
    case EVTX_ANSI:
        return ansi_write(to, data, size);
    case EVTX_INT8:
    case EVTX_INT16:
    case EVTX_INT32:
    case EVTX_INT64:
        return signed_write(to, data, size);
    case EVTX_UINT8:
    case EVTX_UINT16:
    case EVTX_UINT32:
    case EVTX_UINT64:
        return integer_read(data, size, &number) ? decimal(to, number) : NULL;
    case EVTX_REAL32:
    case EVTX_REAL64:
        return real_write(to, data, size);
    case EVTX_BOOL:
        return integer_read(data, size, &number)
                   ? text_write(to, number != 0 ? STR("true") : STR("false"))
                   : NULL;
    case EVTX_GUID:
        return guid_write(to, data, size);
    case EVTX_SIZE:
    case EVTX_HEX32:
    case EVTX_HEX64:
    case EVTX_HANDLE:
        return integer_read(data, size, &number) ? hexadecimal(to, number) : NULL;
    case EVTX_FILETIME:
        return size == 8 ? evtx_filetime_print(to, get_u64(data), 9) : NULL;
    case EVTX_SYSTEMTIME:
        return systemtime_write(to, data, size);
    case EVTX_SID:
        return sid_write(to, data, size);
    default:
        return bytes_hex(to, data, size);
    }
}

/* Strings end with a NUL each; of the other types one item has the size given here. */
static size_t item_size(unsigned type, const unsigned char *data, size_t left)
{
    static const uint8_t sizes[] = {
        [EVTX_INT8] = 1,   [EVTX_UINT8] = 1,    [EVTX_INT16] = 2,       [EVTX_UINT16] = 2,
        [EVTX_INT32] = 4,  [EVTX_UINT32] = 4,   [EVTX_INT64] = 8,       [EVTX_UINT64] = 8,
        [EVTX_REAL32] = 4, [EVTX_REAL64] = 8,   [EVTX_BOOL] = 4,        [EVTX_GUID] = 16,
        [EVTX_SIZE] = 8,   [EVTX_FILETIME] = 8, [EVTX_SYSTEMTIME] = 16, [EVTX_HEX32] = 4,
        [EVTX_HEX64] = 8,
    };
    size_t size = 0;
    switch (type) {
    case EVTX_STRING:
        while (size + 2 <= left && get_u16(data + size) != 0) {
            size += 2;
        }
        return size + 2 <= left ? size + 2 : left;
    case EVTX_ANSI:
        while (size < left && data[size] != 0) {
            size++;
        }
        return size < left ? size + 1 : left;
    case EVTX_SID:
        return left >= 8 ? 8 + 4 * (size_t)data[1] : left;
    default:
        return type < sizeof sizes && sizes[type] != 0 ? sizes[type] : left;
    }
}

bool evtx_item_next(unsigned type, const unsigned char *data, size_t size, size_t *at,
                    struct str *ret)
{
    if (*at >= size) {
        return false;
    }
    size_t item = item_size(type, data + *at, size - *at);
    item = item < size - *at ? item : size - *at;
    *ret = str_of(data + *at, item);
    *at += item;
    return true;
}
