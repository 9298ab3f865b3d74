#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed exporter under a real systemd: its unit's user, group and sandbox. Runs in a guest
# of its own; never on a host (it starts the system's own units).
: "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ -d /run/systemd/system ] || tap_skip_all "systemd does not run here"

export DCOS_SOCKET=/run/dcos/agent.sock
PORT=9924
dcosctl() { command dcosctl "$@"; }
answers() { dcosctl info; }
get() { # PATH: the reply, headers too
	exec 8<> "/dev/tcp/127.0.0.1/$PORT" || return
	printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&8
	timeout 20 cat <&8
	exec 8>&-
}
has() { get /metrics | grep -qE "$1"; }
pid() { systemctl show -p MainPID --value dcos-exporter; }
status() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(pid)/status"; }

ok "systemctl enable --now dcos-exporter, without an agent" systemctl enable --now dcos-exporter
ok "it says that there is none" until_ok 30 has '^dcos_agent_up 0$'
ok "systemctl start dcos-agent" systemctl start dcos-agent
until_ok 60 answers
ok "it finds the agent by itself" until_ok 60 has '^dcos_agent_up 1$'
dcosctl run --id metered -- sleep 1000 > /dev/null 2>&1
ok "and has the metrics of a task" until_ok 30 has 'container_cpu_usage_seconds_total\{id="/system.slice/dcos-tasks.service/tasks/metered".* [0-9.]+'
is "$(status CapEff) $(status NoNewPrivs) $(status Seccomp)" "0000000000000000 1 2" \
	"no capability, no new privileges, a filter"
ok "a user of its own" test "$(stat -c %u "/proc/$(pid)")" -ge 61184
is "$(stat -c %G "/proc/$(pid)")" dcos-read "a group that may read"
like "$(systemd-analyze security --no-pager dcos-exporter | tail -1)" ': [01]\.[0-9] OK' \
	"systemd finds little to complain about"

mkdir -p /etc/dcos/agent.conf.d
printf '[agent]\nread_access = group\n' > /etc/dcos/agent.conf.d/50-read.conf
systemctl restart dcos-agent
until_ok 60 answers
ok "it reads also where read_access is group" until_ok 60 has '^dcos_agent_up 1$'
like "$(setpriv --reuid 65534 --regid 65534 --clear-groups dcosctl ps 2>&1)" 'ermission denied' \
	"which others may not"

mkdir -p /etc/dcos
echo 'OPTIONS=--listen 127.0.0.1:9925 --exclude container_*' > /etc/dcos/exporter
systemctl restart dcos-exporter
PORT=9925
ok "options are read from /etc/dcos/exporter" until_ok 30 has '^dcos_agent_up 1$'
is "$(get /metrics | grep -c '^container_')" 0 "all of them"
old=$(pid)
kill -KILL "$old"
is_new() { [ "$(pid)" != 0 ] && [ "$(pid)" != "$old" ] && has '^dcos_agent_up 1$'; }
ok "after SIGKILL systemd starts it again" until_ok 60 is_new
ok "systemctl stop dcos-exporter" systemctl stop dcos-exporter
is "$(systemctl show -p Result --value dcos-exporter)" success "ends cleanly"
rm -r /etc/dcos/agent.conf.d/50-read.conf /etc/dcos/exporter
dcosctl kill --grace 0 metered > /dev/null 2>&1
[ "$tap_failed" = 0 ] || diag "$(journalctl -b -u dcos-agent -u dcos-exporter --no-pager | tail -40)"
tap_done
