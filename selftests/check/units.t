#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How exposed systemd finds the units, in tenths: no change makes it worse unseen.
# Documentation/reliability.rst has the figures.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
systemd-analyze security --help 2> /dev/null | grep -q -e --offline ||
	tap_skip_all "needs systemd-analyze security --offline (systemd 250)"
T=$(mktemp -d)
trap 'rm -r "$T"' EXIT

# exposed UNIT AT-MOST
exposed() {
	sed 's,@[A-Z]*@,/usr,' "$DCOS_SRC/agent/systemd/$1.in" > "$T/$1"
	ok "$1 is exposed by $2 tenths at most" \
		systemd-analyze security --no-pager --offline=true --threshold="$2" "$T/$1"
}

exposed dcos-agent.service 89
exposed dcos-allocator.service 12
exposed dcos-exporter.service 12
exposed dcos-tasks.service 26
exposed dcos-uplink.service 12
is "$(cd "$DCOS_SRC/agent/systemd" && ls ./*.service.in | wc -l)" 5 "these are all units"
tap_done
