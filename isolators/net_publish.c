// SPDX-License-Identifier: Apache-2.0
/*
 * Published ports: elements of the map "publish" of the table that isolators/net_nat.c makes. The
 * map is the list of those that are taken: nobody else can add a port before the container that
 * has it is cleaned up, also when that is done by another agent than the one that started it.
 * Source: nft(8), "MAPS" and "NAT STATEMENTS".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "isolators/net.h"
#include "isolators/rows.h"

#define PORT_MAX 65535
#define TEXT_MAX 32 /* bytes of "65535:65535/tcp", and some */
#define ADDED	 ((void *)1) /* priv: the elements are ours */

int net_publish_parse(const char *text, struct net_publish *ret)
{
	char copy[TEXT_MAX], *inside, *protocol;
	uint64_t host, port;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	protocol = strchr(copy, '/');
	if (protocol)
		*protocol++ = '\0';
	inside = strchr(copy, ':');
	if (!inside)
		return -EINVAL;
	*inside++ = '\0';
	if (parse_u64(copy, 1, PORT_MAX, &host) < 0 || parse_u64(inside, 1, PORT_MAX, &port) < 0)
		return -EINVAL;
	if (protocol && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)
		return -EINVAL;
	*ret = (struct net_publish){(uint16_t)host, (uint16_t)port,
				    protocol && !strcmp(protocol, "udp")};
	return 0;
}

static const char *protocol_of(const struct net_publish *p)
{
	return p->udp ? "udp" : "tcp";
}

/* Errors are seen when @f is closed. */
static void element(FILE *f, const char *verb, const char *map, const struct net_publish *p,
		    const char *addr)
{
	(void)fprintf(f, "%s element inet dcos %s { %s . %u", verb, map, protocol_of(p), p->host);
	if (addr)
		(void)fprintf(f, " : %s . %u", addr, p->inside);
	(void)fputs(" }\n", f);
}

/* "add", with where they lead to, or "delete". Return: malloc'd, NULL: out of memory */
static char *commands(const struct isolation *iso, const char *verb, bool target)
{
	struct in_addr in = {.s_addr = htonl(iso->net_ipv4)};
	char addr[INET_ADDRSTRLEN], addr6[INET6_ADDRSTRLEN], *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	(void)inet_ntop(AF_INET, &in, addr, sizeof(addr)); /* fit */
	(void)inet_ntop(AF_INET6, &iso->net_ipv6, addr6, sizeof(addr6));
	for (size_t i = 0; i < iso->spec->publish_nr; i++) {
		const struct net_publish *p = &iso->spec->publish[i];

		element(f, verb, "publish", p, target ? addr : NULL);
		if (net_has_ipv6(iso))
			element(f, verb, "publish6", p, target ? addr6 : NULL);
	}
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

/* What the host itself listens at would be out of reach from then on. */
static int check_free(struct isolation *iso, const struct net_publish *p)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(p->host)};
	cleanup_close int fd =
		socket(AF_INET, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) && errno == EADDRINUSE)
		return iso_fail(iso, -EADDRINUSE, "publish: %u/%s of the host", p->host,
				protocol_of(p));
	return 0;
}

static int publish_prepare(struct isolation *iso)
{
	const struct iso_host *host = iso->host;

	if (!iso->spec->publish_nr)
		return 0;
	if (!iso->spec->net_private)
		return iso_fail(iso, -EINVAL, "publish: needs the network \"private\"");
	if (!host->nat || !host->nat->on)
		return iso_fail(iso, -EOPNOTSUPP, "publish: agent.conf has [network] nat = no");
	for (size_t i = 0; i < iso->spec->publish_nr; i++) {
		int err = check_free(iso, &iso->spec->publish[i]);

		if (err)
			return err;
	}
	return 0;
}

static int add(struct isolation *iso, struct why *why)
{
	cleanup_free char *text = commands(iso, "add", true);

	return text ? net_nft_run(text, false, why) : why_set(why, -ENOMEM, "publish");
}

static int publish_attach(struct isolation *iso)
{
	struct why why = {0};
	int err;

	if (!iso->spec->publish_nr)
		return 0;
	err = add(iso, &why);
	if (err)
		return iso_fail(iso, err, "publish: a port that another container has, or: %s",
				why.text);
	iso->priv[iso_index(&publish_isolator)] = ADDED;
	return 0;
}

/* They are in the kernel, but somebody may have flushed the table. */
static int publish_recover(struct isolation *iso)
{
	struct why why = {0};

	if (!iso->spec->publish_nr)
		return 0;
	iso->priv[iso_index(&publish_isolator)] = ADDED;
	if (iso->net_ipv4 && add(iso, &why))
		iso_warn(iso, "publish: the ports are not published: %s", why.text);
	return 0;
}

static void publish_cleanup(struct isolation *iso)
{
	cleanup_free char *text = NULL;
	struct why why = {0};

	if (iso->priv[iso_index(&publish_isolator)] != ADDED)
		return;
	iso->priv[iso_index(&publish_isolator)] = NULL;
	text = commands(iso, "delete", false);
	if (text)
		(void)net_nft_run(text, false, &why); /* fails if somebody has flushed them */
}

const struct isolator publish_isolator = {
	.name = "publish",
	.prepare = publish_prepare,
	.attach = publish_attach,
	.recover = publish_recover,
	.cleanup = publish_cleanup,
};
