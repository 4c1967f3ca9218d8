# All that this needs of the machine is make and Python 3.11 with venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
BIN := .venv/bin
# Programs that tests use, and Debian's packages that bring them. Chromium comes without a font.
TOOLS := chromium prometheus prometheus-alertmanager
PACKAGES := $(TOOLS) fonts-dejavu-core

# It names its checkout: a copy of the folder elsewhere must not use this one's environment.
STAMP := .venv/.installed
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

ifeq ($(CI),true)
export NIVESH_REQUIRE_ALL := 1
endif

.PHONY: help
help: ## Print this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
	@echo
	@echo 'make up DEMO=1 also trains, promotes and serves the four models, and sends light traffic.'

.PHONY: up
up: $(STAMP) ## Set up, start everything, print the address and the first accounts; Ctrl-C stops it
	@exec $(BIN)/nivesh up $(if $(filter 1 yes true,$(DEMO)),--demo)

.PHONY: down
down: $(STAMP) ## Stop what runs
	@$(BIN)/nivesh down

# Debian's packages come while pip works. Each step is a make of its own, which sees what is there.
.PHONY: test
test: ## Set up, and run linters, type checks and all tests
	@$(MAKE) --no-print-directory -j 2 $(STAMP) tools
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -m 'not long' -n 2 --dist loadfile --no-loadscope-reorder --durations 25

.PHONY: test-long
test-long: $(STAMP) tools ## Run soaks and simulations
	$(BIN)/pytest -m long

.PHONY: lint
lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: bench
bench: $(STAMP) ## Measure speeds, as ratios against a floor of the same run
	$(BIN)/python -m bench

.PHONY: lock
lock: $(STAMP) ## Write requirements.lock anew from what .venv holds
	@{ sed '/^[^#]/,$$d' requirements.lock; \
	   $(BIN)/pip freeze --exclude torch --exclude nivesh-console | LC_ALL=C sort -f; \
	 } > .venv/requirements.lock
	@mv .venv/requirements.lock requirements.lock

.PHONY: clean
clean: ## Remove .venv and caches; state in var/ stays
	rm -rf .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'Python 3.11 is missing. On Debian: apt-get install python3.11 python3.11-venv'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'Python 3.11 is here without venv. On Debian: apt-get install python3.11-venv'; exit 1; }
	@[ ! -e $(STAMP) ] || [ "$$(cat $(STAMP))" = '$(CURDIR)' ] || rm -rf .venv
	@echo 'Setting up .venv: some minutes the first time, nothing the next.'
	@$(PYTHON) -m venv .venv
	@# By itself and first: see docs/decisions/0005-locked-versions-without-hashes.md
	@echo '  torch'
	@$(BIN)/pip install --quiet torch==2.13.0
	@echo '  requirements.lock'
	@$(BIN)/pip install --quiet -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps -e .
	@echo '$(CURDIR)' > $(STAMP)

.PHONY: tools
tools:
	@missing=; for program in $(TOOLS); do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	[ -n "$$missing" ] || exit 0; \
	if ! command -v apt-get >/dev/null; then root=none; \
	elif [ "$$(id -u)" = 0 ]; then root=; \
	elif sudo -n true 2>/dev/null; then root='sudo -n'; \
	else root=none; fi; \
	if [ "$$root" = none ]; then \
	  echo "Missing:$$missing. Tests that need them are left out. Way out: apt-get install $(PACKAGES)"; \
	else \
	  echo "Installing $(PACKAGES)"; \
	  $$root apt-get update -qq && $$root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null \
	  || echo "These could not be installed:$$missing. Tests that need them are left out."; \
	fi
