#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh PACKAGE PROGRAM...: have programs of a Debian package, and print their directory. Where they
# are installed that is theirs; else the package alone is downloaded once through this host's apt and
# unpacked into the cache of the VM layer: for those whose installation would start and enable a server.
# Exit status 3 and the reason on stderr where that can't be done.
set -euo pipefail
. "$(dirname "$0")/../vm/common.sh"

package=$1
shift
# have DIRECTORY: all programs are in it
have() {
	local program

	for program in "${programs[@]}"; do
		[ -x "$1/$program" ] || return
	done
}
programs=("$@")

installed=$(command -v "$1") && have "$(dirname "$installed")" && { dirname "$installed"; exit; }
cache=$(vm_cache) || exit
dir=$cache/$package
! have "$dir/usr/bin" || { echo "$dir/usr/bin"; exit; }
need_programs apt-get dpkg-deb flock
vm_lock "$package"
! have "$dir/usr/bin" || { echo "$dir/usr/bin"; exit; } # another run made it meanwhile

part=$dir.part
rm -rf "$part"
mkdir -p "$part/deb" "$part/tree"
echo "fetching $package" >&2
(cd "$part/deb" && apt-get -q -o APT::Sandbox::User= download "$package" > "$part/log" 2>&1 < /dev/null) ||
	unavailable "$package: not installed, and no download: $(tail -n 1 "$part/log")"
dpkg-deb -x "$part"/deb/*.deb "$part/tree"
rm -rf "$dir"
mv "$part/tree" "$dir"
rm -rf "$part"
echo "$dir/usr/bin"
