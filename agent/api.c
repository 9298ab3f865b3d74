// SPDX-License-Identifier: Apache-2.0
/* Methods of io.dcos.Agent; those that wait are in api_wait.c and api_logs.c, those that show
 * meters in api_meters.c. */
#include "agent/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent_varlink.h"
#include "agent/checkpoint.h"
#include "agent/event_moves.h"
#include "agent/health.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"
#include "agent/logs.h"

#define API_NAME(x)	"io.dcos.Agent." x
#define API_ID_RETRIES	8 /* for a generated id that is taken */
#define API_GROUPS_MAX	256
#define API_COMMAND_MAX 512 /* bytes of a task's command that are shown */

int api_int(struct vl_call *call, const json_t *params, const char *name, int64_t min, int64_t max,
	    int64_t *ret)
{
	const json_t *v = json_object_get(params, name);
	char text[128];

	if (!v || json_is_null(v))
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max) {
		*ret = json_integer_value(v);
		return 0;
	}
	(void)snprintf(text, sizeof(text), "%s: a whole number, %" PRId64 " to %" PRId64, name, min,
		       max); /* fits */
	(void)vl_error_param(call, name, text); /* the peer may be gone */
	return -EINVAL;
}

int api_bool(struct vl_call *call, const json_t *params, const char *name, bool *ret)
{
	const json_t *v = json_object_get(params, name);

	if (!v || json_is_null(v))
		return 0;
	if (json_is_boolean(v)) {
		*ret = json_is_true(v);
		return 0;
	}
	(void)vl_error_param(call, name, "true or false"); /* the peer may be gone */
	return -EINVAL;
}

struct task *api_task(struct node *n, struct vl_call *call, const json_t *params)
{
	const char *id = json_string_value(json_object_get(params, "id"));
	struct task *t = id ? node_find(n, id) : NULL;

	if (!id)
		(void)vl_error_param(call, "id",
				     "id: the name of a task"); /* the peer may be gone */
	else if (!t)
		(void)vl_error(call, API_NAME("NoSuchTask"),
			       json_pack("{ss}", "id", id)); /* likewise */
	return t;
}

/* Enough to know it by, so that a list of many tasks fits into one reply; Inspect has all. */
static json_t *command_json(const struct task *t)
{
	json_t *list = json_array();
	size_t left = API_COMMAND_MAX;

	for (char **a = t->spec->ct.process.args; list && *a; a++) {
		size_t len = strlen(*a) + 1; /* checked UTF-8 by the parser */

		if (len > left) {
			(void)json_array_append_new(list,
						    json_sprintf("%.*s...",
								 (int)logs_text_len(*a, left), *a));
			break;
		}
		(void)json_array_append_new(list, json_string(*a)); /* one that lacks shows */
		left -= len;
	}
	return list;
}

static json_t *ipv4_json(uint32_t addr)
{
	struct in_addr in = {.s_addr = htonl(addr)};
	char text[INET_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET, &in, text, sizeof(text)));
}

static json_t *ipv6_json(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET6, addr, text, sizeof(text)));
}

json_t *api_task_json(const struct task *t)
{
	json_t *doc = json_pack("{ss ss ss so ss sO sI so}", "id", t->spec->ct.id, "state",
				state_to_string(t->state), "image", t->spec->image, "command",
				command_json(t), "user", t->spec->user_text, "labels",
				t->spec->labels, "created_unix_us", (json_int_t)t->created_unix_us,
				"warnings", task_warnings_json(t));

	if (!doc)
		return NULL;
	if (t->ct && t->ct->iso.pid > 0)
		(void)json_object_set_new(doc, "pid", json_integer(t->ct->iso.pid)); /* ?int */
	if (t->ct && t->ct->iso.net_ipv4)
		(void)json_object_set_new(doc, "ipv4",
					  ipv4_json(t->ct->iso.net_ipv4)); /* ?string */
	if (t->ct && net_has_ipv6(&t->ct->iso))
		(void)json_object_set_new(doc, "ipv6",
					  ipv6_json(&t->ct->iso.net_ipv6)); /* ?string */
	health_put(t, doc);
	if (t->started_unix_us)
		(void)json_object_set_new(doc, "started_unix_us",
					  json_integer((json_int_t)t->started_unix_us));
	if (state_ended(t->state))
		(void)json_object_set_new(doc, "exit", task_exit_json(&t->exit));
	return doc;
}

static int invalid_spec(struct vl_call *call, const struct task_error *err)
{
	return vl_error(call, API_NAME("InvalidSpec"),
			json_pack("{ss ss}", "key", err->key, "reason", err->reason));
}

int api_limit(struct vl_call *call, const char *what, int64_t limit)
{
	return vl_error(call, API_NAME("LimitReached"),
			json_pack("{ss sI}", "what", what, "limit", (json_int_t)limit));
}

/* Return: 0 and *ret is a spec with an id that is free; else an answer was sent, or -errno. */
static int spec_parse(struct node *n, struct vl_call *call, json_t *doc, struct task_spec **ret)
{
	struct task_error err = {0};
	struct task_spec *spec = NULL;
	int rc;

	for (int tries = 0; tries < API_ID_RETRIES; tries++) {
		rc = task_spec_parse(n->cfg, doc, &spec, &err);
		if (rc == -EINVAL)
			return invalid_spec(call, &err) ?: 1;
		if (rc)
			return rc;
		if (!node_find(n, spec->ct.id)) {
			*ret = spec;
			return 0;
		}
		if (!spec->id_generated)
			break;
		spec = task_spec_free(spec);
	}
	rc = vl_error(call, API_NAME("TaskExists"),
		      json_pack("{ss}", "id", spec ? spec->ct.id : ""));
	task_spec_free(spec);
	return rc ?: 1;
}

static int method_run(struct vl_call *call, json_t *params, void *userdata)
{
	struct node *n = userdata;
	json_t *doc = json_object_get(params, "spec");
	struct task_spec *spec;
	struct why why = {0};
	struct task *t;
	int rc;

	if (n->draining)
		return vl_error(call, API_NAME("Draining"), NULL);
	if (node_running(n) >= (int)n->cfg->tasks_max)
		return api_limit(call, "tasks_max", n->cfg->tasks_max);
	if (!json_is_object(doc))
		return vl_error_param(call, "spec", "spec: an object, see dcos-task(5)");
	rc = spec_parse(n, call, doc, &spec);
	if (rc)
		return rc < 0 ? rc : 0;
	if (task_run(n, spec, &t, &why))
		return vl_error(call, API_NAME("LaunchFailed"),
				json_pack("{ss}", "reason", why.text));
	return vl_reply(call, json_pack("{ss si so}", "id", t->spec->ct.id, "pid",
					(int)t->ct->iso.pid, "warnings", task_warnings_json(t)));
}

static int method_kill(struct vl_call *call, json_t *params, void *userdata)
{
	struct task *t = api_task(userdata, call, params);
	int64_t sig = t ? t->spec->kill_signal : 0,
		grace_ms = t ? (int64_t)(t->spec->kill_grace_us / 1000) : 0;
	int rc;

	if (!t || api_int(call, params, "signal", 1, 64, &sig) ||
	    api_int(call, params, "grace_ms", 0, API_GRACE_MAX_MS, &grace_ms))
		return 0;
	rc = task_kill(t, (int)sig, (uint64_t)grace_ms * 1000);
	if (rc == -ESRCH)
		return vl_error(call, API_NAME("TaskEnded"),
				json_pack("{ss ss}", "id", t->spec->ct.id, "state",
					  state_to_string(t->state)));
	return rc ? rc : vl_reply(call, NULL);
}

static int method_remove(struct vl_call *call, json_t *params, void *userdata)
{
	struct task *t = api_task(userdata, call, params);

	if (!t)
		return 0;
	if (!state_ended(t->state))
		return vl_error(call, API_NAME("TaskRunning"),
				json_pack("{ss}", "id", t->spec->ct.id));
	return task_remove(t) ?: vl_reply(call, NULL);
}

static int method_list(struct vl_call *call, json_t *params, void *userdata)
{
	const struct node *n = userdata;
	json_t *list = json_array();

	(void)params; /* none */
	for (int i = 0; list && i < n->tasks_nr; i++)
		if (json_array_append_new(list, api_task_json(n->tasks[i]))) {
			json_decref(list);
			return -ENOMEM;
		}
	return vl_reply(call, json_pack("{so}", "tasks", list));
}

static int method_update(struct vl_call *call, json_t *params, void *userdata)
{
	struct task *t = api_task(userdata, call, params);
	json_t *doc = json_object_get(params, "resources");
	struct task_error err = {0};
	struct ct_resources res;
	struct why why = {0};
	json_t *before;
	int rc;

	if (!t)
		return 0;
	if (state_ended(t->state))
		return vl_error(call, API_NAME("TaskEnded"),
				json_pack("{ss ss}", "id", t->spec->ct.id, "state",
					  state_to_string(t->state)));
	if (!json_is_object(doc))
		return vl_error_param(call, "resources", "resources: an object, see dcos-task(5)");
	rc = task_resources_parse(doc, &t->ct->iso.res, &res, &err);
	if (rc == -EINVAL)
		return invalid_spec(call, &err);
	if (rc)
		return rc;
	before = event_limits(t);
	if (!before)
		return -ENOMEM;
	if (task_change(t, &res, doc, &why)) {
		json_decref(before);
		return vl_error(call, API_NAME("UpdateFailed"),
				json_pack("{ss}", "reason", why.text));
	}
	event_updated(t, before, doc);
	return vl_reply(call, json_pack("{so}", "warnings", task_warnings_json(t)));
}

static int method_info(struct vl_call *call, json_t *params, void *userdata)
{
	const struct node *n = userdata;

	(void)params; /* none */
	return vl_reply(call,
			json_pack("{ss si ss ss sI si sI si si ss sb}", "version", DCOS_VERSION,
				  "pid", (int)getpid(), "boot_id", n->boot_id, "node", n->cfg->node,
				  "started_unix_us", (json_int_t)n->started_unix_us, "ncpu",
				  n->ncpu, "memory_bytes", (json_int_t)n->memory_bytes, "tasks",
				  n->tasks_nr, "running", node_running(n), "cgroup", n->cgroup_path,
				  "draining", n->draining));
}

#define PARAMS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static const struct vl_method methods[] = {
	{"Run", method_run, PARAMS("spec"), .manages = true},
	{"Kill", method_kill, PARAMS("id", "signal", "grace_ms"), .manages = true},
	{"Remove", method_remove, PARAMS("id"), .manages = true},
	{"List", method_list, PARAMS()},
	{"Inspect", api_inspect, PARAMS("id"), .manages = true},
	{"Wait", api_wait, PARAMS("id")},
	{"Logs", api_logs, PARAMS("id", "stream", "follow", "tail_bytes"), .manages = true},
	{"Subscribe", api_subscribe, PARAMS("interval_ms")},
	{"History", api_history, PARAMS("id", "seconds")},
	{"Metrics", api_metrics, PARAMS()},
	{"Events", api_events, PARAMS("task", "since")},
	{"Update", method_update, PARAMS("id", "resources"), .manages = true},
	{"Doctor", api_doctor, PARAMS()},
	{"Info", method_info, PARAMS()},
	{"Drain", api_drain, PARAMS("grace_ms", "off"), .manages = true},
	{NULL},
};

static const struct vl_interface interface = {
	.name = "io.dcos.Agent",
	.description = agent_varlink,
	.methods = methods,
};

static bool in_group(const struct ucred *peer, gid_t gid)
{
	gid_t groups[API_GROUPS_MAX];
	int nr = API_GROUPS_MAX;
	const struct passwd *pw;

	if (peer->gid == gid)
		return true;
	pw = getpwuid(peer->uid);
	if (!pw || getgrouplist(pw->pw_name, peer->gid, groups, &nr) < 0)
		return false;
	while (nr--)
		if (groups[nr] == gid)
			return true;
	return false;
}

static bool in_named_group(const struct ucred *peer, const char *name)
{
	const struct group *gr = getgrnam(name);

	return gr && in_group(peer, gr->gr_gid);
}

static bool may_manage(const struct ucred *peer, void *userdata)
{
	const struct node *n = userdata;

	return peer->uid == 0 || peer->uid == geteuid() ||
	       in_named_group(peer, n->cfg->socket_group);
}

static bool may_read(const struct ucred *peer, void *userdata)
{
	const struct node *n = userdata;

	return n->cfg->read_access == CONFIG_READ_ALL || in_named_group(peer, n->cfg->read_group) ||
	       may_manage(peer, userdata);
}

int api_start(struct node *n, struct why *why)
{
	const struct vl_server_config config = {
		.vendor = "dcos-node",
		.product = "dcos-agent",
		.version = DCOS_VERSION,
		.url = "https://varlink.org",
		.interface = &interface,
		.may_manage = may_manage,
		.may_read = may_read,
		.userdata = n,
	};
	/* a file has one group: who is in which is then told by may_read() alone */
	bool all = n->cfg->read_access == CONFIG_READ_ALL || getgrnam(n->cfg->read_group);
	const struct group *gr = getgrnam(n->cfg->socket_group);
	int err = vl_server_new(n->event, &config, &n->server);

	if (!err)
		err = vl_server_listen(n->server, n->cfg->socket, all ? 0666 : 0660);
	if (err)
		return why_set(why, err, "socket=%s", n->cfg->socket);
	if (!gr)
		log_notice("group %s does not exist: only root manages tasks",
			   n->cfg->socket_group);
	else if (chown(n->cfg->socket, (uid_t)-1, gr->gr_gid))
		return why_set(why, -errno, "socket=%s: group %s", n->cfg->socket,
			       n->cfg->socket_group);
	n->on_move = api_moved;
	n->on_move_data = n;
	n->on_event = api_events_pump;
	return 0;
}

void api_stop(struct node *n)
{
	n->on_move = NULL;
	n->on_event = NULL;
	n->server = vl_server_free(n->server);
	free(n->doctor);
	n->doctor = NULL;
}
