/* SPDX-License-Identifier: Apache-2.0 */
/* Private networks: a pair of devices, and an address out of a range that the agent is given. */
#ifndef DCOS_NET_H
#define DCOS_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"

#define NET_PREFIX_MIN 8
#define NET_PREFIX_MAX 29
#define NET_POOL_SAYS  "none or an IPv4 network such as 10.88.0.0/16, of 8 to 29 bits"

#define NET_PREFIX6_MIN 16
#define NET_PREFIX6_MAX 104 /* what is left has room for each place of an IPv4 range */
#define NET_POOL6_SAYS	"none or an IPv6 network such as fd00:dc05::/64, of 16 to 104 bits"

#define NET_DNS_MAX  3 /* MAXNS of resolv.h: more are not asked */
#define NET_DNS_SAYS "none or 1 to 3 IPv4 addresses with commas, as in 192.0.2.53,192.0.2.54"

struct nl_sock;
struct isolation;
struct iso_host;
struct iso_probe;

/* Addresses of private networks; the first host is the gateway, the last address is unused. */
struct net_pool {
	uint32_t base; /* network address, in the host's byte order */
	uint32_t nr; /* addresses of the network; 0: there are no private networks */
};

/* IPv6 of private networks: a task has the place that it has in the IPv4 range. */
struct net_pool6 {
	struct in6_addr base;
	unsigned int bits; /* of the prefix; 0: there is no IPv6 */
};

#define NET_PUBLISH_MAX	 64 /* of one container */
#define NET_PUBLISH_SAYS "HOST:CONTAINER such as \"8080:80\", with \"/udp\" behind it for UDP"

/* A port of the host that leads to one of a private network. */
struct net_publish {
	uint16_t host, inside;
	bool udp;
};

/* Name servers for tasks that can't reach those of the host. */
struct net_dns {
	uint32_t addr[NET_DNS_MAX]; /* in the network's byte order */
	unsigned int nr;
};

/**
 * net_dns_parse - read a list of name servers
 * @text: "none", or addresses as in inet(3) with commas, none of them loopback
 * Return: 0 or -EINVAL, @ret untouched.
 */
int net_dns_parse(const char *text, struct net_dns *ret);

/**
 * net_resolv_conf - resolv.conf(5) for a task with a private network
 * @host: the host's own, the text of it
 * @dns: stands in for the host's name servers that are loopback or IPv6 and so not reached from
 *       there; NULL or empty: those are left out and nothing takes their place
 * @ipv6: the task has IPv6 too: those of global addresses are reached
 * @ret: malloc'd
 * Return: 0 or -ENOMEM.
 */
int net_resolv_conf(const char *host, const struct net_dns *dns, bool ipv6, char **ret);

/**
 * net_pool_parse - read a range of addresses
 * @text: "none", or as inet(3) and a prefix length, the bits behind it 0
 * Return: 0 or -EINVAL, @ret untouched.
 */
int net_pool_parse(const char *text, struct net_pool *ret);

/**
 * net_pool6_parse - read a range of IPv6 addresses
 * @text: "none", or as inet_pton(3) and a prefix length, the bits behind it 0; nothing link-local
 * Return: 0 or -EINVAL, @ret untouched.
 */
int net_pool6_parse(const char *text, struct net_pool6 *ret);

/** net_pool6_at - the address at @place, less than 2^24; 1 is the gateway's */
struct in6_addr net_pool6_at(const struct net_pool6 *pool, uint32_t place);

/**
 * net_socket_inside - connect a route socket in another network namespace
 * @sock: belongs to that namespace from then on
 * @pidfd: of a process in it
 * Return: 0 or -errno, with the sentence in @why.
 */
int net_socket_inside(struct nl_sock *sock, int pidfd, struct why *why);

/**
 * net_private_up - give a new namespace a device eth0 with an address, and a way to the host
 * @inside: a route socket that belongs to the namespace
 * @iso: its pid is a process in it, which can't end meanwhile; gets net_ipv4 and net_ipv6, or the sentence
 *
 * The host's end is called dcos-XXXXXX, the place of the address in the pool in hexadecimal: that
 * names are unique makes addresses so, and the kernel is the only list of those in use. The alias
 * of the host's end says whose it is. Both ends go when the namespace does, or when its last
 * process has ended.
 * Return: 0; -ENOSPC no address is free; or -errno.
 */
int net_private_up(struct nl_sock *inside, struct isolation *iso);

/**
 * net_private_find - the address that a container got before the agent was started again
 * @iso: gets net_ipv4 and net_ipv6, which stay 0 if the kernel has no such device any more
 * Return: 0 or -errno, with the sentence in @iso's why.
 */
int net_private_find(struct isolation *iso);

/** net_has_ipv6 - whether a container with a private network has an IPv6 address */
bool net_has_ipv6(const struct isolation *iso);

/* What the host does with packets between private networks and others. */
struct net_nat {
	int on; /* else the host's packet filter is left alone */
	int isolate; /* tasks don't reach each other */
	int forward; /* the host is made to forward if it does not */
};

/**
 * net_nat_rules - the commands of nft(8) that make the table, whatever was in it
 * @host: its net is not empty
 * @ret: malloc'd
 * Return: 0 or -ENOMEM.
 */
int net_nat_rules(const struct iso_host *host, char **ret);

/**
 * net_nft_run - commands of nft(8), all or none, in the network of the caller
 * @check: the kernel only says whether it would do them
 * Takes some milliseconds, and 5 s at most.
 * Return: 0; -ETIMEDOUT; -EINVAL nf_tables refused or is not there; other -errno.
 */
int net_nft_run(const char *commands, bool check, struct why *why);

/** net_nat_up - rules, and forwarding if that is asked for. Return: 0 or -errno */
int net_nat_up(const struct iso_host *host, struct why *why);

/**
 * net_publish_parse - read "8080:80" or "53:53/udp"
 * Return: 0 or -EINVAL, @ret untouched.
 */
int net_publish_parse(const char *text, struct net_publish *ret);

/** net_nat_probe - whether the rules can be made, and whether the host forwards */
void net_nat_probe(const struct iso_host *host, struct iso_probe *ret);

#endif
