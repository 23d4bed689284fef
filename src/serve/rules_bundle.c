/* A walk over rule folders: at most RULES_MAX files, RULES_SIZE_MAX bytes and FOLDERS_DEEP levels.
 */

#include "serve/rules_bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "detect/detect.h"
#include "sys/disk.h"

#define FOLDERS_DEEP 16

static enum err path_read(const char *path, unsigned depth, size_t *count, struct buf *bundle,
                          struct why *why);

enum err rules_bundle_read(const struct config *config, struct buf *ret, struct why *why)
{
    size_t count = 0;
    enum err err = OK;
    buf_init(ret, RULES_SIZE_MAX);
    for (size_t i = 0; i < config->rules_count && err == OK; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%.*s", STR_ARG(config->rules[i]));
        err = path_read(path, 0, &count, ret, why);
    }
    if (err != OK) {
        buf_done(ret);
    }
    return err;
}

static enum err file_read_rule(const char *path, size_t *count, struct buf *bundle, struct why *why)
{
    struct str name = str_from(path);
    if (!str_ends(name, STR(".yml")) && !str_ends(name, STR(".yaml"))) {
        return OK;
    }
    if (++*count > RULES_MAX) {
        return why_say(why, ERR_LIMIT, 0, "more than %d rule files", RULES_MAX);
    }
    char *text;
    size_t size;
    enum err err = disk_read_whole(disk_real(), path, YAML_SIZE_MAX, &text, &size, why);
    if (err == OK) {
        err = ruleset_pack(bundle, name, str_of(text, size));
        free(text);
    }
    return err == ERR_LIMIT ? why_say(why, err, 0, "%s: the rules are too large together", path)
                            : err;
}

static enum err folder_read(const char *path, unsigned depth, size_t *count, struct buf *bundle,
                            struct why *why)
{
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, alphasort);
    enum err err = OK;
    if (found < 0) {
        return why_say(why, err_from_errno(errno), 0, "%s: %s", path, strerror(errno));
    }
    for (int i = 0; i < found; i++) {
        char below[4096];
        if (err == OK && entries[i]->d_name[0] != '.' &&
            snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name) < (int)sizeof below) {
            err = path_read(below, depth + 1, count, bundle, why);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

static enum err path_read(const char *path, unsigned depth, size_t *count, struct buf *bundle,
                          struct why *why)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return why_say(why, err_from_errno(errno), 0, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return depth > FOLDERS_DEEP ? why_say(why, ERR_LIMIT, 0, "%s: too deep", path)
                                    : folder_read(path, depth, count, bundle, why);
    }
    return S_ISREG(status.st_mode) ? file_read_rule(path, count, bundle, why) : OK;
}
