#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd-hook.sh CHROOT: run by mmdebstrap, inside its name spaces, when the installation is
# complete; sets it up as a guest of the VM layer and makes the image of it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
root=$1
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# not what is mounted inside
tar -C "$root" --one-file-system -c . | tar -C "$stage" -x

echo guest > "$stage/etc/hostname"
echo '127.0.0.1 localhost guest' > "$stage/etc/hosts"
# known from the start, or systemd takes every boot for the first and asks
echo 0123456789abcdef0123456789abcdef > "$stage/etc/machine-id"
rm -rf "$stage"/var/lib/apt/lists/* "$stage"/var/cache/apt/* "$stage"/etc/apt/sources.list*
ln -sf multi-user.target "$stage/usr/lib/systemd/system/default.target"
# nobody logs in, nothing is updated
for unit in getty.target systemd-logind.service apt-daily.timer apt-daily-upgrade.timer \
	dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service; do
	ln -sf /dev/null "$stage/etc/systemd/system/$unit"
done
(cd "$stage" && find . -mindepth 1 -xdev | sed 's/^\.//' | sort) > "$DCOS_HOOK_OUT/files.part"
make_ext4 "$stage" "$DCOS_HOOK_OUT/root.ext4" "$DCOS_HOOK_FREE_MB"
mv "$DCOS_HOOK_OUT/files.part" "$DCOS_HOOK_OUT/files"
