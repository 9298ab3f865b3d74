// SPDX-License-Identifier: Apache-2.0
/*
 * What an agent of another ABI has left: how tasks ended while no agent ran. Its counts are laid out
 * in another way and go with its pins; a record of an end is taken over if it looks as ours do.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_pins.h"
#include "bpf/abi.h"

static bool has_our_layout(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_MAP_TYPE_HASH &&
	       info.key_size == sizeof(uint64_t) && info.value_size == sizeof(struct dcos_exit);
}

/* Those that are there already are newer. Return: how many; -errno */
static int copy_exits(int from, int to)
{
	uint64_t key, *before = NULL;
	struct dcos_exit e;
	int nr = 0;

	for (int i = 0; i < DCOS_EXITS && !bpf_map_get_next_key(from, before, &key); i++) {
		before = &key;
		if (bpf_map_lookup_elem(from, &key, &e))
			continue;
		if (!bpf_map_update_elem(to, &key, &e, BPF_NOEXIST))
			nr++;
		else if (errno != EEXIST)
			return -errno;
	}
	return nr;
}

int pins_take_exits(const char *pin_dir, const char *dir, int exits_fd)
{
	const char *own = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	cleanup_closedir DIR *d = opendir(pin_dir);
	struct dirent *e;
	int taken = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		char path[PIN_PATH_MAX], old[PIN_PATH_MAX];
		int nr;

		if (e->d_name[0] != 'v' || !strcmp(e->d_name, own))
			continue;
		if (pin_path(old, pin_dir, e->d_name, "") || pin_path(path, old, "exits", ""))
			continue;
		cleanup_close int fd = bpf_obj_get(path);

		if (fd < 0 || !has_our_layout(fd))
			continue;
		nr = copy_exits(fd, exits_fd);
		if (nr < 0)
			return nr;
		taken += nr;
	}
	return taken;
}
