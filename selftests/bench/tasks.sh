#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tasks of an agent: how long one takes to run, and many to start and to end. No test: nothing
# fails. tasks.sh [RUNS [MANY]]. TMPDIR: where the agent's state and layers are. Needs root, DCOS_BUILD,
# DCOS_SRC.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"

agent_paths
make_rootfs "$T/img"
agent_start || exit 1
echo "state and layers on $(stat -f -c %T "$T")"
"$DCOS_BUILD/selftests/bench/tasks" "$DCOS_SOCKET" "$T/img" "${1:-100}" "${2:-1000}"
