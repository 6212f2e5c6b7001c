# Two commands are enough: `make demo` sets up and runs the demo, `make test` sets up and runs the tests.
# Set PYTHON to choose the interpreter (3.11 or newer). Packages come from whatever index your pip is set to.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  ?= torch==2.13.0
SHELL  := bash
.SHELLFLAGS := -o pipefail -ec

# pip with one line of progress on a terminal instead of a page of package names; $(1) is the lock file
COUNT_PACKAGES = import sys; from pip._vendor.packaging.requirements import Requirement as R; \
  lines = [R(l.split("\\")[0]) for l in open(sys.argv[1]) if "==" in l]; \
  print(sum(r.marker is None or r.marker.evaluate() for r in lines))
define install_locked
	@set -o pipefail; total=$$($(BIN)/python -c '$(COUNT_PACKAGES)' $(1)); echo "Installing $$total packages from $(1) ..."; \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install --progress-bar off --require-hashes -r $(1) | \
	awk -v total=$$total -v tty=$$([ -t 2 ] && echo 1 || echo 0) '\
	  /^(Collecting|Requirement already)/ { n++; if (tty) printf "\r\033[K  %3d/%d  %s", n, total, $$2 > "/dev/stderr"; next } \
	  /^Installing collected/ { if (tty) printf "\r\033[K  unpacking %d packages (about half a minute)", n > "/dev/stderr" } \
	  END { if (tty) printf "\r\033[K" > "/dev/stderr" }'
endef

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-train demo chat test check lint types imports format docs lock bench attack fuzz benign \
  guard-cost database-caps faults tamper crash bench-ledger adapter-data clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime  ## Install Affidavit into .venv (no compiler, no torch)

setup-dev: $(VENV)/.dev

setup-train: $(VENV)/.train  ## Add what LoRA training needs (torch; set TORCH=... for another build)

demo: setup  ## Build the demo workspace in .demo, fetch the model, ask three questions
	@bash demo/run.sh $(BIN)/affidavit .demo

chat: demo  ## Open the chat on the demo workspace
	$(BIN)/affidavit chat -w .demo

test: setup-dev  ## Run the tests (servers that are not there are skipped loudly)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

check: setup-dev lint types imports test  ## What CI runs: lint, types, import contracts, tests

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

imports: setup-dev
	$(BIN)/lint-imports

format: setup-dev  ## Format and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup-dev  ## Write the generated pages of docs/reference anew
	$(BIN)/python docs/reference/generate.py

lock: setup-dev  ## Resolve the lock files anew from pyproject.toml
	sh .ci/lock $(VENV)

bench: demo  ## Measure start-up, latency by stage, and what retrieval finds
	$(BIN)/python -m bench.startup
	$(BIN)/python -m bench.latency -w .demo
	$(BIN)/python -m bench.memory_recall -w .demo

attack: setup-dev  ## Try the attack corpus on each layer of the four engines, and on all layers together
	$(BIN)/python -m bench.safety.attack

fuzz: setup-dev  ## Throw made-up statements at the guard for ten minutes
	$(BIN)/python -m bench.safety.fuzz --seconds 600

benign: setup-dev  ## Count harmless queries that the guard refuses, and run them with it and without (four engines)
	$(BIN)/python -m bench.safety.benign

guard-cost: setup-dev  ## Measure what judging and rewriting a query takes, in each dialect
	$(BIN)/python -m bench.safety.guard_cost

faults: setup-dev  ## Break drafts by the hundred and count what is repaired, repaired wrongly, given up
	$(BIN)/python -m bench.safety.faults --seed 7

tamper: setup  ## Forge thousands of ledgers and see whether each forgery shows
	$(BIN)/python -m bench.tamper

crash: setup  ## Kill writers of the ledger hundreds of times and see whether a record is lost (needs PostgreSQL)
	$(BIN)/python -m bench.crash

bench-ledger: setup  ## Measure the ledger's rate, its verification and what it costs a run (needs PostgreSQL)
	$(BIN)/python -m bench.ledger

database-caps: setup-dev  ## Measure weighing, cancelling and the caps on the four engines
	$(BIN)/python -m bench.safety.database

adapter-data: setup  ## Make the shipped adapter's training data anew and compare its hash with the card's
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; bash demo/adapter_data.sh $(BIN) "$$folder"

clean:  ## Remove the environment and the demo workspace
	rm -rf $(VENV) .demo

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Affidavit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/.python
	$(call install_locked,requirements.lock)
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(call install_locked,requirements-dev.lock)
	@touch $@

$(VENV)/.train: requirements-train.lock $(VENV)/.runtime
	@echo "Installing $(TORCH) ..."
	$(BIN)/pip install --disable-pip-version-check "$(TORCH)"
	$(call install_locked,requirements-train.lock)
	@touch $@
