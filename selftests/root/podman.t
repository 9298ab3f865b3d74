#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Podman of Debian with dcosrun as its runtime: an image is imported, containers run, are looked into and end.
# In a mount namespace in which cgroup2 is where podman looks for it; on a hybrid host nothing of v1 is touched.
# Not in guests: podman and what it needs is not in their image.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v podman > /dev/null || tap_skip_all "no podman (package podman)"
if [ "${DCOS_PODMAN_INSIDE:-}" != 1 ]; then
	DCOS_PODMAN_INSIDE=1 exec unshare --mount --propagation private "$0"
fi
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup

T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
chmod 755 "$T"
cat > "$T/containers.conf" <<-CONF
	[containers]
	pids_limit = 0
	default_ulimits = []
	cgroupns = "private"
	[engine]
	events_logger = "file"
CONF
printf '[storage]\ndriver = "vfs"\nrunroot = "%s/runroot"\ngraphroot = "%s/graph"\n' "$T" "$T" > "$T/storage.conf"
export CONTAINERS_CONF=$T/containers.conf CONTAINERS_STORAGE_CONF=$T/storage.conf
pod() { podman --log-level=error --runtime "$DCOS_BUILD/bin/dcosrun" --cgroup-manager=cgroupfs --tmpdir "$T/tmp" "$@"; }
run() { pod run --rm --network none "$@" < /dev/null 2>&1; }
cleanup() {
	pod rm --all --force --time 0 > /dev/null 2>&1
	find /sys/fs/cgroup/libpod_parent -depth -type d -exec rmdir {} \; 2> /dev/null
	umount --all-targets --recursive "$T/graph" 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

make_rootfs "$T/image"
printf '#!/bin/sh\nexec sleep 1000\n' > "$T/image/pause"
chmod +x "$T/image/pause"
tar -C "$T/image" -c . | pod import - tiny > "$T/out" 2>&1
tap $? "an image is imported"
is "$(run tiny sh -c 'echo hello; exit 4'; echo $?)" "hello
4" "run has the output and the exit status"
is "$(run --user 1000:5 --workdir /tmp --env X=y --hostname box --read-only --tmpfs /run --volume "$T/image/etc:/v:ro" tiny sh -c 'id -u; id -g; pwd; echo $X; hostname; ls /v; touch /x 2> /dev/null || echo read-only; grep -c " /run tmpfs" /proc/mounts' | tr '\n' ' ')" "1000 5 /tmp y box group passwd read-only 1 " "user, directory, environment, names, volumes and a read-only root are as asked"
like "$(run tiny grep -E '^(Seccomp|NoNewPrivs|CapBnd):' /proc/self/status | tr '\n\t' '  ')" "CapBnd: 0000[0-9a-f]+ NoNewPrivs: 0 Seccomp: 2" "under podman's own filter, without no_new_privs"
like "$(run tiny nothing-like-this; echo $?)" "No such file.*127$" "a program that is not there is status 127"
like "$(script -qc "podman --log-level=error --runtime '$DCOS_BUILD/bin/dcosrun' --cgroup-manager=cgroupfs --tmpdir '$T/tmp' run --rm -t --network none tiny tty" /dev/null < /dev/null)" "/dev/pts/0" "with a terminal"
pod run -d --name d1 --network none --health-cmd 'test -e /tmp' tiny sh -c 'trap "echo ended; exit 7" TERM; echo in the log; while :; do sleep 0.1; done' > "$T/out" 2>&1 < /dev/null
until_ok 10 sh -c "podman --tmpdir '$T/tmp' logs d1 2>&1 | grep -q 'in the log'"
is "$(pod logs d1)" "in the log" "run -d, logs"
is "$(pod exec d1 sh -c 'echo from exec; exit 5' 2>&1; echo $?)" "from exec
5" "exec has the output and the exit status"
like "$(pod top d1 pid args)" "1 +sh -c trap" "top"
pod healthcheck run d1 > /dev/null 2>&1
is $? 0 "a health check"
pod pause d1 > /dev/null
is "$(pod inspect --format '{{.State.Status}}' d1)" "paused" "pause"
pod unpause d1 > /dev/null
is "$(pod inspect --format '{{.State.Status}}' d1)" "running" "unpause"
like "$(pod stats --no-stream --format '{{.Name}} {{.CPUPerc}}' d1)" "^d1 [0-9.]+%" "stats"
pod stop --time 10 d1 > /dev/null
is "$(pod inspect --format '{{.State.ExitCode}} {{.State.Status}}' d1)" "7 exited" "stop sends a signal that the program answers"
is "$(pod start --attach d1 > /dev/null 2>&1 & until_ok 10 sh -c "podman --tmpdir '$T/tmp' inspect --format '{{.State.Status}}' d1 | grep -q running"; pod kill d1 > /dev/null; pod wait d1)" "137" "start again, kill, wait"
pod rm d1 > /dev/null
is "$(pod ps --all --quiet)$(ls /run/dcosrun 2> /dev/null)" "" "rm leaves nothing"
pod pod create --name p1 --network none --infra-command /pause --infra-image localhost/tiny > /dev/null 2> "$T/out"
is "$(pod run --rm --pod p1 tiny sh -c 'echo in a pod; readlink /proc/self/ns/ipc' 2>&1 < /dev/null)" "in a pod
$(pod ps --pod --no-trunc --format '{{.ID}}' | while read -r id; do readlink "/proc/$(pod inspect --format '{{.State.Pid}}' "$id")/ns/ipc"; done)" "a pod, whose containers share namespaces"
pod pod rm --force --time 0 p1 > /dev/null 2>&1
tap_done
