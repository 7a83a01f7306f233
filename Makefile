# Four words are the onboarding: make demo, make test, make lint, make format.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

# Start-up times are measured here, and Python without compiled files starts slowly.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/.installed
SHELL_SCRIPTS := .ci/run scripts/setup-engine scripts/setup-images scripts/setup-python \
  $(wildcard scripts/*.sh scripts/stand-ins/*.sh)

# An engine that is not at the default address (Podman's) is named on standard output.
USE_ENGINE := engine=$$(scripts/setup-engine); eval "$$engine"; scripts/setup-images

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup  ## run a full trial of the bundled example, on an engine that this sets up
	@$(USE_ENGINE); cd examples/shop; $(BIN)/seatrial run --fresh

.PHONY: test
test: lint  ## check the code and run the tests, on an engine that this sets up
	@$(USE_ENGINE); $(call pytest_all,and not long)

.PHONY: test-all
test-all: lint  ## the tests with none left out, whatever their marks
	@$(USE_ENGINE); $(call pytest_all,)

# Most tests wait for containers half of their time, so three run side by side on two cores. After
# them those that nobody may disturb. pytest ends with 5 if PYTEST_ARGS leave none of either.
define pytest_all
$(BIN)/pytest -n 3 --dist loadfile -m 'not alone $(1)' $(PYTEST_ARGS) || (($$? == 5)); \
  $(BIN)/pytest -m 'alone $(1)' $(PYTEST_ARGS) || (($$? == 5))
endef

.PHONY: lint
lint: setup  ## check style, types, import floors and shell scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck --external-sources $(SHELL_SCRIPTS)

.PHONY: format
format: setup  ## bring the code into the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: setup  ## compare Seatrial with the plain Compose flow, and measure what evidence costs
	@$(USE_ENGINE); $(BIN)/python -m bench $(PARTS)

.PHONY: setup
setup: $(INSTALLED)  ## the virtual environment with the locked dependencies

$(INSTALLED): pyproject.toml locks/dev.txt scripts/setup-python
	@scripts/setup-python $(PYTHON) $(VENV)
	@touch $@

.PHONY: engine
engine:  ## a container engine, Compose v2, buildx and the base images
	@$(USE_ENGINE)

.PHONY: lock
lock: setup  ## pin the dependencies that pyproject.toml asks for (UPGRADE=1: to their newest)
	$(call compile,runtime,pyproject.toml </dev/null)
	$(call compile,dev,--extra dev --constraint locks/runtime.txt pyproject.toml </dev/null)

# The lock files name no registry: they hold on every mirror, by their hashes.
define compile
$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
  $(if $(UPGRADE),--upgrade) --output-file locks/$(1).txt $(2)
endef
