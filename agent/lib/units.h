/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, as people write them, both ways. Nothing here allocates or depends on the locale. */
#ifndef DCOS_UNITS_H
#define DCOS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/** parse_u64 - a whole decimal number within [min, max]; -EINVAL no number, -ERANGE outside */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/** parse_bytes - "4096", "64K", "256M", "1.5G", "2T" (powers of 1024; also "KiB", "MiB" ...), "max" is UINT64_MAX */
int parse_bytes(const char *s, uint64_t *ret);

/** parse_duration_us - "500ms", "10s", "1.5m", "2h", "100us"; a bare number is seconds */
int parse_duration_us(const char *s, uint64_t *ret);

/** parse_cpus - "0.5" to 500000 (millionths of a CPU), "max" is UINT64_MAX */
int parse_cpus(const char *s, uint64_t *ret_millionths);

/**
 * parse_bits - "20mbit", "1.5gbit", "64kbit", "9600bit" (powers of 1000; a bare number is bits) a second
 * "max" is UINT64_MAX.
 */
int parse_bits(const char *s, uint64_t *ret);

/** format_bytes - "0", "512K", "1.5G": at most 5 columns, UINT64_MAX is "max" */
char *format_bytes(char *buf, size_t size, uint64_t bytes);

/** format_bits - "500bit", "1.5mbit", "20gbit": at most 8 columns, UINT64_MAX is "max" */
char *format_bits(char *buf, size_t size, uint64_t bits);

/** format_us - "0", "12us", "3.4ms", "1.2s", "5m", "3h": at most 6 columns */
char *format_us(char *buf, size_t size, uint64_t us);

#endif
