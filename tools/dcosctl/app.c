// SPDX-License-Identifier: Apache-2.0
/* dcosctl app: services, by the HTTP interface of dcos-allocator(8). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/common/http.h"
#include "tools/common/text.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/table.h"

#define PATH_ROOM     512
#define ID_CHARS      "abcdefghijklmnopqrstuvwxyz0123456789-./"
#define ID_LEN_MAX    255
#define INSTANCES_MAX 100000

struct app_options {
	const char *allocator;
	bool force;
};

static const struct opt_row app_rows[] = {
	{"allocator", 0, "URL", opt_string, offsetof(struct app_options, allocator), "a URL",
	 "of the allocator (default $" HTTP_URL_ENV ", " HTTP_URL ")"},
	{"force", 0, NULL, opt_flag, offsetof(struct app_options, force), NULL,
	 "end deployments that are in the way"},
	{},
};

struct app_call {
	struct ctl *ctl;
	const struct app_options *options;
};

/* What a refusal says, with its details: "/cpus: must be a number". Return: CTL_FAILED */
static int refused(int status, const json_t *answer)
{
	json_t *details = json_object_get(answer, "details"), *d, *text;
	const char *message = json_string_value(json_object_get(answer, "message"));
	size_t i, k;

	(void)ctl_fail("allocator: %s (%d)", message ?: "refused", status);
	json_array_foreach (details, i, d)
		json_array_foreach (json_object_get(d, "errors"), k, text)
			(void)ctl_fail("%s: %s", field_str(d, "path"),
				       json_string_value(text) ?: "");
	return CTL_FAILED;
}

/* Return: the answer; NULL: it was refused, which was printed */
static json_t *ask(const struct app_call *c, const char *method, const char *path,
		   const json_t *body)
{
	const char *url = c->options->allocator ?: getenv(HTTP_URL_ENV) ?: HTTP_URL;
	json_t *answer = NULL;
	int status = http_ask(url, method, path, body, &answer, &c->ctl->why);

	if (status >= 200 && status < 300)
		return answer;
	if (status < 0)
		(void)ctl_fail("%s", c->ctl->why.text);
	else
		(void)refused(status, answer);
	json_decref(answer);
	return NULL;
}

static bool is_id(const char *id)
{
	return *id && strspn(id, ID_CHARS) == strlen(id) && strlen(id) <= ID_LEN_MAX;
}

/* "/v2/apps/shop/web?force=true". Return: 0 or CTL_USAGE, which was printed */
static int app_path(const struct app_call *c, const char *id, const char *query, char *buf)
{
	if (!is_id(id))
		return ctl_usage(c->ctl, "%s: an app's name is a path such as /shop/web", id);
	(void)snprintf(buf, PATH_ROOM, "/v2/apps/%s%s", id + (*id == '/'), query); /* fits */
	return 0;
}

static int print_change(const struct app_call *c, json_t *answer)
{
	if (!answer)
		return CTL_FAILED;
	if (c->ctl->json)
		ctl_print_json(answer, false);
	else
		(void)printf("deployment %s\n", field_str(answer, "deploymentId"));
	json_decref(answer);
	return 0;
}

static int app_deploy(const struct app_call *c, const char *file)
{
	const char *query = c->options->force ? "?force=true" : "";
	json_error_t e;
	json_t *doc = !strcmp(file, "-") ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &e)
					 : json_load_file(file, JSON_REJECT_DUPLICATES, &e);
	const char *id = field_str(doc, "id");
	bool group = json_object_get(doc, "apps") || json_object_get(doc, "groups");
	char path[PATH_ROOM];
	int status = 0;

	if (!doc)
		return ctl_fail("%s: %s", file, e.text);
	if (group)
		(void)snprintf(path, sizeof(path), "/v2/groups%s", query); /* fits */
	else
		status = app_path(c, id, query, path);
	if (!status)
		status = print_change(c, ask(c, "PUT", path, doc));
	json_decref(doc);
	return status;
}

static int app_scale(const struct app_call *c, const char *id, const char *number)
{
	char path[PATH_ROOM];
	uint64_t n;
	json_t *body;
	int status = app_path(c, id, c->options->force ? "?force=true" : "", path);

	if (status)
		return status;
	if (parse_u64(number, 0, INSTANCES_MAX, &n) < 0)
		return ctl_usage(c->ctl, "%s: allowed is a number of instances up to %d", number,
				 INSTANCES_MAX);
	body = json_pack("{s:I}", "instances", (json_int_t)n);
	status = print_change(c, ask(c, "PUT", path, body));
	json_decref(body);
	return status;
}

static int app_rm(const struct app_call *c, const char *id)
{
	char path[PATH_ROOM];
	int status = app_path(c, id, c->options->force ? "?force=true" : "", path);

	return status ?: print_change(c, ask(c, "DELETE", path, NULL));
}

static const struct table_column columns[] = {
	{"APP", .cut = true},
	{"INSTANCES", .right = true},
	{"RUNNING", .right = true},
	{"STAGED", .right = true},
	{"HEALTHY", .right = true},
	{"UNHEALTHY", .right = true},
	{"DEPLOYS"},
	{},
};

static int add_app(struct libscols_table *t, const json_t *app)
{
	static const char *const keys[] = {"instances", "tasksRunning", "tasksStaged",
					   "tasksHealthy", "tasksUnhealthy"};
	char text[ARRAY_SIZE(keys)][24];
	const char *cells[ARRAY_SIZE(keys) + 2] = {field_str(app, "id")};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%" PRId64, /* fits */
			       field_int(app, keys[i], 0));
		cells[i + 1] = text[i];
	}
	cells[ARRAY_SIZE(keys) + 1] =
		json_array_size(json_object_get(app, "deployments")) ? "yes" : "no";
	return table_row(t, cells);
}

static int app_ls(const struct app_call *c)
{
	json_t *answer = ask(c, "GET", "/v2/apps", NULL), *app;
	struct libscols_table *t;
	size_t i;
	int err = 0;

	if (!answer)
		return CTL_FAILED;
	if (c->ctl->json) {
		ctl_print_json(answer, false);
		json_decref(answer);
		return 0;
	}
	t = table_new(columns);
	json_array_foreach (json_object_get(answer, "apps"), i, app)
		err = err ?: t ? add_app(t, app) : -ENOMEM;
	json_decref(answer);
	if (!t || err)
		return ctl_fail("out of memory");
	return table_print(t) ? ctl_fail("can't print the table") : 0;
}

/* ---- why ---- */

static void say(const char *label, const char *text)
{
	(void)printf("%-12s", label); /* errors of stdout are seen when it is closed */
	text_print(stdout, text);
	(void)fputc('\n', stdout);
}

static void say_queue(const json_t *queue, const char *id)
{
	const json_t *item, *why, *filter;
	char text[256];
	size_t i, k;

	json_array_foreach (json_object_get(queue, "queue"), i, item) {
		if (strcmp(field_str(json_object_get(item, "app"), "id"), id) != 0)
			continue;
		why = json_object_get(item, "why");
		(void)snprintf(text, sizeof(text), "%" PRId64 " instances: %.128s",
			       field_int(item, "count", 0), field_str(why, "wait"));
		say("waiting", text);
		if (*field_str(why, "role")) {
			(void)snprintf(text, sizeof(text), "in the way is role %.128s",
				       field_str(why, "role"));
			say("", text);
		}
		json_array_foreach (json_object_get(why, "filters"), k, filter) {
			(void)snprintf(text, sizeof(text),
				       "%" PRId64 " of %" PRId64 " nodes: %.128s",
				       field_int(filter, "nodes", 0), field_int(why, "nodes", 0),
				       field_str(filter, "reason"));
			say("", text);
		}
		if (*field_str(why, "nearest")) {
			double unit = strcmp(field_str(why, "dimension"), "cpus") ? 1 : 1000;

			(void)snprintf(text, sizeof(text), "nearest is %.100s, short of %g %.32s",
				       field_str(why, "nearest"),
				       (double)field_int(why, "shortBy", 0) / unit,
				       field_str(why, "dimension"));
			say("", text);
		}
	}
}

/* The reason of a deployment begins with the app that it is about. */
static void say_deployments(const json_t *list, const char *id)
{
	const json_t *d;
	size_t i, len = strlen(id);

	json_array_foreach (list, i, d) {
		const char *reason = field_str(d, "reason");

		if (!strncmp(reason, id, len) && reason[len] == ':')
			say("deploying", reason + len + 2);
	}
}

static int app_why(const struct app_call *c, const char *name)
{
	char path[PATH_ROOM], id[PATH_ROOM];
	int status = app_path(c, name, "", path);
	json_t *app = status ? NULL : ask(c, "GET", path, NULL);
	json_t *queue = app ? ask(c, "GET", "/v2/queue?embed=why", NULL) : NULL;
	json_t *deployments = queue ? ask(c, "GET", "/v2/deployments?embed=reason", NULL) : NULL;
	const json_t *is = json_object_get(app, "app");
	const json_t *failure = json_object_get(is, "lastTaskFailure");

	if (deployments && c->ctl->json) {
		json_t *all =
			json_pack("{s:O, s:O, s:O}", "app", is, "queue",
				  json_object_get(queue, "queue"), "deployments", deployments);

		ctl_print_json(all, false);
		json_decref(all);
	} else if (deployments) {
		(void)snprintf(id, sizeof(id), "%s", field_str(is, "id")); /* fits */
		(void)printf("%-12s%" PRId64 " wanted, %" PRId64 " running, %" PRId64
			     " healthy, %" PRId64 " unhealthy\n",
			     "instances", field_int(is, "instances", 0),
			     field_int(is, "tasksRunning", 0), field_int(is, "tasksHealthy", 0),
			     field_int(is, "tasksUnhealthy", 0));
		say_deployments(deployments, id);
		say_queue(queue, id);
		if (failure)
			say("last failure", field_str(failure, "message"));
	}
	status = status ?: deployments ? 0 : CTL_FAILED;
	json_decref(app);
	json_decref(queue);
	json_decref(deployments);
	return status;
}

static int run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct app_call c = {ctl, options};
	const char *verb = operands[0];

	if (!strcmp(verb, "ls") && nr == 1)
		return app_ls(&c);
	if (!strcmp(verb, "deploy") && nr == 2)
		return app_deploy(&c, operands[1]);
	if (!strcmp(verb, "scale") && nr == 3)
		return app_scale(&c, operands[1], operands[2]);
	if (!strcmp(verb, "why") && nr == 2)
		return app_why(&c, operands[1]);
	if (!strcmp(verb, "rm") && nr == 2)
		return app_rm(&c, operands[1]);
	return ctl_usage(ctl, "app: allowed are ls, deploy FILE, scale ID N, why ID and rm ID");
}

const struct command cmd_app = {
	.name = "app",
	.args = "[OPTION...] VERB [ARG...]",
	.help = "services of the allocator: ls, deploy, scale, why, rm",
	.more = "ls                 all apps\n"
		"deploy FILE        a new app or group, or a new version of it; - is standard "
		"input\n"
		"scale ID N         so many instances\n"
		"why ID             why it has not what is wanted\n"
		"rm ID              end and forget it",
	.options = app_rows,
	.options_size = sizeof(struct app_options),
	.operands_min = 1,
	.operands_max = 3,
	.run = run,
};
