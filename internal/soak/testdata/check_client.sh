#!/usr/bin/env bash
# Our client and Python's openai client at one simulated server, one after the
# other: `make check-client` runs it in the repository's root.
set -euo pipefail
calls=${CALLS:-20000}
work=$(mktemp -d)
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
bin/tinyv sim --addr 127.0.0.1:0 >"$work/address" 2>/dev/null &
server=$!
until [ -s "$work/address" ]; do sleep 0.1; done
url=$(awk '{print $NF}' "$work/address")
go test ./internal/soak -count=1 -run '^TestWriteQuestions$' -args -questions "$work/questions" -calls "$calls" >/dev/null
go test ./internal/soak -run '^$' -bench 'Client$' -benchtime "${calls}x" -args -server "$url" | grep Benchmark
.venv/client/bin/python internal/soak/testdata/check_client.py --url "$url" --questions "$work/questions" --replies "$work/replies"
