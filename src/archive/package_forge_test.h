#pragma once

/* Packages that somebody has been at: each part may be changed, and the manifest is made to agree,
 * as whoever attacks would do. */

#include "archive/package_fixture_test.h"
#include "base/buf.h"

typedef void package_edit(const char *name, struct buf *bytes);

/* Package `to` out of package `from`. */
void package_forge(struct fixture *fixture, const char *from, const char *to, package_edit *edit);
/* leaves_too: the manifest agrees also in what it says of the leaves together. */
void package_forge_as(struct fixture *fixture, const char *from, const char *to, package_edit *edit,
                      bool leaves_too);
/* Both readers must find it. */
void package_attack(package_edit *edit, const char *what);
/* For pack_open: into a struct buf. */
enum err package_forged_write(void *context, struct str bytes);
/* The first text in place of the second; false if that is not there. */
bool package_put_instead(struct buf *manifest, const char *to, const char *from);
void package_cut(struct buf *bytes, size_t at, size_t size);

/* In leaves.bin: where the entries begin, the size of the one at a place, the first whole one. */
size_t package_leaves_at(const struct buf *bytes);
size_t package_leaf_size(const struct buf *bytes, size_t at);
size_t package_whole_find(const struct buf *bytes);
/* What a whole entry says of its leaf; its times are still to be found in its records. */
struct leaf_head package_leaf_head(const char *entry);
/* An edit, or the beginning of one: the first line leaves lines.raw and stands in leaves.bin, as
 * lines do that nobody asked for. */
void package_line_move(const char *name, struct buf *bytes);

/* One batch of source 70 into the archive: each text as often as wanted, one after the other. */
void package_lines_append(struct fixture *fixture, struct arena *mem, const struct str *texts,
                          size_t count, unsigned times, uint64_t number);
/* Of all that is in the archive. */
struct package_request package_all_of(const struct fixture *fixture);
