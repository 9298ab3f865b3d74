// SPDX-License-Identifier: Apache-2.0
/* The Varlink server with clients that behave. */
#include "agent/lib/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "selftests/harness/varlink_rig.h"

static void expect_answer(struct vl_rig *rig, const char *text, const char *want)
{
	cleanup_close int fd = vl_rig_client(rig);
	cleanup_free char *got = vl_rig_ask(rig, fd, text);

	if (strcmp(got, want) != 0)
		test_fail(__FILE__, __LINE__, "%s: got %s want %s", text, got, want);
}

TEST(a_call_is_answered)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_answer(&rig, "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":\"a\"}}",
		      "{\"parameters\":{\"text\":\"a\"}}|");
	expect_answer(&rig, "{\"method\":\"test.Rig.Echo\"}", "{\"parameters\":{}}|");
	expect_answer(&rig, "{\"method\":\"test.Rig.Echo\",\"parameters\":null,\"more\":null}",
		      "{\"parameters\":{}}|");
	EXPECT_EQ(vl_rig_stats(&rig).calls, 3);
	EXPECT_EQ(vl_rig_stats(&rig).replies, 3);
	EXPECT_EQ(vl_rig_stats(&rig).connections, 3);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	vl_rig_down(&rig);
}

TEST(the_standard_errors_name_what_is_wrong)
{
	static const struct {
		const char *call, *answer;
	} rows[] = {
		{"{\"method\":\"test.Rig.Nope\"}",
		 "{\"error\":\"org.varlink.service.MethodNotFound\","
		 "\"parameters\":{\"method\":\"test.Rig.Nope\"}}|"},
		{"{\"method\":\"test.Other.Echo\"}",
		 "{\"error\":\"org.varlink.service.InterfaceNotFound\","
		 "\"parameters\":{\"interface\":\"test.Other\"}}|"},
		{"{\"method\":\"Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
					  "\"parameters\":{\"interface\":\"Echo\"}}|"},
		{"{\"method\":\"\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
				      "\"parameters\":{\"interface\":\"\"}}|"},
		{"{\"method\":\"test.Rig.Missing\"}",
		 "{\"error\":\"org.varlink.service.MethodNotImplemented\","
		 "\"parameters\":{\"method\":\"test.Rig.Missing\"}}|"},
		{"{\"method\":\"test.Rig.Count\"}",
		 "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}|"},
		{"{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":1,\"txet\":2}}",
		 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		 "{\"parameter\":\"txet\",\"reason\":\"the method has no such parameter\"}}|"},
		{"{\"method\":\"test.Rig.Hold\",\"parameters\":{\"a\":1}}",
		 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		 "{\"parameter\":\"a\",\"reason\":\"the method has no such parameter\"}}|"},
		{"{\"method\":\"test.Rig.Echo\",\"parameters\":[1]}",
		 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		 "{\"parameter\":\"parameters\",\"reason\":\"an object is needed\"}}|"},
		{"{\"method\":\"test.Rig.Echo\",\"upgrade\":true}",
		 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		 "{\"parameter\":\"upgrade\",\"reason\":\"there is no other protocol here\"}}|"},
		{"{\"method\":\"test.Rig.Fail\"}",
		 "{\"error\":\"io.systemd.System\",\"parameters\":"
		 "{\"origin\":\"linux\",\"errno\":16,\"errnoName\":\"EBUSY\"}}|"},
	};
	struct vl_rig rig;

	vl_rig_up(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_answer(&rig, rows[i].call, rows[i].answer);
	EXPECT_EQ(vl_rig_stats(&rig).failed, 1);
	EXPECT_EQ(vl_rig_stats(&rig).garbage, 0);
	vl_rig_down(&rig);
}

TEST(a_method_that_forgets_its_call_does_not_hang_the_client)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_answer(&rig, "{\"method\":\"test.Rig.Forget\"}",
		      "{\"error\":\"io.systemd.System\",\"parameters\":"
		      "{\"origin\":\"linux\",\"errno\":5,\"errnoName\":\"EIO\"}}|");
	EXPECT_EQ(vl_rig_stats(&rig).failed, 1);
	vl_rig_down(&rig);
}

TEST(the_service_describes_itself)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_answer(&rig, "{\"method\":\"org.varlink.service.GetInfo\"}",
		      "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\","
		      "\"url\":\"u\",\"interfaces\":[\"org.varlink.service\",\"test.Rig\"]}}|");
	expect_answer(&rig,
		      "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		      "\"parameters\":{\"interface\":\"test.Rig\"}}",
		      "{\"parameters\":{\"description\":\"interface test.Rig\\n\"}}|");
	expect_answer(&rig,
		      "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		      "\"parameters\":{\"interface\":\"a.b\"}}",
		      "{\"error\":\"org.varlink.service.InterfaceNotFound\","
		      "\"parameters\":{\"interface\":\"a.b\"}}|");
	expect_answer(&rig, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
		      "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		      "{\"parameter\":\"interface\",\"reason\":\"a string is needed\"}}|");
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *own =
		vl_rig_ask(&rig, fd,
			   "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
			   "\"parameters\":{\"interface\":\"org.varlink.service\"}}");
	EXPECT_TRUE(strstr(own, "interface org.varlink.service\\n"));
	EXPECT_TRUE(strstr(own, "error ExpectedMore ()"));
	vl_rig_down(&rig);
}

TEST(more_replies_continue_until_the_last)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_answer(&rig,
		      "{\"method\":\"test.Rig.Count\",\"more\":true,\"parameters\":{\"n\":2}}",
		      "{\"parameters\":{\"i\":0},\"continues\":true}|"
		      "{\"parameters\":{\"i\":1},\"continues\":true}|"
		      "{\"parameters\":{\"i\":2}}|");
	vl_rig_down(&rig);
}

TEST(text_that_is_made_once_goes_to_a_subscriber)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	cleanup_free char *none =
		vl_rig_ask(&rig, fd, "{\"method\":\"test.Rig.Hold\",\"more\":true}");
	EXPECT_STREQ(none, "");
	ASSERT_TRUE(rig.held);
	EXPECT_TRUE(vl_call_more(rig.held));
	EXPECT_EQ(vl_call_peer(rig.held)->pid, getpid());
	EXPECT_EQ(vl_call_peer(rig.held)->uid, geteuid());
	EXPECT_EQ(vl_reply_more_text(rig.held, "{\"a\":1} tail", 7), 0);
	cleanup_free char *one = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(one, "{\"parameters\":{\"a\":1},\"continues\":true}|");
	EXPECT_EQ(vl_call_backlog(rig.held), 0);
	EXPECT_EQ(vl_reply(rig.held, NULL), 0);
	EXPECT_EQ(vl_reply(rig.held, json_object()), -EPIPE);
	EXPECT_EQ(vl_reply_more(rig.held, json_object()), -EPIPE);
	rig.held = vl_call_unref(rig.held);
	vl_rig_down(&rig);
	EXPECT_EQ(rig.gone, 0);
}

TEST(one_reply_is_all_without_more)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\"}"), 0);
	ASSERT_TRUE(rig.held);
	EXPECT_FALSE(vl_call_more(rig.held));
	EXPECT_EQ(vl_reply_more(rig.held, json_object()), -EPROTO);
	EXPECT_EQ(vl_error(rig.held, "test.Rig.Bad", NULL), 0);
	rig.held = vl_call_unref(rig.held);
	cleanup_free char *one = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(one, "{\"error\":\"test.Rig.Bad\",\"parameters\":{}}|");
	vl_rig_down(&rig);
}

TEST(pipelined_calls_are_answered_in_order)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\"}"), 0);
	EXPECT_EQ(vl_rig_say(&rig, fd,
			     "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":1}}"),
		  0);
	cleanup_free char *none =
		vl_rig_ask(&rig, fd, "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":2}}");
	EXPECT_STREQ(none, "");
	EXPECT_EQ(rig.echoed, 0);
	ASSERT_TRUE(rig.held);
	EXPECT_EQ(vl_reply(rig.held, json_pack("{s:i}", "text", 0)), 0);
	rig.held = vl_call_unref(rig.held);
	cleanup_free char *all = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(all, "{\"parameters\":{\"text\":0}}|{\"parameters\":{\"text\":1}}|"
			  "{\"parameters\":{\"text\":2}}|");
	vl_rig_down(&rig);
}

TEST(a_oneway_call_is_done_and_not_answered)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Echo\",\"oneway\":true}"), 0);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Nope\",\"oneway\":true}"), 0);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Fail\",\"oneway\":true}"), 0);
	cleanup_free char *one =
		vl_rig_ask(&rig, fd, "{\"method\":\"test.Rig.Echo\",\"parameters\":{\"text\":2}}");
	EXPECT_STREQ(one, "{\"parameters\":{\"text\":2}}|");
	EXPECT_EQ(rig.echoed, 2);
	vl_rig_down(&rig);
}

TEST(a_held_oneway_call_ends_without_a_word)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Hold\",\"oneway\":true}"), 0);
	EXPECT_EQ(vl_rig_say(&rig, fd, "{\"method\":\"test.Rig.Echo\"}"), 0);
	ASSERT_TRUE(rig.held);
	EXPECT_EQ(rig.echoed, 0);
	EXPECT_EQ(vl_reply(rig.held, NULL), 0);
	rig.held = vl_call_unref(rig.held);
	cleanup_free char *one = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(one, "{\"parameters\":{}}|");
	vl_rig_down(&rig);
}

TEST(who_may_not_manage_is_told_and_counted)
{
	struct vl_rig rig;

	vl_rig_up(&rig);
	expect_answer(&rig, "{\"method\":\"test.Rig.Manage\"}", "{\"parameters\":{}}|");
	rig.nobody_manages = true;
	expect_answer(&rig, "{\"method\":\"test.Rig.Manage\"}",
		      "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}|");
	expect_answer(&rig, "{\"method\":\"test.Rig.Echo\"}", "{\"parameters\":{}}|");
	EXPECT_EQ(vl_rig_stats(&rig).denied, 1);
	vl_rig_down(&rig);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? fd : -1;
}

TEST(who_may_not_read_is_told_and_hung_up)
{
	char path[100];
	struct vl_rig rig;

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	vl_rig_up(&rig);
	rig.nobody_reads = true;
	ASSERT_EQ(vl_server_listen(rig.server, path, 0600), 0);
	cleanup_close int fd = connect_to(path);
	cleanup_free char *got = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(got, "{\"error\":\"org.varlink.service.PermissionDenied\","
			  "\"parameters\":{}}|EOF");
	EXPECT_EQ(vl_rig_stats(&rig).refused, 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	vl_rig_down(&rig);
}

TEST(the_socket_has_its_mode_and_goes_with_the_server)
{
	char path[100];
	struct vl_rig rig;
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	vl_rig_up(&rig);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0620), 0);
	ASSERT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode & 07777, 0620);
	cleanup_close int fd = connect_to(path);
	cleanup_free char *got = vl_rig_ask(&rig, fd, "{\"method\":\"test.Rig.Echo\"}");
	EXPECT_STREQ(got, "{\"parameters\":{}}|");
	vl_rig_down(&rig);
	EXPECT_EQ(stat(path, &st), -1);
}

TEST(only_a_stale_socket_is_replaced)
{
	char path[100], file[100], longer[300];
	struct vl_rig rig, second;

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	(void)snprintf(file, sizeof(file), "%s/f", test_dir());
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	vl_rig_up(&rig);
	vl_rig_up(&second);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0600), 0);
	EXPECT_EQ(vl_server_listen(second.server, path, 0600), -EADDRINUSE);
	cleanup_close int fd = open(file, O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
	ASSERT_TRUE(fd >= 0);
	EXPECT_EQ(vl_server_listen(second.server, file, 0600), -EEXIST);
	EXPECT_EQ(vl_server_listen(second.server, longer, 0600), -ENAMETOOLONG);
	vl_rig_down(&rig);
	cleanup_close int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ASSERT_EQ(bind(stale, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close_fd(&stale);
	EXPECT_EQ(vl_server_listen(second.server, path, 0600), 0);
	vl_rig_down(&second);
}

TEST(a_server_leaves_the_socket_of_its_successor)
{
	char path[100], moved[100];
	struct vl_rig rig, second;
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	(void)snprintf(moved, sizeof(moved), "%s/moved", test_dir());
	vl_rig_up(&rig);
	vl_rig_up(&second);
	ASSERT_EQ(vl_server_listen(rig.server, path, 0600), 0);
	ASSERT_EQ(rename(path, moved), 0);
	ASSERT_EQ(vl_server_listen(second.server, path, 0600), 0);
	vl_rig_down(&rig);
	EXPECT_EQ(stat(path, &st), 0);
	vl_rig_down(&second);
}

TEST(a_bound_socket_is_served_if_it_is_a_unix_socket)
{
	char path[100];
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct vl_rig rig;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(path, sizeof(path), "%s/s", test_dir());
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ASSERT_EQ(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	vl_rig_up(&rig);
	ASSERT_EQ(vl_server_listen_fd(rig.server, fd), 0);
	cleanup_close int client = connect_to(path);
	cleanup_free char *got = vl_rig_ask(&rig, client, "{\"method\":\"test.Rig.Echo\"}");
	EXPECT_STREQ(got, "{\"parameters\":{}}|");
	cleanup_close int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT_EQ(vl_server_listen_fd(rig.server, inet), -EAFNOSUPPORT);
	vl_rig_down(&rig);
}
