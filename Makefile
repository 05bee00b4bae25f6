# One command name everywhere: people, CI and the docs call these.
#   make run    the main job: a character type becomes a published creator, a photo becomes a character
#   make test   the test suite          make check  format, lint, types, import rules
#   make bench  benchmarks              make soak   200 faults, each followed by a proof (an hour or two)
#   make clean  forget the virtual environment (never the home)

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help install run test check bench soak format clean

help:
	@sed -n 's/^#   //p' Makefile

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt infra/system_libraries.sh
	$(PYTHON) -c 'import sys; sys.exit("f2p needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.11" if not (3, 11) <= sys.version_info[:2] <= (3, 12) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	bash infra/system_libraries.sh $(BIN)/python
	@touch $@

run: $(STAMP)
	$(BIN)/f2p run --character justice_female --recipe quick --photo sample

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m infra.bench

soak: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m infra.soak chaos --injections 200

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
