# What a person does with this repository. `make help` lists it.
# A new machine needs make, bash and Python 3.11 or 3.12; everything else is installed into .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check chaos bench studies docs clean

PYTHON ?= python3
DATA ?= .lab
PORT ?= 8000
ONCE ?=
SIZE ?= quick
# Before the rest, so that pip doesn't pick a newer build for GPUs where one for the CPU is at hand.
TORCH ?= torch==2.13.0

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12, PORT=8001, DATA=folder change what is used"

run: .venv/installed-all  ## start a lab with its demo and keep it until Ctrl-C; ONCE=1 ends it after the demo
	@exec $(BIN)/extrapolab up --data $(DATA) --port $(PORT) --demo $(if $(ONCE),--once)

test: check  ## check, then all tests, on real PostgreSQL and Redis from wheels
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

check: .venv/installed-dev  ## lint, format, types, layers, links of the documentation
	@echo "ruff check";  $(BIN)/ruff check --quiet .
	@echo "ruff format"; $(BIN)/ruff format --quiet --check . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@echo "mypy";        $(BIN)/mypy
	@echo "layers";      $(BIN)/lint-imports --no-logo
	@echo "links";       $(BIN)/pytest --quiet tests/contracts/test_links.py

chaos: .venv/installed-dev  ## the long plays with faults at random, some minutes; EXTRAPOLAB_CHAOS_SEED=7 repeats one
	@$(BIN)/pytest -m chaos

bench: .venv/installed-dev .venv-bench/installed  ## measure, side by side, and print ratios
	@$(BIN)/python -m benchmarks

studies: .venv/installed-all  ## run all studies in the lab at PORT and write their pages; SIZE=full for the full ones
	@$(BIN)/python docs/publish.py http://127.0.0.1:$(PORT) $(SIZE)

docs: .venv/installed-dev  ## build the documentation as a site, .site/index.html; it needs no network
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo ".site/index.html"

.venv-bench/installed: benchmarks/peers.txt
	@echo "Installing what is measured beside, into .venv-bench"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install -qq -r $<
	@touch $@

clean:  ## remove environments and caches; the lab's data stays
	@rm -rf .venv .venv-bench .site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v[:2] <= (3, 12) or sys.exit("Extrapolab needs Python 3.11 or 3.12, and $(PYTHON) is {}.{}. Name another: make ... PYTHON=python3.12".format(*v))'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/installed-all: pyproject.toml | .venv/bin/pip
	@echo "Installing PyTorch and the lab (some minutes the first time)"
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[all]'
	@touch $@

.venv/installed-dev: pyproject.toml .venv/installed-all | .venv/bin/pip
	@echo "Installing what the tests need"
	@$(PIP) --editable '.[all,dev]'
	@touch $@
