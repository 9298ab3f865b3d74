// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Question: what does each container read from and write to which block device, and how long do
 * its requests take.
 *
 * Events, all tp_btf: block_bio_queue (a request enters a device's queue, mostly in the thread that
 * submits it), block_split (the device takes less at once, a part is cut off), block_rq_complete
 * (the device has done what several bios may have been merged into), block_bio_complete (the end of
 * what never was such a request: of devices on devices, or refused).
 *
 * Algorithm: bytes and operations are counted at submission, exactly where and as io.stat does: by
 * bio, before merging, for the whole disk of a partition, each part that is cut off as an operation
 * more. The owner is the cgroup that the io controller charges, so that what the kernel's workers
 * write back is counted for who dirtied it; where the controller is absent, or not enabled as far
 * down as the thread's cgroup, it is the thread that submits. A bio in flight is remembered by its
 * address until it ends; the time in between goes to the histogram of the CPU where it ended. A
 * write without data is a flush of the device's cache: an operation with a latency and no bytes.
 * Discards are not counted.
 * The kernel skips a program for whoever comes to its event on that CPU while it runs: interrupts,
 * and where programs can be preempted every other thread, for milliseconds. So each event has two
 * programs, submission three: the next one finds the bio in flight, or gone, and has nothing to do,
 * or does what those before were skipped for. What remains is at most what the last one was skipped
 * for (meter_programs()).
 *
 * Cost: see performance.rst; no lock is shared but a bucket's of the hash of bios in flight.
 *
 * Misses: without the io controller, buffered writes, unless the task itself waits for them
 * (fsync): kernel threads submit the rest. Time in a throttled queue (io.max) before submission.
 * Devices on devices (dm, loop) count each for itself, as in io.stat; of an md array only the
 * array's own. Requests that are no bios (SG_IO). Without latency: what finds the table of bios in
 * flight full (drops.disk_inflight_full). In the sums but not told apart by device: from the
 * DCOS_TASK_DISKS+1st device of a task on (drops.disks_full).
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/meter_maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FLIGHTS_MAX 16384 /* bios of all metered tasks at once */
#define MERGED_MAX  1024 /* bios in one request; the block layer stops long before */
#define OP_MASK	    0xff /* of bi_opf; above are flags */
#define OP_WRITE    1 /* every operation with this bit moves data to the device */
#define ENOENT	    2 /* of errno.h */
#define FLUSH_SEQ   (1U << 4) /* RQF_FLUSH_SEQ before it was an enum */

/* A bio between submission and end. */
struct flight {
	__u64 owner; /* as dcos_cell.owner */
	__u64 begin_ns; /* CLOCK_MONOTONIC */
	__u64 sector; /* where on the device */
	__u32 slot;
	__u32 dev; /* as dcos_disk.dev */
	__u32 tid; /* of who submitted it; 0: it has ended */
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
	cg = bio->bi_blkg->blkcg->css.cgroup; /* what is NULL reads as 0 */
	return cg->root == own->root ? cg : own;
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
	if (cg != own && bpf_get_current_ancestor_cgroup_id(cg->level) != cg->kn->id) {
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

/*
 * Into the air. @last: of the programs; what does not fit is tried again, and counted as lost by
 * the last one alone. Return: this program is the one to count it.
 */
static __always_inline bool take_off(__u64 key, const struct flight *f, bool last)
{
	struct dcos_drops *d;

	if (!bpf_map_update_elem(&disk_flights, &key, f, BPF_ANY))
		return true;
	d = last ? lost() : NULL;
	if (d)
		__sync_fetch_and_add(&d->disk_inflight_full, 1);
	return last;
}

static __always_inline void queued(struct bio *bio, bool last)
{
	__u64 key = (__u64)bio;
	struct flight *known = bpf_map_lookup_elem(&disk_flights, &key);
	struct flight f = {.tid = (__u32)bpf_get_current_pid_tgid(),
			   .sector = bio->bi_iter.bi_sector};
	__u32 op = bio->bi_opf & OP_MASK;
	struct dcos_cell *c;

	/* if its end was missed, another bio may have the same address by now */
	if (is_discard(op) || (known && known->tid == f.tid && known->sector == f.sector))
		return;
	f.owner = owner_of_bio(bio, &f.slot);
	c = f.owner ? cell_at(f.slot, f.owner) : NULL;
	if (!c)
		return;
	f.begin_ns = bpf_ktime_get_ns();
	f.dev = bio->bi_bdev->bd_disk->part0->bd_dev;
	f.write = op & OP_WRITE;
	if (take_off(key, &f, last))
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
	queued(bio, false);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(disk_queue_3rd, struct bio *bio)
{
	queued(bio, true);
	return 0;
}

/*
 * The part that is cut off has its own end; the rest is submitted again, which io.stat counts. What
 * dm cuts is seen by its own devices: there @part is the rest itself.
 */
static __always_inline void cut(struct bio *part, bool last)
{
	__u64 key = (__u64)part, whole = (__u64)part->bi_private;
	struct flight *known = bpf_map_lookup_elem(&disk_flights, &key);
	struct flight *f = bpf_map_lookup_elem(&disk_flights, &whole), copy;
	struct dcos_cell *c;

	if (!f || (known && known->tid == f->tid && known->begin_ns == f->begin_ns))
		return;
	copy = *f;
	c = cell_at(copy.slot, copy.owner);
	if (c && take_off(key, &copy, last))
		count(c, &copy, 0);
}

SEC("tp_btf/block_split")
int BPF_PROG(disk_split, struct bio *part)
{
	cut(part, false);
	return 0;
}

SEC("tp_btf/block_split")
int BPF_PROG(disk_split_2nd, struct bio *part)
{
	cut(part, true);
	return 0;
}

static __always_inline void landed(__u64 key)
{
	struct flight *f = bpf_map_lookup_elem(&disk_flights, &key), copy;
	struct dcos_detail *d;
	__u64 i;
	long r;

	if (!f || !f->tid)
		return;
	copy = *f;
	r = bpf_map_delete_elem(&disk_flights, &key);
	if (r == -ENOENT)
		return;
	if (r)
		f->tid = 0; /* a bucket's lock was not to be had: ended, but it stays */
	d = cell_at(copy.slot, copy.owner) ? detail_at(copy.slot) : NULL;
	i = bucket_of(bpf_ktime_get_ns() - copy.begin_ns);
	barrier_var(i); /* or the verifier of 6.1 does not see the bound */
	if (d && i < DCOS_HIST)
		__sync_fetch_and_add(&d->disk_hist[i], 1);
}

struct merged {
	__u64 bio; /* the next one */
	__u32 left; /* bytes that are done, of this one on */
};

/* One more bio of a request. Return: 1 ends the loop. */
static long merged_end(__u32 nr, struct merged *m)
{
	struct bio *bio = (struct bio *)m->bio;
	__u32 bytes = BPF_CORE_READ(bio, bi_iter.bi_size);

	if (bytes > m->left)
		return 1;
	m->left -= bytes;
	m->bio = (__u64)BPF_CORE_READ(bio, bi_next);
	landed((__u64)bio);
	return !m->bio;
}

/* Between the steps of a flush the request's bios are not done with. */
static __always_inline bool has_more_steps(struct request *rq)
{
	__u32 flag = FLUSH_SEQ;

	if (bpf_core_enum_value_exists(enum rqf_flags, __RQF_FLUSH_SEQ))
		flag = 1U << bpf_core_enum_value(enum rqf_flags, __RQF_FLUSH_SEQ);
	return rq->rq_flags & flag;
}

static __always_inline void completed(struct request *rq, __u32 bytes)
{
	struct bio *bio = rq->bio;
	struct merged m = {};

	if (!bio || bio->bi_iter.bi_size > bytes || has_more_steps(rq))
		return;
	m.bio = (__u64)bio->bi_next;
	m.left = bytes - bio->bi_iter.bi_size;
	landed((__u64)bio);
	if (m.bio)
		bpf_loop(MERGED_MAX, merged_end, &m, 0);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(disk_done, struct request *rq, int error, unsigned int bytes)
{
	completed(rq, bytes);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(disk_done_2nd, struct request *rq, int error, unsigned int bytes)
{
	completed(rq, bytes);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(disk_end, struct request_queue *queue, struct bio *bio)
{
	landed((__u64)bio);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(disk_end_2nd, struct request_queue *queue, struct bio *bio)
{
	landed((__u64)bio);
	return 0;
}
