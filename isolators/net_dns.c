// SPDX-License-Identifier: Apache-2.0
/* Name servers of private networks: the configured ones, and resolv.conf(5) made with them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isolators/net.h"

#define NAMESERVER "nameserver"
#define BLANKS	   " \t"

static bool is_loopback(struct in_addr in)
{
	return ntohl(in.s_addr) >> 24 == 127 || in.s_addr == INADDR_ANY;
}

int net_dns_parse(const char *text, struct net_dns *ret)
{
	struct net_dns dns = {0};

	for (const char *p = strcmp(text, "none") ? text : NULL; p;) {
		size_t len = strcspn(p, ",");
		char addr[INET_ADDRSTRLEN];
		struct in_addr in;

		if (len >= sizeof(addr) || dns.nr == NET_DNS_MAX)
			return -EINVAL;
		memcpy(addr, p, len);
		addr[len] = '\0';
		if (inet_pton(AF_INET, addr, &in) != 1 || is_loopback(in))
			return -EINVAL;
		dns.addr[dns.nr++] = in.s_addr;
		p = p[len] ? p + len + 1 : NULL;
	}
	*ret = dns;
	return 0;
}

/* Whether a line, which need not end in a NUL, names a server that can't be reached. */
static bool is_beyond(const char *line, size_t len, bool ipv6)
{
	size_t word = strlen(NAMESERVER), n = 0;
	char addr[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	if (len <= word || strncmp(line, NAMESERVER, word) || !strchr(BLANKS, line[word]))
		return false;
	while (word < len && strchr(BLANKS, line[word]))
		word++;
	while (word < len && n < sizeof(addr) - 1 && !isspace((unsigned char)line[word]))
		addr[n++] = line[word++];
	addr[n] = '\0';
	if (ipv6 && inet_pton(AF_INET6, addr, &in6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_LINKLOCAL(&in6);
	return inet_pton(AF_INET, addr, &in) != 1 || is_loopback(in);
}

static void put_dns(FILE *out, const struct net_dns *dns)
{
	char addr[INET_ADDRSTRLEN];

	/* errors are seen at fclose() */
	for (unsigned int i = 0; dns && i < dns->nr; i++)
		(void)fprintf(out, NAMESERVER " %s\n",
			      inet_ntop(AF_INET, &dns->addr[i], addr, sizeof(addr)));
}

int net_resolv_conf(const char *host, const struct net_dns *dns, bool ipv6, char **ret)
{
	bool named = false, replaced = false;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	while (*host) {
		size_t len = strcspn(host, "\n");

		if (!is_beyond(host, len, ipv6)) {
			(void)fprintf(out, "%.*s\n", (int)len, host); /* seen at fclose() */
			named |= !strncmp(host, NAMESERVER, strlen(NAMESERVER));
		} else if (!replaced) {
			put_dns(out, dns);
			replaced = true;
		}
		host += len + (host[len] == '\n');
	}
	if (!named && !replaced)
		put_dns(out, dns);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
