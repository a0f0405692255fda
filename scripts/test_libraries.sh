#!/bin/bash
# Makes .venv/libraries with requirements/matrix.txt and runs tests/libraries there, on the native module that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv/libraries
if ! cmp --silent requirements/matrix.txt "$environment/.installed"; then
    .venv/bin/python -m venv --clear "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/matrix.txt
    cp requirements/matrix.txt "$environment/.installed"
fi
COVET_LIBRARIES=1 PYTHONPATH=python exec "$environment/bin/python" -m pytest tests/libraries "$@"
