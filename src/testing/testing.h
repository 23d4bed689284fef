#pragma once

/*
 * For _test.c and _fuzz.c alone.  A test enrols itself; its name is a sentence that must stay true:
 *
 *     TEST(a_flipped_bit_is_found) { CHECK(…); }
 *
 * cmocka stands underneath.  A whole run ends in one line, "N passed, N failed".
 */

#include <stddef.h>

#define TEST(name)                                              \
    static void name(void);                                     \
    __attribute__((constructor)) static void name##_enrol(void) \
    {                                                           \
        testing_enrol(#name, name);                             \
    }                                                           \
    static void name(void)

/* Ends the test as failed unless the condition holds; compilers know that it does afterwards. */
#define CHECK(condition) ((condition) ? (void)0 : testing_fail(#condition, __FILE__, __LINE__))

void testing_enrol(const char *name, void (*test)(void));
__attribute__((noreturn)) void testing_fail(const char *condition, const char *file, int line);

/* Ends the test here as skipped, with its reason on the output. */
__attribute__((noreturn)) void testing_skip(const char *reason);

/* A fresh empty folder, removed with all it holds when the process ends.  The path is kept. */
const char *testing_folder(void);

/* The unpacked test data (HINOMI_TEST_DATA), or NULL: the test then skips. */
const char *testing_data(void);
/* The project's root, for rules/ and examples/. */
const char *testing_root(void);

/* A whole file in memory that the caller frees, with a NUL behind it. */
char *testing_read(const char *path, size_t *ret_size);
/* Writes a file whole. */
void testing_write(const char *path, const void *data, size_t size);
/* Flips the bits of `mask` in the byte at `offset` of a file. */
void testing_flip(const char *path, size_t offset, unsigned char mask);

/* Seconds of processor time that this process has used; the difference of two is what lay between.
 */
double testing_cpu(void);
/* What may take `seconds` of processor time in an ordinary build, in this one: sanitizers make code
 * slower, some of it ten times. */
double testing_cpu_allowed(double seconds);
