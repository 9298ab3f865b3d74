// SPDX-License-Identifier: Apache-2.0
/* list: what there is. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosrun/rt.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct opt_row list_rows[] = {
	{"format", 'f', "FORMAT", opt_string, offsetof(struct list_options, format),
	 "table or json", "table (default) or json"},
	{"quiet", 'q', NULL, opt_flag, offsetof(struct list_options, quiet), NULL, "ids only"},
	{},
};

static int want_json(struct rt *rt, const char *format, bool *ret)
{
	*ret = format && !strcmp(format, "json");
	if (!format || *ret || !strcmp(format, "table"))
		return 0;
	return why_set(&rt->why, -EINVAL, "--format=%.32s: allowed are table, json", format);
}

static json_t *row_of(const struct rt_box *b)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s*, s:s*, s:s, s:O*}", "ociVersion",
			 RT_OCI_VERSION, "id", b->id, "pid", b->pidfd >= 0 ? (int)b->pid : 0,
			 "status", rt_status_name(b->status), "bundle", b->bundle ? b->bundle : "",
			 "rootfs", json_string_value(json_object_get(b->state, "rootfs")),
			 "created", json_string_value(json_object_get(b->state, "created")),
			 "owner", rt_box_owner(b), "annotations",
			 json_object_get(b->state, "annotations"));
}

static void print_row(const struct rt_box *b)
{
	const char *created = json_string_value(json_object_get(b->state, "created"));

	/* errors of stdout are seen when it is closed */
	(void)printf("%-20s %-8d %-9s %s %s %s\n", b->id, b->pidfd >= 0 ? (int)b->pid : 0,
		     rt_status_name(b->status), b->bundle ? b->bundle : "-",
		     created ? created : "-", rt_box_owner(b));
}

static int is_id(const struct dirent *e)
{
	return ct_id_valid(e->d_name);
}

static int run_list(struct rt *rt, void *options, char **argv, int argc)
{
	const struct list_options *o = options;
	struct dirent **found = NULL;
	json_t *rows = json_array();
	bool as_json;
	int err = want_json(rt, o->format, &as_json);
	int nr = err ? 0 : scandir(rt->root, &found, is_id, alphasort); /* no directory: none */

	(void)argv; /* none */
	(void)argc;
	if (!err && !as_json && !o->quiet)
		(void)printf("%-20s %-8s %-9s %s %s %s\n", "ID", "PID", "STATUS", "BUNDLE",
			     "CREATED", "OWNER");
	for (int i = 0; i < nr; i++) {
		cleanup_free struct dirent *e = found[i];
		struct rt_box b;

		if (rt_box_open(rt, e->d_name, &b))
			continue; /* it has just been deleted */
		if (o->quiet)
			(void)printf("%s\n", b.id);
		else if (as_json)
			(void)json_array_append_new(rows, row_of(&b)); /* NULL is left out */
		else
			print_row(&b);
		rt_box_close(&b);
	}
	if (!err && as_json && !o->quiet &&
	    (json_dumpf(rows, stdout, JSON_COMPACT) || putchar('\n') == EOF))
		err = why_set(&rt->why, -EIO, "standard output");
	json_decref(rows);
	free(found);
	return err;
}

const struct rt_command rt_list = {
	.name = "list",
	.args = "[OPTION...]",
	.help = "list containers",
	.options = list_rows,
	.options_size = sizeof(struct list_options),
	.operands_max = 0,
	.run = run_list,
};
