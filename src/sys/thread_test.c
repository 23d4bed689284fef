#include <unistd.h>

#include "sys/loop.h"
#include "sys/thread.h"
#include "testing/testing.h"

#define WORKS 20

static struct loop *loop;
static struct crew *crew;
static unsigned begun, ended;
static unsigned sums[WORKS];

static void work(void *context)
{
    unsigned *sum = context;
    (void)usleep(1000);
    *sum += 1;
}

static void done(void *context);

static void begin_more(void)
{
    while (begun < WORKS && crew_run(crew, work, done, &sums[begun]) == OK) {
        begun++;
    }
}

static void done(void *context)
{
    const unsigned *sum = context;
    CHECK(*sum == 1);
    ended++;
    begin_more();
    if (ended == WORKS) {
        loop_stop(loop);
    }
}

TEST(a_crew_works_a_few_at_once_and_every_end_comes_back_to_the_loop)
{
    CHECK(loop_new(&loop) == OK);
    CHECK(crew_new(loop, 3, &crew) == OK);
    begin_more();
    CHECK(begun == 3 && crew_is_full(crew));
    CHECK(crew_run(crew, work, done, &sums[3]) == ERR_AGAIN);
    loop_run(loop);
    CHECK(ended == WORKS && !crew_is_full(crew));
    crew_free(crew);
    crew_free(NULL);
    loop_free(loop);
}
