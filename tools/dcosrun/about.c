// SPDX-License-Identifier: Apache-2.0
/* spec and features: a configuration to begin with, and what this runtime understands. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "tools/dcosrun/rt.h"

struct spec_options {
	const char *bundle;
	bool rootless;
};

static const struct opt_row spec_rows[] = {
	{"bundle", 'b', "DIR", opt_string, offsetof(struct spec_options, bundle), "a path",
	 "where config.json is written (default: the current directory)"},
	{"rootless", 0, NULL, opt_flag, offsetof(struct spec_options, rootless), NULL,
	 "with a user namespace in which this user is root"},
	{},
};

static const char template[] =
	"{\"ociVersion\": \"" RT_OCI_VERSION "\", \"process\": {\"terminal\": true,"
	"\"user\": {\"uid\": 0, \"gid\": 0}, \"args\": [\"sh\"],"
	"\"env\": [\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
	"\"TERM=xterm\"], \"cwd\": \"/\", \"capabilities\": {"
	"\"bounding\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
	"\"effective\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
	"\"permitted\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]},"
	"\"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],"
	"\"noNewPrivileges\": true}, \"root\": {\"path\": \"rootfs\", \"readonly\": true},"
	"\"hostname\": \"dcosrun\", \"mounts\": ["
	"{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},"
	"{\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\","
	"\"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},"
	"{\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\","
	"\"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\"]},"
	"{\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\","
	"\"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},"
	"{\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\","
	"\"options\": [\"nosuid\", \"noexec\", \"nodev\"]},"
	"{\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\","
	"\"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},"
	"{\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
	"\"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}],"
	"\"linux\": {\"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},"
	"\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": \"ipc\"},"
	"{\"type\": \"uts\"}, {\"type\": \"mount\"}, {\"type\": \"cgroup\"}],"
	"\"maskedPaths\": [\"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\","
	"\"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\","
	"\"/proc/sched_debug\", \"/sys/firmware\", \"/proc/scsi\"],"
	"\"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\","
	"\"/proc/sysrq-trigger\"]}}";

static int add_user(json_t *doc)
{
	json_t *linux_ = json_object_get(doc, "linux");
	json_t *uid = json_pack("[{s:i, s:i, s:i}]", "containerID", 0, "hostID", (int)getuid(),
				"size", 1);
	json_t *gid = json_pack("[{s:i, s:i, s:i}]", "containerID", 0, "hostID", (int)getgid(),
				"size", 1);

	return json_array_append_new(json_object_get(linux_, "namespaces"),
				     json_pack("{s:s}", "type", "user")) ||
			       json_object_set_new(linux_, "uidMappings", uid) ||
			       json_object_set_new(linux_, "gidMappings", gid) ||
			       json_object_del(linux_, "resources")
		       ? -ENOMEM
		       : 0;
}

static int run_spec(struct rt *rt, void *options, char **argv, int argc)
{
	const struct spec_options *o = options;
	cleanup_free char *path = NULL;
	json_t *doc = json_loads(template, 0, NULL);
	int err = doc ? 0 : -ENOMEM, fd;
	FILE *f;

	(void)argv; /* none */
	(void)argc;
	if (!err && o->rootless)
		err = add_user(doc);
	if (!err && asprintf(&path, "%s/config.json", o->bundle ? o->bundle : ".") < 0)
		err = -ENOMEM;
	if (err) {
		json_decref(doc);
		return why_set(&rt->why, err, "config.json");
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		err = -errno;
	else if (json_dumpf(doc, f, JSON_INDENT(4)) || fputc('\n', f) == EOF)
		err = -EIO;
	if (f && fclose(f) && !err)
		err = -errno;
	json_decref(doc);
	return err ? why_set(&rt->why, err, "%s", path) : 0;
}

const struct rt_command rt_spec = {
	.name = "spec",
	.args = "[OPTION...]",
	.help = "write a config.json to begin with",
	.options = spec_rows,
	.options_size = sizeof(struct spec_options),
	.operands_max = 0,
	.run = run_spec,
};

static void add_word(const char *word, void *ctx)
{
	(void)json_array_append_new(ctx, json_string(word)); /* ?string */
}

static json_t *known_caps(void)
{
	json_t *list = json_array();
	char text[CAPS_NAME_MAX + 1];
	uint64_t known = caps_known();

	for (unsigned int i = 0; i < 64; i++)
		if (known & (UINT64_C(1) << i))
			add_word(caps_to_text(UINT64_C(1) << i, text, sizeof(text)), list);
	return list;
}

static json_t *seccomp_features(void)
{
	return json_pack("{s:b, s:[s,s,s,s,s,s,s,s,s], s:[s,s,s,s,s,s,s], s:[s,s,s], s:[s,s,s]}",
			 "enabled", 1, "actions", "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",
			 "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
			 "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
			 "operators", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
			 "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE", "archs",
			 "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "supportedFlags",
			 "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
			 "SECCOMP_FILTER_FLAG_LOG");
}

static int run_features(struct rt *rt, void *options, char **argv, int argc)
{
	json_t *words = json_array(), *doc;
	int err;

	(void)options; /* none */
	(void)argv;
	(void)argc;
	config_mount_words(add_word, words);
	doc = json_pack(
		"{s:s, s:s, s:[s,s,s,s,s,s], s:o, s:{s:[s,s,s,s,s,s,s,s], s:o,"
		" s:{s:b, s:b, s:b, s:b, s:b}, s:o, s:{s:b}, s:{s:b}, s:{s:b}, s:{s:{s:b}}}}",
		"ociVersionMin", "1.0.0", "ociVersionMax", RT_OCI_VERSION, "hooks", "prestart",
		"createRuntime", "createContainer", "startContainer", "poststart", "poststop",
		"mountOptions", words, "linux", "namespaces", "cgroup", "ipc", "mount", "network",
		"pid", "time", "user", "uts", "capabilities", known_caps(), "cgroup", "v1", 0, "v2",
		1, "systemd", 1, "systemdUser", 0, "rdma", 1, "seccomp", seccomp_features(),
		"apparmor", "enabled", 1, "selinux", "enabled", 1, "intelRdt", "enabled", 0,
		"mountExtensions", "idmap", "enabled", 1);
	err = doc && !json_dumpf(doc, stdout, JSON_INDENT(2)) && putchar('\n') != EOF ? 0 : -EIO;
	json_decref(doc);
	return err ? why_set(&rt->why, err, "standard output") : 0;
}

const struct rt_command rt_features = {
	.name = "features",
	.args = "",
	.help = "print what this runtime understands",
	.operands_max = 0,
	.run = run_features,
};

static int run_refused(struct rt *rt, void *options, char **argv, int argc)
{
	(void)options; /* none */
	(void)argv;
	(void)argc;
	return why_set(&rt->why, -EOPNOTSUPP, "checkpoint and restore");
}

const struct rt_command rt_checkpoint = {
	.name = "checkpoint",
	.args = "ID",
	.help = "not supported",
	.operands_max = 64,
	.run = run_refused,
};

const struct rt_command rt_restore = {
	.name = "restore",
	.args = "ID",
	.help = "not supported",
	.operands_max = 64,
	.run = run_refused,
};
