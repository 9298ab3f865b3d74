/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of pins; only for agent/meter*.c. A pin directory holds the maps and the links of
 * one ABI, v<DCOS_ABI>/NAME. Programs are loaded at every start and compared with the attached
 * ones: those that changed are replaced, the maps with all counts stay.
 */
#ifndef DCOS_METER_PINS_H
#define DCOS_METER_PINS_H

#include <stdbool.h>

#include "agent/lib/why.h"
#include "agent/meter_family.h"

/** pin_path - the path of a pin. Return: 0 or -ENAMETOOLONG */
int pin_path(char path[static PIN_PATH_MAX], const char *dir, const char *name, const char *suffix);

/** pin_exists - whether there is a pin of that name */
bool pin_exists(const char *dir, const char *name);

/** pin_remove - remove a pin; that there is none is fine. Return: 0 or -errno */
int pin_remove(const char *dir, const char *name);

/**
 * pins_make - the directory for the pins of this ABI, made if missing
 * @pin_dir: on a bpf file system, made if missing
 * @dir: set to the path
 */
int pins_make(const char *pin_dir, char dir[static PIN_PATH_MAX], struct why *why);

/** pins_empty - remove all pins of a directory. Return: 0 or the first -errno */
int pins_empty(const char *dir);

/**
 * pins_sweep - remove what an older set has left behind
 * @pin_dir: other ABIs' directories in it
 * @dir: pins in it that no row of meter_families[] names
 * Return: 0 or the first -errno.
 */
int pins_sweep(const char *pin_dir, const char *dir);

/**
 * pins_take_exits - take over the records of ends that another ABI's programs have made
 * @pin_dir, @dir: as above; @dir is left out
 * @exits_fd: our map of them, keyed by cgroup id
 * To be called when our own programs are attached and the others' still are. A task that ends between
 * that and its adoption, some milliseconds, has no record.
 * Return: how many; -errno.
 */
int pins_take_exits(const char *pin_dir, const char *dir, int exits_fd);

#endif
