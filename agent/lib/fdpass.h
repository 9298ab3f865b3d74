/* SPDX-License-Identifier: Apache-2.0 */
/* One descriptor over a unix socket. Async-signal-safe. Source: unix(7), SCM_RIGHTS. */
#ifndef DCOS_FDPASS_H
#define DCOS_FDPASS_H

#include <stddef.h>

/**
 * fd_send - send some bytes, and a descriptor with them
 * @data: @len bytes, at least one
 * Return: 0; -EMSGSIZE not all were taken; -errno.
 */
int fd_send(int sock, const void *data, size_t len, int fd);

/**
 * fd_receive - what fd_send() has sent
 * @data: gets up to @size bytes; more are lost where messages have an end
 * @flags: of recvmsg(2), such as MSG_DONTWAIT
 * @ret_len: bytes; NULL allowed
 * Return: the descriptor, closed at execve; -EPROTO there was none, or nothing came; -errno.
 */
int fd_receive(int sock, void *data, size_t size, int flags, size_t *ret_len);

#endif
