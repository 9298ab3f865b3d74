/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services: apps, their tasks, and the deployments that change them. One thread; whatever
 * changes asks for a turn (core_turn()), in which all apps move one step towards what is wanted.
 */
#ifndef DCOS_ALLOCATOR_CORE_H
#define DCOS_ALLOCATOR_CORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "agent/lib/why.h"
#include "tools/allocator/agents.h"
#include "tools/allocator/app.h"
#include "tools/allocator/bus.h"
#include "tools/allocator/policy/policy.h"
#include "tools/allocator/store.h"

#define CORE_APPS_MAX	     10000
#define CORE_DEPLOYMENTS_MAX 256
#define CORE_NODES_MAX	     POLICY_NODES_MAX
#define CORE_VERSIONS_MAX    50 /* of one app that are kept */
#define CORE_ID_SIZE	     40 /* a UUID as text */
#define CORE_TASK_ID_SIZE    128 /* as dcos-task(5) limits it */

struct deployment;

enum core_task_state { CORE_STAGING, CORE_RUNNING, CORE_KILLING, CORE_UNREACHABLE };

/**
 * struct core_task - a task that has not ended
 * @version: of the app when it was started; @config: when what it runs last changed
 */
struct core_task {
	TAILQ_ENTRY(core_task) link;
	LIST_ENTRY(core_task) on_node;
	struct core_home *home; /* of those of its node */
	struct core_app *app;
	char id[CORE_TASK_ID_SIZE];
	char *node, *host, *version, *config, *address;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t ports_nr;
	enum core_task_state state;
	uint64_t staged_ms, started_ms; /* since 1970; 0: not yet */
	uint64_t lost_ms; /* monotonic, of CORE_UNREACHABLE */
	bool healthy, healthy_known;
	json_t *health; /* of its checks, as the agent tells; NULL: it has none, or is not heard of */
	uint64_t quota_cpus_milli, quota_memory; /* other than it began with; 0: none */
	char *preempted_by; /* app for whose sake it ends; NULL: nobody's */
	bool inactive; /* unreachable for so long that another takes its place */
};

/**
 * struct core_app - an app
 * @def: canonical, with version and versionInfo; as wanted
 * @doomed: it goes once its last task has ended
 * @held: its step of the deployment has not come
 */
struct core_app {
	LIST_ENTRY(core_app) link;
	char *id;
	json_t *def;
	TAILQ_HEAD(core_tasks, core_task) tasks;
	uint32_t tasks_nr;
	struct deployment *deployment;
	bool doomed, held, waits;
	double backoff_s; /* 0: none */
	uint64_t hold_until_ms; /* monotonic */
	uint64_t waits_since_ms; /* since 1970 */
	json_t *last_failure;
	struct scaler_app *scaler; /* NULL: it has no rule */
};

/** struct core_home - the tasks of one node, which may not have come yet */
struct core_home {
	char *node;
	LIST_HEAD(, core_task) tasks;
};

struct core_node {
	LIST_ENTRY(core_node) link;
	char *id, *host;
	json_t *doc; /* for people */
	struct signals *use; /* of its tasks; NULL: no report yet */
	enum agents_state state;
};

struct core_counters {
	uint64_t launched, ended, failed, kills, deployments, deployments_failed, statuses,
		statuses_unknown, changes_refused, preempted;
};

/** struct keep - changes of the store that wait */
struct keep {
	struct store_op *ops; /* their texts are owned */
	size_t nr, room;
};

struct core {
	sd_event *event;
	struct store *store;
	struct bus *bus;
	struct policy *policy;
	struct agents *agents; /* set by the owner after core_new() */
	LIST_HEAD(, core_app) apps;
	LIST_HEAD(, core_node) nodes;
	TAILQ_HEAD(core_deployments, deployment) deployments;
	void *apps_by_id, *tasks_by_id, *nodes_by_id, *homes_by_node; /* find.c */
	unsigned int apps_nr, deployments_nr;
	uint64_t last_stamp_ms;
	char framework[CORE_ID_SIZE];
	json_t *roles; /* name: what was configured, roles.c */
	unsigned int victims_left; /* that may be ended now */
	sd_event_source *turn, *tick;
	uint64_t turned_us; /* monotonic, of the last turn */
	struct core_counters counters;
	struct keep kept;
};

extern const struct agents_ops core_agents_ops; /* for agents_new(), with the core as arg */

/**
 * core_new - with all that the store has
 * @event, @store: borrowed
 */
int core_new(sd_event *event, struct store *store, struct core **ret, struct why *why);
struct core *core_free(struct core *c);

struct core_app *core_find_app(struct core *c, const char *id);
struct core_task *core_find_task(struct core *c, const char *id);
struct core_node *core_find_node(struct core *c, const char *id);
/** core_find_home - the tasks of a node. Return: NULL: it has none */
struct core_home *core_find_home(struct core *c, const char *node);

/*
 * core_enter_... - from now on it is found, and its id (a task's node, too) must not change. Return: 0; -EEXIST; -ENOMEM.
 * core_leave_... - no longer; once for each that was entered
 */
int core_enter_app(struct core *c, struct core_app *a);
int core_enter_task(struct core *c, struct core_task *t);
int core_enter_node(struct core *c, struct core_node *n);
void core_leave_app(struct core *c, struct core_app *a);
void core_leave_task(struct core *c, struct core_task *t);
void core_leave_node(struct core *c, struct core_node *n);

/** core_app_free - an app without which all goes on; its tasks are forgotten */
void core_app_free(struct core *c, struct core_app *a);

/** core_turn - soon look at all apps again */
void core_turn(struct core *c);

/** core_stamp - now, and later than what it told before. Return: @buf of STAMP_SIZE */
const char *core_stamp(struct core *c, char *buf);

/** core_uuid - a new random one. Return: @buf of CORE_ID_SIZE */
const char *core_uuid(char *buf);

/* ---- changes.c ---- */

/**
 * struct core_change - one app of a change
 * @def: canonical; NULL: the app goes. Borrowed.
 * @restart: new tasks though nothing differs
 */
struct core_change {
	const char *id;
	json_t *def;
	bool restart;
};

struct core_changed {
	char deployment[CORE_ID_SIZE], version[32];
	json_t *locked; /* with -EBUSY: ids of the deployments in the way */
};

/**
 * core_change - accept a change of any number of apps: one transaction, one deployment
 * @force: end the deployments that are in the way
 * Return: 0; -EBUSY with @ret->locked; -ENOENT a dependency is missing, -ELOOP they go in a circle
 * (@why says which); -E2BIG; -EIO the store. Nothing has changed unless 0.
 */
int core_change(struct core *c, const struct core_change *changes, size_t nr, bool force,
		struct core_changed *ret, struct why *why);

/** versions_prune - keep so many of an app's versions, the latest */
void versions_prune(struct core *c, const char *app, size_t keep);

/* ---- deploy.c ---- */

struct deployment {
	TAILQ_ENTRY(deployment) link;
	char id[CORE_ID_SIZE];
	char version[32];
	json_t *steps; /* [[{action, app}]...] */
	size_t step;
	json_t *original; /* app: definition before, null: there was none */
	json_t *target; /* app: definition, null: none */
	char reason[WHY_MAX]; /* why the step has not ended yet */
	bool cancelled;
};

/** deployment_load - from what deployment_store() made */
int deployment_load(struct core *c, const json_t *doc, struct deployment **ret);
json_t *deployment_store(const struct deployment *d);
/** deployment_json - as it is answered; @reason: with why its step has not ended */
json_t *deployment_json(const struct deployment *d, bool reason);
struct deployment *deployment_find(struct core *c, const char *id);
void deployment_begin(struct core *c, struct deployment *d);
void deployment_free(struct deployment *d);

/** deployment_cancel - end it, apps stay as they are wanted now */
void deployment_cancel(struct core *c, struct deployment *d, const char *why);

/** deployment_rollback - back to before: a new deployment. Return: as core_change() */
int deployment_rollback(struct core *c, struct deployment *d, struct core_changed *ret,
			struct why *why);

/** deployments_turn - the steps that have ended are followed by the next */
void deployments_turn(struct core *c);

/* ---- scale.c: how many tasks an app should have ---- */

/**
 * struct scale_counts - the tasks of an app
 * old are those of another configuration than that wanted
 */
struct scale_counts {
	uint32_t old_alive, old_healthy, now_alive, now_healthy, killing;
};

struct scale_plan {
	uint32_t launch, kill_old, kill_now;
};

void scale_count(const struct core_app *a, struct scale_counts *ret);

/** scale_plan - the next move. Pure. */
void scale_plan(const struct scale_counts *s, uint32_t wanted, double minimum_health,
		double maximum_over, struct scale_plan *ret);

/** scale_settled - the app has what is wanted and nothing else. Return: so it is */
bool scale_settled(const struct core_app *a, char *reason, size_t size);

/** scale_turn - all apps: kill, and say what is to be placed */
void scale_turn(struct core *c);

/* ---- tasks.c ---- */

struct core_task *task_add(struct core *c, struct core_app *a, const char *id, const char *node,
			   const char *host);
void task_kill(struct core *c, struct core_task *t);
/** task_preempt - end it, so that the app @by finds room */
void task_preempt(struct core *c, struct core_task *t, const char *by);
/** task_gone - forget it, without a word */
void task_gone(struct core *c, struct core_task *t);
json_t *task_json(const struct core_task *t);
int task_load(struct core *c, const char *key, const char *value);
/** task_keep - what is to be written down of it. Return: 0; -ENOMEM, -EIO */
int task_keep(struct core *c, const struct core_task *t);
void tasks_tick(struct core *c); /* those that are unreachable for too long */

/* ---- place.c ---- */

/** place_app - what is wanted has changed. Return: 0; -EINVAL with @why */
int place_app(struct core *c, const struct core_app *a, struct why *why);
void place_app_gone(struct core *c, const char *id);
void place_task(struct core *c, const struct core_task *t);
void place_task_gone(struct core *c, const char *id);
int place_node(struct core *c, const struct agents_node *n);
/** place_wanted - so many tasks of it in all, those that run included */
void place_wanted(struct core *c, const struct core_app *a, uint32_t wanted, bool hold);
/** place_turn - place and launch */
void place_turn(struct core *c);
/** place_tick - once a second: some more may be ended for others */
void place_tick(struct core *c);
/** place_why - why it waits, as JSON for the queue */
json_t *place_why(struct core *c, const char *app);

/* ---- roles.c: what roles are configured to have ---- */

/**
 * role_set - configure a role, now and after a restart
 * @in: what a client sent: weight, priority, guarantee, limit
 * Return: 0; -EINVAL with @e; -E2BIG, -EIO, -ENOMEM with @why. Nothing has changed unless 0.
 */
int role_set(struct core *c, const char *name, const json_t *in, struct app_errors *e,
	     struct why *why);

/** role_unset - as if nobody had set it. Return: 0; -ENOENT nobody did; -EIO with @why */
int role_unset(struct core *c, const char *name, struct why *why);

/** role_load - one that the store has. Return: 0; -EBADMSG; -ENOMEM */
int role_load(struct core *c, const char *key, const char *value);

/** roles_json - all roles, with what they have and what fairness gives them. Return: NULL: no memory */
json_t *roles_json(struct core *c);

/* ---- keep.c: changes that one turn makes, one transaction of them ---- */

/**
 * keep_put - change a key with the next keep_flush(), or before it
 * @value: copied; NULL: delete it
 * Return: 0; -ENOMEM; -EIO those before could not be written.
 */
int keep_put(struct core *c, const char *key, const char *value);

/** keep_flush - write all that waits. Return: 0 it is on the disk; -EIO with @why, it is dropped */
int keep_flush(struct core *c, struct why *why);

/** keep_free - what waits is not written */
void keep_free(struct core *c);

/* ---- launch.c ---- */

/** launch_spec - what the agent gets, dcos-task(5) */
json_t *launch_spec(const struct core_task *t);

#endif
