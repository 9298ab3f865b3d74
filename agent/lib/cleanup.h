/* SPDX-License-Identifier: Apache-2.0 */
/* Resources that free themselves at the end of their scope. */
#ifndef DCOS_CLEANUP_H
#define DCOS_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/**
 * close_fd - close a descriptor and forget it
 * @fd: pointer to the descriptor; a negative one is left alone. Set to -1. errno is kept.
 */
static inline void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* nothing can be done about a failing close */
	*fd = -1;
	errno = saved;
}

static inline void free_ptr_(void *p)
{
	free(*(void **)p);
}

static inline void close_file_(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* only for files that were read */
}

static inline void close_dir_(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* nothing was written */
}

#define cleanup_close	 __attribute__((cleanup(close_fd)))
#define cleanup_free	 __attribute__((cleanup(free_ptr_)))
#define cleanup_fclose	 __attribute__((cleanup(close_file_)))
#define cleanup_closedir __attribute__((cleanup(close_dir_)))

/**
 * take_fd - give a descriptor away
 * @fd: pointer to the descriptor; set to -1
 * Return: what @fd held.
 */
static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* take_ptr - give a pointer away: evaluates to it and leaves NULL behind */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *pp_ = &(p);                                                         \
		__typeof__(p) v_ = *pp_;                                                           \
		*pp_ = NULL;                                                                       \
		v_;                                                                                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
