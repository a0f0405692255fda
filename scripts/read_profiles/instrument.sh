#!/bin/sh
# RUSTC_WORKSPACE_WRAPPER: instruments this repository's own crates only. Counters live in the profile file itself
# (continuous mode), so that a worker that a test kills has flushed whatever it executed.
rustc=$1
shift
exec "$rustc" "$@" -C instrument-coverage -C llvm-args=-runtime-counter-relocation
