// SPDX-License-Identifier: Apache-2.0
/* Ids, and the defaults of a container. */
#include "isolators/spec.h"

#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

TEST(ids_that_are_safe_as_file_names_are_valid)
{
	static const char *const ids[] = {"a", "web.1", "A-b_c+d", "-x", "0", "a..b", "_", "+"};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_TRUE(ct_id_valid(ids[i]));
}

TEST(ids_that_could_lead_elsewhere_are_not_valid)
{
	static const char *const ids[] = {
		"",    ".",    "..",	    ".hidden", "a/b", "../../x", "/",	"a b",
		"a\n", "a\tb", "k\xc3\xa4", "a:b",     "a%b", "a\\b",	 "a=b", "a*",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_FALSE(ct_id_valid(ids[i]));
	EXPECT_FALSE(ct_id_valid(NULL));
}

TEST(an_id_has_a_longest_length)
{
	char id[CT_ID_MAX + 2];

	memset(id, 'x', sizeof(id));
	id[CT_ID_MAX] = '\0';
	EXPECT_TRUE(ct_id_valid(id));
	id[CT_ID_MAX] = 'x';
	id[CT_ID_MAX + 1] = '\0';
	EXPECT_FALSE(ct_id_valid(id));
}

static bool listed(char *const *v, const char *s)
{
	for (; *v; v++)
		if (strcmp(*v, s) == 0)
			return true;
	return false;
}

TEST(the_defaults_are_the_secure_ones)
{
	uint64_t dangerous = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_MODULE |
			     1ULL << CAP_SYS_PTRACE | 1ULL << CAP_SYS_RAWIO | 1ULL << CAP_MKNOD |
			     1ULL << CAP_NET_RAW | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_BPF |
			     1ULL << CAP_DAC_READ_SEARCH | 1ULL << CAP_SYS_BOOT;
	struct ct_spec s;

	ASSERT_EQ(ct_spec_defaults(&s), 0);
	EXPECT_EQ(s.namespaces, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
					CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWUSER);
	EXPECT_TRUE(s.process.no_new_privileges);
	EXPECT_EQ(s.process.capabilities & dangerous, 0);
	EXPECT_TRUE(s.process.capabilities & 1ULL << CAP_SETUID);
	EXPECT_EQ(s.process.umask, 0022);
	EXPECT_STREQ(s.process.cwd, "/");
	EXPECT_TRUE(s.process.env && !s.process.env[0]);
	EXPECT_EQ(s.process.oom_score_adj, INT_MIN);
	EXPECT_TRUE(listed(s.masked_paths, "/proc/kcore"));
	EXPECT_TRUE(listed(s.masked_paths, "/sys/firmware"));
	EXPECT_TRUE(listed(s.readonly_paths, "/proc/sysrq-trigger"));
	EXPECT_TRUE(listed(s.readonly_paths, "/proc/sys"));
	ct_spec_free(&s);
}

TEST(nothing_is_limited_and_nothing_named_by_default)
{
	struct ct_spec s;

	memset(&s, 0xff, sizeof(s));
	ASSERT_EQ(ct_spec_defaults(&s), 0);
	EXPECT_TRUE(!s.id && !s.process.args && !s.root.path && !s.seccomp && !s.hostname);
	EXPECT_TRUE(!s.mounts && !s.devices && !s.process.rlimits);
	EXPECT_EQ(s.resources.cpu_quota_us, CT_UNSET);
	EXPECT_EQ(s.resources.cpu_period_us, CT_PERIOD_US);
	EXPECT_EQ(s.resources.cpu_burst_us, CT_UNSET);
	EXPECT_EQ(s.resources.cpu_weight, CT_UNSET);
	EXPECT_EQ(s.resources.memory_max_bytes, CT_UNSET);
	EXPECT_EQ(s.resources.memory_high_bytes, CT_UNSET);
	EXPECT_EQ(s.resources.memory_low_bytes, CT_UNSET);
	EXPECT_EQ(s.resources.memory_swap_max_bytes, CT_UNSET);
	EXPECT_EQ(s.resources.pids_max, CT_UNSET);
	ct_spec_free(&s);
}

TEST(a_spec_owns_what_is_in_it_and_can_be_freed_twice)
{
	struct ct_spec s;

	ASSERT_EQ(ct_spec_defaults(&s), 0);
	s.id = strdup("a");
	s.root.path = strdup("/srv");
	s.seccomp = strdup("{}");
	s.hostname = strdup("h");
	s.process.args = calloc(2, sizeof(char *));
	s.process.rlimits = calloc(1, sizeof(*s.process.rlimits));
	s.mounts = calloc(1, sizeof(*s.mounts));
	ASSERT_TRUE(s.process.args && s.mounts);
	s.process.args[0] = strdup("true");
	s.mounts_nr = 1;
	s.mounts[0].source = strdup("/a");
	s.mounts[0].destination = strdup("/b");
	s.devices = calloc(1, sizeof(*s.devices));
	s.devices_nr = 1;
	ct_spec_free(&s); /* what it forgets the address sanitizer tells */
	EXPECT_TRUE(!s.id && !s.mounts && !s.mounts_nr);
	ct_spec_free(&s);
	ct_spec_free(NULL);
}
