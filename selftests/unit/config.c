// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "agent/config_keys.h"
#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

static struct config *defaults(void)
{
	struct config *c = NULL;

	ASSERT_EQ(config_new(&c), 0);
	return c;
}

/* What config_apply() and config_check() say about a file "f"; "" is nothing. */
static const char *sentence(const char *text, struct why *why)
{
	cleanup_config struct config *c = defaults();
	int err;

	why->text[0] = '\0';
	err = config_apply(c, "f", text, strlen(text), why);
	if (!err)
		err = config_check(c, why);
	EXPECT_EQ(err, why->text[0] ? -EINVAL : 0);
	return why->text;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	ASSERT_TRUE(f != NULL);
	EXPECT_GE(fputs(text, f), 0);
	EXPECT_EQ(fclose(f), 0);
}

TEST(without_a_file_everything_has_its_documented_default)
{
	cleanup_config struct config *c = defaults();

	EXPECT_STREQ(c->state_dir, "/var/lib/dcos");
	EXPECT_STREQ(c->run_dir, "/run/dcos");
	EXPECT_STREQ(c->socket, "/run/dcos/agent.sock");
	EXPECT_STREQ(c->socket_group, "dcos");
	EXPECT_EQ(c->read_access, CONFIG_READ_ALL);
	EXPECT_STREQ(c->read_group, "dcos-read");
	EXPECT_TRUE(c->node[0] != '\0');
	EXPECT_EQ(c->log_level, LOG_INFO);
	EXPECT_EQ(c->tasks_max, 1000);
	EXPECT_EQ(c->ended_tasks_max, 1000);
	EXPECT_STREQ(c->cgroup_path, "/dcos");
	EXPECT_STREQ(c->bpffs, "/sys/fs/bpf");
	EXPECT_STREQ(c->pin_dir, "dcos");
	EXPECT_EQ(c->meter_interval_us, 1000000);
	EXPECT_EQ(c->net_pool.base, 0x0a580000);
	EXPECT_EQ(c->net_pool.nr, 65536);
	EXPECT_EQ(c->userns_base, 1879048192);
	EXPECT_EQ(c->userns_size, 65536);
	EXPECT_EQ(c->userns_count, 1024);
	EXPECT_STREQ(c->seccomp, "default");
	EXPECT_STREQ(c->seccomp_dir, DCOS_PREFIX "/share/dcos-node/seccomp");
	EXPECT_EQ(c->kill_grace_us, 5000000);
	EXPECT_EQ(c->log_max_bytes, 10 << 20);
	EXPECT_EQ(config_check(c, NULL), 0);
}

TEST(every_key_can_be_set)
{
	static const char text[] = "[agent]\n"
				   "state_dir = /a/state\n"
				   "run_dir=/a/run\n"
				   "socket: /a/sock\n"
				   "socket_group = adm\n"
				   "read_access = group\n"
				   "read_group = metrics\n"
				   "node = n1.example\n"
				   "log_level = debug\n"
				   "tasks_max = 1023\n"
				   "ended_tasks_max = 0\n"
				   "[cgroup]\n"
				   "path = /system.slice/x.service/tasks\n"
				   "[meter]\n"
				   "bpffs = /a/bpf\n"
				   "pin_dir = dcos2\n"
				   "interval = 100ms\n"
				   "[tasks]\n"
				   "userns_base = 65536\n"
				   "userns_size = 131072\n"
				   "userns_count = 2\n"
				   "seccomp = web\n"
				   "seccomp_dir = /a/sc\n"
				   "kill_grace = 0\n"
				   "log_max = 4K";
	cleanup_config struct config *c = defaults();
	struct why why = {""};

	EXPECT_EQ(config_apply(c, "f", text, strlen(text), &why), 0);
	EXPECT_STREQ(why.text, "");
	EXPECT_STREQ(c->state_dir, "/a/state");
	EXPECT_STREQ(c->run_dir, "/a/run");
	EXPECT_STREQ(c->socket, "/a/sock");
	EXPECT_STREQ(c->socket_group, "adm");
	EXPECT_EQ(c->read_access, CONFIG_READ_GROUP);
	EXPECT_STREQ(c->read_group, "metrics");
	EXPECT_STREQ(c->node, "n1.example");
	EXPECT_EQ(c->log_level, LOG_DEBUG);
	EXPECT_EQ(c->tasks_max, 1023);
	EXPECT_EQ(c->ended_tasks_max, 0);
	EXPECT_STREQ(c->cgroup_path, "/system.slice/x.service/tasks");
	EXPECT_STREQ(c->bpffs, "/a/bpf");
	EXPECT_STREQ(c->pin_dir, "dcos2");
	EXPECT_EQ(c->meter_interval_us, 100000);
	EXPECT_EQ(c->userns_base, 65536);
	EXPECT_EQ(c->userns_size, 131072);
	EXPECT_EQ(c->userns_count, 2);
	EXPECT_STREQ(c->seccomp, "web");
	EXPECT_STREQ(c->seccomp_dir, "/a/sc");
	EXPECT_EQ(c->kill_grace_us, 0);
	EXPECT_EQ(c->log_max_bytes, 4096);
}

TEST(a_wrong_value_is_told_with_line_key_value_and_what_is_allowed)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"[agent]\nstate_dir = var\n",
		 "f:2: state_dir: \"var\" is not allowed, allowed is an absolute path without "
		 "\"//\", "
		 "\".\" or \"..\" components and without a final \"/\""},
		{"[agent]\nrun_dir = /\n",
		 "f:2: run_dir: \"/\" is not allowed, allowed is an absolute path without \"//\", "
		 "\".\" or \"..\" components and without a final \"/\""},
		{"[agent]\nsocket = /"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		 "f:2: socket: \"/"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaa\" is not allowed, allowed is at most 107 bytes"},
		{"\n[agent]\n\nsocket_group = a b\n", "f:4: socket_group: \"a b\" is not allowed, "
						      "allowed is 1 to 64 letters, digits, \"_\" "
						      "and \"-\""},
		{"[agent]\nread_access = some\n",
		 "f:2: read_access: \"some\" is not allowed, allowed is one of all, group"},
		{"[agent]\nnode = \n", "f:2: node: \"\" is not allowed, allowed is 1 to 253 "
				       "letters, digits, \"_\", \"-\" and "
				       "\".\""},
		{"[agent]\nlog_level = 7\n", "f:2: log_level: \"7\" is not allowed, allowed is one "
					     "of err, warning, notice, info, "
					     "debug"},
		{"[agent]\ntasks_max = 1024\n",
		 "f:2: tasks_max: \"1024\" is not allowed, allowed is a number from 1 to 1023"},
		{"[agent]\nended_tasks_max = -1\n", "f:2: ended_tasks_max: \"-1\" is not allowed, "
						    "allowed is a number from 0 to 100000"},
		{"[cgroup]\npath = /a/../b\n",
		 "f:2: path: \"/a/../b\" is not allowed, allowed is an absolute path without "
		 "\"//\", "
		 "\".\" or \"..\" components and without a final \"/\""},
		{"[meter]\nbpffs = /sys//fs\n",
		 "f:2: bpffs: \"/sys//fs\" is not allowed, allowed is an absolute path without "
		 "\"//\", "
		 "\".\" or \"..\" components and without a final \"/\""},
		{"[meter]\npin_dir = a/b\n", "f:2: pin_dir: \"a/b\" is not allowed, allowed is 1 "
					     "to 64 letters, digits, \"_\" and "
					     "\"-\""},
		{"[meter]\ninterval = 5ms\n",
		 "f:2: interval: \"5ms\" is not allowed, allowed is a time from 100ms to 1m"},
		{"[meter]\ninterval = often\n",
		 "f:2: interval: \"often\" is not allowed, allowed is a time from 100ms to 1m"},
		{"[tasks]\nuserns_base = 0\n",
		 "f:2: userns_base: \"0\" is not allowed, allowed is a number from 65536 to "
		 "4294967294"},
		{"[tasks]\nuserns_size = 1000\n",
		 "f:2: userns_size: \"1000\" is not allowed, allowed is a number from 65536 to "
		 "16777216"},
		{"[tasks]\nuserns_count = 0x10\n",
		 "f:2: userns_count: \"0x10\" is not allowed, allowed is a number from 1 to 65535"},
		{"[tasks]\nseccomp = ../x\n", "f:2: seccomp: \"../x\" is not allowed, allowed is "
					      "default, unconfined or the name of "
					      "a profile, without \"/\""},
		{"[tasks]\nseccomp_dir = x\n",
		 "f:2: seccomp_dir: \"x\" is not allowed, allowed is an absolute path without "
		 "\"//\", "
		 "\".\" or \"..\" components and without a final \"/\""},
		{"[tasks]\nkill_grace = 2h\n",
		 "f:2: kill_grace: \"2h\" is not allowed, allowed is a time from 0 to 1h"},
		{"[tasks]\nlog_max = max\n",
		 "f:2: log_max: \"max\" is not allowed, allowed is a size from 4K to 16G"},
	};
	struct why why;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_STREQ(sentence(cases[i].text, &why), cases[i].says);
}

TEST(every_key_refuses_something)
{
	struct rows sections = config_sections();
	struct why why;

	for (size_t i = 0; i < sections.nr; i++) {
		const struct config_section *s = (const void *)rows_at(&sections, i);

		for (size_t j = 0; j < s->keys.nr; j++) {
			char text[128];

			(void)snprintf(text, sizeof(text), "[%s]\n%s = /%%/\n", s->doc.name,
				       rows_at(&s->keys, j)->name);
			if (!strstr(sentence(text, &why), rows_at(&s->keys, j)->name))
				test_fail(__FILE__, __LINE__, "%s accepted, said \"%s\"", text,
					  why.text);
		}
	}
}

TEST(what_is_no_setting_is_told_with_its_line)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"[agent]\nsoket = /x\n",
		 "f:2: soket: no such key in [agent], the nearest is \"socket\""},
		{"[meter]\nzzzzzzzz = 1\n", "f:2: zzzzzzzz: no such key in [meter], allowed are "
					    "bpffs, pin_dir, interval and history"},
		{"[cgroup]\nbpffs = /x\n", "f:2: bpffs: no such key in [cgroup], allowed is path"},
		{"[agents]\nnode = x\n",
		 "f:1: [agents] is not a section, the nearest is \"agent\""},
		{"; empty\n[nothing]\n", "f:2: [nothing] is not a section, allowed are agent, "
					 "cgroup, meter, cpu, network and tasks"},
		{"[]\nx=1\n", "f:1: [] is not a section, allowed are agent, cgroup, meter, cpu, "
			      "network and tasks"},
		{"node = x\n", "f:1: node: before the first section, such as [agent]"},
		{"[agent]\nnode\n", "f:2: neither \"[section]\" nor \"key = value\" nor a comment"},
		{"[agent\nnode = x\n",
		 "f:1: neither \"[section]\" nor \"key = value\" nor a comment"},
		{"[agent]\n= x\n",
		 "f:2: : no such key in [agent], allowed are state_dir, run_dir, socket, "
		 "socket_group, read_access, read_group, node, log_level, tasks_max and "
		 "ended_tasks_max"},
		{"[agent]\nnode = a\n[meter]\n[agent]\nnode = b\n",
		 "f:5: node: given twice in this file, first on line 2"},
		{"[agent]\nnode = \x1b[31m\n",
		 "f:2: node: \"?[31m\" is not allowed, allowed is 1 to 253 letters, digits, \"_\", "
		 "\"-\" and \".\""},
		{"[agent]\nbroken\nnode = /\n",
		 "f:2: neither \"[section]\" nor \"key = value\" nor a comment"},
		{"[agent]\nnode = /\nbroken\n", "f:2: node: \"/\" is not allowed, allowed is 1 to "
						"253 letters, digits, \"_\", \"-\" "
						"and \".\""},
	};
	struct why why;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_STREQ(sentence(cases[i].text, &why), cases[i].says);
}

TEST(comments_blank_lines_indentation_and_dos_line_ends_are_fine)
{
	static const char text[] = "\xef\xbb\xbf# first\r\n; second\r\n\r\n  [agent]\r\n"
				   "\tnode = a ; a comment behind a value\r\n"
				   "   log_level = err\r\n  # indented\r\n";
	cleanup_config struct config *c = defaults();
	struct why why = {""};

	EXPECT_EQ(config_apply(c, "f", text, strlen(text), &why), 0);
	EXPECT_STREQ(why.text, "");
	EXPECT_STREQ(c->node, "a");
	EXPECT_EQ(c->log_level, LOG_ERR);
}

TEST(a_line_that_does_not_fit_is_an_error_and_is_never_cut)
{
	char text[512] = "[agent]\nnode = a\n# ";
	struct why why;
	size_t start = strlen(text) - 2;

	memset(text + start, '#', 197);
	EXPECT_STREQ(sentence(text, &why), "");
	text[start + 197] = '#';
	EXPECT_STREQ(sentence(text, &why), "f:3: the line has 198 bytes, allowed are at most 197");
}

TEST(a_nul_byte_is_an_error)
{
	cleanup_config struct config *c = defaults();
	struct why why = {""};

	EXPECT_EQ(config_apply(c, "f", "[agent]\nno\0de = x\n", 18, &why), -EINVAL);
	EXPECT_STREQ(why.text, "f:2: the line has a NUL byte, only text is allowed");
}

TEST(values_that_do_not_fit_together_are_told)
{
	struct why why;

	EXPECT_STREQ(
		sentence("[tasks]\nuserns_base = 4294901760\nuserns_count = 1\n", &why),
		"[tasks] userns_base + userns_size * userns_count is 4294967296, allowed is at "
		"most 4294967295");
	EXPECT_STREQ(sentence("[tasks]\nuserns_base = 4294901759\nuserns_count = 1\n", &why), "");
	EXPECT_STREQ(sentence("[agent]\nstate_dir = /x\nrun_dir = /x\n", &why),
		     "[agent] state_dir and run_dir are both \"/x\", they must differ");
}

TEST(dropins_are_read_in_the_order_of_their_names_after_the_file)
{
	cleanup_config struct config *c = NULL;
	char file[PATH_MAX], dir[PATH_MAX];
	const char *tmp = test_dir();
	struct why why = {""};

	(void)snprintf(file, sizeof(file), "%s/agent.conf", tmp);
	(void)snprintf(dir, sizeof(dir), "%s/agent.conf.d", tmp);
	ASSERT_EQ(mkdir(dir, 0700), 0);
	write_file(tmp, "agent.conf", "[agent]\nnode = file\nlog_level = err\n");
	write_file(dir, "20-b.conf", "[agent]\nnode = b\n");
	write_file(dir, "10-a.conf", "[agent]\nnode = a\ntasks_max = 7\n");
	write_file(dir, "30-c.conf~", "[agent]\nnode = backup\n");
	write_file(dir, ".40.conf", "[agent]\nnode = hidden\n");
	EXPECT_EQ(config_load_dir(file, dir, &c, &why), 0);
	EXPECT_STREQ(why.text, "");
	ASSERT_TRUE(c != NULL);
	EXPECT_STREQ(c->node, "b");
	EXPECT_EQ(c->log_level, LOG_ERR);
	EXPECT_EQ(c->tasks_max, 7);
}

TEST(an_error_in_a_dropin_names_the_dropin)
{
	struct config *c = NULL;
	char file[PATH_MAX], dir[PATH_MAX], says[2 * PATH_MAX];
	const char *tmp = test_dir();
	struct why why = {""};

	(void)snprintf(file, sizeof(file), "%s/agent.conf", tmp);
	(void)snprintf(dir, sizeof(dir), "%s/d", tmp);
	ASSERT_EQ(mkdir(dir, 0700), 0);
	write_file(dir, "x.conf", "[meter]\ninterval = 0\n");
	EXPECT_EQ(config_load_dir(file, dir, &c, &why), -EINVAL);
	(void)snprintf(
		says, sizeof(says),
		"%s/x.conf:2: interval: \"0\" is not allowed, allowed is a time from 100ms to "
		"1m",
		dir);
	EXPECT_STREQ(why.text, says);
	EXPECT_TRUE(c == NULL);
}

TEST(no_file_at_all_means_the_defaults_but_a_file_asked_for_must_be_there)
{
	cleanup_config struct config *c = NULL;
	struct config *none = NULL;
	struct why why = {""};

	EXPECT_EQ(config_load_dir("/nonexistent/f", "/nonexistent/d", &c, &why), 0);
	EXPECT_TRUE(c != NULL);
	EXPECT_EQ(config_load("/nonexistent/f", &none, &why), -ENOENT);
	EXPECT_STREQ(why.text, "/nonexistent/f: No such file or directory");
	EXPECT_TRUE(none == NULL);
}

TEST(a_file_asked_for_replaces_the_installed_ones)
{
	cleanup_config struct config *c = NULL;
	char file[PATH_MAX];
	struct why why = {""};

	(void)snprintf(file, sizeof(file), "%s/mine", test_dir());
	write_file(test_dir(), "mine", "[agent]\nnode = mine\n");
	EXPECT_EQ(config_load(file, &c, &why), 0);
	ASSERT_TRUE(c != NULL);
	EXPECT_STREQ(c->node, "mine");
}

TEST(what_is_no_small_regular_file_is_refused_without_blocking)
{
	struct config *c = NULL;
	char path[PATH_MAX], says[2 * PATH_MAX];
	struct why why = {""};

	(void)snprintf(path, sizeof(path), "%s/fifo", test_dir());
	ASSERT_EQ(mkfifo(path, 0600), 0);
	EXPECT_EQ(config_load(path, &c, &why), -EINVAL);
	(void)snprintf(says, sizeof(says), "%s: not a regular file", path);
	EXPECT_STREQ(why.text, says);

	why.text[0] = '\0';
	EXPECT_EQ(config_load("/dev/zero", &c, &why), -EINVAL);
	EXPECT_STREQ(why.text, "/dev/zero: not a regular file");

	why.text[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s/big", test_dir());
	write_file(test_dir(), "big", "#");
	ASSERT_EQ(truncate(path, CONFIG_BYTES_MAX + 1), 0);
	EXPECT_EQ(config_load(path, &c, &why), -EINVAL);
	(void)snprintf(says, sizeof(says), "%s: has more than 65536 bytes", path);
	EXPECT_STREQ(why.text, says);
	EXPECT_TRUE(c == NULL);
}

/* The part of the man page that must be the tables' own text. */
TEST(the_man_page_has_the_keys_exactly_as_the_program_knows_them)
{
	static const char begin[] =
		".. The keys, as dcos-agent --dump-keys=config prints them.\n\n";
	static const char end[] = ".. End of the keys.\n";
	cleanup_free char *dump = NULL;
	char page[1 << 16], *from, *to;
	size_t len = 0, n;
	FILE *f = open_memstream(&dump, &len);

	ASSERT_TRUE(f != NULL);
	config_keys_dump(f);
	EXPECT_EQ(fclose(f), 0);
	f = fopen("Documentation/man/agent.conf.5.rst", "re");
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
	if (!strcmp(DCOS_PREFIX, "/usr"))
		EXPECT_STREQ(from, dump);
	else
		test_skip("the page says PREFIX=/usr, this build has " DCOS_PREFIX);
}
