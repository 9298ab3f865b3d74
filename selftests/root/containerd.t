#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd of Debian with dcosrun behind its shim, driven by ctr: run, task exec, pause, ps, kill, rm, a terminal.
# In a mount namespace in which cgroup2 is where the shim looks for it; on a hybrid host nothing of v1 is touched.
# Not in guests: containerd is not in their image.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
if [ -z "${DCOS_CONTAINERD:-}" ]; then
	DCOS_CONTAINERD=$("$DCOS_SRC/selftests/harness/package.sh" containerd containerd ctr containerd-shim-runc-v2 2>&1) ||
		tap_skip_all "$DCOS_CONTAINERD"
	DCOS_CONTAINERD=${DCOS_CONTAINERD##*$'\n'}
	export DCOS_CONTAINERD
	exec unshare --mount --propagation private "$0"
fi
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
export PATH=$DCOS_CONTAINERD:$PATH

T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
chmod 755 "$T"
NS=dcos-test-$$
cat > "$T/config.toml" <<-CONF
	version = 2
	root = "$T/root"
	state = "$T/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
	[grpc]
	  address = "$T/sock"
	[ttrpc]
	  address = "$T/ttrpc"
CONF
c() { ctr -a "$T/sock" -n "$NS" "$@" < /dev/null 2>&1; }
run() { c run --runc-binary "$DCOS_BUILD/bin/dcosrun" --rootfs "$@"; }
cleanup() {
	c task kill -s KILL t2 > /dev/null
	[ -z "${DAEMON:-}" ] || { kill "$DAEMON"; wait "$DAEMON"; } 2> /dev/null
	find "/sys/fs/cgroup/$NS" -depth -type d -exec rmdir {} \; 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

make_rootfs "$T/img"
containerd -c "$T/config.toml" > "$T/log" 2>&1 < /dev/null &
DAEMON=$!
ok "containerd answers" until_ok 60 ctr -a "$T/sock" version
is "$(run --rm "$T/img" t1 sh -c 'echo hello; exit 3'; echo $?)" "hello
3" "run has the output and the exit status"
run -d "$T/img" t2 sleep 1000 > "$T/out"
is "$? $(cat "$T/out")" "0 " "run -d"
like "$(c task ls)" "t2 +[0-9]+ +RUNNING" "task ls"
is "$(c task exec --exec-id e1 t2 sh -c 'echo exec; exit 6'; echo $?)" "exec
6" "task exec"
c task pause t2 > /dev/null
like "$(c task ls)" "t2 +[0-9]+ +PAUSED" "task pause"
c task resume t2 > /dev/null
like "$(c task ls)" "t2 +[0-9]+ +RUNNING" "task resume"
like "$(c task ps t2)" "^PID .*[0-9]+ " "task ps"
like "$(c task metrics t2)" "pids.current" "task metrics"
c task kill -s KILL t2 > /dev/null
stopped() { c task ls | grep -q 't2 .*STOPPED'; }
ok "task kill" until_ok 20 stopped
c task rm t2 > "$T/out"
is "$(c container rm t2; c container ls -q)" "" "rm leaves nothing"
like "$(run --rm "$T/img" t3 /nothing; echo $?)" "exec /nothing: No such file.*1$" "a program that is not there is named"
like "$(script -qc "ctr -a '$T/sock' -n '$NS' run --rm -t --runc-binary '$DCOS_BUILD/bin/dcosrun' --rootfs '$T/img' t4 tty" /dev/null < /dev/null 2>&1)" "/dev/pts/0" "with a terminal"
tap_done
