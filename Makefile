# What a newcomer and CI type. `make help` explains every target.
# A second run of any target needs no network: stamps in .venv say what is installed already.

ifneq (,$(wildcard .env))
include .env
export
endif

# The first Python that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --require-hashes --disable-pip-version-check -r
PATHS := rintis services shared simulators bench tests

.DEFAULT_GOAL := help
FAULTS ?= 200
SEED ?= 1
PROCESSES ?= 1
N ?= 200000
ROUNDS ?= 3
.PHONY: help setup setup-dev java browser up demo chaos bench test mutations unit check format lock down clean

help: ## Explain every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1mmake %-10s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: setup ## Start Kafka, PostgreSQL and all services on this machine, until Ctrl-C
	@$(BIN)/python -m rintis up

demo: setup ## Play one compressed day with 5,000 registrations and 1,000 permits, and check every number
	@$(BIN)/python -m rintis demo

chaos: setup ## Break everything under load, FAULTS=200 times by SEED=1, and count what became of each event
	@$(BIN)/python -m rintis chaos --faults $(FAULTS) --seed $(SEED) --processes $(PROCESSES)

bench: setup ## Measure rate, latency and cost beside the floor, N=200000 registrations a round, ROUNDS=3; half an hour
	@$(BIN)/python -m rintis bench --n $(N) --rounds $(ROUNDS)

test: setup-dev browser ## Run every test, against real Kafka and PostgreSQL that are started for it
	@$(if $(LEFT_OUT),echo "Left out for want of go or chromium on PATH: $(LEFT_OUT)")
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=20 -m "not mutations and not measured$(if $(LEFT_OUT), and $(LEFT_OUT))"

# Tests mostly wait; each worker has its own Kafka and PostgreSQL. In the order of the folders the longest come first.
WORKERS ?= 2

# Two tests need a tool that Python's packages do not bring; without it they are left out, and that is said.
NO_GO = $(if $(shell command -v go),,not foreign)
NO_BROWSER = $(if $(shell command -v chromium),,not browser)
LEFT_OUT = $(NO_GO)$(if $(NO_GO),$(if $(NO_BROWSER), and ))$(NO_BROWSER)

browser: ## Install the browser that one test drives, where this is Debian and we may
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing chromium"; apt-get update -qq && apt-get install -y -qq chromium >/dev/null || true; fi

mutations: setup-dev ## Break copies of the system on purpose and see that the oracle of `rintis chaos` reports it; a quarter of an hour
	@$(BIN)/python -m pytest -m mutations tests/chaos

unit: setup-dev ## Run the tests that need no servers; seconds
	@$(BIN)/python -m pytest tests/unit tests/contracts

check: setup-dev ## Lint, types, import rules, contracts: what CI asks before the tests
	$(BIN)/ruff check $(PATHS)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/mypy $(PATHS)
	$(BIN)/lint-imports
	$(BIN)/python -m rintis.contracts check

format: setup-dev ## Format the code and sort its imports
	$(BIN)/ruff check --fix --select I $(PATHS)
	$(BIN)/ruff format $(PATHS)

down: setup ## Stop what `make up` has started, also where it was killed
	@$(BIN)/python -m rintis down

setup: $(VENV)/.local java ## Make the virtual environment that `up` and `demo` need

setup-dev: $(VENV)/.dev java ## Make the virtual environment that tests and checks need

lock: ## Lock the versions and digests of all requirements anew (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@for part in runtime local simulators dev java; do \
		uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			requirements/$$part.in -o requirements/$$part.txt; done

clean: ## Stop everything; delete the virtual environment and all data (Kafka's jars stay in the cache)
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m rintis down --delete-data; fi
	rm -rf $(VENV) .rintis .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then echo "Rintis needs Python 3.11 or newer; none is on PATH. Name one: make PYTHON=/path/to/python3"; exit 1; fi
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@# The checkout itself is importable, and `rintis` a command, without an installation that would need a build tool.
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/rintis.pth"
	@printf '#!%s\nfrom rintis.__main__ import main\n\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/rintis && chmod +x $(BIN)/rintis
	@touch $@

$(VENV)/.local: requirements/local.txt | $(VENV)/.made
	@$(INSTALL) $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.made
	@$(INSTALL) $<
	@touch $@ $(VENV)/.local

# Not a stamp: whether a Java is on PATH may differ from one run to the next.
java: | $(VENV)/.made
	@$(BIN)/python -m rintis.runtime.java || $(INSTALL) requirements/java.txt
