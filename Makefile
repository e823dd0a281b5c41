# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test soak lint format types docs bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.core: setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.core
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

demo: $(VENV)/.core ## make metrics, ask them questions, see the graph that answers
	@$(BIN)/influxish demo --data demo-data

test: $(VENV)/.dev ## run the tests
	@$(BIN)/python -m pytest

soak: $(VENV)/.dev ## run the slow tests that `make test` leaves out
	@$(BIN)/python -m pytest -m soak

lint: $(VENV)/.dev ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## put the code in its one format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev ## write the generated pages anew
	@$(BIN)/python tools/generate_function_docs.py
	@$(BIN)/python tools/generate_rule_docs.py

bench: $(VENV)/.bench ## measure the start, and queries against DuckDB and Polars, on this machine
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/engine.py

clean: ## remove the environment, the demo's data and caches
	rm -rf $(VENV) demo-data build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
