// SPDX-License-Identifier: Apache-2.0
/* dcos-agent: options, wiring, systemd's protocol; nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/breach_memory.h"
#include "agent/drain.h"
#include "agent/events.h"
#include "agent/history.h"
#include "agent/host.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/log.h"
#include "agent/lifecycle.h"
#include "agent/node.h"
#include "agent/recovery.h"
#include "agent/seal.h"
#include "agent/stream.h"

#define EXIT_USAGE   2
#define LARGE_BUFFER (256 << 10) /* bytes from which an allocation is one of its own */

static const char usage[] =
	"Usage: dcos-agent [--config FILE]\n"
	"The agent of a node: runs tasks in containers and meters them.\n"
	"\n"
	"  -c, --config FILE  read only this file, not " CONFIG_FILE " and its drop-ins\n"
	"      --check        check the configuration and end\n"
	"      --thaw         thaw the tasks that an agent which is gone has left frozen\n"
	"      --dump-keys WHAT  table of keys in reStructuredText: config or spec\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"See dcos-agent(8), agent.conf(5).\n";

struct options {
	const char *config;
	bool check, thaw;
};

static int dump_keys(const char *what)
{
	if (!strcmp(what, "config"))
		config_keys_dump(stdout);
	else if (!strcmp(what, "spec"))
		task_keys_dump(stdout);
	else
		return fprintf(stderr, "dcos-agent: --dump-keys=%s: config or spec\n", what), 2;
	return 0;
}

/* Return: -1 go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'C'},
		{"dump-keys", required_argument, NULL, 'D'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"thaw", no_argument, NULL, 'T'},
		{NULL},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hV", longs, NULL)) >= 0) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'C':
			o->check = true;
			break;
		case 'T':
			o->thaw = true;
			break;
		case 'D':
			return dump_keys(optarg);
		case 'h':
			return fputs(usage, stdout) < 0;
		case 'V':
			return puts("dcos-agent " DCOS_VERSION) < 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "dcos-agent: %s: no such argument\n", argv[optind]);
	return EXIT_USAGE;
}

/* Were one of them closed, a file of ours would get its number, and the log would go there. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(&fd);
}

static int new_loop(struct node *n)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int err;

	(void)sigemptyset(&mask); /* cannot fail */
	(void)sigaddset(&mask, SIGCHLD);
	(void)sigaddset(&mask, SIGPIPE);
	for (int i = 0; i < 2; i++)
		(void)sigaddset(&mask, ends[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	err = sd_event_default(&n->event);
	for (int i = 0; i < 2 && err >= 0; i++)
		err = sd_event_add_signal(n->event, NULL, ends[i], NULL, NULL);
	if (err >= 0)
		err = sd_event_set_watchdog(n->event, true);
	return err < 0 ? err : 0;
}

static void say_ready(const struct node *n, const struct recovery *r)
{
	if (!n->meter)
		log_warn("tasks are not metered: %s", n->meter_why.text);
	if (n->scx_why.text[0])
		log_warn("no scheduler of tasks: %s", n->scx_why.text);
	if (n->governor_why.text[0])
		log_warn("no governor: %s", n->governor_why.text);
	if (n->forkrate_why.text[0])
		log_warn("no fork rates: %s", n->forkrate_why.text);
	if (n->netquota_why.text[0])
		log_warn("no network quotas: %s", n->netquota_why.text);
	if (n->guard_why.text[0])
		log_warn("no guard of ports and addresses: %s", n->guard_why.text);
	log_notice("ready: %d tasks adopted, %d ended meanwhile, %d remembered, %d lost, "
		   "%d checkpoints unreadable, %d cgroups of no task",
		   r->adopted, r->ended, r->remembered, r->lost, r->unreadable, r->strays);
	(void)sd_notifyf(0, "READY=1\nSTATUS=%d tasks running",
			 node_running(n)); /* nobody listens without systemd */
}

/* Everything up; then events until SIGTERM. Tasks stay when it returns. */
static int node_main(struct node *n, struct why *why)
{
	struct recovery found = {0};
	int err = new_loop(n) ?: host_setup(n, why);

	if (err)
		return err;
	CRASH_POINT("start.host_made");
	host_meter(n);
	CRASH_POINT("start.meter_open");
	(void)malloc_trim(
		0); /* loading programs took megabytes, which a forked guard would share */
	err = host_isolate(why);
	if (err)
		return err;
	CRASH_POINT("start.isolated");
	host_scx(n);
	CRASH_POINT("start.scx_open");
	host_governor(n);
	CRASH_POINT("start.governor_open");
	host_memory(n);
	host_forkrate(n);
	host_netquota(n);
	host_guard(n);
	err = history_new((size_t)n->cfg->meter_history_bytes, &n->history)
		      ?: events_new(&n->events);
	if (err)
		return err;
	err = recover(n, &found, why) ?: stream_start(n) ?: breach_memory_start(n) ?: api_start(n, why);
	if (err)
		return err;
	CRASH_POINT("start.recovered");
	drain_load(n);
	say_ready(n, &found);
	err = sd_event_loop(n->event);
	(void)sd_notify(0, "STOPPING=1"); /* likewise */
	log_notice("stops; %d tasks run on", node_running(n));
	return err < 0 ? err : 0;
}

static int thaw(const struct config *cfg, struct why *why)
{
	int nr = host_thaw(cfg, why);

	if (nr < 0)
		log_err("%s", why->text);
	else if (nr)
		log_notice("thawed %d tasks", nr);
	return nr < 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	cleanup_config struct config *cfg = NULL;
	struct node n = {.lock_fd = -1, .pins_fd = -1, .host.cgroup_fd = -1};
	struct why why = {0};
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	fill_standard_fds();
	/* a constant one: buffers of snapshots go back to the system at once */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BUFFER);
	log_open("dcos-agent", LOG_INFO);
	if (!o.check && !o.thaw && seal_program(argv, &why)) {
		log_warn("tasks can open the agent's program for writing: %s", why.text);
		why.text[0] = '\0';
	}
	if (config_load(o.config, &cfg, &why)) {
		log_err("%s", why.text);
		return 1;
	}
	if (o.check)
		return 0;
	if (o.thaw)
		return thaw(cfg, &why);
	log_open("dcos-agent", cfg->log_level);
	n.cfg = cfg;
	status = node_main(&n, &why);
	if (status)
		log_err("%s", why.text[0] ? why.text : strerror(-status));
	api_stop(&n);
	breach_memory_stop(&n);
	stream_stop(&n);
	while (n.tasks_nr)
		task_free(n.tasks[n.tasks_nr - 1]);
	free(n.tasks);
	history_free(n.history);
	events_free(n.events);
	host_release(&n);
	sd_event_unref(n.event);
	return status ? 1 : 0;
}
