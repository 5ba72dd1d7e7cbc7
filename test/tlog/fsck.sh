#!/usr/bin/env bash
# An independent verifier, tessera's fsck, walks a log that our server serves. Ends with 0 when it agrees with us, 1 when not, 2 without Go.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=v1.0.4
if ! command -v go >/dev/null; then
  echo 'skipped: Go is not installed, so the independent verifier (github.com/transparency-dev/tessera/cmd/fsck) cannot be built' >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOBIN=$work go install "github.com/transparency-dev/tessera/cmd/fsck@$version"
[ -f dist/test/tlog/fsck.js ] || npm run build
timeout -k 5 170 node dist/test/tlog/fsck.js "$work/fsck"
