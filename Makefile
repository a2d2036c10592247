# Only Python >= 3.11 and make are assumed. A second call reuses the environment, without network.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Processes that share the tests; each computes on one thread.
WORKERS ?= 2
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

# Idle OpenMP threads sleep instead of spinning: on a busy machine spinning costs many times the work.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test test-slow test-peers lint bench clean

## demo: make the environment and run the main job on the shipped data (runs/demo/)
demo: $(VENV)/.installed
	$(BIN)/mixednoise demo --out runs/demo --overwrite

## test: make the environment, check style and types, pass the tests
test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest -n $(WORKERS)

## test-slow: the tests that take minutes or need real data (MIXEDNOISE_DATA names the folder)
test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "slow or real_data"

## test-peers: other tools' own libraries read what is exported, in an environment of their own
test-peers:
	$(MAKE) VENV=.venv-peers .venv-peers/.installed-peers
	.venv-peers/bin/python -m pytest tests/exchange tests/segmentation/test_export_nnunet.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

## bench: the speed ratios of docs/benchmarks/speed.md, measured side by side
bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/mixture.py
	$(BIN)/python benchmarks/store_build.py
	$(BIN)/python benchmarks/epoch_overhead.py
	$(BIN)/python benchmarks/training_memory.py
	$(BIN)/python benchmarks/mask_errors.py
	$(BIN)/python benchmarks/segmentation_step.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[review]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[dev]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-peers: $(VENV)/.installed-dev tests/peers.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --requirement tests/peers.txt
	@touch $@

clean:
	rm -rf $(VENV) .venv-peers .pytest_cache .mypy_cache .ruff_cache
