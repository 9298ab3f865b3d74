// SPDX-License-Identifier: Apache-2.0
/* Calls to the agent, see client.h. */
#include "tools/common/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define AGENT	"io.dcos.Agent."
#define SERVICE "org.varlink.service."

const char *client_socket(const char *option)
{
	const char *env = getenv(CLIENT_SOCKET_ENV);

	if (option)
		return option;
	return env && *env ? env : CLIENT_SOCKET;
}

static int connect_failed(const char *path, int err, struct why *why)
{
	switch (-err) {
	case ENOENT:
		(void)why_set(why, -EINVAL,
			      "no agent at %s: no such socket; start it (systemctl start "
			      "dcos-agent) or name its socket with --socket or $%s",
			      path, CLIENT_SOCKET_ENV);
		break;
	case ECONNREFUSED:
		(void)why_set(why, -EINVAL,
			      "no agent at %s: the socket is there but nobody listens; start it "
			      "(systemctl start dcos-agent)",
			      path);
		break;
	case EACCES:
	case EPERM:
		(void)why_set(why, -EINVAL,
			      "%s: permission denied; be root or a member of the socket's group "
			      "(dcos)",
			      path);
		break;
	case ENAMETOOLONG:
	case E2BIG:
		(void)why_set(why, -EINVAL, "--socket=%s: must be shorter than 108 bytes", path);
		break;
	default:
		(void)why_set(why, err, "can't connect to %s", path);
	}
	return err;
}

int client_open(const char *path, struct vl_client **ret, struct why *why)
{
	int r = vl_client_connect(path, ret);

	return r < 0 ? connect_failed(path, r, why) : 0;
}

const char *field_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int64_t field_int(const json_t *o, const char *key, int64_t missing)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : missing;
}

static void say_no_such_task(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL, "%s: no such task; dcosctl ps -a lists all",
		      field_str(p, "id"));
}

static void say_task_exists(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL,
		      "%s: there is a task of this id; choose another one, or dcosctl rm it if it "
		      "has ended",
		      field_str(p, "id"));
}

static void say_task_ended(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL, "%s: the task has ended (%s)", field_str(p, "id"),
		      field_str(p, "state"));
}

static void say_task_running(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL, "%s: the task still runs; dcosctl kill it first",
		      field_str(p, "id"));
}

static void say_invalid_spec(const json_t *p, struct why *why)
{
	const char *key = field_str(p, "key");

	(void)why_set(why, -EINVAL, "%s: %s", *key ? key : "task spec", field_str(p, "reason"));
}

static void say_reason(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL, "%s", field_str(p, "reason"));
}

static void say_draining(const json_t *p, struct why *why)
{
	(void)p;
	(void)why_set(why, -EINVAL,
		      "this node drains and takes no new tasks; dcosctl drain --off ends that");
}

static void say_limit(const json_t *p, struct why *why)
{
	(void)why_set(why, -EINVAL, "%s: the limit of %lld is reached", field_str(p, "what"),
		      (long long)field_int(p, "limit", 0));
}

static void say_denied(const json_t *p, struct why *why)
{
	(void)p;
	(void)why_set(
		why, -EINVAL,
		"permission denied: only root and members of the agent's group (dcos) may do this");
}

static void say_parameter(const json_t *p, struct why *why)
{
	const char *name = field_str(p, "parameter"), *reason = field_str(p, "reason");

	if (*reason)
		(void)why_set(why, -EINVAL, "%s", reason); /* names it */
	else
		(void)why_set(why, -EINVAL, "%s: the agent refuses this parameter", name);
}

static void say_unknown_method(const json_t *p, struct why *why)
{
	const char *method = field_str(p, "method");

	(void)why_set(why, -EINVAL, "the agent does not know %s: it is older than this program",
		      *method ? method : "io.dcos.Agent");
}

static void say_system(const json_t *p, struct why *why)
{
	const char *name = field_str(p, "errnoName");

	(void)why_set(why, -EINVAL, "the agent failed%s%s; its log says more", *name ? ": " : "",
		      name);
}

static const struct {
	const char *name;
	void (*say)(const json_t *params, struct why *why);
} errors[] = {
	{AGENT "NoSuchTask", say_no_such_task},
	{AGENT "TaskExists", say_task_exists},
	{AGENT "TaskEnded", say_task_ended},
	{AGENT "TaskRunning", say_task_running},
	{AGENT "InvalidSpec", say_invalid_spec},
	{AGENT "LaunchFailed", say_reason},
	{AGENT "UpdateFailed", say_reason},
	{AGENT "Draining", say_draining},
	{AGENT "LimitReached", say_limit},
	{SERVICE "PermissionDenied", say_denied},
	{SERVICE "InvalidParameter", say_parameter},
	{SERVICE "MethodNotFound", say_unknown_method},
	{SERVICE "MethodNotImplemented", say_unknown_method},
	{SERVICE "InterfaceNotFound", say_unknown_method},
	{VL_ERROR_SYSTEM, say_system},
};

void client_explain(const char *error, const json_t *params, struct why *why)
{
	cleanup_free char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(errors[i].name, error)) {
			errors[i].say(params, why);
			return;
		}
	text = params ? json_dumps(params, JSON_COMPACT) : NULL;
	(void)why_set(why, -EINVAL, "the agent answered with error %s %s", error, text ? text : "");
}

static int connection_failed(int err, struct why *why)
{
	switch (-err) {
	case EPIPE:
	case ECONNRESET:
		(void)why_set(why, -EINVAL,
			      "the agent hung up: it was stopped, or it has too many clients");
		break;
	case EBADMSG:
		(void)why_set(why, -EINVAL, "what listens on the socket does not speak Varlink");
		break;
	case EMSGSIZE:
	case E2BIG:
		(void)why_set(why, -EINVAL, "the message is longer than %u bytes", VL_MESSAGE_MAX);
		break;
	default:
		(void)why_set(why, err, "the connection to the agent failed");
	}
	return err;
}

int client_call(struct vl_client *c, const char *method, json_t *params, json_t **ret,
		struct why *why)
{
	cleanup_json json_t *reply = NULL;
	cleanup_free char *error = NULL;
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), AGENT "%s", method);
	r = vl_client_call(c, name, params, &reply, &error);
	if (r < 0)
		return connection_failed(r, why);
	if (error) {
		client_explain(error, reply, why);
		return -EREMOTEIO;
	}
	*ret = take_ptr(reply);
	return 0;
}

int client_more(struct vl_client *c, const char *method, json_t *params, struct why *why)
{
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), AGENT "%s", method);
	r = vl_client_more(c, name, params);
	return r < 0 ? connection_failed(r, why) : 0;
}

int client_next(struct vl_client *c, int timeout_ms, json_t **ret, bool *ret_continues,
		struct why *why)
{
	cleanup_json json_t *reply = NULL;
	cleanup_free char *error = NULL;
	bool continues = false;
	int r = vl_client_next(c, timeout_ms, &reply, &error, &continues);

	if (r == 0 || r == -EINTR)
		return r;
	if (r < 0)
		return connection_failed(r, why);
	if (error) {
		client_explain(error, reply, why);
		return -EREMOTEIO;
	}
	*ret = take_ptr(reply);
	*ret_continues = continues;
	return 1;
}

bool client_is_gone(int r)
{
	return r < 0 && r != -EINTR && r != -EREMOTEIO;
}
