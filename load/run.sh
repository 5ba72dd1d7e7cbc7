#!/usr/bin/env bash
# Runs one scenario against a server of its own: load/run.sh smoke|decisions [k6 option…]. Ends with k6's exit code.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scenario=${1:?'which scenario? smoke or decisions'}
shift
script="$root/load/$scenario.js"
[[ $scenario =~ ^[a-z]+$ && $scenario != settings && -f $script ]] || { echo "there is no scenario $scenario in load/" >&2; exit 2; }
command -v k6 >/dev/null || { echo 'k6 is not installed: load/README.md says how to get it' >&2; exit 2; }

data=$(mktemp -d)
server=
stop() {
  [[ -z $server ]] || { kill "$server" 2>/dev/null || true; wait "$server" || true; }
  rm -rf "$data"
}
trap stop EXIT

# A built checkout: otherwise the build would count as the start. Port 0 takes a free one, the banner says which.
[[ -f $root/dist/runtime/cli/main.js ]] || (cd "$root" && npm run build)
# One client asks in seconds what people ask in an hour, and a machine that is busy with other work gives nothing up.
ARKALIA_LIMITS_PROMPTS_BURST=1000 ARKALIA_ZEROIA_ACT=false ARKALIA_ENGINES_PROBE=false ARKALIA_LOG_LEVEL=warn ARKALIA_MODELS_DIR="$data/models" \
  node "$root/dist/runtime/cli/main.js" serve --port 0 --data "$data/data" >"$data/out" 2>&1 &
server=$!
for _ in $(seq 150); do
  url=$(sed -n 's|^.* serves on \(http://[^ ]*\)$|\1|p' "$data/out")
  [[ -z $url ]] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
[[ -n $url ]] || { echo 'the server did not start:' >&2; cat "$data/out" >&2; exit 1; }

status=0
ARKALIA_URL=$url timeout --kill-after=5 300 k6 run --quiet --no-usage-report --summary-mode=compact "$@" "$script" || status=$?
if ! kill -0 "$server" 2>/dev/null; then
  echo 'the server ended during the run:' >&2
  status=1
fi
[[ $status -eq 0 ]] || cat "$data/out" >&2
exit "$status"
