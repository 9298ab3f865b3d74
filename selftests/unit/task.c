// SPDX-License-Identifier: Apache-2.0
#include "agent/task.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

#define CAP(c) (UINT64_C(1) << (c))

static void make_image(void)
{
	rig_file("img/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
}

TEST(a_task_with_only_a_command_gets_the_documented_defaults)
{
	cleanup_task_spec struct task_spec *t = rig_parse("{'command':['/bin/true']}");
	const struct ct_spec *ct = &t->ct;

	EXPECT_TRUE(t->id_generated);
	EXPECT_EQ(strlen(ct->id), 13);
	EXPECT_EQ(strncmp(ct->id, "task-", 5), 0);
	EXPECT_EQ(strspn(ct->id + 5, "0123456789abcdef"), 8);
	EXPECT_STREQ(t->image, "host");
	EXPECT_EQ(ct->root.kind, CT_ROOT_HOST);
	EXPECT_STREQ(t->user_text, "0:0");
	EXPECT_EQ(ct->process.uid, 0);
	EXPECT_EQ(ct->process.gid, 0);
	EXPECT_STREQ(ct->process.cwd, "/");
	EXPECT_STREQ(ct->process.args[0], "/bin/true");
	EXPECT_TRUE(ct->process.args[1] == NULL);
	EXPECT_TRUE(ct->process.no_new_privileges);
	EXPECT_TRUE(ct->process.capabilities & CAP(CAP_CHOWN));
	EXPECT_FALSE(ct->process.capabilities & CAP(CAP_SYS_ADMIN));
	EXPECT_EQ(ct->process.umask, 022);
	EXPECT_EQ(ct->process.oom_score_adj, INT_MIN);
	EXPECT_STREQ(ct->seccomp, sc_builtin("default"));
	EXPECT_EQ(t->kill_grace_us, 5000000);
	EXPECT_EQ(t->kill_signal, SIGTERM);
	EXPECT_EQ(t->log_max_bytes, 10 << 20);
	EXPECT_EQ(json_object_size(t->labels), 0);
	EXPECT_TRUE(ct->masked_paths[0] != NULL);
	EXPECT_TRUE(ct->readonly_paths[0] != NULL);
	EXPECT_EQ(ct->mounts_nr, 0);
	EXPECT_EQ(ct->devices_nr, 0);
	EXPECT_TRUE(ct->hostname == NULL);
	EXPECT_EQ(ct->idmap.host_base, 0);
	EXPECT_EQ(ct->idmap.nr, 65536);
}

TEST(two_tasks_without_an_id_get_different_ones)
{
	cleanup_task_spec struct task_spec *a = rig_parse("{'cmd':'x'}");
	cleanup_task_spec struct task_spec *b = rig_parse("{'cmd':'x'}");

	EXPECT_NE(strcmp(a->ct.id, b->ct.id), 0);
}

TEST(an_image_means_namespaces_of_its_own_and_the_host_means_the_host_s)
{
	cleanup_task_spec struct task_spec *host = rig_parse("{'cmd':'x'}");
	cleanup_task_spec struct task_spec *both =
		rig_parse("{'cmd':'x','userns':true,'network':'none'}");
	cleanup_task_spec struct task_spec *image = NULL, *none = NULL;

	make_image();
	image = rig_parse("{'cmd':'x','image':'@/img'}");
	none = rig_parse("{'cmd':'x','image':'@/img','userns':false,'network':'host'}");
	EXPECT_FALSE(host->ct.namespaces & (CLONE_NEWUSER | CLONE_NEWNET));
	EXPECT_TRUE(host->ct.namespaces & CLONE_NEWNS);
	EXPECT_EQ(both->ct.namespaces & (CLONE_NEWUSER | CLONE_NEWNET),
		  CLONE_NEWUSER | CLONE_NEWNET);
	EXPECT_EQ(image->ct.namespaces & (CLONE_NEWUSER | CLONE_NEWNET),
		  CLONE_NEWUSER | CLONE_NEWNET);
	EXPECT_FALSE(none->ct.namespaces & (CLONE_NEWUSER | CLONE_NEWNET));
	EXPECT_TRUE(none->ct.namespaces & CLONE_NEWPID);
	EXPECT_FALSE(both->ct.net_private);

	cleanup_task_spec struct task_spec *own = rig_parse("{'cmd':'x','network':'private'}");

	EXPECT_TRUE(own->ct.net_private);
	EXPECT_TRUE(own->ct.namespaces & CLONE_NEWNET);
	EXPECT_STREQ(json_string_value(json_object_get(own->doc, "network")), "private");
}

TEST(every_key_arrives_in_the_spec)
{
	cleanup_task_spec struct task_spec *t = NULL;
	cleanup_free char *img = rig_text("@/img", false);
	const struct ct_spec *ct;

	make_image();
	t = rig_parse(
		"{'id':'a.b-1','image':'@/img','readonly':true,'command':['prog','','-x'],"
		"'env':{'A':'1','PATH':'/p'},'user':'7:8','groups':[9,'10',9],'cwd':'/w',"
		"'network':'host','hostname':'h-1','userns':false,"
		"'rlimits':{'nofile':[10,20],'core':0,'stack':'unlimited'},"
		"'capabilities':['NET_RAW','cap_kill'],"
		"'masked_paths':['/m'],'readonly_paths':[],'seccomp':'unconfined',"
		"'no_new_privileges':false,'umask':'0077','oom_score_adj':-5,"
		"'labels':{'k':'v'},'kill_signal':'sigquit','kill_grace':'250ms','log_max':'1M'}");
	ct = &t->ct;
	EXPECT_STREQ(ct->id, "a.b-1");
	EXPECT_FALSE(t->id_generated);
	EXPECT_STREQ(t->image, img);
	EXPECT_STREQ(ct->root.path, img);
	EXPECT_EQ(ct->root.kind, CT_ROOT_DIR);
	EXPECT_TRUE(ct->root.readonly);
	EXPECT_STREQ(ct->process.args[0], "prog");
	EXPECT_STREQ(ct->process.args[1], "");
	EXPECT_STREQ(ct->process.args[2], "-x");
	EXPECT_TRUE(ct->process.args[3] == NULL);
	EXPECT_STREQ(ct->process.env[0], "PATH=/p");
	EXPECT_STREQ(ct->process.env[1], "HOME=/");
	EXPECT_STREQ(ct->process.env[2], "DCOS_TASK_ID=a.b-1");
	EXPECT_STREQ(ct->process.env[3], "A=1");
	EXPECT_TRUE(ct->process.env[4] == NULL);
	EXPECT_EQ(ct->process.uid, 7);
	EXPECT_EQ(ct->process.gid, 8);
	EXPECT_EQ(ct->process.additional_gids_nr, 2);
	EXPECT_EQ(ct->process.additional_gids[0], 9);
	EXPECT_EQ(ct->process.additional_gids[1], 10);
	EXPECT_STREQ(ct->process.cwd, "/w");
	EXPECT_STREQ(ct->hostname, "h-1");
	EXPECT_EQ(ct->process.rlimits_nr, 3);
	EXPECT_EQ(ct->process.rlimits[0].resource, RLIMIT_CORE);
	EXPECT_EQ(ct->process.rlimits[0].hard, 0);
	EXPECT_EQ(ct->process.rlimits[1].resource, RLIMIT_NOFILE);
	EXPECT_EQ(ct->process.rlimits[1].soft, 10);
	EXPECT_EQ(ct->process.rlimits[1].hard, 20);
	EXPECT_TRUE(ct->process.rlimits[2].soft == RLIM_INFINITY);
	EXPECT_EQ(ct->process.capabilities, CAP(CAP_NET_RAW) | CAP(CAP_KILL));
	EXPECT_STREQ(ct->masked_paths[0], "/m");
	EXPECT_TRUE(ct->masked_paths[1] == NULL);
	EXPECT_TRUE(ct->readonly_paths[0] == NULL);
	EXPECT_TRUE(ct->seccomp == NULL);
	EXPECT_FALSE(ct->process.no_new_privileges);
	EXPECT_EQ(ct->process.umask, 077);
	EXPECT_EQ(ct->process.oom_score_adj, -5);
	EXPECT_STREQ(json_string_value(json_object_get(t->labels, "k")), "v");
	EXPECT_EQ(t->kill_grace_us, 250000);
	EXPECT_EQ(t->kill_signal, SIGQUIT);
	EXPECT_EQ(t->log_max_bytes, 1 << 20);
}

TEST(cmd_is_run_by_a_shell)
{
	cleanup_task_spec struct task_spec *t = rig_parse("{'cmd':'echo hi; exit 3'}");

	EXPECT_STREQ(t->ct.process.args[0], "/bin/sh");
	EXPECT_STREQ(t->ct.process.args[1], "-c");
	EXPECT_STREQ(t->ct.process.args[2], "echo hi; exit 3");
	EXPECT_TRUE(t->ct.process.args[3] == NULL);
}

TEST(only_root_has_capabilities_without_asking)
{
	cleanup_task_spec struct task_spec *user = rig_parse("{'cmd':'x','user':'5:5'}");
	cleanup_task_spec struct task_spec *asks =
		rig_parse("{'cmd':'x','user':'5:5','capabilities':['default','SYS_ADMIN']}");
	cleanup_task_spec struct task_spec *none = rig_parse("{'cmd':'x','capabilities':[]}");

	EXPECT_EQ(user->ct.process.capabilities, 0);
	EXPECT_TRUE(asks->ct.process.capabilities & CAP(CAP_CHOWN));
	EXPECT_TRUE(asks->ct.process.capabilities & CAP(CAP_SYS_ADMIN));
	EXPECT_EQ(none->ct.process.capabilities, 0);
}

TEST(an_unknown_key_is_refused_and_the_nearest_one_named)
{
	REFUSED_KEYS(
		"'memroy':1", "memroy",
		"no such key, allowed are id, image, readonly, workdir, command, cmd, env, "
		"user, groups, cwd, network, publish, bind_ports, connect_to, hostname, userns, "
		"resources, rlimits, "
		"capabilities, mounts, devices, seccomp, no_new_privileges, masked_paths, "
		"readonly_paths, umask, oom_score_adj, labels, kill_signal, kill_grace, log_max "
		"and "
		"health_checks");
	REFUSED_KEYS("'netwrok':1", "netwrok", "no such key, the nearest is \"network\"");
	REFUSED_KEYS("'Image':1", "Image", "no such key, the nearest is \"image\"");
	REFUSED_KEYS("'resources':{'memroy':1}", "resources.memroy",
		     "no such key, the nearest is \"memory\"");
	REFUSED_KEYS("'mounts':[{'dest':'/x'}]", "mounts[0].dest",
		     "no such key, allowed are tmpfs, source, target, readonly and size");
	REFUSED_KEYS("'rlimits':{'nofiles':1}", "rlimits.nofiles",
		     "no such key, the nearest is \"nofile\"");
	REFUSED_KEYS("'devices':[{'mode':1}]", "devices[0].mode",
		     "no such key, allowed are path, type, major, minor and access");
	REFUSED_KEYS("'umas\\u001bk':1", "umas?k", "no such key, the nearest is \"umask\"");
}

TEST(what_is_no_object_is_no_task)
{
	REFUSED("[]", "", "is an array, must be an object");
	REFUSED("null", "", "is null, must be an object");
	REFUSED("42", "", "42 is a number, must be an object");
}

TEST(an_id_is_a_name_for_files)
{
	static const char says[] = " is not allowed, allowed are letters, digits, \"_\", \"+\", "
				   "\"-\" and, but not first, \".\"";
	static const char *const bad[] = {"..", ".",   "a/b",  "../../x",
					  ".x", "a b", "a\\n", "\\u00e9"};
	char doc[128], text[256];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(doc, sizeof(doc), "{'cmd':'x','id':'%s'}", bad[i]);
		(void)snprintf(text, sizeof(text), "\"%s\"%s",
			       strcmp(bad[i], "\\u00e9") ? bad[i] : "\\u00E9", says);
		REFUSED(doc, "id", text);
	}
	REFUSED_KEYS("'id':''", "id", "is empty, allowed are 1 to 128 bytes");
	REFUSED_KEYS("'id':7", "id", "7 is a number, must be text");
	REFUSED_KEYS("'id':'a\\u0000b'", "id", "has a NUL character, which no text may have");
	REFUSED_KEYS(
		"'id':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
		"id", "has 129 bytes, allowed are at most 128");
}

TEST(a_command_is_needed_once)
{
	REFUSED("{}", "command",
		"is missing, allowed is an array such as [\"/bin/sleep\", \"60\"], or \"cmd\" with "
		"text for /bin/sh");
	REFUSED("{'command':['x'],'cmd':'x'}", "cmd",
		"given beside \"command\", only one of them is allowed");
	REFUSED("{'command':[]}", "command", "is empty, allowed are 1 to 4096 elements");
	REFUSED("{'command':['']}", "command[0]", "is empty, allowed is the name of a program");
	REFUSED("{'command':'x'}", "command", "\"x\" is text, must be an array");
	REFUSED("{'command':['x',1]}", "command[1]", "1 is a number, must be text");
	REFUSED("{'command':['x',['y']]}", "command[1]", "is an array, must be text");
	REFUSED("{'command':['x','a\\u0000']}", "command[1]",
		"has a NUL character, which no text may have");
	REFUSED("{'cmd':''}", "cmd", "is empty, allowed are 1 to 131071 bytes");
	REFUSED("{'cmd':true}", "cmd", "true is a truth value, must be text");
}

static json_t *big_text(size_t len)
{
	char *text = malloc(len);
	json_t *v;

	ASSERT_TRUE(text != NULL);
	memset(text, 'x', len);
	v = json_stringn(text, len);
	free(text);
	return v;
}

static void expect_refused(json_t *doc, const char *key, const char *reason)
{
	cleanup_config struct config *c = rig_config();
	struct task_spec *t = NULL;
	struct task_error err;

	EXPECT_EQ(task_spec_parse(c, doc, &t, &err), -EINVAL);
	EXPECT_STREQ(err.key, key);
	EXPECT_STREQ(err.reason, reason);
	EXPECT_TRUE(t == NULL);
	json_decref(doc);
}

TEST(too_much_of_anything_is_refused)
{
	json_t *args = json_array(), *env = json_object(), *labels = json_object();
	char name[32];

	for (int i = 0; i < 4097; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		EXPECT_EQ(json_array_append_new(args, json_string("x")), 0);
		EXPECT_EQ(json_object_set_new(env, name, json_string("x")), 0);
		if (i < 65)
			EXPECT_EQ(json_object_set_new(labels, name, json_string("x")), 0);
	}
	expect_refused(json_pack("{s:o}", "command", args), "command",
		       "has 4097 elements, allowed are at most 4096");
	expect_refused(json_pack("{s:s, s:o}", "cmd", "x", "env", env), "env",
		       "has 4097 variables, allowed are at most 4096");
	expect_refused(json_pack("{s:s, s:o}", "cmd", "x", "labels", labels), "labels",
		       "has 65 labels, allowed are at most 64");
	expect_refused(json_pack("{s:[o]}", "command", big_text(131072)), "command[0]",
		       "has 131072 bytes, allowed are at most 131071");
	expect_refused(json_pack("{s:o}", "cmd", big_text(131072)), "cmd",
		       "has 131072 bytes, allowed are at most 131071");
	expect_refused(json_pack("{s:s, s:{s:o}}", "cmd", "x", "env", "AB", big_text(131069)),
		       "env.AB", "has 131069 bytes, allowed are at most 131068");
	expect_refused(json_pack("{s:s, s:{s:o}}", "cmd", "x", "labels", "k", big_text(1025)),
		       "labels.k", "has 1025 bytes, allowed are at most 1024");
	expect_refused(json_pack("{s:s, s:o}", "cmd", "x", "umask", big_text(1 << 20)), "umask",
		       "has 1048576 bytes, allowed are at most 4");
	expect_refused(json_pack("{s:s, s:o}", "cmd", "x", "network", big_text(1 << 20)), "network",
		       "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... is not allowed, allowed is \"host\", "
		       "\"private\" or \"none\"");
}

TEST(the_environment_is_checked)
{
	static const char name[] =
		"the name is not allowed, allowed are 1 or more characters other "
		"than \"=\"";

	REFUSED_KEYS("'env':['A=1']", "env", "is an array, must be an object");
	REFUSED_KEYS("'env':{'':'x'}", "env.\"\"", name);
	REFUSED_KEYS("'env':{'A=B':'x'}", "env.A=B", name);
	REFUSED_KEYS("'env':{'A':1}", "env.A", "1 is a number, must be text");
	REFUSED_KEYS("'env':{'A':'\\u0000'}", "env.A",
		     "has a NUL character, which no text may have");
}

TEST(simple_keys_name_what_they_allow)
{
	static const char paths[] = "\"x\" is not allowed, allowed is an absolute path without "
				    "\"//\", \".\" or \"..\" components and without a final \"/\"";

	REFUSED_KEYS("'network':'bridge'", "network",
		     "\"bridge\" is not allowed, allowed is \"host\", \"private\" or \"none\"");
	REFUSED_KEYS("'network':1", "network",
		     "1 is a number, must be \"host\", \"private\" or \"none\"");
	REFUSED_KEYS("'userns':1", "userns", "1 is a number, must be true or false");
	REFUSED_KEYS("'readonly':'yes'", "readonly", "\"yes\" is text, must be true or false");
	REFUSED_KEYS("'no_new_privileges':null", "no_new_privileges",
		     "is null, must be true or false");
	REFUSED_KEYS(
		"'hostname':'a_b'", "hostname",
		"\"a_b\" is not allowed, allowed are letters, digits and, but not first, \"-\" "
		"and \".\"");
	REFUSED_KEYS("'hostname':'-a'", "hostname",
		     "\"-a\" is not allowed, allowed are letters, digits and, but not first, \"-\" "
		     "and \".\"");
	REFUSED_KEYS("'cwd':'x'", "cwd", paths);
	REFUSED_KEYS("'cwd':'/proc/self/fd/8'", "cwd",
		     "\"/proc/self/fd/8\" is not allowed, allowed is a path outside of /proc");
	REFUSED_KEYS("'masked_paths':['/a','x']", "masked_paths[1]", paths);
	REFUSED_KEYS("'masked_paths':'/a'", "masked_paths", "\"/a\" is text, must be an array");
	REFUSED_KEYS("'readonly_paths':['/']", "readonly_paths[0]",
		     "\"/\" is not allowed, allowed is a path below it");
	REFUSED_KEYS("'umask':'0888'", "umask",
		     "\"0888\" is not allowed, allowed is octal \"000\" to \"777\"");
	REFUSED_KEYS("'umask':'1000'", "umask",
		     "\"1000\" is not allowed, allowed is octal \"000\" to \"777\"");
	REFUSED_KEYS("'umask':18", "umask", "18 is a number, must be text such as \"022\"");
	REFUSED_KEYS("'oom_score_adj':1001", "oom_score_adj",
		     "1001 is out of range, allowed is -1000 to 1000");
	REFUSED_KEYS("'oom_score_adj':0.5", "oom_score_adj",
		     "0.5 is a number, must be a whole number");
	REFUSED_KEYS("'labels':[]", "labels", "is an array, must be an object");
	REFUSED_KEYS("'labels':{'':'x'}", "labels.\"\"",
		     "the name has 0 bytes, allowed are 1 to 1024");
	REFUSED_KEYS("'labels':{'a':1}", "labels.a", "1 is a number, must be text");
	REFUSED_KEYS("'kill_signal':'NOPE'", "kill_signal",
		     "\"NOPE\" is no signal, allowed is a name such as \"QUIT\" or 1..64");
	REFUSED_KEYS("'kill_signal':65", "kill_signal",
		     "65 is a number, must be text such as \"QUIT\"");
	REFUSED_KEYS("'kill_grace':'2h'", "kill_grace",
		     "\"2h\" is out of range, allowed is 0 to 1h");
	REFUSED_KEYS("'kill_grace':-1", "kill_grace",
		     "-1 is no time, allowed is a number of seconds or text such as \"500ms\"");
	REFUSED_KEYS("'kill_grace':1e300", "kill_grace",
		     "1.0000000000000001e300 is no time, allowed is a number of seconds or text "
		     "such as \"500ms\"");
	REFUSED_KEYS("'kill_grace':'soon'", "kill_grace",
		     "\"soon\" is no time, allowed is a number of seconds or text such as "
		     "\"500ms\"");
	REFUSED_KEYS("'log_max':'max'", "log_max", "\"max\" is out of range, allowed is 4K to 16G");
	REFUSED_KEYS("'log_max':4095", "log_max", "4095 is out of range, allowed is 4K to 16G");
	REFUSED_KEYS("'log_max':{}", "log_max",
		     "is an object, must be a number of bytes or text such as \"256M\"");
}

TEST(rlimits_are_checked)
{
	REFUSED_KEYS("'rlimits':{'nofile':[20,10]}", "rlimits.nofile",
		     "the soft limit is above the hard one, 10");
	REFUSED_KEYS("'rlimits':{'nofile':[1]}", "rlimits.nofile",
		     "has 1 elements, allowed are two: [soft, hard]");
	REFUSED_KEYS("'rlimits':{'nofile':-1}", "rlimits.nofile",
		     "-1 is out of range, allowed is 0 to 9223372036854775807");
	REFUSED_KEYS("'rlimits':{'nofile':'many'}", "rlimits.nofile",
		     "\"many\" is text, must be a whole number or \"unlimited\"");
	REFUSED_KEYS("'rlimits':{'nofile':[1,{}]}", "rlimits.nofile[1]",
		     "is an object, must be a whole number or \"unlimited\"");
	REFUSED_KEYS("'rlimits':[]", "rlimits", "is an array, must be an object");
}

TEST(capabilities_are_checked)
{
	REFUSED_KEYS("'capabilities':['NET_RAW','SYS_GOD']", "capabilities[1]",
		     "\"SYS_GOD\" is not allowed, allowed is \"default\" or the name of a "
		     "capability such as \"NET_RAW\"");
	REFUSED_KEYS("'capabilities':['']", "capabilities[0]",
		     "is empty, allowed are 1 to 64 bytes");
	REFUSED_KEYS("'capabilities':'NET_RAW'", "capabilities",
		     "\"NET_RAW\" is text, must be an array");
}

TEST(a_seccomp_profile_is_the_built_in_one_a_file_an_object_or_none)
{
	cleanup_task_spec struct task_spec *file = NULL, *inline_ = NULL, *dflt = NULL;

	rig_file("sc/mine.json", "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
	file = rig_parse("{'cmd':'x','seccomp':'mine'}");
	inline_ = rig_parse("{'cmd':'x','seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}}");
	dflt = rig_parse("{'cmd':'x','seccomp':'default'}");
	EXPECT_STREQ(file->ct.seccomp, "{\"defaultAction\": \"SCMP_ACT_LOG\"}");
	EXPECT_STREQ(inline_->ct.seccomp, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	EXPECT_STREQ(dflt->ct.seccomp, sc_builtin("default"));
}

TEST(a_seccomp_profile_that_is_not_there_or_no_json_is_refused)
{
	static const char name[] =
		" is not allowed, allowed are \"default\", \"unconfined\" and the "
		"name of a profile, without \"/\" and \"..\"";
	static const char *const bad[] = {"../x", "a/b", "..", ".x", "a..b", ""};
	char doc[64], says[256];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(doc, sizeof(doc), "{'cmd':'x','seccomp':'%s'}", bad[i]);
		(void)snprintf(says, sizeof(says), "\"%s\"%s", bad[i], name);
		REFUSED(doc, "seccomp", says);
	}
	REFUSED_KEYS("'seccomp':'nosuch'", "seccomp",
		     "\"nosuch\" is unknown, allowed are \"default\", \"unconfined\" and the "
		     "profiles in @/sc");
	rig_file("sc/text.json", "{\n\"a\": }");
	REFUSED_KEYS("'seccomp':'text'", "seccomp",
		     "@/sc/text.json is no JSON object: line 2: unexpected token near '}'");
	rig_file("sc/array.json", "[]");
	REFUSED_KEYS("'seccomp':'array'", "seccomp",
		     "@/sc/array.json is no JSON object: line 1: something else");
	REFUSED_KEYS("'seccomp':7", "seccomp",
		     "7 is a number, must be the name of a profile or the profile as an object");
}

TEST(a_seccomp_profile_that_is_no_small_regular_file_is_refused_without_blocking)
{
	cleanup_free char *fifo = rig_text("@/sc/fifo.json", false);
	cleanup_free char *zero = rig_text("@/sc/zero.json", false);
	cleanup_free char *big = rig_text("@/sc/big.json", false);

	rig_file("sc/big.json", "{}");
	ASSERT_EQ(mkfifo(fifo, 0600), 0);
	ASSERT_EQ(symlink("/dev/zero", zero), 0);
	ASSERT_EQ(truncate(big, TASK_SECCOMP_BYTES_MAX + 1), 0);
	REFUSED_KEYS("'seccomp':'fifo'", "seccomp",
		     "@/sc/fifo.json can't be read: not a regular file");
	REFUSED_KEYS("'seccomp':'zero'", "seccomp",
		     "@/sc/zero.json can't be read: not a regular file");
	REFUSED_KEYS("'seccomp':'big'", "seccomp", "@/sc/big.json is larger than 1048576 bytes");
}

TEST(the_man_page_has_the_keys_exactly_as_the_program_knows_them)
{
	static const char begin[] = ".. The keys, as dcos-agent --dump-keys=spec prints them.\n\n";
	static const char end[] = ".. End of the keys.\n";
	cleanup_free char *dump = NULL;
	char page[1 << 16], *from, *to;
	size_t len = 0, n;
	FILE *f = open_memstream(&dump, &len);

	ASSERT_TRUE(f != NULL);
	task_keys_dump(f);
	EXPECT_EQ(fclose(f), 0);
	f = fopen("Documentation/man/dcos-task.5.rst", "re");
	if (!f)
		test_fail(__FILE__, __LINE__, "run from the top of the tree: %s", strerror(errno));
	ASSERT_TRUE(f != NULL);
	n = fread(page, 1, sizeof(page) - 1, f);
	(void)fclose(f); /* was only read */
	page[n] = '\0';
	from = strstr(page, begin);
	ASSERT_TRUE(from != NULL);
	from += strlen(begin);
	to = strstr(from, end);
	ASSERT_TRUE(to != NULL);
	*to = '\0';
	EXPECT_STREQ(from, dump);
}
