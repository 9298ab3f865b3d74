/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Varlink server and its clients in one process, for tests. The interface is test.Rig:
 *	Echo(text) -> (text)	answered at once
 *	Hold()			kept open: see vl_rig.held
 *	Count(n) with more	n replies, then the last
 *	Manage()		needs the right to manage
 *	Fail()			the method returns -EBUSY
 *	Forget()		is never answered
 *	Missing()		has no function
 */
#ifndef DCOS_VARLINK_RIG_H
#define DCOS_VARLINK_RIG_H

#include "agent/lib/varlink.h"

#define RIG_TURNS_MAX 100000 /* of the loop: more is a loop that spins */

struct vl_rig {
	sd_event *event;
	struct vl_server *server;
	struct vl_call *held;
	unsigned int gone, echoed;
	bool nobody_reads, nobody_manages;
};

/** vl_rig_up - a server on a loop of its own; aborts the test on failure */
void vl_rig_up(struct vl_rig *rig);
void vl_rig_down(struct vl_rig *rig);

/** vl_rig_client - Return: our end of a new connection, not blocking */
int vl_rig_client(struct vl_rig *rig);

/** vl_rig_turn - run the loop until there is nothing to do */
void vl_rig_turn(struct vl_rig *rig);

/** vl_rig_say - send a text with its NUL, and run the loop meanwhile. Return: 0 or -errno */
int vl_rig_say(struct vl_rig *rig, int fd, const char *text);

/**
 * vl_rig_hear - run the loop and take what has been answered
 * Return: malloc'd text, each NUL a '|'; a final "EOF" if the server has hung up.
 */
char *vl_rig_hear(struct vl_rig *rig, int fd);

/** vl_rig_ask - say and hear */
char *vl_rig_ask(struct vl_rig *rig, int fd, const char *text);

struct vl_stats vl_rig_stats(const struct vl_rig *rig);

#endif
