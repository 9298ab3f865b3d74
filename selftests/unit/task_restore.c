// SPDX-License-Identifier: Apache-2.0
#include "agent/task.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

/* Everything in it depends on the host, the image, the configuration or chance. */
static const char fragile[] =
	"{'image':'@/img','command':['x'],'user':'web','seccomp':'mine',"
	"'devices':[{'path':'/dev/full'}],'env':{'A':'1'},"
	"'mounts':[{'source':'@/alias','target':'/d'}],'resources':{'pids':3}}";

static void make_world(void)
{
	char alias[4096];

	rig_file("img/etc/passwd", "web:x:33:34::/var/www:\n");
	rig_file("img/etc/group", "more:x:40:web\n");
	rig_file("sc/mine.json", "{\"defaultAction\":\"SCMP_ACT_LOG\"}");
	rig_file("data/x", "");
	(void)snprintf(alias, sizeof(alias), "%s/alias", test_dir());
	ASSERT_EQ(symlink("data", alias), 0);
}

static void destroy_world(void)
{
	static const char *const files[] = {"img/etc/passwd", "img/etc/group",
					    "img/etc",	      "img",
					    "sc/mine.json",   "sc",
					    "data/x",	      "data",
					    "alias"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), files[i]);
		EXPECT_EQ(remove(path), 0);
	}
}

static void expect_same_strings(char *const *a, char *const *b)
{
	for (; *a && *b; a++, b++)
		EXPECT_STREQ(*a, *b);
	EXPECT_TRUE(!*a && !*b);
}

static void expect_same(const struct task_spec *a, const struct task_spec *b)
{
	const struct ct_spec *x = &a->ct, *y = &b->ct;

	EXPECT_STREQ(x->id, y->id);
	EXPECT_STREQ(a->image, b->image);
	EXPECT_EQ(x->root.kind, y->root.kind);
	EXPECT_STREQ(x->root.path, y->root.path);
	EXPECT_EQ(x->process.uid, y->process.uid);
	EXPECT_EQ(x->process.gid, y->process.gid);
	EXPECT_EQ(x->process.additional_gids_nr, y->process.additional_gids_nr);
	EXPECT_EQ(memcmp(x->process.additional_gids, y->process.additional_gids,
			 x->process.additional_gids_nr * sizeof(uint32_t)),
		  0);
	expect_same_strings(x->process.args, y->process.args);
	expect_same_strings(x->process.env, y->process.env);
	EXPECT_EQ(x->process.capabilities, y->process.capabilities);
	EXPECT_EQ(x->namespaces, y->namespaces);
	EXPECT_EQ(memcmp(&x->resources, &y->resources, sizeof(x->resources)), 0);
	EXPECT_EQ(x->mounts_nr, y->mounts_nr);
	for (size_t i = 0; i < x->mounts_nr; i++)
		EXPECT_STREQ(x->mounts[i].source, y->mounts[i].source);
	EXPECT_EQ(x->devices_nr, y->devices_nr);
	for (size_t i = 0; i < x->devices_nr; i++) {
		EXPECT_EQ(x->devices[i].type, y->devices[i].type);
		EXPECT_EQ(x->devices[i].major, y->devices[i].major);
		EXPECT_EQ(x->devices[i].minor, y->devices[i].minor);
	}
	EXPECT_EQ(a->kill_grace_us, b->kill_grace_us);
	EXPECT_EQ(a->kill_signal, b->kill_signal);
	EXPECT_EQ(a->log_max_bytes, b->log_max_bytes);
	EXPECT_TRUE(json_equal(a->doc, b->doc));
}

static struct task_spec *restore(const struct config *c, const struct task_spec *t)
{
	struct task_spec *again = NULL;
	struct task_error err;

	if (task_spec_restore(c, t->doc, &again, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s: %s", err.key, err.reason);
		test_abort();
	}
	return again;
}

TEST(the_kept_document_makes_the_same_spec_again)
{
	cleanup_task_spec struct task_spec *t = NULL, *again = NULL;
	cleanup_config struct config *c = rig_config();

	make_world();
	t = rig_parse(fragile);
	again = restore(c, t);
	expect_same(t, again);
	EXPECT_STREQ(again->ct.seccomp, t->ct.seccomp);
	EXPECT_FALSE(again->id_generated);
}

TEST(it_does_so_when_image_files_profile_and_configuration_are_others_now)
{
	cleanup_task_spec struct task_spec *t = NULL, *again = NULL;
	cleanup_config struct config *c = rig_config();

	make_world();
	t = rig_parse(fragile);
	destroy_world();
	c->kill_grace_us = 77;
	c->log_max_bytes = 8192;
	again = restore(c, t);
	expect_same(t, again);
}

TEST(a_profile_that_has_gone_becomes_one_that_denies_everything)
{
	cleanup_task_spec struct task_spec *t = NULL, *again = NULL;
	cleanup_config struct config *c = rig_config();

	make_world();
	t = rig_parse(fragile);
	destroy_world();
	again = restore(c, t);
	EXPECT_STREQ(again->ct.seccomp, "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}");
}

TEST(an_inline_profile_and_an_odd_kill_grace_are_kept)
{
	cleanup_task_spec struct task_spec *t = rig_parse(
		"{'cmd':'x','seccomp':{'defaultAction':'SCMP_ACT_LOG'},'kill_grace':'1500us'}");
	cleanup_config struct config *c = rig_config();
	cleanup_task_spec struct task_spec *again = restore(c, t);

	EXPECT_STREQ(again->ct.seccomp, "{\"defaultAction\":\"SCMP_ACT_LOG\"}");
	EXPECT_EQ(again->kill_grace_us, 1500);
	expect_same(t, again);
}

TEST(more_cpus_than_the_node_has_now_are_no_reason_to_lose_a_task)
{
	cleanup_config struct config *c = rig_config();
	cleanup_task_spec struct task_spec *t = NULL;
	json_t *doc = rig_json("{'id':'a','cmd':'x','resources':{'cpus':4000,'memory':'900T'}}");

	EXPECT_EQ(task_spec_parse(c, doc, &t, NULL), -EINVAL);
	EXPECT_EQ(task_spec_restore(c, doc, &t, NULL), 0);
	json_decref(doc);
	ASSERT_TRUE(t != NULL);
	EXPECT_EQ(t->ct.resources.cpu_quota_us, 400000000);
}

TEST(the_document_that_was_submitted_is_not_changed)
{
	cleanup_config struct config *c = rig_config();
	json_t *doc = rig_json("{'cmd':'x','devices':[{'path':'/dev/null'}]}");
	json_t *before = json_deep_copy(doc);
	struct task_spec *t = NULL;

	EXPECT_EQ(task_spec_parse(c, doc, &t, NULL), 0);
	EXPECT_TRUE(json_equal(doc, before));
	EXPECT_FALSE(json_equal(doc, t->doc));
	t = task_spec_free(t);
	json_decref(before);
	json_decref(doc);
}
