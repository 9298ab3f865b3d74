// SPDX-License-Identifier: Apache-2.0
#include "agent/logs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define ID "web"

/* A node and a task with just what the log functions look at. */
struct fixture {
	struct config cfg;
	struct node node;
	struct task_spec spec;
	struct task task;
};

static void fixture_init(struct fixture *f, uint64_t log_max)
{
	char path[512];

	memset(f, 0, sizeof(*f));
	f->cfg.state_dir = (char *)test_dir();
	f->node.cfg = &f->cfg;
	f->spec.ct.id = (char *)ID;
	f->spec.log_max_bytes = log_max;
	f->task.node = &f->node;
	f->task.spec = &f->spec;
	(void)snprintf(path, sizeof(path), "%s/logs", f->cfg.state_dir);
	ASSERT_EQ(mkdir(path, 0755), 0);
}

static size_t text_len(const char *s)
{
	return logs_text_len(s, strlen(s));
}

TEST(utf8_is_told_from_bytes)
{
	EXPECT_EQ(text_len("plain"), 5);
	EXPECT_EQ(text_len("gr\xc3\xbc\xc3\x9f"), 6);
	EXPECT_EQ(text_len("\xf0\x9f\x90\xa7"), 4);
	EXPECT_EQ(text_len("ab\xff"
			   "cd"),
		  2);
	EXPECT_EQ(text_len("\xc0\x80"), 0); /* overlong */
	EXPECT_EQ(text_len("\xed\xa0\x80"), 0); /* surrogate */
	EXPECT_EQ(text_len("\xf4\x90\x80\x80"), 0); /* beyond the last code point */
	EXPECT_EQ(logs_text_len("a\0b", 3), 1); /* JSON strings of jansson hold no NUL */
}

TEST(a_character_cut_by_the_end_is_left_for_the_next_read)
{
	EXPECT_EQ(text_len("ab\xc3"), 2);
	EXPECT_EQ(text_len("\xe2\x82"), 0);
}

TEST(base64_pads_as_rfc_4648_says)
{
	static const char *const pairs[][2] = {
		{"", ""},	 {"f", "Zg=="},	       {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		cleanup_free char *text = base64(pairs[i][0], strlen(pairs[i][0]));

		EXPECT_STREQ(text, pairs[i][1]);
	}
}

TEST(both_streams_are_appended_to_and_read_back)
{
	struct fixture f;
	int fds[LOG_STREAMS];
	char buf[LOGS_READ_MAX];
	uint64_t offset = 0, dropped = 7;

	fixture_init(&f, 1 << 20);
	ASSERT_EQ(logs_open(&f.node, ID, fds), 0);
	ASSERT_EQ(write(fds[LOG_STDOUT], "one", 3), 3);
	ASSERT_EQ(write(fds[LOG_STDERR], "two", 3), 3);
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	ASSERT_EQ(logs_open(&f.node, ID, fds), 0); /* again: nothing is lost */
	ASSERT_EQ(write(fds[LOG_STDOUT], "more", 4), 4);
	cleanup_free char *path = logs_path(&f.node, ID, LOG_STDOUT);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	ASSERT_EQ(logs_read(fd, &offset, buf, &dropped), 7);
	EXPECT_EQ(memcmp(buf, "onemore", 7), 0);
	EXPECT_EQ(offset, 0);
	EXPECT_EQ(dropped, 0);
	offset = 7;
	EXPECT_EQ(logs_read(fd, &offset, buf, &dropped), 0);
	EXPECT_EQ(offset, 7);
	logs_remove(&f.node, ID);
	EXPECT_NE(access(path, F_OK), 0);
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

TEST(a_log_over_its_bound_loses_its_head_and_says_how_much)
{
	enum { MAX = 64 << 10, LINE = 4096 };
	struct fixture f;
	int fds[LOG_STREAMS];
	char line[LINE], buf[LOGS_READ_MAX];
	uint64_t offset = 0, dropped = 0;
	struct stat st;

	fixture_init(&f, MAX);
	ASSERT_EQ(logs_open(&f.node, ID, fds), 0);
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 32; i++) /* twice the bound */
		ASSERT_EQ(write(fds[LOG_STDOUT], line, LINE), LINE);
	logs_bound(&f.task);
	ASSERT_EQ(fstat(fds[LOG_STDOUT], &st), 0);
	if (st.st_blocks * 512 > MAX)
		test_skip("this file system punches no holes");
	EXPECT_EQ(st.st_size, 32 * LINE); /* offsets stay */
	cleanup_free char *path = logs_path(&f.node, ID, LOG_STDOUT);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	EXPECT_GT(logs_read(fd, &offset, buf, &dropped), 0);
	EXPECT_EQ(dropped, offset);
	EXPECT_EQ(offset, 32 * LINE - MAX / 2);
	EXPECT_EQ(buf[0], 'x');
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}
