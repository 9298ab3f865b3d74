/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that wait for a task, as the node holds them. */
#ifndef DCOS_API_WAITERS_H
#define DCOS_API_WAITERS_H

struct waiter; /* api_wait.c */
struct follower; /* api_logs.c */
struct node;
struct task;

struct api_waiters {
	struct waiter *head;
	struct follower *followers;
	int nr; /* of both */
};

/** api_waiters_moved - answer Wait and Drain calls that this move concerns */
void api_waiters_moved(struct node *n, struct task *t);

/** api_followers_moved - a task has ended: its followers send what is left and end */
void api_followers_moved(struct node *n, struct task *t);

#endif
