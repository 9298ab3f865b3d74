// SPDX-License-Identifier: Apache-2.0
/* The log on standard error, and to a journal of our own in a private mount namespace. */
#include "agent/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define JOURNAL_DIR "/run/systemd/journal"

/* Standard error into a pipe; Return: the end to read. */
static int catch_stderr(void)
{
	int fds[2];

	ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ASSERT_EQ(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	return fds[0];
}

static const char *read_text(int fd, char *buf, size_t size)
{
	ssize_t n = read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

TEST(a_message_is_one_line_with_program_priority_and_task)
{
	cleanup_close int fd = catch_stderr();
	char buf[4096];

	log_open("dcos-agent", LOG_INFO);
	log_warn("disk %d%% full", 93);
	EXPECT_STREQ(read_text(fd, buf, sizeof(buf)), "dcos-agent: warning: disk 93% full\n");
	log_msg(LOG_ERR, "web-1", "gone");
	EXPECT_STREQ(read_text(fd, buf, sizeof(buf)), "dcos-agent: error: web-1: gone\n");
}

TEST(what_is_below_the_priority_is_dropped)
{
	cleanup_close int fd = catch_stderr();
	char buf[4096];

	log_open("x", LOG_NOTICE);
	log_info("no");
	log_debug("no");
	log_notice("yes");
	EXPECT_STREQ(read_text(fd, buf, sizeof(buf)), "x: notice: yes\n");
}

TEST(control_characters_do_not_reach_the_terminal)
{
	cleanup_close int fd = catch_stderr();
	char buf[4096];

	log_open("x", LOG_INFO);
	log_info("a\nb\033[31mc");
	EXPECT_STREQ(read_text(fd, buf, sizeof(buf)), "x: info: a b?[31mc\n");
}

TEST(a_long_message_is_cut_and_errno_is_kept)
{
	cleanup_close int fd = catch_stderr();
	char text[9000], buf[9000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open("x", LOG_INFO);
	errno = EBUSY;
	log_info("%s", text);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(strlen(read_text(fd, buf, sizeof(buf))), 2047 + strlen("x: info: \n"));
}

TEST(a_journal_stream_that_is_not_stderr_is_not_used)
{
	cleanup_close int fd = catch_stderr();
	char buf[4096];

	ASSERT_EQ(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	log_open("x", LOG_INFO);
	log_info("here");
	EXPECT_STREQ(read_text(fd, buf, sizeof(buf)), "x: info: here\n");
}

static void write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static int journal_of_our_own(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = JOURNAL_DIR "/socket"};
	char uid[32], gid[32];
	int fd;

	(void)snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	(void)snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	ASSERT_EQ(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uid);
	write_file("/proc/self/gid_map", gid);
	ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	ASSERT_EQ(mkdir("/run/systemd", 0755), 0);
	ASSERT_EQ(mkdir(JOURNAL_DIR, 0755), 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void expect_field(const char *text, const char *field)
{
	if (!strstr(text, field))
		test_fail(__FILE__, __LINE__, "no %s in:\n%s", field, text);
}

TEST(the_journal_gets_fields, NEED_USERNS)
{
	cleanup_close int err = catch_stderr();
	cleanup_close int fd = journal_of_our_own();
	char buf[4096], stream[64];
	struct stat st;

	ASSERT_EQ(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	ASSERT_EQ(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open("dcos-agent", LOG_INFO);
	log_msg(LOG_ERR, "web-1", "gone %d", 7);
	(void)read_text(fd, buf, sizeof(buf));
	expect_field(buf, "MESSAGE=gone 7\n");
	expect_field(buf, "PRIORITY=3\n");
	expect_field(buf, "SYSLOG_IDENTIFIER=dcos-agent\n");
	expect_field(buf, "DCOS_TASK=web-1\n");
	log_info("no task");
	EXPECT_TRUE(!strstr(read_text(fd, buf, sizeof(buf)), "DCOS_TASK"));
	EXPECT_STREQ(read_text(err, buf, sizeof(buf)), "");
}

/* Standard error, as the journal's stream. */
static void stderr_is_journal(void)
{
	char stream[64];
	struct stat st;

	ASSERT_EQ(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	ASSERT_EQ(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open("x", LOG_INFO);
}

TEST(a_journal_that_has_stopped_holds_nobody_up_and_is_told_what_it_missed, NEED_USERNS)
{
	cleanup_close int fd = journal_of_our_own();
	int pair[2], taken = 0, missed = 0;
	char buf[4096];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ASSERT_EQ(dup2(pair[0], STDERR_FILENO),
		  STDERR_FILENO); /* its stream has no reader either */
	stderr_is_journal();
	for (int i = 0; i < 20000; i++)
		log_info("message %d", i);
	EXPECT_TRUE(log_lost() > 0 && log_lost() < 20000);
	while (*read_text(fd, buf, sizeof(buf)))
		taken++;
	log_info("it reads again");
	(void)read_text(fd, buf, sizeof(buf));
	ASSERT_EQ(sscanf(strstr(buf, "MESSAGE=") ?: "", "MESSAGE=%d messages were lost before",
			 &missed),
		  1);
	EXPECT_EQ(missed, log_lost());
	expect_field(buf, "PRIORITY=4\n");
	(void)read_text(fd, buf, sizeof(buf));
	expect_field(buf, "MESSAGE=it reads again\n");
	EXPECT_GT(taken, 0);
}

TEST(without_a_journal_messages_go_to_stderr, NEED_USERNS)
{
	cleanup_close int err = catch_stderr();
	int fd = journal_of_our_own();
	char buf[4096];

	stderr_is_journal();
	close_fd(&fd);
	log_info("nobody has this socket");
	EXPECT_STREQ(read_text(err, buf, sizeof(buf)), "x: info: nobody has this socket\n");
	ASSERT_EQ(unlink(JOURNAL_DIR "/socket"), 0);
	log_info("there is no socket");
	EXPECT_STREQ(read_text(err, buf, sizeof(buf)), "x: info: there is no socket\n");
	EXPECT_EQ(log_lost(), 0);
}
