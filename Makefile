# A fresh machine needs Python 3.11 with venv, make and git; everything else is installed into .venv.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := $(shell sed -n '/^torch==/p' constraints.txt)
# Files of tests side by side, each file in one process: what a file sets up for all its tests is set up once.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Compiled modules are kept, also where the surroundings (containers, mostly) say that Python shall write none: tests
# start hundreds of processes, and each would compile all of Labwright again.
test test-faults bench: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-faults bench check check-length dashboard browser clean

help:
	@echo "make demo         a simulated closed-loop campaign, from an empty folder"
	@echo "make test         all tests (but the benchmarks and what takes minutes)"
	@echo "make check        style, types, floors, file lengths"
	@echo "make test-faults  only the tests that kill, cut and corrupt"
	@echo "make bench        the measurements"
	@echo "make dashboard    the operators' pages, on http://127.0.0.1:8501"
	@echo "make setup        only install into $(VENV)"
	@echo "make clean        remove $(VENV), caches and .lab"

setup: $(READY)

# torch goes first and by itself: a range that is resolved together with the rest may choose another build. The CPU
# build is enough; pip's own settings (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL) decide which one it finds.
$(READY): pyproject.toml constraints.txt
	@python=""; \
	for candidate in $(PYTHON) python3.11 python3 python; do \
	    if command -v "$$candidate" >/dev/null 2>&1 && \
	        "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; \
	    then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Labwright needs Python 3.11, and no python3.11 or python3 on PATH is one." >&2; \
	    echo "Install it (Debian 12: apt-get install python3.11-venv; or pyenv, or uv), or say where it is:" >&2; \
	    echo "    make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -m venv $(VENV); then \
	    echo "That Python cannot make a virtual environment (Debian: apt-get install python3.11-venv)." >&2; \
	    exit 1; \
	fi
	@echo "Installing into $(VENV) (2 GB, or 6 GB where pip takes the CUDA build of torch; minutes, once) ..."
	@$(PIP) "$(TORCH)"
	@$(PIP) --constraint constraints.txt --editable ".[all,test,dev]"
	@$(BIN)/python scripts/compile_planner.py
	@touch $(READY)

demo: $(READY)
	@mkdir -p .lab
	$(BIN)/lab run sops/electrolyte_conductivity/campaign.yaml --speed 100 --broker embedded \
	    --db ".lab/demo-$$(date +%Y%m%d-%H%M%S).db" --plot .lab/demo.png

# What the tests of the planner would otherwise wait for one by one, within their time limits.
test: $(READY) browser
	$(BIN)/python scripts/compile_planner.py
	$(BIN)/python -m pytest -m "not bench and not long" $(PARALLEL)

test-faults: $(READY)
	$(BIN)/python -m pytest -m faults

bench: $(READY)
	$(BIN)/python -m pytest -m bench --capture=no

check: $(READY) check-length
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

check-length: $(READY)
	$(BIN)/python scripts/check_file_length.py

dashboard: $(READY)
	$(BIN)/lab dashboard

# Tests marked `ui` drive a real browser. Where it can't be installed they skip (and fail under CI=true).
browser:
	@if ! command -v "$${CHROMIUM:-chromium}" >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] && \
	    command -v apt-get >/dev/null 2>&1; then \
	    echo "Installing Chromium for the browser tests ..."; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } \
	        >/dev/null 2>&1 || echo "Chromium could not be installed; the browser tests will say so." >&2; \
	fi

clean:
	rm -rf $(VENV) build *.egg-info .lab .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
