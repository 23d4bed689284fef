/* Memory that is sealed. */

#include "sys/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testing/testing.h"

#define BYTES STR("what nobody changes any more")

TEST(what_was_handed_out_can_be_read_and_not_be_changed)
{
    int descriptor;
    void *at;
    size_t size;
    CHECK(memory_of("test", BYTES, &descriptor) == OK);
    CHECK(memory_map_fixed(descriptor, &at, &size) == OK);
    CHECK(str_equal(str_of(at, size), BYTES));
    CHECK(pwrite(descriptor, "x", 1, 0) < 0 && ftruncate(descriptor, 1) != 0);
    CHECK(mmap(NULL, size, PROT_WRITE, MAP_SHARED, descriptor, 0) == MAP_FAILED);
    memory_unmap(at, size);
    (void)close(descriptor);
}

/* A pipe that the memory was spliced to holds its page, as the kernel does while it moves pages. */
TEST(what_somebody_still_holds_is_sealed_later)
{
    char page[4096] = "a page";
    int pipe_ends[2];
    off_t from = 0;
    int descriptor = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(descriptor >= 0 && pipe(pipe_ends) == 0);
    CHECK(write(descriptor, page, sizeof page) == (ssize_t)sizeof page);
    CHECK(splice(descriptor, &from, pipe_ends[1], NULL, sizeof page, 0) == (ssize_t)sizeof page);
    CHECK(memory_seal(descriptor) == ERR_AGAIN);
    CHECK(pwrite(descriptor, "b", 1, 0) == 1);
    CHECK(read(pipe_ends[0], page, sizeof page) == (ssize_t)sizeof page);
    CHECK(memory_seal(descriptor) == OK);
    CHECK(pwrite(descriptor, "c", 1, 0) < 0);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    (void)close(descriptor);
}

TEST(a_memory_that_may_still_change_is_no_fixed_one)
{
    int descriptor;
    void *at;
    size_t size;
    CHECK(memory_new("test", 4096, &descriptor) == OK);
    CHECK(memory_map_fixed(descriptor, &at, &size) == ERR_DENIED);
    CHECK(memory_map(descriptor, 4097, true, &at, &size) == ERR_DENIED);
    CHECK(memory_map(descriptor, 4096, true, &at, &size) == OK);
    memory_unmap(at, size);
    (void)close(descriptor);
}
