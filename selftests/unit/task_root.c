// SPDX-License-Identifier: Apache-2.0
#include "agent/task.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

#define PLAIN                                                                                      \
	" is not allowed, allowed is an absolute path without \"//\", \".\" or \"..\" components " \
	"and without a final \"/\""

TEST(an_image_is_the_host_or_a_directory_that_exists)
{
	rig_file("file", "");
	rig_file("img/x", "");
	REFUSED_KEYS("'image':'@/nosuch'", "image",
		     "\"@/nosuch\" can't be used: No such file or directory");
	REFUSED_KEYS("'image':'@/file'", "image", "\"@/file\" is not a directory");
	REFUSED_KEYS("'image':'img'", "image", "\"img\"" PLAIN);
	REFUSED_KEYS("'image':'@/img/../img'", "image", "\"@/img/../img\"" PLAIN);
	REFUSED_KEYS("'image':'/'", "image",
		     "\"/\" is not allowed, allowed is \"host\" or the path of an unpacked root "
		     "file system");
	REFUSED_KEYS("'image':''", "image", "\"\"" PLAIN);
	REFUSED_KEYS("'image':'@/img\\u0000'", "image", "\"@/img\\u0000\"" PLAIN);
	REFUSED_KEYS("'image':{}", "image",
		     "is an object, must be \"host\" or the path of an unpacked root file system");
}

TEST(the_host_s_tree_is_never_writable)
{
	cleanup_task_spec struct task_spec *t = rig_parse("{'cmd':'x','readonly':true}");

	EXPECT_TRUE(t->ct.root.readonly);
	REFUSED_KEYS("'readonly':false", "readonly",
		     "false is not allowed with the image \"host\", which is always read-only; see "
		     "workdir");
}

/* A link in the test's directory. */
static int link_to(const char *target, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
	return symlink(target, path) < 0 ? -errno : 0;
}

TEST(a_work_directory_is_where_the_task_starts)
{
	cleanup_task_spec struct task_spec *t = NULL, *other = NULL;
	cleanup_free char *work = rig_text("@/work", false);

	rig_file("work/x", "");
	t = rig_parse("{'cmd':'x','workdir':'@/work'}");
	other = rig_parse("{'cmd':'x','workdir':'@/work','cwd':'/'}");
	EXPECT_STREQ(t->ct.root.work, work);
	EXPECT_STREQ(t->ct.process.cwd, work);
	EXPECT_STREQ(other->ct.process.cwd, "/");
}

TEST(a_work_directory_that_would_give_away_the_host_or_the_agent_is_refused)
{
	static const char *const bad[] = {"/", "/proc", "/proc/self", "/sys/fs", "/dev/shm"};
	char doc[64], says[256];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(doc, sizeof(doc), "{'cmd':'x','workdir':'%s'}", bad[i]);
		(void)snprintf(
			says, sizeof(says),
			"\"%s\" is not allowed, allowed is a directory of the host, but not / "
			"or one in /proc, /sys or /dev",
			bad[i]);
		REFUSED(doc, "workdir", says);
	}
	rig_file("state/tasks/x", "");
	rig_file("img/x", "");
	REFUSED_KEYS("'workdir':'@'", "workdir",
		     "\"@\" is not allowed, the agent's own files are below it");
	REFUSED_KEYS("'workdir':'@/state'", "workdir",
		     "\"@/state\" is not allowed, the agent's own files are in \"@/state\"");
	REFUSED_KEYS("'workdir':'@/state/tasks'", "workdir",
		     "\"@/state/tasks\" is not allowed, the agent's own files are in \"@/state\"");
	EXPECT_EQ(link_to("/", "all"), 0);
	EXPECT_EQ(link_to("state", "hidden"), 0);
	REFUSED_KEYS("'workdir':'@/all'", "workdir",
		     "\"@/all\" is not allowed, it leads to \"/\", which is to be given itself");
	REFUSED_KEYS(
		"'workdir':'@/hidden/tasks'", "workdir",
		"\"@/hidden/tasks\" is not allowed, it leads to \"@/state/tasks\", which is to "
		"be given itself");
	REFUSED_KEYS("'workdir':'@/nosuch'", "workdir",
		     "\"@/nosuch\" can't be used: No such file or directory");
	REFUSED_KEYS("'image':'@/img','workdir':'@/img'", "workdir",
		     "given with an image of its own, allowed only with the image \"host\"; see "
		     "mounts");
}

TEST(mounts_arrive_in_their_order)
{
	cleanup_task_spec struct task_spec *t = NULL;
	cleanup_free char *data = rig_text("@/data", false);
	const struct ct_mount *m;

	rig_file("data/x", "");
	t = rig_parse("{'cmd':'x','mounts':["
		      "{'source':'@/data','target':'/b','readonly':true},"
		      "{'source':'@/data/x','target':'/a'},"
		      "{'tmpfs':true,'target':'/t','size':'1M'},"
		      "{'tmpfs':true,'target':'/dev/shm'}]}");
	m = t->ct.mounts;
	EXPECT_EQ(t->ct.mounts_nr, 4);
	EXPECT_STREQ(m[0].source, data);
	EXPECT_STREQ(m[0].destination, "/b");
	EXPECT_TRUE(m[0].readonly);
	EXPECT_FALSE(m[0].tmpfs);
	EXPECT_STREQ(m[1].destination, "/a");
	EXPECT_FALSE(m[1].readonly);
	EXPECT_TRUE(m[2].source == NULL);
	EXPECT_TRUE(m[2].tmpfs);
	EXPECT_EQ(m[2].tmpfs_bytes, 1 << 20);
	EXPECT_TRUE(m[3].tmpfs_bytes == CT_UNSET);
}

TEST(a_mount_over_what_the_agent_mounts_is_refused)
{
	static const char *const bad[] = {"/",	       "/proc", "/proc/self", "/sys",
					  "/sys/fs/x", "/dev",	"/dev/null",  "/dev/shm/x"};
	char doc[128], says[256];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(doc, sizeof(doc),
			       "{'cmd':'x','mounts':[{'tmpfs':true,'target':'%s'}]}", bad[i]);
		(void)snprintf(says, sizeof(says),
			       "\"%s\" is not allowed, allowed is /dev/shm or a path outside of "
			       "/proc, /sys and /dev, and not /",
			       bad[i]);
		REFUSED(doc, "mounts[0].target", says);
	}
}

TEST(a_link_is_no_way_to_the_agent_s_files_and_can_not_be_turned_later)
{
	cleanup_free char *data = rig_text("@/data", false);
	cleanup_task_spec struct task_spec *t = NULL;

	rig_file("data/x", "");
	rig_file("run/agent.sock", "");
	EXPECT_EQ(link_to("run", "alias"), 0);
	EXPECT_EQ(link_to("data", "good"), 0);
	REFUSED_KEYS("'mounts':[{'source':'@/alias/agent.sock','target':'/x'}]", "mounts[0].source",
		     "\"@/alias/agent.sock\" is not allowed, the agent's own files are in "
		     "\"@/run\"");
	REFUSED_KEYS("'mounts':[{'source':'@/alias','target':'/x'}]", "mounts[0].source",
		     "\"@/alias\" is not allowed, the agent's own files are in \"@/run\"");
	t = rig_parse("{'cmd':'x','mounts':[{'source':'@/good','target':'/x'}]}");
	EXPECT_STREQ(t->ct.mounts[0].source, data);
}

TEST(mounts_are_checked)
{
	rig_file("data/x", "");
	rig_file("run/agent.sock", "");
	REFUSED_KEYS("'mounts':[{'source':'@/data'}]", "mounts[0].target", "is missing");
	REFUSED_KEYS("'mounts':[{'target':'/x'}]", "mounts[0].source",
		     "is missing, allowed is a path, or \"tmpfs\": true instead");
	REFUSED_KEYS("'mounts':[{'tmpfs':true,'source':'@/data','target':'/x'}]",
		     "mounts[0].source", "given beside \"tmpfs\", only one of them is allowed");
	REFUSED_KEYS("'mounts':[{'source':'@/data','target':'/x','size':'1M'}]", "mounts[0].size",
		     "given without \"tmpfs\": true, which it needs");
	REFUSED_KEYS("'mounts':[{'tmpfs':true,'target':'/x','size':'1K'}]", "mounts[0].size",
		     "\"1K\" is out of range, allowed is 4K to 1P");
	REFUSED_KEYS("'mounts':[{'tmpfs':true,'target':'/x'},{'tmpfs':true,'target':'/x'}]",
		     "mounts[1].target", "\"/x\" is a target twice");
	REFUSED_KEYS("'mounts':[{'source':'@/nosuch','target':'/x'}]", "mounts[0].source",
		     "\"@/nosuch\" can't be used: No such file or directory");
	REFUSED_KEYS("'mounts':[{'source':'@/run/agent.sock','target':'/x'}]", "mounts[0].source",
		     "\"@/run/agent.sock\" is not allowed, the agent's own files are in \"@/run\"");
	REFUSED_KEYS("'mounts':[{'source':'@/data','target':'x'}]", "mounts[0].target",
		     "\"x\"" PLAIN);
	REFUSED_KEYS("'mounts':[{'source':'@/data','target':'/x','readonly':0}]",
		     "mounts[0].readonly", "0 is a number, must be true or false");
	REFUSED_KEYS("'mounts':[1]", "mounts[0]", "1 is a number, must be an object");
	REFUSED_KEYS("'mounts':{}", "mounts", "is an object, must be an array");
}

TEST(a_device_by_its_numbers_is_allowed)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'cmd':'x','devices':[{'type':'c','major':10,'minor':200},"
			  "{'type':'b','access':'r'},{'type':'a','access':'mrw'}]}");
	const struct ct_device *d = t->ct.devices;

	EXPECT_EQ(t->ct.devices_nr, 3);
	EXPECT_EQ(t->ct.mounts_nr, 0);
	EXPECT_EQ(d[0].type, 'c');
	EXPECT_EQ(d[0].major, 10);
	EXPECT_EQ(d[0].minor, 200);
	EXPECT_TRUE(d[0].read && d[0].write && !d[0].mknod);
	EXPECT_EQ(d[1].type, 'b');
	EXPECT_EQ(d[1].major, -1);
	EXPECT_EQ(d[1].minor, -1);
	EXPECT_TRUE(d[1].read && !d[1].write && !d[1].mknod);
	EXPECT_EQ(d[2].type, 'a');
	EXPECT_TRUE(d[2].mknod);
}

TEST(a_device_by_its_path_is_allowed_and_mounted)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'cmd':'x','devices':[{'path':'/dev/full','access':'r'}],"
			  "'mounts':[{'tmpfs':true,'target':'/t'}]}");

	EXPECT_EQ(t->ct.devices_nr, 1);
	EXPECT_EQ(t->ct.devices[0].type, 'c');
	EXPECT_EQ(t->ct.devices[0].major, 1);
	EXPECT_EQ(t->ct.devices[0].minor, 7);
	EXPECT_EQ(t->ct.mounts_nr, 2);
	EXPECT_STREQ(t->ct.mounts[0].destination, "/t");
	EXPECT_STREQ(t->ct.mounts[1].source, "/dev/full");
	EXPECT_STREQ(t->ct.mounts[1].destination, "/dev/full");
}

TEST(devices_are_checked)
{
	REFUSED_KEYS("'devices':[{}]", "devices[0].type",
		     "is missing, allowed is \"c\" or \"b\", or a path instead");
	REFUSED_KEYS("'devices':[{'type':'u'}]", "devices[0].type",
		     "\"u\" is not allowed, allowed is \"c\", \"b\" or \"a\"");
	REFUSED_KEYS("'devices':[{'type':'char'}]", "devices[0].type",
		     "has 4 bytes, allowed are at most 1");
	REFUSED_KEYS("'devices':[{'type':'a','major':1}]", "devices[0].type",
		     "\"a\" is not allowed with numbers");
	REFUSED_KEYS("'devices':[{'type':'c','major':4096}]", "devices[0].major",
		     "4096 is out of range, allowed is 0 to 4095");
	REFUSED_KEYS("'devices':[{'type':'c','minor':-1}]", "devices[0].minor",
		     "-1 is out of range, allowed is 0 to 1048575");
	REFUSED_KEYS(
		"'devices':[{'type':'c','access':'rx'}]", "devices[0].access",
		"\"rx\" is not allowed, allowed are the letters r, w and m, each at most once");
	REFUSED_KEYS(
		"'devices':[{'type':'c','access':'rr'}]", "devices[0].access",
		"\"rr\" is not allowed, allowed are the letters r, w and m, each at most once");
	REFUSED_KEYS("'devices':[{'type':'c','access':''}]", "devices[0].access",
		     "is empty, allowed are 1 to 3 bytes");
	REFUSED_KEYS("'devices':[{'path':'/etc/passwd'}]", "devices[0].path",
		     "\"/etc/passwd\" is not allowed, allowed is a path below /dev");
	REFUSED_KEYS("'devices':[{'path':'/dev/nosuch'}]", "devices[0].path",
		     "\"/dev/nosuch\" can't be used: No such file or directory");
	REFUSED_KEYS("'devices':[{'path':'/dev/null','minor':4}]", "devices[0].path",
		     "\"/dev/null\" is the device c 1:3, not the one given");
	REFUSED_KEYS("'devices':[{'path':'/dev/fd'}]", "devices[0].path",
		     "\"/dev/fd\" is not a device");
	REFUSED_KEYS("'devices':[{'path':'/dev/null'},{'path':'/dev/null'}]", "devices[1].path",
		     "\"/dev/null\" is given twice");
}

TEST(too_many_mounts_and_devices_are_refused)
{
	json_t *mounts = json_array(), *devices = json_array(), *doc;
	cleanup_config struct config *c = rig_config();
	struct task_spec *t = NULL;
	struct task_error err;
	char target[16];

	for (int i = 0; i < 65; i++) {
		(void)snprintf(target, sizeof(target), "/m%d", i);
		EXPECT_EQ(json_array_append_new(mounts, json_pack("{s:b, s:s}", "tmpfs", 1,
								  "target", target)),
			  0);
		EXPECT_EQ(json_array_append_new(devices, json_pack("{s:s}", "type", "c")), 0);
	}
	doc = json_pack("{s:s, s:O}", "cmd", "x", "mounts", mounts);
	EXPECT_EQ(task_spec_parse(c, doc, &t, &err), -EINVAL);
	EXPECT_STREQ(err.key, "mounts");
	EXPECT_STREQ(err.reason, "has 65 elements, allowed are at most 64");
	json_decref(doc);
	doc = json_pack("{s:s, s:o}", "cmd", "x", "devices", devices);
	EXPECT_EQ(task_spec_parse(c, doc, &t, &err), -EINVAL);
	EXPECT_STREQ(err.key, "devices");
	json_decref(doc);
	EXPECT_EQ(json_array_remove(mounts, 64), 0);
	doc = json_pack("{s:s, s:o, s:[{s:s}]}", "cmd", "x", "mounts", mounts, "devices", "path",
			"/dev/null");
	EXPECT_EQ(task_spec_parse(c, doc, &t, &err), -EINVAL);
	EXPECT_STREQ(err.key, "devices[0]");
	EXPECT_STREQ(err.reason, "mounts and devices with a path are more than 64");
	json_decref(doc);
	EXPECT_TRUE(t == NULL);
}
