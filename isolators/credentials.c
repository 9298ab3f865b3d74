// SPDX-License-Identifier: Apache-2.0
/*
 * User, groups, capabilities, no_new_privs and the OOM score of a container's processes. With a
 * user namespace ids and capabilities are those inside. Securebits are left alone: root inside
 * gains its bounding set at execve, another user has it as ambient set. The inheritable set
 * stays empty unless the ambient set needs it (CVE-2022-24769).
 * Everything that enter() needs is in the spec, nothing is prepared: what ct_exec() starts with a
 * copy of the spec gets the same treatment.
 * Source: capabilities(7), "Effect of user ID changes" and "Transformation during execve()".
 */
#include "isolators/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/join.h"
#include "isolators/oci.h"
#include "isolators/rows.h"

#define CAP_BIT(c)   (UINT64_C(1) << (c))
#define CAPS_BITS    64
#define OOM_TEXT_MAX 16

static bool cap_known(unsigned int cap)
{
	return cap < CAPS_BITS && cap < (unsigned int)cap_max_bits();
}

uint64_t caps_known(void)
{
	uint64_t caps = 0;

	for (unsigned int c = 0; cap_known(c); c++)
		caps |= CAP_BIT(c);
	return caps;
}

static int cap_parse(const char *name, unsigned int *ret)
{
	char full[CAPS_NAME_MAX];
	cap_value_t cap;
	int n;

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")] != '\0')
		return -EINVAL; /* the library would take numbers, too */
	n = snprintf(full, sizeof(full), "cap_%s", name);
	if (n < 0 || (size_t)n >= sizeof(full) || cap_from_name(full, &cap) < 0)
		return -EINVAL;
	if (cap < 0 || !cap_known((unsigned int)cap))
		return -EINVAL;
	*ret = (unsigned int)cap;
	return 0;
}

int caps_from_names(char *const *names, uint64_t *ret, const char **ret_bad)
{
	uint64_t caps = 0;
	unsigned int cap;

	for (size_t i = 0; names[i]; i++) {
		if (cap_parse(names[i], &cap) < 0) {
			if (ret_bad)
				*ret_bad = names[i];
			return -EINVAL;
		}
		caps |= CAP_BIT(cap);
	}
	*ret = caps;
	return 0;
}

static void cap_text(unsigned int cap, char *buf, size_t size)
{
	char *name = cap_to_name((cap_value_t)cap); /* "cap_chown", or "41" */

	(void)snprintf(buf, size, "%s", name ? name : "?"); /* names are short */
	for (char *p = buf; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	if (name)
		(void)cap_free(name); /* it came from the library */
}

char *caps_to_text(uint64_t caps, char *buf, size_t size)
{
	char name[CAPS_NAME_MAX];
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	for (unsigned int c = 0; c < CAPS_BITS; c++) {
		int n;

		if (!(caps & CAP_BIT(c)) || len >= size)
			continue;
		cap_text(c, name, sizeof(name));
		n = snprintf(buf + len, size - len, "%s%s", len ? " " : "", name);
		len += n > 0 ? (size_t)n : 0;
	}
	return buf;
}

int caps_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &hdr, data) < 0)
		return -errno;
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

static bool is_mapped(const struct ct_spec *spec, bool user, uint32_t id)
{
	const struct oci_maps *m;

	if (!(spec->namespaces & CLONE_NEWUSER))
		return true;
	if (!spec->oci)
		return id < spec->idmap.nr;
	m = user ? &spec->oci->uids : &spec->oci->gids;
	for (size_t i = 0; i < m->nr; i++)
		if (id >= m->items[i].inside && id - m->items[i].inside < m->items[i].nr)
			return true;
	return false;
}

static int check_id(const struct ct_spec *spec, const char *key, uint32_t id, struct why *why)
{
	if (id == UINT32_MAX)
		return why_set(why, -EINVAL, "%s=%" PRIu32 ": allowed is 0..%" PRIu32, key, id,
			       UINT32_MAX - 1);
	if (is_mapped(spec, key[0] == 'u', id))
		return 0;
	if (spec->oci)
		return why_set(why, -EINVAL,
			       "process.user: %s=%" PRIu32 " is not mapped in the container's user "
			       "namespace",
			       key, id);
	return why_set(why, -EINVAL,
		       "%s=%" PRIu32 " is not mapped in the container's user namespace: "
		       "it has %" PRIu32 " ids from 0 on",
		       key, id, spec->idmap.nr);
}

static int check_ids(const struct ct_spec *spec, const struct ct_process *p, struct why *why)
{
	int err = check_id(spec, "uid", p->uid, why);

	if (!err)
		err = check_id(spec, "gid", p->gid, why);
	for (size_t i = 0; !err && i < p->additional_gids_nr; i++)
		err = check_id(spec, "additional_gids", p->additional_gids[i], why);
	return err;
}

static int check_caps(const struct ct_spec *spec, const struct ct_process *p, struct why *why)
{
	uint64_t own = 0, unknown = p->capabilities & ~caps_known();
	char text[CAPS_TEXT_MAX];
	int err;

	if (unknown)
		return why_set(why, -EINVAL, "capabilities: this kernel has no %s",
			       caps_to_text(unknown, text, sizeof(text)));
	if (ns_has_user(spec))
		return 0; /* a new user namespace starts with all of them */
	err = caps_permitted(&own);
	if (err)
		return why_set(why, err, "capabilities of the agent");
	if (p->capabilities & ~own)
		return why_set(why, -EPERM, "capabilities: the agent itself lacks %s",
			       caps_to_text(p->capabilities & ~own, text, sizeof(text)));
	return 0;
}

int credentials_check(const struct ct_spec *spec, const struct ct_process *process, struct why *why)
{
	int err = check_ids(spec, process, why);

	if (!err)
		err = check_caps(spec, process, why);
	if (!err && process->oom_score_adj != INT_MIN &&
	    (process->oom_score_adj < -1000 || process->oom_score_adj > 1000))
		err = why_set(why, -EINVAL, "oom_score_adj=%d: allowed is -1000..1000",
			      process->oom_score_adj);
	return err;
}

static int credentials_prepare(struct isolation *iso)
{
	return credentials_check(iso->spec, &iso->spec->process, &iso->why);
}

static int oom_write(pid_t pid, int adj)
{
	char path[64], text[OOM_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%d", adj);

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, (size_t)n) < 0 ? -errno : 0;
}

static bool oom_own_protected(void)
{
	char text[OOM_TEXT_MAX] = "";
	cleanup_close int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && text[0] == '-';
}

int credentials_oom(pid_t pid, const struct ct_process *process, struct why *why)
{
	bool unset = process->oom_score_adj == INT_MIN;
	int err;

	if (unset && !oom_own_protected())
		return 0;
	err = oom_write(pid, unset ? 0 : process->oom_score_adj);
	if (err == -EACCES)
		return why_set(why, err,
			       "oom_score_adj=%d: the agent lacks CAP_SYS_RESOURCE, without which "
			       "it can't go below the agent's own",
			       process->oom_score_adj);
	if (err)
		return why_set(why, err, "oom_score_adj=%d", unset ? 0 : process->oom_score_adj);
	return 0;
}

static int credentials_attach(struct isolation *iso)
{
	struct why why = {0};
	int err = credentials_oom(iso->pid, &iso->spec->process, &why);

	if (err == -EACCES && iso->spec->oci && iso->spec->oci->unprivileged)
		return 0; /* it is as likely to be killed as who makes it */
	if (err && !iso->why.text[0])
		iso->why = why;
	return err;
}

/* The kernel's list ends where it says EINVAL. One that is not there is dropped like the others. */
static int enter_bounding(uint64_t caps)
{
	for (unsigned int c = 0; c < CAPS_BITS; c++) {
		if (caps & CAP_BIT(c) || weakened("bounding") ||
		    !prctl(PR_CAPBSET_DROP, c, 0, 0, 0))
			continue;
		return errno == EINVAL ? 0 : -errno;
	}
	return 0;
}

/* Raw calls: the C library's would signal threads that this child does not have. */
static int enter_ids(struct isolation *iso, const struct ct_process *p)
{
	iso->step = "setgroups";
	if (!weakened("groups") && !(iso->spec->oci && iso->spec->oci->keep_groups) &&
	    syscall(SYS_setgroups, p->additional_gids_nr, p->additional_gids) < 0)
		return -errno;
	iso->step = "setresgid";
	if (syscall(SYS_setresgid, p->gid, p->gid, p->gid) < 0)
		return -errno;
	iso->step = "setresuid";
	return syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0 ? -errno : 0;
}

/*
 * The sets of a process, from the letter of a config.json or from the one set of a task. A filter
 * that is loaded without no_new_privs needs CAP_SYS_ADMIN until then: what the bounding and the
 * ambient set have not is lost at execve, so that the program never has it.
 */
static struct oci_caps sets_of(const struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;
	uint64_t c = p->capabilities, ambient = p->uid ? c : 0;
	struct oci_caps caps = {c, c, c, weakened("inheritable") ? c : ambient, ambient};

	if (!iso->spec->oci)
		return caps;
	caps = iso->spec->oci->process.caps;
	if (iso->spec->seccomp && !p->no_new_privileges) {
		caps.permitted |= CAP_BIT(CAP_SYS_ADMIN);
		caps.effective |= CAP_BIT(CAP_SYS_ADMIN);
	}
	return caps;
}

static int enter_capset(const struct oci_caps *caps)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(caps->effective >> (32 * i));
		data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &hdr, data) < 0 ? -errno : 0;
}

static int enter_ambient(uint64_t caps)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (unsigned int c = 0; c < CAPS_BITS; c++)
		if ((caps & CAP_BIT(c)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return -errno;
	return 0;
}

static int credentials_enter(struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;
	struct oci_caps caps = sets_of(iso);
	int err;

	/* a directory that is root's alone is none that the user could go to later */
	iso->early_cwd = iso->spec->oci && !chdir(p->cwd);
	iso->step = "PR_CAPBSET_DROP";
	err = enter_bounding(caps.bounding);
	if (err)
		return err;
	iso->step = "PR_SET_KEEPCAPS"; /* or setresuid would empty the permitted set */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	err = enter_ids(iso, p);
	if (err)
		return err;
	iso->step = "capset";
	err = enter_capset(&caps);
	if (err)
		return err;
	iso->step = "PR_CAP_AMBIENT";
	err = enter_ambient(caps.ambient);
	if (err)
		return err;
	iso->step = "PR_SET_KEEPCAPS";
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	iso->step = "PR_SET_NO_NEW_PRIVS";
	if (p->no_new_privileges && !weakened("no_new_privs") &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int credentials_probe(const struct iso_host *host, struct iso_probe *ret)
{
	char text[CAPS_TEXT_MAX];
	uint64_t own = 0, lacks;
	int err = caps_permitted(&own);

	(void)host; /* the same for every subtree */
	ret->name = "capabilities";
	ret->ok = !err && (own & CAP_BIT(CAP_SETPCAP)) && (own & CAP_BIT(CAP_SETUID)) &&
		  (own & CAP_BIT(CAP_SETGID));
	lacks = caps_known() & ~own;
	(void)snprintf(ret->how, sizeof(ret->how),
		       "user, groups, capability sets, no_new_privs%s%s",
		       lacks ? "; none can have here, without a user namespace: " : "",
		       caps_to_text(lacks, text, sizeof(text)));
	if (!ret->ok)
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "the agent lacks CAP_SETPCAP, CAP_SETUID or CAP_SETGID");
	return 0;
}

const struct isolator credentials_isolator = {
	.name = "credentials",
	.probe = credentials_probe,
	.prepare = credentials_prepare,
	.attach = credentials_attach,
	.every = true,
	.enter = credentials_enter,
};
