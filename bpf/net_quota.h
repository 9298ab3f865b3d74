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
 * is handed to a socket when it is established and at each of its round trips.
 *
 * No part of it is in user space: it holds while no agent runs. Fails open for what has no slot.
 *
 * Misses: connections that were there before the task had a rate are not paced, only
 * notified; a rate that comes in has no one to pace but by drops and marks (ECN). Pure
 * acknowledgements and handshakes pass up to four times the debt that data does.
 */
#ifndef DCOS_NET_QUOTA_H
#define DCOS_NET_QUOTA_H

#include "bpf/meter_maps.h"

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
	__u64 window_ns; /* in which it was counted last, of struct dcos_rate */
	__u64 pace; /* that the socket has */
};

/* TCP socket of a slot with rates -> its share. BPF only, pinned with the programs. */
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

/* Its place among those of this window. Return: whether it is new there. */
static __always_inline bool is_first(struct dcos_rate *r, struct flow *f)
{
	__u64 window = r->window_ns;

	if (f->window_ns == window)
		return false;
	f->window_ns = window;
	(void)__sync_fetch_and_add(&r->flows, 1);
	return true;
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
		(void)is_first(r, f);
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

/** quota_begin - a connection of a slot with rates is established: its share, from the start */
static __always_inline void quota_begin(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					struct dcos_netq *q)
{
	struct dcos_rate *r = &q->tx;
	__u64 nr, share;
	struct flow *f;
	int iw;

	f = bpf_sk_storage_get(&flows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!f || !r->bytes_per_s)
		return;
	(void)is_first(r, f);
	nr = r->flows > r->flows_before ? r->flows : r->flows_before;
	share = r->bytes_per_s * PAYLOAD_PCT / 100 / (nr ?: 1);
	if (!r->ceiling || r->ceiling > share)
		r->ceiling = share;
	share = share_of(r);
	set_pace(ops, f, share);
	share = share / IW_PER_S / SEGMENT;
	iw = share < IW_MIN ? IW_MIN : (int)share;
	if (share < IW_MAX)
		(void)bpf_setsockopt(ops, TCP_LEVEL, TCP_BPF_IW, &iw, sizeof(iw));
}

/** quota_round_trip - a round trip of such a connection: its share of now */
static __always_inline void quota_round_trip(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					     struct dcos_netq *q)
{
	struct flow *f = bpf_sk_storage_get(&flows, sk, 0, 0);

	if (f)
		set_pace(ops, f, q->tx.bytes_per_s ? share_of(&q->tx) : UNPACED);
}

#endif
