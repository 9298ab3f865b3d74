// SPDX-License-Identifier: Apache-2.0
#include "agent/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lifecycle.h"
#include "selftests/harness/test.h"

static void node_init(struct node *n, struct config *cfg)
{
	char path[512];

	memset(n, 0, sizeof(*n));
	memset(cfg, 0, sizeof(*cfg));
	cfg->state_dir = (char *)test_dir();
	n->cfg = cfg;
	memcpy(n->boot_id, "00000000-1111-2222-3333-444444444444", 37);
	(void)snprintf(path, sizeof(path), "%s/tasks", cfg->state_dir);
	ASSERT_EQ(mkdir(path, 0755), 0);
}

static struct task *a_task(struct node *n, const char *id)
{
	struct task_spec *spec = calloc(1, sizeof(*spec));
	struct task *t;

	spec->ct.id = strdup(id);
	spec->doc = json_pack("{ss}", "id", id);
	ASSERT_EQ(task_new(n, spec, &t), 0);
	return t;
}

static void load(const struct node *n, const char *id, struct checkpoint *c, int want)
{
	struct why why = {0};
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/tasks/%s.json", n->cfg->state_dir, id);
	ASSERT_EQ(checkpoint_load(path, c, &why), want);
	EXPECT_EQ(why.text[0] != 0, want != 0);
}

TEST(a_task_comes_back_as_it_was_written)
{
	struct checkpoint c = {0};
	struct config cfg;
	struct node n;

	node_init(&n, &cfg);
	struct task *t = a_task(&n, "web");

	t->pid_start = 123456789;
	t->cgroup_id = 1ULL << 40;
	t->started_unix_us = 42;
	t->idmap = 7;
	ASSERT_EQ(checkpoint_save(t), 0);
	load(&n, "web", &c, 0);
	EXPECT_EQ(c.state, TASK_STAGING);
	EXPECT_EQ(c.pid_start, 123456789);
	EXPECT_EQ(c.cgroup_id, 1ULL << 40);
	EXPECT_EQ(c.created_unix_us, t->created_unix_us);
	EXPECT_EQ(c.started_unix_us, 42);
	EXPECT_EQ(c.idmap, 7);
	EXPECT_STREQ(c.boot_id, n.boot_id);
	EXPECT_STREQ(json_string_value(json_object_get(c.spec, "id")), "web");
	checkpoint_free(&c);
	t->idmap = -1;
	task_free(t);
	free(n.tasks);
}

TEST(an_end_is_written_with_its_code_and_reason)
{
	struct checkpoint c = {0};
	struct config cfg;
	struct node n;

	node_init(&n, &cfg);
	struct task *t = a_task(&n, "web");

	t->exit = (struct task_exit){.known = true,
				     .code = 3,
				     .ended_unix_us = 99,
				     .reason = "exited with code 3"};
	task_move(t, TASK_FAILED);
	load(&n, "web", &c, 0);
	EXPECT_EQ(c.state, TASK_FAILED);
	EXPECT_EQ(c.exit.code, 3);
	EXPECT_EQ(c.exit.sig, 0);
	EXPECT_TRUE(c.exit.known);
	EXPECT_EQ(c.exit.ended_unix_us, 99);
	EXPECT_STREQ(c.exit.reason, "exited with code 3");
	checkpoint_free(&c);
	checkpoint_drop(&n, "web");
	load(&n, "web", &c, -ENOENT);
	task_free(t);
	free(n.tasks);
}

TEST(what_is_no_checkpoint_is_refused_with_a_sentence)
{
	static const char *const bad[] = {
		"",	    "{",
		"[]",	    "{\"version\": 1}",
		"\xff\xfe", "{\"version\": 999, \"state\": \"RUNNING\"}",
	};
	struct checkpoint c = {0};
	struct config cfg;
	struct node n;
	char path[512];

	node_init(&n, &cfg);
	(void)snprintf(path, sizeof(path), "%s/tasks/x.json", cfg.state_dir);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		ASSERT_EQ(write(fd, bad[i], strlen(bad[i])), (ssize_t)strlen(bad[i]));
		load(&n, "x", &c, -EBADMSG);
	}
}

static void count(void *arg, const char *path, const char *id)
{
	(void)path;
	EXPECT_STREQ(id, "web");
	++*(int *)arg;
}

TEST(only_whole_files_are_visited)
{
	struct config cfg;
	struct node n;
	int seen = 0;

	node_init(&n, &cfg);
	struct task *t = a_task(&n, "web");
	char path[512];

	ASSERT_EQ(checkpoint_save(t), 0);
	(void)snprintf(path, sizeof(path), "%s/tasks/half.json~", cfg.state_dir);
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_EQ(checkpoint_each(&n, count, &seen), 0);
	EXPECT_EQ(seen, 1);
	task_free(t);
	free(n.tasks);
}
