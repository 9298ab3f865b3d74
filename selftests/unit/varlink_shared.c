// SPDX-License-Identifier: Apache-2.0
/* One text for many connections: whole and in order for each, however slowly it reads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"
#include "selftests/harness/test.h"
#include "selftests/harness/varlink_rig.h"

#define READERS	  20
#define BIG_BYTES (2U << 20) /* more than a socket takes at once */

static const char hold[] = "{\"method\":\"test.Rig.Hold\",\"more\":true}";

/* A string of so many letters, as JSON text of an object. */
static char *big(char letter)
{
	char *text = malloc(BIG_BYTES + 1);

	memcpy(text, "{\"x\":\"", 6);
	memset(text + 6, letter, BIG_BYTES - 8);
	memcpy(text + BIG_BYTES - 2, "\"}", 3);
	return text;
}

static struct vl_text *shared(const char *params)
{
	struct vl_text *t = vl_text_new(params, strlen(params));

	ASSERT_TRUE(t);
	return t;
}

static struct vl_call *subscribe(struct vl_rig *rig, int fd)
{
	EXPECT_EQ(vl_rig_say(rig, fd, hold), 0);
	ASSERT_TRUE(rig->held);
	struct vl_call *call = rig->held;

	rig->held = NULL; /* so that the next one is not in its way */
	return call;
}

/* Is it this text as a reply? Return: behind it. */
static const char *skip_reply(const char *got, const char *params)
{
	static const char head[] = "{\"parameters\":", tail[] = ",\"continues\":true}|";

	EXPECT_TRUE(!strncmp(got, head, strlen(head)));
	got += strlen(head);
	EXPECT_TRUE(!strncmp(got, params, strlen(params)));
	got += strlen(params);
	EXPECT_TRUE(!strncmp(got, tail, strlen(tail)));
	return got + strlen(tail);
}

TEST(a_shared_text_is_heard_whole_by_all)
{
	cleanup_free char *text = big('a');
	struct vl_call *calls[READERS];
	int fds[READERS];
	struct vl_rig rig;
	struct vl_text *t = shared(text);

	vl_rig_up(&rig);
	for (int i = 0; i < READERS; i++) {
		fds[i] = vl_rig_client(&rig);
		calls[i] = subscribe(&rig, fds[i]);
	}
	for (int i = 0; i < READERS; i++) {
		EXPECT_EQ(vl_reply_more_shared(calls[i], t), 0);
		EXPECT_GT(vl_call_backlog(calls[i]), 0);
	}
	vl_text_unref(t);
	for (int i = 0; i < READERS; i++) {
		cleanup_free char *got = vl_rig_hear(&rig, fds[i]);

		EXPECT_STREQ(skip_reply(got, text), "");
		EXPECT_EQ(vl_call_backlog(calls[i]), 0);
		(void)vl_call_unref(calls[i]);
		close_fd(&fds[i]);
	}
	vl_rig_down(&rig);
}

TEST(replies_before_and_after_a_shared_text_keep_their_order)
{
	cleanup_free char *a = big('a'), *got = NULL;
	struct vl_rig rig;
	const char *p;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	struct vl_call *call = subscribe(&rig, fd);
	struct vl_text *one = shared(a), *two = shared("{\"n\":3}");

	EXPECT_EQ(vl_reply_more_text(call, "{\"n\":1}", 7), 0);
	EXPECT_EQ(vl_reply_more_shared(call, one), 0);
	EXPECT_EQ(vl_reply_more_text(call, "{\"n\":2}", 7), 0);
	EXPECT_EQ(vl_reply_more_shared(call, two), 0);
	EXPECT_EQ(vl_reply_more_shared(call, two), 0);
	vl_text_unref(one);
	vl_text_unref(two);
	got = vl_rig_hear(&rig, fd);
	p = skip_reply(skip_reply(skip_reply(got, "{\"n\":1}"), a), "{\"n\":2}");
	EXPECT_STREQ(skip_reply(skip_reply(p, "{\"n\":3}"), "{\"n\":3}"), "");
	(void)vl_call_unref(call);
	vl_rig_down(&rig);
}

TEST(who_has_too_much_to_read_is_dropped)
{
	cleanup_free char *text = big('a');
	struct vl_rig rig;
	int r = 0, sent = 0;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	struct vl_call *call = vl_call_ref(subscribe(&rig, fd));

	for (; !r && sent < 10; sent++) {
		struct vl_text *t = shared(text);

		r = vl_reply_more_shared(call, t);
		vl_text_unref(t);
	}
	EXPECT_EQ(r, -ENOBUFS);
	EXPECT_LE(sent, 4); /* of 2 MB each, where 4 MB may wait */
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).slow, 1);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	(void)vl_call_unref(call);
	vl_rig_down(&rig);
}

TEST(what_a_slow_reader_keeps_is_its_own_and_comes_whole)
{
	cleanup_free char *text = big('a'), *got = NULL;
	struct vl_rig rig;
	size_t waiting;

	vl_rig_up(&rig);
	cleanup_close int fd = vl_rig_client(&rig);
	struct vl_call *call = subscribe(&rig, fd);
	struct vl_text *t = shared(text);

	EXPECT_EQ(vl_reply_more_shared(call, t), 0);
	waiting = vl_call_backlog(call);
	vl_call_unshare(call);
	EXPECT_EQ(vl_call_backlog(call), waiting);
	vl_text_unref(t); /* the sanitizer would tell if it were still in use */
	vl_call_unshare(call);
	got = vl_rig_hear(&rig, fd);
	EXPECT_STREQ(skip_reply(got, text), "");
	(void)vl_call_unref(call);
	vl_rig_down(&rig);
}

TEST(who_hangs_up_in_the_middle_leaves_nothing_behind)
{
	cleanup_free char *text = big('a');
	struct vl_rig rig;

	vl_rig_up(&rig);
	int fd = vl_rig_client(&rig);
	struct vl_call *call = vl_call_ref(subscribe(&rig, fd));
	struct vl_text *t = shared(text);

	EXPECT_EQ(vl_reply_more_shared(call, t), 0);
	vl_text_unref(t);
	close_fd(&fd);
	vl_rig_turn(&rig);
	EXPECT_EQ(vl_rig_stats(&rig).open, 0);
	EXPECT_EQ(vl_call_backlog(call), 0);
	t = shared("{}");
	EXPECT_EQ(vl_reply_more_shared(call, t), -EPIPE);
	vl_call_unshare(call);
	vl_text_unref(t);
	(void)vl_call_unref(call);
	vl_rig_down(&rig);
}
