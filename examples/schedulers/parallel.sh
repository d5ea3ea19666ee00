#!/usr/bin/env bash
# A sweep on this machine and others by GNU parallel: SHARDS parts, a file for each, then one table.
#
#   SHARDS=16 bash examples/schedulers/parallel.sh --recipe sure --seeds 0..255
#
# Add --sshlogin to parallel for more machines; each needs deno and this folder. To go on with a sweep that was stopped, start it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

shards=${SHARDS:-4}
folder=${FOLDER:-sweep}
mkdir -p "$folder"

# a shard trains one model at a time: parallel keeps the cores busy
seq 0 $((shards - 1)) | parallel --will-cite --halt now,fail=1 --jobs "${JOBS:-100%}" \
  deno run --no-prompt --allow-read=.,"$folder" --allow-write="$folder" cli.ts sweep "${@@Q}" \
  --threads 1 --shard {}/"$shards" --out "$folder/{}.jsonl"

deno run --no-prompt --allow-read="$folder" cli.ts sweep summarize "$folder"/*.jsonl
