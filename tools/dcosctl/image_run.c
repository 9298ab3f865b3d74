// SPDX-License-Identifier: Apache-2.0
/* What an image's configuration (image-spec, config.md) means in a task spec, dcos-task(5). */
#include "tools/dcosctl/image_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"

static int add_env(json_t *spec, const json_t *config)
{
	cleanup_json json_t *env = json_object();
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(config, "Env"), i, item) {
		const char *text = json_string_value(item), *eq = text ? strchr(text, '=') : NULL;

		if (!eq || eq == text)
			return -EBADMSG;
		cleanup_free char *name = strndup(text, (size_t)(eq - text));

		if (!name || json_object_set_new(env, name, json_string(eq + 1)))
			return -ENOMEM;
	}
	if (!json_object_size(env))
		return 0;
	/* an object that is none is the agent's to complain about */
	if (json_object_get(spec, "env") && json_object_update(env, json_object_get(spec, "env")))
		return 0;
	return json_object_set(spec, "env", env) ? -ENOMEM : 0;
}

/* A spec with "cmd", which is a shell's, replaces Entrypoint and Cmd. */
static int add_command(json_t *spec, const json_t *config)
{
	json_t *given = json_object_get(spec, "command");
	const json_t *cmd = given ?: json_object_get(config, "Cmd");
	json_t *words;

	if (json_object_get(spec, "cmd"))
		return 0;
	words = json_array();
	if (json_is_array(json_object_get(config, "Entrypoint")) &&
	    json_array_extend(words, json_object_get(config, "Entrypoint")))
		return -ENOMEM;
	if (json_is_array(cmd) && json_array_extend(words, (json_t *)cmd))
		return -ENOMEM;
	if (!json_array_size(words) || (given && !json_is_array(given))) {
		json_decref(words);
		return 0; /* the agent says that there is no command */
	}
	return json_object_set_new(spec, "command", words) ? -ENOMEM : 0;
}

static int add_text(json_t *spec, const char *key, const json_t *config, const char *from)
{
	const char *text = field_str(config, from);

	if (!*text || json_object_get(spec, key))
		return 0;
	return json_object_set_new(spec, key, json_string(text)) ? -ENOMEM : 0;
}

static bool is_target(const json_t *mounts, const char *path)
{
	const json_t *m;
	size_t i;

	json_array_foreach (mounts, i, m)
		if (!strcmp(field_str(m, "target"), path))
			return true;
	return false;
}

static int add_volumes(json_t *spec, const json_t *config)
{
	json_t *volumes = json_object_get(config, "Volumes");
	json_t *mounts = json_object_get(spec, "mounts");
	const char *path;
	json_t *v;

	if (!json_object_size(volumes) || (mounts && !json_is_array(mounts)))
		return 0;
	if (!mounts) {
		mounts = json_array();
		if (json_object_set_new(spec, "mounts", mounts))
			return -ENOMEM;
	}
	json_object_foreach (volumes, path, v)
		if (!is_target(mounts, path) &&
		    json_array_append_new(mounts,
					  json_pack("{s:b, s:s}", "tmpfs", 1, "target", path)))
			return -ENOMEM;
	return 0;
}

static int complete(struct image_store *s, json_t *spec, const struct image *img, struct why *why)
{
	const json_t *config = json_object_get(img->config, "config");
	cleanup_free char *real = realpath(s->path, NULL);
	cleanup_free char *root = NULL;
	int err;

	if (!real || asprintf(&root, "%s/images/%s/rootfs", real, img->hex) < 0)
		return why_set(why, -errno, "the store %s", s->path);
	if (faccessat(AT_FDCWD, root, F_OK, 0))
		return why_set(why, -errno, "%s", root);
	err = json_object_set_new(spec, "image", json_string(root)) ? -ENOMEM : 0;
	err = err ?: add_command(spec, config)
		  ?: add_env(spec, config)
		  ?: add_text(spec, "user", config, "User")
		  ?: add_text(spec, "cwd", config, "WorkingDir")
		  ?: add_text(spec, "kill_signal", config, "StopSignal")
		  ?: add_volumes(spec, config);
	return err ? why_set(why, err, "the configuration of the image sha256:%s", img->hex) : 0;
}

int image_resolve(const char *store, json_t *spec, struct image_store *ret, struct why *why)
{
	const char *name = field_str(spec, "image");
	cleanup_store struct image_store s = {.dir = -1, .lock = -1};
	cleanup_image struct image img = {};
	int err;

	if (!*name || *name == '/' || !strcmp(name, "host"))
		return 0;
	err = store_open(store, false, &s, why)
		      ?: store_find(&s, name, &img, why)
		      ?: complete(&s, spec, &img, why);
	if (err)
		return err;
	*ret = s;
	s.dir = s.lock = -1;
	return 0;
}
