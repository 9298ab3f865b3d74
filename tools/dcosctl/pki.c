// SPDX-License-Identifier: Apache-2.0
/*
 * dcosctl pki: an authority for trying the link between nodes and their allocator, and for those who
 * have no other. Keys are ECDSA P-384; nothing is ever written over.
 * Source: the manual of GnuTLS, "X.509 certificate API"; RFC 5280 for what stands in a certificate.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosctl/ctl.h"

#define PKI_DIR	      "/etc/dcos/pki"
#define CA_NAME	      "ca"
#define CA_DAYS	      3650
#define DAYS_DEFAULT  365
#define SECONDS_A_DAY 86400
#define EARLY_S	      300 /* clocks of other machines may be behind */
#define SERIAL_BYTES  16
#define PEM_BYTES     16384
#define NAMES_MAX     16 /* of an allocator */
#define CN_MAX	      64 /* of X.509 */

struct pki_options {
	const char *dir;
	struct opt_u64 days;
};

static const struct opt_row pki_rows[] = {
	{"dir", 0, "PATH", opt_string, offsetof(struct pki_options, dir), "a path",
	 "directory of certificates and keys (default " PKI_DIR ")"},
	{"days", 0, "N", opt_count, offsetof(struct pki_options, days), "a number of days",
	 "node, allocator: how long it is valid (default 365)"},
	{},
};

struct pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

struct pki {
	struct ctl *ctl;
	int dir;
	const char *path;
	uint64_t days;
};

static void pair_free(struct pair *p)
{
	if (p->crt)
		gnutls_x509_crt_deinit(p->crt);
	if (p->key)
		gnutls_x509_privkey_deinit(p->key);
}

#define cleanup_pair __attribute__((cleanup(pair_free)))

static int tls_fail(struct pki *p, int r, const char *what)
{
	return why_set(&p->ctl->why, -EINVAL, "%s: %s", what, gnutls_strerror(r));
}

/* ---- files ---- */

static int write_file(struct pki *p, const char *name, const char *suffix, mode_t mode,
		      const void *data, size_t size)
{
	char file[CN_MAX + 16];

	(void)snprintf(file, sizeof(file), "%s.%s", name, suffix); /* fits */
	cleanup_close int fd =
		openat(p->dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return why_set(&p->ctl->why, -errno, "%s/%s", p->path, file);
	if (write(fd, data, size) != (ssize_t)size || fsync(fd)) {
		int err = -errno;

		(void)unlinkat(p->dir, file, 0); /* a half is worth nothing */
		return why_set(&p->ctl->why, err, "%s/%s", p->path, file);
	}
	return 0;
}

/* The key first: a certificate that is there can be used. */
static int write_pair(struct pki *p, const char *name, const struct pair *pair)
{
	unsigned char pem[PEM_BYTES];
	size_t size = sizeof(pem);
	int r = gnutls_x509_privkey_export_pkcs8(pair->key, GNUTLS_X509_FMT_PEM, NULL,
						 GNUTLS_PKCS_PLAIN, pem, &size);

	if (r < 0)
		return tls_fail(p, r, "the key");
	r = write_file(p, name, "key", 0600, pem, size);
	gnutls_memset(pem, 0, sizeof(pem));
	if (r)
		return r;
	size = sizeof(pem);
	r = gnutls_x509_crt_export(pair->crt, GNUTLS_X509_FMT_PEM, pem, &size);
	return r < 0 ? tls_fail(p, r, "the certificate")
		     : write_file(p, name, "crt", 0644, pem, size);
}

static int read_file(struct pki *p, const char *file, unsigned char *buf, gnutls_datum_t *ret)
{
	cleanup_close int fd = openat(p->dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, PEM_BYTES);

	if (n < 0)
		return why_set(&p->ctl->why, -errno, "%s/%s", p->path, file);
	*ret = (gnutls_datum_t){.data = buf, .size = (unsigned int)n};
	return 0;
}

static int read_authority(struct pki *p, struct pair *ret)
{
	unsigned char pem[PEM_BYTES];
	gnutls_datum_t text;
	int r;

	if (gnutls_x509_crt_init(&ret->crt) || gnutls_x509_privkey_init(&ret->key))
		return -ENOMEM;
	r = read_file(p, CA_NAME ".crt", pem, &text);
	if (r)
		return r;
	r = gnutls_x509_crt_import(ret->crt, &text, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return tls_fail(p, r, CA_NAME ".crt");
	r = read_file(p, CA_NAME ".key", pem, &text);
	if (r)
		return r;
	r = gnutls_x509_privkey_import(ret->key, &text, GNUTLS_X509_FMT_PEM);
	gnutls_memset(pem, 0, sizeof(pem));
	return r < 0 ? tls_fail(p, r, CA_NAME ".key") : 0;
}

/* ---- certificates ---- */

/* What all have: a key, a serial number nobody can guess, a name, a time. */
static int begin(struct pki *p, const char *cn, uint64_t days, struct pair *ret)
{
	unsigned char serial[SERIAL_BYTES];
	time_t now = time(NULL);
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] &= 0x7f; /* a positive number */
	r = r ?: gnutls_x509_privkey_init(&ret->key) ?: gnutls_x509_crt_init(&ret->crt);
	r = r
		    ?: gnutls_x509_privkey_generate(ret->key, GNUTLS_PK_ECDSA,
						    GNUTLS_CURVE_TO_BITS(
							    GNUTLS_ECC_CURVE_SECP384R1),
						    0);
	r = r ?: gnutls_x509_crt_set_version(ret->crt, 3);
	r = r ?: gnutls_x509_crt_set_key(ret->crt, ret->key);
	r = r ?: gnutls_x509_crt_set_serial(ret->crt, serial, sizeof(serial));
	r = r
		    ?: gnutls_x509_crt_set_dn_by_oid(ret->crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn,
						     (unsigned int)strlen(cn));
	r = r ?: gnutls_x509_crt_set_activation_time(ret->crt, now - EARLY_S);
	r = r
		    ?: gnutls_x509_crt_set_expiration_time(ret->crt,
							   now + (time_t)(days * SECONDS_A_DAY));
	return r < 0 ? tls_fail(p, r, cn) : 0;
}

static int finish(struct pki *p, const char *name, struct pair *pair, const struct pair *authority)
{
	int r = gnutls_x509_crt_sign2(pair->crt, authority->crt, authority->key, GNUTLS_DIG_SHA384,
				      0);

	return r < 0 ? tls_fail(p, r, name) : write_pair(p, name, pair);
}

static int make_authority(struct pki *p)
{
	cleanup_pair struct pair ca = {};
	int r = begin(p, "dcos-node authority", CA_DAYS, &ca);

	if (r)
		return r;
	r = gnutls_x509_crt_set_basic_constraints(ca.crt, 1, 0)
		    ?: gnutls_x509_crt_set_key_usage(ca.crt, GNUTLS_KEY_KEY_CERT_SIGN |
								     GNUTLS_KEY_CRL_SIGN);
	return r < 0 ? tls_fail(p, r, CA_NAME) : finish(p, CA_NAME, &ca, &ca);
}

/* Names and addresses by which nodes may dial it. */
static int add_names(struct pki *p, gnutls_x509_crt_t crt, char **names, int nr)
{
	for (int i = 0; i < nr; i++) {
		unsigned char ip[sizeof(struct in6_addr)];
		size_t len = inet_pton(AF_INET, names[i], ip) == 1    ? sizeof(struct in_addr)
			     : inet_pton(AF_INET6, names[i], ip) == 1 ? sizeof(struct in6_addr)
								      : 0;
		int r = gnutls_x509_crt_set_subject_alt_name(
			crt, len ? GNUTLS_SAN_IPADDRESS : GNUTLS_SAN_DNSNAME,
			len ? (const void *)ip : names[i], (unsigned int)(len ?: strlen(names[i])),
			GNUTLS_FSAN_APPEND);

		if (r < 0)
			return tls_fail(p, r, names[i]);
	}
	return 0;
}

/* @purpose: what it may be used for, one of the two ends */
static int make_end(struct pki *p, const char *name, const char *purpose, char **names, int nr)
{
	cleanup_pair struct pair ca = {}, end = {};
	int r = read_authority(p, &ca) ?: begin(p, name, p->days, &end) ?:
		add_names(p, end.crt, names, nr);

	if (r)
		return r;
	r = gnutls_x509_crt_set_basic_constraints(end.crt, 0, -1)
		    ?: gnutls_x509_crt_set_key_usage(end.crt, GNUTLS_KEY_DIGITAL_SIGNATURE)
		    ?: gnutls_x509_crt_set_key_purpose_oid(end.crt, purpose, 0);
	return r < 0 ? tls_fail(p, r, name) : finish(p, name, &end, &ca);
}

/* ---- commands ---- */

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len && len <= CN_MAX && *text != '.' && strcmp(text, CA_NAME) != 0 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		       len;
}

static int pki_init(struct pki *p, char **names, int nr)
{
	(void)names; /* it has none */
	(void)nr;
	return make_authority(p);
}

static int pki_node(struct pki *p, char **names, int nr)
{
	(void)nr; /* is 1 */
	if (!is_name(names[0]))
		return why_set(
			&p->ctl->why, -EINVAL,
			"%s: must be 1 to %d letters, digits, '-', '.' and '_', and not \"" CA_NAME
			"\"",
			names[0], CN_MAX);
	return make_end(p, names[0], GNUTLS_KP_TLS_WWW_CLIENT, NULL, 0);
}

static int pki_allocator(struct pki *p, char **names, int nr)
{
	return make_end(p, "allocator", GNUTLS_KP_TLS_WWW_SERVER, names, nr);
}

static const struct verb {
	const char *name;
	int min, max;
	int (*run)(struct pki *p, char **names, int nr);
} verbs[] = {
	{"init", 0, 0, pki_init},
	{"node", 1, 1, pki_node},
	{"allocator", 1, NAMES_MAX, pki_allocator},
};

static int open_dir(struct pki *p)
{
	if (mkdir(p->path, 0755) && errno != EEXIST)
		return why_set(&p->ctl->why, -errno, "%s", p->path);
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->dir < 0 ? why_set(&p->ctl->why, -errno, "%s", p->path) : 0;
}

static int pki_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	const struct pki_options *o = options;
	struct pki p = {ctl, -1, o->dir ?: PKI_DIR, o->days.given ? o->days.value : DAYS_DEFAULT};
	int r = -ENOENT;

	if (p.days > CA_DAYS)
		return ctl_usage(ctl, "--days: must be at most %d, as long as the authority's",
				 CA_DAYS);
	for (size_t i = 0; i < ARRAY_SIZE(verbs) && r == -ENOENT; i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(v->name, operands[0]))
			continue;
		if (nr - 1 < v->min || nr - 1 > v->max)
			return ctl_usage(ctl, "pki %s: %s", v->name,
					 nr - 1 < v->min ? "missing operand"
							 : "unexpected operand");
		r = open_dir(&p) ?: v->run(&p, operands + 1, nr - 1);
		close_fd(&p.dir);
		return r ? ctl_fail("%s", *ctl->why.text ? ctl->why.text : strerror(-r)) : 0;
	}
	return ctl_usage(ctl, "pki %s: no such command", operands[0]);
}

const struct command cmd_pki = {
	.name = "pki",
	.args = "[OPTION...] VERB [NAME...]",
	.help = "certificates of nodes and their allocator: init, node, allocator",
	.more = "init                 an authority: ca.crt, ca.key\n"
		"node NAME            of a node: NAME.crt, NAME.key\n"
		"allocator NAME...    of the allocator, for the names and addresses by which nodes "
		"dial it: allocator.crt, allocator.key",
	.options = pki_rows,
	.options_size = sizeof(struct pki_options),
	.operands_min = 1,
	.operands_max = 1 + NAMES_MAX,
	.run = pki_run,
};
