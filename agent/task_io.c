// SPDX-License-Identifier: Apache-2.0
/* "io_max" of resources: one block device and its rates. Whether there is one says the isolator. */
#include "agent/task_draft.h"

#include <stdio.h>
#include <string.h>

#include "agent/path.h"

#define IO_BPS_MIN  4096ULL /* a page a second */
#define IO_BPS_MAX  (1ULL << 50)
#define IO_IOPS_MAX UINT32_MAX /* what the kernel takes */

/* "8:0" and nothing else */
static bool is_number_pair(const char *s)
{
	static const char digits[] = "0123456789";
	size_t major = strspn(s, digits), minor = strspn(s + major + (s[major] == ':'), digits);

	return major && major <= 4 && s[major] == ':' && minor && minor <= 7 &&
	       !s[major + 1 + minor];
}

static int io_device(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const char *s = NULL;
	int err = draft_text(d, v, 1, row->max, &s);

	if (err < 0)
		return err;
	if (strcmp(s, "auto") && !is_number_pair(s) &&
	    (!path_plain(s) || !path_within(s, "/dev") || !strcmp(s, "/dev")))
		return draft_fail(d,
				  "%s is not allowed, allowed is \"auto\", a path below /dev or "
				  "numbers such as \"8:0\"",
				  draft_show(d, v));
	(void)snprintf(field, CT_IO_DEVICE_MAX, "%s", s); /* row->max fits */
	return 0;
}

#define IO_AT(member) offsetof(struct ct_io_max, member)

static const struct task_row io_keys[] = {
	{{"device", "\"auto\", a path below /dev or \"MAJ:MIN\"", "\"auto\"",
	  "A partition stands for its disk, which is what the kernel limits. auto is the disk of "
	  "the agent's state directory, where tasks write to."},
	 io_device,
	 IO_AT(device),
	 .max = CT_IO_DEVICE_MAX - 1},
	{{"read_bps", "size from 4K", "no limit", "Most bytes a second that are read."},
	 value_bytes,
	 IO_AT(read_bps),
	 IO_BPS_MIN,
	 IO_BPS_MAX},
	{{"write_bps", "size from 4K", "no limit", "Most bytes a second that are written."},
	 value_bytes,
	 IO_AT(write_bps),
	 IO_BPS_MIN,
	 IO_BPS_MAX},
	{{"read_iops", "number 1..4294967295", "no limit", "Most read operations a second."},
	 value_number,
	 IO_AT(read_iops),
	 1,
	 IO_IOPS_MAX},
	{{"write_iops", "number 1..4294967295", "no limit", "Most write operations a second."},
	 value_number,
	 IO_AT(write_iops),
	 1,
	 IO_IOPS_MAX},
};

struct rows io_rows(void)
{
	return ROWS(io_keys);
}

int value_io_max(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const struct rows table = io_rows();
	struct ct_io_max m = {
		.device = "auto",
		.read_bps = CT_UNSET,
		.write_bps = CT_UNSET,
		.read_iops = CT_UNSET,
		.write_iops = CT_UNSET,
	};
	int err;

	(void)row;
	if (!json_is_object(v))
		return draft_type(d, v, "an object with a device and its rates");
	err = draft_object(d, &table, v, &m);
	if (err < 0)
		return err;
	if (m.read_bps == CT_UNSET && m.write_bps == CT_UNSET && m.read_iops == CT_UNSET &&
	    m.write_iops == CT_UNSET)
		return draft_fail(d, "names no rate, allowed are read_bps, write_bps, read_iops "
				     "and write_iops");
	*(struct ct_io_max *)field = m;
	return 0;
}
