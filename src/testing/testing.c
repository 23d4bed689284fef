/* Enrolment, checks and folders for tests; the main() of every room's test program.  With
 * arguments, runs only the tests whose names hold one of them. */

#include "testing/testing.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTS_MAX   2000
#define FOLDERS_MAX 4000

#define SANITIZED_TIMES 10
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static struct CMUnitTest tests[TESTS_MAX];
static size_t tests_count;
static size_t skipped;
static char *folders[FOLDERS_MAX];
static size_t folders_count;

static void test_run(void **state)
{
    void (*test)(void);
    memcpy(&test, state, sizeof test);
    test();
}

void testing_enrol(const char *name, void (*test)(void))
{
    if (tests_count == TESTS_MAX) {
        abort();
    }
    struct CMUnitTest *unit = &tests[tests_count++];
    *unit = (struct CMUnitTest){.name = name, .test_func = test_run};
    memcpy(&unit->initial_state, &test, sizeof test);
}

void testing_fail(const char *condition, const char *file, int line)
{
    _assert_true(0, condition, file, line);
    abort();
}

void testing_skip(const char *reason)
{
    printf("skipped: %s\n", reason);
    skipped++;
    skip();
    abort();
}

static void folders_remove(void)
{
    for (size_t i = 0; i < folders_count; i++) {
        char command[4200];
        if (snprintf(command, sizeof command, "rm -rf '%s'", folders[i]) > 0) {
            (void)!system(command);
        }
        free(folders[i]);
    }
}

const char *testing_folder(void)
{
    const char *base = getenv("TMPDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/hinomi-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL || folders_count == FOLDERS_MAX) {
        perror("mkdtemp");
        abort();
    }
    if (folders_count == 0 && atexit(folders_remove) != 0) {
        abort();
    }
    char *kept = strdup(path);
    folders[folders_count++] = kept;
    return kept;
}

const char *testing_data(void)
{
    const char *data = getenv("HINOMI_TEST_DATA");
    return data != NULL && data[0] != '\0' ? data : NULL;
}

const char *testing_root(void)
{
    const char *root = getenv("HINOMI_ROOT");
    return root != NULL ? root : ".";
}

char *testing_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        abort();
    }
    char *data = NULL;
    size_t size = 0;
    size_t capacity = 0;
    for (;;) {
        if (size + 65536 + 1 > capacity) {
            capacity = (size + 65536 + 1) * 2;
            data = realloc(data, capacity);
            if (data == NULL) {
                abort();
            }
        }
        size_t got = fread(data + size, 1, 65536, file);
        if (got == 0) {
            break;
        }
        size += got;
    }
    (void)fclose(file);
    data[size] = '\0';
    if (ret_size != NULL) {
        *ret_size = size;
    }
    return data;
}

void testing_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || (size > 0 && fwrite(data, 1, size, file) != size) || fclose(file) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        abort();
    }
}

void testing_flip(const char *path, size_t offset, unsigned char mask)
{
    FILE *file = fopen(path, "r+b");
    if (file == NULL || fseek(file, (long)offset, SEEK_SET) != 0) {
        abort();
    }
    int byte = fgetc(file);
    if (byte == EOF || fseek(file, (long)offset, SEEK_SET) != 0 ||
        fputc(byte ^ mask, file) == EOF || fclose(file) != 0) {
        abort();
    }
}

double testing_cpu(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double testing_cpu_allowed(double seconds)
{
    return SANITIZED ? seconds * SANITIZED_TIMES : seconds;
}

int main(int argc, char **argv)
{
    size_t kept = 0;
    for (size_t i = 0; i < tests_count; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++) {
            wanted = wanted || strstr(tests[i].name, argv[a]) != NULL;
        }
        if (wanted) {
            tests[kept++] = tests[i];
        }
    }
    int failed = _cmocka_run_group_tests("tests", tests, kept, NULL, NULL);
    printf("%zu passed, %d failed", kept - (size_t)failed - skipped, failed);
    printf(skipped > 0 ? ", %zu skipped\n" : "\n", skipped);
    return failed == 0 ? 0 : 1;
}
