// SPDX-License-Identifier: Apache-2.0
/* Names of capabilities, both ways. */
#include "isolators/credentials.h"

#include <errno.h>
#include <linux/capability.h>

#include "selftests/harness/test.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))
#define NAMES(...) ((char *const[]){__VA_ARGS__, NULL})

TEST(names_are_taken_with_and_without_prefix_in_any_case)
{
	uint64_t caps = 0;

	EXPECT_EQ(caps_from_names(NAMES("CAP_CHOWN", "net_raw", "Cap_Kill", "SYS_ADMIN"), &caps,
				  NULL),
		  0);
	EXPECT_EQ(caps, CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_KILL) |
				CAP_BIT(CAP_SYS_ADMIN));
}

TEST(no_names_are_no_capabilities)
{
	uint64_t caps = 5;

	EXPECT_EQ(caps_from_names((char *const[]){NULL}, &caps, NULL), 0);
	EXPECT_EQ(caps, 0);
}

TEST(the_first_bad_name_is_told_and_nothing_is_changed)
{
	static const char *const bad[] = {"CAP_NOPE",
					  "",
					  "CAP_",
					  "12",
					  "cap_12",
					  "CAP_CHOWN ",
					  "CAP_CAP_CHOWN",
					  "CHOWN,KILL",
					  "all",
					  "=ep",
					  "a_name_that_is_longer_than_any_capability_ever_was"};
	const char *told = NULL;
	uint64_t caps = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(caps_from_names(NAMES("CAP_KILL", (char *)bad[i], "nor_this"), &caps,
					  &told),
			  -EINVAL);
		EXPECT_STREQ(told, bad[i]);
		EXPECT_EQ(caps, 5);
	}
}

TEST(every_capability_of_the_kernel_has_a_name_that_leads_back)
{
	char text[CAPS_TEXT_MAX];

	EXPECT_TRUE(caps_known() & CAP_BIT(CAP_CHOWN));
	for (unsigned int c = 0; c < 64; c++) {
		char *names[] = {text, NULL};
		uint64_t caps = 0;

		if (!(caps_known() & CAP_BIT(c)))
			continue;
		(void)caps_to_text(CAP_BIT(c), text, sizeof(text));
		EXPECT_EQ(caps_from_names(names, &caps, NULL), 0);
		EXPECT_EQ(caps, CAP_BIT(c));
	}
}

TEST(sets_are_written_in_order_and_cut_to_the_buffer)
{
	char text[CAPS_TEXT_MAX], small[12];

	EXPECT_STREQ(caps_to_text(CAP_BIT(CAP_KILL) | CAP_BIT(CAP_CHOWN), text, sizeof(text)),
		     "CAP_CHOWN CAP_KILL");
	EXPECT_STREQ(caps_to_text(0, text, sizeof(text)), "");
	EXPECT_STREQ(caps_to_text(CAP_BIT(CAP_KILL) | CAP_BIT(CAP_CHOWN), small, sizeof(small)),
		     "CAP_CHOWN C");
	EXPECT_TRUE(strlen(caps_to_text(~UINT64_C(0), text, sizeof(text))) < sizeof(text) - 1);
}
