// SPDX-License-Identifier: Apache-2.0
/* From a task's spec to its profile, as agent/task_seccomp.c does it; see task_profile.h. */
#include "tools/dcosaudit/task_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "isolators/credentials.h"
#include "isolators/seccomp.h"
#include "isolators/spec.h"

static const json_t *seccomp_of(const json_t *inspect)
{
	return json_object_get(json_object_get(inspect, "spec"), "seccomp");
}

const char *task_profile_name(const json_t *inspect)
{
	const json_t *v = seccomp_of(inspect);

	if (json_is_object(v))
		return TASK_PROFILE_CARRIED;
	return json_is_string(v) ? json_string_value(v) : "default";
}

static int copy_of(const char *text, char **ret, struct why *why)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return why_set(why, -ENOMEM, "the task's profile");
	*ret = copy;
	return 0;
}

/* A file comes before what is built in, but for "default". */
static int read_named(const char *name, const char *dir, char **ret, struct why *why)
{
	cleanup_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *file = NULL;
	int err;

	if (!strcmp(name, "default"))
		return copy_of(sc_builtin(name), ret, why);
	if (strchr(name, '/') || asprintf(&file, "%s.json", name) < 0)
		return why_set(why, -EINVAL, "%s: no name of a profile", name);
	err = fd < 0 ? -errno : slurp_at(fd, file, 0, SC_JSON_MAX, ret, NULL);
	if (err == -ENOENT && sc_builtin(name))
		return copy_of(sc_builtin(name), ret, why);
	return err ? why_set(why, err, "%s/%s", dir, file) : 0;
}

int task_profile_text(const json_t *inspect, const char *dir, char **ret, struct why *why)
{
	const json_t *v = seccomp_of(inspect);
	const char *name = task_profile_name(inspect);
	char *text;

	if (!strcmp(name, "unconfined"))
		return why_set(why, -ENOENT, "the task is unconfined, it has no profile");
	if (!json_is_object(v))
		return read_named(name, dir ? dir : TASK_PROFILE_DIR, ret, why);
	text = json_dumps(v, JSON_COMPACT);
	if (!text)
		return why_set(why, -ENOMEM, "the task's profile");
	*ret = text;
	return 0;
}

int task_caps(const json_t *inspect, uint64_t *ret)
{
	const json_t *list = json_object_get(json_object_get(inspect, "spec"), "capabilities"), *v;
	uint64_t caps = 0;
	size_t i;

	if (!json_is_array(list))
		return -ENOENT;
	json_array_foreach (list, i, v) {
		char *names[] = {(char *)json_string_value(v), NULL};
		uint64_t one = 0;

		if (!names[0] || caps_from_names(names, &one, NULL) < 0)
			return -ENOENT; /* "default": the caller knows what that is */
		caps |= one;
	}
	*ret = caps;
	return 0;
}
