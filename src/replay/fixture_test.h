#pragma once

/* For the tests of replay/: a scan whose output is kept, and archives made by hand. */

#include "base/buf.h"
#include "replay/replay.h"

/* Of the last scan. */
extern char lines[1024 * 1024];
extern char complaints[65536];
extern size_t lines_count;

struct ruleset *rules_at(const char *path);
/* With so many threads; 0: one. */
struct replay_stats scan_threads(const struct ruleset *ruleset, const char *path,
                                 enum replay_format format, unsigned threads);
/* A file in a folder of its own, scanned for the word "wanted". */
struct replay_stats scan_text(const char *name, const void *data, size_t size);
#define SCAN(name, text) scan_text((name), (text), sizeof(text) - 1)
/* What scan_text scans with. */
struct ruleset *wanted_rules(void);
enum err line_keep(void *context, struct str line);
void complaint_keep(void *context, const char *path, const char *reason);

/* Archives, appended to `out` a member at a time; the zip's end comes last. */
void tar_add(struct buf *out, const char *path, struct str data);
void zip_add(struct buf *out, struct buf *directory, const char *path, struct str data,
             bool encrypted);
void zip_end(struct buf *out, const struct buf *directory);
void gz_add(struct buf *out, struct str data);
