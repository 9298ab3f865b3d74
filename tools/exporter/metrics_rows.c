// SPDX-License-Identifier: Apache-2.0
/*
 * The rows. Names are cAdvisor's where the quantity is the same, so that dashboards made for it
 * show our tasks; what only resembles one of cAdvisor's has a name of our own.
 */
#include "agent/lib/cleanup.h"
#include "tools/exporter/metrics.h"

#define NS 9 /* decimals of a second */
#define US 6
#define MS 3

#define COUNT(NAME, FROM, SOURCE, HELP, ...)                                                       \
	{                                                                                          \
		NAME, METRIC_COUNTER, NULL, 0, FROM, SOURCE, HELP, __VA_ARGS__                     \
	}
#define SECONDS(NAME, DECIMALS, SOURCE, HELP, ...)                                                 \
	{                                                                                          \
		NAME, METRIC_COUNTER, "seconds", DECIMALS, FROM_USAGE, SOURCE, HELP, __VA_ARGS__   \
	}
#define BYTES(NAME, SOURCE, HELP, ...)                                                             \
	{                                                                                          \
		NAME, METRIC_COUNTER, "bytes", 0, FROM_USAGE, SOURCE, HELP, __VA_ARGS__            \
	}
#define LEVEL(NAME, UNIT, FROM, SOURCE, HELP, ...)                                                 \
	{                                                                                          \
		NAME, METRIC_GAUGE, UNIT, 0, FROM, SOURCE, HELP, __VA_ARGS__                       \
	}
#define TIME(NAME, DECIMALS, FROM, SOURCE, HELP, ...)                                              \
	{                                                                                          \
		NAME, METRIC_GAUGE, "seconds", DECIMALS, FROM, SOURCE, HELP, __VA_ARGS__           \
	}
#define HIST(NAME, FROM, SOURCE, HELP, ...)                                                        \
	{                                                                                          \
		NAME, METRIC_HISTOGRAM, "seconds", US, FROM, SOURCE, HELP, __VA_ARGS__             \
	}

static const struct metric task_rows[] = {
	/* what it is */
	{"dcos_task_info", METRIC_INFO, NULL, 0, FROM_TASK, "user+labels",
	 "What a task is: always 1, with its user and, as label_NAME, the labels of its spec",
	 .special = SPECIAL_TASK_INFO},
	{"dcos_task_state", METRIC_GAUGE, NULL, 0, FROM_USAGE, "state",
	 "The state that a task is in, as a label: always 1", .special = SPECIAL_TASK_STATE},
	TIME("container_start_time_seconds", US, FROM_TASK, "started_unix_us",
	     "When the task began, since the epoch"),
	TIME("container_last_seen", MS, FROM_SELF, "snapshot_unix_ms",
	     "When the task was last seen, since the epoch: the time of the snapshot"),

	/* CPU */
	SECONDS("container_cpu_usage_seconds_total", NS, "cpu_ns", "Time on a CPU",
		.labels = "cpu=\"total\""),
	SECONDS("container_cpu_user_seconds_total", US, "cpu_user_us",
		"Of the time on a CPU what was spent in user space"),
	SECONDS("container_cpu_system_seconds_total", US, "cpu_system_us",
		"Of the time on a CPU what was spent in the kernel"),
	COUNT("container_cpu_cfs_periods_total", FROM_USAGE, "nr_periods",
	      "Periods of the CPU quota in which the task wanted to run"),
	COUNT("container_cpu_cfs_throttled_periods_total", FROM_USAGE, "nr_throttled",
	      "Periods of the CPU quota in which it was used up"),
	SECONDS("container_cpu_cfs_throttled_seconds_total", US, "throttled_us",
		"Time in which the task was stopped by its CPU quota"),
	LEVEL("container_spec_cpu_period", NULL, FROM_USAGE, "cpu_quota_millionths",
	      "Microseconds that container_spec_cpu_quota is for, 100000 by definition here",
	      .fixed = 100000),
	{"container_spec_cpu_quota", METRIC_GAUGE, NULL, 1, FROM_USAGE, "cpu_quota_millionths",
	 "CPU quota, microseconds on a CPU in a period of 100 ms"},
	{"dcos_task_cpu_quota_cores", METRIC_GAUGE, NULL, 6, FROM_USAGE, "cpu_quota_millionths",
	 "CPU quota: 1 is one CPU"},
	SECONDS("container_cpu_schedstat_runqueue_seconds_total", NS, "wait_ns",
		"Time in which threads could run and waited for a CPU"),
	COUNT("container_cpu_schedstat_run_periods_total", FROM_USAGE, "nr_waits",
	      "Times that a thread came onto a CPU"),
	HIST("dcos_task_run_queue_wait_seconds", FROM_USAGE, "wait_hist_us",
	     "How long threads waited for a CPU, each time", .sum = "wait_ns", .sum_decimals = NS),
	COUNT("dcos_task_context_switches_total", FROM_USAGE, "nr_switches",
	      "Switches away from threads"),
	COUNT("dcos_task_involuntary_context_switches_total", FROM_USAGE, "nr_involuntary",
	      "Of the switches those of threads that could have gone on"),
	COUNT("dcos_task_cpu_migrations_total", FROM_USAGE, "nr_migrations",
	      "Times that a thread ran on another CPU than before"),

	/* stalls */
	SECONDS("container_pressure_cpu_waiting_seconds_total", US, "cpu_some_us",
		"Time in which some thread waited for a CPU"),
	SECONDS("container_pressure_cpu_stalled_seconds_total", US, "cpu_full_us",
		"Time in which all threads waited for a CPU"),
	SECONDS("container_pressure_memory_waiting_seconds_total", US, "memory_some_us",
		"Time in which some thread waited for memory"),
	SECONDS("container_pressure_memory_stalled_seconds_total", US, "memory_full_us",
		"Time in which all threads waited for memory"),
	SECONDS("container_pressure_io_waiting_seconds_total", US, "io_some_us",
		"Time in which some thread waited for I/O"),
	SECONDS("container_pressure_io_stalled_seconds_total", US, "io_full_us",
		"Time in which all threads waited for I/O"),

	/* memory */
	LEVEL("container_memory_rss", "bytes", FROM_USAGE, "stat_anon_bytes|rss_anon_bytes",
	      "Anonymous memory: of the cgroup, or the sum over the processes where no memory "
	      "controller is"),
	LEVEL("container_memory_cache", "bytes", FROM_USAGE, "stat_file_bytes",
	      "Page cache, tmpfs and shared memory included"),
	LEVEL("container_memory_kernel_usage", "bytes", FROM_USAGE, "stat_kernel_bytes",
	      "Memory that the kernel uses for the task"),
	LEVEL("container_memory_usage_bytes", "bytes", FROM_USAGE, "memory_bytes?memory_max_events",
	      "All memory that the memory controller charges to the task"),
	LEVEL("container_memory_max_usage_bytes", "bytes", FROM_USAGE,
	      "memory_peak_bytes?memory_max_events", "The most that it ever charged"),
	LEVEL("container_spec_memory_limit_bytes", "bytes", FROM_USAGE, "memory_max_bytes",
	      "Memory limit"),
	LEVEL("dcos_task_memory_bytes", "bytes", FROM_USAGE, "memory_bytes",
	      "Memory in use: what the controller charges, or what is resident where there is "
	      "none"),
	LEVEL("dcos_task_memory_peak_bytes", "bytes", FROM_USAGE, "memory_peak_bytes",
	      "The most that dcos_task_memory_bytes ever was"),
	LEVEL("dcos_task_memory_resident_bytes", "bytes", FROM_USAGE, "rss_anon_bytes",
	      "Resident memory, summed over the processes", .labels = "type=\"anon\""),
	LEVEL("dcos_task_memory_resident_bytes", "bytes", FROM_USAGE, "rss_file_bytes", NULL,
	      .labels = "type=\"file\""),
	LEVEL("dcos_task_memory_resident_bytes", "bytes", FROM_USAGE, "rss_shmem_bytes", NULL,
	      .labels = "type=\"shmem\""),
	LEVEL("dcos_task_memory_swap_bytes", "bytes", FROM_USAGE, "swap_bytes",
	      "Memory in swap, summed over the processes"),
	LEVEL("dcos_task_memory_shmem_bytes", "bytes", FROM_USAGE, "stat_shmem_bytes",
	      "tmpfs and shared memory of the cgroup"),
	COUNT("container_memory_failures_total", FROM_USAGE, "min_faults+maj_faults",
	      "Page faults: all, and those that had to wait for a disk",
	      .labels = "failure_type=\"pgfault\",scope=\"container\""),
	COUNT("container_memory_failures_total", FROM_USAGE, "maj_faults", NULL,
	      .labels = "failure_type=\"pgmajfault\",scope=\"container\""),
	COUNT("dcos_task_memory_events_total", FROM_USAGE, "memory_low_events",
	      "What memory.events of the cgroup counts", .labels = "event=\"low\""),
	COUNT("dcos_task_memory_events_total", FROM_USAGE, "memory_high_events", NULL,
	      .labels = "event=\"high\""),
	COUNT("dcos_task_memory_events_total", FROM_USAGE, "memory_max_events", NULL,
	      .labels = "event=\"max\""),
	COUNT("dcos_task_memory_events_total", FROM_USAGE, "memory_oom_events", NULL,
	      .labels = "event=\"oom\""),
	COUNT("container_oom_events_total", FROM_USAGE, "oom_kills",
	      "Processes that the OOM killer ended"),

	/* disks */
	BYTES("container_fs_reads_bytes_total", "disk_read_bytes", "Bytes read from block devices"),
	BYTES("container_fs_writes_bytes_total", "disk_write_bytes",
	      "Bytes written to block devices"),
	COUNT("container_fs_reads_total", FROM_USAGE, "disk_reads", "Reads from block devices"),
	COUNT("container_fs_writes_total", FROM_USAGE, "disk_writes", "Writes to block devices"),
	HIST("dcos_task_disk_latency_seconds", FROM_USAGE, "disk_hist_us",
	     "How long requests to block devices took"),

	/* network */
	BYTES("container_network_receive_bytes_total", "rx_bytes",
	      "Bytes that the sockets received in IP packets, in a network of their own or the "
	      "host's"),
	BYTES("container_network_transmit_bytes_total", "tx_bytes",
	      "Bytes that the sockets sent in IP packets"),
	COUNT("container_network_receive_packets_total", FROM_USAGE, "rx_packets",
	      "IP packets received"),
	COUNT("container_network_transmit_packets_total", FROM_USAGE, "tx_packets",
	      "IP packets sent"),
	BYTES("dcos_task_network_receive_bytes_total", "rx_udp_bytes",
	      "Of container_network_receive_bytes_total what is not TCP", "protocol=\"udp\""),
	BYTES("dcos_task_network_receive_bytes_total", "rx_other_bytes", NULL,
	      "protocol=\"other\""),
	BYTES("dcos_task_network_transmit_bytes_total", "tx_udp_bytes",
	      "Of container_network_transmit_bytes_total what is not TCP", "protocol=\"udp\""),
	BYTES("dcos_task_network_transmit_bytes_total", "tx_other_bytes", NULL,
	      "protocol=\"other\""),
	COUNT("dcos_task_network_receive_packets_total", FROM_USAGE, "rx_udp_packets",
	      "Of container_network_receive_packets_total what is not TCP", "protocol=\"udp\""),
	COUNT("dcos_task_network_receive_packets_total", FROM_USAGE, "rx_other_packets", NULL,
	      "protocol=\"other\""),
	COUNT("dcos_task_network_transmit_packets_total", FROM_USAGE, "tx_udp_packets",
	      "Of container_network_transmit_packets_total what is not TCP", "protocol=\"udp\""),
	COUNT("dcos_task_network_transmit_packets_total", FROM_USAGE, "tx_other_packets", NULL,
	      "protocol=\"other\""),
	COUNT("dcos_task_network_receive_dropped_packets_total", FROM_USAGE, "rx_dropped",
	      "Packets received that the task's network quota dropped"),
	COUNT("dcos_task_network_transmit_dropped_packets_total", FROM_USAGE, "tx_dropped",
	      "Packets sent that the task's network quota dropped"),
	COUNT("dcos_task_network_receive_marked_packets_total", FROM_USAGE, "rx_marked",
	      "Packets received that the quota let through, but told TCP to slow down"),
	COUNT("dcos_task_network_transmit_marked_packets_total", FROM_USAGE, "tx_marked",
	      "Packets sent that the quota let through, but told TCP to slow down"),
	COUNT("dcos_task_tcp_opened_total", FROM_USAGE, "tcp_opened",
	      "TCP connections that were established"),
	COUNT("dcos_task_tcp_closed_total", FROM_USAGE, "tcp_closed",
	      "Of the TCP connections those that ended"),
	COUNT("dcos_task_tcp_failed_total", FROM_USAGE, "tcp_failed",
	      "TCP connections that could not be established"),
	LEVEL("dcos_task_tcp_connections", NULL, FROM_USAGE, "tcp_opened-tcp_closed",
	      "TCP connections that are open"),
	COUNT("dcos_task_tcp_retransmits_total", FROM_USAGE, "tcp_retransmits",
	      "TCP segments that were sent again"),
	HIST("dcos_task_tcp_connect_seconds", FROM_USAGE, "connect_hist_us",
	     "How long it took until connections were established"),
	HIST("dcos_task_tcp_rtt_seconds", FROM_USAGE, "rtt_hist_us",
	     "Smoothed round-trip times of TCP, at most one a clock tick"),

	/* processes */
	LEVEL("container_processes", NULL, FROM_USAGE, "processes", "Processes"),
	LEVEL("container_threads", NULL, FROM_USAGE, "pids", "Threads, of all processes"),
	LEVEL("container_threads_max", NULL, FROM_USAGE, "pids_max", "Limit of the threads"),
	COUNT("dcos_task_threads_refused_total", FROM_USAGE, "pids_max_events",
	      "Threads and processes that the limit did not let come to life"),
	LEVEL("container_tasks_state", NULL, FROM_USAGE, "running", "Threads that are in a state",
	      .labels = "state=\"running\""),
	LEVEL("container_tasks_state", NULL, FROM_USAGE, "disk_waiting", NULL,
	      .labels = "state=\"uninterruptible\""),
	COUNT("dcos_task_forks_total", FROM_USAGE, "nr_forks", "Threads and processes born"),
	COUNT("dcos_task_forks_throttled_total", FROM_USAGE, "fork_throttled",
	      "Forks that failed for the limit of their rate"),
	COUNT("dcos_task_exits_total", FROM_USAGE, "nr_exits", "Threads and processes ended"),
	COUNT("dcos_task_execs_total", FROM_USAGE, "nr_execs", "Programs started"),
	COUNT("dcos_task_seccomp_kills_total", FROM_USAGE, "seccomp_kills",
	      "Times that a seccomp filter killed or trapped"),
	COUNT("dcos_task_denied_total", FROM_USAGE, "device_denied",
	      "What the task tried and was denied: to open a device, to bind, to connect",
	      .labels = "what=\"device\""),
	COUNT("dcos_task_denied_total", FROM_USAGE, "bind_denied", NULL, .labels = "what=\"bind\""),
	COUNT("dcos_task_denied_total", FROM_USAGE, "connect_denied", NULL,
	      .labels = "what=\"connect\""),

	/* how it ended; gone with the task from the snapshots a minute later */
	TIME("dcos_task_end_time_seconds", US, FROM_EXIT, "ended_unix_us",
	     "When the task ended, since the epoch"),
	LEVEL("dcos_task_exit_code", NULL, FROM_EXIT, "code", "Exit code of an ended task"),
	LEVEL("dcos_task_exit_signal", NULL, FROM_EXIT, "signal", "Signal that ended a task"),
	LEVEL("dcos_task_oom_killed", NULL, FROM_EXIT, "oom",
	      "1 for a task that the OOM killer ended, 0 for other ended ones"),
};
_Static_assert(ARRAY_SIZE(task_rows) <= METRIC_TASK_ROWS_MAX, "too many rows");

static const struct metric node_rows[] = {
	LEVEL("dcos_agent_up", NULL, FROM_SELF, "up",
	      "1 while the agent sends snapshots; else 0, and nothing is known of its tasks"),
	TIME("dcos_agent_snapshot_age_seconds", MS, FROM_SELF, "snapshot_age_ms",
	     "Time since the last snapshot came"),
	{"dcos_agent_info", METRIC_INFO, NULL, 0, FROM_INFO, "version+node+cgroup",
	 "What the agent is: always 1", .special = SPECIAL_AGENT_INFO},
	TIME("dcos_agent_start_time_seconds", US, FROM_INFO, "started_unix_us",
	     "When the agent began, since the epoch"),
	LEVEL("dcos_agent_draining", NULL, FROM_INFO, "draining",
	      "1 while the node takes no new tasks"),
	LEVEL("machine_cpu_cores", NULL, FROM_INFO, "ncpu", "CPUs of the host"),
	LEVEL("machine_memory_bytes", "bytes", FROM_INFO, "memory_bytes", "Memory of the host"),
	LEVEL("dcos_agent_running_tasks", NULL, FROM_INFO, "running", "Tasks that run"),
	{"dcos_agent_tasks", METRIC_GAUGE, NULL, 0, FROM_TASK, "state",
	 "Tasks that the agent knows, ended ones included, by state", .special = SPECIAL_STATES},
	{"dcos_agent_cpu_seconds_total", METRIC_COUNTER, "seconds", NS, FROM_AGENT, "cpu_ns",
	 "CPU time of the agent itself"},
	LEVEL("dcos_agent_resident_memory_bytes", "bytes", FROM_AGENT, "memory_bytes",
	      "Resident memory of the agent itself"),
	COUNT("dcos_agent_ticks_total", FROM_AGENT, "ticks", "Readings of the meters"),
	COUNT("dcos_agent_ticks_skipped_total", FROM_AGENT, "ticks_skipped",
	      "Readings that were left out because the agent was late"),
	HIST("dcos_agent_tick_delay_seconds", FROM_AGENT, "loop_hist_us",
	     "How late readings began"),
	HIST("dcos_agent_tick_duration_seconds", FROM_AGENT, "tick_hist_us",
	     "How long readings took"),
	LEVEL("dcos_agent_snapshot_bytes", "bytes", FROM_AGENT, "snapshot_bytes",
	      "Size of a snapshot as it is sent"),
	LEVEL("dcos_agent_history_bytes", "bytes", FROM_AGENT, "history_bytes",
	      "Memory of the history"),
	LEVEL("dcos_agent_subscribers", NULL, FROM_AGENT, "subscribers",
	      "Who gets the snapshots, this exporter included"),
	COUNT("dcos_agent_snapshots_sent_total", FROM_AGENT, "snapshots_sent",
	      "Snapshots sent to subscribers"),
	{"dcos_agent_events_total", METRIC_COUNTER, NULL, 0, FROM_AGENT, "events",
	 "What happened to tasks, by kind: see dcos-events(7)", .special = SPECIAL_EVENTS},
	LEVEL("dcos_agent_events_bytes", "bytes", FROM_AGENT, "events_bytes",
	      "Memory of the events that are kept"),
	COUNT("dcos_agent_events_overwritten_total", FROM_AGENT, "events_overwritten",
	      "Events that gave way to later ones, read or not"),
	{"dcos_agent_losses_total", METRIC_COUNTER, NULL, 0, FROM_AGENT, "losses",
	 "What was lost or refused, by name: see metrics.rst", .special = SPECIAL_LOSSES},
	{"dcos_agent_bpf_run_seconds_total", METRIC_COUNTER, "seconds", NS, FROM_AGENT, "programs",
	 "Run time of a BPF program, while the kernel counts it", .special = SPECIAL_PROGRAM_TIME},
	{"dcos_agent_bpf_runs_total", METRIC_COUNTER, NULL, 0, FROM_AGENT, "programs",
	 "Runs of a BPF program, while the kernel counts them", .special = SPECIAL_PROGRAM_RUNS},
	{"dcos_agent_bpf_skipped_total", METRIC_COUNTER, NULL, 0, FROM_AGENT, "programs",
	 "Events that a BPF program did not see, as it was running on that CPU",
	 .special = SPECIAL_PROGRAM_SKIPPED},

	{"dcos_exporter_build_info", METRIC_INFO, NULL, 0, FROM_SELF, "version",
	 "The exporter's version: always 1", .special = SPECIAL_BUILD_INFO},
	COUNT("dcos_exporter_requests_total", FROM_SELF, "requests_openmetrics",
	      "Pages of metrics that were asked for, by format", "format=\"openmetrics\"",
	      .created = true),
	COUNT("dcos_exporter_requests_total", FROM_SELF, "requests_text", NULL, "format=\"text\"",
	      .created = true),
	COUNT("dcos_exporter_pages_total", FROM_SELF, "pages",
	      "Pages that were made; one is given to all who ask within a second", .created = true),
	COUNT("dcos_exporter_refused_total", FROM_SELF, "refused",
	      "Requests for metrics that were refused since too many clients read slowly",
	      .created = true),
	COUNT("dcos_exporter_connections_total", FROM_SELF, "connections", "HTTP connections",
	      .created = true),
	COUNT("dcos_exporter_connections_dropped_total", FROM_SELF, "connections_dropped",
	      "HTTP connections that were closed since they took too long, or there were too many",
	      .created = true),
	COUNT("dcos_exporter_snapshots_total", FROM_SELF, "snapshots",
	      "Snapshots received from the agent", .created = true),
	COUNT("dcos_exporter_connects_total", FROM_SELF, "connects",
	      "Times that the agent was connected to", .created = true),
	COUNT("dcos_exporter_agent_errors_total", FROM_SELF, "errors",
	      "Answers of the agent that were errors or no answers", .created = true),
	LEVEL("dcos_exporter_series", NULL, FROM_SELF, "series", "Series of this page"),
	COUNT("dcos_exporter_series_dropped_total", FROM_SELF, "series_dropped",
	      "Series that were left out of pages since there were more than --max-series",
	      .created = true),
	COUNT("dcos_exporter_labels_dropped_total", FROM_SELF, "labels_dropped",
	      "Labels of tasks that were left out of pages: more than 32, or two of one name",
	      .created = true),
	LEVEL("dcos_exporter_tasks_dropped", NULL, FROM_SELF, "tasks_dropped",
	      "Tasks that were left out of this page for that reason"),
	TIME("dcos_exporter_page_seconds", US, FROM_SELF, "page_us",
	     "Time that the page before this one took to make"),
	{"process_cpu_seconds_total", METRIC_COUNTER, "seconds", US, FROM_SELF, "cpu_us",
	 "CPU time of the exporter"},
	LEVEL("process_resident_memory_bytes", "bytes", FROM_SELF, "resident_bytes",
	      "Resident memory of the exporter"),
	TIME("process_start_time_seconds", US, FROM_SELF, "started_unix_us",
	     "When the exporter began, since the epoch"),
};

struct metric_table metrics_of_tasks(void)
{
	return (struct metric_table){task_rows, ARRAY_SIZE(task_rows)};
}

struct metric_table metrics_of_node(void)
{
	return (struct metric_table){node_rows, ARRAY_SIZE(node_rows)};
}
