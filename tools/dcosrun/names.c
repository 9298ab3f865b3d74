// SPDX-License-Identifier: Apache-2.0
/*
 * libnl can look up names of IP protocols and hosts, which nobody here asks for. The C library's
 * own functions for that load NSS, which a static program must not: it might meet that of another
 * version. With these it is not linked in, and there are no such names.
 */
#include <netdb.h>
#include <stddef.h>

struct protoent *getprotobyname(const char *name)
{
	(void)name; /* numbers only */
	return NULL;
}

struct protoent *getprotobynumber(int proto)
{
	(void)proto; /* as above */
	return NULL;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret)
{
	(void)node; /* as above */
	(void)service;
	(void)hints;
	(void)ret;
	return EAI_FAIL;
}
