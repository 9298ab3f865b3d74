// SPDX-License-Identifier: Apache-2.0
/* The secure defaults of a container, and the end of a spec. Parses nothing. */
#include "isolators/spec.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

/*
 * What a service needs that starts as root in its image, drops to a user of its own and listens
 * below port 1024. Left out of what container engines commonly give: mknod (devices are bound),
 * raw sockets, the audit log.
 */
static const uint64_t default_capabilities =
	CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |
	CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETPCAP) |
	CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_SYS_CHROOT);

/* Kernel memory, other tenants' activity, hardware: nothing below these can be read. */
static const char *const default_masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	NULL,
};

/* Switches of the whole host. */
static const char *const default_readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static void strings_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

/* A copy of a NULL-terminated array, or NULL. */
static char **strings_dup(const char *const *v)
{
	size_t nr = 0;
	char **copy;

	while (v[nr])
		nr++;
	copy = calloc(nr + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < nr; i++) {
		copy[i] = strdup(v[i]);
		if (!copy[i]) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

int ct_spec_defaults(struct ct_spec *spec)
{
	static const char *const nothing[] = {NULL};
	struct ct_spec s = {
		.process.umask = 0022,
		.process.capabilities = default_capabilities,
		.process.no_new_privileges = true,
		.process.oom_score_adj = INT_MIN,
		.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
			      CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWUSER,
		.resources =
			{
				.cpu_quota_us = CT_UNSET,
				.cpu_period_us = CT_PERIOD_US,
				.cpu_burst_us = CT_UNSET,
				.cpu_weight = CT_UNSET,
				.memory_max_bytes = CT_UNSET,
				.memory_high_bytes = CT_UNSET,
				.memory_low_bytes = CT_UNSET,
				.memory_swap_max_bytes = CT_UNSET,
				.pids_max = CT_UNSET,
				.fork_rate = CT_UNSET,
				.io_weight = CT_UNSET,
				.egress_bps = CT_UNSET,
				.ingress_bps = CT_UNSET,
				.egress_burst_bytes = CT_UNSET,
				.ingress_burst_bytes = CT_UNSET,
			},
	};

	s.process.env = strings_dup(nothing);
	s.process.cwd = strdup("/");
	s.masked_paths = strings_dup(default_masked);
	s.readonly_paths = strings_dup(default_readonly);
	if (!s.process.env || !s.process.cwd || !s.masked_paths || !s.readonly_paths) {
		ct_spec_free(&s);
		return -ENOMEM;
	}
	*spec = s;
	return 0;
}

void ct_spec_free(struct ct_spec *spec)
{
	if (!spec)
		return;
	free(spec->id);
	strings_free(spec->process.args);
	strings_free(spec->process.env);
	free(spec->process.cwd);
	free(spec->process.additional_gids);
	free(spec->process.rlimits);
	free(spec->root.path);
	free(spec->root.work);
	free(spec->hostname);
	for (size_t i = 0; spec->mounts && i < spec->mounts_nr; i++) {
		free(spec->mounts[i].source);
		free(spec->mounts[i].destination);
	}
	free(spec->mounts);
	free(spec->devices);
	free(spec->guard);
	free(spec->publish);
	if (!spec->seccomp_is_constant)
		free((char *)spec->seccomp);
	strings_free(spec->masked_paths);
	strings_free(spec->readonly_paths);
	memset(spec, 0, sizeof(*spec)); /* a second call is harmless */
}

bool ct_id_valid(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-.";
	size_t len;

	if (!id || id[0] == '.')
		return false;
	len = strspn(id, allowed);
	return len > 0 && len <= CT_ID_MAX && id[len] == '\0';
}
