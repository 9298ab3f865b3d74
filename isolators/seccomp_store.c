// SPDX-License-Identifier: Apache-2.0
/*
 * Compiled filters in a directory, for a program that lives as long as one container: to read one
 * is a hundredth of what it takes to compile it. A file is found by a hash of the profile and has
 * the profile itself, the capabilities and the versions of what compiled it, all of which must be
 * the same. The directory is as trusted as the program: who can write there can run containers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp_profile.h"

#define MAGIC	  "dcosflt1"
#define NAME_MAX_ 32

/* All that must be the same, and what follows: the profile's text, then the instructions. */
struct header {
	char magic[8];
	char version[32]; /* of this program */
	uint32_t library[3]; /* of libseccomp */
	uint32_t info_size;
	uint64_t caps;
	uint64_t text_len;
	struct sc_info info;
};

static void header_fill(struct header *h, const char *json, uint64_t caps)
{
	const struct scmp_version *v = seccomp_version();

	memset(h, 0, sizeof(*h)); /* holes, too: it is compared and written */
	memcpy(h->magic, MAGIC, sizeof(h->magic));
	(void)snprintf(h->version, sizeof(h->version), "%s", DCOS_VERSION);
	h->library[0] = v->major;
	h->library[1] = v->minor;
	h->library[2] = v->micro;
	h->info_size = sizeof(h->info);
	h->caps = caps;
	h->text_len = strlen(json);
}

static void name_of(char name[static NAME_MAX_], uint64_t hash, uint64_t caps)
{
	(void)snprintf(name, NAME_MAX_, "%016" PRIx64, hash ^ caps * 0x9e3779b97f4a7c15); /* fits */
}

/* The whole file, of a size that one can have. Return: malloc'd, NULL: there is none to be used */
static char *read_whole(int dir, const char *name, size_t *ret_len)
{
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (size_t)st.st_size > SC_STORE_BYTES)
		return NULL;
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes && read(fd, bytes, (size_t)st.st_size) != st.st_size) {
		free(bytes);
		return NULL;
	}
	*ret_len = (size_t)st.st_size;
	return bytes;
}

struct sc_filter *sc_store_get(int dir, const char *json, uint64_t hash, uint64_t caps)
{
	struct header want, *have;
	char name[NAME_MAX_];
	cleanup_free char *bytes = NULL;
	size_t len = 0, code;

	header_fill(&want, json, caps);
	name_of(name, hash, caps);
	bytes = read_whole(dir, name, &len);
	if (!bytes || len < sizeof(want) + want.text_len)
		return NULL;
	have = (struct header *)bytes;
	code = len - sizeof(want) - want.text_len;
	if (memcmp(have, &want, offsetof(struct header, info)) ||
	    memcmp(bytes + sizeof(want), json, want.text_len) ||
	    code != have->info.prog.len * sizeof(struct sock_filter) || !code)
		return NULL;
	return sc_filter_new(&have->info, bytes + sizeof(want) + want.text_len);
}

/* Not more than so many: all go, for what is used comes back. */
static void make_room(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), nr = 0;
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		nr++;
	if (!d || nr < SC_STORE_FILES)
		return;
	rewinddir(d);
	while ((e = readdir(d)))
		(void)unlinkat(dir, e->d_name, 0); /* "." and ".." stay */
}

void sc_store_put(int dir, const char *json, uint64_t hash, uint64_t caps,
		  const struct sc_filter *f)
{
	char name[NAME_MAX_], temp[NAME_MAX_];
	cleanup_close int fd = -1;
	struct header h;
	size_t code;
	bool whole;

	make_room(dir);
	header_fill(&h, json, caps);
	h.info = *sc_filter_info(f);
	code = h.info.prog.len * sizeof(struct sock_filter);
	name_of(name, hash, caps);
	(void)snprintf(temp, sizeof(temp), ".%d", (int)getpid()); /* fits */
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	whole = fd >= 0 && write(fd, &h, sizeof(h)) == sizeof(h) &&
		write(fd, json, h.text_len) == (ssize_t)h.text_len &&
		write(fd, h.info.prog.filter, code) == (ssize_t)code;
	if (!whole || renameat(dir, temp, dir, name))
		(void)unlinkat(dir, temp, 0); /* the next one compiles again */
}
