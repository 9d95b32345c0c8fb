# A newcomer needs two: `make search` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: search test lint bench peers lock clean

search: .venv/ready
	$(BIN)/metaplast search digits

test: .venv/ready
	$(BIN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/pyright

# Every performance comparison; those with PyTorch need `make peers` first.
bench: .venv/ready
	$(BIN)/python benchmarks/performance.py --write docs/performance.md

# What metaplast is compared with, and does not need itself.
peers: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[peers]"

.venv: .venv/ready

# Installs need the network; nothing after them does.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
	  sys.exit(sys.version_info < (3, 11) and f"PYTHON = {v}: metaplast needs 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# Pinned versions for every platform and Python, without addresses. Needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-header \
	  --no-emit-index-url --no-annotate --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
