# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of dcosrun, as root, after tap.sh and agent.sh: a bundle in a directory of the test's own, into
# which it changes, and what runs it. All that is made is taken away at the end.
T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
chmod 755 "$T"
MOUNT=$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)
GROUP=dcos-test-$$
rt() { "$DCOS_BUILD/bin/dcosrun" --root "$T/run" "$@"; }
cleanup() {
	for dir in "$T"/run/*/; do
		[ ! -d "$dir" ] || rt delete --force "$(basename "$dir")" 2> /dev/null
	done
	[ ! -d "$MOUNT/$GROUP" ] || find "$MOUNT/$GROUP" -depth -type d -exec rmdir {} \;
	umount "$T"/ns/* "$T"/ns/* 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
make_rootfs "$T/b/rootfs"
cd "$T/b" || exit

NO_CAPS='{}'
OWN='{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}, {"type": "cgroup"}, {"type": "network"}'
# config COMMAND: a bundle that runs it in a shell; what differs stands in these, each JSON with a comma at its end
config() {
	cat > config.json <<-JSON
		{"ociVersion": "${VERSION-1.0.2}", ${TOP-} "x-unknown": [1],
		 "root": {"path": "rootfs", "readonly": ${READONLY-false}},
		 "process": {${PROCESS-} "user": {"uid": ${USER_ID-0}, "gid": 0${USER_MORE-}}, "cwd": "${CWD-/}",
		  "args": ["sh", "-c", "$1"], "env": ["PATH=/bin", "A=b c"],
		  "capabilities": ${CAPS-$NO_CAPS}},
		 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
		  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
		  {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
		   "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}${MOUNTS-}],
		 "linux": {${LINUX-} "cgroupsPath": "/$GROUP/${CG-c}",
		  "namespaces": [${NAMESPACES-$OWN}]}}
	JSON
}
# inside COMMAND: what it prints in a container of its own, and its exit status
inside() {
	config "$1"
	rt run r1 < /dev/null 2>&1
	echo "status $?"
}
