#!/bin/bash
# Runs each target of fuzz/ for so many seconds on its committed corpus. cargo-fuzz is put into .bench by cargo; no
# sanitizer, so that a stable compiler will do. A finding is left in fuzz/artifacts and ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ -f fuzz/Cargo.toml ] || { echo 'fuzz: there is no fuzz/Cargo.toml'; exit 1; }
tools=$PWD/.bench/cargo
[ -x "$tools/bin/cargo-fuzz" ] || cargo install --quiet --locked --root "$tools" cargo-fuzz
export PATH="$tools/bin:$PATH"
for target in $(cargo fuzz list); do
    found=$PWD/.bench/fuzz/$target
    mkdir -p "$found" "fuzz/corpus/$target"
    echo "fuzz: $target for $seconds s"
    cargo fuzz run --sanitizer none "$target" "$found" "fuzz/corpus/$target" -- "-max_total_time=$seconds" -print_final_stats=1
done
