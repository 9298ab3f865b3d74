// SPDX-License-Identifier: Apache-2.0
/*
 * "user" and "groups": numbers, or names looked up in etc/passwd and etc/group of the image. The
 * image may be hostile: its files are opened below its root only, must be regular and small, and
 * are parsed strictly. Other sources of names (LDAP and so on) are not asked.
 */
#include "agent/task_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/lib/units.h"
#include "agent/path.h"

#define ACCOUNTS_BYTES_MAX (1U << 20) /* of etc/passwd or etc/group */
#define ID_MAX		   (UINT32_MAX - 1) /* UINT32_MAX means "no change" to the kernel */
#define ID_NOBODY	   65534
#define DIGITS		   "0123456789"
#define NAME_FIRST	   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_LETTERS	   NAME_FIRST DIGITS "-.@"
#define ACCOUNT_FIELDS	   7

struct account {
	uint32_t uid, gid;
	char *home; /* plain path; NULL: none */
	bool found;
};

/* The two files of an image, as far as they could be read. */
struct accounts {
	char *passwd, *group; /* owned, NULL: passwd_err, group_err say why */
	int passwd_err, group_err;
};

static void accounts_done(struct accounts *a)
{
	free(a->passwd);
	free(a->group);
}

static void accounts_read(const struct draft *d, struct accounts *ret)
{
	const char *root = d->spec.ct.root.kind == CT_ROOT_DIR ? d->spec.ct.root.path : "/";
	cleanup_close int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		ret->passwd_err = ret->group_err = -errno;
		return;
	}
	ret->passwd_err =
		slurp_at(fd, "etc/passwd", RESOLVE_IN_ROOT, ACCOUNTS_BYTES_MAX, &ret->passwd, NULL);
	ret->group_err =
		slurp_at(fd, "etc/group", RESOLVE_IN_ROOT, ACCOUNTS_BYTES_MAX, &ret->group, NULL);
}

/* The fields of the next line; missing ones are "". Cuts @text up. Return: false at the end. */
static bool next_line(char **text, char *field[ACCOUNT_FIELDS])
{
	static char nothing[] = "";
	char *line = strsep(text, "\n");

	if (!line)
		return false;
	for (int i = 0; i < ACCOUNT_FIELDS; i++)
		field[i] = line ? strsep(&line, ":") : nothing;
	return true;
}

/* By name, or by number if @name is NULL. Lines with bad numbers are no lines. */
static int find_user(const char *passwd, const char *name, uint32_t uid, struct account *ret)
{
	cleanup_free char *copy = strdup(passwd);
	char *text = copy, *f[ACCOUNT_FIELDS];
	uint64_t u = 0, g = 0;

	if (!copy)
		return -ENOMEM;
	while (next_line(&text, f)) {
		if (parse_u64(f[2], 0, ID_MAX, &u) < 0 || parse_u64(f[3], 0, ID_MAX, &g) < 0)
			continue;
		if (name ? strcmp(f[0], name) != 0 : u != uid)
			continue;
		ret->uid = (uint32_t)u;
		ret->gid = (uint32_t)g;
		ret->found = true;
		if (path_plain(f[5])) {
			ret->home = strdup(f[5]);
			if (!ret->home)
				return -ENOMEM;
		}
		break;
	}
	return 0;
}

/* Return: 1 found, 0 not, -ENOMEM. */
static int find_group(const char *group, const char *name, uint32_t *ret)
{
	cleanup_free char *copy = strdup(group);
	char *text = copy, *f[ACCOUNT_FIELDS];
	uint64_t g = 0;

	if (!copy)
		return -ENOMEM;
	while (next_line(&text, f)) {
		if (strcmp(f[0], name) || parse_u64(f[2], 0, ID_MAX, &g) < 0)
			continue;
		*ret = (uint32_t)g;
		return 1;
	}
	return 0;
}

static bool lists(char *members, const char *name)
{
	char *m;

	while ((m = strsep(&members, ",")))
		if (!strcmp(m, name))
			return true;
	return false;
}

static int add_group(struct draft *d, uint32_t gid)
{
	struct ct_process *p = &d->spec.ct.process;

	for (size_t i = 0; i < p->additional_gids_nr; i++)
		if (p->additional_gids[i] == gid)
			return 0;
	if (p->additional_gids_nr == TASK_GROUPS_MAX)
		return draft_fail(d, "the user is in more than %d groups, name those it needs",
				  TASK_GROUPS_MAX);
	p->additional_gids[p->additional_gids_nr++] = gid;
	return 0;
}

/* The groups that list a user as a member, as login(1) would give them. */
static int add_member_groups(struct draft *d, const char *group, const char *name)
{
	cleanup_free char *copy = strdup(group);
	char *text = copy, *f[ACCOUNT_FIELDS];
	uint64_t g = 0;

	if (!copy)
		return draft_nomem(d);
	while (next_line(&text, f)) {
		if (parse_u64(f[2], 0, ID_MAX, &g) < 0 || !lists(f[3], name))
			continue;
		if (add_group(d, (uint32_t)g) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Ids that a user namespace does not map can't be taken. */
static int check_id(struct draft *d, const char *what, uint64_t id)
{
	const struct ct_spec *ct = &d->spec.ct;

	if (!(ct->namespaces & CLONE_NEWUSER) || id < ct->idmap.nr)
		return 0;
	return draft_fail(d,
			  "%s %llu is out of range, allowed is 0 to %u in a user namespace of the "
			  "task's own",
			  what, (unsigned long long)id, ct->idmap.nr - 1);
}

static int name_or_number(struct draft *d, const char *what, const char *s, bool *ret_number,
			  uint32_t *ret)
{
	cleanup_json json_t *text = json_string(s);
	const char *shown = text ? draft_show(d, text) : "the value";
	uint64_t n = 0;

	*ret_number = *s && strspn(s, DIGITS) == strlen(s);
	if (*ret_number) {
		if (parse_u64(s, 0, ID_MAX, &n) < 0)
			return draft_fail(d, "%s %s is out of range, allowed is 0 to %u", what, s,
					  ID_MAX);
		*ret = (uint32_t)n;
		return check_id(d, what, n);
	}
	if (!*s || !strchr(NAME_FIRST, *s) || strspn(s, NAME_LETTERS) != strlen(s))
		return draft_fail(
			d,
			"%s is neither a number nor a name of a %s, allowed is for example "
			"\"1000\" or \"www-data\"%s",
			shown, what,
			strcmp(what, "user") ? "" : ", also with a group: \"1000:1000\"");
	return 0;
}

static int unknown_name(struct draft *d, const char *what, const char *name, const char *file,
			int err)
{
	char desc[128];

	if (err == 0)
		return draft_fail(d, "%s \"%s\" is not in %s of the image", what, name, file);
	return draft_fail(d, "%s \"%s\" can't be looked up in %s of the image: %s", what, name,
			  file,
			  err == -EINVAL ? "not a regular file"
					 : strerror_r(-err, desc, sizeof(desc)));
}

static int resolve_group(struct draft *d, const struct accounts *a, const char *s, uint32_t *ret)
{
	bool number = false;
	int r = name_or_number(d, "group", s, &number, ret);

	if (r < 0 || number)
		return r;
	r = a->group ? find_group(a->group, s, ret) : 0;
	if (r == 0)
		return unknown_name(d, "group", s, "etc/group", a->group_err);
	return r < 0 ? draft_nomem(d) : check_id(d, "group", *ret);
}

/* @s is the part before the ":"; @group the one after it, or NULL. */
static int resolve_user(struct draft *d, const struct accounts *a, const char *s, const char *group)
{
	struct ct_process *p = &d->spec.ct.process;
	struct account u = {.gid = ID_NOBODY};
	bool number = false;
	int r = name_or_number(d, "user", s, &number, &u.uid);

	if (r < 0)
		return r;
	if (a->passwd && find_user(a->passwd, number ? NULL : s, u.uid, &u) < 0) {
		free(u.home);
		return draft_nomem(d);
	}
	d->home = u.home;
	if (!number && !u.found)
		return unknown_name(d, "user", s, "etc/passwd", a->passwd_err);
	if (u.uid == 0 && !u.found)
		u.gid = 0;
	p->uid = u.uid;
	p->gid = u.gid;
	if (group)
		r = resolve_group(d, a, group, &p->gid);
	else
		r = check_id(d, "group", p->gid);
	if (!r)
		r = check_id(d, "user", p->uid);
	if (!r && !number && !d->groups && a->group)
		r = add_member_groups(d, a->group, s);
	return r;
}

static int parse_user(struct draft *d, const struct accounts *a)
{
	cleanup_free char *copy = NULL;
	const char *text = "0:0";
	char *colon;
	int err = 0;

	if (d->user)
		err = draft_text(d, d->user, 1, TASK_USER_MAX, &text);
	if (!err)
		err = draft_strdup(d, text, &d->spec.user_text);
	if (!err)
		err = draft_strdup(d, text, &copy);
	if (err < 0)
		return err;
	colon = strchr(copy, ':');
	if (colon)
		*colon++ = '\0';
	return resolve_user(d, a, copy, colon);
}

static int parse_group(struct draft *d, json_t *v, void *data)
{
	const struct accounts *a = data;
	const char *text = NULL;
	uint32_t gid = 0;
	uint64_t n = 0;
	int err;

	if (json_is_integer(v)) {
		err = value_number(d, &(struct task_row){.max = ID_MAX}, v, &n);
		gid = (uint32_t)n;
		if (!err)
			err = check_id(d, "group", n);
	} else {
		err = draft_text(d, v, 1, TASK_USER_MAX, &text);
		if (!err)
			err = resolve_group(d, a, text, &gid);
	}
	return err < 0 ? err : add_group(d, gid);
}

int user_finish(struct draft *d)
{
	struct accounts a = {NULL};
	size_t where;
	int err;

	d->spec.ct.process.additional_gids = calloc(TASK_GROUPS_MAX, sizeof(uint32_t));
	if (!d->spec.ct.process.additional_gids)
		return draft_nomem(d);
	accounts_read(d, &a);
	where = draft_push(d, "user");
	err = parse_user(d, &a);
	draft_pop(d, where);
	if (!err && d->groups) {
		where = draft_push(d, "groups");
		err = draft_array(d, d->groups, TASK_GROUPS_MAX, parse_group, &a);
		draft_pop(d, where);
	}
	accounts_done(&a);
	return err;
}
