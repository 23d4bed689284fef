/*
 * The parts of a package on their way into the zip: gathered, hashed, packed, written.  The zip's
 * bytes go to the file from its beginning, and count when it is synced.
 */

#include "archive/package_private.h"

#include <stdlib.h>
#include <string.h>

#include "sys/pack.h"

#define BUFFER_SIZE (256 * 1024)

enum err room_check(uint64_t size, uint64_t room, struct why *why)
{
    return room == 0 || size <= room
               ? OK
               : why_say(why, ERR_FULL, 0,
                         "it takes more than the %llu MiB of disk that there are for one package",
                         (unsigned long long)(room >> 20));
}

static enum err zip_write(void *context, struct str bytes)
{
    struct package_out *out = context;
    if (out->at + bytes.size > PACKAGE_SIZE_MAX) {
        return ERR_LIMIT;
    }
    enum err err = room_check(out->at + bytes.size, out->room, out->why);
    err = err == OK ? file_write(out->to, out->at, bytes.data, bytes.size) : err;
    out->at += bytes.size;
    return err;
}

enum err package_out_open(struct package_out *out, struct file *to,
                          const struct package_request *request, struct package_told *told,
                          struct why *why)
{
    *out = (struct package_out){
        .to = to, .room = request->room, .now = request->now, .told = told, .why = why};
    out->buffer = malloc(BUFFER_SIZE);
    return out->buffer == NULL ? ERR_MEMORY : pack_open(request->level, zip_write, out, &out->pack);
}

enum err part_begin(struct package_out *out, const char *name)
{
    if (out->told->parts_count == PACKAGE_PARTS_MAX ||
        strlen(name) >= sizeof out->told->parts[0].name) {
        return ERR_LIMIT;
    }
    enum err err = pack_member(out->pack, name, out->now, out->why);
    if (err == OK) {
        struct package_part *part = &out->told->parts[out->told->parts_count];
        memcpy(part->name, name, strlen(name) + 1);
        out->run = sha256_begin();
        out->size = 0;
    }
    return err;
}

static enum err part_flush(struct package_out *out, struct str bytes)
{
    sha256_add(out->run, bytes);
    return pack_write(out->pack, bytes, out->why);
}

enum err part_put(struct package_out *out, struct str bytes)
{
    enum err err = OK;
    out->size += bytes.size;
    if (bytes.size > BUFFER_SIZE - out->held) {
        err = part_flush(out, str_of(out->buffer, out->held));
        out->held = 0;
    }
    if (err == OK && bytes.size > BUFFER_SIZE) {
        return part_flush(out, bytes);
    }
    if (err == OK && bytes.size > 0) {
        memcpy(out->buffer + out->held, bytes.data, bytes.size);
        out->held += bytes.size;
    }
    return err;
}

enum err part_end(struct package_out *out)
{
    enum err err = part_flush(out, str_of(out->buffer, out->held));
    struct package_part *part = &out->told->parts[out->told->parts_count];
    out->held = 0;
    part->size = out->size;
    part->hash = sha256_end(out->run);
    out->run = NULL;
    out->told->parts_count += err == OK;
    return err;
}

enum err part_whole(struct package_out *out, const char *name, struct str bytes)
{
    enum err err = part_begin(out, name);
    err = err == OK ? part_put(out, bytes) : err;
    return err == OK ? part_end(out) : err;
}

enum err package_out_end(struct package_out *out, struct str manifest)
{
    enum err err = pack_member(out->pack, "manifest.json", out->now, out->why);
    err = err == OK ? pack_write(out->pack, manifest, out->why) : err;
    err = err == OK ? pack_end(out->pack, out->why) : err;
    err = err == OK ? file_truncate(out->to, out->at) : err;
    return err == OK ? file_sync(out->to) : err;
}

void package_out_done(struct package_out *out)
{
    if (out->run != NULL) {
        (void)sha256_end(out->run);
    }
    pack_close(out->pack);
    free(out->buffer);
    *out = (struct package_out){0};
}
