// SPDX-License-Identifier: Apache-2.0
/* Finds the files of the configuration and reads them in their order. */
#include "agent/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"

static int load_file(struct config *c, const char *file, struct why *why)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int err = slurp_at(AT_FDCWD, file, 0, CONFIG_BYTES_MAX, &text, &len);

	if (err == -EINVAL || err == -EISDIR)
		return why_set(why, -EINVAL, "%s: not a regular file", file);
	if (err == -EFBIG)
		return why_set(why, -EINVAL, "%s: has more than %u bytes", file, CONFIG_BYTES_MAX);
	if (err < 0)
		return why_set(why, err, "%s", file);
	return config_apply(c, file, text, len, why);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_dropin(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && !strcmp(e->d_name + len - 5, ".conf");
}

static int load_dropins(struct config *c, const char *dir, struct why *why)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, is_dropin, by_name), err = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : why_set(why, -errno, "%s", dir);
	if (n > CONFIG_DROPINS_MAX)
		err = why_set(why, -EINVAL, "%s: has %d files, allowed are at most %d", dir, n,
			      CONFIG_DROPINS_MAX);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		if (!err && snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name) >=
				    (int)sizeof(path))
			err = why_set(why, -ENAMETOOLONG, "%s", dir);
		if (!err)
			err = load_file(c, path, why);
		free(list[i]);
	}
	free(list);
	return err;
}

int config_load_dir(const char *file, const char *dropins, struct config **ret, struct why *why)
{
	cleanup_config struct config *c = NULL;
	int err = config_new(&c);

	if (err < 0)
		return why_set(why, err, "configuration");
	if (access(file, F_OK) == 0 || errno != ENOENT)
		err = load_file(c, file, why);
	if (!err)
		err = load_dropins(c, dropins, why);
	if (!err)
		err = config_check(c, why);
	if (!err)
		*ret = take_ptr(c);
	return err;
}

int config_load(const char *file, struct config **ret, struct why *why)
{
	cleanup_config struct config *c = NULL;
	int err;

	if (!file)
		return config_load_dir(CONFIG_FILE, CONFIG_DROPIN_DIR, ret, why);
	err = config_new(&c);
	if (err < 0)
		return why_set(why, err, "configuration");
	err = load_file(c, file, why);
	if (!err)
		err = config_check(c, why);
	if (!err)
		*ret = take_ptr(c);
	return err;
}
