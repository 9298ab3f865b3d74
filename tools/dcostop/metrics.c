// SPDX-License-Identifier: Apache-2.0
/* The table of metrics, see metrics.h. */
#include "tools/dcostop/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/units.h"

#define NS_PCT	       1e-7 /* ns a second to % of a second */
#define US_PCT	       1e-4
#define MILLIONTHS     1e-4 /* to % */
#define IN(set)	       (1U << SET_##set)
#define EVERYWHERE     (~0U)
#define RATE(k, s)     .how = HOW_RATE, .key = (k), .scale = (s)
#define GAUGE(k)       .how = HOW_GAUGE, .key = (k), .scale = 1, .live = true
#define QUANTILE(k, q) .how = HOW_QUANTILE, .key = (k), .scale = (q)
#define PERCENT	       .unit = UNIT_PERCENT, .width = 6
#define WHOLE	       .unit = UNIT_WHOLE, .width = 6
#define BYTES	       .unit = UNIT_BYTES, .width = 6
#define US	       .unit = UNIT_US, .width = 6

const struct top_metric_row top_metrics[TOP_METRICS] = {
	[M_CPU] = {"cpu", "CPU%", PERCENT, RATE("cpu_ns", NS_PCT), .sets = EVERYWHERE, .add = true,
		   .help = "CPU time; 100 is one CPU"},
	[M_QUOTA] = {"quota", "QUOTA", .unit = UNIT_WHOLE, .width = 5, .how = HOW_GAUGE,
		     .key = "cpu_quota_millionths", .scale = MILLIONTHS,
		     .sets = IN(OVERVIEW) | IN(CPU),
		     .help = "CPU quota in the same unit, - if none"},
	[M_THROTTLED] = {"throttled", "THR%", .unit = UNIT_WHOLE, .width = 4, .how = HOW_SHARE,
			 .key = "nr_throttled", .of = "nr_periods", .scale = 100,
			 .sets = IN(OVERVIEW) | IN(CPU), .warning = 1, .bad = 25,
			 .help = "periods in which the quota ran out"},
	[M_WAIT_P50] = {"wait_p50", "P50", US, QUANTILE("wait_hist_us", 0.50),
			.sets = IN(OVERVIEW) | IN(CPU),
			.help = "wait for a CPU: half of the waits were shorter"},
	[M_WAIT_P99] = {"wait_p99", "P99", US, QUANTILE("wait_hist_us", 0.99),
			.sets = IN(OVERVIEW) | IN(CPU), .warning = 20e3, .bad = 200e3,
			.help = "wait for a CPU: 99 % were shorter"},
	[M_MEMORY] = {"mem", "RSS", .unit = UNIT_BYTES, .width = 5, GAUGE("memory_bytes"),
		      .sets = IN(OVERVIEW) | IN(MEMORY), .add = true, .help = "memory in use"},
	[M_PIDS] = {"pids", "PIDS", .unit = UNIT_WHOLE, .width = 5, GAUGE("pids"),
		    .sets = IN(OVERVIEW) | IN(SECURITY), .add = true,
		    .help = "processes and threads"},
	[M_USER] = {"user", "USER%", PERCENT, RATE("cpu_user_us", US_PCT), .sets = IN(CPU),
		    .add = true, .help = "CPU time in user space"},
	[M_SYSTEM] = {"system", "SYS%", PERCENT, RATE("cpu_system_us", US_PCT), .sets = IN(CPU),
		      .add = true, .help = "CPU time in the kernel"},
	[M_WAIT] =
		{"wait", "WAIT%", PERCENT, RATE("wait_ns", NS_PCT), .sets = IN(CPU), .add = true,
		 .help = "time that its threads waited for a CPU; 100 is one thread all the time"},
	[M_THROTTLED_TIME] = {"throttled_time", "THRT%", PERCENT, RATE("throttled_us", US_PCT),
			      .sets = IN(CPU), .help = "time for which it was throttled"},
	[M_SWITCHES] = {"switches", "CSW/s", WHOLE, RATE("nr_switches", 1), .sets = IN(CPU),
			.add = true, .help = "context switches"},
	[M_INVOLUNTARY] = {"involuntary", "INV/s", WHOLE, RATE("nr_involuntary", 1),
			   .sets = IN(CPU), .add = true,
			   .help = "context switches while it could have gone on"},
	[M_MIGRATIONS] = {"migrations", "MIG/s", WHOLE, RATE("nr_migrations", 1), .sets = IN(CPU),
			  .add = true, .help = "moves to another CPU"},
	[M_RUNNING] = {"running", "RUN", WHOLE, GAUGE("running"), .sets = IN(CPU), .add = true,
		       .help = "threads that run or wait for a CPU"},
	[M_CPU_SOME] = {"cpu_some", "PSI%", PERCENT, RATE("cpu_some_us", US_PCT), .sets = IN(CPU),
			.warning = 20, .bad = 60,
			.help = "time in which some thread waited for a CPU (cpu.pressure)"},
	[M_MEMORY_MAX] = {"mem_max", "MEMMAX", BYTES, .how = HOW_GAUGE, .key = "memory_max_bytes",
			  .scale = 1, .sets = IN(MEMORY), .help = "memory limit"},
	[M_MEMORY_PEAK] = {"mem_peak", "PEAK", BYTES, .how = HOW_GAUGE, .key = "memory_peak_bytes",
			   .scale = 1, .sets = IN(MEMORY), .help = "most memory that it ever used"},
	[M_RSS_ANON] = {"anon", "ANON", BYTES, GAUGE("rss_anon_bytes"), .sets = IN(MEMORY),
			.add = true, .help = "resident: heap, stacks"},
	[M_RSS_FILE] = {"file", "FILE", BYTES, GAUGE("rss_file_bytes"), .sets = IN(MEMORY),
			.add = true, .help = "resident: mapped files"},
	[M_RSS_SHMEM] = {"shmem", "SHMEM", BYTES, GAUGE("rss_shmem_bytes"), .sets = IN(MEMORY),
			 .add = true, .help = "resident: shared memory"},
	[M_SWAP] = {"swap", "SWAP", BYTES, GAUGE("swap_bytes"), .sets = IN(MEMORY), .add = true,
		    .warning = 1, .help = "swapped out"},
	[M_MIN_FAULTS] = {"min_faults", "MINF/s", WHOLE, RATE("min_faults", 1), .sets = IN(MEMORY),
			  .add = true, .help = "page faults without a disk"},
	[M_MAJ_FAULTS] = {"maj_faults", "MAJF/s", WHOLE, RATE("maj_faults", 1), .sets = IN(MEMORY),
			  .add = true, .warning = 10, .bad = 200,
			  .help = "page faults that read from a disk"},
	[M_MEMORY_SOME] = {"mem_some", "MPSI%", PERCENT, RATE("memory_some_us", US_PCT),
			   .sets = IN(MEMORY), .warning = 5, .bad = 25,
			   .help = "time in which some thread waited for memory (memory.pressure)"},
	[M_MEMORY_FULL] = {"mem_full", "MFULL%", PERCENT, RATE("memory_full_us", US_PCT),
			   .sets = IN(MEMORY), .warning = 1, .bad = 10,
			   .help = "time in which all threads did"},
	[M_OOM_KILLS] = {"oom", "OOM", WHOLE, .how = HOW_GAUGE, .key = "oom_kills", .scale = 1,
			 .sets = IN(MEMORY), .add = true, .warning = 1, .bad = 1,
			 .help = "processes ended by the OOM killer, in all"},
	[M_DISK_READ] = {"disk_read", "READ/s", BYTES, RATE("disk_read_bytes", 1), .sets = IN(DISK),
			 .add = true, .help = "bytes read from block devices"},
	[M_DISK_WRITE] = {"disk_write", "WRIT/s", BYTES, RATE("disk_write_bytes", 1),
			  .sets = IN(DISK), .add = true, .help = "bytes written to block devices"},
	[M_DISK_READS] = {"disk_reads", "ROP/s", WHOLE, RATE("disk_reads", 1), .sets = IN(DISK),
			  .add = true, .help = "reads"},
	[M_DISK_WRITES] = {"disk_writes", "WOP/s", WHOLE, RATE("disk_writes", 1), .sets = IN(DISK),
			   .add = true, .help = "writes"},
	[M_DISK_P50] = {"disk_p50", "D50", US, QUANTILE("disk_hist_us", 0.50), .sets = IN(DISK),
			.help = "half of the requests took less"},
	[M_DISK_P99] = {"disk_p99", "D99", US, QUANTILE("disk_hist_us", 0.99), .sets = IN(DISK),
			.warning = 50e3, .bad = 500e3, .help = "99 % of the requests took less"},
	[M_DISK_WAITING] = {"disk_waiting", "DWAIT", WHOLE, GAUGE("disk_waiting"), .sets = IN(DISK),
			    .add = true, .warning = 1, .help = "threads in uninterruptible sleep"},
	[M_IO_SOME] = {"io_some", "IOPSI%", PERCENT, RATE("io_some_us", US_PCT), .sets = IN(DISK),
		       .warning = 10, .bad = 40,
		       .help = "time in which some thread waited for a disk (io.pressure)"},
	[M_IO_FULL] = {"io_full", "IFULL%", PERCENT, RATE("io_full_us", US_PCT), .sets = IN(DISK),
		       .warning = 5, .bad = 25, .help = "time in which all threads did"},
	[M_RX] = {"rx", "RX/s", BYTES, RATE("rx_bytes", 1), .sets = IN(NETWORK), .add = true,
		  .help = "bytes received"},
	[M_TX] = {"tx", "TX/s", BYTES, RATE("tx_bytes", 1), .sets = IN(NETWORK), .add = true,
		  .help = "bytes sent"},
	[M_RX_PACKETS] = {"rx_packets", "RXP/s", WHOLE, RATE("rx_packets", 1), .sets = IN(NETWORK),
			  .add = true, .help = "packets received"},
	[M_TX_PACKETS] = {"tx_packets", "TXP/s", WHOLE, RATE("tx_packets", 1), .sets = IN(NETWORK),
			  .add = true, .help = "packets sent"},
	[M_CONNECTIONS] = {"connections", "CONN", WHOLE, .how = HOW_OPEN, .key = "tcp_opened",
			   .of = "tcp_closed", .scale = 1, .sets = IN(NETWORK), .add = true,
			   .live = true, .help = "open TCP connections"},
	[M_CONNECTS] = {"connects", "NEW/s", WHOLE, RATE("tcp_opened", 1), .sets = IN(NETWORK),
			.add = true, .help = "TCP connections opened"},
	[M_CONNECT_FAILED] = {"connect_failed", "FAIL/s", WHOLE, RATE("tcp_failed", 1),
			      .sets = IN(NETWORK), .add = true, .warning = 0.01, .bad = 10,
			      .help = "TCP connects that failed"},
	[M_CONNECT_P99] = {"connect_p99", "C99", US, QUANTILE("connect_hist_us", 0.99),
			   .sets = IN(NETWORK), .warning = 200e3, .bad = 1e6,
			   .help = "99 % of the connects took less"},
	[M_RETRANSMITS] = {"retransmits", "RETR/s", WHOLE, RATE("tcp_retransmits", 1),
			   .sets = IN(NETWORK), .add = true, .warning = 1, .bad = 100,
			   .help = "TCP segments sent again"},
	[M_RTT_P50] = {"rtt_p50", "RTT50", US, QUANTILE("rtt_hist_us", 0.50), .sets = IN(NETWORK),
		       .help = "half of TCP's round-trip times were shorter"},
	[M_RTT_P99] = {"rtt_p99", "RTT99", US, QUANTILE("rtt_hist_us", 0.99), .sets = IN(NETWORK),
		       .warning = 200e3, .bad = 1e6,
		       .help = "99 % of TCP's round-trip times were shorter"},
	[M_NET_DROPPED] = {"tx_dropped", "DROP/s", WHOLE, RATE("tx_dropped", 1),
			   .sets = IN(NETWORK), .add = true, .warning = 1, .bad = 100,
			   .help = "packets dropped by the network quota"},
	[M_PROCESSES] = {"processes", "PROCS", WHOLE, GAUGE("processes"), .sets = IN(SECURITY),
			 .add = true, .help = "processes"},
	[M_PIDS_MAX] = {"pids_max", "PIDMAX", WHOLE, .how = HOW_GAUGE, .key = "pids_max",
			.scale = 1, .sets = IN(SECURITY), .help = "limit of processes and threads"},
	[M_FORKS] = {"forks", "FORK/s", WHOLE, RATE("nr_forks", 1), .sets = IN(SECURITY),
		     .add = true, .warning = 1000, .bad = 10000,
		     .help = "processes and threads born"},
	[M_EXECS] = {"execs", "EXEC/s", WHOLE, RATE("nr_execs", 1), .sets = IN(SECURITY),
		     .add = true, .help = "programs started"},
	[M_SECCOMP] = {"seccomp", "SECC", WHOLE, .how = HOW_GAUGE, .key = "seccomp_kills",
		       .scale = 1, .sets = IN(SECURITY), .add = true, .warning = 1, .bad = 1,
		       .help = "kills and traps by the seccomp filter, in all"},
	[M_DEVICE_DENIED] = {"device_denied", "DEV/s", WHOLE, RATE("device_denied", 1),
			     .sets = IN(SECURITY), .add = true, .warning = 0.01,
			     .help = "device accesses denied"},
	[M_BIND_DENIED] = {"bind_denied", "BIND/s", WHOLE, RATE("bind_denied", 1),
			   .sets = IN(SECURITY), .add = true, .warning = 0.01,
			   .help = "binds of ports denied"},
	[M_CONNECT_DENIED] = {"connect_denied", "CDNY/s", WHOLE, RATE("connect_denied", 1),
			      .sets = IN(SECURITY), .add = true, .warning = 0.01,
			      .help = "destinations denied"},
};

const char *const top_set_names[TOP_SETS] = {
	[SET_OVERVIEW] = "overview", [SET_CPU] = "CPU",		[SET_MEMORY] = "memory",
	[SET_DISK] = "disk",	     [SET_NETWORK] = "network", [SET_SECURITY] = "security",
};

int metric_find(const char *name)
{
	for (int i = 0; i < TOP_METRICS; i++)
		if (!strcmp(top_metrics[i].name, name))
			return i;
	return -1;
}

static void print_whole(double v, char *buf, size_t size)
{
	if (v < 99999.5)
		(void)snprintf(buf, size, "%.0f", v);
	else if (v < 99.5e6)
		(void)snprintf(buf, size, "%.0fk", v / 1e3);
	else
		(void)snprintf(buf, size, "%.0fM", v / 1e6);
}

void metric_text(enum top_unit unit, double v, char *buf, size_t size)
{
	if (isnan(v))
		(void)snprintf(buf, size, "-");
	else if (unit == UNIT_PERCENT)
		(void)snprintf(buf, size, v < 999.95 ? "%.1f" : "%.0f", v);
	else if (unit == UNIT_WHOLE)
		print_whole(v, buf, size);
	else if (unit == UNIT_BYTES)
		(void)format_bytes(buf, size, (uint64_t)v);
	else
		(void)format_us(buf, size, (uint64_t)v);
}
