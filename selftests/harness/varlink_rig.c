// SPDX-License-Identifier: Apache-2.0
#include "selftests/harness/varlink_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define HEAR_MAX (64U << 20)

static int rig_echo(struct vl_call *call, json_t *params, void *userdata)
{
	((struct vl_rig *)userdata)->echoed++;
	return vl_reply(call, json_incref(params));
}

static void rig_gone(struct vl_call *call, void *data)
{
	struct vl_rig *rig = data;

	rig->gone++;
	rig->held = vl_call_unref(call);
}

static int rig_hold(struct vl_call *call, json_t *params, void *userdata)
{
	struct vl_rig *rig = userdata;

	(void)params;
	rig->held = vl_call_ref(call);
	vl_call_on_gone(call, rig_gone, rig);
	return 0;
}

static int rig_count(struct vl_call *call, json_t *params, void *userdata)
{
	json_int_t n = json_integer_value(json_object_get(params, "n"));
	int r = 0;

	(void)userdata;
	for (json_int_t i = 0; !r && i < n; i++)
		r = vl_reply_more(call, json_pack("{s:I}", "i", i));
	return r < 0 ? r : vl_reply(call, json_pack("{s:I}", "i", n));
}

static int rig_manage(struct vl_call *call, json_t *params, void *userdata)
{
	(void)params;
	(void)userdata;
	return vl_reply(call, NULL);
}

static int rig_fail(struct vl_call *call, json_t *params, void *userdata)
{
	(void)call;
	(void)params;
	(void)userdata;
	return -EBUSY;
}

static int rig_forget(struct vl_call *call, json_t *params, void *userdata)
{
	(void)call;
	(void)params;
	(void)userdata;
	return 0;
}

static bool rig_may_read(const struct ucred *peer, void *userdata)
{
	(void)peer;
	return !((struct vl_rig *)userdata)->nobody_reads;
}

static bool rig_may_manage(const struct ucred *peer, void *userdata)
{
	(void)peer;
	return !((struct vl_rig *)userdata)->nobody_manages;
}

static const struct vl_interface rig_interface = {
	.name = "test.Rig",
	.description = "interface test.Rig\n",
	.methods =
		(const struct vl_method[]){
			{.name = "Echo",
			 .fn = rig_echo,
			 .params = (const char *const[]){"text", "other", NULL}},
			{.name = "Hold", .fn = rig_hold},
			{.name = "Count",
			 .fn = rig_count,
			 .params = (const char *const[]){"n", NULL},
			 .needs_more = true},
			{.name = "Manage", .fn = rig_manage, .manages = true},
			{.name = "Fail", .fn = rig_fail},
			{.name = "Forget", .fn = rig_forget},
			{.name = "Missing"},
			{0},
		},
};

void vl_rig_up(struct vl_rig *rig)
{
	const struct vl_server_config config = {
		.vendor = "v",
		.product = "p",
		.version = "1",
		.url = "u",
		.interface = &rig_interface,
		.may_read = rig_may_read,
		.may_manage = rig_may_manage,
		.userdata = rig,
	};

	*rig = (struct vl_rig){0};
	ASSERT_TRUE(sd_event_new(&rig->event) >= 0);
	ASSERT_EQ(vl_server_new(rig->event, &config, &rig->server), 0);
}

void vl_rig_down(struct vl_rig *rig)
{
	rig->server = vl_server_free(rig->server);
	rig->event = sd_event_unref(rig->event);
}

int vl_rig_client(struct vl_rig *rig)
{
	int fds[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	ASSERT_EQ(vl_server_adopt(rig->server, fds[0]), 0);
	return fds[1];
}

void vl_rig_turn(struct vl_rig *rig)
{
	for (int i = 0; i < RIG_TURNS_MAX; i++) {
		int r = sd_event_run(rig->event, 0);

		ASSERT_TRUE(r >= 0);
		if (r == 0)
			return;
	}
	test_fail(__FILE__, __LINE__, "the loop spins");
	test_abort();
}

int vl_rig_say(struct vl_rig *rig, int fd, const char *text)
{
	size_t len = strlen(text) + 1;

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		vl_rig_turn(rig);
	}
	return 0;
}

char *vl_rig_hear(struct vl_rig *rig, int fd)
{
	size_t len = 0, size = 1 << 16;
	char *text = malloc(size);
	ssize_t n = 1;

	ASSERT_TRUE(text);
	while (n > 0 && len < HEAR_MAX) {
		vl_rig_turn(rig);
		if (size - len < 4096) {
			size *= 2;
			text = realloc(text, size);
			ASSERT_TRUE(text);
		}
		n = recv(fd, text + len, size - len - 8, 0);
		for (ssize_t i = 0; i < n; i++, len++)
			text[len] = text[len] ? text[len] : '|';
	}
	text[len] = '\0';
	if (n == 0 || errno == ECONNRESET)
		memcpy(text + len, "EOF", sizeof("EOF"));
	return text;
}

char *vl_rig_ask(struct vl_rig *rig, int fd, const char *text)
{
	(void)vl_rig_say(rig, fd, text); /* what was answered before tells more */
	return vl_rig_hear(rig, fd);
}

struct vl_stats vl_rig_stats(const struct vl_rig *rig)
{
	struct vl_stats st;

	vl_server_stats(rig->server, &st);
	return st;
}
