#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kernels.sh 6.1|6.12|new: have that Debian kernel, ready to boot, and print its directory:
#	vmlinuz		the kernel
#	initrd		cpio of the modules that find the disks, and their order in modules/load
#	modules.ext4	all its modules, for autoloading in the guest
#	release		what uname -r will say
# Fetched once, from the mirror that this host's apt uses, through apt directories of its own: the
# host gets no new source and no new package. Packages are checked against Debian's keyring.
# To have newer ones, remove the directory that is printed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# = 1 ] || { echo "usage: $0 6.1|6.12|new" >&2; exit 2; }
case $1 in
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
new) suite=trixie-backports ;;
*) echo "$0: no kernel '$1': 6.1, 6.12 or new" >&2; exit 2 ;;
esac
LAYOUT=1 # of the directory: to be raised when what is made below changes
META=linux-image-cloud-amd64

# what the guest needs before its root file system is there
BOOT_MODULES=(virtio_pci virtio_blk ext4)

cache=$(vm_cache)
dir=$cache/kernel-$1-v$LAYOUT
[ -e "$dir/release" ] && { echo "$dir"; exit; }

need_programs apt-get apt-cache dpkg-deb xz zstd depmod modprobe mke2fs cpio flock
vm_lock "kernel-$1"
[ -e "$dir/release" ] && { echo "$dir"; exit; } # another run made it meanwhile

# --- download ---------------------------------------------------------------------
mirror=$(debian_mirror)
[ -n "$mirror" ] || unavailable "kernel $1: not cached, and apt knows no Debian mirror"
[ -r "$DEBIAN_KEYRING" ] || unavailable "kernel $1: debian-archive-keyring is not installed"

apt=$cache/apt-$suite # stays when interrupted: apt goes on where it was
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
echo "deb [arch=amd64 signed-by=$DEBIAN_KEYRING] $mirror $suite main" > "$apt/sources.list"
apt_options=(-qq
	-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
	-o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::status=/dev/null
	-o Dir::Cache="$apt" -o Dir::Cache::Archives="$apt/archives"
	-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=
	-o APT::Update::Post-Invoke= -o APT::Update::Post-Invoke-Success=
	-o Acquire::Retries=3 -o Acquire::Languages=none)

apt_private() {
	local program=$1
	shift
	"$program" "${apt_options[@]}" "$@" < /dev/null 2>> "$apt/log"
}

# apt's own words, in one line
apt_reason() { grep -m 1 '^[EW]:' "$apt/log" || tail -n 1 "$apt/log"; }

: > "$apt/log"
echo "fetching kernel $1 ($suite)" >&2
apt_private apt-get -o APT::Update::Error-Mode=any update >&2 ||
	unavailable "kernel $1: not cached, and no package list: $(apt_reason)"

# the meta package leads to the image and, since 6.17, to packages of its parts
mapfile -t packages < <(apt_private apt-cache depends --recurse --no-recommends --no-suggests \
	--no-conflicts --no-breaks --no-replaces --no-enhances "$META" |
	grep -E '^linux-(image|binary|modules|base)-[0-9].*-cloud-amd64$' | sort -u)
[ ${#packages[@]} -gt 0 ] || unavailable "kernel $1: $suite has no $META: $(apt_reason)"
(cd "$apt/archives" && apt_private apt-get download "${packages[@]}" >&2) ||
	unavailable "kernel $1: not cached, and no download: $(apt_reason)"

# --- unpack -----------------------------------------------------------------------
part=$dir.part
rm -rf "$part"
mkdir -p "$part/tree" "$part/early/modules"
for deb in "$apt"/archives/*.deb; do
	dpkg-deb -x "$deb" "$part/tree"
done
tree=$part/tree
# below boot/, since 6.17 among the modules, which moved from lib/ to usr/lib/ before that
mv "$(find "$tree" -name 'vmlinuz*' -type f)" "$part/vmlinuz"
modules=$(find "$tree" -path '*/lib/modules/*' -prune)
release=${modules##*/}

# plain files, so that whatever insmod a guest has can load them
find "$modules" -name '*.ko.xz' -exec xz -d -q {} +
find "$modules" -name '*.ko.zst' -exec zstd -d -q --rm {} +
mkdir -p "$tree/all/lib/modules"
mv "$modules" "$tree/all/lib/modules/$release"
depmod -b "$tree/all" "$release"

# in the order of loading: "insmod PATH [OPTION...]", or "builtin NAME"
modprobe -d "$tree/all" -S "$release" --show-depends -a "${BOOT_MODULES[@]}" |
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
	cp "$module" "$part/early/modules/"
	echo "${module##*/}" >> "$part/early/modules/load"
done
touch "$part/early/modules/load"
(cd "$part/early" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) > "$part/initrd"
make_ext4 "$tree/all/lib/modules" "$part/modules.ext4" 1

rm -rf "$tree" "$part/early"
echo "$release" > "$part/release"
rm -rf "$dir"
mv "$part" "$dir"
rm -rf "$apt"
echo "$dir"
