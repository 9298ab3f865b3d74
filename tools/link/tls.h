/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 for links, by GnuTLS. Both ends show a certificate that the same authority has signed;
 * who an end is, is the common name of its certificate.
 */
#ifndef DCOS_LINK_TLS_H
#define DCOS_LINK_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/lib/why.h"
#include "tools/link/link.h"

#define TLS_NAME_MAX 256

struct tls_keys; /* an authority, a certificate and its key */

/** struct tls_files - paths of PEM files */
struct tls_files {
	const char *ca, *certificate, *key;
};

/**
 * tls_keys_new - read them
 * Return: 0; -EINVAL and others with @why, which names the file.
 */
int tls_keys_new(const struct tls_files *files, struct tls_keys **ret, struct why *why);
struct tls_keys *tls_keys_free(struct tls_keys *k);

/**
 * tls_adopt - link_adopt() over TLS
 * @keys: outlive the link
 * @server: which end this is
 * @host: the client's: the name or address that the server's certificate must be for; else NULL
 */
int tls_adopt(struct link *l, sd_event *event, int fd, const struct tls_keys *keys, bool server,
	      const char *host);

/**
 * tls_peer - who is at the other end
 * Return: 0; -ENOTCONN there is no TLS; -EBADMSG its certificate has no common name.
 */
int tls_peer(const struct link *l, char ret[static TLS_NAME_MAX]);

/** tls_trouble - why the last handshake failed, as a sentence; "" if none did */
const char *tls_trouble(const struct tls_keys *k);

#endif
