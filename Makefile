# `make help` lists what can be done. A fresh machine needs Python 3.11 or later, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet
# Every Python process of a test counts the lines that it runs.
COVERED := PYTHONPATH=$(CURDIR)/tests/covered
# One test process more than cores, as each waits for others much of its time; it has its own database.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Compiled modules are kept: many short-lived server processes start in the tests.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: setup $(if $(filter off,$(TUTTI_WEB)),,web) ## Set everything up and run the product on http://127.0.0.1:8000; Ctrl-C stops it
	@exec $(BIN)/tutti serve

.PHONY: test
test: setup-dev ## Run all checks and all tests, with coverage
	@$(MAKE) --no-print-directory -j 2 check web
	@$(MAKE) --no-print-directory unit

.PHONY: check
check: setup-dev ## Run the checks that need no server: ruff, mypy, import-linter, the committed schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tutti export-schema --check

.PHONY: unit
unit: setup-dev web
	$(BIN)/coverage erase
	$(COVERED) $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not serial"
	$(COVERED) $(BIN)/pytest -n 2 --dist loadscope -m serial
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --skip-empty --fail-under=90

.PHONY: test-external
test-external: setup-dev web ## Run the API tests against PostgreSQL and Redis as this machine has them installed
	MODEL_RUNS=$${MODEL_RUNS:-10} WALKS=$${WALKS:-2} $(BIN)/python -m tests.external_servers $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not serial" tests/api

.PHONY: faults
faults: setup-dev ## Break real servers in every way, all seeds and full sizes (40 minutes); writes docs/faults.md; ONLY=soak one part
	$(BIN)/python -m tests.faults.report $(ONLY)

.PHONY: soak
soak: setup-dev ## Let 500 sockets come and go for ten minutes, and see that nothing stays behind; writes it into docs/faults.md
	SOAK_SECONDS=$${SOAK_SECONDS:-600} $(BIN)/python -m tests.faults.report soak

.PHONY: ranks
ranks: setup-dev ## Drop a million cards at one place, in every way (some minutes)
	RANK_DROPS=$${RANK_DROPS:-1000000} $(BIN)/pytest tests/domain/test_room.py -n0 -q -s

.PHONY: model
model: setup-dev web ## Hold the task API to a simple model, 500 runs of 50 steps with crashes; MODEL_RUNS=50 fewer
	MODEL_RUNS=$${MODEL_RUNS:-500} MODEL_STEPS=50 $(BIN)/pytest tests/api/test_model.py -n0 -q -s

.PHONY: bench
bench: setup-dev web ## Measure a real server: latency, memory, starting; ONLY=latency one of them, ONLY=peers beside other servers
	$(BIN)/python -m $(if $(filter peers,$(ONLY)),bench.side_by_side,bench $(ONLY))

.PHONY: docs
docs: setup-dev ## Build the documentation site, with the API reference, into docs/site
	$(BIN)/python -m sphinx -q -W --keep-going -c docs -d docs/site/.trees . docs/site
	@echo "Open docs/site/docs/index.html"

.PHONY: screenshots
screenshots: setup-dev web ## Take the pictures of the web client for the documents
	$(BIN)/python -m bench.pictures

.PHONY: doctor
doctor: setup ## Check this machine and the servers, and say how to mend what is wrong
	@$(BIN)/tutti doctor

.PHONY: seed
seed: setup ## Add the demo workspace to an empty database
	@$(BIN)/tutti seed

.PHONY: schema
schema: setup ## Write graphql-schema.graphql from the code
	$(BIN)/tutti export-schema

.PHONY: format
format: setup-dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: setup-dev ## Renew the lock files from pyproject.toml
	$(COMPILE) --upgrade --group build pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade --group dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --upgrade --group web -c requirements-dev.txt -o requirements-web.txt
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('clients/python/pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')" \
		| $(COMPILE) --upgrade - -o clients/python/build-constraints.txt
	@! grep -nE '://|--(extra-)?index|--find-links' requirements*.txt clients/python/build-constraints.txt

.PHONY: clients
clients: setup-dev ## Build the packages of the client libraries into clients/dist
	$(BIN)/uv build --quiet --wheel --build-constraints clients/python/build-constraints.txt --require-hashes \
		--out-dir clients/dist clients/python
	@PYTHONPATH=web $(BIN)/python -c "from pathlib import Path; from build import install; from node import find_node; \
		node, package = find_node(), Path('clients/typescript').resolve(); install(package, node); \
		node.npm('pack', '--silent', '--pack-destination', '../dist', cwd=package)"

.PHONY: release-schema
release-schema: schema ## Promise the schema as it is now; part of making a release
	cp graphql-schema.graphql graphql-schema.released.graphql

.PHONY: clean
clean: ## Remove what was built and installed, but no data
	rm -rf $(VENV) web/dist web/node_modules tests/clients/node_modules build docs/api docs/site clients/dist *.egg-info clients/python/build \
		clients/python/*.egg-info clients/python/tutti_client/api clients/typescript/node_modules clients/typescript/dist \
		clients/typescript/src/generated clients/typescript/build .coverage* .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup
setup: $(VENV)/.installed

.PHONY: setup-dev
setup-dev: $(VENV)/.installed-dev

.PHONY: web
web: setup ## Build the pages that the server delivers, if their sources changed
	@PYTHONPATH=web $(BIN)/python -c 'from node import find_node; find_node()' 2>/dev/null || { \
		echo "Installing Node.js as a Python package, as this machine has none that is new enough"; \
		$(PIP) -r requirements-web.txt; }
	@$(BIN)/python web/build.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"Tutti needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V 2>&1 || true). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making the Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing Python packages (half a minute the first time)"
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing Python packages for development"
	@$(PIP) -r requirements-dev.txt
	@touch $@
