// SPDX-License-Identifier: Apache-2.0
#include "agent/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

#define IMAGE "'image':'@/img',"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "broken\n"
			     "minus:x:-1:5::/:/bin/sh\n"
			     "hex:x:0x10:5::/:/bin/sh\n"
			     "big:x:4294967295:5::/:/bin/sh\n"
			     "nogid:x:12:::/:/bin/sh\n"
			     "web:x:33:34:Web:/var/www:/bin/sh\n"
			     "web:x:0:0:a second line of that name:/:/bin/sh\n"
			     "relative:x:40:41::home:/bin/sh\n"
			     "far:x:70000:5::/:/bin/sh\n"
			     "last:x:50:51::/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "data:x:34:\n"
			    "audio:x:60:bob,web\n"
			    "video:x:61:web,bob\n"
			    "webmasters:x:62:webmaster\n"
			    "wrong:x:6x:web\n"
			    "far:x:70000:\n"
			    "last:x:63:web";

static void make_image(void)
{
	rig_file("img/etc/passwd", passwd);
	rig_file("img/etc/group", group);
}

static void expect_user(const char *user, uint32_t uid, uint32_t gid, const char *home)
{
	cleanup_task_spec struct task_spec *t = NULL;
	char doc[256], var[256];

	(void)snprintf(doc, sizeof(doc), "{'cmd':'x'," IMAGE "'user':'%s'}", user);
	(void)snprintf(var, sizeof(var), "HOME=%s", home);
	t = rig_parse(doc);
	EXPECT_EQ(t->ct.process.uid, uid);
	EXPECT_EQ(t->ct.process.gid, gid);
	EXPECT_STREQ(t->user_text, user);
	EXPECT_STREQ(t->ct.process.env[1], var);
}

TEST(a_user_is_a_number_or_a_name_of_the_image)
{
	make_image();
	expect_user("0", 0, 0, "/root");
	expect_user("1", 1, 65534, "/");
	expect_user("1:2", 1, 2, "/");
	expect_user("33", 33, 34, "/var/www");
	expect_user("web", 33, 34, "/var/www");
	expect_user("web:0", 33, 0, "/var/www");
	expect_user("web:audio", 33, 60, "/var/www");
	expect_user("1:audio", 1, 60, "/");
	expect_user("root", 0, 0, "/root");
	expect_user("relative", 40, 41, "/");
	expect_user("last", 50, 51, "/last");
	expect_user("last:last", 50, 63, "/last");
	expect_user("007", 7, 65534, "/");
	expect_user("65535:65535", 65535, 65535, "/");
}

TEST(a_user_that_is_neither_is_refused_and_never_becomes_root)
{
	static const char *const bad[] = {"-1", "1x", "0x0", " 1", "1 ", "+1", "1.0", "$x", "a/b"};
	char doc[128], says[256];

	make_image();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(doc, sizeof(doc), "{'cmd':'x'," IMAGE "'user':'%s'}", bad[i]);
		(void)snprintf(says, sizeof(says),
			       "\"%s\" is neither a number nor a name of a user, allowed is for "
			       "example \"1000\" or \"www-data\", also with a group: \"1000:1000\"",
			       bad[i]);
		REFUSED(doc, "user", says);
	}
	REFUSED_KEYS(IMAGE "'user':':2'", "user",
		     "\"\" is neither a number nor a name of a user, allowed is for example "
		     "\"1000\" or \"www-data\", also with a group: \"1000:1000\"");
	REFUSED_KEYS(IMAGE "'user':'1:'", "user",
		     "\"\" is neither a number nor a name of a group, allowed is for example "
		     "\"1000\" or \"www-data\"");
	REFUSED_KEYS(IMAGE "'user':'1:2:3'", "user",
		     "\"2:3\" is neither a number nor a name of a group, allowed is for example "
		     "\"1000\" or \"www-data\"");
	REFUSED_KEYS(IMAGE "'user':''", "user", "is empty, allowed are 1 to 64 bytes");
	REFUSED_KEYS(IMAGE "'user':1000", "user", "1000 is a number, must be text");
	REFUSED_KEYS(IMAGE "'user':'x'", "user", "user \"x\" is not in etc/passwd of the image");
	REFUSED_KEYS(IMAGE "'user':'web:x'", "user",
		     "group \"x\" is not in etc/group of the image");
}

TEST(numbers_out_of_range_are_refused)
{
	static const char userns[] =
		"is out of range, allowed is 0 to 65535 in a user namespace of "
		"the task's own";
	char says[256];

	make_image();
	REFUSED_KEYS(IMAGE "'user':'4294967296'", "user",
		     "user 4294967296 is out of range, allowed is 0 to 4294967294");
	REFUSED_KEYS(IMAGE "'user':'4294967295'", "user",
		     "user 4294967295 is out of range, allowed is 0 to 4294967294");
	REFUSED_KEYS(IMAGE "'user':'18446744073709551616'", "user",
		     "user 18446744073709551616 is out of range, allowed is 0 to 4294967294");
	(void)snprintf(says, sizeof(says), "user 65536 %s", userns);
	REFUSED_KEYS(IMAGE "'user':'65536'", "user", says);
	(void)snprintf(says, sizeof(says), "group 65536 %s", userns);
	REFUSED_KEYS(IMAGE "'user':'0:65536'", "user", says);
	REFUSED_KEYS(IMAGE "'groups':[65536]", "groups[0]", says);
	(void)snprintf(says, sizeof(says), "user 70000 %s", userns);
	REFUSED_KEYS(IMAGE "'user':'far'", "user", says);
	(void)snprintf(says, sizeof(says), "group 70000 %s", userns);
	REFUSED_KEYS(IMAGE "'user':'1:far'", "user", says);
	REFUSED_KEYS(IMAGE "'groups':[-1]", "groups[0]",
		     "-1 is out of range, allowed is 0 to 4294967294");
}

TEST(without_a_user_namespace_all_numbers_but_the_last_are_users)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'cmd':'x','user':'4294967294:4294967294'}");

	EXPECT_EQ(t->ct.process.uid, 4294967294);
	EXPECT_EQ(t->ct.process.gid, 4294967294);
}

TEST(lines_with_wrong_numbers_are_no_accounts)
{
	static const char *const names[] = {"minus", "hex", "big", "nogid", "broken"};
	char doc[128], says[128];

	make_image();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(doc, sizeof(doc), "{'cmd':'x'," IMAGE "'user':'%s'}", names[i]);
		(void)snprintf(says, sizeof(says), "user \"%s\" is not in etc/passwd of the image",
			       names[i]);
		REFUSED(doc, "user", says);
	}
}

TEST(a_user_by_name_is_in_the_groups_that_list_it)
{
	cleanup_task_spec struct task_spec *name = NULL, *number = NULL, *own = NULL;

	make_image();
	name = rig_parse("{'cmd':'x'," IMAGE "'user':'web'}");
	number = rig_parse("{'cmd':'x'," IMAGE "'user':'33'}");
	own = rig_parse("{'cmd':'x'," IMAGE "'user':'web','groups':['video',5,'5']}");
	EXPECT_EQ(name->ct.process.additional_gids_nr, 3);
	EXPECT_EQ(name->ct.process.additional_gids[0], 60);
	EXPECT_EQ(name->ct.process.additional_gids[1], 61);
	EXPECT_EQ(name->ct.process.additional_gids[2], 63);
	EXPECT_EQ(number->ct.process.additional_gids_nr, 0);
	EXPECT_EQ(own->ct.process.additional_gids_nr, 2);
	EXPECT_EQ(own->ct.process.additional_gids[0], 61);
	EXPECT_EQ(own->ct.process.additional_gids[1], 5);
}

TEST(more_groups_than_allowed_are_refused)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	make_image();
	ASSERT_TRUE(f != NULL);
	for (int i = 0; i < 65; i++)
		(void)fprintf(f, "g%d:x:%d:web\n", i, 1000 + i);
	ASSERT_EQ(fclose(f), 0);
	rig_file("img/etc/group", text);
	REFUSED_KEYS(IMAGE "'user':'web'", "user",
		     "the user is in more than 64 groups, name those it needs");
	REFUSED_KEYS(IMAGE "'groups':'web'", "groups", "\"web\" is text, must be an array");
	REFUSED_KEYS(IMAGE "'groups':['nosuch']", "groups[0]",
		     "group \"nosuch\" is not in etc/group of the image");
	REFUSED_KEYS(IMAGE "'groups':[{}]", "groups[0]", "is an object, must be text");
}

/* Replaces etc/passwd of the image by a link. */
static void link_passwd(const char *target)
{
	cleanup_free char *path = rig_text("@/img/etc/passwd", false);
	cleanup_free char *full = rig_text(target, false);

	EXPECT_EQ(unlink(path), 0);
	ASSERT_EQ(symlink(full, path), 0);
}

TEST(links_in_the_image_lead_nowhere_out_of_it)
{
	static const char says[] =
		"user \"evil\" can't be looked up in etc/passwd of the image: No "
		"such file or directory";
	cleanup_task_spec struct task_spec *t = NULL;

	rig_file("outside", "evil:x:0:0::/:\n");
	make_image();
	link_passwd("@/outside");
	REFUSED_KEYS(IMAGE "'user':'evil'", "user", says);
	link_passwd("../../outside");
	REFUSED_KEYS(IMAGE "'user':'evil'", "user", says);
	link_passwd("/proc/self/root@/outside");
	REFUSED_KEYS(IMAGE "'user':'evil'", "user", says);
	rig_file("img/usr/passwd", "inside:x:3:4::/:\n");
	link_passwd("/usr/passwd");
	t = rig_parse("{'cmd':'x'," IMAGE "'user':'inside'}");
	EXPECT_EQ(t->ct.process.uid, 3);
}

TEST(what_is_no_small_regular_file_is_not_read_and_never_blocks)
{
	static const char says[] =
		"user \"web\" can't be looked up in etc/passwd of the image: not a "
		"regular file";
	cleanup_free char *path = rig_text("@/img/etc/passwd", false);
	cleanup_task_spec struct task_spec *t = NULL;

	make_image();
	EXPECT_EQ(unlink(path), 0);
	ASSERT_EQ(mkfifo(path, 0600), 0);
	REFUSED_KEYS(IMAGE "'user':'web'", "user", says);
	EXPECT_EQ(unlink(path), 0);
	ASSERT_EQ(mkdir(path, 0700), 0);
	REFUSED_KEYS(IMAGE "'user':'web'", "user",
		     "user \"web\" can't be looked up in etc/passwd of the image: Is a directory");
	EXPECT_EQ(rmdir(path), 0);
	rig_file("img/etc/passwd", passwd);
	ASSERT_EQ(truncate(path, (1 << 20) + 1), 0);
	REFUSED_KEYS(IMAGE "'user':'web'", "user",
		     "user \"web\" can't be looked up in etc/passwd of the image: File too large");
	t = rig_parse("{'cmd':'x'," IMAGE "'user':'33'}");
	EXPECT_EQ(t->ct.process.gid, 65534);
}

/* A task whose image is read-only has the file itself: fcntl(2), "Leases" */
TEST(a_lease_of_an_image_s_file_is_not_waited_for)
{
	cleanup_free char *path = rig_text("@/img/etc/passwd", false);

	make_image();
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(sigaction(SIGIO, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK))
		test_skip("the file system has no leases: %s", strerror(errno));
	REFUSED_KEYS(IMAGE "'user':'web'", "user",
		     "user \"web\" can't be looked up in etc/passwd of the image: "
		     "Resource temporarily unavailable");
}

TEST(a_device_node_in_place_of_the_file_is_not_opened, NEED_ROOT)
{
	cleanup_free char *path = rig_text("@/img/etc/passwd", false);

	make_image();
	EXPECT_EQ(unlink(path), 0);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 5)) < 0)
		test_skip("mknod is not allowed here");
	REFUSED_KEYS(IMAGE "'user':'web'", "user",
		     "user \"web\" can't be looked up in etc/passwd of the image: not a regular "
		     "file");
}

TEST(an_image_without_accounts_has_numbers_only)
{
	cleanup_task_spec struct task_spec *t = NULL;

	rig_file("img/x", "");
	t = rig_parse("{'cmd':'x'," IMAGE "'user':'0'}");
	EXPECT_EQ(t->ct.process.gid, 0);
	REFUSED_KEYS(IMAGE "'user':'root'", "user",
		     "user \"root\" can't be looked up in etc/passwd of the image: No such file or "
		     "directory");
	REFUSED_KEYS(IMAGE "'user':'0:root'", "user",
		     "group \"root\" can't be looked up in etc/group of the image: No such file or "
		     "directory");
}
