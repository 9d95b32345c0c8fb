# A newcomer needs two: `make search` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: search test test-examples test-brian2 test-hub lint bench peers spiking-peers lock clean

search: .venv/ready
	$(BIN)/metaplast search digits

test: .venv/ready
	$(BIN)/python -m pytest

# Every example with a table, also those that take half a minute to compile each.
test-examples: .venv/ready
	METAPLAST_EXAMPLES=all $(BIN)/python -m pytest -n 0 tests/examples/test_papers.py

# Spiking cells beside Brian2's, which lives in an environment of its own. Needs the network once.
test-brian2: .venv/ready .venv-brian2/ready
	BRIAN2_PYTHON=.venv-brian2/bin/python $(BIN)/python -m pytest -n 0 tests/core/test_brian2.py

# As the extra `brian2` pins it: the last one for Python 3.11, where it needs NumPy 1.
.venv-brian2/ready:
	$(PYTHON) -m venv .venv-brian2
	.venv-brian2/bin/python -m pip install --quiet --disable-pip-version-check \
	  "brian2==2.9.0" "numpy<2; python_version < '3.12'"
	touch $@

# Data sets of the hub, through their library, which is too large for everyone. Needs the network once.
test-hub: .venv/hub
	$(BIN)/python -m pytest -n 0 -k hub tests/tasks/test_hub.py tests/tasks/test_task_contract.py

.venv/hub: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[hub]"
	touch $@

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/pyright

# Every performance comparison; those with others need `make peers spiking-peers` first.
bench: .venv/ready
	$(BIN)/python benchmarks/performance.py --write docs/performance.md

# What metaplast is compared with, and does not need itself.
peers: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[peers]"

# Spiking simulators, each in an environment in which it works.
spiking-peers: .venv-spiking/ready .venv-brian2/ready

.venv-spiking/ready: pyproject.toml
	$(PYTHON) -m venv .venv-spiking
	.venv-spiking/bin/python -m pip install --quiet --disable-pip-version-check ".[spiking-peers]"
	touch $@

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
	rm -rf .venv .venv-brian2 .venv-spiking build dist .pytest_cache .ruff_cache .hypothesis
