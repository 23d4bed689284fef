#pragma once

/* The one place where libarchive's headers are included: for unpack.c, which reads, and pack.c,
 * which writes. */

#include <archive.h>       /* IWYU pragma: export */
#include <archive_entry.h> /* IWYU pragma: export */
