#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The test run of a guest with systemd, as the unit dcos-vm-suites.service: the part of `make
# install` that needs a running system, then the suites, then the end of the guest.
export HOME=/root LANG=C.UTF-8 DCOS_SRC=/dcos/src

modprobe virtio_console
systemd-sysusers /usr/lib/sysusers.d/dcos.conf && systemctl daemon-reload
cd "$DCOS_SRC" && selftests/vm/guest/suites.sh /dcos/suites
# after the kernel's messages, which the serial port has already
journalctl -b -o short-monotonic --no-pager _TRANSPORT=syslog + _TRANSPORT=journal \
	+ _TRANSPORT=stdout > /dev/ttyS0
exec systemctl poweroff -ff
