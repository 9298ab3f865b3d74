// SPDX-License-Identifier: Apache-2.0
/* Every key of agent.conf(5): name, meaning, default, range, parser and place. */
#include "agent/config_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/history.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "agent/path.h"
#include "bpf/abi.h"

#define SOCKET_PATH_MAX 107 /* sun_path without its NUL, unix(7) */
#define NODE_NAME_MAX	253 /* of a DNS name */
#define GROUP_NAME_MAX	64
#define NAME_LETTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define US_PER_S	UINT64_C(1000000)

static int allowed(char *ret, const char *text)
{
	(void)snprintf(ret, CONFIG_SHOWN_MAX, "%s", text); /* a cut text still helps */
	return -EINVAL;
}

static int store(const char *value, void *field)
{
	char *copy = strdup(value), **place = field;

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

static int path_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	if (!path_plain(value) || !value[1])
		return allowed(ret, PATH_PLAIN_SAYS);
	if (strlen(value) > row->max) {
		(void)snprintf(ret, CONFIG_SHOWN_MAX, "at most %" PRIu64 " bytes", row->max);
		return -EINVAL;
	}
	return store(value, field);
}

/* One word of @row->max bytes; a name below bpffs can't have dots. */
static int word_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	size_t len = strlen(value);

	if (len < 1 || len > row->max || strspn(value, NAME_LETTERS) != len) {
		(void)snprintf(ret, CONFIG_SHOWN_MAX,
			       "1 to %" PRIu64 " letters, digits, \"_\" and \"-\"", row->max);
		return -EINVAL;
	}
	return store(value, field);
}

static int node_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	size_t len = strlen(value);

	if (len < 1 || len > row->max || strspn(value, NAME_LETTERS ".") != len || *value == '.') {
		(void)snprintf(ret, CONFIG_SHOWN_MAX,
			       "1 to %" PRIu64 " letters, digits, \"_\", \"-\" and \".\"",
			       row->max);
		return -EINVAL;
	}
	return store(value, field);
}

static int profile_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	(void)row;
	if (!name_plain(value))
		return allowed(ret, "default, unconfined or the name of a profile, without \"/\"");
	return store(value, field);
}

static int u32_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	uint64_t v = 0;

	if (parse_u64(value, row->min, row->max, &v) < 0) {
		(void)snprintf(ret, CONFIG_SHOWN_MAX, "a number from %" PRIu64 " to %" PRIu64,
			       row->min, row->max);
		return -EINVAL;
	}
	*(uint32_t *)field = (uint32_t)v;
	return 0;
}

static int bytes_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	char lo[16], hi[16];
	uint64_t v = 0;

	if (parse_bytes(value, &v) < 0 || v < row->min || v > row->max) {
		(void)snprintf(ret, CONFIG_SHOWN_MAX, "a size from %s to %s",
			       format_bytes(lo, sizeof(lo), row->min),
			       format_bytes(hi, sizeof(hi), row->max));
		return -EINVAL;
	}
	*(uint64_t *)field = v;
	return 0;
}

static int duration_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	char lo[16], hi[16];
	uint64_t v = 0;

	if (parse_duration_us(value, &v) < 0 || v < row->min || v > row->max) {
		(void)snprintf(ret, CONFIG_SHOWN_MAX, "a time from %s to %s",
			       format_us(lo, sizeof(lo), row->min),
			       format_us(hi, sizeof(hi), row->max));
		return -EINVAL;
	}
	*(uint64_t *)field = v;
	return 0;
}

static int choice_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	size_t len;

	for (const struct config_choice *c = row->choices; c->name; c++) {
		if (!strcmp(c->name, value)) {
			*(int *)field = c->value;
			return 0;
		}
	}
	len = (size_t)snprintf(ret, CONFIG_SHOWN_MAX, "one of");
	for (const struct config_choice *c = row->choices; c->name && len < CONFIG_SHOWN_MAX; c++)
		len += (size_t)snprintf(ret + len, CONFIG_SHOWN_MAX - len, "%s %s",
					c == row->choices ? "" : ",", c->name);
	return -EINVAL;
}

static int pool_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	(void)row;
	return net_pool_parse(value, field) < 0 ? allowed(ret, NET_POOL_SAYS) : 0;
}

static int pool6_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	(void)row;
	return net_pool6_parse(value, field) < 0 ? allowed(ret, NET_POOL6_SAYS) : 0;
}

static int dns_value(const struct config_row *row, const char *value, void *field, char *ret)
{
	(void)row;
	return net_dns_parse(value, field) < 0 ? allowed(ret, NET_DNS_SAYS) : 0;
}

static const struct config_choice no_or_yes[] = {
	{"no", 0},
	{"yes", 1},
	{NULL, 0},
};

static const struct config_choice read_accesses[] = {
	{"all", CONFIG_READ_ALL},
	{"group", CONFIG_READ_GROUP},
	{NULL, 0},
};

static const struct config_choice cpu_enforcers[] = {
	{"auto", CPU_AUTO}, {"cfs", CPU_CFS}, {"governor", CPU_GOVERNOR}, {"scx", CPU_SCX}, {},
};

static const struct config_choice log_levels[] = {
	{"err", LOG_ERR},   {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
	{"info", LOG_INFO}, {"debug", LOG_DEBUG},     {NULL, 0},
};

#define STR_(x) #x
#define STR(x)	STR_(x)
#define AT(x)	offsetof(struct config, x)

static const struct config_row agent_keys[] = {
	{{"state_dir", "path", "/var/lib/dcos",
	  "Directory for what must survive a reboot: the list of tasks, their logs and the layers "
	  "that tasks write to. Made if it is missing, mode 0700. Its file system needs overlay "
	  "and "
	  "id-mapped mounts for image tasks."},
	 path_value,
	 AT(state_dir),
	 1,
	 1024},
	{{"run_dir", "path", "/run/dcos",
	  "Directory on a tmpfs for what must not survive a reboot. Made if it is missing."},
	 path_value,
	 AT(run_dir),
	 1,
	 1024},
	{{"socket", "path of at most 107 bytes", "/run/dcos/agent.sock",
	  "Unix socket that the agent listens on, unless systemd hands it one."},
	 path_value,
	 AT(socket),
	 1,
	 SOCKET_PATH_MAX},
	{{"socket_group", "name of a group", "dcos",
	  "Members of this group may manage tasks, as root may. Whoever may manage tasks can "
	  "become "
	  "root on the node."},
	 word_value,
	 AT(socket_group),
	 1,
	 GROUP_NAME_MAX},
	{{"read_access", "all or group", "all",
	  "Who may call the methods that only read: every local user, or members of socket_group."},
	 choice_value,
	 AT(read_access),
	 .choices = read_accesses},
	{{"read_group", "name of a group", "dcos-read",
	  "Members of this group, if there is one, may call the methods that only read, also where "
	  "read_access is group: dcos-exporter, for example, which must not manage tasks."},
	 word_value,
	 AT(read_group),
	 1,
	 GROUP_NAME_MAX},
	{{"node", "name of at most 253 bytes", NULL,
	  "Name of this node in reports and metrics; without it the host name."},
	 node_value,
	 AT(node),
	 1,
	 NODE_NAME_MAX},
	{{"log_level", "err, warning, notice, info or debug", "info",
	  "The least important messages that are logged."},
	 choice_value,
	 AT(log_level),
	 .choices = log_levels},
	{{"tasks_max", "number 1..1023", "1000",
	  "Tasks that may be there at a time and have not ended; one more is refused. The meters "
	  "have 1023 slots."},
	 u32_value,
	 AT(tasks_max),
	 1,
	 DCOS_SLOTS - 1},
	{{"ended_tasks_max", "number 0..100000", "1000",
	  "Ended tasks that are remembered with their logs; the oldest is forgotten first."},
	 u32_value,
	 AT(ended_tasks_max),
	 0,
	 100000},
};

static const struct config_row cgroup_keys[] = {
	{{"path", "path", "/dcos",
	  "The agent's own subtree, below the place where cgroup2 is mounted. Under systemd it "
	  "must "
	  "belong to a unit with Delegate=yes, as in the installed "
	  "/system.slice/dcos-tasks.service/tasks."},
	 path_value,
	 AT(cgroup_path),
	 1,
	 1024},
};

static const struct config_row meter_keys[] = {
	{{"bpffs", "path", "/sys/fs/bpf",
	  "Where the bpf file system is, or shall be, mounted. The meters are pinned there and go "
	  "on "
	  "counting while no agent runs."},
	 path_value,
	 AT(bpffs),
	 1,
	 1024},
	{{"pin_dir", "name of at most 64 bytes", "dcos",
	  "Directory below bpffs. Two agents on one host need two."},
	 word_value,
	 AT(pin_dir),
	 1,
	 64},
	{{"interval", "time 100ms..60s", "1s",
	  "How often the meters are read for snapshots; subscribers get this or a multiple of it."},
	 duration_value,
	 AT(meter_interval_us),
	 US_PER_S / 10,
	 60 * US_PER_S},
	{{"history", "size 64K..1G", "8M",
	  "Memory for what tasks did in their last 600 readings, dcosctl history. It is taken as "
	  "it "
	  "is needed; when it is full the oldest goes first, and is counted."},
	 bytes_value,
	 AT(meter_history_bytes),
	 HISTORY_FIRST,
	 1ULL << 30},
};

static const struct config_row cpu_keys[] = {
	{{"enforcer", "auto, cfs, governor or scx", "auto",
	  "Who holds CPU quotas. cfs: the kernel's cpu.max, which needs the cpu controller of "
	  "cgroup v2. governor: eBPF counts, and the agent freezes who has used up its period. "
	  "scx: a scheduler of the agent's own in eBPF runs tasks, which needs sched_ext with "
	  "cgroup_set_bandwidth, and the cpu controller; where it can't, or is ejected, as with "
	  "auto. auto: cfs where it can, else the governor."},
	 choice_value,
	 AT(cpu_enforcer),
	 .choices = cpu_enforcers},
};

static const struct config_row network_keys[] = {
	{{"ipv4", NET_POOL_SAYS, "10.88.0.0/16",
	  "Addresses of tasks with a private network, see dcos-task(5): the first one is the "
	  "gateway's, which every such task has, each of the rest but the last is for one task. "
	  "none: such tasks are refused. A change is for tasks that start later."},
	 pool_value,
	 AT(net_pool)},
	{{"ipv6", NET_POOL6_SAYS, "none",
	  "IPv6 addresses of such tasks, beside the others and at the same places: a range of "
	  "this host alone, as of fd00::/8, since what leaves the host gets its address. Needs "
	  "nat. A change is for tasks that start later."},
	 pool6_value,
	 AT(net_pool6)},
	{{"nat", "no or yes", "yes",
	  "With the first task with a private network the agent makes a table \"inet dcos\" of "
	  "nf_tables: tasks reach others than the host by the host's address, and nobody beyond "
	  "the host reaches them but with answers. no: the host's packet filter is left alone."},
	 choice_value,
	 AT(net_nat.on),
	 .choices = no_or_yes},
	{{"isolate", "no or yes", "yes",
	  "That table also keeps tasks with private networks from reaching each other."},
	 choice_value,
	 AT(net_nat.isolate),
	 .choices = no_or_yes},
	{{"forward", "no or yes", "no",
	  "Whether the agent switches net.ipv4.ip_forward of the host on with that table, and "
	  "where ipv6 is a range net.ipv6.conf.all.forwarding, which ends what the host hears of "
	  "routers' advertisements unless accept_ra is 2. no: they stay as they are; where they "
	  "are off, tasks reach the host only."},
	 choice_value,
	 AT(net_nat.forward),
	 .choices = no_or_yes},
	{{"dns", NET_DNS_SAYS, "none",
	  "Name servers in the /etc/resolv.conf of tasks with a private network, in place of those "
	  "of the host's file that such tasks can't reach: loopback and IPv6 addresses. none: "
	  "those are left out."},
	 dns_value,
	 AT(net_dns)},
};

static const struct config_row tasks_keys[] = {
	{{"userns_base", "number 65536..4294967294", "1879048192",
	  "First host user and group id that tasks with a user namespace of their own get. The "
	  "default lies above the ranges of /etc/subuid and of systemd's containers."},
	 u32_value,
	 AT(userns_base),
	 65536,
	 UINT32_MAX - 1},
	{{"userns_size", "number 65536..16777216", "65536", "Ids that each such task gets."},
	 u32_value,
	 AT(userns_size),
	 65536,
	 16777216},
	{{"userns_count", "number 1..65535", "1024",
	  "How many such tasks can be there at a time, ended ones not counted. userns_base + "
	  "userns_size * userns_count must not be more than 4294967295."},
	 u32_value,
	 AT(userns_count),
	 1,
	 65535},
	{{"seccomp", "default, unconfined or a name", "default",
	  "Seccomp profile of tasks that name none, see dcos-task(5)."},
	 profile_value,
	 AT(seccomp)},
	{{"seccomp_dir", "path", DCOS_PREFIX "/share/dcos-node/seccomp",
	  "Directory of profiles: the name web in a task spec means the file web.json here."},
	 path_value,
	 AT(seccomp_dir),
	 1,
	 1024},
	{{"kill_grace", "time 0..1h", "5s",
	  "Time between SIGTERM and SIGKILL for tasks that don't say it."},
	 duration_value,
	 AT(kill_grace_us),
	 0,
	 3600 * US_PER_S},
	{{"log_max", "size 4K..16G", "10M",
	  "Size beyond which the oldest of a task's stdout or stderr is dropped, for tasks that "
	  "don't say it. A task that writes fast is looked at every 20 ms, others every second."},
	 bytes_value,
	 AT(log_max_bytes),
	 4ULL << 10,
	 16ULL << 30},
};

struct rows config_sections(void)
{
	static const struct config_section sections[] = {
		{{"agent", "", NULL, "The daemon itself."},
		 {agent_keys, ARRAY_SIZE(agent_keys), sizeof(agent_keys[0])}},
		{{"cgroup", "", NULL, "Where tasks live."},
		 {cgroup_keys, ARRAY_SIZE(cgroup_keys), sizeof(cgroup_keys[0])}},
		{{"meter", "", NULL, "Metering by eBPF."},
		 {meter_keys, ARRAY_SIZE(meter_keys), sizeof(meter_keys[0])}},
		{{"cpu", "", NULL, "CPU quotas."},
		 {cpu_keys, ARRAY_SIZE(cpu_keys), sizeof(cpu_keys[0])}},
		{{"network", "", NULL, "Networks of tasks."},
		 {network_keys, ARRAY_SIZE(network_keys), sizeof(network_keys[0])}},
		{{"tasks", "", NULL, "What tasks get that don't ask for something else."},
		 {tasks_keys, ARRAY_SIZE(tasks_keys), sizeof(tasks_keys[0])}},
	};

	return ROWS(sections);
}
