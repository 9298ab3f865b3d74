# SPDX-License-Identifier: Apache-2.0
# What the scripts of the VM layer share; to be sourced by bash. Sets VM (this directory),
# DCOS_SRC and DCOS_BUILD (absolute).
VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${DCOS_SRC:=$(cd "$VM/../.." && pwd)}"
: "${DCOS_BUILD:=$DCOS_SRC/build}"
export DCOS_SRC DCOS_BUILD
# mke2fs, depmod and modprobe, also for those who came by su or without a login
PATH=$PATH:/usr/sbin:/sbin

VM_UNAVAILABLE=3 # exit status: something that is not ours is missing; the reason is on stderr
VM_GUESTS_MAX=2 # at once, over all runs on this host

fail() { echo "${0##*/}: $*" >&2; exit 1; }
unavailable() { echo "$*" >&2; exit $VM_UNAVAILABLE; }

need_programs() {
	local name missing=

	for name; do
		command -v "$name" > /dev/null || missing+=" $name"
	done
	[ -z "$missing" ] || unavailable "not installed:$missing (make deps)"
}

# vm_cache: print the directory, outside the tree, where downloads stay between runs
vm_cache() {
	local dir

	for dir in "${DCOS_VM_CACHE:-/var/cache/dcos-node-vm}" "${HOME:-/nonexistent}/.cache/dcos-node-vm"; do
		mkdir -p "$dir/locks" 2> /dev/null && [ -w "$dir/locks" ] || continue
		echo "$dir"
		return
	done
	unavailable "no place for a cache: set DCOS_VM_CACHE to a writable directory"
}

# vm_lock NAME: wait for and hold a lock of the cache until the shell that calls it ends
vm_lock() {
	local fd

	exec {fd}> "$(vm_cache)/locks/$1"
	flock "$fd"
}

# vm_slot: hold one of VM_GUESTS_MAX slots until the shell ends, as vm_lock does
vm_slot() {
	local cache fd i

	cache=$(vm_cache) || exit
	while :; do
		for ((i = 0; i < VM_GUESTS_MAX; i++)); do
			exec {fd}> "$cache/locks/guest-$i"
			# waiting on one, then on the next: whichever comes free
			flock -w 0.5 "$fd" && return
			exec {fd}>&-
		done
	done
}

# vm_tmp: make a directory T for this run, removed when the script ends. Those of scripts that
# were killed, which nothing could remove, go too.
vm_tmp() {
	local tmp=${TMPDIR:-/var/tmp} dir pid

	for dir in "$tmp"/dcos-vm.*.*; do
		pid=${dir%.*}
		pid=${pid##*.}
		[ ! -d "$dir" ] || [ -e "/proc/$pid" ] || rm -rf "$dir"
	done
	T=$(mktemp -d "$tmp/dcos-vm.$$.XXXXXX") || exit
	trap 'rm -rf "$T"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# debian_mirror: print the address of the archive that this host's apt uses for its own suite
debian_mirror() {
	local codename

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt-get indextargets --format '$(CREATED_BY) $(CODENAME) $(COMPONENT) $(REPO_URI)' |
		awk -v suite="$codename" '$1 == "Packages" && $2 == suite && $3 == "main" { url = $4 }
			END { print url }'
}

# the keys of the archive, of every suite that is supported
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# host_libraries FILE...: print the shared libraries that the dynamic ones of FILEs load
host_libraries() {
	ldd "$@" 2> /dev/null | sed -n -E 's/^\t(.* => )?(\/[^ ]+) \(0x.*/\2/p' | sort -u
}

# make_ext4 DIR IMAGE FREE_MB: an image of DIR with room to write
make_ext4() {
	local mb

	mb=$(($(du -s -m "$1" | cut -f1) * 11 / 10 + 8 + $3))
	rm -f "$2"
	mke2fs -q -F -t ext4 -m 0 -O ^has_journal -E root_owner=0:0,lazy_itable_init=1 \
		-d "$1" "$2" "${mb}m" > /dev/null
}
