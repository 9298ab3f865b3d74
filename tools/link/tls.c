// SPDX-License-Identifier: Apache-2.0
/* TLS for links, see tls.h. Source: the manual of GnuTLS, "How to use GnuTLS in applications". */
#include "tools/link/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"

#define PRIORITY "SECURE192:-VERS-ALL:+VERS-TLS1.3"

struct tls_keys {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	char trouble[WHY_MAX];
};

struct session {
	gnutls_session_t tls;
	struct tls_keys *keys;
	gnutls_typed_vdata_st wanted[2]; /* of the other end's certificate; GnuTLS borrows it */
	char host[TLS_NAME_MAX];
	bool held; /* a record that GnuTLS keeps until it can be sent */
	bool begun;
};

static int tls_errno(int r)
{
	switch (r) {
	case GNUTLS_E_AGAIN:
	case GNUTLS_E_INTERRUPTED:
		return -EAGAIN;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	case GNUTLS_E_PREMATURE_TERMINATION:
		return -EPIPE;
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		return -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static void explain(struct session *s, int r)
{
	gnutls_datum_t text = {};
	unsigned int status = gnutls_session_get_verify_cert_status(s->tls);

	if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
	    gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0)
		(void)snprintf(s->keys->trouble, WHY_MAX, "%s", text.data); /* cut is well */
	else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
		(void)snprintf(s->keys->trouble, WHY_MAX, "the other end: %s",
			       gnutls_alert_get_name(gnutls_alert_get(s->tls)) ?: "alert");
	else
		(void)snprintf(s->keys->trouble, WHY_MAX, "%s", gnutls_strerror(r));
	gnutls_free(text.data);
}

static int tls_begin(struct link *l)
{
	struct session *s = l->io_data;
	int r = gnutls_handshake(s->tls);

	if (r == GNUTLS_E_SUCCESS) {
		s->begun = true;
		return 0;
	}
	if (!gnutls_error_is_fatal(r))
		return -EAGAIN;
	explain(s, r);
	(void)gnutls_alert_send_appropriate(s->tls, r); /* that it hears why is a courtesy */
	return -EPROTO;
}

static ssize_t tls_recv(struct link *l, void *buf, size_t size)
{
	struct session *s = l->io_data;
	ssize_t n = gnutls_record_recv(s->tls, buf, size);

	if (n < 0 && n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
		explain(s, (int)n);
	return n >= 0 ? n : tls_errno((int)n);
}

/* A record that could not be sent is GnuTLS's: it is sent on with no data. */
static ssize_t tls_send(struct link *l, const void *buf, size_t size)
{
	struct session *s = l->io_data;
	ssize_t n = gnutls_record_send(s->tls, s->held ? NULL : buf, s->held ? 0 : size);

	s->held = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
	return n >= 0 ? n : tls_errno((int)n);
}

static bool tls_wants_out(const struct link *l)
{
	const struct session *s = l->io_data;

	return !s->begun && gnutls_record_get_direction(s->tls) == 1;
}

static bool tls_pending(const struct link *l)
{
	const struct session *s = l->io_data;

	return gnutls_record_check_pending(s->tls) > 0;
}

static void session_free(struct session *s)
{
	gnutls_deinit(s->tls);
	free(s);
}

static void tls_end(struct link *l)
{
	struct session *s = l->io_data;

	if (s->begun)
		(void)gnutls_bye(s->tls, GNUTLS_SHUT_WR); /* who does not hear it sees the end */
	session_free(s);
	l->io = NULL;
	l->io_data = NULL;
}

static const struct link_io tls_io = {
	.begin = tls_begin,
	.recv = tls_recv,
	.send = tls_send,
	.wants_out = tls_wants_out,
	.pending = tls_pending,
	.end = tls_end,
};

/* A node's certificate is no allocator's: what each is for is in it. */
static int want(struct session *s, bool server, const char *host)
{
	const char *purpose = server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;

	s->wanted[0].type = GNUTLS_DT_KEY_PURPOSE_OID;
	s->wanted[0].data = (unsigned char *)purpose;
	s->wanted[1].type = GNUTLS_DT_DNS_HOSTNAME; /* addresses, too */
	s->wanted[1].data = (unsigned char *)s->host;
	if (host && strlen(host) >= sizeof(s->host))
		return -ENAMETOOLONG;
	(void)snprintf(s->host, sizeof(s->host), "%s", host ?: ""); /* fits */
	gnutls_session_set_verify_cert2(s->tls, s->wanted, host ? 2 : 1, 0);
	return 0;
}

static int session_new(struct tls_keys *k, int fd, bool server, const char *host,
		       struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = gnutls_init(&s->tls, GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
					 (server ? GNUTLS_SERVER : GNUTLS_CLIENT));
	if (r) {
		free(s);
		return -ENOMEM;
	}
	s->keys = k;
	if (gnutls_priority_set(s->tls, k->priority) ||
	    gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, k->credentials)) {
		session_free(s);
		return -ENOMEM;
	}
	if (server)
		gnutls_certificate_server_set_request(s->tls, GNUTLS_CERT_REQUIRE);
	gnutls_transport_set_int(s->tls, fd);
	r = want(s, server, host);
	if (r) {
		session_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int tls_adopt(struct link *l, sd_event *event, int fd, const struct tls_keys *keys, bool server,
	      const char *host)
{
	struct session *s = NULL;
	/* what it says of trouble is all that changes in them */
	int r = session_new((struct tls_keys *)keys, fd, server, host, &s);

	if (r < 0)
		return r;
	r = link_adopt(l, event, fd, &tls_io, s);
	if (r < 0)
		session_free(s);
	return r;
}

int tls_peer(const struct link *l, char ret[static TLS_NAME_MAX])
{
	const struct session *s = l->io == &tls_io ? l->io_data : NULL;
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t crt = NULL;
	unsigned int nr = 0;
	size_t size = TLS_NAME_MAX;
	int r;

	if (!s || !s->begun)
		return -ENOTCONN;
	chain = gnutls_certificate_get_peers(s->tls, &nr);
	if (!chain || !nr || gnutls_x509_crt_init(&crt))
		return -EBADMSG;
	r = gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER);
	if (!r)
		r = gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret,
						  &size);
	gnutls_x509_crt_deinit(crt);
	return r || strlen(ret) != size ? -EBADMSG : 0; /* no NUL in the middle */
}

const char *tls_trouble(const struct tls_keys *k)
{
	return k ? k->trouble : "";
}

struct tls_keys *tls_keys_free(struct tls_keys *k)
{
	if (!k)
		return NULL;
	if (k->credentials)
		gnutls_certificate_free_credentials(k->credentials);
	if (k->priority)
		gnutls_priority_deinit(k->priority);
	free(k);
	return NULL;
}

static int read_keys(struct tls_keys *k, const struct tls_files *f, struct why *why)
{
	int r;

	if (gnutls_certificate_allocate_credentials(&k->credentials) ||
	    gnutls_priority_init(&k->priority, PRIORITY, NULL))
		return why_set(why, -ENOMEM, "GnuTLS");
	r = gnutls_certificate_set_x509_trust_file(k->credentials, f->ca, GNUTLS_X509_FMT_PEM);
	if (r <= 0)
		return why_set(why, -EINVAL, "%s: %s", f->ca,
			       r ? gnutls_strerror(r) : "has no certificate");
	r = gnutls_certificate_set_x509_key_file(k->credentials, f->certificate, f->key,
						 GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return why_set(why, -EINVAL, "%s, %s: %s", f->certificate, f->key,
			       gnutls_strerror(r));
	return 0;
}

int tls_keys_new(const struct tls_files *files, struct tls_keys **ret, struct why *why)
{
	struct tls_keys *k;
	int r;

	if (!files->ca || !files->certificate || !files->key)
		return why_set(why, -EINVAL,
			       "TLS: wanted are the authority's certificate, an own "
			       "one and its key");
	k = calloc(1, sizeof(*k));
	r = k ? read_keys(k, files, why) : -ENOMEM;
	if (r < 0) {
		tls_keys_free(k);
		return r;
	}
	*ret = k;
	return 0;
}
