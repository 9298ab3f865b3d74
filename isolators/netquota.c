// SPDX-License-Identifier: Apache-2.0
/*
 * Rates of what a container sends and receives, by programs of the meter (bpf/net_quota.h). What
 * nobody holds is a warning.
 */
#include <stdio.h>

#include "isolators/knobs.h"
#include "isolators/rows.h"

#define BITS_PER_BYTE 8
#define BURST_PER_S   100 /* of the rate, if nobody asked: what 10 ms carry */
#define BURST_MIN     (32ULL << 10) /* bytes, likewise */
#define NOT_LOADED    "the meter's network programs are not loaded"

static int netquota_probe(const struct iso_host *host, struct iso_probe *ret)
{
	ret->name = "netquota";
	ret->ok = host->netquota;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "eBPF: TCP paced, the rest policed");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), NOT_LOADED);
	return 0;
}

static uint64_t burst_of(uint64_t bytes_per_s, uint64_t asked)
{
	uint64_t burst = bytes_per_s / BURST_PER_S;

	if (asked != CT_UNSET)
		return asked;
	return burst < BURST_MIN ? BURST_MIN : burst;
}

static uint64_t rate_of(uint64_t bps)
{
	return bps == CT_UNSET ? 0 : bps / BITS_PER_BYTE;
}

static void netquota_warn(struct isolation *iso)
{
	const char *reason = iso->host->netquota ? "the container is not metered" : NOT_LOADED;

	if (iso->res.egress_bps != CT_UNSET)
		warn_unenforced(iso, "egress", reason);
	if (iso->res.ingress_bps != CT_UNSET)
		warn_unenforced(iso, "ingress", reason);
}

static int netquota_set(struct isolation *iso)
{
	const struct iso_netquota *q = iso->host->netquota;
	const struct ct_resources *res = &iso->res;
	struct iso_rates r = {
		.tx_bytes_per_s = rate_of(res->egress_bps),
		.rx_bytes_per_s = rate_of(res->ingress_bps),
	};
	int err;

	if (!q || !iso->metered) {
		netquota_warn(iso);
		return 0;
	}
	if (!r.tx_bytes_per_s && !r.rx_bytes_per_s) {
		q->drop(q->ctx, iso->slot, iso->cgroup_id);
		return 0;
	}
	r.tx_burst_bytes = burst_of(r.tx_bytes_per_s, res->egress_burst_bytes);
	r.rx_burst_bytes = burst_of(r.rx_bytes_per_s, res->ingress_burst_bytes);
	err = q->set(q->ctx, iso->slot, iso->cgroup_id, &r);
	return err ? iso_fail(iso, err, "resources.egress, ingress: the network quota") : 0;
}

static void netquota_cleanup(struct isolation *iso)
{
	if (iso->host->netquota && iso->metered)
		iso->host->netquota->drop(iso->host->netquota->ctx, iso->slot, iso->cgroup_id);
}

const struct isolator netquota_isolator = {
	.name = "netquota",
	.probe = netquota_probe,
	.prepare = netquota_set,
	.update = netquota_set,
	.recover = netquota_set,
	.cleanup = netquota_cleanup,
};
