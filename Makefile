# CovetPy: every command of the repository. `make help` lists them.
# Each target does its own set-up: the environment .venv, the tools of requirements/dev.txt, the native module.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PATH := $(HOME)/.cargo/bin:$(PATH)

# PYTHON=/path/to/python3.x chooses the interpreter of a new .venv; by default the newest that really runs.
PYTHON ?=
HOST ?= 127.0.0.1
PORT ?= 8000
FUZZ_SECONDS ?= 60

# Event loops beside covet's own, and what of the tests over the wire says most of a driver.
LOOPS := asyncio uvloop
LOOPS_QUICK := $(addprefix tests/wire/test_,handlers.py streams.py streamed_bodies.py bodies_awaited.py uploads.py)

VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/.tools
export PYO3_PYTHON = $(CURDIR)/$(BIN)/python

RUST := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml
PYTHON_PATHS := python tests examples benches fuzz scripts
# Packages of their own, outside the workspace.
APART := $(wildcard benches/*/Cargo.toml scripts/*/Cargo.toml fuzz/Cargo.toml tests/differential_http/peers/*/Cargo.toml)

.PHONY: differential-http install-missing help run build test check check-rust check-python check-house bench bench-quick bench-json bench-loop bench-switching bench-reload bench-report docs ci ci-full fuzz dist \
	packaging coverage asyncio libraries differential interpreters free-threaded soak loops loops-quick format clean

help: ## Show this list.
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

$(TOOLS): requirements/dev.txt
	@scripts/check_prerequisites.sh
	@python="$(PYTHON)"; [ -n "$$python" ] || python=$$(scripts/find_python.sh); \
	$(BIN)/python -c '' 2>/dev/null || { echo "making $(VENV) with $$python"; "$$python" -m venv --clear $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

# One file holds the native module, so building it with one profile makes the other one stale.
$(VENV)/.built-release: $(TOOLS) $(RUST)
	@scripts/check_prerequisites.sh
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --locked --release
	@rm -f $(VENV)/.built-dev; touch $@

$(VENV)/.built-dev: $(TOOLS) $(RUST)
	@scripts/check_prerequisites.sh
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --locked --profile dev
	@rm -f $(VENV)/.built-release; touch $@

build: $(VENV)/.built-release ## Build the package, optimised, into .venv with its tools.

run: $(VENV)/.built-release ## Build, then serve examples/bookshop on http://HOST:PORT (127.0.0.1:8000).
	@echo "serving examples/bookshop on http://$(HOST):$(PORT)"
	@exec $(BIN)/covet run examples.bookshop.app:main --host $(HOST) --port $(PORT)

test: $(VENV)/.built-dev ## Run every test: both crates and pytest.
	cargo test --quiet --locked -p covet-server
	@if $(BIN)/python -c 'import sys; sys.path.insert(0, "scripts"); import measure_coverage as m; sys.exit(not m.libpython_is_there())'; then \
		LD_LIBRARY_PATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))') \
		cargo test --quiet --locked -p covet-py --no-default-features; \
	else echo 'no libpython to link: the tests inside covet-py are left out'; fi
	$(BIN)/python -m pytest

check: check-rust check-python check-house ## Format, lints, types, stubs, layers, house rules, dependencies; no tests.

check-rust: $(TOOLS)
	cargo fmt --all --check
	for manifest in $(APART); do cargo fmt --manifest-path "$$manifest" --check; done
	cargo clippy --quiet --locked --all-targets -- -D warnings
	cargo clippy --quiet --locked -p covet-py --no-default-features -- -D warnings

check-python: $(VENV)/.built-dev
	$(BIN)/ruff check $(PYTHON_PATHS)
	$(BIN)/ruff format --check $(PYTHON_PATHS)
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m mypy.stubtest covet._native
	$(BIN)/lint-imports

check-house: $(TOOLS)
	$(BIN)/python scripts/check_house.py
	$(BIN)/python scripts/check_dependencies.py
	$(BIN)/python -m benches.json.report --check
	$(BIN)/python -m benches.loop.report --check
	$(BIN)/python -m benches.reload.report --check
	$(BIN)/python -m benches.http.report --check

format: $(TOOLS) ## Rewrite Rust and Python to the house's format.
	cargo fmt --all
	for manifest in $(APART); do cargo fmt --manifest-path "$$manifest"; done
	$(BIN)/ruff check --fix --quiet $(PYTHON_PATHS) || true
	$(BIN)/ruff format $(PYTHON_PATHS)

coverage: $(VENV)/.built-dev ## Run every test instrumented; fail below 85% of lines for Python and for each crate.
	$(BIN)/python scripts/measure_coverage.py

packaging: $(TOOLS) ## Build wheel and sdist, install each into an empty environment, serve and ask once.
	$(BIN)/python -m pytest tests/packaging -m packaging

asyncio: $(VENV)/.built-dev ## Run CPython's own asyncio tests on this event loop; about a minute.
	$(BIN)/python -m tests.asyncio.run

.PHONY: libraries
libraries: $(VENV)/.built-dev ## Run asyncio libraries on this event loop, against PostgreSQL, Redis and a server of this repository.
	scripts/test_libraries.sh

ci: check docs packaging coverage asyncio libraries loops-quick ## What must be green before every push.

ci-full: export COVET_TEST_NEEDS = chromium slowhttptest
ci-full: install-missing ci loops differential differential-http fuzz interpreters soak free-threaded ## ci, then generated types and fuzzing for longer, every other interpreter, long soaks.

install-missing:
	scripts/install_missing.sh $(COVET_TEST_NEEDS)

differential: $(VENV)/.built-dev ## Compare JSON with the standard library, msgspec and pydantic on many generated types.
	COVET_TEST_BUDGET=50 $(BIN)/python -m pytest -o timeout=1200 tests/typed/test_differential.py

differential-http: $(VENV)/.built-dev ## Compare HTTP/1.1 with hyper, Go and nginx on many generated requests.
	COVET_TEST_BUDGET=60 $(BIN)/python -m pytest tests/differential_http

fuzz: $(TOOLS) ## Run each fuzz target for FUZZ_SECONDS (60).
	scripts/run_fuzz.sh $(FUZZ_SECONDS)
	scripts/fuzz_typed.sh $(FUZZ_SECONDS)

free-threaded: $(TOOLS) ## Compile for free-threaded Python, and test on it where there is one or its source.
	scripts/free_threaded.sh

interpreters: $(TOOLS) ## Run pytest against the wheel of every interpreter that is found.
	scripts/test_interpreters.sh

soak: $(VENV)/.built-release ## Run the long tests.
	$(BIN)/python -m pytest -m soak || [ $$? = 5 ]

loops: $(VENV)/.built-dev ## Run every test over the wire on each event loop that is not covet's.
	for loop in $(LOOPS); do COVET_TEST_LOOP=$$loop $(BIN)/python -m pytest -q tests/wire tests/limits tests/faults || exit 1; done

loops-quick: $(VENV)/.built-dev
	for loop in $(LOOPS); do COVET_TEST_LOOP=$$loop $(BIN)/python -m pytest -q $(LOOPS_QUICK) || exit 1; done

dist: $(TOOLS) ## Build the sdist and a wheel for every interpreter that is found, into dist/.
	@rm -rf dist
	$(BIN)/maturin sdist --quiet --out dist
	@scripts/find_python.sh --all | while read -r python; do $(BIN)/maturin build --quiet --release --locked --interpreter "$$python" --out dist; done
	@ls -l dist

bench: $(VENV)/.built-release ## Measure everything against the floor, nginx and the peers; about an hour.
	$(BIN)/python -m benches.http.run

bench-quick: $(VENV)/.built-release ## Measure CovetPy against the floor; under three minutes.
	$(BIN)/python -m benches.http.run --quick

bench-switching: $(VENV)/.built-release ## Measure what switch_interval costs and gives; about five minutes.
	$(BIN)/python -m benches.switching.run

bench-reload: $(VENV)/.built-release ## Measure how soon a save is answered with `--reload`; half a minute.
	$(BIN)/python -m benches.reload.run

bench-json: $(VENV)/.built-release ## Measure JSON on its own beside orjson, msgspec and pydantic; about two minutes.
	$(BIN)/python -m benches.json.run

bench-loop: $(VENV)/.built-release ## Measure the event loop beside uvloop, asyncio and rloop; about eight minutes.
	$(BIN)/python -m benches.loop.run

bench-report: $(TOOLS) ## Write docs/benchmarks.md, -json.md, -loop.md, -reload.md and the README's table from the newest results.
	$(BIN)/python -m benches.json.report
	$(BIN)/python -m benches.loop.report
	$(BIN)/python -m benches.reload.report
	$(BIN)/python -m benches.http.report

docs: $(TOOLS) ## Check that every link and embedded file of the documentation exists.
	$(BIN)/python scripts/check_docs.py
	$(BIN)/python scripts/settings_table.py --check

clean: ## Remove everything that was built.
	rm -rf target $(VENV) .bench dist coverage python/covet/_native*.so benches/*/target scripts/*/target fuzz/target
