// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: what does each container send and receive, and how do its TCP connections fare, in the
 * host's network and in its own alike?
 *
 * Events: cgroup_skb ingress and egress, sock_ops (attached once, at the agent's own cgroup
 * subtree, which all containers inherit), tcp_retransmit_skb (tp_btf).
 *
 * Algorithm: a packet belongs to the cgroup that its socket was made in, and so to the slot at or
 * above it; a slot is never below another. Packets are counted as the socket's side of the IP layer
 * sees them: from the IP header on, and what the stack sends as one segment to be cut further down
 * (GSO), or has put together from several (GRO), as one packet; their protocol is the socket's.
 * sock_ops tells of each connect, establishment and, because the first two ask for it, end of a TCP
 * connection; the time of the connect is kept in socket storage until it is established. Round-trip
 * times are the kernel's own smoothed ones, looked at when a packet comes in, at most once each
 * jiffy for a slot on a CPU: the callback of sock_ops for each measurement costs as much as a packet.
 *
 * A slot may have rates, which bpf/net_quota.h holds packets and TCP connections to.
 *
 * Cost: 60 ns for a packet that comes in, 120 for one that goes out; 140 for a callback of sock_ops,
 * of which a connection has some eight at each end: see Documentation/performance.rst.
 *
 * Misses: packets without a socket of the task (answers that the kernel gives by itself, such as
 * ICMP echo replies, resets, and acknowledgements in time-wait; what is forwarded; packet sockets).
 * Linux 6.1 hides the answer to a SYN over IPv6. The packet that makes an accepted connection may be
 * counted twice if two CPUs race for it. Connections that were there before the program are
 * not among the open ones, but their packets count. A socket that is handed to another task stays
 * with who made it; an accepted one is its listener's. A connect whose time can't be kept is counted
 * in drops and has no latency.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"
#include "bpf/net_quota.h"

#define SRTT_SHIFT 3 /* the kernel keeps eight times the value */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* socket that connects -> when it began, CLOCK_MONOTONIC. BPF only, pinned with the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} connects SEC(".maps");

/* slot -> when a round-trip time was last counted on this CPU, in jiffies. BPF only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} rtt_times SEC(".maps");

/* The slot of a packet's socket: nearly always its very cgroup has it. */
static __always_inline struct dcos_slot_key *slot_of(struct __sk_buff *skb, __u64 *owner)
{
	struct dcos_slot_key *key;
	__u64 id = bpf_skb_cgroup_id(skb);
	int level;

	*owner = id;
	if (!id)
		return NULL;
	key = bpf_map_lookup_elem(&slots, &id);
	for (level = 1; !key && level < LEVELS_MAX; level++) {
		id = bpf_skb_ancestor_cgroup_id(skb, level);
		if (!id)
			return NULL;
		key = bpf_map_lookup_elem(&slots, &id);
		*owner = id;
	}
	return key;
}

static __always_inline void hist_add(__u64 *hist, __u64 ns)
{
	__u64 i = bucket_of(ns);

	barrier_var(i); /* or the verifier of 6.1 does not see the bound */
	if (i < DCOS_HIST)
		__sync_fetch_and_add(&hist[i], 1);
}

static __always_inline void round_trip(struct bpf_sock *sk, __u32 slot)
{
	__u64 now = bpf_jiffies64(), *last = bpf_map_lookup_elem(&rtt_times, &slot);
	struct bpf_tcp_sock *tp;
	struct dcos_detail *d;

	if (!last || *last == now)
		return;
	tp = bpf_tcp_sock(sk);
	if (!tp || !tp->srtt_us) /* has not been measured yet */
		return;
	*last = now;
	d = detail_at(slot);
	if (d)
		hist_add(d->rtt_hist, (__u64)(tp->srtt_us >> SRTT_SHIFT) * 1000);
}

static __always_inline void not_tcp(struct dcos_detail *d, __u32 protocol, __u32 len, bool tx)
{
	if (protocol == IPPROTO_UDP) {
		__sync_fetch_and_add(tx ? &d->tx_udp_bytes : &d->rx_udp_bytes, len);
		__sync_fetch_and_add(tx ? &d->tx_udp_packets : &d->rx_udp_packets, 1);
	} else {
		__sync_fetch_and_add(tx ? &d->tx_other_bytes : &d->rx_other_bytes, len);
		__sync_fetch_and_add(tx ? &d->tx_other_packets : &d->rx_other_packets, 1);
	}
}

/* What the slot's quota says; what it drops is counted here. */
static __always_inline int judge(struct __sk_buff *skb, struct bpf_sock *sk, __u32 slot,
				 __u64 owner, struct dcos_cell *c, bool tx)
{
	struct dcos_netq *q = netq_at(slot, owner);
	int verdict;

	if (!q)
		return PASS;
	verdict = tx ? quota_egress(q, skb, sk, detail_at(slot))
		     : quota_ingress(q, skb, sk, detail_at(slot));
	if (!(verdict & PASS))
		__sync_fetch_and_add(tx ? &c->tx_dropped : &c->rx_dropped, 1);
	return verdict;
}

static __always_inline int count(struct __sk_buff *skb, bool tx)
{
	struct bpf_sock *sk = skb->sk;
	struct dcos_slot_key *key;
	struct dcos_detail *d;
	struct dcos_cell *c;
	int verdict;
	__u64 owner;

	if (!sk)
		return PASS;
	key = slot_of(skb, &owner);
	if (!key)
		return PASS;
	c = cell_at(key->slot, owner);
	if (!c)
		return PASS;
	sk = bpf_sk_fullsock(sk); /* NULL: a connection that is about to be: it is TCP */
	verdict = judge(skb, sk, key->slot, owner, c, tx);
	if (!(verdict & PASS))
		return verdict;
	__sync_fetch_and_add(tx ? &c->tx_bytes : &c->rx_bytes, skb->len);
	__sync_fetch_and_add(tx ? &c->tx_packets : &c->rx_packets, 1);
	if (!sk)
		return verdict;
	if (sk->protocol == IPPROTO_TCP) {
		if (!tx)
			round_trip(sk, key->slot);
		return verdict;
	}
	d = detail_at(key->slot);
	if (d)
		not_tcp(d, sk->protocol, skb->len, tx);
	return verdict;
}

SEC("cgroup_skb/ingress")
int net_ingress(struct __sk_buff *skb)
{
	return count(skb, false);
}

SEC("cgroup_skb/egress")
int net_egress(struct __sk_buff *skb)
{
	return count(skb, true);
}

/* The cell for a socket, by the cgroup that it was made in: nearly always that very one has it. */
static __always_inline struct dcos_cell *cell_of_sock(const struct sock *sk, __u32 *slot)
{
	struct cgroup *cg = sk->sk_cgrp_data.cgroup;
	struct dcos_slot_key *key;
	__u64 owner;
	bool own;

	if (!cg)
		return NULL;
	owner = cg->kn->id;
	key = bpf_map_lookup_elem(&slots, &owner);
	if (!key)
		owner = owner_of_cgroup(cg, &key, &own);
	if (!owner || !key)
		return NULL;
	*slot = key->slot;
	return cell_at(*slot, owner);
}

static __always_inline struct dcos_cell *cell_of_ops(struct bpf_sock *sk, __u32 *slot)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp ? cell_of_sock((struct sock *)tp, slot) : NULL;
}

/* Hear of each round trip as well, where there is a rate to keep to. */
static __always_inline void pace(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct dcos_drops *d;
	struct dcos_netq *q;
	struct dcos_cell *c;
	__u32 slot;

	c = cell_of_ops(sk, &slot);
	if (!c)
		return;
	q = netq_at(slot, c->owner);
	if (!q && !any_ingress())
		return;
	(void)bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
	if (!quota_begin(ops, sk, q, slot))
		return;
	d = lost();
	if (d)
		__sync_fetch_and_add(&d->socks_failed, 1);
}

static __always_inline void paced(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct dcos_cell *c;
	__u32 slot;

	c = cell_of_ops(sk, &slot);
	if (c && quota_round_trip(ops, sk, netq_at(slot, c->owner)))
		return;
	(void)bpf_sock_ops_cb_flags_set(ops,
					ops->bpf_sock_ops_cb_flags & ~BPF_SOCK_OPS_RTT_CB_FLAG);
	peer_remove(ops, sk);
	(void)bpf_sk_storage_delete(&flows, sk); /* it may have none */
}

/* Hear of the end; of other callbacks only who asked for them. */
static __always_inline void follow(struct bpf_sock_ops *ops, bool on)
{
	__u32 flags = ops->bpf_sock_ops_cb_flags;

	flags = on ? flags | BPF_SOCK_OPS_STATE_CB_FLAG : flags & ~BPF_SOCK_OPS_STATE_CB_FLAG;
	(void)bpf_sock_ops_cb_flags_set(ops, flags);
}

static __always_inline void connecting(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	__u64 now = bpf_ktime_get_ns(), *begin;
	struct dcos_drops *d;
	__u32 slot;

	if (!cell_of_ops(sk, &slot))
		return;
	follow(ops, true);
	begin = bpf_sk_storage_get(&connects, sk, &now, BPF_SK_STORAGE_GET_F_CREATE);
	if (begin)
		return;
	d = lost();
	if (d)
		__sync_fetch_and_add(&d->socks_failed, 1);
}

/* By connect, or accepted. */
static __always_inline void established(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	__u64 *begin = bpf_sk_storage_get(&connects, sk, 0, 0);
	struct dcos_detail *d;
	struct dcos_cell *c;
	__u32 slot;

	c = cell_of_ops(sk, &slot);
	if (c) {
		follow(ops, true);
		__sync_fetch_and_add(&c->nr_tcp_opened, 1);
		d = detail_at(slot);
		if (d && begin)
			hist_add(d->connect_hist, bpf_ktime_get_ns() - *begin);
	}
	if (begin)
		(void)bpf_sk_storage_delete(&connects, sk); /* it is there */
}

/* Once for each connection that is followed: the socket may be used again, also to listen. */
static __always_inline void closed(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	__u64 *begin = bpf_sk_storage_get(&connects, sk, 0, 0);
	bool failed = begin || ops->args[0] == BPF_TCP_SYN_SENT;
	struct dcos_cell *c;
	__u32 slot;

	follow(ops, false);
	if (bpf_sk_storage_get(&flows, sk, 0, 0))
		peer_remove(ops, sk);
	c = cell_of_ops(sk, &slot);
	if (c)
		__sync_fetch_and_add(failed ? &c->nr_tcp_failed : &c->nr_tcp_closed, 1);
	if (begin)
		(void)bpf_sk_storage_delete(&connects, sk); /* it is there */
}

SEC("sockops")
int net_socket(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;

	if (!sk)
		return PASS;
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		connecting(ops, sk);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		established(ops, sk);
		pace(ops, sk);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		paced(ops, sk);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] == BPF_TCP_CLOSE)
			closed(ops, sk);
		break;
	}
	return PASS;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(net_retransmit, const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_skb_cb *cb = (const struct tcp_skb_cb *)skb->cb;
	__u32 segments = BPF_CORE_READ(cb, tcp_gso_segs); /* 0 where it was never to be cut */
	struct dcos_cell *c;
	__u32 slot;

	c = cell_of_sock(sk, &slot);
	if (c)
		__sync_fetch_and_add(&c->nr_retransmits, segments ?: 1);
	return 0;
}
