#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# suites.sh LIST: run the suites of a guest one after the other. LIST has a line per suite:
# seconds that it may take, and its path. To the port dcos.tap goes all that they print, framed:
#	@suite NAME SECONDS
#	... (its TAP)
#	@end NAME STATUS SECONDS
# and to the port dcos.status, when all is done, the number of those that failed. A reader that
# finds no number knows that the guest died.

# port NAME: print the device of a virtio port
port() {
	local dir

	for dir in /sys/class/virtio-ports/*; do
		[ "$(< "$dir/name")" = "$1" ] && echo "/dev/${dir##*/}"
	done
}

tap=$(port dcos.tap)
status=$(port dcos.status)
[ -n "$tap" ] && [ -n "$status" ] || { echo "<2>suites: no ports" > /dev/kmsg; exit 1; }
exec > "$tap" 2>&1 < /dev/null

failed=0
while read -r seconds path; do
	name=${path##*/}
	name=${name%.t}
	echo "@suite $name $seconds"
	echo "<5>suite $name" > /dev/kmsg
	begin=$SECONDS
	timeout -k 5 "$seconds" "$path" < /dev/null
	rc=$?
	[ "$rc" = 0 ] || failed=$((failed + 1))
	echo # a line that was cut off must not hide the next
	echo "@end $name $rc $((SECONDS - begin))"
done < "$1"
echo "$failed" > "$status"
