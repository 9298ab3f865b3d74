// SPDX-License-Identifier: Apache-2.0
/* Why a task is slow: rates in, one word and its numbers out. */
#include <math.h>
#include <string.h>

#include "selftests/harness/test.h"
#include "tools/dcostop/verdict.h"

#define GIVEN_MAX 6

struct given {
	int metric;
	double v;
};

static const struct {
	const char *what;
	struct given given[GIVEN_MAX];
	const char *word, *numbers;
} cases[] = {
	{"nothing happens", {{M_CPU, 0}}, "idle", ""},
	{"it computes", {{M_CPU, 99}, {M_WAIT, 1}}, "ok", ""},
	{"it computes little", {{M_CPU, 1}}, "ok", ""},
	{"it only sends", {{M_CPU, 0.5}, {M_TX, 1024}}, "ok", ""},
	{"less than idle sends", {{M_CPU, 0.5}, {M_TX, 1023}}, "idle", ""},

	{"at the threshold of throttling",
	 {{M_CPU, 50}, {M_THROTTLED, 5}, {M_THROTTLED_TIME, 3}},
	 "throttled",
	 "5 %, 30 ms/s"},
	{"below it", {{M_CPU, 50}, {M_THROTTLED, 4.9}, {M_THROTTLED_TIME, 3}}, "ok", ""},
	{"the time throttled is not known", {{M_CPU, 50}, {M_THROTTLED, 40}}, "throttled", "40 %"},

	{"at the threshold of waiting",
	 {{M_CPU, 8}, {M_WAIT, 2}, {M_WAIT_P99, 65536}},
	 "cpu wait",
	 "20 %, p99 66ms"},
	{"it waits, but for a small share", {{M_CPU, 90}, {M_WAIT, 20}}, "ok", ""},
	{"a large share of next to nothing", {{M_CPU, 0.1}, {M_WAIT, 1.9}}, "idle", ""},
	{"the quantile is not known", {{M_CPU, 50}, {M_WAIT, 50}}, "cpu wait", "50 %, p99 -"},

	{"at the threshold of memory",
	 {{M_CPU, 50}, {M_MEMORY_SOME, 5}, {M_MAJ_FAULTS, 12}},
	 "memory",
	 "5 %, 12 majf/s"},
	{"below it", {{M_CPU, 50}, {M_MEMORY_SOME, 4.9}, {M_MAJ_FAULTS, 12}}, "ok", ""},

	{"at the threshold of the disk",
	 {{M_CPU, 50}, {M_IO_SOME, 10}, {M_DISK_P99, 16384}},
	 "disk wait",
	 "10 %, p99 16ms"},
	{"below it", {{M_CPU, 50}, {M_IO_SOME, 9.9}}, "ok", ""},

	{"the greatest loss is told: the disk",
	 {{M_CPU, 50}, {M_THROTTLED, 20}, {M_MEMORY_SOME, 30}, {M_IO_SOME, 60}, {M_DISK_P99, 2}},
	 "disk wait",
	 "60 %, p99 2us"},
	{"the greatest loss is told: throttling",
	 {{M_CPU, 50}, {M_THROTTLED, 70}, {M_THROTTLED_TIME, 50}, {M_IO_SOME, 60}},
	 "throttled",
	 "70 %, 500 ms/s"},
	{"the greatest loss is told: memory",
	 {{M_CPU, 50}, {M_WAIT, 50}, {M_MEMORY_SOME, 61}, {M_IO_SOME, 60}, {M_MAJ_FAULTS, 0}},
	 "memory",
	 "61 %, 0 majf/s"},

	{"at the threshold of retransmits",
	 {{M_CPU, 50}, {M_RETRANSMITS, 1}, {M_TX_PACKETS, 100}},
	 "retrans",
	 "1/s, 1.0 %"},
	{"few of very many", {{M_CPU, 50}, {M_RETRANSMITS, 9}, {M_TX_PACKETS, 1000}}, "ok", ""},
	{"less than one a second",
	 {{M_CPU, 50}, {M_RETRANSMITS, 0.9}, {M_TX_PACKETS, 9}},
	 "ok",
	 ""},
	{"a loss of time comes before retransmits",
	 {{M_CPU, 50}, {M_IO_SOME, 10}, {M_DISK_P99, 2}, {M_RETRANSMITS, 50}, {M_TX_PACKETS, 99}},
	 "disk wait",
	 "10 %, p99 2us"},

	{"a device", {{M_CPU, 50}, {M_DEVICE_DENIED, 0.1}}, "denied", "0.1/s"},
	{"all denials are added",
	 {{M_CPU, 0}, {M_DEVICE_DENIED, 1}, {M_BIND_DENIED, 2}, {M_CONNECT_DENIED, 3}},
	 "denied",
	 "6.0/s"},
};

static void nothing(double *v)
{
	for (int i = 0; i < TOP_METRICS; i++)
		v[i] = NAN;
}

TEST(each_cause_has_its_word_from_its_threshold_on)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double v[TOP_METRICS];
		struct verdict got;

		nothing(v);
		for (int k = 0; k < GIVEN_MAX; k++)
			if (cases[i].given[k].metric || cases[i].given[k].v > 0 || !k)
				v[cases[i].given[k].metric] = cases[i].given[k].v;
		verdict_of(v, NULL, &got);
		EXPECT_STREQ(got.word, cases[i].word);
		EXPECT_STREQ(got.numbers, cases[i].numbers);
		if (strcmp(got.word, cases[i].word) != 0)
			EXPECT_STREQ(cases[i].what, ""); /* names the row */
	}
}

TEST(a_task_that_ended_says_how)
{
	double v[TOP_METRICS];
	struct verdict got;

	nothing(v);
	v[M_CPU] = 99;
	v[M_THROTTLED] = 99;
	verdict_of(v, "SIGKILL", &got);
	EXPECT_EQ(got.kind, VERDICT_ENDED);
	EXPECT_STREQ(got.word, "SIGKILL");
	EXPECT_STREQ(got.numbers, "");
}

TEST(one_snapshot_is_not_enough_to_judge)
{
	double v[TOP_METRICS];
	struct verdict got;

	nothing(v);
	v[M_MEMORY] = 1e9;
	verdict_of(v, NULL, &got);
	EXPECT_EQ(got.kind, VERDICT_UNKNOWN);
	EXPECT_STREQ(got.word, "-");
}

TEST(large_numbers_fit)
{
	double v[TOP_METRICS];
	struct verdict got;

	for (int i = 0; i < TOP_METRICS; i++)
		v[i] = 1e300;
	verdict_of(v, NULL, &got);
	EXPECT_TRUE(got.word[0]);
	v[M_THROTTLED] = v[M_THROTTLED_TIME] = v[M_WAIT] = v[M_MEMORY_SOME] = v[M_IO_SOME] = 0;
	verdict_of(v, NULL, &got);
	EXPECT_STREQ(got.word, "retrans");
}
