// SPDX-License-Identifier: Apache-2.0
/* Recordings: what was written is read back, and what is none is refused with a sentence. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "selftests/harness/test.h"
#include "tools/common/client.h"
#include "tools/dcostop/record.h"

#define HEAD	"{\"dcostop\":1,\"node\":\"n1\",\"version\":\"0.9\",\"memory_bytes\":4096}\n"
#define SNAP(t) "{\"time_ns\":" #t ",\"snapshot\":{\"seq\":1,\"time_ns\":" #t ",\"usages\":[]}}\n"

static void temp_path(char *path, size_t size)
{
	int fd;

	(void)snprintf(path, size, "%s/dcos-record-XXXXXX", P_tmpdir);
	fd = mkstemp(path);
	ASSERT_TRUE(fd >= 0);
	(void)close(fd);
}

static int open_text(const char *text, size_t len, struct recording **ret, struct why *why)
{
	char path[64];
	struct top_node node = {};
	FILE *f;
	int r;

	temp_path(path, sizeof(path));
	f = fopen(path, "we");
	ASSERT_TRUE(f && fwrite(text, 1, len, f) == len);
	ASSERT_EQ(fclose(f), 0);
	r = record_open(path, ret, &node, why);
	(void)unlink(path);
	return r;
}

static json_t *a_snapshot(int seq)
{
	return json_pack("{s:i, s:I, s:[{s:s, s:s}]}", "seq", seq, "time_ns",
			 (json_int_t)seq * 1000000000, "usages", "id", "a", "state", "RUNNING");
}

TEST(what_was_recorded_is_read_back)
{
	char path[64];
	struct recorder *w = NULL;
	struct recording *r = NULL;
	struct top_node node = {};
	struct why why = {};
	json_t *info = json_pack("{s:s, s:s, s:I}", "node", "n1", "version", "0.9", "memory_bytes",
				 (json_int_t)4096);
	json_t *apps = json_pack("{s:s}", "a", "shop"), *none = json_object();

	temp_path(path, sizeof(path));
	EXPECT_EQ(recorder_new(path, &w, &why), -EEXIST);
	(void)unlink(path);
	ASSERT_EQ(recorder_new(path, &w, NULL), 0);
	recorder_node(w, info);
	recorder_node(w, info); /* another connection: not again */
	recorder_apps(w, none);
	for (int i = 1; i <= 5; i++) {
		json_t *s = a_snapshot(i);

		EXPECT_EQ(recorder_add(w, s, NULL), 0);
		recorder_apps(w, apps);
		json_decref(s);
	}
	w = recorder_free(w);
	ASSERT_EQ(record_open(path, &r, &node, &why), 0);
	EXPECT_STREQ(node.name, "n1");
	EXPECT_STREQ(node.version, "0.9");
	EXPECT_EQ(node.memory_bytes, 4096);
	EXPECT_EQ(record_length(r), 5);
	EXPECT_STREQ(field_str(record_apps(r), "a"), "shop");
	for (int i = 5; i >= 1; i--) {
		json_t *s = NULL, *same = a_snapshot(i);

		EXPECT_EQ(record_time_ns(r, (size_t)i - 1), (uint64_t)i * 1000000000);
		EXPECT_EQ(record_read(r, (size_t)i - 1, &s, &why), 0);
		EXPECT_TRUE(json_equal(s, same));
		json_decref(s);
		json_decref(same);
	}
	r = record_close(r);
	(void)unlink(path);
	json_decref(info);
	json_decref(apps);
	json_decref(none);
}

TEST(a_recording_that_never_began_leaves_no_file_and_a_begun_one_is_private)
{
	struct recorder *w = NULL;
	json_t *info = json_object();
	struct stat st;
	char path[64];

	temp_path(path, sizeof(path));
	(void)unlink(path);
	ASSERT_EQ(recorder_new(path, &w, NULL), 0);
	w = recorder_free(w);
	EXPECT_EQ(access(path, F_OK), -1);
	ASSERT_EQ(recorder_new(path, &w, NULL), 0);
	recorder_node(w, info);
	w = recorder_free(w);
	ASSERT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode & 0077, 0);
	(void)unlink(path);
	json_decref(info);
}

TEST(a_disk_that_is_full_is_told)
{
	struct recorder *w = NULL;
	struct rlimit before;
	struct why why = {};
	json_t *info = json_object(), *s = a_snapshot(1);
	char path[64];

	temp_path(path, sizeof(path));
	(void)unlink(path);
	ASSERT_EQ(recorder_new(path, &w, NULL), 0);
	recorder_node(w, info);
	ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, before.rlim_max}), 0);
	EXPECT_EQ(recorder_add(w, s, &why), -EFBIG);
	EXPECT_TRUE(strstr(why.text, "recording /"));
	ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
	w = recorder_free(w);
	(void)unlink(path);
	json_decref(info);
	json_decref(s);
}

TEST(every_cut_of_a_recording_is_refused_or_ends_with_a_whole_line)
{
	static const char text[] = HEAD SNAP(1) SNAP(2);

	for (size_t len = 0; len < sizeof(text); len++) {
		struct recording *r = NULL;
		struct why why = {};
		bool whole = len && text[len - 1] == '\n' && len > strlen(HEAD);
		int err = open_text(text, len, &r, &why);

		EXPECT_EQ(err, whole || len == sizeof(text) - 1 ? 0 : -EINVAL);
		EXPECT_TRUE(err ? why.text[0] && !r : r != NULL);
		(void)record_close(r);
	}
}

TEST(what_is_no_recording_is_refused)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", "is no recording of dcostop"},
		{"\n", "is no recording of dcostop"},
		{"{}\n", "is no recording of dcostop"},
		{"[1]\n", "is no recording of dcostop"},
		{"{\"dcostop\":\"1\"}\n", "is no recording of dcostop"},
		{"{\"dcostop\":2}\n", "recording of version 2, this dcostop reads version 1"},
		{HEAD, "has no snapshots"},
		{HEAD "{\"snapshot\":{}}\n", "line 2: is no snapshot"},
		{HEAD SNAP(1) "\n" SNAP(2), "line 3: is no snapshot"},
		{HEAD SNAP(1) "{\"apps\":\n", "line 3: "},
		{HEAD SNAP(1) "{\"time_ns\":5",
		 "line 3: the recording is cut off here; the 2 lines"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct recording *r = NULL;
		struct why why = {};

		EXPECT_EQ(open_text(wrong[i].text, strlen(wrong[i].text), &r, &why), -EINVAL);
		if (!strstr(why.text, wrong[i].why))
			EXPECT_STREQ(why.text, wrong[i].why);
		EXPECT_TRUE(!r);
	}
}

TEST(a_broken_line_within_is_told_when_it_is_read)
{
	static const char text[] = HEAD SNAP(1) "{\"time_ns\":2,\"snapshot\":{]}\n"
						"{\"time_ns\":3,\"snapshot\":7}\n" SNAP(4);
	struct recording *r = NULL;
	struct why why = {};
	json_t *s = NULL;

	ASSERT_EQ(open_text(text, sizeof(text) - 1, &r, &why), 0);
	EXPECT_EQ(record_length(r), 4);
	EXPECT_EQ(record_read(r, 1, &s, &why), -EINVAL);
	EXPECT_TRUE(strstr(why.text, "line 3: "));
	why.text[0] = 0;
	EXPECT_EQ(record_read(r, 2, &s, &why), -EINVAL);
	EXPECT_TRUE(strstr(why.text, "line 4: is no snapshot"));
	EXPECT_TRUE(!s);
	EXPECT_EQ(record_read(r, 3, &s, NULL), 0);
	json_decref(s);
	r = record_close(r);
}

TEST(a_device_or_directory_is_no_recording)
{
	struct recording *r = NULL;
	struct top_node node = {};
	struct why why = {};

	EXPECT_EQ(record_open("/dev/zero", &r, &node, &why), -EINVAL);
	EXPECT_TRUE(strstr(why.text, "no regular file"));
	EXPECT_EQ(record_open("/", &r, &node, NULL), -EINVAL);
	EXPECT_EQ(record_open("/nowhere", &r, &node, NULL), -ENOENT);
}
