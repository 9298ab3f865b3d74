/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container, as a library: create, start, exec, kill, update, destroy. Knows no daemon, no API
 * and no lifecycle beyond "created, started, gone"; the agent's state.c and later the OCI runtime
 * stand on it. Every function is synchronous and bounded by CT_LAUNCH_DEADLINE_MS.
 */
#ifndef DCOS_CONTAINER_H
#define DCOS_CONTAINER_H

#include "isolators/isolator.h"

#define CT_LAUNCH_DEADLINE_MS 10000 /* a child that has not come so far by then is killed */

struct launch; /* agent/launch.h */

struct container {
	struct isolation iso; /* what the isolators see */
	struct launch *launch; /* while the process waits for start, else NULL */
};

/* Standard input, output and error of a process; -1: /dev/null */
struct ct_stdio {
	int in, out, err;
};

/**
 * ct_create - build a container up to the moment before its program runs
 * @host: shared by all containers, must outlive this one
 * @spec: must outlive the container; checked by the isolators
 * @stdio: for the program; not taken over
 * @ret: the container; its process exists, has every isolation but the late ones, and waits
 * @why: on failure one sentence with step, value and reason; may be NULL
 *
 * Nothing half-built stays on failure.
 * Return: 0; -EEXIST the id is in use; -EINVAL a value; or the failed step's -errno.
 */
int ct_create(const struct iso_host *host, const struct ct_spec *spec, const struct ct_stdio *stdio,
	      struct container **ret, struct why *why);

/**
 * ct_start - let the program run
 * @c: from ct_create(), not yet started
 * @why: on failure, e.g. "exec /bin/foo: No such file or directory"
 *
 * Returns after execve has happened or failed. On failure the process is gone, ct_destroy()
 * remains to be called.
 * Return: 0 or the failed step's -errno.
 */
int ct_start(struct container *c, struct why *why);

/**
 * ct_start_by - let the program of a container run that another process has created
 * @sync: connected to the listening socket that its spec had as oci->start_fd; taken over
 *
 * Returns after execve has happened or failed; its hooks have no deadline here.
 * Return: 0; -ECHILD its process has ended; the failed step's -errno.
 */
int ct_start_by(int sync, struct why *why);

/**
 * ct_exec - one more process in a running container, with the same isolation
 * @c: a started container
 * @process: what to run; capabilities beyond the container's own are -EPERM
 * @stdio: not taken over
 * @ret_pid: in the agent's pid namespace; the caller reaps it
 * @ret_pidfd: owned by the caller
 *
 * Has no_new_privs if the container has.
 * Return: 0; -ESRCH the container has ended; -EPERM; -EINVAL a value; or the failed step's -errno.
 */
int ct_exec(struct container *c, const struct ct_process *process, const struct ct_stdio *stdio,
	    pid_t *ret_pid, int *ret_pidfd, struct why *why);

/**
 * ct_signal - send a signal to the container's init
 * @sig: 1..64
 * Return: 0; -ESRCH it has ended.
 */
int ct_signal(struct container *c, int sig);

/**
 * ct_kill - SIGKILL every process of the container, now
 * By cgroup.kill, or by freezing and signalling where the kernel has none. Frozen ones die too.
 */
int ct_kill(struct container *c);

/**
 * ct_update - other limits for a running container, all or nothing
 * @res: the whole set of limits that shall hold from now on
 * On failure the old limits hold again.
 */
int ct_update(struct container *c, const struct ct_resources *res, struct why *why);

/**
 * ct_sample - what the cgroup's files say; the meters are read by agent/meter.c
 * @ret: fields that the host cannot tell are CT_UNSET
 */
int ct_sample(const struct container *c, struct iso_sample *ret);

/**
 * ct_detail - what is too dear for every ct_sample(): memory.stat
 * @ret: only those fields are set; what the host cannot tell is left alone
 */
int ct_detail(const struct container *c, struct iso_sample *ret);

/**
 * ct_adopt - a container that an earlier process of the agent started
 * @pid:   its init at the time; 0 if it is known to have ended
 * @pidfd: taken over, -1 if none (already ended)
 * @slot:  its meter slot, @metered tells whether it has one
 * Return: 0; -ENOENT its cgroup is gone.
 */
int ct_adopt(const struct iso_host *host, const struct ct_spec *spec, pid_t pid, int pidfd,
	     bool metered, uint32_t slot, struct container **ret, struct why *why);

/**
 * ct_release - free the object; the container itself goes on
 * @c: NULL is allowed
 */
void ct_release(struct container *c);

/**
 * ct_destroy - kill what lives, undo every isolation backwards, free
 * @c: NULL is allowed; freed also if something could not be removed
 * Reaps the container's init unless the caller has done so.
 * Return: 0, or -EBUSY: the cgroup could not be removed in time.
 */
int ct_destroy(struct container *c);

/**
 * ct_probe - what the isolators can do on this host
 * @ret: at least ISO_TABLE_MAX places
 * Return: number of rows filled.
 */
int ct_probe(const struct iso_host *host, struct iso_probe *ret);

#endif
