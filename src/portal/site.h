#pragma once

/*
 * The front end's files, which are part of the program: made by tools/web.sh, turned into a table
 * by tools/site.py.
 *
 *     site_find, site_page
 */

#include "base/str.h"

struct site_file {
    const char *path; /* "/index.html" */
    const char *type;
    const char *tag; /* the value of ETag, of both forms */
    struct str plain;
    struct str gzip; /* empty: it is not worth it */
    bool immutable;  /* its name has a hash of it, so a browser may keep it */
};

/* The file at a path as it stands in a request, percent-encoding and all; NULL: there is none. */
const struct site_file *site_find(struct str path);
/* The page that every address of the front end shows. */
const struct site_file *site_page(void);
/* By index, in the order of their paths; NULL at the end. */
const struct site_file *site_at(size_t index);
