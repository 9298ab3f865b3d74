/* SPDX-License-Identifier: Apache-2.0 */
/* The home directory of a user of a container. */
#ifndef DCOS_HOME_H
#define DCOS_HOME_H

#include <stddef.h>
#include <stdint.h>

/**
 * home_find - child: the home directory that the container's /etc/passwd has for a user
 * @buf: "HOME=/", which stays if there is none; @size bytes
 *
 * The file is the container's: it is read up to a bound, and nothing but a regular file is.
 * Source: passwd(5).
 */
void home_find(uint32_t uid, char *buf, size_t size);

#endif
