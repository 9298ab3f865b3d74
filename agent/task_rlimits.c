// SPDX-License-Identifier: Apache-2.0
/* "rlimits": the names of setrlimit(2), a row each. */
#include "agent/task_draft.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

/* @row->max is the RLIMIT_* of the name. */
static int one_rlimit(struct draft *d, json_t *v, uint64_t *ret)
{
	if (json_is_string(v) && !strcmp(json_string_value(v), "unlimited")) {
		*ret = UINT64_MAX; /* RLIM_INFINITY */
		return 0;
	}
	if (!json_is_integer(v))
		return draft_type(d, v, "a whole number or \"unlimited\"");
	return value_number(d, &(struct task_row){.max = INT64_MAX}, v, ret);
}

static int next_rlimit(struct draft *d, json_t *v, void *data)
{
	uint64_t **next = data;
	int err = one_rlimit(d, v, *next);

	(*next)++;
	return err;
}

static int value_rlimit(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_process *p = field;
	uint64_t pair[2] = {0, 0}, *next = pair;
	int err;

	if (json_is_array(v)) {
		if (json_array_size(v) != 2)
			return draft_fail(d, "has %zu elements, allowed are two: [soft, hard]",
					  json_array_size(v));
		err = draft_array(d, v, 2, next_rlimit, &next);
	} else {
		err = one_rlimit(d, v, &pair[0]);
		pair[1] = pair[0];
	}
	if (err < 0)
		return err;
	if (pair[0] > pair[1])
		return draft_fail(d, "the soft limit is above the hard one, %" PRIu64, pair[1]);
	p->rlimits[p->rlimits_nr++] = (struct ct_rlimit){(int)row->max, pair[0], pair[1]};
	return 0;
}

#define RLIMIT(name, what, says)                                                                   \
	{                                                                                          \
		{name, "number, or [soft, hard]", NULL, says}, value_rlimit, .max = RLIMIT_##what  \
	}

static const struct task_row rlimit_keys[] = {
	RLIMIT("as", AS, "Bytes of address space."),
	RLIMIT("core", CORE, "Bytes of a core file."),
	RLIMIT("cpu", CPU, "Seconds of CPU time."),
	RLIMIT("data", DATA, "Bytes of data segment."),
	RLIMIT("fsize", FSIZE, "Bytes of a file that is written."),
	RLIMIT("locks", LOCKS, "File locks; not used by Linux since 2.4.25."),
	RLIMIT("memlock", MEMLOCK, "Bytes locked in memory."),
	RLIMIT("msgqueue", MSGQUEUE, "Bytes in POSIX message queues."),
	RLIMIT("nice", NICE, "20 minus the lowest nice value that can be set."),
	RLIMIT("nofile", NOFILE,
	       "One more than the highest file descriptor; by default 1024, and as hard limit that "
	       "of the agent."),
	RLIMIT("nproc", NPROC, "Processes of the user, in all containers that share its id."),
	RLIMIT("rss", RSS, "Bytes resident; not used by Linux since 2.4.30."),
	RLIMIT("rtprio", RTPRIO, "Highest real-time priority."),
	RLIMIT("rttime", RTTIME, "Microseconds of real-time CPU time without a system call."),
	RLIMIT("sigpending", SIGPENDING, "Signals that may be queued."),
	RLIMIT("stack", STACK, "Bytes of the main thread's stack."),
};

struct rows rlimit_rows(void)
{
	return ROWS(rlimit_keys);
}

int value_rlimits(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	const struct rows table = rlimit_rows();

	(void)row;
	return draft_object(d, &table, v, field);
}
