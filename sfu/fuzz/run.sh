#!/usr/bin/env bash
# Runs every fuzz target for so many seconds (default 60) at the lowest priority: run.sh [seconds [target...]].
# Needs a nightly toolchain and a C++ compiler; `cargo +nightly fuzz run TARGET` in sfu/ does the same.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(stun framing rtp rtcp transport_cc feedback offer dtls codecs red dependency node trunk)
triple=$(rustc +nightly -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS="$coverage -Zsanitizer=address --cfg fuzzing" \
  nice -n 19 cargo +nightly build --release --target "$triple" --bins
for target in "${targets[@]}"; do
  echo "== $target, $seconds s"
  # What is found on the way stays out of the repository; corpus/ has the seeds.
  mkdir -p "$CARGO_TARGET_DIR/found/$target" "$CARGO_TARGET_DIR/artifacts"
  nice -n 19 "$CARGO_TARGET_DIR/$triple/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$CARGO_TARGET_DIR/artifacts/$target-" \
    "$CARGO_TARGET_DIR/found/$target" "corpus/$target" 2>&1 | grep -E "^stat::number|^stat::peak|ERROR|SUMMARY|panicked|Test unit"
done
