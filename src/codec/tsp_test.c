/* Time-stamps of a small authority: `openssl ts`. */

#include "codec/tsp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/authority.h"
#include "testing/testing.h"

static bool run_in(const char *folder, const char *what)
{
    char command[2048];
    (void)snprintf(command, sizeof command, "cd '%s' && %s >/dev/null 2>&1", folder, what);
    return system(command) == 0;
}

static const char *path_in(const char *folder, const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

TEST(a_time_stamp_of_an_authority_is_taken_and_openssl_verifies_it)
{
    const char *folder = testing_folder();
    struct sha256 hash = sha256_of_bytes(STR("a head"));
    struct sha256 other = sha256_of_bytes(STR("another head"));
    struct buf request;
    struct buf token;
    struct wall time;
    struct why why = {0};
    size_t size;
    char command[1024];
    char digest[2 * SHA256_SIZE + 1];
    if (!testing_authority(folder)) {
        testing_skip("no openssl ts");
    }
    buf_init(&request, 4096);
    buf_init(&token, TSP_ANSWER_MAX);
    CHECK(tsp_request(&hash, 4711, &request) == OK);
    testing_write(path_in(folder, "query.tsq"), request.data, request.size);
    CHECK(run_in(folder, "openssl ts -reply -config tsa.cnf -queryfile query.tsq -out reply.tsr"));
    char *reply = testing_read(path_in(folder, "reply.tsr"), &size);
    CHECK(tsp_answer(str_of(reply, size), &other, 4711, &token, &time, &why) == ERR_SYNTAX);
    CHECK(tsp_answer(str_of(reply, size), &hash, 4712, &token, &time, &why) == ERR_SYNTAX);
    CHECK(tsp_answer(str_of(reply, size / 2), &hash, 4711, &token, &time, &why) == ERR_SYNTAX);
    CHECK(tsp_answer(STR(""), &hash, 4711, &token, &time, &why) == ERR_SYNTAX && token.size == 0);
    CHECK(tsp_answer(str_of(reply, size), &hash, 4711, &token, &time, &why) == OK);
    CHECK(time.ns > (int64_t)1700000000 * NS_PER_SECOND);
    testing_write(path_in(folder, "token.der"), token.data, token.size);
    (void)snprintf(command, sizeof command,
                   "openssl ts -verify -digest %s -in token.der -token_in -CAfile roots.pem",
                   hex_print(hash.bytes, SHA256_SIZE, digest));
    CHECK(run_in(folder, command));
    (void)snprintf(command, sizeof command,
                   "openssl ts -verify -digest %s -in token.der -token_in -CAfile roots.pem",
                   hex_print(other.bytes, SHA256_SIZE, digest));
    CHECK(!run_in(folder, command));
    free(reply);
    buf_done(&request);
    buf_done(&token);
}
