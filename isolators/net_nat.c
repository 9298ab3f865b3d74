// SPDX-License-Identifier: Apache-2.0
/*
 * What the host does with packets of private networks that are not for itself: one table "inet
 * dcos" of nf_tables, written anew, in one transaction, whenever a task with such a network starts,
 * so that it is there again if somebody has flushed it. It stays when the tasks have ended.
 * nft(8) does it, as a program: the library that it is made of is GPL-2.0-only, which this is not.
 * Source: nft(8), Documentation/networking/ip-sysctl.rst "ip_forward".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/program.h"
#include "isolators/isolator.h"
#include "isolators/net.h"

#define IP_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define RUN_MAX_MS 5000

/* Answers come in, and what the host publishes; nothing else, unless it is from a neighbour. */
int net_nat_rules(const struct net_pool *pool, const struct net_nat *nat, char **ret)
{
	struct in_addr in = {.s_addr = htonl(pool->base)};
	int bits = __builtin_clz(pool->nr) + 1;
	char net[INET_ADDRSTRLEN + 4], addr[INET_ADDRSTRLEN], neighbours[96] = "";

	(void)snprintf(net, sizeof(net), "%s/%d", inet_ntop(AF_INET, &in, addr, sizeof(addr)),
		       bits); /* fits */
	if (!nat->isolate)
		(void)snprintf(neighbours, sizeof(neighbours),
			       "add rule inet dcos forward ip saddr %s ip daddr %s accept\n", net,
			       net); /* fits */
	return asprintf(ret,
			"add table inet dcos\n"
			"add chain inet dcos forward "
			"{ type filter hook forward priority filter; policy accept; }\n"
			"add chain inet dcos postrouting "
			"{ type nat hook postrouting priority srcnat; policy accept; }\n"
			"add chain inet dcos prerouting "
			"{ type nat hook prerouting priority dstnat; policy accept; }\n"
			"add chain inet dcos output "
			"{ type nat hook output priority -100; policy accept; }\n"
			"add map inet dcos publish "
			"{ type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
			"flush chain inet dcos forward\n"
			"flush chain inet dcos postrouting\n"
			"flush chain inet dcos prerouting\n"
			"flush chain inet dcos output\n"
			"add rule inet dcos prerouting fib daddr type local "
			"dnat ip to meta l4proto . th dport map @publish\n"
			"add rule inet dcos output ip daddr != 127.0.0.0/8 fib daddr type local "
			"dnat ip to meta l4proto . th dport map @publish\n"
			"add rule inet dcos forward ip daddr %s ct state established,related "
			"accept\n"
			"add rule inet dcos forward ip daddr %s ct status dnat accept\n"
			"%s"
			"add rule inet dcos forward ip daddr %s drop\n"
			"add rule inet dcos postrouting ip saddr %s ip daddr != %s masquerade\n",
			net, net, neighbours, net, net, net) < 0
		       ? -ENOMEM
		       : 0;
}

/* What nft reads: a file without a name. Return: descriptor or -errno */
static int commands_file(const char *commands)
{
	cleanup_close int fd = memfd_create("nft", MFD_CLOEXEC);
	size_t len = strlen(commands);

	if (fd < 0)
		return -errno;
	if (write(fd, commands, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		return -EIO;
	return take_fd(&fd);
}

int net_nft_run(const char *commands, bool check, struct why *why)
{
	static char nft[] = "nft", file[] = "--file", from[] = "-", dry[] = "--check";
	char *argv[] = {nft, file, from, check ? dry : NULL, NULL};
	cleanup_close int in = commands_file(commands);

	return in < 0 ? why_set(why, in, "nft: its rules") : program_run(argv, in, RUN_MAX_MS, why);
}

static bool forwards(void)
{
	cleanup_close int fd = open(IP_FORWARD, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

static int forward(struct why *why)
{
	cleanup_close int fd = open(IP_FORWARD, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "1", 1) != 1 ? why_set(why, -errno, IP_FORWARD) : 0;
}

int net_nat_up(const struct net_pool *pool, const struct net_nat *nat, struct why *why)
{
	cleanup_free char *rules = NULL;
	int err = net_nat_rules(pool, nat, &rules);

	if (err)
		return why_set(why, err, "nf_tables");
	err = net_nft_run(rules, false, why);
	/* not before the rules: until then nothing keeps tasks apart */
	return err ? err : nat->forward && !forwards() ? forward(why) : 0;
}

void net_nat_probe(const struct iso_host *host, struct iso_probe *ret)
{
	cleanup_free char *rules = NULL;
	struct why why = {0};
	int err = 0;

	ret->name = "nat of private networks";
	if (!host->nat || !host->nat->on || !host->net || !host->net->nr) {
		ret->ok = true;
		(void)snprintf(ret->how, sizeof(ret->how), "off: nat = no in agent.conf");
		return;
	}
	err = net_nat_rules(host->net, host->nat, &rules) ?: net_nft_run(rules, true, &why);
	ret->ok = !err;
	if (err)
		(void)snprintf(ret->reason, sizeof(ret->reason), "%.150s", why.text);
	else
		(void)snprintf(ret->how, sizeof(ret->how), "nf_tables, tasks %s; ip_forward=%d%s",
			       host->nat->isolate ? "apart" : "together", forwards(),
			       forwards()	    ? ""
			       : host->nat->forward ? ", set with the first task"
						    : ": nothing beyond this host is reached");
}
