#!/usr/bin/env bash
# Province, two clusters and 78 simulated sites on this machine; prints where the map is. Ctrl-C ends all of them.
# DIEMCAU_BINARY and DIEMCAU_SITES name the executables; `make demo-cascade` builds them.
set -euo pipefail
http="127.0.0.1:${PORT:-8080}"
data="$(mktemp -d)"
children=()
finish() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait || true
  rm -rf "$data"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$DIEMCAU_BINARY" serve --demo --open-rooms --data "$data/province" --http "$http" --media 127.0.0.1:0 > "$data/said" &
children+=($!)
for _ in $(seq 300); do
  grep -q '^Ready:' "$data/said" 2>/dev/null && break
  kill -0 "${children[0]}" || exit 1
  sleep 0.2
done
cat "$data/said"
token="$("$DIEMCAU_BINARY" node-token --data "$data/province")"
for cluster in cum-1 cum-2; do
  "$DIEMCAU_BINARY" media --control "http://$http" --token "$token" --name "$cluster" --media 127.0.0.1:0 &
  children+=($!)
done
for _ in $(seq 100); do
  [ "$("$DIEMCAU_BINARY" topology --data "$data/province" --http "$http" | grep -c '  up  ')" = 3 ] && break
  sleep 0.2
done
map="http://localhost:${PORT:-8080}/mang-luoi"
echo "== The map: $map (sign in as kythuat)"
command -v xdg-open >/dev/null && [ -n "${DISPLAY:-}" ] && xdg-open "$map" >/dev/null 2>&1 &
"$DIEMCAU_SITES" "$http" cum-1 cum-2
