// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: may this task bind that port, or talk to that address?
 *
 * Events: cgroup/bind4,6, connect4,6 and sendmsg4,6, attached once, at the agent's own cgroup
 * subtree: before the kernel does what is asked for.
 *
 * Algorithm: the calling thread belongs to the slot at or above its cgroup, whose guard, if it has
 * one, lists the ports that may be bound and the networks and ports that may be talked to. What is
 * not listed is refused with EPERM at once, counted in the slot, and told to user space with
 * address and process, DCOS_DENIALS times a second at most. An IPv4 address is looked at as the IPv6
 * one that stands for it, so that a socket of IPv6 gets no further than one of IPv4.
 *
 * Decides closed for a task that has a guard; what has none, and what is no task, passes.
 *
 * Cost: paid at bind, connect and by a datagram with an address of its own, not by other packets.
 *
 * Misses: raw and packet sockets, which need CAP_NET_RAW; port 0, where the kernel chooses one that is
 * free, and listening without a bind, which is the same; sockets that were made outside all tasks and
 * handed in; connections that others make to the task.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/meter_maps.h"

#define PASS	   1
#define DENY	   0
#define MAPPED	   bpf_htonl(0xffff) /* third word of ::ffff:0:0/96 */
#define WINDOW_NS  1000000000ULL /* in which DCOS_DENIALS are told */
#define COMM_BYTES 16

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* cgroup id -> what its sockets may do. User space writes whole values; BPF reads. Pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u64);
	__type(value, struct dcos_guard);
} guards SEC(".maps");

/* denials, to user space */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} denials SEC(".maps");

struct window {
	__u64 began_ns;
	__u64 told;
};

/* slot -> how many denials were told in this second. BPF only; a race tells one more or less. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct window);
} windows SEC(".maps");

struct asked {
	__u32 addr[4];
	__u32 port;
	__u32 protocol;
	__u32 bit; /* DCOS_PROTO_* */
	bool is_v4;
};

static __always_inline void ask(struct bpf_sock_addr *ctx, struct asked *a, bool v6)
{
	if (v6) {
		a->addr[0] = ctx->user_ip6[0];
		a->addr[1] = ctx->user_ip6[1];
		a->addr[2] = ctx->user_ip6[2];
		a->addr[3] = ctx->user_ip6[3];
	} else {
		a->addr[0] = a->addr[1] = 0;
		a->addr[2] = MAPPED;
		a->addr[3] = ctx->user_ip4;
	}
	a->is_v4 = !a->addr[0] && !a->addr[1] && a->addr[2] == MAPPED;
	a->port = bpf_ntohs((__u16)ctx->user_port);
	a->protocol = ctx->protocol;
	a->bit = a->protocol == IPPROTO_TCP || a->protocol == IPPROTO_MPTCP ? DCOS_PROTO_TCP
		 : a->protocol == IPPROTO_UDP				    ? DCOS_PROTO_UDP
									    : DCOS_PROTO_OTHER;
}

static __always_inline bool in_ports(const struct dcos_ports *p, const struct asked *a)
{
	return (p->protocols & a->bit) && p->low <= a->port && a->port <= p->high;
}

static __always_inline bool may_bind(const struct dcos_guard *g, const struct asked *a)
{
	__u32 i;

	if (!(g->flags & DCOS_GUARD_BIND) || !a->port)
		return true;
	for (i = 0; i < DCOS_GUARD_PORTS_MAX && i < g->ports_nr; i++) {
		if (in_ports(&g->ports[i], a))
			return true;
	}
	return false;
}

static __always_inline bool is_peer(const struct dcos_peer *p, const struct asked *a)
{
	__u32 differ = ((a->addr[0] & p->mask[0]) ^ p->addr[0]) |
		       ((a->addr[1] & p->mask[1]) ^ p->addr[1]) |
		       ((a->addr[2] & p->mask[2]) ^ p->addr[2]) |
		       ((a->addr[3] & p->mask[3]) ^ p->addr[3]);

	if ((p->ports.protocols & DCOS_PEER_V6) && a->is_v4)
		return false;
	return !differ && in_ports(&p->ports, a);
}

static __always_inline bool may_talk(const struct dcos_guard *g, const struct asked *a)
{
	__u32 i;

	if (!(g->flags & DCOS_GUARD_CONNECT))
		return true;
	for (i = 0; i < DCOS_GUARD_PEERS_MAX && i < g->peers_nr; i++) {
		if (is_peer(&g->peers[i], a))
			return true;
	}
	return false;
}

static __always_inline bool is_told(__u32 slot, __u64 now)
{
	struct window *w = bpf_map_lookup_elem(&windows, &slot);

	if (!w)
		return false;
	if (now - w->began_ns >= WINDOW_NS) {
		w->began_ns = now;
		w->told = 0;
	}
	return __sync_fetch_and_add(&w->told, 1) < DCOS_DENIALS;
}

static __always_inline void tell(__u32 slot, __u64 owner, const struct asked *a, __u32 what)
{
	__u64 now = bpf_ktime_get_ns();
	struct dcos_denial *e;
	struct dcos_drops *d;

	if (!is_told(slot, now))
		return;
	e = bpf_ringbuf_reserve(&denials, sizeof(*e), 0);
	if (!e) {
		d = lost();
		if (d)
			__sync_fetch_and_add(&d->denials_untold, 1);
		return;
	}
	e->owner = owner;
	e->time_ns = now;
	e->addr[0] = a->addr[0];
	e->addr[1] = a->addr[1];
	e->addr[2] = a->addr[2];
	e->addr[3] = a->addr[3];
	e->what = what;
	e->protocol = a->protocol;
	e->port = a->port;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	(void)bpf_get_current_comm(e->comm, COMM_BYTES); /* fits */
	bpf_ringbuf_submit(e, 0);
}

static __always_inline int decide(struct bpf_sock_addr *ctx, bool v6, __u32 what)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct dcos_slot_key *key = NULL;
	struct dcos_guard *g;
	struct dcos_cell *c;
	struct asked a;
	__u64 owner;
	__u32 slot;
	bool own;

	owner = owner_of_cgroup(p->cgroups->dfl_cgrp, &key, &own);
	if (!owner || !key)
		return PASS;
	g = bpf_map_lookup_elem(&guards, &owner);
	if (!g)
		return PASS;
	ask(ctx, &a, v6);
	if (what == DCOS_DENIED_BIND ? may_bind(g, &a) : may_talk(g, &a))
		return PASS;
	slot = key->slot;
	c = cell_at(slot, owner);
	if (c)
		__sync_fetch_and_add(what == DCOS_DENIED_BIND ? &c->nr_bind_denied
							      : &c->nr_connect_denied,
				     1);
	tell(slot, owner, &a, what);
	return DENY;
}

SEC("cgroup/bind4")
int guard_bind4(struct bpf_sock_addr *ctx)
{
	return decide(ctx, false, DCOS_DENIED_BIND);
}

SEC("cgroup/bind6")
int guard_bind6(struct bpf_sock_addr *ctx)
{
	return decide(ctx, true, DCOS_DENIED_BIND);
}

SEC("cgroup/connect4")
int guard_connect4(struct bpf_sock_addr *ctx)
{
	return decide(ctx, false, DCOS_DENIED_CONNECT);
}

SEC("cgroup/connect6")
int guard_connect6(struct bpf_sock_addr *ctx)
{
	return decide(ctx, true, DCOS_DENIED_CONNECT);
}

SEC("cgroup/sendmsg4")
int guard_sendmsg4(struct bpf_sock_addr *ctx)
{
	return decide(ctx, false, DCOS_DENIED_SEND);
}

SEC("cgroup/sendmsg6")
int guard_sendmsg6(struct bpf_sock_addr *ctx)
{
	return decide(ctx, true, DCOS_DENIED_SEND);
}
