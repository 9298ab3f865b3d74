// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target: what comes over a Varlink socket. The bytes go to the parser of one message, then
 * through a socket pair to a real server, which must answer, drop, and in the end free the connection.
 */
#include <errno.h>
#include <sys/socket.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink.h"
#include "agent/lib/varlink_wire.h"

#define TURNS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(struct vl_call *call, json_t *params, void *userdata)
{
	(void)userdata;
	if (vl_call_more(call) && vl_reply_more(call, json_incref(params)) < 0)
		return 0; /* dropped: nobody reads */
	return vl_reply(call, json_incref(params));
}

static int fail(struct vl_call *call, json_t *params, void *userdata)
{
	(void)call;
	(void)userdata;
	return json_object_size(params) ? -EIO : 0; /* an error, or no answer at all */
}

static const struct vl_interface interface = {
	.name = "a.b",
	.description = "interface a.b\n",
	.methods =
		(const struct vl_method[]){
			{.name = "E", .fn = echo, .params = (const char *const[]){"p", "q", NULL}},
			{.name = "F", .fn = fail, .params = (const char *const[]){"p", NULL}},
			{.name = "M", .fn = echo, .needs_more = true},
			{0},
		},
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void feed_parser(const uint8_t *data, size_t size)
{
	struct vl_message m;

	if (vl_message_parse((const char *)data, size, &m) < 0)
		return;
	must(m.method && json_is_object(m.params));
	vl_message_clear(&m);
}

static void feed_server(sd_event *event, struct vl_server *s, const uint8_t *data, size_t size)
{
	struct vl_stats st;
	char answer[65536];
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	must(vl_server_adopt(s, fds[0]) == 0);
	while (size) {
		ssize_t n = send(fds[1], data, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break; /* dropped in the middle */
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		while (recv(fds[1], answer, sizeof(answer), 0) > 0)
			;
		must(sd_event_run(event, 0) >= 0);
	}
	(void)shutdown(fds[1], SHUT_WR); /* it may be closed already */
	for (int turns = 0;; turns++) {
		must(turns < TURNS_MAX);
		while (recv(fds[1], answer, sizeof(answer), 0) > 0)
			;
		vl_server_stats(s, &st);
		if (st.open == 0)
			break;
		must(sd_event_run(event, 0) >= 0);
	}
	(void)close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vl_server_config config = {
		.vendor = "v", .product = "p", .version = "1", .url = "u", .interface = &interface};
	static struct vl_server *server;
	static sd_event *event;

	if (!server) {
		must(sd_event_new(&event) >= 0);
		must(vl_server_new(event, &config, &server) == 0);
	}
	feed_parser(data, size);
	feed_server(event, server, data, size);
	return 0;
}
