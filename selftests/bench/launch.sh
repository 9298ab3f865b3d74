#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Create, start, wait and delete of `true`: dcosrun beside the runtimes that are installed (crun, runc), the same
# bundle, fresh namespaces of all kinds, a filter of the profile "default" or none. In a mount namespace with
# cgroup2 alone, so that on a hybrid host nobody touches v1. What is remembered of containers is on a
# tmpfs, as it is in /run: ext4 takes milliseconds for an inode where others were given back within the last
# five seconds, which no peer is to be blamed for. No test: nothing fails. launch.sh [ROUNDS]
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"
if [ "${DCOS_LAUNCH_INSIDE:-}" != 1 ]; then
	DCOS_LAUNCH_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
trap 'umount --lazy "$T/run"; find /sys/fs/cgroup/dcos-bench-$$ -depth -type d -exec rmdir {} \; 2> /dev/null; rm -rf "$T"' EXIT
mkdir "$T/run"
mount -t tmpfs run "$T/run"

# bundle NAME SECCOMP
bundle() {
	mkdir -p "$T/$1"
	make_rootfs "$T/$1/rootfs"
	cat > "$T/$1/config.json" <<-JSON
		{"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": true},
		 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["true"], "env": ["PATH=/bin"],
		  "noNewPrivileges": true, "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"],
		   "effective": ["CAP_KILL"]}},
		 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
		  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
		  {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
		   "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
		  {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "nodev", "mode=1777"]},
		  {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}],
		 "linux": {"cgroupsPath": "/dcos-bench-$$/c", $2
		  "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
		  "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
		  "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"},
		   {"type": "cgroup"}, {"type": "network"}]}}
	JSON
}
compare() { # BUNDLE TITLE
	local args=(-- dcosrun "$DCOS_BUILD/bin/dcosrun" --root "$T/run/dcosrun" run --bundle "$T/$1" c)
	local peer

	for peer in crun runc; do
		command -v $peer > /dev/null || continue
		args+=(-- "$peer" $peer --root "$T/run/$peer" run --bundle "$T/$1" c)
	done
	echo "$2"
	"$DCOS_BUILD/selftests/bench/launch" "$rounds" "$T/$1/rootfs" "${args[@]}" < /dev/null
}

rounds=${1:-100}
bundle plain ""
bundle filtered "\"seccomp\": $(tr -d '\n' < "$DCOS_SRC/isolators/profiles/default.json"),"
compare plain "run of true, no filter, $rounds rounds"
compare filtered "run of true, with the profile default, $rounds rounds"
