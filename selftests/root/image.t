#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Images: made here by tar, sha256sum and a few lines of JSON, imported, run, removed; and archives
# that nobody should unpack.
# Not in guests: files of the host, which are the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

agent_paths
S=$T/store
image() { dcosctl image --store "$S" "$@"; }
sha() { sha256sum "$1" | cut -d' ' -f1; }
size() { stat -c %s "$1"; }

# put LAYOUT FILE: a blob of it; prints its descriptor without the brackets
put() {
	local hex
	hex=$(sha "$2")
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$hex"
	echo "\"digest\":\"sha256:$hex\",\"size\":$(size "$2")"
}

# layout DIR NAME CONFIG TAR...: an image of these layers, compressed
layout() {
	local dir=$1 name=$2 config=$3 layers="" diffs="" t
	shift 3
	rm -rf "$dir"
	mkdir -p "$dir"
	for t; do
		diffs+="${diffs:+,}\"sha256:$(sha "$t")\""
		gzip -nc "$t" > "$T/layer.gz"
		layers+="${layers:+,}{$(put "$dir" "$T/layer.gz"),\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"}"
	done
	echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":$config,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[$diffs]}}" > "$T/config.json"
	echo "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{$(put "$dir" "$T/config.json"),\"mediaType\":\"application/vnd.oci.image.config.v1+json\"},\"layers\":[$layers]}" > "$T/manifest.json"
	echo "{\"schemaVersion\":2,\"manifests\":[{$(put "$dir" "$T/manifest.json"),\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"annotations\":{\"org.opencontainers.image.ref.name\":\"$name\"}}]}" > "$dir/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' > "$dir/oci-layout"
}

# --- two layers: the second hides, replaces and adds -----------------------------------------
make_rootfs "$T/one"
mkdir -p "$T/one/etc" "$T/one/old" "$T/one/gone" "$T/two/old" "$T/two/data"
echo 'app:x:7:8::/:/bin/sh' > "$T/one/etc/passwd"
echo 1 > "$T/one/old/a"
echo 1 > "$T/one/gone/b"
echo 1 > "$T/one/c"
ln "$T/one/c" "$T/one/hard"
ln -s nowhere "$T/one/link"
truncate -s 64M "$T/one/sparse"
echo 2 > "$T/two/old/new"
: > "$T/two/old/.wh..wh..opq"
: > "$T/two/.wh.gone"
echo 2 > "$T/two/link"
setfattr -n user.note -v kept "$T/two/link" 2> /dev/null
tar -C "$T/one" --numeric-owner -Scf "$T/one.tar" .
tar -C "$T/two" --numeric-owner --xattrs -cf "$T/two.tar" .
layout "$T/oci" tiny '{"Entrypoint":["/bin/sh","-c"],"Cmd":["echo $FROM; id -u; pwd; cat /old/* /link; ls /gone"],"Env":["PATH=/bin","FROM=image"],"User":"app","WorkingDir":"/old","StopSignal":"SIGUSR1","Volumes":{"/data":{}}}' "$T/one.tar" "$T/two.tar"

image import "$T/oci" > "$T/out" 2> "$T/err"
is "$?" 0 "an OCI layout is imported"
diag "$(cat "$T/err")"
digest=$(sed 's/.*sha256://' "$T/out")
root=$S/images/$digest/rootfs
is "$(sed 's/ .*//' "$T/out")" tiny:latest "and has its own name"
is "$(image ls | awk 'NR == 2 { print $1, $3 }')" "tiny:latest 2" "it is listed with its layers"
ok "it is shown" grep -q '"WorkingDir":"/old"' <(image inspect tiny)
is "$(ls "$root/old") $(ls -d "$root/gone" 2> /dev/null)" "new " "whiteouts hide what lower layers have, opaque ones all of it"
is "$(stat -c %h "$root/c")" 2 "hard links are links"
is "$(stat -c %F "$root/link")" "regular file" "a file replaces a link"
ok "holes stay holes" [ "$(stat -c %b "$root/sparse")" -lt 1000 ]
if [ -n "$(getfattr -n user.note "$T/two/link" 2> /dev/null)" ]; then
	ok "extended attributes of users stay" getfattr -n user.note "$root/link"
else
	skip "extended attributes of users stay" "no setfattr, or none here"
fi
image import --name again "$T/oci" > /dev/null
is "$(find "$S/images" -mindepth 1 -maxdepth 1 | wc -l)" 1 "the same content is there once"
tar -C "$T/oci" -cf "$T/oci.tar" .
image import --name tarred:1 "$T/oci.tar" > /dev/null 2> "$T/err"
is "$?" 0 "a tar archive of a layout is imported"
diag "$(cat "$T/err")"

# --- what is refused, with the name of what is wrong --------------------------------------------
# refused SENTENCE NAME: importing $T/bad fails so, and leaves nothing behind
refused() {
	local before
	before=$(cd "$S" && find images refs | sort)
	image import --name bad "$T/bad" > /dev/null 2> "$T/err"
	ok "$2 is refused by name" grep -q "$1" "$T/err"
	diag "$(cat "$T/err")"
	[ "$before" = "$(cd "$S" && find images refs | sort)" ] || ok "and leaves nothing" false
}
echo x > "$T/x"
ln -s /etc "$T/way"
tar -P -C "$T" --transform 's,^x,../x,' -cf "$T/b.tar" x
layout "$T/bad" bad '{}' "$T/b.tar"
refused 'entry "../x" is refused: its path has' "a path out of the image"
tar -P -cf "$T/b.tar" "$T/x"
layout "$T/bad" bad '{}' "$T/b.tar"
refused "entry \"$T/x\" is refused: its path is absolute" "an absolute path"
tar -P -C "$T" -cf "$T/b.tar" way
tar -P -C "$T" --transform 's,^x,way/x,' -rf "$T/b.tar" x
layout "$T/bad" bad '{}' "$T/b.tar"
refused 'entry "way/x" is refused: its path leads through a symbolic link' "a file behind a link"
mkdir "$T/h"
echo x > "$T/h/x"
ln "$T/h/x" "$T/h/y"
tar -P -C "$T/h" --transform 'flags=h;s,^x,../../etc/shadow,' -cf "$T/b.tar" x y
layout "$T/bad" bad '{}' "$T/b.tar"
refused 'entry "y" is refused: it is a hard link' "a hard link out of the image"
mknod "$T/h/dev" c 1 3
tar -C "$T/h" -cf "$T/b.tar" dev
layout "$T/bad" bad '{}' "$T/b.tar"
refused 'entry "dev" is refused: it is a device' "a device"
layout "$T/bad" bad '{}' "$T/one.tar"
blob=$(ls -S "$T/bad/blobs/sha256" | head -1)
printf X | dd of="$T/bad/blobs/sha256/$blob" bs=1 seek=99 conv=notrunc 2> /dev/null
image rm again && image rm tarred:1 && image rm tiny && image gc --force > /dev/null
is "$(find "$S/images" "$S/blobs/sha256" "$S/refs" | wc -l)" 3 "what no name leads to is removed"
refused "blob sha256:$blob: its content has the digest" "a blob that was changed"
truncate -s 1000 "$T/bad/blobs/sha256/$blob"
refused "blob sha256:$blob: has less than" "a blob that was cut"
echo '{"manifests": 7}' > "$T/bad/index.json"
refused 'index.json: has no image' "an index without images"
echo '{' > "$T/bad/index.json"
refused 'index.json: is no JSON object' "an index that is no JSON"
head -c 5000 "$T/one.tar" > "$T/b.tar"
layout "$T/bad" bad '{}' "$T/b.tar"
refused 'is no whole tar archive' "a layer that was cut"

# --- from elsewhere, by skopeo --------------------------------------------------------------------
if command -v skopeo > /dev/null; then
	skopeo --insecure-policy copy -q "oci:$T/oci:tiny" "docker-archive:$T/docker.tar:tiny:1"
	image import --name saved "$T/docker.tar" > /dev/null 2> "$T/err"
	is "$?" 0 "an archive as docker save writes it is imported"
	diag "$(cat "$T/err")"

	# a skopeo that waits to be let go, so that the second pull certainly comes meanwhile
	mkdir "$T/path"
	mkfifo "$T/go"
	cat > "$T/path/skopeo" <<-WRAP
		#!/bin/sh
		echo run >> "$T/runs"
		read -r word < "$T/go"
		PATH=$PATH exec skopeo --insecure-policy "\$@"
	WRAP
	chmod 755 "$T/path/skopeo"
	pull() { PATH=$T/path:$PATH exec "$DCOS_BUILD/bin/dcosctl" image --store "$S" pull --name pulled "oci://$T/oci:tiny"; }
	waiters() { grep -c -- "-> FLOCK .*:$(stat -c %i "$S/pulls/.pulled=latest") " /proc/locks; }
	(pull) > "$T/first" 2>&1 &
	first=$!
	until_ok 20 [ -s "$T/runs" ]
	(pull) > "$T/second" 2>&1 &
	second=$!
	until_ok 20 waiters
	ok "a pull that hangs does not hold up the store" image ls
	echo go 1<> "$T/go"
	wait "$first"
	is "$?" 0 "a pull brings an image"
	wait "$second"
	is "$? $(wc -l < "$T/runs") $(cat "$T/second")" "0 1 $(cat "$T/first")" "two pulls of one image are one"
	image rm pulled && image rm saved
else
	skip "an archive as docker save writes it is imported" "skopeo is not installed"
fi

if command -v docker-registry skopeo > /dev/null && command -v ip > /dev/null; then
	mkdir -p "$T/home/.config/containers"
	cat > "$T/registry.yml" <<-CONF
		version: 0.1
		storage: {filesystem: {rootdirectory: $T/registry}}
		http: {addr: "127.0.0.1:5000"}
	CONF
	printf '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n' > "$T/home/.config/containers/registries.conf"
	# in a network of its own, where the port is free
	export -f image dcosctl until_ok
	S=$S T=$T unshare -n bash -c '
		ip link set lo up
		docker-registry serve "$T/registry.yml" > "$T/registry.log" 2>&1 &
		registry=$!
		until_ok 20 bash -c ": < /dev/tcp/127.0.0.1/5000"
		export HOME=$T/home
		skopeo --insecure-policy copy -q "oci:$T/oci:tiny" docker://127.0.0.1:5000/some/tiny:7 &&
			image pull 127.0.0.1:5000/some/tiny:7
		rc=$?
		kill "$registry"
		exit "$rc"
	' > "$T/out" 2> "$T/err"
	is "$? $(cut -d' ' -f1 "$T/out")" "0 127.0.0.1:5000/some/tiny:7" "an image comes from a registry"
	diag "$(cat "$T/err")"
	image rm 127.0.0.1:5000/some/tiny:7
else
	skip "an image comes from a registry" "no docker-registry, or no skopeo or ip"
fi
image gc --force > /dev/null
is "$(find "$S"/pulls/[!.]* "$S"/images/[!.]* -maxdepth 0 2> /dev/null)" "" "nothing of it is left when its names are gone"

# --- an import that is killed ------------------------------------------------------------------
image import "$T/oci" > /dev/null 2>&1 &
pid=$!
until_ok 10 [ -e "$S/tmp/image" ]
kill -KILL "$pid"
wait "$pid" 2> /dev/null
is "$(find "$S/refs" -maxdepth 1)" "$S/refs" "an import that is killed leaves no name"
image import "$T/oci" > /dev/null 2>&1
is "$? $(ls "$S/tmp" "$S/refs" | tr '\n' " ")" "0 $S/refs: tiny:latest  $S/tmp: " "and the next one clears up and works"

layout "$T/bad" bad '{}' "$T/one.tar"
# --- run -----------------------------------------------------------------------------------------
agent_start
if [ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID"; then
	dcosctl run --store "$S" --image tiny --logs > "$T/out" 2> "$T/err"
	is "$(tr '\n' ' ' < "$T/out")" "image 7 /old 2 2 " "an image's command runs with its user, environment and directory"
	diag "$(cat "$T/err")"
	is "$(dcosctl run --store "$S" -I tiny -e FROM=me --logs -- 'echo $FROM' 2>&1)" me "words of the command line replace Cmd, variables those of the image"
	dcosctl run --store "$S" --id stopped -I tiny -- 'trap "exit 9" USR1; echo up; while :; do sleep 0.1; done' > /dev/null 2>&1
	is_up() { dcosctl logs stopped | grep -q up; }
	until_ok 20 is_up
	dcosctl kill --grace 60s stopped > /dev/null
	dcosctl wait stopped > /dev/null
	is "$?" 9 "the image's StopSignal ends it"
	dcosctl run --store "$S" --id long -I tiny -- 'sleep 1000' > /dev/null 2>&1
	image import --name idle:1 "$T/bad" > /dev/null 2>&1 # another content
	is "$(image prune | head -1) $(image ls | grep -c tiny)" "idle:1 1" "prune takes the names of what no task uses"
	image rm tiny
	image gc > /dev/null
	ok "what a task uses stays" [ -d "$root" ]
	dcosctl kill long > /dev/null
	dcosctl wait long > /dev/null
	dcosctl run --store "$S" -I tiny -- true 2> "$T/err"
	ok "a name that is not there is an error" grep -q 'no image in .* is called tiny:latest' "$T/err"
	agent_stop
else
	skip "an image runs" "no agent here"
fi
tap_done
