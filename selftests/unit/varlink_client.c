// SPDX-License-Identifier: Apache-2.0
/* The blocking Varlink client, against a server in another process. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"
#include "selftests/harness/test.h"
#include "selftests/harness/varlink_rig.h"

static const char *socket_path(char ret[static 100])
{
	(void)snprintf(ret, 100, "%s/s", test_dir());
	return ret;
}

/* A server of its own process, which the harness ends. It listens when this returns. */
static void serve(const char *path, bool nobody_reads)
{
	struct vl_rig rig;
	int fds[2];
	char c;

	ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
	if (fork() == 0) {
		vl_rig_up(&rig);
		rig.nobody_reads = nobody_reads;
		if (vl_server_listen(rig.server, path, 0600) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)sd_event_loop(rig.event); /* until killed */
		_exit(1);
	}
	(void)close(fds[1]);
	ASSERT_EQ(read(fds[0], &c, 1), 1);
	(void)close(fds[0]);
}

/* A server that says @text to the first who comes and hangs up. */
static void say(const char *path, const char *text, size_t len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ASSERT_EQ(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ASSERT_EQ(listen(fd, 1), 0);
	if (fork() == 0) {
		int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		char call[4096];

		if (recv(conn, call, sizeof(call), 0) < 0)
			_exit(1);
		while (len) {
			ssize_t n = send(conn, text, len, MSG_NOSIGNAL);

			if (n < 0)
				_exit(1);
			text += n;
			len -= (size_t)n;
		}
		_exit(0);
	}
	(void)close(fd);
}

TEST(a_call_gets_its_reply_or_its_error)
{
	struct vl_client *c;
	char path[100], *error;
	json_t *params;

	serve(socket_path(path), false);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Echo", json_pack("{s:s}", "text", "a"), &params,
				 &error),
		  0);
	EXPECT_STREQ(json_string_value(json_object_get(params, "text")), "a");
	EXPECT_STREQ(error, NULL);
	json_decref(params);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Nope", NULL, &params, &error), 0);
	EXPECT_STREQ(error, "org.varlink.service.MethodNotFound");
	EXPECT_STREQ(json_string_value(json_object_get(params, "method")), "test.Rig.Nope");
	json_decref(params);
	free(error);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Echo", NULL, &params, &error), 0);
	EXPECT_EQ(json_object_size(params), 0);
	json_decref(params);
	(void)vl_client_free(c);
}

TEST(replies_come_one_by_one_until_the_last)
{
	struct vl_client *c;
	char path[100], *error;
	bool continues = true;
	json_t *params;

	serve(socket_path(path), false);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	ASSERT_EQ(vl_client_more(c, "test.Rig.Count", json_pack("{s:i}", "n", 3)), 0);
	EXPECT_EQ(vl_client_more(c, "test.Rig.Count", json_pack("{s:i}", "n", 3)), -EBUSY);
	EXPECT_EQ(vl_client_call(c, "test.Rig.Echo", NULL, &params, &error), -EBUSY);
	for (int i = 0; i <= 3; i++) {
		ASSERT_EQ(vl_client_next(c, -1, &params, &error, &continues), 1);
		EXPECT_EQ(json_integer_value(json_object_get(params, "i")), i);
		EXPECT_EQ(continues, i < 3);
		json_decref(params);
	}
	EXPECT_EQ(vl_client_next(c, -1, &params, &error, &continues), -EINVAL);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Echo", NULL, &params, &error), 0);
	json_decref(params);
	(void)vl_client_free(c);
}

TEST(waiting_ends_in_time)
{
	struct vl_client *c;
	char path[100], *error;
	bool continues;
	json_t *params;

	serve(socket_path(path), false);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	ASSERT_EQ(vl_client_more(c, "test.Rig.Hold", NULL), 0);
	EXPECT_EQ(vl_client_next(c, 0, &params, &error, &continues), 0);
	EXPECT_EQ(vl_client_next(c, 20, &params, &error, &continues), 0);
	struct pollfd p = {.fd = vl_client_fd(c), .events = POLLIN};
	EXPECT_EQ(poll(&p, 1, 0), 0);
	(void)vl_client_free(c);
}

TEST(large_calls_and_replies_fit)
{
	const size_t len = VL_MESSAGE_MAX - 100;
	cleanup_free char *text = calloc(1, len + 1);
	cleanup_free char *over = calloc(1, VL_MESSAGE_MAX + 1);
	struct vl_client *c;
	char path[100], *error;
	json_t *params;

	ASSERT_TRUE(text && over);
	memset(text, 'a', len);
	memset(over, 'a', VL_MESSAGE_MAX);
	serve(socket_path(path), false);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	EXPECT_EQ(vl_client_call(c, "test.Rig.Echo", json_pack("{s:s}", "text", over), &params,
				 &error),
		  -EMSGSIZE);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Echo", json_pack("{s:s}", "text", text), &params,
				 &error),
		  0);
	EXPECT_STREQ(json_string_value(json_object_get(params, "text")), text);
	json_decref(params);
	(void)vl_client_free(c);
}

TEST(a_refusal_reaches_the_caller)
{
	struct vl_client *c;
	char path[100], *error;
	json_t *params;

	serve(socket_path(path), true);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	ASSERT_EQ(vl_client_call(c, "test.Rig.Echo", NULL, &params, &error), 0);
	EXPECT_STREQ(error, "org.varlink.service.PermissionDenied");
	json_decref(params);
	free(error);
	EXPECT_EQ(vl_client_call(c, "test.Rig.Echo", NULL, &params, &error), -EPIPE);
	(void)vl_client_free(c);
}

TEST(nobody_there_is_an_error_of_connect)
{
	struct vl_client *c = NULL;
	char path[100], text[300];

	EXPECT_EQ(vl_client_connect(socket_path(path), &c), -ENOENT);
	say(path, "", 0);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	EXPECT_EQ(vl_client_connect(text, &c), -ENAMETOOLONG);
	EXPECT_TRUE(!c);
}

static void expect_from(const char *text, size_t len, int want)
{
	struct vl_client *c;
	char path[100], *error = NULL;
	json_t *params = NULL;
	int r;

	say(socket_path(path), text, len);
	ASSERT_EQ(vl_client_connect(path, &c), 0);
	r = vl_client_call(c, "a.b", NULL, &params, &error);
	if (r != want || params || error)
		test_fail(__FILE__, __LINE__, "%.40s: got %d want %d", text, r, want);
	(void)vl_client_free(c);
	(void)unlink(path);
}

TEST(a_server_that_talks_nonsense_is_found_out)
{
	static const char *const rows[] = {
		"",
		"x",
		"[]",
		"{\"error\":1}",
		"{\"parameters\":[]}",
		"{\"parameters\":{},\"continues\":true}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_from(rows[i], strlen(rows[i]) + 1, -EBADMSG);
}

TEST(a_server_that_hangs_up_is_a_broken_pipe)
{
	expect_from("", 0, -EPIPE);
	expect_from("{\"parameters\":", 14, -EPIPE);
}

TEST(a_reply_without_end_is_given_up)
{
	cleanup_free char *text = malloc(VL_REPLY_MAX + 100000);

	ASSERT_TRUE(text);
	memset(text, 'a', VL_REPLY_MAX + 100000);
	expect_from(text, VL_REPLY_MAX + 100000, -EBADMSG);
}
