/*
 * The table of files, searched by halves.
 *
 * Always true: the table is in the order of the paths' bytes and has /index.html; tools/site.py
 * refuses a folder without it.
 */

#include "portal/site.h"

#include <assert.h>

#include "portal/site_table.h"

const struct site_file *site_find(struct str path)
{
    size_t low = 0;
    size_t high = site_table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(str_from(site_table[middle].path), path);
        if (order == 0) {
            return &site_table[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct site_file *site_page(void)
{
    const struct site_file *page = site_find(STR("/index.html"));
    assert(page != NULL);
    return page;
}

const struct site_file *site_at(size_t index)
{
    return index < site_table_count ? &site_table[index] : NULL;
}
