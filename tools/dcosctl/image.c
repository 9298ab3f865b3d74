// SPDX-License-Identifier: Apache-2.0
/* dcosctl image: images of containers in the store of this node. Only gc asks the agent. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/image_import.h"
#include "tools/dcosctl/table.h"

struct image_options {
	const char *store, *name, *ref;
	bool force;
};

static const struct opt_row image_rows[] = {
	{"store", 0, "PATH", opt_string, offsetof(struct image_options, store), "a path",
	 "directory of the store (default " IMAGE_STORE ")"},
	{"name", 0, "NAME", opt_string, offsetof(struct image_options, name), "a name",
	 "import, pull: what the image is called in the store"},
	{"ref", 0, "NAME", opt_string, offsetof(struct image_options, ref), "a name",
	 "import: which image of a layout that has several"},
	{"force", 0, NULL, opt_flag, offsetof(struct image_options, force), NULL,
	 "gc: also when the agent can't say which images tasks use"},
	{},
};

struct image_run {
	struct ctl *ctl;
	const struct image_options *o;
	struct image_store *s;
	const char *operand; /* NULL: none */
};

static int print_imported(struct image_run *r, const struct image *img, const char *name)
{
	char digest[80];

	(void)snprintf(digest, sizeof(digest), "sha256:%s", img->hex); /* fits */
	if (r->ctl->json) {
		cleanup_json json_t *j = json_pack("{s:s, s:s}", "name", name, "digest", digest);

		ctl_print_json(j, false);
	} else {
		(void)printf("%s %s\n", name, digest); /* seen when stdout is closed */
	}
	return 0;
}

static int image_import(struct image_run *r)
{
	cleanup_close int fd = open(r->operand, O_RDONLY | O_CLOEXEC);
	cleanup_image struct image img = {};
	cleanup_free char *source = NULL;
	char name[IMAGE_NAME_MAX + 1];
	struct why *why = &r->ctl->why;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return ctl_fail("%s: %s", r->operand, strerror(errno));
	if (S_ISDIR(st.st_mode))
		err = import_layout(r->s, fd, r->o->ref, r->o->name, &img, name, why);
	else
		err = import_tar(r->s, fd, r->o->ref, r->o->name, &img, name, why);
	if (err == -ENOENT && !S_ISDIR(st.st_mode)) {
		/* what docker save writes; skopeo knows all its forms */
		if (!r->o->name)
			return ctl_fail("%s: is an archive of docker save; give the image a name "
					"by --name",
					r->operand);
		if (asprintf(&source, "docker-archive:%s", r->operand) < 0)
			return ctl_fail("out of memory");
		store_close(r->s);
		err = import_skopeo(r->s->path, source, r->o->name, &img, name, why);
	}
	return err ? ctl_fail("%s: %s", r->operand, why->text) : print_imported(r, &img, name);
}

static int image_pull(struct image_run *r)
{
	bool whole = strstr(r->operand, "://");
	const char *name = r->o->name ?: whole ? strstr(r->operand, "://") + 3 : r->operand;
	cleanup_image struct image img = {};
	cleanup_free char *source = NULL;
	char full[IMAGE_NAME_MAX + 1];

	if (asprintf(&source, "%s%s", whole ? "" : "docker://", r->operand) < 0)
		return ctl_fail("out of memory");
	store_close(r->s);
	if (import_skopeo(r->s->path, source, name, &img, full, &r->ctl->why))
		return ctl_fail("%s: %s", r->operand, r->ctl->why.text);
	return print_imported(r, &img, full);
}

static uint64_t layers_size(const struct image *img)
{
	uint64_t sum = 0;
	const json_t *l;
	size_t i;

	json_array_foreach (json_object_get(img->manifest, "layers"), i, l)
		sum += (uint64_t)field_int(l, "size", 0);
	return sum;
}

static int image_ls(struct image_run *r)
{
	static const struct table_column columns[] = {
		{"NAME"}, {"DIGEST"}, {"LAYERS", .right = true}, {"SIZE", .right = true}, {}};
	cleanup_json json_t *names = store_names(r->s);
	struct libscols_table *t;
	const json_t *n;
	size_t i;

	if (!names)
		return ctl_fail("the store %s: %s", r->s->path, strerror(errno));
	if (r->ctl->json) {
		ctl_print_json(names, false);
		return 0;
	}
	t = table_new(columns);
	json_array_foreach (names, i, n) {
		char digest[20], layers[16], size[32];
		const char *cells[] = {field_str(n, "name"), digest, layers, size};
		cleanup_image struct image img = {};

		if (!t || store_find(r->s, cells[0], &img, &r->ctl->why))
			return ctl_fail("%s", r->ctl->why.text);
		(void)snprintf(digest, sizeof(digest), "%.12s", img.hex); /* cut */
		(void)snprintf(layers, sizeof(layers), "%zu",
			       json_array_size(json_object_get(img.manifest, "layers")));
		(void)format_bytes(size, sizeof(size), layers_size(&img));
		if (table_row(t, cells))
			return ctl_fail("out of memory");
	}
	return table_print(t) ? ctl_fail("out of memory") : 0;
}

static int image_inspect(struct image_run *r)
{
	cleanup_image struct image img = {};
	cleanup_json json_t *j = NULL;
	char digest[80];

	if (store_find(r->s, r->operand, &img, &r->ctl->why))
		return ctl_fail("%s", r->ctl->why.text);
	(void)snprintf(digest, sizeof(digest), "sha256:%s", img.hex); /* fits */
	j = json_pack("{s:s, s:O, s:O}", "digest", digest, "manifest", img.manifest, "config",
		      img.config);
	if (!j)
		return ctl_fail("out of memory");
	ctl_print_json(j, false);
	return 0;
}

static int image_rm(struct image_run *r)
{
	return store_unname(r->s, r->operand, &r->ctl->why) ? ctl_fail("%s", r->ctl->why.text) : 0;
}

/* Paths that tasks use as images; NULL: the agent did not say, which was printed. */
static json_t *images_in_use(struct ctl *ctl)
{
	cleanup_json json_t *reply = ctl_call(ctl, "List", NULL);
	cleanup_json json_t *used = json_array();
	const json_t *t;
	size_t i;

	if (!reply || !used)
		return NULL;
	json_array_foreach (json_object_get(reply, "tasks"), i, t)
		if (json_array_append_new(used, json_string(field_str(t, "image"))))
			return NULL;
	return take_ptr(used);
}

static int image_gc(struct image_run *r)
{
	cleanup_json json_t *used = r->o->force ? NULL : images_in_use(r->ctl);
	uint64_t freed = 0, removed = 0;
	char size[32];

	if (!used && !r->o->force)
		return ctl_fail("what tasks use is not known, nothing is removed (--force does)");
	if (store_gc(r->s, used, &freed, &removed, &r->ctl->why))
		return ctl_fail("%s", r->ctl->why.text);
	(void)printf("%" PRIu64 " unpacked images removed, blobs of %s\n", removed,
		     format_bytes(size, sizeof(size), freed)); /* seen when stdout is closed */
	return 0;
}

static bool is_used(const json_t *used, const char *hex)
{
	const json_t *path;
	size_t i;

	json_array_foreach (used, i, path)
		if (strstr(json_string_value(path), hex))
			return true;
	return false;
}

/* All names of images that no task uses, then what they led to. */
static int image_prune(struct image_run *r)
{
	cleanup_json json_t *used = images_in_use(r->ctl);
	cleanup_json json_t *names = store_names(r->s);
	const json_t *n;
	size_t i;

	if (!used)
		return ctl_fail("what tasks use is not known, nothing is removed");
	if (!names)
		return ctl_fail("the store %s: %s", r->s->path, strerror(errno));
	json_array_foreach (names, i, n) {
		const char *name = field_str(n, "name");

		if (is_used(used, digest_hex(field_str(n, "digest"))))
			continue;
		if (store_unname(r->s, name, &r->ctl->why))
			return ctl_fail("%s", r->ctl->why.text);
		(void)printf("%s\n", name); /* seen when stdout is closed */
	}
	return image_gc(r);
}

static const struct verb {
	const char *name;
	bool change, operand;
	int (*run)(struct image_run *r);
} verbs[] = {
	{"import", true, true, image_import}, {"pull", false, true, image_pull},
	{"ls", false, false, image_ls},	      {"inspect", false, true, image_inspect},
	{"rm", true, true, image_rm},	      {"gc", true, false, image_gc},
	{"prune", true, false, image_prune},
};

static int image_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct image_options *o = options;
	cleanup_store struct image_store s = {.dir = -1, .lock = -1};
	struct image_run r = {ctl, o, &s, nr > 1 ? operands[1] : NULL};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(v->name, operands[0]))
			continue;
		if (v->operand != (nr > 1))
			return ctl_usage(ctl, "image %s: %s", v->name,
					 v->operand ? "missing operand" : "unexpected operand");
		if (store_open(o->store ?: IMAGE_STORE, v->change, &s, &ctl->why))
			return ctl_fail("%s", ctl->why.text);
		return v->run(&r);
	}
	return ctl_usage(ctl, "image %s: no such command", operands[0]);
}

const struct command cmd_image = {
	.name = "image",
	.args = "[OPTION...] VERB [NAME|PATH]",
	.help = "images of containers: import, pull, ls, inspect, rm, gc, prune",
	.more = "import PATH   an OCI layout, a directory or a tar archive; or what docker save "
		"wrote\n"
		"pull NAME     from a registry, by skopeo\n"
		"ls            what there is\n"
		"inspect NAME  manifest and configuration, as JSON\n"
		"rm NAME       take the name away\n"
		"gc            remove what no name leads to and no task uses\n"
		"prune         take the names of images away that no task uses, then gc",
	.options = image_rows,
	.options_size = sizeof(struct image_options),
	.operands_min = 1,
	.operands_max = 2,
	.run = image_run,
};
