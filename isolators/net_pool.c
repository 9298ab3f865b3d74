// SPDX-License-Identifier: Apache-2.0
/* The range of addresses of private networks, as the configuration writes it. */
#include "isolators/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/lib/units.h"

/* An address and a prefix length of @min to @max bits. @addr has room for one of @family. */
static int network(const char *text, int family, uint64_t min, uint64_t max, void *addr,
		   unsigned int *ret_bits)
{
	const char *slash = strchr(text, '/');
	char copy[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, (size_t)(slash - text));
	copy[slash - text] = '\0';
	if (inet_pton(family, copy, addr) != 1 || parse_u64(slash + 1, min, max, &bits) < 0)
		return -EINVAL;
	*ret_bits = (unsigned int)bits;
	return 0;
}

int net_pool_parse(const char *text, struct net_pool *ret)
{
	struct in_addr in;
	unsigned int bits;
	uint32_t nr;

	if (!strcmp(text, "none")) {
		*ret = (struct net_pool){0};
		return 0;
	}
	if (network(text, AF_INET, NET_PREFIX_MIN, NET_PREFIX_MAX, &in, &bits))
		return -EINVAL;
	nr = UINT32_C(1) << (32 - bits);
	if (ntohl(in.s_addr) & (nr - 1))
		return -EINVAL;
	*ret = (struct net_pool){.base = ntohl(in.s_addr), .nr = nr};
	return 0;
}

int net_pool6_parse(const char *text, struct net_pool6 *ret)
{
	struct net_pool6 pool = {0};

	if (!strcmp(text, "none")) {
		*ret = pool;
		return 0;
	}
	if (network(text, AF_INET6, NET_PREFIX6_MIN, NET_PREFIX6_MAX, &pool.base, &pool.bits))
		return -EINVAL;
	for (unsigned int i = pool.bits; i < 128; i++)
		if (pool.base.s6_addr[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	if (IN6_IS_ADDR_LINKLOCAL(&pool.base) || IN6_IS_ADDR_MULTICAST(&pool.base))
		return -EINVAL;
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
