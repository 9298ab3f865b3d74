// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a layer, alone and over what the one before has left: refused with a sentence, or
 * unpacked; either way nothing comes to be beside the tree, even without the fences of the process
 * (no root of its own here, so that a path that leads out is seen).
 */
#include "tools/dcosctl/image_layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "isolators/layers.h"

#define BLOCK	  512U /* bytes, of tar */
#define KEEP_RUNS 64 /* layers over each other before the tree is made anew */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

/* A header of POSIX ustar: name, type, target of a link; the rest is the same for all. */
static void put_header(uint8_t *h, unsigned int seed)
{
	static const char *const names[] = {"a",     "b/",    "b/c",
					    "a/d",   "../e",  "/f",
					    "./g",   ".wh.a", "b/.wh..wh..opq",
					    ".",     "b/h",   ".wh...",
					    "b/../i"};
	static const char *const links[] = {"a", "b", "..", "/", "../../root", "b/c", "/tmp"};

	memset(h, 0, BLOCK);
	(void)snprintf((char *)h, 100, "%s", names[seed % ARRAY_SIZE(names)]);
	memcpy(h + 100, "0000755\0000000000\0000000000\00000000000000\00000000000000", 48);
	h[156] = (uint8_t) "0125570"[seed / 16 % 7];
	(void)snprintf((char *)h + 157, 100, "%s", links[seed / 128 % ARRAY_SIZE(links)]);
	memcpy(h + 257, "ustar\00000", 8);
}

/* The sum that makes a block a header, which chance would not find. */
static void put_sum(uint8_t *h)
{
	unsigned int sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 8, "%06o", sum); /* fits: at most 512 * 255 */
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	if (seed % 4 && size + BLOCK <= max) {
		size -= size % BLOCK;
		put_header(data + size, seed / 4);
		size += BLOCK;
	} else {
		size = LLVMFuzzerMutate(data, size, max);
	}
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK)
		if (!memcmp(data + at + 257, "ustar", 5))
			put_sum(data + at);
	return size;
}

static char scratch[] = "/tmp/dcos-fuzz.XXXXXX";

static void tidy(void)
{
	if (!chdir("/"))
		(void)layers_remove(AT_FDCWD, scratch); /* at the end; what stays is in /tmp */
}

/* The directory that has nothing but "root", in which we work; made by the first call. */
static int outside(void)
{
	if (!mkdtemp(scratch) || atexit(tidy))
		abort();
	return open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void must_be_alone(int dir)
{
	cleanup_closedir DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && strcmp(e->d_name, "root"))
			abort();
}

static int memory(const uint8_t *data, size_t size)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir = -1;
	static unsigned int runs;
	cleanup_close int in = memory(data, size), plain = memory(data, 0);
	const struct unpack_layer l = {.fd = in, .name = "layer"};
	struct why why = {};

	if (dir < 0)
		dir = outside();
	if (runs++ % KEEP_RUNS == 0 && (fchdir(dir) || layers_remove(dir, "root") ||
					mkdirat(dir, "root", 0700) || chdir("root")))
		abort();
	if (layer_apply(&l, plain, true, &why) < 0 && !why.text[0])
		abort();
	must_be_alone(dir);
	return 0;
}
