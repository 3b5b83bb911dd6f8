# make demo    from nothing to photos from layouts: set-up, then the pipeline of params.yaml
# make test    set-up, then every check and test
# make check   set-up, then lint, types and the fast tests
# make test-oldest  every test with the oldest versions that pyproject.toml allows, in a .venv-oldest
# make soak    set-up, then the tests of reliability at full length, most of an hour
# make docs    set-up, then the documentation as a site in build/site, which opens without a server
# make clean   removes what builds and checks leave behind; data, outputs and .venv stay

PYTHON ?= python3
JOBS ?= 2
SHELL := bash

venv := .venv
installed := $(venv)/.installed
compiled := $(venv)/.compiled
# So that stages and tests, which DVC and pytest start, find the installed commands.
export PATH := $(CURDIR)/$(venv)/bin:$(PATH)

.PHONY: help setup demo test check soak docs lint clean
help:
	@sed -n 's/^# //p;/^$$/q' Makefile

setup: $(compiled)

$(installed): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	  echo "$(PYTHON) is missing or older than Python 3.11; name another one: make demo PYTHON=python3.12"; exit 1; }
	@$(venv)/bin/python -m pip --version > /dev/null 2>&1 || { \
	  echo "making $(venv)"; $(PYTHON) -m venv --clear $(venv); }
	@echo "installing into $(venv): 6 GB in about 160 packages, a dot each; details in $(venv)/install.log"
	@set -o pipefail; python -m pip install --disable-pip-version-check --no-compile -e '.[dev]' -c constraints.txt 2>&1 \
	  | tee $(venv)/install.log \
	  | { while read -r line; do case $$line in \
	      Collecting*|Processing*) printf .;; "Installing collected"*) printf ' unpacking';; esac; done; echo; } \
	  || { tail -n 20 $(venv)/install.log; echo "the installation failed"; exit 1; }
	@touch $@

# Faster on the CPU; everything works without.
$(compiled): $(installed) ccfpse/native/place.py $(wildcard ccfpse/native/kernels/*)
	@ccfpse compile || true
	@touch $@

demo: setup
	@# Without git DVC has to be told so; beside git that setting would switch its experiments off.
	@if git rev-parse --git-dir > /dev/null 2>&1; then dvc config --local -q --unset core.no_scm || true; \
	  else dvc config --local core.no_scm true; fi
	dvc repro
	@ccfpse evaluate --show

test check: lint
	OMP_NUM_THREADS=1 pytest -n $(JOBS) --dist worksteal -q $(if $(filter check,$@),-m "not slow")

.PHONY: test-oldest
test-oldest:
	@test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install -q --disable-pip-version-check -e '.[dev]' -c constraints-oldest.txt
	PATH="$(CURDIR)/.venv-oldest/bin:$$PATH" OMP_NUM_THREADS=1 python -m pytest -n $(JOBS) --dist worksteal -q

soak: setup
	OMP_NUM_THREADS=1 pytest tests/soak --soak -q

docs: setup
	NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet
	@echo "build/site/index.html"

lint: setup
	ruff check
	ruff format --check
	mypy
	lint-imports

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find ccfpse cli tests -name __pycache__ -prune -exec rm -rf {} +
