// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: what does each container read from and write to which block device, and how long do
 * its requests take.
 *
 * Events: block_bio_queue (a request enters a device's queue, on the CPU and mostly in the thread
 * that submits it), block_split (the device takes less at once: one request more), and
 * block_bio_complete (all parts of it have ended, well or not). All tp_btf.
 *
 * Algorithm: bytes and operations are counted at submission, exactly where and as io.stat does: by
 * bio, before merging, for the whole disk of a partition. The owner is the cgroup that the io
 * controller charges, so that what the kernel's workers write back is counted for who dirtied it;
 * where the controller is absent, or not enabled as far down as the thread's cgroup, it is the
 * thread that submits. A request in flight is remembered by its address until it ends; the time in
 * between goes to the histogram of the CPU where it ended. A write without data is a flush of the
 * device's cache: an operation with a latency and no bytes. Discards are not counted.
 * The kernel skips a program for whoever comes to its event while it runs on that CPU (in an
 * interrupt, or since some version by preemption). So each event has two programs: the second one
 * finds the request in flight, or gone, and has nothing to do, or does what the first one missed.
 *
 * Cost: a request of an unmetered thread four hash or storage look-ups; a metered one 0.4 us; no
 * lock is shared but a bucket's of the hash.
 *
 * Misses: without the io controller, buffered writes, unless the task itself waits for them
 * (fsync): kernel threads submit the rest. Time in a throttled queue (io.max) before submission.
 * Devices on devices (dm, loop) count each for itself, as in io.stat; of an md array only the
 * array's own. Requests that are no bios (SG_IO). Only counted, without latency: what finds the
 * table of requests in flight full (drops.disk_inflight_full); in the sums but not told apart by
 * device: from the DCOS_TASK_DISKS+1st device of a task on (drops.disks_full).
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FLIGHTS_MAX 16384 /* requests of all metered tasks at once */
#define OP_MASK	    0xff /* of bi_opf; above are flags */
#define OP_WRITE    1 /* every operation with this bit moves data to the device */

/* A request between submission and end. */
struct flight {
	__u64 owner; /* as dcos_cell.owner */
	__u64 begin_ns; /* CLOCK_MONOTONIC */
	__u32 slot;
	__u32 dev; /* as dcos_disk.dev */
	__u32 tid; /* of who submitted it */
	__u32 write;
};

/* address of a bio -> struct flight. BPF only; pinned, so that one build may end another's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLIGHTS_MAX);
	__type(key, __u64);
	__type(value, struct flight);
} disk_flights SEC(".maps");

/* slot -> what it did on each device. BPF adds; user space reads through mmap, and clears. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DCOS_SLOTS);
	__type(key, __u32);
	__type(value, struct dcos_disks);
} disks SEC(".maps");

/* Whom io.stat charges. With cgroup v1's controller it is a group of another tree: of no use. */
static __always_inline struct cgroup *charged_cgroup(struct bio *bio, struct cgroup *own)
{
	struct cgroup *cg;

	if (!bpf_core_field_exists(bio->bi_blkg))
		return own;
	cg = BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);
	if (!cg || BPF_CORE_READ(cg, root) != own->root)
		return own;
	return cg;
}

/* Return: the owner with its @slot; 0: nobody who is metered. */
static __always_inline __u64 owner_of_bio(struct bio *bio, __u32 *slot)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct cgroup *own = p->cgroups->dfl_cgrp, *cg = charged_cgroup(bio, own);
	struct dcos_slot_key *key;
	struct dcos_task *t;
	__u64 owner;
	bool self;

	/* an ancestor knows less than the thread itself */
	if (cg != own && bpf_get_current_ancestor_cgroup_id(BPF_CORE_READ(cg, level)) !=
				 BPF_CORE_READ(cg, kn, id)) {
		owner = owner_of_cgroup(cg, &key, &self);
		if (owner)
			*slot = key->slot;
		return owner;
	}
	t = bpf_task_storage_get(&tasks, p, 0, 0);
	if (!t)
		return 0;
	*slot = t->slot;
	return t->owner;
}

/* The place of a device among those of a slot, taken if it has none; NULL: all are taken. */
static __always_inline struct dcos_disk *place_of(struct dcos_disks *ds, __u32 dev)
{
	__u32 have, i;

	for (i = 0; i < DCOS_TASK_DISKS; i++) {
		have = *(volatile __u32 *)&ds->disk[i].dev;
		if (!have)
			have = __sync_val_compare_and_swap(&ds->disk[i].dev, 0, dev);
		if (!have || have == dev)
			return &ds->disk[i];
	}
	return NULL;
}

static __always_inline void count(struct dcos_cell *c, const struct flight *f, __u32 bytes)
{
	__u32 slot = f->slot;
	struct dcos_disks *ds = bpf_map_lookup_elem(&disks, &slot);
	struct dcos_disk *d = ds ? place_of(ds, f->dev) : NULL;
	struct dcos_drops *lose = d ? NULL : lost();

	if (f->write) {
		__sync_fetch_and_add(&c->disk_write_bytes, bytes);
		__sync_fetch_and_add(&c->nr_disk_writes, 1);
	} else {
		__sync_fetch_and_add(&c->disk_read_bytes, bytes);
		__sync_fetch_and_add(&c->nr_disk_reads, 1);
	}
	if (d && f->write) {
		__sync_fetch_and_add(&d->write_bytes, bytes);
		__sync_fetch_and_add(&d->nr_writes, 1);
	} else if (d) {
		__sync_fetch_and_add(&d->read_bytes, bytes);
		__sync_fetch_and_add(&d->nr_reads, 1);
	} else if (lose) {
		__sync_fetch_and_add(&lose->disks_full, 1);
	}
}

static __always_inline bool is_discard(__u32 op)
{
	return op == bpf_core_enum_value(enum req_op, REQ_OP_DISCARD) ||
	       op == bpf_core_enum_value(enum req_op, REQ_OP_SECURE_ERASE);
}

/* @last: of the two programs; what does not fit is tried again, and then counted by it alone. */
static __always_inline void queued(struct bio *bio, bool last)
{
	struct flight f = {.tid = (__u32)bpf_get_current_pid_tgid()}, *known;
	__u32 op = bio->bi_opf & OP_MASK;
	__u64 key = (__u64)bio;
	struct dcos_cell *c;
	struct dcos_drops *d;

	if (is_discard(op))
		return;
	f.owner = owner_of_bio(bio, &f.slot);
	c = f.owner ? cell_at(f.slot, f.owner) : NULL;
	if (!c)
		return;
	/* if its end was missed, another thread's bio may have the same address by now */
	known = bpf_map_lookup_elem(&disk_flights, &key);
	if (known && known->tid == f.tid)
		return;
	f.begin_ns = bpf_ktime_get_ns();
	f.dev = bio->bi_bdev->bd_disk->part0->bd_dev;
	f.write = op & OP_WRITE;
	if (bpf_map_update_elem(&disk_flights, &key, &f, BPF_ANY)) {
		d = lost();
		if (!last || !d)
			return;
		__sync_fetch_and_add(&d->disk_inflight_full, 1);
	}
	count(c, &f, bio->bi_iter.bi_size);
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(disk_queue, struct bio *bio)
{
	queued(bio, false);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(disk_queue_2nd, struct bio *bio)
{
	queued(bio, true);
	return 0;
}

/* The rest of a request that was split is submitted again, which io.stat counts, but not traced. */
SEC("tp_btf/block_split")
int BPF_PROG(disk_split, struct bio *part)
{
	__u64 key = (__u64)part;
	struct flight *f = bpf_map_lookup_elem(&disk_flights, &key);
	struct dcos_cell *c;

	if (!f) { /* dm names the request, all others the part that they cut off */
		key = (__u64)part->bi_private;
		f = bpf_map_lookup_elem(&disk_flights, &key);
	}
	c = f ? cell_at(f->slot, f->owner) : NULL;
	if (c)
		count(c, f, 0);
	return 0;
}

/* Parts that were cut off end here as well; they have no flight. */
static __always_inline void completed(struct bio *bio)
{
	__u64 key = (__u64)bio, ns, i;
	struct flight *f = bpf_map_lookup_elem(&disk_flights, &key), copy;
	struct dcos_detail *d;

	if (!f)
		return;
	copy = *f;
	if (bpf_map_delete_elem(&disk_flights, &key))
		return;
	ns = bpf_ktime_get_ns() - copy.begin_ns;
	d = cell_at(copy.slot, copy.owner) ? detail_at(copy.slot) : NULL;
	i = bucket_of(ns);
	barrier_var(i); /* or the verifier of 6.1 does not see the bound */
	if (d && i < DCOS_HIST)
		__sync_fetch_and_add(&d->disk_hist[i], 1);
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(disk_complete, struct request_queue *queue, struct bio *bio)
{
	completed(bio);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(disk_end_2nd, struct request_queue *queue, struct bio *bio)
{
	completed(bio);
	return 0;
}
