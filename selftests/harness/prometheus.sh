#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# prometheus.sh: have prometheus and promtool, and print their directory. Where they are installed
# that is theirs; else Debian's package is downloaded once through this host's apt and unpacked
# into the cache of the VM layer, since installing it would start and enable a server. Exit status
# 3 and the reason on stderr where that can't be done.
set -euo pipefail
. "$(dirname "$0")/../vm/common.sh"

if command -v promtool > /dev/null && command -v prometheus > /dev/null; then
	dirname "$(command -v promtool)"
	exit
fi
cache=$(vm_cache) || exit
dir=$cache/prometheus
[ ! -x "$dir/usr/bin/promtool" ] || { echo "$dir/usr/bin"; exit; }
need_programs apt-get dpkg-deb flock
vm_lock prometheus
[ ! -x "$dir/usr/bin/promtool" ] || { echo "$dir/usr/bin"; exit; } # another run made it meanwhile

part=$dir.part
rm -rf "$part"
mkdir -p "$part/deb" "$part/tree"
echo "fetching prometheus" >&2
(cd "$part/deb" && apt-get -q -o APT::Sandbox::User= download prometheus > "$part/log" 2>&1 < /dev/null) ||
	unavailable "prometheus: not installed, and no download: $(tail -n 1 "$part/log")"
dpkg-deb -x "$part"/deb/*.deb "$part/tree"
rm -rf "$dir"
mv "$part/tree" "$dir"
rm -rf "$part"
echo "$dir/usr/bin"
