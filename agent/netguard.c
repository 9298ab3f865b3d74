// SPDX-License-Identifier: Apache-2.0
/* Guards of containers' sockets, by a map that programs in the kernel read. */
#include "agent/netguard.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"

#define MAPPED_WORDS 3 /* of ::ffff:a.b.c.d, before the address itself */

struct netguard {
	struct iso_guard iso;
	int guards_fd, slots_fd; /* the meter's */
	struct ring_buffer *ring;
	netguard_fn fn;
	void *data;
};

static int guard_set(void *ctx, uint64_t cgroup_id, const struct dcos_guard *guard)
{
	const struct netguard *g = ctx;

	return bpf_map_update_elem(g->guards_fd, &cgroup_id, guard, BPF_ANY);
}

static void guard_drop(void *ctx, uint64_t cgroup_id)
{
	const struct netguard *g = ctx;

	(void)bpf_map_delete_elem(g->guards_fd, &cgroup_id); /* it need not be there */
}

static int on_denial(void *ctx, void *data, size_t size)
{
	const struct netguard *g = ctx;

	if (size >= sizeof(struct dcos_denial))
		g->fn(g->data, data);
	return 0;
}

int netguard_open(struct meter *m, netguard_fn fn, void *data, struct netguard **ret,
		  struct why *why)
{
	int ring_fd = meter_map_fd(m, METER_GUARD, "denials");
	struct netguard *g;

	if (ring_fd < 0) {
		(void)meter_has(m, METER_GUARD, why);
		return ring_fd;
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return why_set(why, -ENOMEM, "the guard");
	g->ring = ring_buffer__new(ring_fd, on_denial, g, NULL);
	if (!g->ring) {
		free(g);
		return why_set(why, -errno, "the guard's ring buffer");
	}
	g->guards_fd = meter_map_fd(m, METER_GUARD, "guards");
	g->slots_fd = meter_iso(m)->slots_fd;
	g->fn = fn;
	g->data = data;
	g->iso = (struct iso_guard){.ctx = g, .set = guard_set, .drop = guard_drop};
	*ret = g;
	return 0;
}

void netguard_close(struct netguard *g)
{
	if (!g)
		return;
	ring_buffer__free(g->ring);
	free(g);
}

const struct iso_guard *netguard_iso(struct netguard *g)
{
	return &g->iso;
}

int netguard_fd(const struct netguard *g)
{
	return ring_buffer__epoll_fd(g->ring);
}

void netguard_read(struct netguard *g)
{
	(void)ring_buffer__consume(g->ring); /* on_denial() never fails */
}

int netguard_reclaim(struct netguard *g)
{
	cleanup_free uint64_t *keys = calloc(DCOS_SLOTS, sizeof(*keys));
	struct dcos_slot_key slot;
	int n = 0;

	if (!keys)
		return -ENOMEM;
	while (n < DCOS_SLOTS &&
	       !bpf_map_get_next_key(g->guards_fd, n ? &keys[n - 1] : NULL, &keys[n]))
		n++;
	for (int i = 0; i < n; i++)
		if (bpf_map_lookup_elem(g->slots_fd, &keys[i], &slot))
			guard_drop(g, keys[i]);
	return 0;
}

static const char *what_text(uint32_t what)
{
	return what == DCOS_DENIED_BIND ? "bind" : what == DCOS_DENIED_SEND ? "send" : "connect";
}

static const char *protocol_text(uint32_t protocol, char buf[static 16])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	}
	(void)snprintf(buf, 16, "protocol %u", protocol & 0xffff); /* fits */
	return buf;
}

/* Return: is it IPv4 */
static bool address_text(const struct dcos_denial *d, char addr[static INET6_ADDRSTRLEN])
{
	bool v4 = !d->addr[0] && !d->addr[1] && d->addr[2] == htonl(0xffff);

	addr[0] = '\0';
	if (v4) /* the buffer suffices for both */
		(void)inet_ntop(AF_INET, &d->addr[MAPPED_WORDS], addr, INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, d->addr, addr, INET6_ADDRSTRLEN);
	return v4;
}

static void comm_text(const struct dcos_denial *d, char comm[static sizeof(d->comm) + 1])
{
	memcpy(comm, d->comm, sizeof(d->comm));
	comm[sizeof(d->comm)] = '\0';
	for (char *c = comm; *c; c++)
		if (*c < ' ' || *c > '~') /* a name is the task's to choose */
			*c = '?';
}

void netguard_print(const struct dcos_denial *d, struct jsonbuf *b)
{
	char addr[INET6_ADDRSTRLEN], protocol[16], comm[sizeof(d->comm) + 1];

	(void)address_text(d, addr); /* it shows */
	comm_text(d, comm);
	jb_lit(b, "\"what\":");
	jb_text(b, what_text(d->what));
	jb_lit(b, ",\"address\":");
	jb_text(b, addr);
	jb_lit(b, ",\"port\":");
	jb_u64(b, d->port);
	jb_lit(b, ",\"protocol\":");
	jb_text(b, protocol_text(d->protocol, protocol));
	jb_lit(b, ",\"pid\":");
	jb_u64(b, d->pid);
	jb_lit(b, ",\"comm\":");
	jb_text(b, comm);
}

char *netguard_text(const struct dcos_denial *d, char buf[static NETGUARD_TEXT_MAX])
{
	char addr[INET6_ADDRSTRLEN], protocol[16], comm[sizeof(d->comm) + 1];
	bool v4 = address_text(d, addr);

	comm_text(d, comm);
	(void)snprintf(buf, NETGUARD_TEXT_MAX, "%s to %s%s%s:%u (%s) by %s, pid %u",
		       what_text(d->what), v4 ? "" : "[", addr, v4 ? "" : "]", d->port,
		       protocol_text(d->protocol, protocol), comm, d->pid); /* fits */
	return buf;
}
