# `make help` lists the targets. Everything lives in .venv and .local; nothing else on the machine is changed.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-clients fuzz recorder check up down faults bench browsers load preview dashboards schemas docs docs-links clean
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

# One sentence for a missing Python; pip reports everything else.
.venv/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: install Debian's python3 and python3-venv."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: set PYTHON=python3.11 or newer."; exit 2; }
	@test -w . || { echo "This folder can't be written: clone the project into one of yours."; exit 2; }
	@echo "setting up .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing: install Debian's python3-venv."; exit 2; }
	@$(BIN)/python -m tools.install requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.ready ## install what is missing into .venv

demo: setup ## a real impression log through the whole pipeline, with faults, checked against a recount
	@$(BIN)/python -m demo $(DEMO)

# Two pytest workers for two cores: with a third, brokers were silent for whole sessions. TESTS runs in one process.
test: setup ## every test; starts and stops every service it needs; some: TESTS=tests/unit
	@$(BIN)/python -m pytest -q $(or $(TESTS),-n 2)

test-clients: setup ## ClickHouse's clients in Java, Go, Rust, Node and Python: built once, ten minutes, then about two
	@IMPRESSIONS_TEST_CLIENTS=1 $(BIN)/python -m pytest -q -n 2 --junitxml=.local/clients.xml tests/engine/test_clickhouse_other_clients.py

fuzz: setup ## requests drawn from the collector's OpenAPI document, others in each run; EXAMPLES=1000: of each kind
	@IMPRESSIONS_TEST_FUZZ=$(or $(EXAMPLES),1000) $(BIN)/python -m pytest -q --timeout=3600 tests/integration/test_collector_fuzz.py

recorder: ## build the browser's recorder, as npm's package and as what the collector serves
	@command -v npm >/dev/null || { echo "npm is missing: install Debian's nodejs and npm."; exit 2; }
	@cd recorder && { test -d node_modules/esbuild || npm ci --silent; } && npm run --silent build

check: setup ## format, lint, types, layers, unit and property tests: under a minute
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target check/tests check/code

check/tests:
	@$(BIN)/python -m pytest -q -n 2 tests/unit tests/property tests/repo

check/code:
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

up: setup ## start the embedded stack in the background
	@$(BIN)/impressions up

down: setup ## stop it; the data stays in .local
	@$(BIN)/impressions down

faults: setup ## whole fault matrix and random schedules: SEEDS=200, SEED=17, CASE="broker killed"
	@$(BIN)/python -m tests.faults $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case "$(CASE)") $(FAULTS)

bench: setup ## ours beside its peers from a backlog, and under SIGKILL: half an hour; QUICK=1: under five minutes
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(BENCH)

browsers: setup ## the recorder in three browsers, left and killed in every way; ENGINE=firefox GROUP=exit ONLY="tab closed"
	@$(BIN)/python -m tests.browsers $(if $(ENGINE),--engine $(ENGINE)) $(if $(GROUP),--group $(GROUP)) $(if $(ONLY),--only "$(ONLY)") $(if $(SUBJECT),--subject $(SUBJECT)) $(BROWSERS)

load: setup ## virtual users over HTTP, collectors killed: half an hour; USERS=10000 RATE=100000 (a minute) DURATION=300
	@$(BIN)/python -m load $(if $(USERS),--users $(USERS)) $(if $(RATE),--rate $(RATE)) $(if $(DURATION),--duration $(DURATION)) $(LOAD)

preview: setup ## draw every dashboard from the demo's data, into docs/operate/dashboards; PREVIEW=--serve: a live page
	@$(BIN)/python -m dashboards.preview $(PREVIEW)

dashboards: setup ## write dashboards/grafana/dashboards from dashboards/source
	@$(BIN)/python -m dashboards.source

schemas: setup ## write what is generated: schemas/, the pages and tables of docs/
	@$(BIN)/python -m tools.schemas
	@$(BIN)/python -m tools.cli_page
	@$(BIN)/python -m tools.settings_page
	@$(BIN)/python -m tools.limits_page
	@$(BIN)/python -m tools.metrics_page
	@$(BIN)/python -m tools.matrix_page
	@$(BIN)/python -m tools.sdk_page
	@$(BIN)/python -m tools.schema_page
	@$(BIN)/python -m tools.evidence
	@$(BIN)/python -m tools.sizing

docs: setup ## build the documentation as a site, into build/docs; any warning is an error
	@$(BIN)/python -m tools.site

docs-links: setup ## ask other sites whether the pages that the documentation links to are still there
	@$(BIN)/python -m tools.site --links

clean: ## remove .venv and .local, with all data in it
	rm -rf .venv .local
