#!/bin/bash
# Fuzzes typed decoding through Python for so many seconds: atheris in an environment of its own, the native module built
# with counters of what was reached, so that it is guided by the Rust code. A finding is left in .bench/fuzz/python and ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
home=$PWD/.bench/fuzz/python
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$home/found" "$home/site"
if ! [ -e "$home/venv/fuzz.txt" ] || ! cmp -s requirements/fuzz.txt "$home/venv/fuzz.txt"; then
    "$PYO3_PYTHON" -m venv --clear "$home/venv"
    if ! "$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements/fuzz.txt; then
        echo 'fuzz: atheris has no wheel for this Python: typed decoding is left out'
        exit 0
    fi
    cp requirements/fuzz.txt "$home/venv/fuzz.txt"
fi
# For the host by name, so that build scripts are built without counters.
RUSTFLAGS='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1' \
    cargo build --quiet --locked --release -p covet-py --target "$host" --target-dir "$home/target"
rm -rf "$home/site/covet"
cp -r python/covet "$home/site/covet"
rm -f "$home"/site/covet/_native*.so
cp "$home/target/$host/release/lib_native.so" "$home/site/covet/_native.so"
echo "fuzz: typed decoding for $seconds s"
runtime=$(echo "$home"/venv/lib/python*/site-packages/ubsan_with_fuzzer.so)
LD_PRELOAD=$runtime PYTHONPATH=$home/site:$PWD "$home/venv/bin/python" -m fuzz.typed "$home/found" fuzz/corpus/typed \
    "-max_total_time=$seconds" "-artifact_prefix=$home/" -print_final_stats=1
