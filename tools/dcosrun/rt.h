/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dcosrun: an OCI runtime. Between its files: what the command line said, and the directory in
 * which a container is remembered, ROOT/ID:
 *   config.json   as it was at create
 *   state.json    where and what it is; written once its process waits
 *   start.sock    of a container that was created and is not started
 */
#ifndef DCOS_DCOSRUN_RT_H
#define DCOS_DCOSRUN_RT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/container.h"
#include "agent/lib/why.h"
#include "isolators/seccomp.h"
#include "tools/common/options.h"
#include "tools/dcosrun/config.h"

#define RT_ROOT	       "/run/dcosrun" /* of root; of others below $XDG_RUNTIME_DIR */
#define RT_OCI_VERSION "1.2.0"
#define RT_SOCKET      "start.sock"
#define RT_STATE       "state.json"
#define RT_CONFIG      "config.json"
#define RT_STATE_MAX   (32U << 20) /* bytes of these files */
#define RT_FROZEN_MS   5000 /* how long pause waits */

/* The whole program's options. */
struct rt {
	const char *root, *log, *log_format, *cgroup_manager, *rootless, *log_level, *criu;
	bool debug, systemd_cgroup, no_cgroup, help, version;
	char **argv; /* of main() */
	char *default_root; /* owned */
	pid_t holder; /* keeps a scope of systemd's until the container is in it; 0 none */
	struct sc_cache *filters; /* owned; NULL: not yet needed */
	struct why why;
};

struct rt_box;

struct rt_command {
	const char *name, *args, *help;
	const struct opt_row *options; /* NULL: none */
	size_t options_size;
	int operands_min, operands_max;
	bool operands_end_options;
	bool clones; /* a program of somebody else's is started from a copy of us */
	/* run - Return: the exit status; -errno with the sentence in rt->why */
	int (*run)(struct rt *rt, void *options, char **argv, int argc);
	/* run_on - instead, for a container that is there; @argv is what follows its id */
	int (*run_on)(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc);
};

extern const struct rt_command rt_create, rt_start, rt_run, rt_state_command, rt_kill, rt_delete,
	rt_exec, rt_list, rt_ps, rt_pause, rt_resume, rt_update, rt_events, rt_spec, rt_features,
	rt_checkpoint, rt_restore;

/* status of the specification's state, and "paused" as all runtimes have it */
enum rt_status { RT_CREATING, RT_CREATED, RT_RUNNING, RT_PAUSED, RT_STOPPED };

/* A container that is remembered. */
struct rt_box {
	char *id;
	int dir; /* ROOT/ID */
	json_t *state; /* state.json; NULL: it is being created, or was left half made */
	const char *bundle; /* borrowed from @state, like the next */
	const char *cgroup; /* below the mount of cgroup2; NULL: it has none of its own */
	pid_t pid;
	uint64_t pid_start;
	int pidfd; /* -1: it has ended */
	int cgroup_parent; /* directory above its cgroup, of ours if it has none; -1 none */
	int cgroup_fd; /* -1: gone */
	enum rt_status status;
};

/** rt_box_make - the directory of a new container. Return: 0; -EEXIST; -EINVAL the id; -errno */
int rt_box_make(struct rt *rt, const char *id, struct rt_box *ret);

/** rt_box_open - what is known of a container. Return: 0; -ENOENT; -errno */
int rt_box_open(struct rt *rt, const char *id, struct rt_box *ret);

/** rt_box_close - let go of it; it stays remembered */
void rt_box_close(struct rt_box *b);

/** rt_box_forget - remove its directory */
int rt_box_forget(struct rt *rt, struct rt_box *b);

/** rt_box_write - a file of its directory, whole or not at all */
int rt_box_write(struct rt *rt, struct rt_box *b, const char *file, const char *text);

/**
 * rt_box_save - write state.json
 * @pid: of its process; 0: it is being made, and its cgroup may have something to be killed
 */
int rt_box_save(struct rt *rt, struct rt_box *b, const struct config *c, pid_t pid);

/** rt_box_config - its config.json, as it was at create */
int rt_box_config(struct rt *rt, struct rt_box *b, struct config *ret);

/** rt_box_owner - the name of who made it, its number without one; until the next call */
const char *rt_box_owner(const struct rt_box *b);

/** rt_box_cgroup - refuse one without a cgroup of its own. Return: 0; -EINVAL; -ENOENT */
int rt_box_cgroup(struct rt *rt, const struct rt_box *b);

/**
 * rt_box_pids - the processes of a container: those in its cgroup, and without one, those in its
 * own pid namespace and below
 * @f: gets each
 * Return: 0; -EINVAL it has neither; -errno.
 */
int rt_box_pids(struct rt *rt, const struct rt_box *b, void (*f)(pid_t pid, void *ctx), void *ctx);

/** rt_box_living - refuse one that is not created, running or paused. Return: 0; -EINVAL */
int rt_box_living(struct rt *rt, const struct rt_box *b);

/** rt_status_name - "created" */
const char *rt_status_name(enum rt_status s);

/**
 * rt_state_json - the state of the specification
 * @pid: 0: none is said
 */
json_t *rt_state_json(const char *id, const char *bundle, const char *status, pid_t pid,
		      json_t *annotations);

/**
 * rt_cgroup_make - the place of a container's cgroup
 * @c: its cgroupsPath; c->oci.cgroup is set
 * @ret_path: malloc'd, of the cgroup below the mount
 * Return: a descriptor of the directory above it, made if missing, with controllers on; -errno.
 */
int rt_cgroup_make(struct rt *rt, struct config *c, const char *id, char **ret_path);

/** rt_cgroup_own - the cgroup that we are in. Return: descriptor; -1 there is none */
int rt_cgroup_own(void);

/**
 * rt_scope_make - a scope of systemd's for a container
 * @ret_path: malloc'd, of its cgroup below the mount
 * Return: 0, and rt_scope_begun() when the container's process is in it; -errno.
 */
int rt_scope_make(struct rt *rt, struct config *c, const char *id, char **ret_path);

/** rt_scope_begun - nothing has to hold the scope any longer; harmless without one */
void rt_scope_begun(struct rt *rt);

/** rt_cgroup_open - a cgroup by its path below the mount. Return: descriptor or -errno */
int rt_cgroup_open(const char *path, struct why *why);

/**
 * rt_hooks - hooks in the runtime's own namespaces
 * One that fails ends it, but for poststart and poststop: there it is told in the log.
 */
int rt_hooks(struct config *c, enum config_hooks stage, const char *status, const char *id,
	     pid_t pid, struct why *why);

/**
 * rt_make - build a container up to where it waits for its start
 * @b: from rt_box_make(), gets its state
 * @ret: ct_release(), or ct_start()
 */
int rt_make(struct rt *rt, struct rt_box *b, struct config *c, const struct ct_stdio *stdio,
	    struct container **ret);

/** rt_start_listen - the socket from which the start comes. Return: descriptor or -errno */
int rt_start_listen(struct rt *rt, struct rt_box *b);

/** rt_start_connect - its other end. Return: descriptor or -errno */
int rt_start_connect(struct rt *rt, struct rt_box *b);

/** rt_is_rootless - whether this is not root of the host */
bool rt_is_rootless(void);

/** rt_rootless - fit a configuration to who makes it. Return: 0; -EPERM it needs privileges */
int rt_rootless(struct rt *rt, struct config *c);

/**
 * rt_undo - kill what lives, run the poststop hooks, forget
 * @c: its configuration; NULL: it is read where it is remembered
 */
int rt_undo(struct rt *rt, struct rt_box *b, struct config *c);

/** rt_filters - compiled filters, kept below the root for the next container; may be NULL */
struct sc_cache *rt_filters(struct rt *rt);

/** rt_config_new - zeroed, with warnings to the log */
void rt_config_new(struct config *c);

/** rt_bundle - absolute path of a bundle, malloc'd; NULL: why is set */
char *rt_bundle(struct rt *rt, const char *path);

/** rt_pid_file - write a number to a file, whole or not at all */
int rt_pid_file(struct rt *rt, const char *path, pid_t pid);

struct sockaddr_un;

/** rt_address - of a socket in a directory, whose path may be longer than an address. 0 or -errno */
int rt_address(int dir, const char *name, struct sockaddr_un *ret);

/**
 * rt_connect - connect to a socket that an option names
 * @option: for the sentence, e.g. "--console-socket"
 * Return: descriptor or -errno.
 */
int rt_connect(struct rt *rt, const char *option, const char *path);

/** rt_pidfd_send - --pidfd-socket; @path NULL: not asked for. Return: 0 or -errno */
int rt_pidfd_send(struct rt *rt, const char *path, int pidfd);

/**
 * rt_preserve - what the program keeps open: sockets of the service manager, then @more
 * Its environment tells it of the sockets. Return: 0 or -errno.
 */
int rt_preserve(struct rt *rt, const struct opt_u64 *more, struct config *c);

/** rt_terminal_pair - a console socket of our own; [0] is ours */
int rt_terminal_pair(struct rt *rt, int ret[2]);

/**
 * rt_attend - stay with a process: its signals are ours, and its terminal
 * @console: our end of rt_terminal_pair(), -1: no terminal
 * Return: its exit status, 128 + signal if one ended it; -errno.
 */
int rt_attend(struct rt *rt, pid_t pid, int pidfd, int console);

/** rt_stdio - our own streams */
static inline struct ct_stdio rt_stdio(void)
{
	return (struct ct_stdio){0, 1, 2};
}

/** rt_read_json - a document from a file, "-" is standard input */
int rt_read_json(struct rt *rt, const char *path, json_t **ret);

/** rt_log_open - where messages go */
int rt_log_open(struct rt *rt);

/** rt_warn - one line of the log */
void rt_warn(const char *text);

/** rt_fail - the last line of the log, and of standard error. Return: 1 */
int rt_fail(const char *text);

#endif
