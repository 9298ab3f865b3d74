// SPDX-License-Identifier: Apache-2.0
/* The range of addresses of private networks, as the configuration writes it. */
#include "isolators/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/lib/units.h"

int net_pool_parse(const char *text, struct net_pool *ret)
{
	const char *slash = strchr(text, '/');
	char addr[INET_ADDRSTRLEN];
	struct in_addr in;
	uint64_t bits = 0;
	uint32_t nr;

	if (!strcmp(text, "none")) {
		*ret = (struct net_pool){0};
		return 0;
	}
	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (inet_pton(AF_INET, addr, &in) != 1 ||
	    parse_u64(slash + 1, NET_PREFIX_MIN, NET_PREFIX_MAX, &bits) < 0)
		return -EINVAL;
	nr = UINT32_C(1) << (32 - bits);
	if (ntohl(in.s_addr) & (nr - 1))
		return -EINVAL;
	*ret = (struct net_pool){.base = ntohl(in.s_addr), .nr = nr};
	return 0;
}

int net_pool6_parse(const char *text, struct net_pool6 *ret)
{
	const char *slash = strchr(text, '/');
	struct net_pool6 pool = {0};
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits = 0;

	if (!strcmp(text, "none")) {
		*ret = pool;
		return 0;
	}
	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (inet_pton(AF_INET6, addr, &pool.base) != 1 ||
	    parse_u64(slash + 1, NET_PREFIX6_MIN, NET_PREFIX6_MAX, &bits) < 0)
		return -EINVAL;
	for (unsigned int i = (unsigned int)bits; i < 128; i++)
		if (pool.base.s6_addr[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	if (IN6_IS_ADDR_LINKLOCAL(&pool.base) || IN6_IS_ADDR_MULTICAST(&pool.base))
		return -EINVAL;
	pool.bits = (unsigned int)bits;
	*ret = pool;
	return 0;
}

struct in6_addr net_pool6_at(const struct net_pool6 *pool, uint32_t place)
{
	struct in6_addr at = pool->base;

	/* 24 bits at most, see NET_PREFIX_MIN: none of the prefix */
	for (int i = 15; place; i--, place >>= 8)
		at.s6_addr[i] |= (uint8_t)place;
	return at;
}
