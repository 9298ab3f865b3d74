#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# known.sh [DIR/]NAME FOUND...: compares what a tool found with what is known of it, NAME.known beside
# this script, which names the version that it is of: with another one nothing is missed in the list.
set -eu
name=${1##*/}
shift
known=$(dirname "$0")/$name.known
tmp=$(mktemp -d)
[ -r "$known" ]
trap 'rm -rf "$tmp"' EXIT
cat "$@" | sort -u > "$tmp/found"
grep -v '^#' "$known" | sort -u > "$tmp/known"
comm -23 "$tmp/found" "$tmp/known" > "$tmp/new"
comm -13 "$tmp/found" "$tmp/known" > "$tmp/gone"
if [ -s "$tmp/new" ]; then
	echo "$name: new findings; the logs are beside the files *.found" >&2
	sed 's/^/  /' "$tmp/new" >&2
	exit 1
fi
case $name in
gcc) version=$(gcc -dumpversion) ;;
tidy) version=$(clang-tidy --version | sed -n 's/.*version \([0-9]*\).*/\1/p') ;;
esac
if [ -s "$tmp/gone" ] && grep -qx "# version $version" "$known"; then
	echo "$name: no longer found, remove from $known:" >&2
	sed 's/^/  /' "$tmp/gone" >&2
	exit 1
fi
echo "$name: $(wc -l < "$tmp/found") findings, all known"
