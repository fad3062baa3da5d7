# `make demo` and `make test` are the two commands of the README; both set up what they need first.
# A machine needs only python3 (3.11 or 3.12 on Linux x86-64), its venv module and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LEVEL ?= A
SEEDS ?= 1000
FIRST ?= 1
TWIN ?= 0
JOBS ?= $(shell nproc)
SOURCES := urbanchain consensus storage p2p tests bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test simulate twins mutants check format lock clean

help: ## say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make .venv and install the hash-pinned requirements

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "UrbanChain needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "python3's venv module is missing. On Debian or Ubuntu: sudo sh scripts/install-debian-packages" >&2; exit 1; }
	@echo "Setting up $(VENV) (hash-pinned requirements) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt || { \
	  echo "Installing failed. plyvel has ready-made packages for CPython 3.11 and 3.12 on Linux x86-64 only;" >&2; \
	  echo "elsewhere it needs LevelDB's headers: sudo sh scripts/install-debian-packages" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## four validators notarise this repository's files, survive a kill, verify offline
	@$(BIN)/urbanchain devnet demo

test: setup ## the whole test suite
	@$(BIN)/python -m pytest -n 2

simulate: setup ## LEVEL=A|B SEEDS=n FIRST=s: whole clusters live through faults, each from one seed
	@$(BIN)/python -m tests.simulation --level $(LEVEL) --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)

twins: setup ## all 65,536 scripts of two instances with one key (TWIN=0..3 says whose)
	@$(BIN)/python -m tests.twins --twin $(TWIN) --jobs $(JOBS)

mutants: setup ## plant known mistakes one by one, and see which test or seed kills each
	@$(BIN)/python -m tests.mutants

check: setup ## ruff, mypy --strict and the architecture's rules, in seconds
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_architecture.py

format: setup ## let ruff rewrite the sources
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

lock: setup ## pin requirements*.in again, with hashes and without any index
	@$(BIN)/python -m pip install --quiet pip-tools
	@for name in requirements requirements-dev; do \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $$name.txt $$name.in; done

clean: ## remove what the other targets made
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .cluster-failures
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
