# Two commands do everything: `make sandbox` to see the bot at work, `make test` to trust it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BOTS ?= 1

.PHONY: help install sandbox gallery test stories torture integration check lint types contracts bench lock clean

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.run  ## the command alone, as .venv/bin/vm-migrate-bot

sandbox: $(VENV)/.run  ## the bot with a simulated cluster and Slack, on this machine: prints the page's address
	$(BIN)/vm-migrate-bot sandbox

gallery: $(VENV)/.dev  ## every card and form in every state as pictures, in .gallery/ (needs chromium)
	$(BIN)/python -m tests.pictures gallery .gallery

pictures: $(VENV)/.dev  ## the README's pictures anew, from the real page (needs chromium)
	$(BIN)/python -m tests.pictures readme docs/pictures

test: $(VENV)/.dev  ## pure and in-process tests, injected clock
	$(BIN)/pytest -m "not stories" -n auto --dist worksteal

# Slack's own types judge our blocks; where npm is missing those stories skip and say so.
tests/slack_types/node_modules: tests/slack_types/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/slack_types --no-audit --no-fund --silent && touch $@; fi

stories: $(VENV)/.dev tests/slack_types/node_modules  ## whole journeys through real processes and a browser
	$(BIN)/pytest -m stories -n 2 --dist worksteal --timeout 300

# Two VMs that may be moved: make integration KUBECONFIG=... NAMESPACE=... VM_LIVE=... VM_COLD=... Without a namespace the
# simulated cluster is used.
integration: $(VENV)/.dev  ## a live and a cold move there and back, on the cluster that you name
	INTEGRATION_KUBECONFIG="$(KUBECONFIG)" INTEGRATION_NAMESPACE="$(NAMESPACE)" INTEGRATION_VM_LIVE="$(VM_LIVE)" \
		INTEGRATION_VM_COLD="$(VM_COLD)" $(BIN)/pytest tests/integration -m stories

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

check: lint types contracts test stories  ## everything that must hold before a change lands

torture: $(VENV)/.dev  ## kill the bot 50 times while it moves 20 VMs (BOTS=2: two on one PostgreSQL); takes minutes, no part of check
	$(BIN)/python -m tests.torture --bots $(BOTS)

bench: $(VENV)/.dev  ## speed, as ratios within one run
	$(BIN)/python -m tests.bench

lock: $(VENV)/.dev  ## pin the newest versions that pyproject.toml allows
	$(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove what the other targets made
	rm -rf $(VENV) tests/slack_types/node_modules .gallery .sandbox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
