/*
 * The growing buffer.  Capacity doubles, never past size_max, so a caller who names a sensible
 * ceiling has bounded both the memory and the time that a hostile peer can cost.
 */

#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_CAPACITY_MIN 256

void buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf){.size_max = size_max};
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
}

enum err buf_append(struct buf *buf, struct str bytes)
{
    char *room;
    if (bytes.size == 0) {
        return OK;
    }
    enum err err = buf_extend(buf, bytes.size, &room);
    if (err == OK) {
        memcpy(room, bytes.data, bytes.size);
    }
    return err;
}

enum err buf_append_byte(struct buf *buf, char byte)
{
    return buf_append(buf, (struct str){&byte, 1});
}

enum err buf_print(struct buf *buf, const char *format, ...)
{
    char small[512];
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    enum err err = ERR_SYNTAX;
    if (size >= 0 && (size_t)size < sizeof small) {
        err = buf_append(buf, str_of(small, (size_t)size));
    } else if (size >= 0) {
        char *room;
        size_t size_before = buf->size;
        err = buf_extend(buf, (size_t)size + 1, &room);
        if (err == OK) {
            (void)vsnprintf(room, (size_t)size + 1, format, again);
            buf->size = size_before + (size_t)size;
        }
    }
    va_end(again);
    return err;
}

enum err buf_extend(struct buf *buf, size_t size, char **ret)
{
    size_t wanted;
    if (__builtin_add_overflow(buf->size, size, &wanted) || wanted > buf->size_max) {
        return ERR_LIMIT;
    }
    if (wanted > buf->capacity) {
        size_t capacity = buf->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : buf->capacity;
        while (capacity < wanted) {
            capacity = capacity > buf->size_max / 2 ? buf->size_max : capacity * 2;
        }
        char *data = realloc(buf->data, capacity);
        if (data == NULL) {
            return ERR_MEMORY;
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    *ret = buf->data == NULL ? NULL : buf->data + buf->size; /* nothing of nothing is asked for */
    buf->size = wanted;
    return OK;
}

void buf_consume(struct buf *buf, size_t size)
{
    assert(size <= buf->size);
    if (size > 0 && size < buf->size) {
        memmove(buf->data, buf->data + size, buf->size - size);
    }
    buf->size -= size;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data, buf->size};
}
