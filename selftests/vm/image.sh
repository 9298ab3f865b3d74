#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image.sh IMAGE SUITES: make the root file system of a guest from this host's own packages, the
# build and the sources: a second or two, nothing to download. SUITES, a file, becomes /dcos/suites.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# = 2 ] || { echo "usage: $0 IMAGE SUITES" >&2; exit 2; }
FREE_MB=512

# whose programs the guest has as they are; busybox has the rest of the usual ones
PACKAGES=(bash dash coreutils grep sed mawk findutils util-linux mount procps kmod iproute2 nftables bpftool
	ncurses-bin tar)
# copied whole where the host has them: what tests run under seccomp profiles
LANGUAGES=(perl-base 'python3-minimal' 'python3.*-minimal' 'libpython3.*-minimal' 'libpython3.*-stdlib')

need_programs mke2fs busybox ldd dpkg-query
stage=$1.stage
rm -rf "$stage"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{boot,dev,etc,home,media,mnt,opt,proc,root,run,srv,sys} \
	"$stage"/var/{cache,lib,log,tmp} "$stage"/usr/{bin,lib,lib/modules,lib64,local,sbin,share}
mkdir -p "$stage/dcos/build"
mkdir -m 1777 "$stage/tmp"
chmod 1777 "$stage/var/tmp"
for name in bin sbin lib lib64; do
	ln -s "usr/$name" "$stage/$name"
done

# --- programs -----------------------------------------------------------------------
# add FILE...: copy to the same path; through merged directories, links as links
add() {
	tar -C / -c -- "${@#/}" | tar -C "$stage" -x --keep-directory-symlink
}

mapfile -t programs < <(for package in "${PACKAGES[@]}"; do
	dpkg-query -L "$package" 2> /dev/null
done | grep -E '^(/usr)?/s?bin/[^/]+$')
add "${programs[@]}"
mapfile -t languages < <(dpkg-query -W -f '${Status} ${binary:Package}\n' "${LANGUAGES[@]}" 2> /dev/null |
	sed -n 's/^install ok installed //p')
for package in "${languages[@]}"; do
	mapfile -t files < <(dpkg-query -L "$package" | grep -vE '/(doc|man|locale)/' |
		while read -r file; do [ -d "$file" ] || echo "$file"; done)
	add "${files[@]}"
done
install -m 755 "$(command -v busybox)" "$stage/usr/bin/busybox"
for name in $(busybox --list); do
	[ -e "$stage/usr/bin/$name" ] || [ -L "$stage/usr/bin/$name" ] ||
		[ -e "$stage/usr/sbin/$name" ] || [ -L "$stage/usr/sbin/$name" ] ||
		ln -s busybox "$stage/usr/bin/$name"
done
# alternatives
[ -e "$stage/usr/bin/awk" ] || ln -sf mawk "$stage/usr/bin/awk"
[ -e "$stage/usr/bin/sh" ] || ln -sf dash "$stage/usr/bin/sh"

# --- what is tested -----------------------------------------------------------------
for dir in bin crash/bin selftests/root; do
	[ -d "$DCOS_BUILD/$dir" ] || continue
	mkdir -p "$stage/dcos/build/$dir"
	find "$DCOS_BUILD/$dir" -maxdepth 1 -type f -perm -u+x \
		-exec cp -t "$stage/dcos/build/$dir" {} +
done
mkdir "$stage/dcos/src"
(cd "$DCOS_SRC" && tar -c agent bpf cgroupfs isolators selftests tools) | tar -C "$stage/dcos/src" -x
cp "$2" "$stage/dcos/suites"

# --- what both load, and a system's files -------------------------------------------
mapfile -t binaries < <(find "$stage/usr/bin" "$stage/usr/sbin" "$stage/dcos/build" -type f -perm -u+x
	find "$stage/usr/lib" -type f -name '*.so*')
mapfile -t libraries < <(host_libraries "${binaries[@]}")
gcc_s=$(ldconfig -p | awk '$1 == "libgcc_s.so.1" && /x86-64/ { print $NF }') # for pthread_cancel
for library in "${libraries[@]}" $gcc_s; do
	install -D "$library" "$stage$library"
done
for tree in /usr/lib/locale/C.utf8 /lib/terminfo /usr/share/terminfo/d/dumb; do
	[ ! -e "$tree" ] || add "$tree"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'daemon:x:1:1::/:/bin/false' \
	'nobody:x:65534:65534::/:/bin/false' > "$stage/etc/passwd"
printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'tty:x:5:' 'nogroup:x:65534:' > "$stage/etc/group"
echo '127.0.0.1 localhost guest' > "$stage/etc/hosts"
cp /etc/os-release "$stage/etc/os-release"
make_ext4 "$stage" "$1" "$FREE_MB"
