#!/bin/bash
# What can be shown of free-threaded Python (3.14t) on this machine: the crates compile for it; the tests run on it
# without the GIL, the races between threads among them, then those of threads on the other loops and CPython's own of
# asyncio; and with the GIL.
# An interpreter is, in this order: $PYTHON_FREE_THREADED; one that is installed; one that this script has built before;
# one that it builds from $CPYTHON_SOURCE (a .tar.xz) or from Debian's source package. Without any: the compilation alone.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.14
cache="${XDG_CACHE_HOME:-$HOME/.cache}/covetpy/python${version}t"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

is_free_threaded() { "$1" -c 'import sys, sysconfig; sys.exit(not sysconfig.get_config_var("Py_GIL_DISABLED") or sys.version_info < (3, 14))' 2>/dev/null; }

find_interpreter() {
    local candidate
    for candidate in "${PYTHON_FREE_THREADED:-}" "$(command -v "python${version}t" || true)" "$HOME"/.pyenv/versions/*t/bin/python3 "$cache/bin/python3"; do
        if [ -x "$candidate" ] && is_free_threaded "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

# Debian's source package, by lists of their own: those of the machine stay as they are.
fetch_from_debian() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    command -v apt-get >/dev/null && [ -r "$keyring" ] || return 1
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/source"
    echo "deb-src [signed-by=$keyring] http://deb.debian.org/debian forky main" >"$folder/apt/sources.list"
    local options=(-o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o Debug::NoLocking=1)
    timeout 120 apt-get "${options[@]}" -qq update >/dev/null 2>&1 || return 1
    (cd "$folder/source" && timeout 600 apt-get "${options[@]}" -qq source --download-only --tar-only "python$version") >/dev/null 2>&1 || return 1
    ls "$folder"/source/*.orig.tar.xz
}

build_interpreter() {
    local source="${CPYTHON_SOURCE:-}"
    [ -n "$source" ] || source=$(fetch_from_debian) || return 1
    echo "building a free-threaded Python from $(basename "$source"), once; it is kept in $cache" >&2
    mkdir -p "$folder/cpython"
    tar -xf "$source" -C "$folder/cpython" --strip-components 1
    (cd "$folder/cpython" && ./configure -q --disable-gil --prefix="$cache" && make -s -j"$(nproc)" && make -s install) >"$folder/build.log" 2>&1 ||
        { tail -20 "$folder/build.log" >&2; return 2; }
}

compile_only() {
    cat >"$folder/pyo3.cfg" <<CONFIG
implementation=CPython
version=$version
shared=true
abi3=false
lib_name=python${version}t
pointer_width=64
build_flags=Py_GIL_DISABLED
suppress_build_script_link_lines=true
CONFIG
    env -u PYO3_PYTHON PYO3_CONFIG_FILE="$folder/pyo3.cfg" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/free-threaded" \
        cargo check --quiet --locked -p covet-py
    echo "free-threaded: the crates compile for Python ${version}t"
}

# Of the packages that tests compare with, one has no wheel for this interpreter: its tests are left out.
peers=tests/json/test_json_encode_peers.py
folders=(tests/threads tests/wire tests/loop tests/types tests/typed tests/json tests/python tests/limits)
# What of the tests over the wire says most of a driver.
driven=(tests/threads/test_threads.py tests/wire/test_{handlers,streams,streamed_bodies,bodies_awaited,uploads}.py)

run_tests() {
    local python="$1"
    PYO3_PYTHON="$python" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/free-threaded" \
        .venv/bin/maturin build --quiet --locked --profile dev --interpreter "$python" --out "$folder/wheel"
    "$python" -m venv "$folder/venv"
    grep -v '^orjson\|^pyright\|^ruff\|^maturin\|^ipykernel\|^jupyter' requirements/dev.txt >"$folder/needed.txt"
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r "$folder/needed.txt" "$folder"/wheel/*.whl
    mkdir "$folder/tree"
    cp -r tests examples benches fuzz crates docs scripts Cargo.toml Makefile pyproject.toml README.md "$folder/tree"
    (cd "$folder/tree" && env -u PYTHON_GIL "$folder/venv/bin/python" -m pytest -o timeout=240 --ignore "$peers" "${folders[@]}")
    echo "free-threaded: the tests pass on $("$python" -VV), without the GIL"
    local loop
    for loop in asyncio uvloop; do
        (cd "$folder/tree" && env -u PYTHON_GIL COVET_TEST_LOOP="$loop" "$folder/venv/bin/python" -m pytest -q -o timeout=240 "${driven[@]}")
    done
    echo "free-threaded: threads on asyncio's loop and on uvloop as well"
    if "$python" -c 'import test.test_asyncio' 2>/dev/null; then
        (cd "$folder/tree" && "$folder/venv/bin/python" -m tests.asyncio.run)
    else
        echo "free-threaded: $python has no test package: CPython's own tests of asyncio are left out" >&2
    fi
    (cd "$folder/tree" && PYTHON_GIL=1 "$folder/venv/bin/python" -m pytest -o timeout=240 tests/threads tests/wire)
    echo "free-threaded: and with the GIL, where threads are refused"
}

compile_only
python=$(find_interpreter)
if [ -z "$python" ] && build_interpreter; then python=$(find_interpreter); fi
if [ -z "$python" ]; then
    echo "free-threaded: no Python ${version}t here and no source of one: the tests are left out" >&2
    exit 0
fi
run_tests "$python"
