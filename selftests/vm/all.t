#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# all.t: the whole VM layer as one stream, with as many guests at once as there are slots, the
# longest ones first. Units and their sandboxes hardly depend on the kernel: the oldest and the
# newest are enough for them here, systemd.t 6.12 is for people.
set -uo pipefail
. "$(dirname "$0")/common.sh"
. "$VM/relay.sh"
. "$VM/guest.sh"

vm_tmp
run_all "${KERNELS[@]/#/vm.t }" "systemd.t 6.1" "systemd.t new" "layer.t 6.12"
