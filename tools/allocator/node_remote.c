// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes that dial in, io.dcos.Allocator.varlink. Nothing is believed that a node says about others:
 * who it is says its certificate, and its reports are about its own tasks.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "tools/allocator/node.h"
#include "tools/allocator/policy/policy.h"
#include "tools/allocator/stamp.h"
#include "tools/common/client.h"
#include "tools/common/listen.h"
#include "tools/link/allocator.h"

#define CONNS_MAX	POLICY_NODES_MAX
#define ACCEPTS_MAX	64 /* in a row: then others get their turn */
#define SWEEP_MS	1000
#define STRANGER_MS	10000 /* to come through TLS and to register */
#define STRANGER_BYTES	65536 /* of a message of one that has not registered */
#define MESSAGE_BYTES	(4U << 20)
#define MESSAGE_VALUES	262144 /* in it: bounds what parsing allocates */
#define NAME_BYTES	253 /* of a node's, as of a host's */
#define ATTRIBUTES_MAX	64
#define PORT_RANGES_MAX 64
#define UNIX_PREFIX	"unix:"

/* A connection. */
struct conn {
	LIST_ENTRY(conn) entry;
	struct nodes_remote *remote;
	struct node node;
	struct link link;
	char session[64];
	json_t *is; /* what it registered as */
	uint64_t heard_ms; /* monotonic */
	bool dead; /* to be freed by the sweep */
};

struct nodes_remote {
	struct agents *agents;
	struct tls_keys *keys; /* NULL: no TLS */
	int fd;
	sd_event_source *listener, *sweep;
	struct link_set links;
	LIST_HEAD(, conn) conns;
	unsigned int conns_nr;
};

/* The caller may be in the middle of its link: it is freed later. */
static void drop(struct conn *c)
{
	link_close(&c->link);
	node_leave(&c->node);
	c->dead = true;
}

static void conn_free(struct conn *c)
{
	drop(c);
	LIST_REMOVE(c, entry);
	c->remote->conns_nr--;
	c->remote->agents->counters.connected--;
	json_decref(c->is);
	free(c);
}

/* Takes @message over. Return: 0; -ENOMEM, or of link_send() */
static int say(struct conn *c, json_t *message)
{
	cleanup_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	return text ? link_send(&c->link, text, strlen(text) + 1) : -ENOMEM;
}

static void refuse(struct conn *c, uint64_t *counter, const char *reason)
{
	++*counter;
	log_warn("a node that says it is %s is refused: %s",
		 *field_str(c->is, "node") ? field_str(c->is, "node") : "nobody", reason);
	(void)say(c, json_pack("{s:s, s:{s:s}}", "error", ALLOCATOR_REFUSED, "parameters", "reason",
			       reason)); /* that it hears why is a courtesy */
	drop(c);
}

static int send_order(struct node *n, json_int_t number, const char *method, json_t *params)
{
	struct conn *c = n->data;
	int r = say(c, json_pack("{s:{s:{s:I, s:s, s:O}}, s:b}", "parameters", "order", "number",
				 number, "method", method, "parameters", params, "continues", 1));

	if (r < 0)
		drop(c); /* it does not read */
	return r;
}

static const struct node_way remote_way = {.send = send_order};

/* ---- registering ---- */

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > NAME_BYTES)
		return false;
	for (; *text; text++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._",
			    *text))
			return false;
	return true;
}

static bool are_ports(const json_t *ranges)
{
	const json_t *r;
	size_t i;

	if (!json_is_array(ranges) || json_array_size(ranges) > PORT_RANGES_MAX)
		return false;
	json_array_foreach (ranges, i, r) {
		json_int_t low = json_integer_value(json_array_get(r, 0));
		json_int_t high = json_integer_value(json_array_get(r, 1));

		if (json_array_size(r) != 2 || low < 1 || high < low || high > 65535)
			return false;
	}
	return true;
}

static bool are_attributes(const json_t *o)
{
	const char *name;
	json_t *v;

	if (!json_is_object(o) || json_object_size(o) > ATTRIBUTES_MAX)
		return false;
	json_object_foreach ((json_t *)o, name, v)
		if (!json_is_string(v))
			return false;
	return true;
}

/* Return: NULL: all is well; or what is not. */
static const char *check(const json_t *is)
{
	if (!is_name(field_str(is, "node")))
		return "node: must be 1 to 253 letters, digits, '-', '.' and '_'";
	if (!are_ports(json_object_get(is, "ports")))
		return "ports: must be a list of at most 64 pairs, each from low to high";
	if (!are_attributes(json_object_get(is, "attributes")))
		return "attributes: must be an object of at most 64 texts";
	if (field_int(is, "cpus", 0) < 1 || field_int(is, "cpus", 0) > 65536 ||
	    field_int(is, "memory_bytes", 0) < 1 || field_int(is, "disk_bytes", 0) < 0)
		return "cpus, memory_bytes, disk_bytes: must be what a machine has";
	return NULL;
}

/* One whose link is dead and not seen to be, if it is the same that comes again. */
static bool takes_over(struct conn *c, struct node *old)
{
	struct conn *before = old->data;

	if (old->way != &remote_way || strcmp(before->session, c->session) != 0)
		return false;
	drop(before);
	return true;
}

static bool is_who(struct conn *c, const char *id)
{
	char name[TLS_NAME_MAX];

	return !c->remote->keys || (!tls_peer(&c->link, name) && !strcmp(name, id));
}

static void take_register(struct conn *c, json_t *params)
{
	struct agents_counters *n = &c->remote->agents->counters;
	const char *id = field_str(params, "node"), *wrong = check(params);
	struct node *old = wrong ? NULL : node_find(c->remote->agents, id);

	c->is = json_incref(params);
	(void)snprintf(c->session, sizeof(c->session), "%s", field_str(params, "session"));
	if (wrong)
		refuse(c, &n->refused_other, wrong);
	else if (!is_who(c, id))
		refuse(c, &n->refused_identity, "its certificate is another's");
	else if (old && !takes_over(c, old))
		refuse(c, &n->refused_twice, "a node of that name is connected");
	else if (node_enter(&c->node, id) ||
		 say(c, json_pack("{s:{}, s:b}", "parameters", "continues", 1)))
		drop(c);
	else
		n->registered++;
	c->link.in_max = MESSAGE_BYTES;
}

/* ---- reports ---- */

static void tell_node(struct conn *c, bool draining)
{
	struct agents_node is = {
		.hostname = field_str(c->is, "hostname"),
		.attributes = json_object_get(c->is, "attributes"),
		.cpus_milli = (uint64_t)field_int(c->is, "cpus", 0) * 1000,
		.memory = (uint64_t)field_int(c->is, "memory_bytes", 0),
		.disk = (uint64_t)field_int(c->is, "disk_bytes", 0),
		.ports = json_object_get(c->is, "ports"),
		.state = draining ? AGENTS_DRAINING : AGENTS_ACTIVE,
		.doctor = json_object_get(c->is, "doctor"),
		.version = field_str(c->is, "version"),
	};

	(void)json_object_set_new(c->is, "draining", json_boolean(draining)); /* else told again */
	node_up(&c->node, &is);
}

static void take_answers(struct conn *c, const json_t *answers)
{
	const json_t *a;
	size_t i;

	json_array_foreach (answers, i, a) {
		json_int_t number = field_int(a, "order", -1);

		if (number >= 0)
			node_answer(&c->node, number,
				    json_string_value(json_object_get(a, "error")),
				    json_object_get(a, "parameters"));
	}
}

static void take_report(struct conn *c, json_t *params)
{
	struct agents *a = c->remote->agents;
	bool draining = json_is_true(json_object_get(params, "draining"));
	json_t *tasks = json_object_get(params, "tasks"), *gone;
	json_t *usages = json_object_get(params, "usages");
	size_t i;

	a->counters.reports++;
	if (json_is_true(json_object_get(params, "all")) && !c->node.up) {
		tell_node(c, draining); /* no orders before it is known what it runs */
		node_all(&c->node, tasks);
	}
	if (!c->node.up)
		return;
	if (draining != json_is_true(json_object_get(c->is, "draining")))
		tell_node(c, draining);
	node_changed(&c->node, tasks);
	json_array_foreach (json_object_get(params, "gone"), i, gone)
		if (json_is_string(gone))
			node_gone(&c->node, json_string_value(gone));
	take_answers(c, json_object_get(params, "answers"));
	if (json_array_size(usages))
		a->ops->report(a->arg, c->node.id, usages,
			       (uint64_t)field_int(params, "time_ms", 0));
}

static void on_message(struct link *l, const char *text, size_t len)
{
	struct conn *c = l->data;
	struct agents_counters *n = &c->remote->agents->counters;
	cleanup_json json_t *doc = NULL;
	const char *method;
	json_t *params;

	c->heard_ms = mono_ms();
	n->bytes += len;
	if (vl_json_parse(text, len, MESSAGE_VALUES, &doc) < 0) {
		refuse(c, &n->refused_other, "it sends what is no JSON");
		return;
	}
	method = field_str(doc, "method");
	params = json_object_get(doc, "parameters");
	if (!c->node.entered && !strcmp(method, ALLOCATOR_REGISTER) && json_is_object(params))
		take_register(c, params);
	else if (c->node.entered && !strcmp(method, ALLOCATOR_REPORT) && json_is_object(params))
		take_report(c, params);
	else
		refuse(c, &n->refused_other, "it must register once, and then report");
}

static void on_lost(struct link *l, int err)
{
	struct conn *c = l->data;
	struct nodes_remote *r = c->remote;
	const char *trouble = tls_trouble(r->keys);

	if (!c->node.entered && err == -EPROTO) {
		r->agents->counters.refused_tls++;
		log_warn("a node is refused: %s", *trouble ? trouble : strerror(EPROTO));
	} else if (c->node.entered) {
		log_warn("node %s: %s", c->node.id, err == -EPIPE ? "hung up" : strerror(-err));
	}
	drop(c);
}

/* ---- connections ---- */

static int adopt(struct nodes_remote *r, int fd)
{
	const unsigned int silence = ALLOCATOR_SILENCE_MS;
	const int on = 1;
	struct conn *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	/* without them it takes the kernel longer to notice; none for a unix socket */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->remote = r;
	c->heard_ms = mono_ms();
	node_init(&c->node, r->agents, &remote_way, c);
	c->link = (struct link){.fd = -1,
				.set = &r->links,
				.in_max = STRANGER_BYTES,
				.on_message = on_message,
				.on_lost = on_lost,
				.data = c};
	rc = r->keys ? tls_adopt(&c->link, r->agents->event, fd, r->keys, true, NULL)
		     : link_adopt(&c->link, r->agents->event, fd, NULL, NULL);
	if (rc < 0) {
		free(c);
		return rc;
	}
	LIST_INSERT_HEAD(&r->conns, c, entry);
	r->conns_nr++;
	r->agents->counters.connected++;
	return 0;
}

static int acceptable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct nodes_remote *r = userdata;

	(void)source; /* is r->listener */
	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		cleanup_close int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer < 0)
			return 0; /* none, or none can be had now: it is asked again */
		if (r->conns_nr >= CONNS_MAX || adopt(r, peer) < 0)
			r->agents->counters.refused_other++;
		else
			(void)take_fd(&peer);
	}
	return 0;
}

/* Who is silent is gone; who is dead is freed. */
static int sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct nodes_remote *r = userdata;
	uint64_t now = mono_ms();
	struct conn *c, *next;

	(void)usec;
	for (c = LIST_FIRST(&r->conns); c; c = next) {
		bool stranger = !c->node.entered;

		next = LIST_NEXT(c, entry);
		if (!c->dead &&
		    now > c->heard_ms + (stranger ? STRANGER_MS : ALLOCATOR_SILENCE_MS)) {
			r->agents->counters.refused_other += stranger;
			if (!stranger)
				log_warn("node %s: is silent", c->node.id);
			drop(c);
		}
		if (c->dead)
			conn_free(c);
	}
	/* fail for bad arguments only */
	(void)sd_event_source_set_time_relative(source, (uint64_t)SWEEP_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- beginning and end ---- */

static int listen_unix(const char *path, struct why *why)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return why_set(why, -errno, "--agents");
	if (strlen(path) >= sizeof(sa.sun_path))
		return why_set(why, -EINVAL, "--agents=unix:%s: has no at most %zu bytes", path,
			       sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path));
	(void)unlink(path); /* of the one before; bind() says what stands in the way */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) || chmod(path, 0600) ||
	    listen(fd, SOMAXCONN))
		return why_set(why, -errno, "--agents=unix:%s", path);
	return take_fd(&fd);
}

/* Without TLS whoever reaches it is believed. */
static bool stays_here(const char *address)
{
	return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]:", 6);
}

static int open_listener(struct nodes_remote *r, const struct nodes_options *o, struct why *why)
{
	const struct tls_files *f = &o->tls;
	bool is_unix = !strncmp(o->agents, UNIX_PREFIX, strlen(UNIX_PREFIX));

	if (!is_unix && !o->insecure) {
		int rc = tls_keys_new(f, &r->keys, why);

		if (rc)
			return rc;
	} else if (f->ca || f->certificate || f->key) {
		return why_set(why, -EINVAL,
			       "--ca, --certificate and --key are for TLS, which "
			       "neither --insecure nor unix: has");
	} else if (!is_unix && !stays_here(o->agents)) {
		return why_set(why, -EINVAL,
			       "--insecure: %s is not an address of this machine's own (127.*, "
			       "[::1])",
			       o->agents);
	}
	return is_unix ? listen_unix(o->agents + strlen(UNIX_PREFIX), why)
		       : tcp_listen("agents", o->agents, why);
}

int remote_new(struct agents *a, const struct nodes_options *o, struct nodes_remote **ret,
	       struct why *why)
{
	struct nodes_remote *r = calloc(1, sizeof(*r));
	char address[96];
	int rc;

	if (!r)
		return -ENOMEM;
	r->agents = a;
	LIST_INIT(&r->conns);
	r->links.fd = -1;
	r->fd = open_listener(r, o, why);
	rc = r->fd;
	if (rc >= 0)
		rc = link_set_open(&r->links, a->event);
	if (rc >= 0)
		rc = sd_event_add_io(a->event, &r->listener, r->fd, EPOLLIN, acceptable, r);
	if (rc >= 0)
		rc = sd_event_add_time_relative(a->event, &r->sweep, CLOCK_MONOTONIC,
						(uint64_t)SWEEP_MS * 1000, 0, sweep, r);
	if (rc < 0) {
		remote_free(r);
		return rc;
	}
	log_info("waits for nodes at %s", strncmp(o->agents, UNIX_PREFIX, strlen(UNIX_PREFIX))
						  ? http_address(r->fd, address, sizeof(address))
						  : o->agents);
	*ret = r;
	return 0;
}

struct nodes_remote *remote_free(struct nodes_remote *r)
{
	struct conn *c;

	if (!r)
		return NULL;
	while ((c = LIST_FIRST(&r->conns))) {
		c->node.up = false; /* nobody is told any more */
		conn_free(c);
	}
	link_set_close(&r->links);
	sd_event_source_disable_unref(r->listener);
	sd_event_source_disable_unref(r->sweep);
	r->keys = tls_keys_free(r->keys);
	close_fd(&r->fd);
	free(r);
	return NULL;
}
