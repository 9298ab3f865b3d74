#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Podman of Debian as a user without privileges, with dcosrun as its runtime. The user stands in a passwd that only the
# test's mount namespace sees, and has one id.
# Not in guests: podman and what it needs is not in their image.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v podman > /dev/null || tap_skip_all "no podman (package podman)"
USER_NR=70002
as_user() { setpriv --reuid $USER_NR --regid $USER_NR --clear-groups "$@"; }
as_user unshare --user true 2> /dev/null || tap_skip_all "this host lets no user make a user namespace"
if [ "${DCOS_PODMAN_INSIDE:-}" != 1 ]; then
	DCOS_PODMAN_INSIDE=1 exec unshare --mount --propagation private "$0"
fi
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup

T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
chmod 755 "$T"
cp "$DCOS_BUILD/bin/dcosrun" "$T/dcosrun" # which the user may not be able to reach otherwise
mkdir -m 700 "$T/home" "$T/run"
cat > "$T/containers.conf" <<-CONF
	[containers]
	pids_limit = 0
	default_ulimits = []
	[engine]
	events_logger = "file"
	runtime_supports_json = ["dcosrun"]
	runtime_supports_nocgroup = ["dcosrun"]
CONF
cat > "$T/storage.conf" <<-CONF
	[storage]
	driver = "vfs"
	runroot = "$T/runroot"
	graphroot = "$T/graph"
	[storage.options.vfs]
	ignore_chown_errors = "true"
CONF
{ cat /etc/passwd; echo "tester:x:$USER_NR:$USER_NR::$T/home:/bin/sh"; } > "$T/passwd"
mount --bind "$T/passwd" /etc/passwd
make_rootfs "$T/image"
chown -R $USER_NR:$USER_NR "$T"
cd "$T" || exit
pod() {
	as_user env -i PATH="$PATH" HOME="$T/home" XDG_RUNTIME_DIR="$T/run" CONTAINERS_CONF="$T/containers.conf" \
		CONTAINERS_STORAGE_CONF="$T/storage.conf" podman --log-level=fatal --runtime "$T/dcosrun" --cgroup-manager=cgroupfs "$@"
}
cleanup() {
	pod rm --all --force --time 0 > /dev/null 2>&1
	for pause in $(find "$T" -name pause.pid -exec cat {} \;); do kill "$pause"; done
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

tar -C "$T/image" -c . | pod import - tiny > "$T/out" 2>&1
tap $? "a user imports an image"
is "$(pod run --rm --network none --volume "$T/image/etc:/v:ro" tiny sh -c 'id -u; ls /v | head -n 1; exit 4' 2>&1 < /dev/null; echo $?)" "0
group
4" "and runs a container, which is root of the user's own"
is "$(pod run --rm --network none --cgroups=disabled tiny sh -c 'echo hello' 2>&1 < /dev/null; echo $?)" "hello
0" "also without cgroups"
pod run -d --name d1 --network none tiny sleep 1000 > "$T/out" 2>&1 < /dev/null
is "$(pod exec d1 sh -c 'cat /proc/1/comm; exit 5' 2>&1; echo $?)" "sleep
5" "exec"
ok "stop" pod stop --time 0 d1
is "$(pod inspect --format '{{.State.Status}}' d1)" "exited" "is seen"
ok "rm" pod rm d1

tap_done
