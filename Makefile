# `make help` lists the targets. A new machine needs make, bash and Python 3.11 or 3.12; everything
# else is installed into .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check chaos bench studies docs vendor clean

PYTHON ?= python3
DATA ?= .lab
PORT ?= 8000
ONCE ?=
SIZE ?= quick
# Installed first, so that pip doesn't pick a newer GPU build when a CPU build is available.
TORCH ?= torch==2.13.0

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12, PORT=8001, DATA=folder override the defaults"

run: .venv/installed-all  ## start a lab and its demo, until Ctrl-C; ONCE=1 stops after the demo
	@exec $(BIN)/extrapolab up --data $(DATA) --port $(PORT) --demo $(if $(ONCE),--once)

test: check  ## run the checks and all tests, on real PostgreSQL and Redis
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

check: .venv/installed-dev  ## check lint, format, types, layers and links
	@echo "ruff check";  $(BIN)/ruff check --quiet .
	@echo "ruff format"; $(BIN)/ruff format --quiet --check . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@echo "mypy";        $(BIN)/mypy
	@echo "layers";      $(BIN)/lint-imports --no-logo
	@echo "links";       $(BIN)/pytest --quiet tests/contracts/test_links.py

chaos: .venv/installed-dev  ## inject random faults, half an hour or more; EXTRAPOLAB_CHAOS_SEED=7 repeats a seed
	@$(BIN)/pytest -m chaos

bench: .venv/installed-dev .venv-bench/installed  ## run the benchmarks side by side and print ratios
	@$(BIN)/python -m benchmarks

studies: .venv/installed-all  ## run all studies in the lab at PORT and write their pages; SIZE=full for full size
	@$(BIN)/python docs/publish.py http://127.0.0.1:$(PORT) $(SIZE)

docs: .venv/installed-dev  ## build the documentation as an offline site, .site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo ".site/index.html"

vendor: .venv/installed-dev  ## fetch others' scripts and fonts again, as tools/vendor.json lists them; needs npm
	@$(BIN)/python -m pip --disable-pip-version-check install -qq brotli
	@$(BIN)/python tools/vendor.py

.venv-bench/installed: benchmarks/peers.txt
	@echo "Installing the software to compare with into .venv-bench"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install -qq -r $<
	@touch $@

clean:  ## remove environments and caches, but not the lab's data
	@rm -rf .venv .venv-bench .site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v[:2] <= (3, 12) or sys.exit("Extrapolab needs Python 3.11 or 3.12, and $(PYTHON) is {}.{}. Name another: make ... PYTHON=python3.12".format(*v))'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/installed-all: pyproject.toml | .venv/bin/pip
	@echo "Installing PyTorch and the lab (takes minutes the first time)"
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[all]'
	@touch $@

.venv/installed-dev: pyproject.toml .venv/installed-all | .venv/bin/pip
	@echo "Installing test dependencies"
	@$(PIP) --editable '.[all,dev]'
	@touch $@
