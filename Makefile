# `make help` lists the targets. A new machine needs make, bash and Python 3.11 or 3.12; everything
# else is installed into .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Without it, each process of a lab and of the tests would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help install run test check chaos bench studies docs screenshots wheel vendor clean

PYTHON ?= python3
DATA ?= .lab
PORT ?= 8000
ONCE ?=
SIZE ?= quick
# Installed first, so that pip doesn't pick a newer GPU build when a CPU build is available.
TORCH ?= torch==2.13.0

# What the documentation is made of.
DOCUMENTED := mkdocs.yml $(shell find docs core store service lab extrapolab -path "service/site*" -prune -o \
	-type f -not -name '*.pyc' -print)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12, PORT=8001, DATA=folder override the defaults"

install: .venv/installed-all  ## install into .venv; every other target does so when it has to

run: .venv/installed-all  ## start a lab and its demo, until Ctrl-C; ONCE=1 stops after the demo
	@$(MAKE) --no-print-directory --silent service/site/index.html &
	@exec $(BIN)/extrapolab up --data $(DATA) --port $(PORT) --demo $(if $(ONCE),--once)

test: check .venv-mirror/installed  ## run the checks and all tests, on real PostgreSQL and Redis
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed-dev  ## check lint, format, types, layers and links
	@echo "ruff check";  $(BIN)/ruff check --quiet .
	@echo "ruff format"; $(BIN)/ruff format --quiet --check . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@echo "mypy";        $(BIN)/mypy
	@echo "layers";      $(BIN)/lint-imports --no-logo
	@echo "links";       $(BIN)/pytest --quiet tests/contracts/test_links.py

chaos: .venv/installed-dev  ## inject random faults and requests, an hour or more; EXTRAPOLAB_CHAOS_SEED=7 repeats a seed
	@$(BIN)/pytest -m chaos
	@EXTRAPOLAB_OPENAPI_EXAMPLES=200 $(BIN)/pytest tests/integration/service/test_openapi.py

bench: .venv/installed-dev .venv-bench/installed  ## run the benchmarks side by side and print ratios
	@$(BIN)/python -m benchmarks

studies: .venv/installed-all  ## run all studies in the lab at PORT and write their pages; SIZE=full for full size
	@$(BIN)/python docs/publish.py http://127.0.0.1:$(PORT) $(SIZE)

docs: service/site/index.html  ## build the documentation, which the lab serves at /docs

service/site/index.html: $(DOCUMENTED) | .venv/installed-all
	@$(BIN)/python -m mkdocs build --quiet --strict --site-dir service/site.new
	@rm -rf service/site && mv service/site.new service/site

screenshots: .venv/installed-dev  ## make the pictures of pages in docs/images; needs Chromium
	@$(BIN)/python tools/screenshots.py

wheel: service/site/index.html  ## build a wheel, with the documentation in it, into dist
	@$(BIN)/python -m pip --disable-pip-version-check wheel -qq --no-deps --wheel-dir dist .

vendor: .venv/installed-dev  ## fetch others' scripts and fonts again, as tools/vendor.json lists them; needs npm
	@$(BIN)/python -m pip --disable-pip-version-check install -qq brotli
	@$(BIN)/python tools/vendor.py

.venv-bench/installed: benchmarks/peers.txt
	@echo "Installing the software to compare with into .venv-bench"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install -qq -r $<
	@touch $@

# The trackers that `extrapolab mirror` writes to, as a user of the extra has them.
.venv-mirror/installed: pyproject.toml
	@echo "Installing MLflow and Trackio into .venv-mirror"
	@$(PYTHON) -m venv .venv-mirror
	@.venv-mirror/bin/python -m pip --disable-pip-version-check install -qq --editable '.[mirror]'
	@touch $@

clean:  ## remove environments and caches, but not the lab's data
	@rm -rf .venv .venv-bench .venv-mirror service/site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v[:2] <= (3, 12) or sys.exit("Extrapolab needs Python 3.11 or 3.12, and $(PYTHON) is {}.{}. Name another: make ... PYTHON=python3.12".format(*v))'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.venv/installed-all: pyproject.toml | .venv/bin/pip
	@echo "Installing PyTorch and the lab (takes minutes the first time)"
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[all,docs]'
	@touch $@

.venv/installed-dev: pyproject.toml .venv/installed-all | .venv/bin/pip
	@echo "Installing test dependencies"
	@$(PIP) --editable '.[all,dev]'
	@touch $@
