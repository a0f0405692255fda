#!/bin/sh
# Says in one line what to install for each thing that a build needs and this machine lacks.

missing=0
lacks() {
    echo "error: $1" >&2
    missing=1
}

command -v cc >/dev/null 2>&1 || lacks 'no C compiler; install one, e.g. apt-get install build-essential'
if command -v cargo >/dev/null 2>&1; then
    version=$(rustc --version 2>/dev/null | cut -d' ' -f2)
    minor=$(echo "$version" | cut -d. -f2)
    [ "${minor:-0}" -ge 88 ] || lacks "Rust ${version:-of an unknown version} is older than 1.88; update it with: rustup update stable"
else
    lacks 'no cargo; install Rust >= 1.88 from https://rustup.rs'
fi
"$(dirname "$0")/find_python.sh" >/dev/null || missing=1
exit $missing
