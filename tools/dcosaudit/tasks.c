// SPDX-License-Identifier: Apache-2.0
/* dcosaudit tasks: every task of the node, what it may do, and what of a policy it does not keep. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/credentials.h"
#include "tools/common/client.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/policy.h"
#include "tools/dcosaudit/sarif.h"
#include "tools/dcosctl/table.h"

struct tasks_options {
	const char *policy, *profile_dir;
	bool sarif;
};

static const struct opt_row tasks_rows[] = {
	{"policy", 0, "FILE", opt_string, offsetof(struct tasks_options, policy), "a path",
	 "a baseline for each role, see dcosaudit(1); exit status 3 if one is not kept"},
	{"sarif", 0, NULL, opt_flag, offsetof(struct tasks_options, sarif), NULL,
	 "print SARIF 2.1.0, for what collects findings; needs --policy"},
	{"profile-dir", 0, "DIR", opt_string, offsetof(struct tasks_options, profile_dir), "a path",
	 "seccomp_dir of the agent, if it is not the usual one"},
	{},
};

/* What was found out, one task after the other. */
struct report {
	struct audit *a;
	const struct tasks_options *o;
	json_t *policy; /* or NULL */
	char node[256];
	pid_t agent;
	json_t *tasks; /* array; --json */
	struct sarif *sarif; /* --sarif */
	struct libscols_table *table; /* else */
	size_t seen, failed;
};

static const struct table_column columns[] = {
	{"TASK", .cut = true},
	{"PROFILE", .cut = true},
	{"FILTER"},
	{"NNP"},
	{"CAPS", .right = true},
	{"HOST NS", .cut = true},
	{"WRITABLE", .right = true},
	{"DEVICES", .right = true},
	{"PORTS", .cut = true},
	{"VERDICT", .cut = true, .lines = true},
	{},
};

static void append(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	/* cut: for people only */
	(void)snprintf(buf + len, size - len, "%s%s", len ? " " : "", text);
}

static void verdict_cell(const struct policy_verdict *v, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", v->nr ? "" : "ok"); /* fits */
	for (size_t i = 0; i < v->nr; i++) {
		size_t len = strlen(buf);

		(void)snprintf(buf + len, size - len, "%s%s: %s", len ? "\n" : "",
			       v->broken[i].rule, v->broken[i].text); /* cut: for people only */
	}
}

static int table_add(struct report *r, const struct facts *f, const struct policy_verdict *v)
{
	char caps[16], hash[16], host[128] = "", writable[16], devices[16], ports[256] = "";
	char verdict[4096] = "-";
	const char *const cells[] = {
		f->id,	 f->profile, hash,    f->no_new_privs ? "yes" : "no", caps, host, writable,
		devices, ports,	     verdict,
	};
	const json_t *p;
	size_t i;

	(void)snprintf(caps, sizeof(caps), "%d",
		       __builtin_popcountll(f->caps_bounding | f->caps_effective));
	(void)snprintf(hash, sizeof(hash), "%.12s", *f->hash ? f->hash : "-"); /* all fit */
	(void)snprintf(writable, sizeof(writable), "%zu", json_array_size(f->writable));
	(void)snprintf(devices, sizeof(devices), "%zu", json_array_size(f->devices));
	for (int ns = 0; ns < FACTS_NS; ns++)
		if (!f->own_ns[ns])
			append(host, sizeof(host), facts_ns_name((enum facts_ns)ns));
	json_array_foreach (f->ports, i, p)
		append(ports, sizeof(ports), json_string_value(p));
	if (r->policy)
		verdict_cell(v, verdict, sizeof(verdict));
	return table_row(r->table, cells);
}

static int json_add(struct report *r, const struct facts *f, const struct policy_verdict *v)
{
	json_t *task = facts_json(f), *list = json_array();

	for (size_t i = 0; i < v->nr; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}", "rule", v->broken[i].rule,
							    "text", v->broken[i].text));
	if (!task || !list || json_object_set_new(task, "broken", list) ||
	    json_object_set_new(task, "role", json_pack("s?", v->role)) ||
	    json_object_set_new(task, "verdict",
				json_string(!r->policy ? "unknown"
					    : v->nr    ? "fail"
						       : "pass")))
		return -ENOMEM;
	return json_array_append_new(r->tasks, task);
}

static int add(struct report *r, const struct facts *f)
{
	cleanup_free struct policy_verdict *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (r->policy)
		policy_check(r->policy, f, v);
	r->seen++;
	r->failed += v->nr > 0;
	if (r->sarif)
		return sarif_add(r->sarif, r->node, f->id, v);
	return r->tasks ? json_add(r, f, v) : table_add(r, f, v);
}

/* ---- asking ---- */

static int look_at(struct report *r, struct vl_client *c, const char *mount, const char *id)
{
	cleanup_json json_t *inspect = NULL;
	cleanup_free char *dir = NULL;
	struct facts f = {};
	struct why why = {};
	int err = client_call(c, "Inspect", json_pack("{s:s}", "id", id), &inspect, &why);

	if (err == -EREMOTEIO)
		return 0; /* it is gone meanwhile */
	if (err)
		return audit_fail("%s", why.text);
	if (asprintf(&dir, "%s%s", mount, field_str(inspect, "cgroup")) < 0)
		return audit_fail("out of memory");
	const struct facts_from from = {r->agent, dir, r->o->profile_dir};

	err = facts_read(inspect, &from, &f, &why);
	if (err == -ESRCH)
		return 0; /* it has ended meanwhile */
	if (err)
		return audit_fail("%s%s", why.text, geteuid() ? "; be root" : "");
	err = add(r, &f);
	facts_free(&f);
	return err ? audit_fail("out of memory") : 0;
}

static int look_at_all(struct report *r)
{
	cleanup_client struct vl_client *c = NULL;
	cleanup_json json_t *info = NULL, *list = NULL;
	cleanup_free char *mount = NULL;
	struct audit *a = r->a;
	const json_t *task;
	int status = 0;
	size_t i;

	if (client_open(client_socket(a->socket), &c, &a->why) < 0 ||
	    client_call(c, "Info", NULL, &info, &a->why) < 0 ||
	    client_call(c, "List", NULL, &list, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	if (cg_find_mount("/proc/self/mountinfo", &mount) < 0)
		return audit_fail("cgroup2 is not mounted");
	(void)snprintf(r->node, sizeof(r->node), "%s", field_str(info, "node")); /* fits */
	r->agent = (pid_t)field_int(info, "pid", 1);
	json_array_foreach (json_object_get(list, "tasks"), i, task)
		if (!status && !json_is_object(json_object_get(task, "exit")))
			status = look_at(r, c, mount, field_str(task, "id"));
	return status;
}

/* ---- printing ---- */

static int print(struct report *r)
{
	if (r->sarif)
		return audit_print_json(sarif_document(r->sarif));
	if (r->tasks)
		return audit_print_json(json_pack("{s:s, s:s?, s:I, s:I, s:O}", "node", r->node,
						  "policy", r->o->policy, "tasks_nr",
						  (json_int_t)r->seen, "failed",
						  (json_int_t)r->failed, "tasks", r->tasks));
	if (!r->seen) {
		(void)printf("No task runs.\n"); /* seen when stdout is closed */
		return 0;
	}
	return table_print(take_ptr(r->table)) < 0 ? audit_fail("can't print the table") : 0;
}

static int report(struct report *r)
{
	int status;

	if (r->o->sarif)
		r->sarif = sarif_new();
	else if (r->a->json)
		r->tasks = json_array();
	else
		r->table = table_new(columns);
	if (!r->sarif && !r->tasks && !r->table)
		return audit_fail("out of memory");
	status = look_at_all(r);
	if (!status)
		status = print(r);
	return !status && r->failed ? AUDIT_FOUND : status;
}

static int tasks_run(struct audit *a, const void *options, char **operands, int nr)
{
	const struct tasks_options *o = options;
	struct report r = {.a = a, .o = o};
	int status;

	(void)operands, (void)nr; /* there are none */
	if (o->sarif && !o->policy)
		return audit_usage(a, "--sarif: needs --policy");
	if (o->policy && policy_read(o->policy, &r.policy, &a->why) < 0)
		return audit_fail("%s", a->why.text);
	status = report(&r);
	json_decref(r.policy);
	json_decref(r.tasks);
	sarif_free(r.sarif);
	if (r.table)
		scols_unref_table(r.table);
	return status;
}

const struct command cmd_tasks = {
	.name = "tasks",
	.args = "[OPTION...]",
	.help = "what tasks may do, and whether they keep a policy",
	.more = "HOST NS are the namespaces that a task shares with its host.",
	.options = tasks_rows,
	.options_size = sizeof(struct tasks_options),
	.run = tasks_run,
};
