#pragma once

/* Sums over the pages of ledger.db: for the VFS, and for who looks at the file alone. */

#include "ledger/ledger.h"

#define PAGE_SUM_SIZE 8

/* Whether bytes at this place of the file are one whole page. */
bool page_is_whole(uint64_t offset, size_t size);
/* Of the file's first bytes: whether its pages have sums. */
bool page_header_sums(const void *bytes, size_t size);
void page_sum_put(void *page, size_t size, uint64_t offset);
bool page_sum_holds(const void *page, size_t size, uint64_t offset);
