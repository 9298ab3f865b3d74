// SPDX-License-Identifier: Apache-2.0
/* What the command line tools share: base64, ends of tasks, signals, options, sentences. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/signals.h"
#include "selftests/harness/test.h"
#include "tools/common/client.h"
#include "tools/common/options.h"
#include "tools/common/text.h"
#include "tools/dcosctl/spec.h"

TEST(base64_gives_the_bytes_of_rfc_4648)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} rows[] = {
		{"", "", 0},
		{"Zg==", "f", 1},
		{"Zm8=", "fo", 2},
		{"Zm9v", "foo", 3},
		{"Zm9vYg==", "foob", 4},
		{"Zm9vYmFy", "foobar", 6},
		{"/wD+", "\xff\x00\xfe", 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = NULL;
		size_t len = 99;

		ASSERT_EQ(base64_decode(rows[i].text, strlen(rows[i].text), &got, &len), 0);
		EXPECT_EQ(len, rows[i].len);
		EXPECT_EQ(memcmp(got, rows[i].bytes, rows[i].len), 0);
		free(got);
	}
}

TEST(base64_that_is_broken_is_refused)
{
	static const char *const bad[] = {"Z",	  "Zg",	  "Zg=",      "Z===",
					  "====", "Zm9*", "Zg==Zg==", "=Zg="};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *got = NULL;
		size_t len;

		if (base64_decode(bad[i], strlen(bad[i]), &got, &len) != -EBADMSG)
			test_fail(__FILE__, __LINE__, "%s was accepted", bad[i]);
		free(got);
	}
}

static const char *ended(const char *json, int *ret_status)
{
	static char buf[24];
	json_t *doc = json_loads(json, JSON_DECODE_ANY, NULL);

	*ret_status = exit_status(doc);
	(void)exit_text(doc, buf, sizeof(buf));
	json_decref(doc);
	return buf;
}

TEST(ends_of_tasks_are_told_in_a_word)
{
	int status;

	EXPECT_STREQ(ended("{\"code\":0}", &status), "0");
	EXPECT_EQ(status, 0);
	EXPECT_STREQ(ended("{\"code\":255}", &status), "255");
	EXPECT_EQ(status, 255);
	EXPECT_STREQ(ended("{\"signal\":11,\"known\":true}", &status), "SIGSEGV");
	EXPECT_EQ(status, 139);
	EXPECT_STREQ(ended("{\"signal\":9,\"oom\":true}", &status), "oom");
	EXPECT_EQ(status, 137);
	EXPECT_STREQ(ended("{\"signal\":40}", &status), "SIG40");
	EXPECT_STREQ(ended("{\"code\":0,\"known\":false}", &status), "?");
	EXPECT_EQ(status, -1);
	EXPECT_STREQ(ended("{}", &status), "?");
	EXPECT_EQ(status, -1);
	EXPECT_STREQ(ended("null", &status), "-");
	EXPECT_EQ(status, -1);
}

TEST(signals_go_by_number_and_name)
{
	EXPECT_EQ(signal_parse("15"), SIGTERM);
	EXPECT_EQ(signal_parse("TERM"), SIGTERM);
	EXPECT_EQ(signal_parse("sigusr1"), SIGUSR1);
	EXPECT_EQ(signal_parse("RTMIN+2"), SIGRTMIN + 2);
	EXPECT_EQ(signal_parse("0"), -EINVAL);
	EXPECT_EQ(signal_parse("65"), -EINVAL);
	EXPECT_EQ(signal_parse("SIGNOPE"), -EINVAL);
	EXPECT_EQ(signal_parse(""), -EINVAL);
	EXPECT_EQ(signal_parse("SIG"), -EINVAL);
	EXPECT_EQ(signal_parse("-9"), -EINVAL);
}

struct sample {
	bool flag;
	const char *text;
	struct opt_u64 ms, nr;
	struct opt_list list;
};

static const struct opt_row sample_rows[] = {
	{"flag", 'f', NULL, opt_flag, offsetof(struct sample, flag), NULL, "h"},
	{"text", 't', "T", opt_string, offsetof(struct sample, text), NULL, "h"},
	{"grace", 'g', "T", opt_ms, offsetof(struct sample, ms), OPT_ALLOWED_MS, "h"},
	{"nr", 'n', "N", opt_count, offsetof(struct sample, nr), "a number from 1", "h"},
	{"list", 'l', "X", opt_strings, offsetof(struct sample, list), NULL, "h"},
	{},
};

#define PARSE(s, why, end, ...)                                                                    \
	({                                                                                         \
		char *argv_[] = {(char *)"prog", __VA_ARGS__, NULL};                               \
		struct opt_set set_ = {sample_rows, (s)};                                          \
		opts_parse(&set_, 1, (int)(sizeof(argv_) / sizeof(argv_[0])) - 1, argv_, (end),    \
			   (why));                                                                 \
	})

TEST(options_fill_their_fields)
{
	struct sample s = {};
	struct why why = {};

	EXPECT_EQ(PARSE(&s, &why, false, (char *)"-fl1", (char *)"op", (char *)"--list=2",
			(char *)"--grace", (char *)"1.5s", (char *)"-n", (char *)"4"),
		  7);
	EXPECT_TRUE(s.flag);
	EXPECT_EQ(s.list.nr, 2);
	EXPECT_STREQ(s.list.items[1], "2");
	EXPECT_EQ(s.ms.value, 1500);
	EXPECT_EQ(s.nr.value, 4);
	EXPECT_STREQ(why.text, "");
}

TEST(an_operand_can_end_the_options)
{
	struct sample s = {};
	struct why why = {};

	EXPECT_EQ(PARSE(&s, &why, true, (char *)"-f", (char *)"sh", (char *)"-t", (char *)"x"), 2);
	EXPECT_TRUE(!s.text);
}

static const char *refused(int r, const struct why *why)
{
	return r == -EINVAL ? why->text : "accepted";
}

TEST(a_wrong_option_is_named)
{
#define REFUSED(want, ...)                                                                         \
	do {                                                                                       \
		struct sample s_ = {};                                                             \
		struct why why_ = {};                                                              \
		int r_ = PARSE(&s_, &why_, false, __VA_ARGS__);                                    \
		EXPECT_STREQ(refused(r_, &why_), want);                                            \
	} while (0)
	REFUSED("--colour: no such option", (char *)"--colour");
	REFUSED("-x: no such option", (char *)"-fx");
	REFUSED("--text: needs a value", (char *)"--text");
	REFUSED("-t: needs a value", (char *)"-t");
	REFUSED("--flag=1: takes no value", (char *)"--flag=1");
	REFUSED("--grace=soon: must be a duration such as 500ms, 10s or 2m",
		(char *)"--grace=soon");
	REFUSED("--nr=0: must be a number from 1", (char *)"-n0");
	REFUSED("--nr=-1: must be a number from 1", (char *)"--nr=-1");
}

TEST(text_is_wrapped_at_blanks_and_long_words_are_broken)
{
	char buf[64];

	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "one two three", 7), "one two\nthree");
	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "one two three", 0), "one two three");
	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "one two three", 99), "one two three");
	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "abcdefgh ij", 4), "abcd\nefgh\nij");
	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "", 4), "");
	/* no character is cut in two: 3 + 3 bytes, and room for 4 */
	EXPECT_STREQ(text_wrap(buf, sizeof(buf), "\xe6\x97\xa5\xe6\x97\xa5", 4),
		     "\xe6\x97\xa5\n\xe6\x97\xa5");
	EXPECT_STREQ(text_wrap(buf, 8, "one two three", 3), "one\ntw");
	for (int width = 1; width < 20; width++)
		for (size_t size = 3; size < 30; size++)
			EXPECT_LT(strlen(text_wrap(buf, size, "some \xe6\x97\xa5 words andlongones",
						   width)),
				  size);
}

static const char *explained(const char *name, const char *params, struct why *why)
{
	json_t *doc = params ? json_loads(params, 0, NULL) : NULL;

	why->text[0] = 0;
	client_explain(name, doc, why);
	json_decref(doc);
	return why->text;
}

TEST(errors_of_the_agent_become_sentences)
{
	struct why why;

	EXPECT_STREQ(explained("io.dcos.Agent.NoSuchTask", "{\"id\":\"a\"}", &why),
		     "a: no such task; dcosctl ps -a lists all");
	EXPECT_STREQ(explained("io.dcos.Agent.InvalidSpec",
			       "{\"key\":\"resources.pids\",\"reason\":\"0: must be 1 to 9\"}",
			       &why),
		     "resources.pids: 0: must be 1 to 9");
	EXPECT_STREQ(explained("io.dcos.Agent.LimitReached", "{\"what\":\"tasks\",\"limit\":5}",
			       &why),
		     "tasks: the limit of 5 is reached");
	EXPECT_STREQ(explained("io.dcos.Agent.LaunchFailed", "{\"reason\":\"exec /x: No\"}", &why),
		     "exec /x: No");
	EXPECT_STREQ(explained("org.varlink.service.InvalidParameter", "{\"parameter\":\"x\"}",
			       &why),
		     "x: the agent refuses this parameter");
	EXPECT_STREQ(explained("com.example.Odd", "{\"a\":1}", &why),
		     "the agent answered with error com.example.Odd {\"a\":1}");
	EXPECT_STREQ(explained("com.example.Odd", NULL, &why),
		     "the agent answered with error com.example.Odd ");
}

TEST(every_error_of_the_interface_has_a_sentence_of_its_own)
{
	FILE *f = fopen("agent/io.dcos.Agent.varlink", "re");
	char line[512], name[128], full[160];
	int nr = 0;

	if (!f)
		test_skip("agent/io.dcos.Agent.varlink is not in the current directory");
	while (fgets(line, sizeof(line), f)) {
		struct why why;

		if (sscanf(line, "error %127[A-Za-z]", name) != 1)
			continue;
		(void)snprintf(full, sizeof(full), "io.dcos.Agent.%s", name);
		(void)explained(full, "{}", &why);
		if (strstr(why.text, "answered with error"))
			test_fail(__FILE__, __LINE__, "%s has no sentence", full);
		nr++;
	}
	(void)fclose(f);
	EXPECT_GE(nr, 9);
}

TEST(bad_values_of_run_name_the_option)
{
	static const struct {
		struct spec_options o;
		const char *want;
	} rows[] = {
		{{.mounts = {{"/a"}, 1}}, "--mount=/a: must be SOURCE:TARGET, maybe with :ro"},
		{{.mounts = {{"/a:/b:rx"}, 1}},
		 "--mount=/a:/b:rx: must be SOURCE:TARGET, maybe with :ro"},
		{{.mounts = {{":/b"}, 1}}, "--mount=:/b: must be SOURCE:TARGET, maybe with :ro"},
		{{.env = {{"A"}, 1}}, "--env=A: must be NAME=VALUE"},
		{{.labels = {{"=x"}, 1}}, "--label==x: must be NAME=VALUE"},
		{{.sets = {{"a"}, 1}}, "--set=a: must be KEY=VALUE"},
		{{.image = "host", .sets = {{"image.x=1"}, 1}},
		 "--set=image.x=1: image is no object, or it is too deep"},
		{{.image = "\xff"}, "--image: must be UTF-8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {};
		json_t *doc = NULL;

		EXPECT_EQ(spec_build(&rows[i].o, NULL, 0, &doc, &why), -EINVAL);
		EXPECT_STREQ(why.text, rows[i].want);
		json_decref(doc);
	}
}
