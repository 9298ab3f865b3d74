// SPDX-License-Identifier: Apache-2.0
/* Every key of a task spec; parsed in this order. "image" comes before what depends on it. */
#include "agent/task_draft.h"

#define SPEC(member)	DRAFT_AT(spec.member)
#define PROCESS(member) DRAFT_AT(spec.ct.process.member)

static const struct task_row rows[] = {
	{{"id", "name of at most 128 bytes", "\"task-\" and 8 random hexadecimal digits",
	  "Letters, digits, \"_\", \"+\", \"-\" and, but not first, \".\". No other task of the "
	  "node "
	  "may have it, an ended one neither, until it is removed."},
	 value_id,
	 SPEC(ct.id),
	 .max = CT_ID_MAX},
	{{"image", "\"host\" or a path", "\"host\"",
	  "Path of an unpacked root file system, which tasks don't change: what they write goes to "
	  "a layer of their own. With \"host\" the task sees the host's files, read-only, with "
	  "/tmp, "
	  "/var/tmp, /run, /dev and /proc of its own."},
	 value_image,
	 SPEC(ct.root)},
	{{"readonly", "true or false", "false", "The task can't write to its root file system."},
	 value_readonly,
	 SPEC(ct.root)},
	{{"workdir", "path on the host", NULL,
	  "Directory of the host that the task may write to, at the same path. Only with the image "
	  "\"host\". Not /, nothing in /proc, /sys and /dev, and not the agent's own directories."},
	 value_workdir,
	 SPEC(ct.root)},
	{{"command", "array of texts", NULL,
	  "Program and arguments; a program without \"/\" is looked for in PATH of env. Either "
	  "this or "
	  "cmd is required."},
	 value_json,
	 DRAFT_AT(command)},
	{{"cmd", "text", NULL, "Run by /bin/sh -c."},
	 value_cmd,
	 DRAFT_AT(cmd),
	 1,
	 TASK_STRING_MAX - 1},
	{{"env", "object of texts", "PATH, HOME and DCOS_TASK_ID",
	  "Environment variables. Those of the default are there in any case, unless given here: "
	  "PATH is the usual one, HOME is that of the user or /, DCOS_TASK_ID is the id."},
	 value_json,
	 DRAFT_AT(env)},
	{{"user", "text", "\"0:0\"",
	  "\"UID\", \"UID:GID\", or names instead of either, which are looked up in etc/passwd and "
	  "etc/group of the image. Without a group it is that of the user's line in etc/passwd, "
	  "65534 if there is none (0 for the user 0). In a user namespace of the task's own these "
	  "are "
	  "ids inside."},
	 value_json,
	 DRAFT_AT(user)},
	{{"groups", "array of numbers or names, at most 64", "those that list a user given by name",
	  "Supplementary groups."},
	 value_json,
	 DRAFT_AT(groups)},
	{{"cwd", "path in the container", "workdir, or /", "Directory that the program starts in."},
	 value_json,
	 DRAFT_AT(cwd)},
	{{"network", "\"host\", \"private\" or \"none\"",
	  "\"none\"; \"host\" with the image \"host\"",
	  "The host's network, or one of the task's own: with only a loopback device, or private "
	  "with eth0 and a way to the host, see NETWORKS."},
	 value_json,
	 DRAFT_AT(network)},
	{{"publish", "array of texts, at most 64", "none",
	  "Ports of the host that lead to the task, with the network \"private\" and [network] nat "
	  "of "
	  "agent.conf(5): \"8080:80\" the host's first, then the task's, with \"/udp\" behind it "
	  "for "
	  "UDP. By all addresses of the host but loopback, IPv6 included where the task has it. A "
	  "port that another task or a socket of the host has is refused."},
	 value_publish,
	 SPEC(ct)},
	{{"bind_ports", "array of numbers or texts, at most 64", "any port",
	  "The only ports that the task's sockets can be bound to: 8080, \"8000-8010\", or with a "
	  "protocol \"53/udp\" (tcp or udp). Port 0, for which the kernel chooses one, is always "
	  "allowed. What is denied fails with EPERM, is counted and logged."},
	 value_bind_ports,
	 SPEC(ct.guard)},
	{{"connect_to", "array of texts, at most 64", "any address",
	  "The only addresses that the task's sockets can connect or send datagrams to, its own "
	  "ones and loopback included: \"10.0.0.0/8\", \"192.0.2.7:443\", "
	  "\"[2001:db8::]/32:8000-8010/tcp\". Name servers have to be among them. What is denied "
	  "fails with EPERM, is counted and logged."},
	 value_connect_to,
	 SPEC(ct.guard)},
	{{"hostname", "name of at most 63 bytes", "the id, cut to 63 bytes",
	  "Letters, digits and, but not first, \"-\" and \".\"."},
	 value_hostname,
	 SPEC(ct.hostname)},
	{{"userns", "true or false", "true; false with the image \"host\"",
	  "A user namespace of the task's own: its ids, root included, are ids on the host that "
	  "nobody else has (userns_base in agent.conf(5))."},
	 value_json,
	 DRAFT_AT(userns)},
	{{"resources", "object", NULL, "Limits, see RESOURCES."},
	 value_resources,
	 SPEC(ct.resources)},
	{{"rlimits", "object", NULL, "Limits of each process, see RLIMITS."},
	 value_rlimits,
	 SPEC(ct.process)},
	{{"capabilities", "array of names", "[\"default\"] for the user 0, [] for others",
	  "All that the task has, and all it can ever get. Names are those of capabilities(7), "
	  "with or "
	  "without their prefix. \"default\" stands for CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, "
	  "SETGID, SETUID, SETPCAP, SETFCAP, NET_BIND_SERVICE and SYS_CHROOT. A user other than 0 "
	  "has "
	  "them in force (ambient)."},
	 value_json,
	 DRAFT_AT(capabilities)},
	{{"mounts", "array of objects, at most 64", "[]",
	  "Directories and files of the host, or file systems in memory, see MOUNTS."},
	 value_mounts,
	 SPEC(ct)},
	{{"devices", "array of objects, at most 64", "[]",
	  "Allowed beside null, zero, full, random, urandom, tty, ptmx and pts, see DEVICES."},
	 value_devices,
	 0},
	{{"seccomp", "name or object", "seccomp in agent.conf(5)",
	  "\"default\" is the built-in profile, \"unconfined\" is none, another name is that of a "
	  "file "
	  "in seccomp_dir (agent.conf(5)) without its .json; an object is a profile itself, in the "
	  "form of the OCI runtime specification."},
	 value_seccomp,
	 SPEC(ct.seccomp)},
	{{"no_new_privileges", "true or false", "true",
	  "Programs that the task executes can't get rights by set-user-ID or file capabilities."},
	 value_bool,
	 PROCESS(no_new_privileges)},
	{{"masked_paths", "array of paths, at most 128", "a list of parts of /proc and /sys",
	  "Files and directories that appear empty. Replaces the default list."},
	 value_paths,
	 SPEC(ct.masked_paths),
	 .max = CT_PATHS_MAX},
	{{"readonly_paths", "array of paths, at most 128", "a list of parts of /proc",
	  "Files and directories that can't be written. Replaces the default list."},
	 value_paths,
	 SPEC(ct.readonly_paths),
	 .max = CT_PATHS_MAX},
	{{"umask", "octal text \"000\"..\"777\"", "\"022\"", "File mode creation mask."},
	 value_umask,
	 PROCESS(umask)},
	{{"oom_score_adj", "number -1000..1000", "that of the agent",
	  "How readily the kernel kills the task when the host runs out of memory."},
	 value_oom_score_adj,
	 PROCESS(oom_score_adj)},
	{{"labels", "object of texts, at most 64", "{}",
	  "For people and allocators; the agent only shows them. Names and texts have at most 1024 "
	  "bytes."},
	 value_labels,
	 SPEC(labels),
	 .max = TASK_LABELS_MAX},
	{{"kill_signal", "name or number of a signal", "TERM",
	  "What is sent first when the task is ended and nobody says which, such as \"QUIT\"."},
	 value_signal,
	 SPEC(kill_signal)},
	{{"kill_grace", "time 0..1h", "kill_grace in agent.conf(5)",
	  "Time from kill_signal to SIGKILL when the task is ended."},
	 value_time,
	 SPEC(kill_grace_us),
	 .max = TASK_KILL_GRACE_MAX},
	{{"log_max", "size 4K..16G", "log_max in agent.conf(5)",
	  "Size beyond which the oldest of stdout or of stderr is dropped."},
	 value_bytes,
	 SPEC(log_max_bytes),
	 TASK_LOG_BYTES_MIN,
	 TASK_LOG_BYTES_MAX},
	{{"health_checks", "array of objects, at most 8", "[]",
	  "How the agent finds out whether the task works, see HEALTH CHECKS."},
	 value_health,
	 0},
};

struct rows task_rows(void)
{
	return ROWS(rows);
}

static void dump(FILE *f, const char *heading, struct rows table, const char *prefix)
{
	int n = fprintf(f, "%s\n", heading);

	while (--n > 0)
		(void)fputc('=', f);
	(void)fputs("\n\n", f);
	rows_dump(&table, prefix, f);
}

void task_keys_dump(FILE *f)
{
	dump(f, "KEYS", task_rows(), "");
	dump(f, "RESOURCES", resource_rows(), "resources.");
	dump(f, "IO LIMITS", io_rows(), "resources.io_max.");
	dump(f, "RLIMITS", rlimit_rows(), "rlimits.");
	dump(f, "MOUNTS", mount_rows(), "mounts[].");
	dump(f, "DEVICES", device_rows(), "devices[].");
	dump(f, "HEALTH CHECKS", health_rows(), "health_checks[].");
}
