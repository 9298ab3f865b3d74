/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a task, as type Usage of io.dcos.Agent has it: a value for each field, and its
 * text. Where the values come from is in sample.c.
 */
#ifndef DCOS_USAGE_H
#define DCOS_USAGE_H

#include <stdint.h>

#include "agent/lib/jsonbuf.h"
#include "bpf/abi.h"

/* Every number of type Usage, in the order in which it is shown. */
#define USAGE_LIST(X)                                                                              \
	X(cpu_ns)                                                                                  \
	X(cpu_user_us)                                                                             \
	X(cpu_system_us)                                                                           \
	X(cpu_quota_millionths)                                                                    \
	X(nr_periods)                                                                              \
	X(nr_throttled)                                                                            \
	X(throttled_us)                                                                            \
	X(wait_ns)                                                                                 \
	X(nr_waits)                                                                                \
	X(nr_switches)                                                                             \
	X(nr_involuntary)                                                                          \
	X(nr_migrations)                                                                           \
	X(cpu_some_us)                                                                             \
	X(cpu_full_us)                                                                             \
	X(memory_bytes)                                                                            \
	X(memory_peak_bytes)                                                                       \
	X(memory_max_bytes)                                                                        \
	X(rss_anon_bytes)                                                                          \
	X(rss_file_bytes)                                                                          \
	X(rss_shmem_bytes)                                                                         \
	X(swap_bytes)                                                                              \
	X(stat_anon_bytes)                                                                         \
	X(stat_file_bytes)                                                                         \
	X(stat_shmem_bytes)                                                                        \
	X(stat_kernel_bytes)                                                                       \
	X(min_faults)                                                                              \
	X(maj_faults)                                                                              \
	X(memory_some_us)                                                                          \
	X(memory_full_us)                                                                          \
	X(memory_low_events)                                                                       \
	X(memory_high_events)                                                                      \
	X(memory_max_events)                                                                       \
	X(memory_oom_events)                                                                       \
	X(oom_kills)                                                                               \
	X(disk_read_bytes)                                                                         \
	X(disk_write_bytes)                                                                        \
	X(disk_reads)                                                                              \
	X(disk_writes)                                                                             \
	X(io_some_us)                                                                              \
	X(io_full_us)                                                                              \
	X(rx_bytes)                                                                                \
	X(rx_packets)                                                                              \
	X(tx_bytes)                                                                                \
	X(tx_packets)                                                                              \
	X(rx_udp_bytes)                                                                            \
	X(rx_udp_packets)                                                                          \
	X(tx_udp_bytes)                                                                            \
	X(tx_udp_packets)                                                                          \
	X(rx_other_bytes)                                                                          \
	X(rx_other_packets)                                                                        \
	X(tx_other_bytes)                                                                          \
	X(tx_other_packets)                                                                        \
	X(rx_dropped)                                                                              \
	X(tx_dropped)                                                                              \
	X(rx_marked)                                                                               \
	X(tx_marked)                                                                               \
	X(fork_throttled)                                                                          \
	X(tcp_opened)                                                                              \
	X(tcp_closed)                                                                              \
	X(tcp_failed)                                                                              \
	X(tcp_retransmits)                                                                         \
	X(nr_forks)                                                                                \
	X(nr_execs)                                                                                \
	X(nr_exits)                                                                                \
	X(pids)                                                                                    \
	X(pids_max)                                                                                \
	X(pids_max_events)                                                                         \
	X(processes)                                                                               \
	X(running)                                                                                 \
	X(disk_waiting)                                                                            \
	X(seccomp_kills)                                                                           \
	X(device_denied)                                                                           \
	X(bind_denied)                                                                             \
	X(connect_denied)

#define USAGE_ENUM(name) U_##name,
enum usage_field { USAGE_LIST(USAGE_ENUM) USAGE_FIELDS };
#undef USAGE_ENUM

#define USAGE_UNKNOWN UINT64_MAX /* the same as CT_UNSET */

enum usage_hist {
	UH_WAIT,
	UH_DISK,
	UH_CONNECT,
	UH_RTT,
	USAGE_HISTS,
};

struct usage {
	uint64_t v[USAGE_FIELDS]; /* USAGE_UNKNOWN where this host can't tell */
	__u64 hist[USAGE_HISTS][DCOS_HIST];
	unsigned int hists; /* bit set of those that are known */
};

/** usage_clear - nothing is known */
void usage_clear(struct usage *u);

/**
 * usage_print - all that is known as members of a JSON object, each after a comma
 * E.g. ,"cpu_ns":12,"wait_hist_us":[3,0,1]
 */
void usage_print(const struct usage *u, struct jsonbuf *b);

/** usage_field_name - as in type Usage */
const char *usage_field_name(enum usage_field f);

#endif
