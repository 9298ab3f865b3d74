// SPDX-License-Identifier: Apache-2.0
/* What the meter's own programs cost, as the kernel counts it (bpf(2), BPF_ENABLE_STATS). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"

/* A program that has never been timed is one that the kernel does not time. */
static int program_of(int prog_fd, struct meter_program *ret)
{
	struct meter_program p = {.run_ns = CT_UNSET, .runs = CT_UNSET};
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (r)
		return r;
	_Static_assert(sizeof(p.name) == sizeof(info.name), "names are as long as the kernel's");
	memcpy(p.name, info.name, sizeof(p.name));
	p.skipped = info.recursion_misses;
	if (info.run_cnt) {
		p.run_ns = info.run_time_ns;
		p.runs = info.run_cnt;
	}
	*ret = p;
	return 0;
}

/* An agent that was here before may have attached it: the link knows, our object does not. */
static int attached(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(link_fd, &info, &len);

	return r ? r : bpf_prog_get_fd_by_id(info.prog_id);
}

static bool is_hook(const struct family *f, const char *prog)
{
	const struct family_hook *h;

	for (h = f->spec->hooks; h && h->prog; h++) {
		if (!strcmp(h->prog, prog))
			return true;
	}
	return false;
}

static int family_programs(const struct family *f, struct meter_program *ret, int max)
{
	struct bpf_program *prog;
	int i, n = 0;

	for (i = 0; i < FAMILY_HOOKS_MAX && n < max; i++) {
		cleanup_close int fd = f->links[i] < 0 ? -1 : attached(f->links[i]);

		if (fd >= 0 && !program_of(fd, &ret[n]))
			n++;
	}
	bpf_object__for_each_program(prog, f->obj)
	{
		if (n < max && !is_hook(f, bpf_program__name(prog)) && bpf_program__fd(prog) >= 0 &&
		    !program_of(bpf_program__fd(prog), &ret[n]))
			n++;
	}
	return n;
}

int meter_programs(const struct meter *m, struct meter_program *ret, int max)
{
	int i, n = 0;

	for (i = 0; i < METER_FAMILIES; i++) {
		if (m->families[i])
			n += family_programs(m->families[i], ret + n, max - n);
	}
	return n;
}
