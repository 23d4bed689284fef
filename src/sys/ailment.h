#pragma once

/*
 * What ails a folder, in the system's own words, for the sentence that an operator reads: it is
 * read-only, a quota is used up, there are too many open files.  An `enum err` says no more than
 * that it failed.
 */

#include <stddef.h>

/* Tries to make, write, sync and remove a file there.  NULL: that works; else what is wrong, valid
 * until the next call. */
const char *folder_ailment(const char *folder);
