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

#define IP_FORWARD  "/proc/sys/net/ipv4/ip_forward"
#define IP6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"
#define RUN_MAX_MS  5000

/* What both have: chains, emptied. */
static const char table[] = "add table inet dcos\n"
			    "add chain inet dcos forward "
			    "{ type filter hook forward priority filter; policy accept; }\n"
			    "add chain inet dcos postrouting "
			    "{ type nat hook postrouting priority srcnat; policy accept; }\n"
			    "add chain inet dcos prerouting "
			    "{ type nat hook prerouting priority dstnat; policy accept; }\n"
			    "add chain inet dcos output "
			    "{ type nat hook output priority -100; policy accept; }\n"
			    "add chain inet dcos sources "
			    "{ type filter hook prerouting priority raw; policy accept; }\n"
			    "add map inet dcos publish "
			    "{ type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
			    "add map inet dcos publish6 "
			    "{ type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
			    "flush chain inet dcos forward\n"
			    "flush chain inet dcos postrouting\n"
			    "flush chain inet dcos prerouting\n"
			    "flush chain inet dcos output\n"
			    "flush chain inet dcos sources\n";

/* For IPv4 rp_filter does it: isolators/net_private.c */
static const char sources6[] = "add rule inet dcos sources iifname \"dcos-*\" "
			       "meta nfproto ipv6 ip6 saddr != fe80::/10 "
			       "fib saddr . iif oif missing drop\n";

/*
 * Of "ip" or "ip6": answers come in, and what the host publishes; nothing else, unless it is from
 * a neighbour. Errors are seen when @f is closed.
 */
static void family_rules(FILE *f, const char *ip, const char *net, const char *loopback,
			 bool isolate)
{
	const char *six = ip[2] ? "6" : "";

	(void)fprintf(f,
		      "add rule inet dcos prerouting meta nfproto ipv%s fib daddr type local "
		      "dnat %s to meta l4proto . th dport map @publish%s\n"
		      "add rule inet dcos output %s daddr != %s fib daddr type local "
		      "dnat %s to meta l4proto . th dport map @publish%s\n",
		      *six ? six : "4", ip, six, ip, loopback, ip, six);
	(void)fprintf(f,
		      "add rule inet dcos forward %s daddr %s ct state established,related accept\n"
		      "add rule inet dcos forward %s daddr %s ct status dnat accept\n",
		      ip, net, ip, net);
	if (!isolate)
		(void)fprintf(f, "add rule inet dcos forward %s saddr %s %s daddr %s accept\n", ip,
			      net, ip, net);
	(void)fprintf(f,
		      "add rule inet dcos forward %s daddr %s drop\n"
		      "add rule inet dcos postrouting %s saddr %s %s daddr != %s masquerade\n",
		      ip, net, ip, net, ip, net);
}

static void rules(FILE *f, const struct iso_host *host)
{
	struct in_addr in = {.s_addr = htonl(host->net->base)};
	char addr[INET6_ADDRSTRLEN], net[INET6_ADDRSTRLEN + 4];

	(void)fputs(table, f); /* errors are seen when @f is closed */
	(void)snprintf(net, sizeof(net), "%s/%d", inet_ntop(AF_INET, &in, addr, sizeof(addr)),
		       __builtin_clz(host->net->nr) + 1); /* fits, as below */
	family_rules(f, "ip", net, "127.0.0.0/8", host->nat->isolate);
	if (!host->net6 || !host->net6->bits)
		return;
	(void)snprintf(net, sizeof(net), "%s/%u",
		       inet_ntop(AF_INET6, &host->net6->base, addr, sizeof(addr)),
		       host->net6->bits);
	(void)fputs(sources6, f); /* likewise */
	family_rules(f, "ip6", net, "::1", host->nat->isolate);
}

int net_nat_rules(const struct iso_host *host, char **ret)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	rules(f, host);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
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

static bool forwards(const char *knob)
{
	cleanup_close int fd = open(knob, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

static int forward(const char *knob, struct why *why)
{
	if (forwards(knob))
		return 0;
	cleanup_close int fd = open(knob, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "1", 1) != 1 ? why_set(why, -errno, "%s", knob) : 0;
}

static bool wants_ipv6(const struct iso_host *host)
{
	return host->net6 && host->net6->bits && !access(IP6_FORWARD, F_OK);
}

int net_nat_up(const struct iso_host *host, struct why *why)
{
	cleanup_free char *text = NULL;
	int err = net_nat_rules(host, &text);

	if (err)
		return why_set(why, err, "nf_tables");
	err = net_nft_run(text, false, why);
	/* not before the rules: until then nothing keeps tasks apart */
	if (!err && host->nat->forward)
		err = forward(IP_FORWARD, why);
	if (!err && host->nat->forward && wants_ipv6(host))
		err = forward(IP6_FORWARD, why);
	return err;
}

void net_nat_probe(const struct iso_host *host, struct iso_probe *ret)
{
	cleanup_free char *text = NULL;
	struct why why = {0};
	bool on = forwards(IP_FORWARD);
	int err = 0;

	ret->name = "nat of private networks";
	if (!host->nat || !host->nat->on || !host->net || !host->net->nr) {
		ret->ok = true;
		(void)snprintf(ret->how, sizeof(ret->how), "off: nat = no in agent.conf");
		return;
	}
	err = net_nat_rules(host, &text) ?: net_nft_run(text, true, &why);
	ret->ok = !err;
	if (err)
		(void)snprintf(ret->reason, sizeof(ret->reason), "%.150s", why.text);
	else
		(void)snprintf(ret->how, sizeof(ret->how), "nf_tables, tasks %s; ip_forward=%d%s%s",
			       host->nat->isolate ? "apart" : "together", on,
			       on		    ? ""
			       : host->nat->forward ? ", set with the first task"
						    : ": nothing beyond this host is reached",
			       wants_ipv6(host) ? forwards(IP6_FORWARD) ? "; IPv6 forwards too"
									: "; IPv6 does not forward"
						: "");
}
