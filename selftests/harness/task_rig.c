// SPDX-License-Identifier: Apache-2.0
#include "selftests/harness/task_rig.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

char *rig_text(const char *text, bool quotes)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	ASSERT_TRUE(f != NULL);
	for (; *text; text++) {
		if (*text == '@')
			(void)fputs(test_dir(), f);
		else
			(void)fputc(quotes && *text == '\'' ? '"' : *text, f);
	}
	ASSERT_EQ(fclose(f), 0);
	return out;
}

void rig_file(const char *path, const char *text)
{
	char full[PATH_MAX];
	size_t n = (size_t)snprintf(full, sizeof(full), "%s/", test_dir());
	FILE *f;

	(void)snprintf(full + n, sizeof(full) - n, "%s", path);
	for (char *slash = full + n; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(full, 0755) < 0)
			ASSERT_EQ(errno, EEXIST);
		*slash = '/';
	}
	f = fopen(full, "we");
	ASSERT_TRUE(f != NULL);
	EXPECT_GE(fputs(text, f), 0);
	EXPECT_EQ(fclose(f), 0);
}

struct config *rig_config(void)
{
	static const char text[] = "[agent]\nstate_dir = @/state\nrun_dir = @/run\n"
				   "[tasks]\nseccomp_dir = @/sc\n";
	cleanup_free char *full = rig_text(text, false);
	struct config *c = NULL;
	struct why why = {""};

	ASSERT_EQ(config_new(&c), 0);
	if (config_apply(c, "rig", full, strlen(full), &why) < 0) {
		test_fail(__FILE__, __LINE__, "%s", why.text);
		test_abort();
	}
	return c;
}

json_t *rig_json(const char *doc)
{
	cleanup_free char *text = rig_text(doc, true);
	json_error_t where;
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);

	if (!v) {
		test_fail(__FILE__, __LINE__, "%s: %s", text, where.text);
		test_abort();
	}
	return v;
}

struct task_spec *rig_parse(const char *doc)
{
	cleanup_config struct config *c = rig_config();
	json_t *v = rig_json(doc);
	struct task_spec *t = NULL;
	struct task_error err;
	int r = task_spec_parse(c, v, &t, &err);

	json_decref(v);
	if (r < 0) {
		test_fail(__FILE__, __LINE__, "%s\n#   %s: %s", doc, err.key, err.reason);
		test_abort();
	}
	return t;
}

void rig_refused(const char *file, int line, const char *doc, const char *key, const char *reason)
{
	cleanup_config struct config *c = rig_config();
	cleanup_free char *says = rig_text(reason, false);
	json_t *v = rig_json(doc);
	struct task_spec *t = NULL;
	struct task_error err;
	int r = task_spec_parse(c, v, &t, &err);

	json_decref(v);
	if (r == 0) {
		test_fail(file, line, "accepted: %s", doc);
		(void)task_spec_free(t);
		return;
	}
	(void)test_eq_int(file, line, "task_spec_parse()", r, -EINVAL);
	(void)test_eq_str(file, line, "key", err.key, key);
	(void)test_eq_str(file, line, "reason", err.reason, says);
	(void)test_eq_int(file, line, "ret untouched", t == NULL, 1);
}
