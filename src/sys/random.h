#pragma once

/* Randomness from the kernel, fit for keys.  A kernel that has none ends the process. */

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *to, size_t size);
uint64_t random_u64(void);
