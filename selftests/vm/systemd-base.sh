#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd-base.sh: have a small installation of this host's own Debian suite with systemd, and
# print its directory:
#	root.ext4	the root file system
#	files		paths in it, one per line: /usr/bin/env
# Made once by mmdebstrap from the mirror that this host's apt uses, then cached; guests write to
# copies of it. To have a newer one, remove the directory that is printed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# beside what systemd needs: what operators have, and busybox for root file systems of tasks
PACKAGES=systemd-sysv,dbus,kmod,procps,util-linux,mount,iproute2,busybox-static
FREE_MB=512

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
cache=$(vm_cache)
# another script makes another one
dir=$cache/systemd-$suite-$(cat "$0" "$VM/systemd-hook.sh" | sha256sum | cut -c 1-12)
[ -e "$dir/files" ] && { echo "$dir"; exit; }

need_programs mmdebstrap mke2fs apt-get
vm_lock "systemd-$suite"
[ -e "$dir/files" ] && { echo "$dir"; exit; } # another run made it meanwhile
mirror=$(debian_mirror)
[ -n "$mirror" ] || unavailable "systemd image: not cached, and apt knows no Debian mirror"
[ -r "$DEBIAN_KEYRING" ] || unavailable "systemd image: debian-archive-keyring is not installed"

# how the host reaches its mirror (proxies, checks of dates) is said in its apt.conf
options=()
while read -r option; do
	options+=("--aptopt=$option")
done < <(apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(https?::|Check-|Retries)')

echo "making a root file system with systemd ($suite)" >&2
rm -rf "$dir.part"
mkdir "$dir.part"
export DCOS_HOOK_OUT=$dir.part DCOS_HOOK_FREE_MB=$FREE_MB
mmdebstrap --quiet --variant=essential --include="$PACKAGES" --format=null \
	--keyring="$DEBIAN_KEYRING" "${options[@]}" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook="$VM/systemd-hook.sh \"\$1\"" \
	"$suite" /dev/null "$mirror" < /dev/null > "$dir.part/log" 2>&1 ||
	unavailable "systemd image: $(grep -m 1 '^[EW]:' "$dir.part/log" || tail -n 1 "$dir.part/log")"
rm -rf "$dir" "$dir.part/log"
mv "$dir.part" "$dir"
echo "$dir"
