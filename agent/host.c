// SPDX-License-Identifier: Apache-2.0
/* The host made ready for tasks. */
#include "agent/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/breach.h"
#include "agent/forkrate.h"
#include "agent/governor.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/netguard.h"
#include "agent/netquota.h"
#include "agent/procfs.h"
#include "agent/scx.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/devices.h"
#include "isolators/seccomp.h"

#define HOST_CONTROLLERS (CG_CPU | CG_MEMORY | CG_PIDS | CG_IO)
#define LOCK_TRIES	 100
#define LOCK_PAUSE_NS	 10000000L
#define METER_TRIES	 2
#define FDS_WANTED	 65536 /* some for each task and each connection */

static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (!mkdir(path, mode))
		return 0;
	if (errno != EEXIST || stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* mkdir -p; @mode is for the last component */
static int make_dirs(const char *path, mode_t mode)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		int err;

		*p = '\0';
		err = make_dir(copy, 0755);
		if (err)
			return err;
		*p = '/';
	}
	return make_dir(copy, mode);
}

static int make_below(const char *dir, const char *name, mode_t mode, struct why *why)
{
	cleanup_free char *path = NULL;
	int err;

	if (asprintf(&path, "%s%s%s", dir, *name ? "/" : "", name) < 0)
		return -ENOMEM;
	err = make_dirs(path, mode);
	return err ? why_set(why, err, "directory %s", path) : 0;
}

static int make_directories(const struct config *cfg, struct why *why)
{
	return make_below(cfg->state_dir, "", 0755, why) ?:
	       make_below(cfg->state_dir, "tasks", 0700, why) ?:
	       make_below(cfg->state_dir, "logs", 0750, why) ?:
	       make_below(cfg->state_dir, "rootfs", 0711, why) ?:
	       make_below(cfg->run_dir, "", 0755, why);
}

/*
 * Not at once: a child of an agent that was killed while it launched a task has the lock too, for
 * the moment that it needs to find its parent dead.
 */
static int lock(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		(void)nanosleep(&pause, NULL); /* shorter does no harm */
	}
	return 0;
}

static int lock_state(struct node *n, struct why *why)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/lock", n->cfg->state_dir) < 0)
		return -ENOMEM;
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return why_set(why, -errno, "%s", path);
	if (lock(fd))
		return why_set(why, -EBUSY, "state_dir=%s is used by another agent",
			       n->cfg->state_dir);
	n->lock_fd = take_fd(&fd);
	return 0;
}

/* Turn the controllers on from the hierarchy's root down to the agent's own subtree. */
static void enable_path(int mount_fd, const char *path)
{
	unsigned int on;

	for (size_t len = 0;; len++) {
		cleanup_free char *part = NULL;

		len += strcspn(path + len, "/");
		part = strndup(path, len);
		if (!part)
			return;
		cleanup_close int fd = cg_open(mount_fd, *part ? part : ".", false);

		if (fd >= 0)
			(void)cg_enable(fd, HOST_CONTROLLERS, &on); /* doctor says what is on */
		if (!path[len])
			return;
	}
}

static int open_cgroup(struct node *n, struct why *why)
{
	const char *path = n->cfg->cgroup_path + 1; /* without the slash */
	cleanup_free char *mnt = NULL;
	unsigned int on;
	int err = cg_find_mount("/proc/self/mountinfo", &mnt);

	if (err)
		return why_set(why, err, "cgroup2 is not mounted");
	cleanup_close int root = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return why_set(why, -errno, "%s", mnt);
	cleanup_close int fd = cg_open(root, path, true);

	if (fd < 0)
		return why_set(why, fd, "cgroup %s%s", mnt, n->cfg->cgroup_path);
	if (lock(fd))
		return why_set(why, -EBUSY, "path=%s in [cgroup] is used by another agent",
			       n->cfg->cgroup_path);
	(void)cg_enable(root, HOST_CONTROLLERS, &on); /* doctor says what is on */
	enable_path(root, path);
	n->cgroup_path = strdup(n->cfg->cgroup_path);
	n->host.cgroup_fd = take_fd(&fd);
	return n->cgroup_path ? 0 : -ENOMEM;
}

/* Connections and tasks need more than the 1024 that shells give; with less, less is served. */
static void raise_fds(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= FDS_WANTED)
		return;
	l.rlim_cur = l.rlim_max < FDS_WANTED ? l.rlim_max : FDS_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &l))
		log_warn("RLIMIT_NOFILE: %s", strerror(errno));
}

int host_setup(struct node *n, struct why *why)
{
	size_t words = (n->cfg->userns_count + 63) / 64;
	int err;

	raise_fds();
	n->host.cgroup_fd = n->lock_fd = n->pins_fd = -1;
	n->host.state_dir = n->cfg->state_dir;
	n->host.run_dir = n->cfg->run_dir;
	n->host.net = &n->cfg->net_pool;
	n->host.net6 = &n->cfg->net_pool6;
	n->host.nat = &n->cfg->net_nat;
	n->host.dns = &n->cfg->net_dns;
	n->host.devices = devices_cache_new(); /* without either containers start slower */
	n->host.seccomp_cache = sc_cache_new(NULL);
	n->ncpu = (int)sysconf(_SC_NPROCESSORS_ONLN);
	n->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	n->started_unix_us = unix_now_us();
	n->idmaps = calloc(words, sizeof(*n->idmaps));
	if (!n->idmaps)
		return why_set(why, -ENOMEM, "userns_count=%u", n->cfg->userns_count);
	err = proc_boot_id(n->boot_id);
	if (err)
		return why_set(why, err, "/proc/sys/kernel/random/boot_id");
	err = make_directories(n->cfg, why) ?: lock_state(n, why) ?: open_cgroup(n, why);
	return err;
}

/* Mounted in the mount namespace we were started in, so that the pins outlive the agent. */
static int mount_bpffs(const char *path, struct why *why)
{
	struct statfs fs;
	int err = make_dirs(path, 0700);

	if (err)
		return why_set(why, err, "bpffs=%s", path);
	if (!statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return why_set(why, -errno, "bpffs=%s: mount", path);
	log_notice("mounted bpffs at %s", path);
	return 0;
}

/* The meter of another agent would lose its slots to us. */
static int lock_pins(struct node *n, const char *pins)
{
	int err = make_dirs(pins, 0700);

	if (err)
		return why_set(&n->meter_why, err, "%s", pins);
	cleanup_close int fd = open(pins, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return why_set(&n->meter_why, -errno, "%s", pins);
	if (lock(fd))
		return why_set(&n->meter_why, -EBUSY, "pin_dir=%s is used by another agent",
			       n->cfg->pin_dir);
	n->pins_fd = take_fd(&fd);
	return 0;
}

void host_meter(struct node *n)
{
	cleanup_free char *pins = NULL;

	if (mount_bpffs(n->cfg->bpffs, &n->meter_why))
		return;
	if (asprintf(&pins, "%s/%s", n->cfg->bpffs, n->cfg->pin_dir) < 0)
		return;
	if (lock_pins(n, pins))
		return;
	/* without it, the codes of what ended meanwhile are lost: a moment's shortage shall not do that */
	for (int i = 0; i < METER_TRIES && !n->meter; i++) {
		n->meter_why.text[0] = '\0';
		(void)meter_open(pins, n->host.cgroup_fd, &n->meter,
				 &n->meter_why); /* why: said later */
	}
	if (n->meter)
		n->host.meter = meter_iso(n->meter);
}

static bool has_cpu_controller(const struct node *n)
{
	unsigned int on = 0;

	return !cg_subtree_controllers(n->host.cgroup_fd, &on) && on & CG_CPU;
}

static bool wants_governor(const struct node *n)
{
	if (n->cfg->cpu_enforcer == CPU_CFS || n->cfg->cpu_enforcer == CPU_GOVERNOR)
		return n->cfg->cpu_enforcer == CPU_GOVERNOR;
	return !has_cpu_controller(n);
}

void host_scx(struct node *n)
{
	if (n->cfg->cpu_enforcer != CPU_SCX) {
		if (n->meter)
			(void)scx_dismiss(n->meter); /* mostly there is none */
		return;
	}
	/* without it, nothing would hold quotas once the scheduler is ejected */
	if (!has_cpu_controller(n))
		(void)why_set(&n->scx_why, -EOPNOTSUPP, "there is no cpu controller");
	else if (!n->meter)
		(void)why_set(&n->scx_why, -EOPNOTSUPP, "there is no meter");
	else if (!scx_open(n->meter, &n->scx, &n->scx_why))
		n->host.scx = scx_iso(n->scx);
}

void host_scx_check(struct node *n)
{
	if (!n->host.scx || scx_runs(n->scx, &n->scx_why))
		return;
	n->host.scx = NULL;
	free(n->doctor); /* its answer was another one */
	n->doctor = NULL;
	log_err("the kernel has ejected the scheduler of tasks, cpu.max holds their quotas: %s",
		n->scx_why.text);
}

void host_governor(struct node *n)
{
	if (!wants_governor(n)) {
		if (n->meter)
			(void)governor_dismiss(n->meter, n->host.cgroup_fd); /* mostly none was */
		return;
	}
	if (!n->meter)
		(void)why_set(&n->governor_why, -EOPNOTSUPP, "there is no meter");
	else if (!governor_open(n->meter, n->host.cgroup_fd, &n->governor, &n->governor_why))
		n->host.governor = governor_iso(n->governor);
}

void host_memory(struct node *n)
{
	unsigned int on = 0;

	n->host.memory_meter =
		n->meter && meter_has(n->meter, METER_WALK, NULL) &&
		(cg_subtree_controllers(n->host.cgroup_fd, &on) || !(on & CG_MEMORY));
}

void host_forkrate(struct node *n)
{
	if (!n->meter)
		(void)why_set(&n->forkrate_why, -EOPNOTSUPP, "there is no meter");
	else if (!forkrate_open(n->meter, &n->forkrate, &n->forkrate_why))
		n->host.forkrate = forkrate_iso(n->forkrate);
}

void host_netquota(struct node *n)
{
	if (!n->meter)
		(void)why_set(&n->netquota_why, -EOPNOTSUPP, "there is no meter");
	else if (!netquota_open(n->meter, &n->netquota, &n->netquota_why))
		n->host.netquota = netquota_iso(n->netquota);
}

/* By the cgroup, which is the task's as long as it has not ended. */
static struct task *task_of(const struct node *n, uint64_t cgroup_id)
{
	for (int i = 0; i < n->tasks_nr; i++)
		if (n->tasks[i]->cgroup_id == cgroup_id)
			return n->tasks[i];
	return NULL;
}

static void denied(void *data, const struct dcos_denial *d)
{
	breach_denied(task_of(data, d->owner), d);
}

static int on_denials(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct node *n = userdata;

	(void)source;
	(void)fd;
	(void)events;
	netguard_read(n->guard);
	return 0;
}

void host_guard(struct node *n)
{
	int err;

	if (!n->meter) {
		(void)why_set(&n->guard_why, -EOPNOTSUPP, "there is no meter");
		return;
	}
	if (netguard_open(n->meter, denied, n, &n->guard, &n->guard_why))
		return;
	n->host.guard = netguard_iso(n->guard);
	err = sd_event_add_io(n->event, &n->guard_event, netguard_fd(n->guard), EPOLLIN, on_denials,
			      n);
	if (err < 0) /* the guards hold, and denials are counted */
		log_err("denials are not logged: %s", strerror(-err));
}

int host_thaw(const struct config *cfg, struct why *why)
{
	cleanup_free char *pins = NULL, *mnt = NULL;
	int err = cg_find_mount("/proc/self/mountinfo", &mnt);

	if (err)
		return why_set(why, err, "cgroup2 is not mounted");
	if (asprintf(&pins, "%s/%s", cfg->bpffs, cfg->pin_dir) < 0)
		return why_set(why, -ENOMEM, "%s", cfg->pin_dir);
	cleanup_close int root = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return why_set(why, -errno, "%s", mnt);
	return governor_thaw_pins(pins, root, why);
}

int host_isolate(struct why *why)
{
	if (unshare(CLONE_NEWNS))
		return why_set(why, -errno, "a mount namespace of its own");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return why_set(why, -errno, "making mounts private to the agent");
	return 0;
}

void host_release(struct node *n)
{
	n->host.scx = NULL;
	scx_close(n->scx); /* likewise, it goes on */
	n->scx = NULL;
	n->host.governor = NULL;
	governor_close(n->governor); /* before the meter that it stands on */
	n->governor = NULL;
	n->host.forkrate = NULL;
	forkrate_close(n->forkrate); /* rates go on to hold */
	n->forkrate = NULL;
	n->host.netquota = NULL;
	netquota_close(n->netquota); /* likewise */
	n->netquota = NULL;
	n->guard_event = sd_event_source_disable_unref(n->guard_event);
	n->host.guard = NULL;
	netguard_close(n->guard); /* likewise */
	n->guard = NULL;
	if (n->meter)
		meter_close(n->meter);
	n->meter = NULL;
	devices_cache_free(n->host.devices);
	n->host.devices = NULL;
	n->host.seccomp_cache = sc_cache_free(n->host.seccomp_cache);
	close_fd(&n->host.cgroup_fd);
	close_fd(&n->pins_fd);
	close_fd(&n->lock_fd);
	free(n->cgroup_path);
	free(n->idmaps);
}
