// SPDX-License-Identifier: Apache-2.0
/* When the agent looks at limits of memory again, and what it says of who broke one. */
#include "agent/breach_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/breach_measure.h"
#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

TEST(the_nearer_a_limit_the_sooner_the_next_look)
{
	EXPECT_EQ(breach_memory_wait_us(0, 0), BREACH_LOOK_MIN_US);
	EXPECT_EQ(breach_memory_wait_us(100 << 20, 0), (100 << 20) / BREACH_GROWTH_PER_US);
	EXPECT_EQ(breach_memory_wait_us(UINT64_MAX, 0), BREACH_LOOK_MAX_US);
}

TEST(looks_that_are_dear_are_rare)
{
	EXPECT_EQ(breach_memory_wait_us(0, 1000), 1000 * BREACH_COST_RATIO);
	EXPECT_EQ(breach_memory_wait_us(UINT64_MAX, 1), BREACH_LOOK_MAX_US);
	EXPECT_EQ(breach_memory_wait_us(0, UINT64_MAX / 2), UINT64_MAX);
}

TEST(the_largest_processes_are_named_in_order)
{
	struct measure m = {0};
	char buf[128];

	EXPECT_STREQ(measure_text(&m, buf, sizeof(buf)), "");
	measure_add(&m, 1, "small", 1 << 20);
	measure_add(&m, 2, "large", 9 << 20);
	measure_add(&m, 3, "tiny", 1 << 10);
	measure_add(&m, 4, "middle", 4 << 20);
	EXPECT_EQ(m.bytes, (14 << 20) + (1 << 10));
	EXPECT_STREQ(measure_text(&m, buf, sizeof(buf)),
		     "most by 2 large 9M, 4 middle 4M, 1 small 1M");
	EXPECT_STREQ(measure_text(&m, buf, 12), "most by 2 l");
}

TEST(names_of_processes_can_say_nothing_that_is_no_text)
{
	struct measure m = {0};
	char buf[128];

	measure_add(&m, 7, "a\x1b[2J\xff\n", 1 << 20);
	EXPECT_STREQ(measure_text(&m, buf, sizeof(buf)), "most by 7 a?[2J?? 1M");
}

/* A directory whose cgroup.procs is what the test says stands for a cgroup. */
static int measure_of(const char *procs, struct measure *ret)
{
	cleanup_close int dir = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int f =
		openat(dir, "cgroup.procs", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cleanup_close int pidfd = -1;

	if (f < 0 || write(f, procs, strlen(procs)) != (ssize_t)strlen(procs))
		test_abort();
	cleanup_close int fd = measure_start(dir, &pidfd);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (fd < 0 || poll(&p, 1, 60000) != 1)
		test_abort();
	return measure_end(fd, pidfd, ret);
}

TEST(a_measurement_finds_what_a_process_has)
{
	struct measure m;
	char procs[32];

	(void)snprintf(procs, sizeof(procs), "%d\n", (int)getpid());
	EXPECT_EQ(measure_of(procs, &m), 0);
	EXPECT_EQ(m.top[0].pid, getpid());
	EXPECT_TRUE(m.top[0].bytes > 100000);
	EXPECT_EQ(m.bytes, m.top[0].bytes);
	EXPECT_EQ(m.top[1].pid, 0);
}

TEST(a_measurement_that_fails_says_nothing)
{
	struct measure m = {.bytes = 5};

	EXPECT_EQ(measure_of("no number\n", &m), -ENODATA);
	EXPECT_EQ(m.bytes, 5);
}
