#!/bin/bash
# Builds a wheel for every interpreter that is found, installs each into an environment of its own, runs pytest there.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=()
for python in $(scripts/find_python.sh --all); do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "interpreter: Python $version"
    .venv/bin/maturin build --quiet --locked --profile dev --interpreter "$python" --out "$folder/$version"
    "$python" -m venv "$folder/venv-$version"
    "$folder/venv-$version/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt "$folder/$version"/*.whl
    # The tests run against the wheel: a copy without python/ cannot import the source tree by accident.
    mkdir "$folder/tree-$version"
    cp -r tests examples benches scripts fuzz docs Cargo.toml Makefile pyproject.toml README.md "$folder/tree-$version" 2>/dev/null || true
    (cd "$folder/tree-$version" && "$folder/venv-$version/bin/python" -m pytest) || failed+=("$version")
    (cd "$folder/tree-$version" && "$folder/venv-$version/bin/python" -m tests.asyncio.run) || failed+=("$version: asyncio")
done
[ "${#failed[@]}" -eq 0 ] || { echo "interpreters that failed: ${failed[*]}"; exit 1; }
