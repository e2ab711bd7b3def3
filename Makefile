# Two commands do everything: `make demo` and `make test`. Each sets up what it needs.
SHELL := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
RUN := $(UV) run --frozen --all-groups
STAMP := .venv/.ready

.PHONY: help setup demo test lint format derive bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## uv and the locked environment, in this folder only

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMP): $(UV) uv.lock pyproject.toml
	$(UV) sync --frozen --all-groups --no-python-downloads --python $(PYTHON)
	@touch $@

demo: setup  ## publish to an organisation on the local AWS, then start a project as a data scientist
	$(RUN) publish-catalog local demo

test: setup lint  ## lint, type check and the whole test suite: what CI runs
	$(RUN) pytest -n 2 --dist worksteal

lint: setup  ## the pre-commit hooks: ruff, strict mypy, derived files, merge markers
	$(RUN) pre-commit run --all-files

format: setup  ## fix what can be fixed
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

derive: setup  ## write the derived files again: front doors, shared copies, definitions, schemas
	$(RUN) python -m scripts.check_derived --write

bench: setup  ## measure publishing; the tables go into benchmarks/README.md
	$(RUN) python -m benchmarks.publish

clean:  ## remove everything that this Makefile made
	rm -rf .venv .uv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis cdk.out
