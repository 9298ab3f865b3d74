// SPDX-License-Identifier: Apache-2.0
/*
 * Every key of an app definition, with the defaults that Marathon documents
 * (docs/rest-api, "apps"). Keys that are accepted and mean nothing here are not listed: an
 * unknown key is an error.
 */
#include "tools/allocator/app_rows.h"

#define SECONDS_MAX	  31536000.0
#define CHECK_SECONDS_MAX 3600.0 /* of what an agent takes */
#define CPUS_MAX	  4096.0
#define MIB_MAX		  1073741824.0

static const struct shape_row command_rows[] = {
	{"value", SHAPE_TEXT},
	{},
};

static const struct shape_row health_rows[] = {
	{"protocol", SHAPE_TEXT, "\"HTTP\"",
	 .words = "HTTP|HTTPS|TCP|COMMAND|MESOS_HTTP|MESOS_HTTPS|MESOS_TCP"},
	{"path", SHAPE_TEXT},
	{"command", SHAPE_OBJECT, .rows = command_rows},
	{"port", SHAPE_INTEGER, NULL, 0, 65535},
	{"portIndex", SHAPE_INTEGER, NULL, 0, APP_PORTS_MAX - 1},
	{"gracePeriodSeconds", SHAPE_INTEGER, "300", 0, CHECK_SECONDS_MAX},
	{"intervalSeconds", SHAPE_INTEGER, "60", 1, CHECK_SECONDS_MAX},
	{"timeoutSeconds", SHAPE_INTEGER, "20", 1, CHECK_SECONDS_MAX},
	{"maxConsecutiveFailures", SHAPE_INTEGER, "3", 0, 1000000},
	{"delaySeconds", SHAPE_INTEGER, "15", 0, CHECK_SECONDS_MAX},
	{"ignoreHttp1xx", SHAPE_BOOL, "false"},
	{"ipProtocol", SHAPE_TEXT, "\"IPv4\"", .words = "IPv4|IPv6"},
	{},
};

static const struct shape_row readiness_rows[] = {
	{"name", SHAPE_TEXT, "\"readinessCheck\""},
	{"protocol", SHAPE_TEXT, "\"HTTP\"", .words = "HTTP|HTTPS"},
	{"path", SHAPE_TEXT, "\"/\""},
	{"portName", SHAPE_TEXT, "\"http-api\""},
	{"intervalSeconds", SHAPE_INTEGER, "30", 1, SECONDS_MAX},
	{"timeoutSeconds", SHAPE_INTEGER, "10", 1, SECONDS_MAX},
	{"httpStatusCodesForReady", SHAPE_ANY, "[200]"},
	{"preserveLastResponse", SHAPE_BOOL, "false"},
	{},
};

static const struct shape_row upgrade_rows[] = {
	{"minimumHealthCapacity", SHAPE_NUMBER, "1", 0, 1},
	{"maximumOverCapacity", SHAPE_NUMBER, "1", 0, 1},
	{},
};

static const struct shape_row fetch_rows[] = {
	{"uri", SHAPE_TEXT},
	{"extract", SHAPE_BOOL, "true"},
	{"executable", SHAPE_BOOL, "false"},
	{"cache", SHAPE_BOOL, "false"},
	{"destPath", SHAPE_TEXT},
	{},
};

static const struct shape_row port_rows[] = {
	{"port", SHAPE_INTEGER, "0", 0, 65535},
	{"protocol", SHAPE_TEXT, "\"tcp\"", .words = "tcp|udp|udp,tcp|tcp,udp"},
	{"name", SHAPE_TEXT},
	{"labels", SHAPE_MAP, "{}"},
	{},
};

static const struct shape_row mapping_rows[] = {
	{"containerPort", SHAPE_INTEGER, "0", 0, 65535},
	{"hostPort", SHAPE_INTEGER, "0", 0, 65535},
	{"servicePort", SHAPE_INTEGER, "0", 0, 65535},
	{"protocol", SHAPE_TEXT, "\"tcp\"", .words = "tcp|udp|udp,tcp|tcp,udp"},
	{"name", SHAPE_TEXT},
	{"labels", SHAPE_MAP, "{}"},
	{},
};

static const struct shape_row volume_rows[] = {
	{"containerPath", SHAPE_TEXT},
	{"hostPath", SHAPE_TEXT},
	{"mode", SHAPE_TEXT, "\"RW\"", .words = "RO|RW"},
	{},
};

static const struct shape_row docker_rows[] = {
	{"image", SHAPE_TEXT},
	{"forcePullImage", SHAPE_BOOL, "false"},
	{"privileged", SHAPE_BOOL, "false"},
	{"parameters", SHAPE_ANY, "[]"},
	{},
};

static const struct shape_row seccomp_rows[] = {
	{"profileName", SHAPE_TEXT},
	{"unconfined", SHAPE_BOOL},
	{},
};

static const struct shape_row linux_rows[] = {
	{"seccomp", SHAPE_OBJECT, .rows = seccomp_rows},
	{},
};

static const struct shape_row container_rows[] = {
	{"type", SHAPE_TEXT, "\"MESOS\"", .words = "MESOS|DOCKER"},
	{"docker", SHAPE_OBJECT, .rows = docker_rows},
	{"volumes", SHAPE_OBJECTS, "[]", .rows = volume_rows},
	{"portMappings", SHAPE_OBJECTS, "[]", .rows = mapping_rows},
	{"linuxInfo", SHAPE_OBJECT, .rows = linux_rows},
	{},
};

static const struct shape_row network_rows[] = {
	{"mode", SHAPE_TEXT, "\"host\"", .words = "host|container|container/bridge"},
	{"name", SHAPE_TEXT},
	{"labels", SHAPE_MAP, "{}"},
	{},
};

const struct shape_row app_rows[] = {
	{"id", SHAPE_TEXT},
	{"cmd", SHAPE_TEXT},
	{"args", SHAPE_TEXTS},
	{"cpus", SHAPE_NUMBER, "1", 0, CPUS_MAX},
	{"mem", SHAPE_NUMBER, "128", 0, MIB_MAX},
	{"disk", SHAPE_NUMBER, "0", 0, MIB_MAX},
	{"gpus", SHAPE_INTEGER, "0", 0, 0.5},
	{"instances", SHAPE_INTEGER, "1", 0, APP_INSTANCES_MAX},
	{"env", SHAPE_ANY, "{}"},
	{"labels", SHAPE_MAP, "{}"},
	{"user", SHAPE_TEXT},
	{"role", SHAPE_TEXT, "\"*\""},
	{"executor", SHAPE_TEXT, "\"\"", .words = ""},
	{"container", SHAPE_OBJECT, .rows = container_rows},
	{"networks", SHAPE_OBJECTS, "[{\"mode\": \"host\"}]", .rows = network_rows},
	{"ports", SHAPE_ANY},
	{"portDefinitions", SHAPE_OBJECTS, .rows = port_rows},
	{"requirePorts", SHAPE_BOOL, "false"},
	{"healthChecks", SHAPE_OBJECTS, "[]", .rows = health_rows},
	{"readinessChecks", SHAPE_OBJECTS, "[]", .rows = readiness_rows},
	{"constraints", SHAPE_LISTS, "[]"},
	{"dependencies", SHAPE_TEXTS, "[]"},
	{"upgradeStrategy", SHAPE_OBJECT,
	 "{\"minimumHealthCapacity\": 1, \"maximumOverCapacity\": 1}", .rows = upgrade_rows},
	{"fetch", SHAPE_OBJECTS, "[]", .rows = fetch_rows},
	{"acceptedResourceRoles", SHAPE_TEXTS, "[\"*\"]"},
	{"secrets", SHAPE_ANY, "{}"},
	{"backoffSeconds", SHAPE_NUMBER, "1", 0, SECONDS_MAX},
	{"backoffFactor", SHAPE_NUMBER, "1.15", 1, 1000},
	{"maxLaunchDelaySeconds", SHAPE_NUMBER, "300", 0, SECONDS_MAX},
	{"killSelection", SHAPE_TEXT, "\"YOUNGEST_FIRST\"", .words = "YOUNGEST_FIRST|OLDEST_FIRST"},
	{"taskKillGracePeriodSeconds", SHAPE_NUMBER, NULL, 0, SECONDS_MAX},
	{"unreachableStrategy", SHAPE_ANY,
	 "{\"inactiveAfterSeconds\": 0, \"expungeAfterSeconds\": 0}"},
	{"resourceLimits", SHAPE_ANY},
	{"dcos", SHAPE_ANY}, /* our own: network quotas, autoscale */
	/* only in replies; clients send back what they have read */
	{"version", SHAPE_SKIP},
	{"versionInfo", SHAPE_SKIP},
	{"tasks", SHAPE_SKIP},
	{"tasksRunning", SHAPE_SKIP},
	{"tasksStaged", SHAPE_SKIP},
	{"tasksHealthy", SHAPE_SKIP},
	{"tasksUnhealthy", SHAPE_SKIP},
	{"deployments", SHAPE_SKIP},
	{"lastTaskFailure", SHAPE_SKIP},
	{"taskStats", SHAPE_SKIP},
	{"uris", SHAPE_SKIP},
	{"storeUrls", SHAPE_SKIP},
	{},
};
