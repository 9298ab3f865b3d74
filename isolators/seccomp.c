// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls that a container may make. The profile is compiled (or found) before the
 * process exists and installed as the last act before execve, so that the filter judges the
 * program and nothing of the agent's own but execve itself.
 * A supervisor of the profile's answers calls that are left to it: seccomp_notify.c.
 * What it can't do: pointers are not followed.
 */
#include "isolators/seccomp.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/rows.h"
#include "isolators/seccomp_notify.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

const struct sc_filter *seccomp_filter_of(const struct isolation *iso)
{
	return iso->priv[iso_index(&seccomp_isolator)];
}

static struct sc_filter *own(const struct isolation *iso)
{
	return iso->priv[iso_index(&seccomp_isolator)];
}

static void own_set(struct isolation *iso, struct sc_filter *f)
{
	iso->priv[iso_index(&seccomp_isolator)] = f;
}

static bool kernel_has_action(uint32_t action)
{
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* With the flags right and no program the kernel says EFAULT; EINVAL: it has no such flag. */
static bool kernel_has_flags(unsigned int flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

static int seccomp_row_probe(const struct iso_host *host, struct iso_probe *ret)
{
	const struct scmp_version *v = seccomp_version();

	(void)host; /* the same for every subtree */
	ret->name = "seccomp";
	ret->ok = kernel_has_flags(0) && kernel_has_action(SECCOMP_RET_KILL_PROCESS) &&
		  kernel_has_action(SECCOMP_RET_LOG);
	(void)snprintf(ret->how, sizeof(ret->how), "OCI profiles compiled by libseccomp %u.%u.%u",
		       v->major, v->minor, v->micro);
	if (!ret->ok)
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "seccomp(2) lacks SECCOMP_RET_KILL_PROCESS or SECCOMP_RET_LOG: %m");
	return 0;
}

static int check(struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;

	if (iso->spec->oci || p->no_new_privileges || (p->capabilities & CAP_BIT(CAP_SYS_ADMIN)))
		return 0;
	return iso_fail(iso, -EINVAL,
			"seccomp: no_new_privileges=false is allowed only with CAP_SYS_ADMIN or "
			"unconfined, because the kernel lets nobody else install a filter");
}

static void warn(struct isolation *iso, const struct sc_info *info)
{
	if (info->undenied_nr)
		iso_warn(iso,
			 "seccomp: %u system calls that the profile denies are unknown to this "
			 "libseccomp and stay allowed, among: %s",
			 info->undenied_nr, info->unknown);
	if (info->void_nr)
		iso_warn(iso, "seccomp: %s (%u like this)", info->void_text, info->void_nr);
	if (info->socketcall_hole)
		iso_warn(iso, "seccomp: 32-bit programs can avoid what the profile compares for "
			      "sockets, by socketcall(2)");
}

/* A call that nobody answers would be ENOSYS, which is not what such a profile means. */
static int filter_get(struct isolation *iso, struct sc_filter **ret, struct why *why)
{
	const struct ct_spec *spec = iso->spec;
	const struct sc_info *info;
	struct sc_filter *f;
	int err = sc_cache_get(iso->host->seccomp_cache, spec->seccomp, spec->process.capabilities,
			       &f, why);

	if (err)
		return err;
	info = sc_filter_info(f);
	if (info->listener && !(info->notifies && info->listener_path[0])) {
		(void)sc_filter_unref(f); /* always NULL */
		return why_set(why, -EINVAL,
			       "seccomp: SCMP_ACT_NOTIFY leaves calls to a supervisor, and "
			       "listenerPath says where it listens: both are needed, or none");
	}
	*ret = f;
	return 0;
}

/* TSYNC goes with no listener, and is not asked for then: sc_load_notify(). */
static unsigned int listener_flag(const struct sc_filter *f)
{
	unsigned int tsync = sc_filter_info(f)->flags & SECCOMP_FILTER_FLAG_TSYNC;

	return sc_filter_info(f)->listener && !tsync ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
}

static int seccomp_prepare(struct isolation *iso)
{
	struct sc_filter *f;
	int err;

	if (!iso->spec->seccomp)
		return 0;
	err = check(iso);
	if (!err)
		err = filter_get(iso, &f, &iso->why);
	if (err)
		return err;
	if (!kernel_has_flags(sc_filter_info(f)->flags | listener_flag(f))) {
		(void)sc_filter_unref(f); /* always NULL */
		return iso_fail(iso, -EINVAL, "seccomp: /flags: this kernel lacks one of them");
	}
	warn(iso, sc_filter_info(f));
	own_set(iso, f);
	return 0;
}

/* For processes that ct_exec() will start; without the filter these are refused. */
static int seccomp_recover(struct isolation *iso)
{
	struct sc_filter *f;
	struct why why = {0};

	if (!iso->spec->seccomp)
		return 0;
	if (filter_get(iso, &f, &why) < 0) {
		iso_warn(iso, "nothing more can be run in it: %s", why.text);
		return 0;
	}
	own_set(iso, f);
	return 0;
}

static int seccomp_enter(struct isolation *iso)
{
	const struct sc_filter *f = own(iso);

	if (!iso->spec->seccomp || weakened("seccomp"))
		return 0;
	iso->step = "seccomp";
	if (!f)
		return -ENOKEY; /* see seccomp_recover() */
	if (!sc_filter_info(f)->listener)
		return sc_load(f);
	iso->step = "seccomp: handing the listener to /listenerPath";
	return sc_load_notify(f, iso->notify_fd, iso->notify_state, iso->pid);
}

static void seccomp_cleanup(struct isolation *iso)
{
	own_set(iso, sc_filter_unref(own(iso)));
}

const struct isolator seccomp_isolator = {
	.name = "seccomp",
	.late = true,
	.probe = seccomp_row_probe,
	.prepare = seccomp_prepare,
	.every = true,
	.enter = seccomp_enter,
	.recover = seccomp_recover,
	.cleanup = seccomp_cleanup,
	.release = seccomp_cleanup,
};
