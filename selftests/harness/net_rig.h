/* SPDX-License-Identifier: Apache-2.0 */
/* What tests and benchmarks of the network need: a network of their own, with loopback only. */
#ifndef DCOS_NET_RIG_H
#define DCOS_NET_RIG_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address of loopback, as the socket calls take it: &a.any, a.len. */
struct rig_addr {
	int family;
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/** rig_netns - a network namespace of this process's own, its loopback device up. Return: 0 or -errno */
int rig_netns(void);

/**
 * rig_loopback - 127.0.0.1 or ::1
 * @family: AF_INET or AF_INET6
 * @port: in the host's byte order; 0 for rig_bound() to choose
 */
struct rig_addr rig_loopback(int family, uint16_t port);

/** rig_bound - a socket that is bound to @a, which gets the port. Return: the socket or -errno */
int rig_bound(int type, struct rig_addr *a);

/** rig_listener - a TCP socket that listens on a free port of @a. Return: the socket or -errno */
int rig_listener(struct rig_addr *a, int backlog);

/** rig_connect - a TCP socket that is connected to @a. Return: the socket or -errno */
int rig_connect(const struct rig_addr *a);

/**
 * rig_lose - drop, by chance, one of so many packets that come in for the sockets of a cgroup
 * @one_in: a power of 2
 * Return: a link, which loses until it is closed, or -errno.
 */
int rig_lose(int cgroup_fd, uint32_t one_in);

#endif
