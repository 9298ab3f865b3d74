// SPDX-License-Identifier: Apache-2.0
/*
 * Block devices by the cgroup v2 io controller: most bytes and operations a second of one device,
 * and a weight against other tasks. The kernel limits whole disks, so a partition stands for the
 * disk that it is on. A weight acts on disks whose scheduler is bfq, or for which io.cost.qos of the
 * root cgroup is on; no limit reaches what a task writes into the page cache before it is written
 * back. Without the controller nothing is enforced, and the container says so.
 * Source: cgroup-v2.rst, "IO Interface Files"; block/bfq-iosched.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/lib/cleanup.h"
#include "isolators/knobs.h"
#include "isolators/rows.h"

#define IO_WEIGHT     100 /* the kernel's default of both files */
#define IO_WEIGHT_MAX 10000
#define BFQ_MAX	      1000 /* of io.bfq.weight */
#define IO_LINE_MAX   160 /* "MAJ:MIN rbps=N wbps=N riops=N wiops=N", four numbers of 20 digits */
#define IO_NONE	      "rbps=max wbps=max riops=max wiops=max"

/* In priv[]: what io.max was told last, so that a device that is gone is not asked for again. */
struct io_held {
	struct ct_io_max max;
	bool known; /* false: a write failed on the way to it */
};

static int io_probe(const struct iso_host *host, struct iso_probe *ret)
{
	int err;

	ret->name = "io";
	err = controller_probe(host, CG_IO, "io.max of one device, io.weight", ret);
	if (!err && !ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "metered only, by eBPF"); /* fits */
	return err;
}

static bool is_limited(const struct ct_io_max *m)
{
	return m->device[0] != '\0';
}

/* @dev: becomes the number of the whole disk if it is that of a partition */
static int whole_disk(dev_t *dev)
{
	char path[64], text[32];
	unsigned int major, minor;
	int n;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(*dev),
		       minor(*dev)); /* fits */
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(*dev),
		       minor(*dev)); /* fits */
	n = cg_read_text(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n;
	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		return -EINVAL;
	*dev = makedev(major, minor);
	return 0;
}

/* The disk that the tasks' own layers, work directories and logs are on. */
static int device_auto(struct isolation *iso, dev_t *ret)
{
	const char *dir = iso->host->state_dir;
	struct stat st;

	if (!dir || stat(dir, &st) < 0)
		return iso_fail(iso, dir ? -errno : -ENOENT, "io_max: device auto: %s",
				dir ?: "no state directory");
	if (!major(st.st_dev))
		return iso_fail(iso, -EINVAL,
				"io_max: device auto: the file system of %s is on no block device "
				"of its own, name the device",
				dir);
	*ret = st.st_dev;
	return 0;
}

static int device_named(struct isolation *iso, const char *name, dev_t *ret)
{
	unsigned int major, minor;
	struct stat st;

	if (sscanf(name, "%u:%u", &major, &minor) == 2) {
		*ret = makedev(major, minor);
		return 0;
	}
	if (stat(name, &st) < 0)
		return iso_fail(iso, -errno, "io_max: device %s", name);
	if (!S_ISBLK(st.st_mode))
		return iso_fail(iso, -EINVAL, "io_max: device %s is no block device", name);
	*ret = st.st_rdev;
	return 0;
}

static int device_find(struct isolation *iso, dev_t *ret)
{
	const char *name = iso->res.io_max.device;
	dev_t dev = 0;
	int err = strcmp(name, "auto") ? device_named(iso, name, &dev) : device_auto(iso, &dev);

	if (err)
		return err;
	err = whole_disk(&dev);
	if (err)
		return iso_fail(iso, err, "io_max: device %s: the disk that it is on", name);
	*ret = dev;
	return 0;
}

static void add_rate(char *line, const char *key, uint64_t rate)
{
	size_t len = strlen(line);

	if (rate == CT_UNSET)
		(void)snprintf(line + len, IO_LINE_MAX - len, " %s=max", key); /* fits */
	else
		(void)snprintf(line + len, IO_LINE_MAX - len, " %s=%" PRIu64, key, rate);
}

static void io_line(const struct ct_io_max *m, dev_t dev, char line[IO_LINE_MAX])
{
	(void)snprintf(line, IO_LINE_MAX, "%u:%u", major(dev), minor(dev)); /* fits */
	add_rate(line, "rbps", m->read_bps);
	add_rate(line, "wbps", m->write_bps);
	add_rate(line, "riops", m->read_iops);
	add_rate(line, "wiops", m->write_iops);
}

static int io_write(struct isolation *iso, const char *line)
{
	int err = cg_write(iso->cgroup_fd, "io.max", line);

	return err ? iso_fail(iso, err, "io.max=%s", line) : 0;
}

/* Take the limits of all devices off but of the one whose line begins with @keep, NULL: none. */
static int io_clear(struct isolation *iso, const char *keep)
{
	char text[CG_FILE_MAX], *at = text, *line;
	size_t kept = keep ? strcspn(keep, " ") + 1 : 0; /* "8:0 " */
	int n = cg_read_text(iso->cgroup_fd, "io.max", text, sizeof(text)), err = 0;

	if (n < 0)
		return iso_fail(iso, n, "io.max");
	while (!err && (line = strsep(&at, "\n"))) {
		char none[IO_LINE_MAX];

		if (!*line || (keep && !strncmp(line, keep, kept)))
			continue;
		(void)snprintf(none, sizeof(none), "%.*s " IO_NONE, (int)strcspn(line, " "),
			       line); /* fits */
		err = io_write(iso, none);
	}
	return err;
}

/* The new device first: it is what the kernel may refuse. */
static int io_max_write(struct isolation *iso, dev_t dev, bool fresh)
{
	bool limited = is_limited(&iso->res.io_max);
	char line[IO_LINE_MAX];
	int err = 0;

	if (limited) {
		io_line(&iso->res.io_max, dev, line);
		err = io_write(iso, line);
	}
	return err || fresh ? err : io_clear(iso, limited ? line : NULL);
}

/* A device that is not there is refused also where nobody could limit it. */
static int io_max_set(struct isolation *iso, bool controlled, bool fresh)
{
	struct io_held *held = iso->priv[iso_index(&io_isolator)];
	const struct ct_io_max *m = &iso->res.io_max;
	dev_t dev = 0;
	int err = 0;

	if (held && held->known && !memcmp(&held->max, m, sizeof(*m)))
		return 0;
	if (is_limited(m) && (controlled || strcmp(m->device, "auto")))
		err = device_find(iso, &dev);
	if (err)
		return err;
	if (held)
		*held = (struct io_held){.max = *m};
	if (controlled)
		err = io_max_write(iso, dev, fresh);
	if (held)
		held->known = !err;
	return err;
}

/* @ret: "default N" of each file that the kernel has. Return: how many */
static size_t weight_knobs(const struct isolation *iso, struct knob ret[2])
{
	uint64_t w = iso->res.io_weight == CT_UNSET ? IO_WEIGHT : iso->res.io_weight;
	uint64_t bfq = w <= IO_WEIGHT ? w
				      : IO_WEIGHT + (w - IO_WEIGHT) * (BFQ_MAX - IO_WEIGHT) /
							    (IO_WEIGHT_MAX - IO_WEIGHT);
	struct knob knobs[] = {
		{.file = "io.weight", .allowed = "1..10000"},
		{.file = "io.bfq.weight", .allowed = "1..1000"},
	};
	size_t nr = 0;

	for (size_t i = 0; i < 2; i++) {
		if (!knob_exists(iso, knobs[i].file))
			continue;
		ret[nr] = knobs[i];
		(void)snprintf(ret[nr++].value, KNOB_VALUE_MAX, "default %" PRIu64,
			       i ? bfq : w); /* fits */
	}
	return nr;
}

static int io_weight_set(struct isolation *iso, bool fresh)
{
	struct knob knobs[2];
	size_t nr = weight_knobs(iso, knobs);

	if (iso->res.io_weight != CT_UNSET && !nr)
		warn_unenforced(iso, "io_weight", "the kernel has neither io.weight nor bfq");
	if (fresh && iso->res.io_weight == CT_UNSET)
		return 0;
	return fresh ? knobs_write(iso, knobs, nr) : knobs_change(iso, knobs, nr);
}

static void io_warn(struct isolation *iso)
{
	char reason[128];

	if (!controller_missing(iso->host, CG_IO, reason, sizeof(reason)))
		(void)snprintf(reason, sizeof(reason), "the kernel has no io.max"); /* fits */
	if (is_limited(&iso->res.io_max))
		warn_unenforced(iso, "io_max", reason);
	if (iso->res.io_weight != CT_UNSET)
		warn_unenforced(iso, "io_weight", reason);
}

static int io_set(struct isolation *iso, bool fresh)
{
	bool controlled = knob_exists(iso, "io.max");
	int err = io_max_set(iso, controlled, fresh);

	if (!err && controlled)
		err = io_weight_set(iso, fresh);
	else if (!err)
		io_warn(iso);
	return err;
}

static int io_hold(struct isolation *iso)
{
	struct io_held *held = calloc(1, sizeof(*held));

	if (!held)
		return iso_fail(iso, -ENOMEM, "io");
	*held = (struct io_held){.max = iso->res.io_max, .known = true};
	iso->priv[iso_index(&io_isolator)] = held;
	return 0;
}

/*
 * What the agent before wrote last may not be what it wrote down. A device that is gone now was
 * there when it was asked for.
 */
static int io_recover(struct isolation *iso)
{
	struct why before = iso->why;

	if (knob_exists(iso, "io.max")) {
		(void)io_max_set(iso, true, false);
		iso->why = before;
	}
	return io_hold(iso);
}

static int io_prepare(struct isolation *iso)
{
	int err = io_set(iso, true);

	return err ? err : io_hold(iso);
}

static int io_update(struct isolation *iso)
{
	return io_set(iso, false);
}

static void io_release(struct isolation *iso)
{
	free(take_ptr(iso->priv[iso_index(&io_isolator)]));
}

const struct isolator io_isolator = {
	.name = "io",
	.probe = io_probe,
	.prepare = io_prepare,
	.update = io_update,
	.recover = io_recover,
	.release = io_release,
};
