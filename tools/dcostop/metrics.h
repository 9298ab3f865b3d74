/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dcostop knows of a task: one table, from which columns, sorting, filters, CSV, JSON and the
 * help are made. A value is a double, NAN where nobody knows it.
 */
#ifndef DCOS_TOP_METRICS_H
#define DCOS_TOP_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_metric {
	M_CPU,
	M_QUOTA,
	M_THROTTLED,
	M_WAIT_P50,
	M_WAIT_P99,
	M_MEMORY,
	M_PIDS,
	/* CPU */
	M_USER,
	M_SYSTEM,
	M_WAIT,
	M_THROTTLED_TIME,
	M_SWITCHES,
	M_INVOLUNTARY,
	M_MIGRATIONS,
	M_RUNNING,
	M_CPU_SOME,
	/* memory */
	M_MEMORY_MAX,
	M_MEMORY_PEAK,
	M_RSS_ANON,
	M_RSS_FILE,
	M_RSS_SHMEM,
	M_SWAP,
	M_MIN_FAULTS,
	M_MAJ_FAULTS,
	M_MEMORY_SOME,
	M_MEMORY_FULL,
	M_OOM_KILLS,
	/* disk */
	M_DISK_READ,
	M_DISK_WRITE,
	M_DISK_READS,
	M_DISK_WRITES,
	M_DISK_P50,
	M_DISK_P99,
	M_DISK_WAITING,
	M_IO_SOME,
	M_IO_FULL,
	/* network */
	M_RX,
	M_TX,
	M_RX_PACKETS,
	M_TX_PACKETS,
	M_CONNECTIONS,
	M_CONNECTS,
	M_CONNECT_FAILED,
	M_CONNECT_P99,
	M_RETRANSMITS,
	M_RTT_P50,
	M_RTT_P99,
	M_NET_DROPPED,
	/* security and processes */
	M_PROCESSES,
	M_PIDS_MAX,
	M_FORKS,
	M_EXECS,
	M_SECCOMP,
	M_DEVICE_DENIED,
	M_BIND_DENIED,
	M_CONNECT_DENIED,
	TOP_METRICS,
};

enum top_how {
	HOW_GAUGE, /* the number as it is */
	HOW_RATE, /* growth a second */
	HOW_SHARE, /* growth of .key in that of .of, in % */
	HOW_OPEN, /* .key less .of */
	HOW_QUANTILE, /* of the growth of the histogram .key */
};

enum top_unit {
	UNIT_PERCENT, /* one digit after the point */
	UNIT_WHOLE,
	UNIT_BYTES,
	UNIT_US,
};

/* Sets of columns, one bit each. */
enum top_set {
	SET_OVERVIEW,
	SET_CPU,
	SET_MEMORY,
	SET_DISK,
	SET_NETWORK,
	SET_SECURITY,
	TOP_SETS,
};

struct top_metric_row {
	const char *name; /* in filters, --sort, CSV and JSON */
	const char *title; /* of the column */
	int width;
	enum top_unit unit;
	enum top_how how;
	const char *key, *of; /* of type Usage */
	double scale; /* to the unit; of a quantile: which one */
	unsigned int sets; /* 1 << enum top_set */
	double warning, bad; /* from here on it deserves a look; 0: never */
	bool add; /* of a group: the sum; else the greatest */
	bool live; /* nothing of a task that has ended */
	const char *help;
};

extern const struct top_metric_row top_metrics[TOP_METRICS];
extern const char *const top_set_names[TOP_SETS];

/** metric_find - the metric of a name, or -1 */
int metric_find(const char *name);

/** metric_text - a value as it stands in a cell; "-" if nobody knows it */
void metric_text(enum top_unit unit, double v, char *buf, size_t size);

#endif
