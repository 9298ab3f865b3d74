#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed allocator under a real systemd: its unit's user, group and sandbox, and a task that
# it starts through the agent. Runs in a guest of its own; never on a host.
: "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ -d /run/systemd/system ] || tap_skip_all "systemd does not run here"

export DCOS_SOCKET=/run/dcos/agent.sock
dcosctl() { command dcosctl "$@"; }
call() { # METHOD PATH [BODY]: the reply, headers too
	exec 8<> /dev/tcp/127.0.0.1/8080 || return
	printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
		"$1" "$2" "${#3}" "${3-}" >&8
	timeout 20 cat <&8
	exec 8>&-
}
replies() { call GET "$1" | grep -qE "$2"; }
pid() { systemctl show -p MainPID --value dcos-allocator; }
status() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(pid)/status"; }
runs() { dcosctl ps | grep -qE '^app\.unit\..*RUNNING'; }

ok "systemctl start dcos-agent" systemctl start dcos-agent
ok "systemctl enable --now dcos-allocator" systemctl enable --now dcos-allocator
ok "it finds the agent" until_ok 60 replies /v2/nodes '"state":"active"'
is "$(status CapEff) $(status NoNewPrivs) $(status Seccomp)" "0000000000000000 1 2" \
	"no capability, no new privileges, a filter"
ok "a user of its own" test "$(stat -c %u "/proc/$(pid)")" -ge 61184
is "$(stat -c %G "/proc/$(pid)")" dcos "the group that may manage"
like "$(call POST /v2/apps '{"id": "unit", "cmd": "exec sleep 1000", "cpus": 0.1, "mem": 16}')" \
	'201 Created' "an app is accepted"
ok "its task runs" until_ok 60 runs
old=$(pid)
kill -KILL "$old"
is_new() { [ "$(pid)" != 0 ] && [ "$(pid)" != "$old" ] && replies /v2/apps/unit '"tasksRunning":1'; }
ok "after SIGKILL systemd starts it again, and it knows the task" until_ok 60 is_new
call DELETE /v2/apps/unit > /dev/null
gone() { replies /v2/apps '"apps":\[\]'; }
ok "the app is removed" until_ok 60 gone
ok "systemctl stop dcos-allocator" systemctl stop dcos-allocator
is "$(systemctl show -p Result --value dcos-allocator)" success "ends cleanly"
systemctl stop dcos-agent dcos-tasks # the next suite wants a machine without one
[ "$tap_failed" = 0 ] || diag "$(journalctl -b -u dcos-agent -u dcos-allocator --no-pager | tail -40)"
tap_done
