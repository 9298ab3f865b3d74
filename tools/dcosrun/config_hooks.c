// SPDX-License-Identifier: Apache-2.0
/* "hooks" of a config.json. */
#include <errno.h>

#include "tools/dcosrun/config.h"

static int read_hook(struct config *c, const json_t *v, void *item)
{
	struct oci_hook *h = item;
	int64_t timeout = 0;
	int err = cf_str(c, v, "path", &h->path);

	if (!err && (!h->path || h->path[0] != '/'))
		return cf_bad(c, "path", "\"%.128s\": allowed is an absolute path",
			      h->path ? h->path : "");
	if (!err)
		err = cf_strings(c, v, "args", &h->args);
	if (!err)
		err = cf_strings(c, v, "env", &h->env);
	if (!err)
		err = cf_int(c, v, "timeout", 1, INT32_MAX / 1000, &timeout);
	h->timeout_s = (uint32_t)timeout;
	if (h->args && !h->args[0])
		h->args = NULL;
	return err;
}

int config_read_hooks(struct config *c, const json_t *doc)
{
	static const char *const names[HOOKS_NR] = {
		[HOOKS_PRESTART] = "prestart",
		[HOOKS_CREATE_RUNTIME] = "createRuntime",
		[HOOKS_CREATE_CONTAINER] = "createContainer",
		[HOOKS_START_CONTAINER] = "startContainer",
		[HOOKS_POSTSTART] = "poststart",
		[HOOKS_POSTSTOP] = "poststop",
	};
	json_t *v = NULL;
	int err = cf_member(c, doc, "hooks", JSON_OBJECT, &v);
	size_t was = cf_in(c, "hooks", -1);

	for (size_t i = 0; i < HOOKS_NR && v && !err; i++) {
		void *items = NULL;

		err = cf_each(c, v, names[i], CONFIG_HOOKS_MAX, sizeof(struct oci_hook), read_hook,
			      &items, &c->hooks[i].nr);
		c->hooks[i].items = items;
	}
	if (err)
		return err;
	cf_out(c, was);
	c->oci.inside[OCI_CREATE_CONTAINER] = c->hooks[HOOKS_CREATE_CONTAINER];
	c->oci.inside[OCI_START_CONTAINER] = c->hooks[HOOKS_START_CONTAINER];
	return 0;
}
