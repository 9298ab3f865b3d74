#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# all.t: the whole VM layer as one stream, with as many guests at once as there are slots, the
# longest ones first.
set -uo pipefail
. "$(dirname "$0")/common.sh"
. "$VM/relay.sh"
. "$VM/guest.sh"

vm_tmp
run_all "${KERNELS[@]/#/vm.t }" "${KERNELS[@]/#/systemd.t }" "layer.t 6.12"
