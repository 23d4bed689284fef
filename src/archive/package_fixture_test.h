#pragma once

/* Three days of two clients, and packages of them. */

#include "archive/fixture_test.h"
#include "archive/package.h"

#define STORE_HOUR (3600 * NS_PER_SECOND)
#define STORE_DAY  (24 * STORE_HOUR)

/* On the real disk; client 7 has the sources 70, 71 and 72, client 8 has 80; a head every half hour
 * over `hours` hours from the beginning of 2026-11-20. */
struct fixture *store_new(unsigned hours);
struct wall store_begin(void);
/* A package of client 7 as NAME in the fixture's folder: the second day of sources 70 and 71. */
struct package_request store_request(void);
enum err store_package(struct fixture *fixture, const struct package_request *request,
                       const char *name, struct package_told *ret);

struct store_said {
    uint64_t count;
    char part[64], what[WHY_TEXT_SIZE];
};
/* anchor: the one of the keys' folder. */
enum err store_verify(struct fixture *fixture, const char *name, struct str heads,
                      struct store_said *said, struct package_judged *ret);
/* The second reader: its exit code. */
int store_second(const struct fixture *fixture, const char *name, const char *options);

/* What most tests of packages begin with: such days, what is asked of them, and what was said. */
struct trial {
    struct fixture *fixture;
    struct package_request request;
    struct package_told told;
    struct package_judged judged;
    struct store_said said;
};
/* asked: so many hours of the second day; 0: as store_request has it. */
struct trial trial_begin(unsigned hours, unsigned asked);
enum err trial_package(struct trial *trial, const char *name);
enum err trial_verify(struct trial *trial, const char *name); /* without heads that were kept */
void trial_end(struct trial *trial);
