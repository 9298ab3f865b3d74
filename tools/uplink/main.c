// SPDX-License-Identifier: Apache-2.0
/* dcos-uplink: the node's end of the link to an allocator. Options and wiring. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/log.h"
#include "agent/lib/units.h"
#include "tools/common/client.h"
#include "tools/common/text.h"
#include "tools/uplink/uplink.h"

#define EXIT_USAGE    2
#define PORTS_DEFAULT "31000-32000"

#define FIELD(f) offsetof(struct uplink_options, f)

static const struct opt_row rows[] = {
	{"allocator", 'a', "HOST:PORT", opt_string, FIELD(allocator), NULL,
	 "where the allocator waits for nodes; or unix:PATH"},
	{"ca", 0, "FILE", opt_string, FIELD(tls.ca), NULL,
	 "certificate of the authority, PEM, as the next two"},
	{"certificate", 0, "FILE", opt_string, FIELD(tls.certificate), NULL,
	 "of this node; its common name is the node's"},
	{"key", 0, "FILE", opt_string, FIELD(tls.key), NULL, "of the certificate"},
	{"insecure", 0, NULL, opt_flag, FIELD(insecure), NULL,
	 "no TLS; only to addresses of this machine"},
	{"attribute", 0, "NAME=VALUE", opt_strings, FIELD(attributes), NULL,
	 "for constraints of apps, such as rack=7; may be repeated"},
	{"ports", 0, "LOW-HIGH", opt_string, FIELD(ports), NULL,
	 "ports that tasks may get (default " PORTS_DEFAULT ")"},
	{"socket", 0, "PATH", opt_string, FIELD(socket), NULL,
	 "socket of the agent (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET ")"},
	{"help", 'h', NULL, opt_flag, FIELD(help), NULL, "this help"},
	{"version", 0, NULL, opt_flag, FIELD(version), NULL, "the version"},
	{},
};

static int fail(int status, const char *text)
{
	(void)fprintf(stderr, "dcos-uplink: "); /* nowhere to complain about stderr */
	text_print(stderr, text);
	(void)fputc('\n', stderr);
	return status;
}

static void print_help(void)
{
	/* errors of stdout are seen when it is closed */
	(void)printf(
		"Usage: dcos-uplink --allocator HOST:PORT [OPTION...]\n\nConnects the agent of "
		"this machine to an allocator.\n\nOptions:\n");
	opts_help(stdout, rows);
	(void)printf("\nExit status: 0 done, 1 failed, 2 wrong command line.\n");
}

static int new_loop(struct uplink *u)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int r;

	(void)sigemptyset(&mask); /* cannot fail */
	(void)sigaddset(&mask, SIGPIPE);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaddset(&mask, ends[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL); /* fails only for a bad argument */
	r = sd_event_default(&u->event);
	for (size_t i = 0; i < ARRAY_SIZE(ends) && r >= 0; i++)
		r = sd_event_add_signal(u->event, NULL, ends[i], NULL, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(u->event, true);
	return r < 0 ? why_set(&u->why, r, "no event loop") : 0;
}

static int parse_attributes(struct uplink *u)
{
	u->attributes = json_object();
	for (int i = 0; i < u->o->attributes.nr; i++) {
		const char *text = u->o->attributes.items[i], *eq = strchr(text, '=');
		cleanup_free char *name =
			eq && eq > text ? strndup(text, (size_t)(eq - text)) : NULL;

		if (!name)
			return why_set(&u->why, -EINVAL, "--attribute=%s: must be NAME=VALUE",
				       text);
		if (json_object_set_new(u->attributes, name, json_string(eq + 1)))
			return why_set(&u->why, -EINVAL, "--attribute=%s: must be UTF-8", text);
	}
	return 0;
}

static int parse_ports(struct uplink *u)
{
	const char *text = u->o->ports ?: PORTS_DEFAULT;
	cleanup_free char *copy = strdup(text);
	char *dash = copy ? strchr(copy, '-') : NULL;
	uint64_t low, high;

	if (dash)
		*dash = '\0';
	if (!dash || parse_u64(copy, 1, 65535, &low) < 0 ||
	    parse_u64(dash + 1, low, 65535, &high) < 0)
		return why_set(&u->why, -EINVAL,
			       "--ports=%s: must be LOW-HIGH such as " PORTS_DEFAULT, text);
	u->ports = json_pack("[[I, I]]", (json_int_t)low, (json_int_t)high);
	return u->ports ? 0 : -ENOMEM;
}

/* Without TLS anybody on the way could give orders. */
static bool stays_here(const char *address)
{
	return !strncmp(address, "unix:", 5) || !strncmp(address, "127.", 4) ||
	       !strncmp(address, "[::1]:", 6) || !strncmp(address, "localhost:", 10);
}

static int check_options(struct uplink *u)
{
	const struct tls_files *f = &u->o->tls;

	if (!u->o->allocator)
		return why_set(&u->why, -EINVAL, "--allocator is missing; try --help");
	if (!u->o->insecure && strncmp(u->o->allocator, "unix:", 5) != 0)
		return tls_keys_new(f, &u->keys, &u->why);
	if (f->ca || f->certificate || f->key)
		return why_set(&u->why, -EINVAL,
			       "--ca, --certificate and --key are for TLS, which "
			       "neither --insecure nor unix: has");
	if (!stays_here(u->o->allocator))
		return why_set(&u->why, -EINVAL,
			       "--insecure: %s is not an address of this machine's own (127.*, "
			       "[::1], localhost)",
			       u->o->allocator);
	return 0;
}

static int serve(struct uplink *u)
{
	sd_id128_t id = {};
	int r;

	(void)sd_id128_randomize(&id); /* getrandom(2), which works */
	(void)sd_id128_to_string(id, u->session); /* cannot fail */
	r = check_options(u) ?: parse_attributes(u) ?: parse_ports(u) ?: new_loop(u);
	if (!r)
		r = dial_begin(u) < 0 || agent_begin(u) < 0 ? -ENOMEM : 0;
	if (r < 0)
		return r;
	(void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
	r = sd_event_loop(u->event);
	(void)sd_notify(0, "STOPPING=1"); /* likewise */
	return r < 0 ? why_set(&u->why, r, "the event loop failed") : 0;
}

static int run(struct uplink *u, struct uplink_options *o, int argc, char **argv)
{
	const struct opt_set set = {rows, o};
	int r = opts_parse(&set, 1, argc, argv, false, &u->why);

	if (r < 0)
		return fail(EXIT_USAGE, u->why.text);
	if (r < argc)
		return fail(EXIT_USAGE, "unexpected argument; try --help");
	if (o->version)
		(void)printf("dcos-uplink %s\n", DCOS_VERSION); /* seen when it is closed */
	else if (o->help)
		print_help();
	if (o->version || o->help)
		return 0;
	r = serve(u);
	if (r < 0) /* -EINVAL: an option */
		return fail(r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE,
			    *u->why.text ? u->why.text : strerror(-r));
	return 0;
}

int main(int argc, char **argv)
{
	struct uplink_options o = {};
	struct uplink u = {.o = &o, .polls.fd = -1, .orders.fd = -1, .meters.fd = -1, .up.fd = -1};
	int status;

	STAILQ_INIT(&u.queue);
	log_open("dcos-uplink", LOG_INFO);
	status = run(&u, &o, argc, argv);
	dial_end(&u);
	agent_end(&u);
	u.keys = tls_keys_free(u.keys);
	json_decref(u.attributes);
	json_decref(u.ports);
	sd_event_unref(u.event);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
