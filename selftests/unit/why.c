// SPDX-License-Identifier: Apache-2.0
#include "agent/lib/why.h"

#include <errno.h>
#include <string.h>

#include "selftests/harness/test.h"

TEST(the_sentence_names_the_value_and_the_errno)
{
	struct why w = {0};

	EXPECT_EQ(why_set(&w, -EACCES, "pids.max=%d", 5), -EACCES);
	EXPECT_STREQ(w.text, "pids.max=5: Permission denied");
}

TEST(the_first_cause_stays)
{
	struct why w = {0};

	EXPECT_EQ(why_set(&w, -ENOENT, "first"), -ENOENT);
	EXPECT_EQ(why_set(&w, -EIO, "second"), -EIO);
	EXPECT_STREQ(w.text, "first: No such file or directory");
}

TEST(invalid_input_has_no_errno_text)
{
	struct why w = {0};

	EXPECT_EQ(why_set(&w, -EINVAL, "cpus=9: at most 2"), -EINVAL);
	EXPECT_STREQ(w.text, "cpus=9: at most 2");
}

TEST(nobody_has_to_ask_why)
{
	EXPECT_EQ(why_set(NULL, -EIO, "x"), -EIO);
}

TEST(a_long_sentence_is_cut)
{
	struct why w = {0};
	char text[2 * WHY_MAX];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	EXPECT_EQ(why_set(&w, -EIO, "%s", text), -EIO);
	EXPECT_EQ(strlen(w.text), WHY_MAX - 1);
}
