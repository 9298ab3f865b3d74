/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates of what comes in, for bpf/net_quota.h. Question: whom does this connection send to?
 *
 * A rate of packets that come in can drop, which tells TCP too late and too much where the way is
 * short. Where the sender is a task of this agent too, its socket can be paced as for a rate of its
 * own: the receiving end writes itself down under its addresses when it is established, and the
 * sending end finds it there, at once or at its first round trip, by which time both are.
 *
 * Misses: senders that are no task of this agent, and connections whose two ends know other
 * addresses of each other, such as through a published port: those meet drops and marks only.
 */
#ifndef DCOS_NET_PEERS_H
#define DCOS_NET_PEERS_H

#include "bpf/meter_maps.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define PEERS_MAX  16384 /* connections */
#define INET	   2 /* AF_INET: not in the kernel's BTF */
#define V4_MAPPED  0xffff0000 /* the third word of ::ffff:0:0/96, as a packet has it */
#define V4_LOOP	   127
#define LAST_BYTE1 0x01000000 /* the last word of ::1, as a packet has it */

/* One end of a connection as it sees it; IPv4 as IPv6 maps it. */
struct peer_key {
	__u32 local[4], remote[4]; /* as packets have them */
	__u32 local_port, remote_port;
	__u64 net; /* of a loopback address, which each namespace has; 0 for all others */
};

struct peer {
	__u32 slot, pad;
	__u64 owner;
};

/* receiving end with a rate -> its slot. BPF only, pinned with the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PEERS_MAX);
	__type(key, struct peer_key);
	__type(value, struct peer);
} peers SEC(".maps");

static __always_inline bool is_loopback(const __u32 *a)
{
	if (a[2] == V4_MAPPED)
		return (a[3] & 0xff) == V4_LOOP;
	return !a[0] && !a[1] && !a[2] && a[3] == LAST_BYTE1;
}

static __always_inline void peer_addresses(struct bpf_sock_ops *ops, __u32 *local, __u32 *remote)
{
	if (ops->family == INET) {
		local[0] = local[1] = remote[0] = remote[1] = 0;
		local[2] = remote[2] = V4_MAPPED;
		local[3] = ops->local_ip4;
		remote[3] = ops->remote_ip4;
		return;
	}
	local[0] = ops->local_ip6[0];
	local[1] = ops->local_ip6[1];
	local[2] = ops->local_ip6[2];
	local[3] = ops->local_ip6[3];
	remote[0] = ops->remote_ip6[0];
	remote[1] = ops->remote_ip6[1];
	remote[2] = ops->remote_ip6[2];
	remote[3] = ops->remote_ip6[3];
}

/* The key of the end that @ops is, or of the other one. */
static __always_inline void peer_key(struct bpf_sock_ops *ops, struct bpf_sock *sk, bool other,
				     struct peer_key *ret)
{
	__u32 here = ops->local_port, there = bpf_ntohl(ops->remote_port);
	struct tcp_sock *tp;

	peer_addresses(ops, other ? ret->remote : ret->local, other ? ret->local : ret->remote);
	ret->local_port = other ? there : here;
	ret->remote_port = other ? here : there;
	ret->net = 0;
	if (!is_loopback(ret->local))
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		ret->net = (__u64)BPF_CORE_READ((struct sock *)tp, __sk_common.skc_net.net);
}

/** peer_add - this end receives at a rate; it must be followed to its end. Return: 0 or -errno */
static __always_inline long peer_add(struct bpf_sock_ops *ops, struct bpf_sock *sk, __u32 slot,
				     __u64 owner)
{
	struct peer value = {.slot = slot, .owner = owner};
	struct peer_key key;

	peer_key(ops, sk, false, &key);
	return bpf_map_update_elem(&peers, &key, &value, BPF_ANY);
}

/** peer_remove - the end of such a connection, and of any other */
static __always_inline void peer_remove(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct peer_key key;

	peer_key(ops, sk, false, &key);
	(void)bpf_map_delete_elem(&peers, &key); /* mostly it is not there */
}

/** peer_find - who receives what this end sends; NULL nobody with a rate */
static __always_inline struct peer *peer_find(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct peer_key key;

	peer_key(ops, sk, true, &key);
	return bpf_map_lookup_elem(&peers, &key);
}

#endif
