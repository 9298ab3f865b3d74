// SPDX-License-Identifier: Apache-2.0
/* "mounts" of a config.json: words that are flags, words for the file system. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosrun/config.h"

/* What a word does to a mount. */
enum effect {
	SET,
	CLEAR,
	ATIME, /* one of the ways in which times of access are kept */
	PROPAGATE,
	PROPAGATE_BELOW,
	OF_FS, /* a flag of the file system itself */
	NOTHING /* what is so anyway */
};

static const struct word {
	const char *name;
	enum effect effect;
	uint64_t value;
	const char *below; /* the word for it and all mounts below; NULL none */
} words[] = {
	{"ro", SET, MOUNT_ATTR_RDONLY, "rro"},
	{"rw", CLEAR, MOUNT_ATTR_RDONLY, "rrw"},
	{"nosuid", SET, MOUNT_ATTR_NOSUID, "rnosuid"},
	{"suid", CLEAR, MOUNT_ATTR_NOSUID, "rsuid"},
	{"nodev", SET, MOUNT_ATTR_NODEV, "rnodev"},
	{"dev", CLEAR, MOUNT_ATTR_NODEV, "rdev"},
	{"noexec", SET, MOUNT_ATTR_NOEXEC, "rnoexec"},
	{"exec", CLEAR, MOUNT_ATTR_NOEXEC, "rexec"},
	{"nodiratime", SET, MOUNT_ATTR_NODIRATIME, "rnodiratime"},
	{"diratime", CLEAR, MOUNT_ATTR_NODIRATIME, "rdiratime"},
	{"nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW, "rnosymfollow"},
	{"symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW, "rsymfollow"},
	{"noatime", ATIME, MOUNT_ATTR_NOATIME, "rnoatime"},
	{"atime", ATIME, MOUNT_ATTR_RELATIME, "ratime"},
	{"relatime", ATIME, MOUNT_ATTR_RELATIME, "rrelatime"},
	{"norelatime", ATIME, MOUNT_ATTR_RELATIME, "rnorelatime"},
	{"strictatime", ATIME, MOUNT_ATTR_STRICTATIME, "rstrictatime"},
	{"nostrictatime", ATIME, MOUNT_ATTR_RELATIME, "rnostrictatime"},
	{"private", PROPAGATE, MS_PRIVATE, NULL},
	{"shared", PROPAGATE, MS_SHARED, NULL},
	{"slave", PROPAGATE, MS_SLAVE, NULL},
	{"unbindable", PROPAGATE, MS_UNBINDABLE, NULL},
	{"rprivate", PROPAGATE_BELOW, MS_PRIVATE, NULL},
	{"rshared", PROPAGATE_BELOW, MS_SHARED, NULL},
	{"rslave", PROPAGATE_BELOW, MS_SLAVE, NULL},
	{"runbindable", PROPAGATE_BELOW, MS_UNBINDABLE, NULL},
	{"sync", OF_FS, 0, NULL},
	{"dirsync", OF_FS, 0, NULL},
	{"lazytime", OF_FS, 0, NULL},
	{"async", NOTHING, 0, NULL},
	{"nolazytime", NOTHING, 0, NULL},
	{"silent", NOTHING, 0, NULL},
	{"loud", NOTHING, 0, NULL},
	{"mand", NOTHING, 0, NULL}, /* since Linux 5.15 nothing does it */
	{"nomand", NOTHING, 0, NULL},
	{"acl", NOTHING, 0, NULL},
	{"iversion", NOTHING, 0, NULL},
	{"noiversion", NOTHING, 0, NULL},
	{"defaults", NOTHING, 0, NULL},
};

static const char *const own_words[] = {"bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"};

void config_mount_words(void (*f)(const char *word, void *ctx), void *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_words); i++)
		f(own_words[i], ctx);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		f(words[i].name, ctx);
		if (words[i].below)
			f(words[i].below, ctx);
	}
}

int config_propagation(const char *word, uint64_t *ret, bool *ret_below)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];

		if ((w->effect != PROPAGATE && w->effect != PROPAGATE_BELOW) ||
		    strcmp(w->name, word))
			continue;
		*ret = w->value;
		*ret_below = w->effect == PROPAGATE_BELOW;
		return 0;
	}
	return -EINVAL;
}

static void change(const struct word *w, uint64_t *set, uint64_t *clear)
{
	uint64_t all = w->effect == ATIME ? (uint64_t)MOUNT_ATTR__ATIME : w->value;

	*set &= ~all;
	*clear &= ~all;
	if (w->effect == CLEAR)
		*clear |= all;
	else
		*set |= w->value;
	if (w->effect == ATIME)
		*clear |= all;
}

/* Return: false: the word is for the file system */
static bool is_flag(struct oci_mount *m, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];
		bool below = w->below && !strcmp(w->below, word);

		if (!below && strcmp(w->name, word))
			continue;
		if (w->effect == OF_FS)
			return m->bind;
		if (w->effect == PROPAGATE || w->effect == PROPAGATE_BELOW) {
			m->propagation = w->value;
			m->propagation_below = w->effect == PROPAGATE_BELOW;
		} else if (w->effect != NOTHING) {
			change(w, below ? &m->rec_set : &m->attr_set,
			       below ? &m->rec_clear : &m->attr_clear);
		}
		return true;
	}
	return false;
}

static bool is_own(struct oci_mount *m, const char *word)
{
	if (!strcmp(word, "bind") || !strcmp(word, "rbind")) {
		m->bind = true;
		m->recursive = word[0] == 'r';
	} else if (!strcmp(word, "remount")) {
		m->remount = true;
	} else if (!strcmp(word, "tmpcopyup")) {
		m->copy_up = true;
	} else if (!strcmp(word, "idmap") || !strcmp(word, "ridmap")) {
		m->idmap = true;
		m->idmap_below = word[0] == 'r';
	} else {
		return false;
	}
	return true;
}

/* "key=value" or "key" for fsconfig(2). */
static int add_option(struct config *c, struct oci_option *o, const char *word)
{
	const char *is = strchr(word, '=');

	o->key = cf_text(c, "%.*s", is ? (int)(is - word) : (int)strlen(word), word);
	if (is)
		o->value = (char *)is + 1;
	return o->key ? 0 : -ENOMEM;
}

static int read_options(struct config *c, const json_t *v, struct oci_mount *m)
{
	char **list = NULL;
	size_t nr = 0;
	int err = cf_strings(c, v, "options", &list);

	while (list && list[nr])
		nr++;
	if (nr > OCI_OPTIONS_MAX)
		return cf_bad(c, "options", "%zu words, allowed are up to %d", nr, OCI_OPTIONS_MAX);
	m->options = cf_alloc(c, nr + 1, sizeof(*m->options));
	if (!m->options)
		return -ENOMEM;
	m->bind = m->type && !strcmp(m->type, "bind");
	for (size_t i = 0; i < nr; i++) /* whether it is a bind decides on the others */
		if (!strcmp(list[i], "bind") || !strcmp(list[i], "rbind"))
			m->bind = true;
	for (size_t i = 0, at = 0; i < nr && !err; i++) {
		if (is_own(m, list[i]) || is_flag(m, list[i]))
			continue;
		if (m->bind)
			return cf_bad(c, "options", "\"%.64s\" is unknown to a bind", list[i]);
		err = add_option(c, &m->options[at++], list[i]);
	}
	return err;
}

static int read_idmap(struct config *c, const json_t *v, struct oci_mount *m)
{
	int err = config_read_maps(c, v, "uidMappings", &m->uids);

	if (!err)
		err = config_read_maps(c, v, "gidMappings", &m->gids);
	if (!err && !m->uids.nr != !m->gids.nr)
		return cf_bad(c, "uidMappings", "and gidMappings go together");
	if (m->uids.nr)
		m->idmap = true;
	if (!err && m->idmap && !m->bind)
		return cf_bad(c, "options", "only binds can be id-mapped");
	return err;
}

/* A destination without a leading "/" is below the root all the same: runtime-spec 1.0. */
static int read_destination(struct config *c, const json_t *v, struct oci_mount *m)
{
	int err = cf_str(c, v, "destination", &m->destination);

	if (err)
		return err;
	if (!m->destination || !*m->destination)
		return cf_missing(c, "destination");
	if (m->destination[0] != '/')
		m->destination = cf_text(c, "/%s", m->destination);
	return m->destination ? 0 : -ENOMEM;
}

static int read_source(struct config *c, struct oci_mount *m)
{
	if (!m->bind || m->remount)
		return 0;
	if (!m->source || !*m->source)
		return cf_missing(c, "source");
	if (m->source[0] != '/')
		m->source = cf_text(c, "%s/%s", c->bundle, m->source);
	return m->source ? 0 : -ENOMEM;
}

static int read_mount(struct config *c, const json_t *v, void *item)
{
	struct oci_mount *m = item;
	int err = read_destination(c, v, m);

	if (!err)
		err = cf_str(c, v, "type", &m->type);
	if (!err)
		err = cf_str(c, v, "source", &m->source);
	if (!err)
		err = read_options(c, v, m);
	if (!err)
		err = read_idmap(c, v, m);
	if (!err)
		err = read_source(c, m);
	if (!err && !m->bind && !m->remount && (!m->type || !*m->type))
		err = cf_bad(c, "type", "is needed, or \"bind\" among the options");
	return err;
}

int config_read_mounts(struct config *c, const json_t *doc)
{
	void *items = NULL;
	int err = cf_each(c, doc, "mounts", OCI_MOUNTS_MAX, sizeof(struct oci_mount), read_mount,
			  &items, &c->oci.mounts_nr);

	c->oci.mounts = items;
	c->oci.own_dev = true;
	for (size_t i = 0; i < c->oci.mounts_nr && !err; i++)
		if (c->oci.mounts[i].bind && !strcmp(c->oci.mounts[i].destination, "/dev"))
			c->oci.own_dev = false;
	return err;
}
