/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates of a slot's packets, for bpf/net.bpf.c. Question: may this packet go, and how fast should a
 * TCP connection be sent, so that the sum keeps to the rate without a queue?
 *
 * Algorithm: each direction has a virtual time, at which what was let through will have gone at the
 * rate; each packet adds its length to it. What it is ahead of the clock is debt; behind the clock
 * it stays by the burst at most. While there is debt datagrams are dropped; TCP is told, as by a full
 * queue of the own host, to send less (congestion notification), and is dropped only beyond a debt
 * that a burst does not make. So that TCP hardly ever meets that, each connection has a pacing rate,
 * its share: in windows of 100 ms the connections that sent are counted, and a ceiling for all of
 * them, at least the rate divided by their number, is moved until the sum meets the rate; what
 * some do not use thus goes to the others. A new connection lowers the ceiling at once. The share
 * is handed to a socket when it is established and at each of its round trips. A rate of what comes in
 * has such shares too, handed to those senders that bpf/net_peers.h finds.
 *
 * No part of it is in user space: it holds while no agent runs. Fails open for what has no slot.
 *
 * Misses: connections that were there before the task had a rate are not paced, only
 * notified; of what comes in from elsewhere, drops and marks (ECN) are all that its sender
 * hears. Pure acknowledgements and handshakes pass up to four times the debt that data does.
 */
#ifndef DCOS_NET_QUOTA_H
#define DCOS_NET_QUOTA_H

#include "bpf/meter_maps.h"
#include "bpf/net_peers.h"

#define PASS	     1 /* of cgroup_skb programs; egress also: */
#define DROP	     0
#define DROP_NOTIFY  2
#define PASS_NOTIFY  3
#define WINDOW_NS    100000000ULL
#define PAYBACK_NS   500000000ULL /* in which a debt is to be paid back */
#define IDLE_NS	     1000000000ULL /* after which the past says nothing */
#define MARK_NS	     5000000LL /* of debt, from which on TCP is notified now and then */
#define DROP_NS	     50000000LL /* of debt, from which on TCP is dropped */
#define SMALL	     120 /* bytes of a packet that has no data worth a drop */
#define HEADERS	     52 /* bytes of IP and TCP that a packet gets which is cut off a larger one */
#define WANTED_MILLI 985ULL /* thousandths of the rate that windows aim at */
#define PAYLOAD_PCT  95ULL /* hundredths of the rate that are TCP's data then */
#define SOCKET_LEVEL 1 /* SOL_SOCKET, SO_MAX_PACING_RATE: not in the kernel's BTF */
#define MAX_PACING   47
#define TCP_LEVEL    6
#define SEGMENT	     1448ULL /* bytes of data, about */
#define IW_MAX	     10 /* segments that a connection sends before it is paced */
#define IW_MIN	     2
#define IW_PER_S     100 /* of the share: what is sent at once is at most 10 ms of it */
#define MOST_US	     20000 /* of the share that may be under way, beside two round trips */
#define MOST_MIN     4 /* segments */
#define MOST_MAX     0x7fffffff
#define UNPACED	     0xffffffffU

/* slot -> rates. User space sets them through mmap, BPF keeps the rest. Pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_netq);
} netqs SEC(".maps");

struct flow {
	__u64 tx_window_ns, rx_window_ns; /* in which it was counted last, of struct dcos_rate */
	__u64 pace; /* that the socket has */
	struct peer to; /* who receives at a rate what it sends; owner 0: nobody known */
	__u64 looked; /* for that one, after a round trip */
};

/* TCP socket of a slot with rates, or that sends to one -> its share. BPF only, pinned with the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct flow);
} flows SEC(".maps");

/* The rates of a slot, NULL if @owner has none. */
static __always_inline struct dcos_netq *netq_at(__u32 slot, __u64 owner)
{
	struct dcos_netq *q = bpf_map_lookup_elem(&netqs, &slot);

	return q && q->owner == owner ? q : NULL;
}

static __always_inline __u64 ip_bytes(const struct __sk_buff *skb)
{
	__u32 segments = skb->gso_segs;

	return segments > 1 ? skb->len + (segments - 1) * HEADERS : skb->len;
}

/* By how much the virtual time is ahead; what was not used for longer than the burst is gone. */
static __always_inline __s64 debt_of(struct dcos_rate *r, __u64 now)
{
	__u64 vt = r->vt_ns, oldest = now - r->burst_ns;

	if ((__s64)(oldest - vt) > 0) {
		(void)__sync_val_compare_and_swap(&r->vt_ns, vt, oldest);
		vt = oldest;
	}
	return (__s64)(vt - now);
}

/* The ceiling for one flow, from what the window that has just ended was like. */
static __always_inline void settle(struct dcos_rate *r, __u64 took, __u64 bytes, __u64 nr)
{
	__u64 rate = r->bytes_per_s, pace = r->ceiling ?: rate;
	__u64 least = rate * PAYLOAD_PCT / 100 / nr, seen, wanted, next;

	if (took >= IDLE_NS) {
		pace = rate;
	} else {
		seen = bytes * 1000000ULL / (took / 1000);
		wanted = rate * WANTED_MILLI / 1000;
		next = seen ? pace / 1000 * (wanted * 1000 / seen) : rate;
		if (next > pace + pace / 2) /* not all that a stall of the host took away */
			next = pace + pace / 2;
		if (next < pace / 2)
			next = pace / 2;
		pace = next;
	}
	if (pace < least)
		pace = least;
	if (pace > rate)
		pace = rate;
	r->ceiling = pace;
}

/* Pay for a packet; the packet that finds the window's end settles it. */
static __always_inline void pay(struct dcos_rate *r, __u64 rate, __u64 len, __u64 now)
{
	__u64 began = r->window_ns, took = now - began, bytes, nr, before;

	(void)__sync_fetch_and_add(&r->vt_ns, len * 1000000000ULL / rate);
	(void)__sync_fetch_and_add(&r->window_bytes, len);
	if (took < WINDOW_NS || __sync_val_compare_and_swap(&r->window_ns, began, now) != began)
		return;
	bytes = __sync_lock_test_and_set(&r->window_bytes, 0);
	nr = __sync_lock_test_and_set(&r->flows, 0);
	before = r->flows_before;
	r->flows_before = nr;
	if (nr < before) /* at small rates not all of them send in each window */
		nr = before;
	settle(r, took, bytes, nr ?: 1);
}

/* One more among those of this window, if it is not among them yet. */
static __always_inline void count_flow(struct dcos_rate *r, __u64 *window_ns)
{
	__u64 window = r->window_ns;

	if (*window_ns == window)
		return;
	*window_ns = window;
	(void)__sync_fetch_and_add(&r->flows, 1);
}

/* Room for one more, which has been counted: the ceiling comes down at once. Return: its share. */
static __always_inline __u64 make_room(struct dcos_rate *r)
{
	__u64 nr = r->flows > r->flows_before ? r->flows : r->flows_before;
	__u64 share = r->bytes_per_s * PAYLOAD_PCT / 100 / (nr ?: 1);

	if (!r->ceiling || r->ceiling > share)
		r->ceiling = share;
	return share;
}

/*
 * What one flow may send now: the ceiling, less what pays the debt back, slowly: a socket hears of
 * it only when it has sent again, and all of them together must not stall.
 */
static __always_inline __u64 share_of(struct dcos_rate *r)
{
	__u64 pace = r->ceiling ?: r->bytes_per_s;
	__s64 debt = (__s64)(r->vt_ns - bpf_ktime_get_ns());

	if (debt <= 0)
		return pace;
	if (debt > (__s64)(PAYBACK_NS / 4))
		debt = PAYBACK_NS / 4;
	return pace - pace / 1000 * ((__u64)debt / (PAYBACK_NS / 1000));
}

static __always_inline bool by_chance(__s64 debt)
{
	return bpf_get_prandom_u32() % (__u32)(DROP_NS - MARK_NS) < (__u32)(debt - MARK_NS);
}

static __always_inline int tcp_egress(struct dcos_rate *r, __u64 rate, __u64 len, __u64 now,
				      struct bpf_sock *sk, struct dcos_detail *d)
{
	__s64 debt = debt_of(r, now), most = len > SMALL ? DROP_NS : 4 * DROP_NS;
	struct flow *f;

	if (debt > most)
		return DROP_NOTIFY;
	pay(r, rate, len, now);
	if (len <= SMALL || !sk)
		return PASS;
	f = bpf_sk_storage_get(&flows, sk, 0, 0);
	if (f)
		count_flow(r, &f->tx_window_ns);
	if (debt <= MARK_NS || !by_chance(debt))
		return PASS;
	if (d)
		__sync_fetch_and_add(&d->tx_marked, 1);
	return PASS_NOTIFY;
}

/**
 * quota_egress - decide on a packet that a socket of the slot sends
 * @sk: a full socket, NULL: a TCP connection that is about to be
 * Return: PASS, PASS_NOTIFY or DROP_NOTIFY.
 */
static __always_inline int quota_egress(struct dcos_netq *q, struct __sk_buff *skb,
					struct bpf_sock *sk, struct dcos_detail *d)
{
	struct dcos_rate *r = &q->tx;
	__u64 rate = r->bytes_per_s, len = ip_bytes(skb), now = bpf_ktime_get_ns();

	if (!rate)
		return PASS;
	if (!sk || sk->protocol == IPPROTO_TCP)
		return tcp_egress(r, rate, len, now, sk, d);
	if (debt_of(r, now) > 0)
		return DROP_NOTIFY;
	pay(r, rate, len, now);
	return PASS;
}

/* Data that comes in over a connection that is followed: one of those that share the rate. */
static __always_inline void count_sender(struct dcos_rate *r, struct bpf_sock *sk)
{
	struct flow *f = bpf_sk_storage_get(&flows, sk, 0, 0);
	bool is_new = f && !f->rx_window_ns;

	if (!f)
		return;
	count_flow(r, &f->rx_window_ns);
	if (is_new)
		(void)make_room(r);
}

/**
 * quota_ingress - decide on a packet that comes in for a socket of the slot
 * Return: PASS or DROP.
 */
static __always_inline int quota_ingress(struct dcos_netq *q, struct __sk_buff *skb,
					 struct bpf_sock *sk, struct dcos_detail *d)
{
	struct dcos_rate *r = &q->rx;
	__u64 rate = r->bytes_per_s, len = ip_bytes(skb), now = bpf_ktime_get_ns();
	bool tcp = !sk || sk->protocol == IPPROTO_TCP;
	__s64 debt;

	if (!rate)
		return PASS;
	debt = debt_of(r, now);
	if (debt > (!tcp ? 0 : len > SMALL ? DROP_NS : 4 * DROP_NS))
		return DROP;
	pay(r, rate, len, now);
	if (tcp && sk && len > SMALL)
		count_sender(r, sk);
	if (tcp && debt > MARK_NS && by_chance(debt) && bpf_skb_ecn_set_ce(skb) == 1 && d)
		__sync_fetch_and_add(&d->rx_marked, 1);
	return PASS;
}

/*
 * Over a short way TCP sends up to 64 KiB at once, which at a small share is half a second's worth,
 * and sends nothing until it is over. What it may have under way keeps that to 20 ms, and lets two
 * round trips be under way where the way is long.
 */
static __always_inline void set_most(struct bpf_sock_ops *ops, __u64 pace)
{
	__u64 us = (ops->srtt_us >> 3) * 2 + MOST_US;
	__u64 segments = pace == UNPACED ? MOST_MAX : pace * us / 1000000 / SEGMENT;
	int value = segments < MOST_MIN ? MOST_MIN : segments < MOST_MAX ? (int)segments : MOST_MAX;

	(void)bpf_setsockopt(ops, TCP_LEVEL, TCP_BPF_SNDCWND_CLAMP, &value, sizeof(value));
}

static __always_inline void set_pace(struct bpf_sock_ops *ops, struct flow *f, __u64 pace)
{
	__u64 differ = pace > f->pace ? pace - f->pace : f->pace - pace;
	__u32 value = pace < UNPACED ? (__u32)pace : UNPACED;

	if (f->pace && differ <= pace / 256)
		return;
	f->pace = pace;
	(void)bpf_setsockopt(ops, SOCKET_LEVEL, MAX_PACING, &value, sizeof(value));
	set_most(ops, pace);
}

/* The netqs of slot 0, which no task has: its rate says that some slot has one of what comes in. */
static __always_inline bool any_ingress(void)
{
	__u32 none = 0;
	struct dcos_netq *q = bpf_map_lookup_elem(&netqs, &none);

	return q && q->rx.bytes_per_s;
}

static __always_inline void find_peer(struct bpf_sock_ops *ops, struct bpf_sock *sk, struct flow *f)
{
	struct peer *p = peer_find(ops, sk);

	if (p)
		f->to = *p;
}

/* The lesser of the shares that this end and the other one have for it. */
static __always_inline __u64 share_of_both(struct dcos_netq *q, struct flow *f)
{
	__u64 own = UNPACED, other = UNPACED;
	struct dcos_netq *to;

	if (q && q->tx.bytes_per_s)
		own = share_of(&q->tx);
	to = f->to.owner ? netq_at(f->to.slot, f->to.owner) : NULL;
	if (to && to->rx.bytes_per_s)
		other = share_of(&to->rx);
	return own < other ? own : other;
}

static __always_inline void set_first(struct bpf_sock_ops *ops, __u64 share)
{
	int iw;

	share = share / IW_PER_S / SEGMENT;
	iw = share < IW_MIN ? IW_MIN : (int)share;
	if (share < IW_MAX)
		(void)bpf_setsockopt(ops, TCP_LEVEL, TCP_BPF_IW, &iw, sizeof(iw));
}

/**
 * quota_begin - a connection is established: its share, from the start
 * @q: of its slot, NULL it has no rates but may send to one that has
 * Return: 0; -errno: it receives at a rate, and senders will not find it.
 */
static __always_inline long quota_begin(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					struct dcos_netq *q, __u32 slot)
{
	struct flow *f = bpf_sk_storage_get(&flows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	__u64 share;
	long r = 0;

	if (!f)
		return 0;
	if (q && q->rx.bytes_per_s)
		r = peer_add(ops, sk, slot, q->owner);
	if (q && q->tx.bytes_per_s) {
		count_flow(&q->tx, &f->tx_window_ns);
		(void)make_room(&q->tx);
	}
	if (any_ingress())
		find_peer(ops, sk, f);
	share = share_of_both(q, f);
	if (share == UNPACED)
		return r;
	set_pace(ops, f, share);
	set_first(ops, share);
	return r;
}

/**
 * quota_round_trip - a round trip of such a connection: its share of now
 * Return: whether the next one is wanted too.
 */
static __always_inline bool quota_round_trip(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					     struct dcos_netq *q)
{
	struct flow *f = bpf_sk_storage_get(&flows, sk, 0, 0);

	if (!f)
		return q;
	if (!f->looked && !f->to.owner && any_ingress())
		find_peer(ops, sk, f);
	f->looked = 1;
	if (!q && !f->to.owner)
		return false;
	set_pace(ops, f, share_of_both(q, f));
	return true;
}

#endif
