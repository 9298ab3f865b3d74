// SPDX-License-Identifier: Apache-2.0
/* Facts about a task from /proc, the agent and the compiled profile, see facts.h. */
#include "tools/dcosaudit/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "isolators/seccomp.h"
#include "tools/common/client.h"
#include "tools/dcosaudit/audit.h"
#include "tools/dcosaudit/task_profile.h"

#define LINE_MAX_	8192 /* bytes of a line of /proc that are looked at */
#define PATH_TEXT	4096
#define DEVICE_TEXT_MAX 256

const char *facts_ns_name(enum facts_ns ns)
{
	static const char *const names[FACTS_NS] = {
		[FACTS_CGROUP] = "cgroup", [FACTS_IPC] = "ipc", [FACTS_MNT] = "mnt",
		[FACTS_NET] = "net",	   [FACTS_PID] = "pid", [FACTS_USER] = "user",
		[FACTS_UTS] = "uts",
	};

	return names[ns];
}

static FILE *proc_open(pid_t pid, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file); /* fits */
	return fopen(path, "re");
}

/* ---- /proc/PID/status ---- */

static bool value_of(const char *line, const char *key, int base, uint64_t *ret)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) || line[len] != ':')
		return false;
	*ret = strtoull(line + len + 1, NULL, base); /* the kernel wrote it */
	return true;
}

static void status_line(struct facts *f, const char *line)
{
	unsigned int real, effective;
	uint64_t v;

	if (value_of(line, "Seccomp", 10, &v))
		f->seccomp = (int)v;
	else if (value_of(line, "Seccomp_filters", 10, &v))
		f->filters = (int)v;
	else if (value_of(line, "NoNewPrivs", 10, &v))
		f->no_new_privs = v;
	else if (value_of(line, "CapEff", 16, &v))
		f->caps_effective = v;
	else if (value_of(line, "CapBnd", 16, &v))
		f->caps_bounding = v;
	else if (sscanf(line, "Uid: %u %u", &real, &effective) == 2)
		f->uid = effective;
}

static int read_status(struct facts *f)
{
	cleanup_fclose FILE *file = proc_open(f->pid, "status");
	char line[LINE_MAX_];

	if (!file)
		return -errno;
	f->filters = -1;
	while (fgets(line, sizeof(line), file))
		status_line(f, line);
	return 0;
}

/* Which id inside is the effective one outside: user_namespaces(7), uid_map */
static int read_uid_map(struct facts *f)
{
	cleanup_fclose FILE *file = proc_open(f->pid, "uid_map");
	uint32_t inside, outside, nr;

	if (!file)
		return -errno;
	f->uid_inside = UINT32_MAX;
	while (fscanf(file, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &nr) == 3)
		if (f->uid >= outside && f->uid - outside < nr)
			f->uid_inside = inside + (f->uid - outside);
	return 0;
}

/* ---- namespaces ---- */

static int ns_of(pid_t pid, const char *name, struct stat *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name); /* fits */
	return stat(path, ret) < 0 ? -errno : 0;
}

/* The host's are the agent's: those of pid 1 may be hidden from who is less than it. */
static int read_namespaces(struct facts *f, pid_t agent)
{
	for (int i = 0; i < FACTS_NS; i++) {
		struct stat host, own;
		const char *name = facts_ns_name((enum facts_ns)i);
		int err = ns_of(f->pid, name, &own);

		if (!err)
			err = ns_of(agent, name, &host);
		if (err)
			return err;
		f->own_ns[i] = host.st_ino != own.st_ino || host.st_dev != own.st_dev;
	}
	return 0;
}

/* ---- mounts ---- */

/* Octal escapes of blanks and the like: proc(5), mountinfo */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned int c;

		if (*s == '\\' && sscanf(s + 1, "%3o", &c) == 1) {
			*to++ = (char)c;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = options; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, name, len) && (p[len] == ',' || !p[len]))
			return true;
	}
	return false;
}

/* File systems of the kernel's own: what may be written there is no data of the host. */
static bool is_kernels(const char *type)
{
	static const char *const types[] = {"proc",   "sysfs",	 "devpts", "mqueue",
					    "cgroup", "cgroup2", "bpf",	   "securityfs"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

static void list_add(struct facts *f, json_t *list, json_t *item)
{
	if (json_array_size(list) < FACTS_LIST_MAX) {
		(void)json_array_append_new(list, item); /* NULL: out of memory, seen later */
		return;
	}
	f->left_out++;
	json_decref(item);
}

static void mount_line(struct facts *f, char *line)
{
	char root[PATH_TEXT], path[PATH_TEXT], options[1024], type[64], super[1024];
	char *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*d %*d %*s %4095s %4095s %1023s", root, path, options) != 3 ||
	    sscanf(dash, " - %63s %*s %1023s", type, super) != 2)
		return;
	if (!has_option(options, "rw") || !has_option(super, "rw") || is_kernels(type))
		return;
	unescape(root);
	unescape(path);
	list_add(f, f->writable,
		 json_pack("{s:s, s:s, s:s}", "path", path, "type", type, "source", root));
}

static int read_mounts(struct facts *f)
{
	cleanup_fclose FILE *file = proc_open(f->pid, "mountinfo");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0)
		mount_line(f, line);
	return 0;
}

/* ---- from the agent ---- */

static void read_devices(struct facts *f, const json_t *spec)
{
	const json_t *d;
	size_t i;

	json_array_foreach (json_object_get(spec, "devices"), i, d) {
		char text[DEVICE_TEXT_MAX];
		const char *access = field_str(d, "access");

		(void)snprintf(text, sizeof(text), "%.200s:%.8s", field_str(d, "path"),
			       *access ? access : "rwm"); /* fits */
		list_add(f, f->devices, json_string(text));
	}
}

static void hash_text(const void *data, size_t size, char ret[static FACTS_HASH_TEXT])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, size, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", digest[i]); /* fits */
}

/* Of the program that the kernel runs: profiles that say the same have the same. */
static int read_profile(struct facts *f, const json_t *inspect, const char *dir)
{
	cleanup_free char *text = NULL;
	struct sc_filter *filter;
	struct why why = {};
	uint64_t caps = f->caps_bounding;

	f->profile = strdup(task_profile_name(inspect));
	if (!f->profile)
		return -ENOMEM;
	if (task_profile_text(inspect, dir, &text, &why) < 0 ||
	    sc_compile(text, caps, &filter, &why) < 0)
		return 0; /* it has no hash here */
	hash_text(sc_filter_info(filter)->prog.filter,
		  sc_filter_info(filter)->prog.len * sizeof(struct sock_filter), f->hash);
	(void)sc_filter_unref(filter); /* always NULL */
	return 0;
}

static int read_all(struct facts *f, const json_t *inspect, const struct facts_from *from)
{
	int err = read_status(f);

	if (!err)
		err = read_uid_map(f);
	if (!err)
		err = read_namespaces(f, from->agent);
	if (!err)
		err = read_mounts(f);
	if (!err)
		err = facts_ports(f->pid, from->cgroup_dir, f);
	if (!err)
		err = read_profile(f, inspect, from->profile_dir);
	return err;
}

int facts_read(const json_t *inspect, const struct facts_from *from, struct facts *ret,
	       struct why *why)
{
	const json_t *task = json_object_get(inspect, "task");
	const json_t *labels = json_object_get(task, "labels");
	struct facts f = {
		.id = strdup(field_str(task, "id")),
		.pid = (pid_t)field_int(task, "pid", 0),
		.labels = labels ? json_deep_copy(labels) : json_object(),
		.writable = json_array(),
		.devices = json_array(),
		.ports = json_array(),
	};
	int err;

	read_devices(&f, json_object_get(inspect, "spec"));
	err = !f.id || !f.labels || !f.writable || !f.devices || !f.ports ? -ENOMEM
	      : f.pid > 0 ? read_all(&f, inspect, from)
			  : -ESRCH;
	if (err) {
		(void)why_set(why, err, "task %s", f.id ? f.id : "?");
		facts_free(&f);
		return err == -ENOENT ? -ESRCH : err;
	}
	*ret = f;
	return 0;
}

void facts_free(struct facts *f)
{
	free(f->id);
	free(f->profile);
	json_decref(f->labels);
	json_decref(f->writable);
	json_decref(f->devices);
	json_decref(f->ports);
	*f = (struct facts){};
}

static json_t *caps_json(uint64_t caps)
{
	char text[CAPS_TEXT_MAX], *next = text, *name;
	json_t *list = json_array();

	(void)caps_to_text(caps, text, sizeof(text)); /* it is @text */
	while ((name = strsep(&next, " ")))
		if (*name)
			(void)json_array_append_new(list, json_string(name));
	return list;
}

json_t *facts_json(const struct facts *f)
{
	json_t *ns = json_array();

	for (int i = 0; i < FACTS_NS; i++)
		if (f->own_ns[i])
			(void)json_array_append_new(ns,
						    json_string(facts_ns_name((enum facts_ns)i)));
	return json_pack("{s:s, s:i, s:O, s:s, s:s, s:s, s:i, s:b, s:I, s:I, s:o, s:o, s:o, s:O, "
			 "s:O, s:O, s:i}",
			 "id", f->id, "pid", (int)f->pid, "labels", f->labels, "profile",
			 f->profile, "filter_sha256", f->hash, "seccomp",
			 f->seccomp == 2 ? "filter"
			 : f->seccomp	 ? "strict"
					 : "none",
			 "filters", f->filters, "no_new_privs", f->no_new_privs, "uid_host",
			 (json_int_t)f->uid, "uid", (json_int_t)f->uid_inside, "capabilities",
			 caps_json(f->caps_effective), "bounding", caps_json(f->caps_bounding),
			 "namespaces", ns, "writable", f->writable, "devices", f->devices, "ports",
			 f->ports, "left_out", (int)f->left_out);
}
