// SPDX-License-Identifier: Apache-2.0
/* The Varlink server with clients that do harm, by design or by dying. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"
#include "selftests/harness/test.h"
#include "selftests/harness/varlink_rig.h"

#define SOCKET_ROOM (1 << 20) /* what the kernel may hold of a connection, generously */
#define ECHO_1	    "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":1}}"
#define ANSWER_1    "{\"parameters\":{\"text\":1}}|"

/* Somebody else is served as if nothing were. */
static void expect_service(struct vl_rig *rig, int line)
{
	cleanup_close int fd = vl_rig_client(rig);
	cleanup_free char *got = vl_rig_ask(rig, fd, ECHO_1);

	if (strcmp(got, ANSWER_1) != 0)
		test_fail(__FILE__, line, "a second client hears %s", got);
}

/* @len bytes, of which a NUL may be one, then the server must have hung up without an answer. */
static void expect_dropped(struct vl_rig *rig, const char *text, size_t len)
{
	uint64_t before = vl_rig_stats(rig).garbage;
	cleanup_close int fd = vl_rig_client(rig);

	(void)send(fd, text, len, MSG_NOSIGNAL); /* small: fits */
	cleanup_free char *got = vl_rig_hear(rig, fd);
	if (strcmp(got, "EOF") != 0 || vl_rig_stats(rig).garbage != before + 1)
		test_fail(__FILE__, __LINE__, "%.60s: got %s, garbage %llu want %llu", text, got,
			  (unsigned long long)vl_rig_stats(rig).garbage,
			  (unsigned long long)before + 1);
}

TEST(what_is_no_call_is_dropped_and_counted)
{
	static const char *const rows[] = {
		"",
		"hello",
		"{",
		"{}",
		"[]",
		"[[[[",
		"1",
		"null",
		"\"test.Rig.Echo\"",
		"{\"method\":1}",
		"{\"method\":null}",
		"{\"method\":\"test.Rig.Echo\",\"more\":1}",
		"{\"method\":\"test.Rig.Echo\",\"oneway\":\"yes\"}",
		"{\"method\":\"test.Rig.Echo\",\"upgrade\":{}}",
		"{\"method\":\"test.Rig.Echo\"} x",
		"{\"method\":\"test.Rig.Echo\",\"method\":\"test.Rig.Hold\"}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":1,\"text\":2}}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"\xff\xfe\"}}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"\xed\xa0\x80\"}}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"\\u0000\"}}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":1e999}}",
		"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":99999999999999999999}}",
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	};
	struct vl_rig rig;

	vl_rig_up(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_dropped(&rig, rows[i], strlen(rows[i]) + 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	EXPECT_EQ(vl_rig_stats(&rig).calls, 0);
	expect_service(&rig, __LINE__);
	vl_rig_down(&rig);
}

TEST(a_storm_of_nuls_is_dropped_at_the_first)
{
	char nuls[60000] = "";
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_dropped(&rig, nuls, sizeof(nuls));
	expect_service(&rig, __LINE__);
	vl_rig_down(&rig);
}

/* A call whose text is arrays in arrays; the message and its parameters are two levels more. */
static char *deep_call(size_t depth)
{
	static const char head[] = "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":";
	char *text = calloc(1, sizeof(head) + 2 * depth + 3);

	ASSERT_TRUE(text);
	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, '[', depth);
	memset(text + sizeof(head) - 1 + depth, ']', depth);
	memcpy(text + sizeof(head) - 1 + 2 * depth, "}}", 3);
	return text;
}

TEST(json_that_nests_too_deep_is_dropped_before_it_is_parsed)
{
	cleanup_free char *fine = deep_call(VL_JSON_DEPTH_MAX - 2);
	cleanup_free char *deep = deep_call(VL_JSON_DEPTH_MAX - 1);
	cleanup_free char *abyss = deep_call(10000);
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *got = vl_rig_ask(&rig, fd, fine);
	EXPECT_TRUE(strstr(got, "[[[["));
	expect_dropped(&rig, deep, strlen(deep) + 1);
	expect_dropped(&rig, abyss, strlen(abyss) + 1);
	vl_rig_down(&rig);
}

TEST(brackets_in_strings_do_not_nest)
{
	struct vl_rig rig;
	char text[200] = "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"\\\"";

	memset(text + strlen(text), '[', 100);
	(void)snprintf(text + strlen(text), 20, "\\\\\"}}");
	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *got = vl_rig_ask(&rig, fd, text);
	EXPECT_TRUE(strstr(got, "[[[[[[[["));
	vl_rig_down(&rig);
}

TEST(more_values_than_a_call_can_mean_are_dropped)
{
	static const char head[] = "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":[0";
	const size_t len = 400000;
	cleanup_free char *text = calloc(1, len + sizeof(head) + 8);
	struct vl_rig rig;

	ASSERT_TRUE(text);
	memcpy(text, head, sizeof(head) - 1);
	for (size_t i = 0; i < len; i += 2)
		memcpy(text + sizeof(head) - 1 + i, ",0", 2);
	memcpy(text + sizeof(head) - 1 + len, "]}}", 4);
	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *got = vl_rig_ask(&rig, fd, text);
	EXPECT_STREQ(got, "EOF");
	EXPECT_EQ(vl_rig_stats(&rig).garbage, 1);
	vl_rig_down(&rig);
}

TEST(a_line_of_100_megabytes_is_dropped_at_the_limit)
{
	char chunk[65536];
	size_t sent = 0;
	struct vl_rig rig;
	ssize_t n = 0;

	memset(chunk, 'a', sizeof(chunk));
	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	while (sent < 100U << 20) {
		n = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		vl_rig_turn(&rig);
	}
	EXPECT_EQ(n, -1);
	EXPECT_GT(sent, VL_MESSAGE_MAX);
	EXPECT_LT(sent, VL_MESSAGE_MAX + SOCKET_ROOM);
	EXPECT_EQ(vl_rig_stats(&rig).garbage, 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	vl_rig_down(&rig);
}

/* An echo of a text as long as a message may be, or longer. */
static char *long_call(size_t len)
{
	static const char head[] = "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"";
	char *text = calloc(1, len + 1);

	ASSERT_TRUE(text);
	memset(text, 'a', len);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - 3, "\"}}", 3);
	return text;
}

TEST(a_message_may_be_just_as_long_as_the_limit)
{
	cleanup_free char *fits = long_call(VL_MESSAGE_MAX);
	cleanup_free char *over = long_call(VL_MESSAGE_MAX + 1);
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *got = vl_rig_ask(&rig, fd, fits);
	EXPECT_EQ(strlen(got), VL_MESSAGE_MAX - strlen("\"method\":\"test.Rig.Echo\",") + 1);
	cleanup_free char *none = vl_rig_ask(&rig, fd, over);
	EXPECT_STREQ(none, "EOF");
	vl_rig_down(&rig);
}

TEST(messages_that_never_end_take_bounded_memory)
{
	enum { NR = 200 };
	cleanup_free char *text = long_call(VL_MESSAGE_MAX - 100);
	struct vl_rig rig;
	int fds[NR];

	vl_rig_up(&rig);
	for (int i = 0; i < NR; i++) {
		const char *at = text;
		size_t left = strlen(text);

		fds[i] = vl_rig_client(&rig);
		while (left) {
			ssize_t n = send(fds[i], at, left, MSG_NOSIGNAL);

			if (n < 0 && errno != EAGAIN)
				break;
			at += n > 0 ? n : 0;
			left -= n > 0 ? (size_t)n : 0;
			vl_rig_turn(&rig);
		}
	}
	EXPECT_GT(vl_rig_stats(&rig).garbage, 50);
	EXPECT_LE((size_t)vl_rig_stats(&rig).open * VL_MESSAGE_MAX,
		  geteuid() ? VL_MEMORY_PER_UID : VL_MEMORY_MAX);
	for (int i = 0; i < NR; i++)
		(void)close(fds[i]);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	expect_service(&rig, __LINE__);
	vl_rig_down(&rig);
}

TEST(a_hang_up_in_mid_message_is_no_matter)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	ASSERT_EQ(send(fd, "{\"method\":", 10, MSG_NOSIGNAL), 10);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 1);
	close_fd(&fd);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	vl_rig_down(&rig);
}

TEST(a_hang_up_while_a_call_waits_is_told_once)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\"}"), 0);
	ASSERT_TRUE(rig.held);
	struct vl_call *call = vl_call_ref(rig.held);
	/* calls behind it keep the server from reading: the hang-up must be seen all the same */
	EXPECT_EQ(vl_rig_say(&rig, fd, ECHO_1), 0);
	EXPECT_EQ(vl_rig_say(&rig, fd, ECHO_1), 0);
	EXPECT_EQ(rig.gone, 0);
	close_fd(&fd);
	vl_rig_turn(&rig);
	EXPECT_EQ(rig.gone, 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	EXPECT_EQ(vl_reply(call, json_object()), -EPIPE);
	EXPECT_EQ(vl_call_backlog(call), 0);
	(void)vl_call_unref(call);
	expect_service(&rig, __LINE__);
	vl_rig_down(&rig);
	EXPECT_EQ(rig.gone, 1);
}

TEST(a_server_that_ends_tells_the_calls_that_wait)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\"}"), 0);
	vl_rig_down(&rig);
	EXPECT_EQ(rig.gone, 1);
}

TEST(a_client_that_only_sends_is_still_answered)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\"}"), 0);
	ASSERT_EQ(send(fd, ECHO_1, sizeof(ECHO_1), 0), sizeof(ECHO_1));
	ASSERT_EQ(shutdown(fd, SHUT_WR), 0);
	vl_rig_turn(&rig);
	EXPECT_EQ(rig.gone, 0);
	ASSERT_TRUE(rig.held);
	EXPECT_EQ(vl_reply(rig.held, NULL), 0);
	rig.held = vl_call_unref(rig.held);
	cleanup_free char *got = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(got, "{\"parameters\":{}}|" ANSWER_1 "EOF");
	vl_rig_down(&rig);
}

TEST(oneway_calls_of_a_client_that_is_gone_are_done)
{
	static const char text[] = "{\"method\":\"test.Rig.Echo\",\"oneway\":true}";
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	close_fd(&fd);
	vl_rig_turn(&rig);
	EXPECT_EQ(rig.echoed, 100);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	vl_rig_down(&rig);
}

TEST(a_subscriber_that_does_not_read_is_dropped_and_counted)
{
	cleanup_free char *big = calloc(1, 65536);
	struct vl_rig rig;
	size_t sent = 0;
	int r = 0;

	ASSERT_TRUE(big);
	memset(big, ' ', 65535);
	big[0] = '{';
	big[65534] = '}';
	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\",\"more\":true}"), 0);
	ASSERT_TRUE(rig.held);
	struct vl_call *call = vl_call_ref(rig.held);
	while (!r && sent < 100U << 20) {
		r = vl_reply_more_text(call, big, 65535);
		sent += 65535;
		vl_rig_turn(&rig);
		EXPECT_LE(vl_call_backlog(call), VL_OUTPUT_MAX);
	}
	EXPECT_EQ(r, -ENOBUFS);
	EXPECT_GT(sent, VL_OUTPUT_MAX);
	EXPECT_LT(sent, VL_OUTPUT_MAX + SOCKET_ROOM);
	EXPECT_EQ(vl_reply_more_text(call, "{}", 2), -EPIPE);
	(void)vl_call_unref(call);
	EXPECT_EQ(vl_rig_stats(&rig).slow, 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	EXPECT_EQ(rig.gone, 1);
	expect_service(&rig, __LINE__);
	vl_rig_down(&rig);
}

TEST(a_caller_that_does_not_read_is_not_served_until_it_does)
{
	cleanup_free char *text = long_call(100000);
	struct vl_rig rig;
	int sent = 0;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	/* stops when the socket is full, since the server stopped to read */
	for (size_t at = 0; sent < 1000;) {
		ssize_t n = send(fd, text + at, strlen(text) + 1 - at, MSG_NOSIGNAL);

		vl_rig_turn(&rig);
		if (n < 0) {
			ASSERT_EQ(errno, EAGAIN);
			break;
		}
		at += (size_t)n;
		sent += at == strlen(text) + 1;
		at = at == strlen(text) + 1 ? 0 : at;
	}
	EXPECT_LT(sent, 100);
	EXPECT_LT(rig.echoed, 20);
	EXPECT_EQ(vl_rig_stats(&rig).slow, 0);
	cleanup_free char *got = vl_rig_hear(&rig, fd);
	int heard = 0;
	for (const char *p = got; (p = strchr(p, '|')); p++)
		heard++;
	EXPECT_EQ(heard, sent);
	vl_rig_down(&rig);
}

TEST(many_calls_of_one_client_do_not_hold_up_another)
{
	struct vl_rig rig;
	char answer[100], many[500 * sizeof(ECHO_1)];
	int turns = 0;

	vl_rig_up(&rig);
	cleanup_close int greedy = vl_rig_client(&rig);
	cleanup_close int modest = vl_rig_client(&rig);
	for (size_t i = 0; i < sizeof(many); i += sizeof(ECHO_1))
		memcpy(many + i, ECHO_1, sizeof(ECHO_1));
	ASSERT_EQ(send(greedy, many, sizeof(many), 0), sizeof(many));
	ASSERT_EQ(send(modest, ECHO_1, sizeof(ECHO_1), 0), sizeof(ECHO_1));
	while (recv(modest, answer, sizeof(answer), 0) < 0 && turns++ < 100)
		ASSERT_TRUE(sd_event_run(rig.event, 0) > 0);
	EXPECT_LE(turns, 4);
	EXPECT_LT(rig.echoed, 100);
	vl_rig_turn(&rig);
	EXPECT_EQ(rig.echoed, 501);
	vl_rig_down(&rig);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		close_fd(&fd);
	return fd;
}

/* Return: how many descriptors there may be now */
static rlim_t descriptors(rlim_t want)
{
	struct rlimit l;

	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = want < l.rlim_max ? want : l.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	return l.rlim_cur;
}

TEST(thousands_of_connections_end_at_the_limit)
{
	enum { NR = 3000 };
	int fds[NR], open_max = geteuid() ? VL_CONNS_PER_UID : VL_CONNS_MAX;
	struct vl_rig rig;
	char path[100];

	if (descriptors(NR + VL_CONNS_MAX + 100) < NR + VL_CONNS_MAX + 100)
		test_skip("RLIMIT_NOFILE is too small");
	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	vl_rig_up(&rig);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0600), 0);
	cleanup_close int first = connect_to(path);
	for (int i = 0; i < NR; i++) {
		fds[i] = connect_to(path);
		vl_rig_turn(&rig);
		ASSERT_TRUE(fds[i] >= 0);
	}
	EXPECT_EQ(vl_rig_stats(&rig).open, open_max);
	EXPECT_EQ(vl_rig_stats(&rig).refused, NR + 1 - open_max);
	cleanup_free char *refused = vl_rig_hear(&rig, fds[NR - 1]);
	EXPECT_STREQ(refused, "{\"error\":\"io.systemd.System\",\"parameters\":"
			      "{\"origin\":\"linux\",\"errno\":87,\"errnoName\":\"EUSERS\"}}|EOF");
	cleanup_free char *got = vl_rig_ask(&rig, first, ECHO_1);
	EXPECT_STREQ(got, ANSWER_1);
	for (int i = 0; i < NR; i++)
		(void)close(fds[i]);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 1);
	vl_rig_down(&rig);
}

/* As an unprivileged user: connect until refused, say so, and stay until told. */
static void hog_main(const char *path, int ready, int until)
{
	char c = 1;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(1);
	for (int i = 0; i < VL_CONNS_MAX; i++) {
		if (connect_to(path) < 0) /* kept open until the process ends */
			_exit(1);
	}
	if (write(ready, &c, 1) != 1 || read(until, &c, 1) != 0)
		_exit(1);
	_exit(0);
}

TEST(one_user_can_not_shut_out_root, NEED_ROOT)
{
	int ready[2], until[2], status;
	struct vl_rig rig;
	char path[64], c;

	if (descriptors(3 * VL_CONNS_MAX) < 3 * VL_CONNS_MAX)
		test_skip("RLIMIT_NOFILE is too small");
	ASSERT_EQ(chmod(test_dir(), 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	ASSERT_EQ(pipe2(ready, O_CLOEXEC | O_NONBLOCK), 0);
	ASSERT_EQ(pipe2(until, O_CLOEXEC), 0);
	vl_rig_up(&rig);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0666), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(until[1]);
		hog_main(path, ready[1], until[0]);
	}
	(void)close(until[0]);
	while (read(ready[0], &c, 1) != 1)
		ASSERT_TRUE(sd_event_run(rig.event, 10000) >= 0);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, VL_CONNS_PER_UID);
	EXPECT_EQ(vl_rig_stats(&rig).refused, VL_CONNS_MAX - VL_CONNS_PER_UID);
	cleanup_close int fd = connect_to(path);
	cleanup_free char *got = vl_rig_ask(&rig, fd, ECHO_1);
	EXPECT_STREQ(got, ANSWER_1);
	(void)close(until[1]);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	vl_rig_down(&rig);
}

TEST(without_descriptors_accepting_pauses_and_does_not_spin)
{
	struct vl_rig rig;
	char path[100];
	int wakeups = 0;

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	vl_rig_up(&rig);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0600), 0);
	cleanup_close int fd = connect_to(path);
	cleanup_close int next = dup(fd);
	ASSERT_TRUE(next > 0);
	(void)descriptors((rlim_t)next); /* every descriptor below is in use but its own */
	while (sd_event_run(rig.event, 50000) > 0 && wakeups < 1000)
		wakeups++;
	EXPECT_LE(wakeups, 2);
	EXPECT_EQ(vl_rig_stats(&rig).connections, 0);
	(void)descriptors(1024);
	ASSERT_EQ(send(fd, ECHO_1, sizeof(ECHO_1), 0), sizeof(ECHO_1));
	for (int i = 0; i < 10 && rig.echoed == 0; i++)
		ASSERT_TRUE(sd_event_run(rig.event, 1000000) >= 0);
	cleanup_free char *got = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(got, ANSWER_1);
	vl_rig_down(&rig);
}
