/* SPDX-License-Identifier: Apache-2.0 */
/* Small files read whole, also those that somebody hostile may have put there. */
#ifndef DCOS_SLURP_H
#define DCOS_SLURP_H

#include <stddef.h>
#include <stdint.h>

/**
 * slurp_at - read a regular file
 * @dirfd: where @path starts; AT_FDCWD is allowed
 * @path: of the file
 * @resolve: RESOLVE_* of openat2(2); with RESOLVE_IN_ROOT no link leads out of @dirfd
 * @max: more bytes are -EFBIG
 * @ret: malloc'd, with a NUL behind the last byte
 * @ret_len: bytes without that NUL; may be NULL
 *
 * The file is looked at (O_PATH) before it is opened: nothing else than a regular file is ever
 * opened, so that a FIFO can't block and a device can't react. Needs /proc.
 * Return: 0; -EISDIR; -EINVAL neither regular file nor directory; -EFBIG; other -errno.
 */
int slurp_at(int dirfd, const char *path, uint64_t resolve, size_t max, char **ret,
	     size_t *ret_len);

#endif
