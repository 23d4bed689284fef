/*
 * Text written in many small pieces: the first error stays, and later pieces are passed over, so
 * that whoever writes looks once, at the end.
 */

#include "document/writer.h"
#include "codec/json_text.h"

#include "document/private.h"

void writer_add(struct writer *writer, const char *text)
{
    writer_add_str(writer, str_from(text));
}

void writer_add_str(struct writer *writer, struct str text)
{
    if (writer->err == OK) {
        writer->err = buf_append(writer->out, text);
    }
}

void writer_quote(struct writer *writer, struct str text)
{
    if (writer->err == OK) {
        writer->err = json_print(writer->out, text);
    }
}

void writer_number(struct writer *writer, int64_t number)
{
    if (writer->err == OK) {
        writer->err = buf_print(writer->out, "%lld", (long long)number);
    }
}

void writer_blanks(struct writer *writer, unsigned count)
{
    for (; count > 0; count--) {
        writer_add_str(writer, STR(" "));
    }
}

enum err path_add(struct buf *path, struct str key, size_t *ret_before)
{
    size_t before = path->size;
    enum err err = before > 0 ? buf_append_byte(path, '/') : OK;
    err = err == OK ? buf_append(path, key) : err;
    if (err != OK) {
        path->size = before;
        return err;
    }
    *ret_before = before;
    return OK;
}

void path_cut(struct buf *path, size_t before)
{
    path->size = before;
}
