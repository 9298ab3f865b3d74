/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task specs for tests. In documents ' stands for " and @ for the test's own directory, which
 * holds the root file system @/img, the profiles in @/sc, and the agent's @/state and @/run.
 */
#ifndef DCOS_TASK_RIG_H
#define DCOS_TASK_RIG_H

#include "agent/task.h"

/** rig_config - a configuration whose directories are the test's; the caller frees it */
struct config *rig_config(void);

/** rig_file - write a file below the test's directory; directories on the way are made */
void rig_file(const char *path, const char *text);

/** rig_text - @text with @ (and, if @quotes, ') replaced; the caller frees it */
char *rig_text(const char *text, bool quotes);

/** rig_json - the value that a document in test spelling means; a new reference */
json_t *rig_json(const char *doc);

/**
 * rig_parse - task_spec_parse() of a document that must be good; aborts the test if it is not
 * Return: owned by the caller.
 */
struct task_spec *rig_parse(const char *doc);

/** rig_refused - a document must be refused, with that key and that sentence (@ is replaced) */
void rig_refused(const char *file, int line, const char *doc, const char *key, const char *reason);

#define REFUSED(doc, key, reason) rig_refused(__FILE__, __LINE__, doc, key, reason)

/* The same for a document that has a command already: only the other members are written. */
#define REFUSED_KEYS(members, key, reason) REFUSED("{'command':['x']," members "}", key, reason)

#endif
