/*
 * Time zones by name, each read from its file once and kept.
 *
 * Always true: a name leads to a file below the folder and nowhere else: it is made of letters,
 * digits and "+-_", in parts between single slashes.  The folder's second and third copy, posix/
 * and right/ (the latter with leap seconds), are no zones: so the names that exist are fewer than
 * ZONES_MAX, and no client's calendars can fill the table for others.
 */

#include "calendar/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "sys/disk.h"

#define NAME_SIZE_LIMIT 64
#define PATH_SIZE       4096

struct zones {
    char *folder;
    struct map found; /* name to struct zone */
};

static bool name_fits(struct str name);
static enum err zone_load(const struct zones *zones, struct str name, struct zone **ret,
                          struct why *why);

enum err zones_new(const char *folder, struct zones **ret)
{
    struct zones *zones = calloc(1, sizeof *zones);
    if (zones == NULL) {
        return ERR_MEMORY;
    }
    zones->folder = strdup(folder);
    if (zones->folder == NULL) {
        free(zones);
        return ERR_MEMORY;
    }
    map_init(&zones->found, ZONES_MAX, 0);
    *ret = zones;
    return OK;
}

void zones_free(struct zones *zones)
{
    size_t cursor = 0;
    struct str name;
    uint64_t value;
    if (zones == NULL) {
        return;
    }
    while (map_next(&zones->found, &cursor, &name, &value)) {
        zone_free((struct zone *)(uintptr_t)value);
    }
    map_done(&zones->found);
    free(zones->folder);
    free(zones);
}

enum err zones_find(struct zones *zones, struct str name, const struct zone **ret, struct why *why)
{
    struct zone *zone;
    uint64_t value;
    if (map_get(&zones->found, name, &value)) {
        *ret = (const struct zone *)(uintptr_t)value;
        return OK;
    }
    if (!name_fits(name)) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no time zone '%.*s'", STR_ARG(name));
    }
    enum err err = zone_load(zones, name, &zone, why);
    if (err != OK) {
        return err;
    }
    err = map_put(&zones->found, name, (uintptr_t)zone);
    if (err != OK) {
        zone_free(zone);
        return err;
    }
    *ret = zone;
    return OK;
}

static bool name_fits(struct str name)
{
    char before = '/';
    if (str_starts(name, STR("posix/")) || str_starts(name, STR("right/"))) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '_';
        if (!plain && (byte != '/' || before == '/')) {
            return false;
        }
        before = byte;
    }
    return name.size > 0 && name.size <= NAME_SIZE_LIMIT && before != '/';
}

/* Many zones are links to others. */
static enum err file_load(const char *path, char **ret, size_t *ret_size)
{
    struct file *file;
    uint64_t size;
    size_t got = 0;
    enum err err = disk_open(disk_real(), path, DISK_READ_LINKED, &file, NULL);
    if (err != OK) {
        return err;
    }
    err = file_size(file, &size);
    if (err == OK && size > ZONE_FILE_SIZE_MAX) {
        err = ERR_LIMIT;
    }
    char *bytes = err == OK ? malloc(ZONE_FILE_SIZE_MAX) : NULL;
    if (err == OK) {
        err = bytes == NULL ? ERR_MEMORY : file_read(file, 0, bytes, (size_t)size, &got);
    }
    file_close(file);
    if (err != OK) {
        free(bytes);
        return err;
    }
    *ret = bytes;
    *ret_size = got;
    return OK;
}

static enum err zone_load(const struct zones *zones, struct str name, struct zone **ret,
                          struct why *why)
{
    char path[PATH_SIZE];
    char *bytes;
    size_t size;
    if (snprintf(path, sizeof path, "%s/%.*s", zones->folder, STR_ARG(name)) >= (int)sizeof path) {
        return ERR_LIMIT;
    }
    enum err err = file_load(path, &bytes, &size);
    if (err == OK) {
        err = zone_decode(str_of(bytes, size), ret);
        free(bytes);
    }
    if (err != OK && err != ERR_MEMORY) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no time zone '%.*s' in %s: %s",
                       STR_ARG(name), zones->folder, err_text(err));
    }
    return err;
}

enum err zones_at(struct zones *zones, struct str name, struct wall at, struct zone_moment *ret,
                  struct why *why)
{
    const struct zone *zone;
    struct zone_stretch stretch;
    enum err err = zones_find(zones, name, &zone, why);
    if (err != OK) {
        return err;
    }
    zone_stretch(zone, at.ns / NS_PER_SECOND, &stretch);
    *ret = (struct zone_moment){stretch.offset, stretch.offset, WALL_NONE};
    if (stretch.to < INT64_MAX / NS_PER_SECOND) {
        ret->until = (struct wall){stretch.to * NS_PER_SECOND};
        ret->next_seconds = zone_offset(zone, stretch.to);
    }
    return OK;
}
