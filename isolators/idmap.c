// SPDX-License-Identifier: Apache-2.0
/* Source: user_namespaces(7), "Defining user and group ID mappings"; newuidmap(1). */
#include "isolators/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/program.h"
#include "isolators/oci.h"

#define NUMBER_MAX 12 /* of one number as text */
#define SILENCE_MS 5000

bool idmap_is_own(const struct oci_maps *maps, unsigned int own)
{
	return maps->nr == 1 && maps->items[0].nr == 1 && maps->items[0].host == own;
}

static int write_file(struct isolation *iso, const char *file, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)iso->pid, file); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return iso_fail(iso, -errno, "%s: %s", file, text);
	return 0;
}

static int write_one(struct isolation *iso, const char *file, const struct oci_maps *maps)
{
	char text[3 * NUMBER_MAX + 1];

	(void)snprintf(text, sizeof(text), "%u %u 1", maps->items[0].inside,
		       maps->items[0].host); /* fits */
	return write_file(iso, file, text);
}

/* newuidmap PID INSIDE HOST NR ... */
static int run_helper(struct isolation *iso, const char *program, const struct oci_maps *maps)
{
	size_t nr = 2 + 3 * maps->nr;
	cleanup_free char **argv = calloc(nr + 1, sizeof(*argv));
	cleanup_free char *text = calloc(nr, NUMBER_MAX);
	struct why why = {0};
	int err;

	if (!argv || !text)
		return iso_fail(iso, -ENOMEM, "%s", program);
	argv[0] = (char *)program;
	for (size_t i = 1; i < nr; i++) {
		const struct oci_map *m = &maps->items[i < 2 ? 0 : (i - 2) / 3];
		const unsigned int of_map[] = {m->inside, m->host, m->nr};

		argv[i] = text + i * NUMBER_MAX;
		(void)snprintf(argv[i], NUMBER_MAX, "%u",
			       i < 2 ? (unsigned int)iso->pid : of_map[(i - 2) % 3]); /* fits */
	}
	err = program_run(argv, -1, SILENCE_MS, &why);
	if (err == -ENOENT)
		return iso_fail(iso, err, "linux.%s: more than the caller's own id needs %s",
				program[3] == 'u' ? "uidMappings" : "gidMappings", program);
	if (err && !iso->why.text[0])
		iso->why = why;
	return err;
}

int idmap_own(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	bool one = idmap_is_own(&oci->uids, geteuid());
	int err;

	err = one ? write_one(iso, "uid_map", &oci->uids)
		  : run_helper(iso, "newuidmap", &oci->uids);
	if (err)
		return err;
	if (!idmap_is_own(&oci->gids, getegid()))
		return run_helper(iso, "newgidmap", &oci->gids);
	err = write_file(iso, "setgroups", "deny");
	return err ? err : write_one(iso, "gid_map", &oci->gids);
}
