PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUITE := build/suite

# pip takes the build 2.13.0+cpu where it finds it (PIP_FIND_LINKS); the plain one for Linux brings GPU libraries of several GB.
TORCH ?= torch==2.13.0
TORCH_BIN := .venv-torch/bin
TORCH_STAMP := .venv-torch/.installed
TRAINERS_STAMP := .venv-torch/.trainers

DASK_BIN := .venv-dask/bin
DASK_STAMP := .venv-dask/.installed

DOCS_BIN := .venv-docs/bin
DOCS_STAMP := .venv-docs/.installed

.PHONY: setup demo test lint types unit slow-sample coverage slow proofs docs report-tests torch-tests dask-tests trainer-tests torch bench falsify clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV) || { apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: setup
	$(BIN)/dagverify check examples/digits_autoencoder.toml
	$(BIN)/dagverify test examples/digits_autoencoder.toml --examples 25

test: lint types proofs unit torch-tests report-tests docs coverage

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

# The tests run against the wheel, laid out as the checkout is: what is not packaged is not found.
unit: setup
	rm -rf build/lib build/bdist.* $(SUITE)
	$(BIN)/python -m build --wheel --outdir $(SUITE)/dist . > /dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(SUITE) $(SUITE)/dist/*.whl
	tar -c --exclude='./.git' --exclude='./.*cache' --exclude='./.venv*' --exclude=./build --exclude='./*.egg-info' --exclude=./verify --exclude=./dagverify_pytest . | tar -x -C $(SUITE)
	cd $(SUITE) && PYTHONPATH=$$PWD OPENBLAS_NUM_THREADS=1 $(abspath $(BIN))/python -m pytest -q -n auto -m "not slow and not browser"

# Of the tests that take long, a bounded sample, the same every time.
slow-sample: setup
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m slow --sample 12

# What passes is for the whole suite to decide, which is not traced: that takes much longer. These tests are the same every time.
coverage: setup
	mkdir -p build
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m coverage run --data-file=build/coverage --source=verify,dagverify_pytest -m pytest -q --sample 60 -m "not slow and not browser" || test $$? -eq 1
	@echo "coverage: 60 tests of the suite reach $$($(BIN)/python -m coverage report --data-file=build/coverage --format=total) % of the package's lines"

slow: setup
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m slow

proofs:
	bash proofs_notes/check.sh

docs: setup $(DOCS_STAMP)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m docs.build_site
	$(DOCS_BIN)/zensical build --strict --clean --config-file build/docs/zensical.toml > build/docs/log 2>&1; code=$$?; cat build/docs/log; exit $$code
	! grep -in -e '^griffe:' -e warning build/docs/log
	$(BIN)/python -m docs.site_check

$(DOCS_STAMP): docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	$(DOCS_BIN)/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	touch $@

# Where Debian's packages cannot be had, its tests are skipped, and say so.
report-tests: setup
	command -v chromium >/dev/null && command -v chromedriver >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium chromium-driver; } || echo "NOT TESTED: the pages in a browser; chromium and chromium-driver could not be installed" >&2
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -m browser tests/reports

torch-tests: $(TORCH_STAMP)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(TORCH_BIN)/python -m pytest -q -n auto -m "not slow" tests/torch tests/zoo tests/spec/test_parquet.py verify/torch verify/importers/torch

dask-tests: $(DASK_STAMP)
	OPENBLAS_NUM_THREADS=1 $(DASK_BIN)/python -m pytest -q tests/workers

$(DASK_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-dask
	$(DASK_BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dask]'
	touch $@

# Apart from torch-tests: the trainers' libraries take longer to install and to import than their tests run.
trainer-tests: $(TRAINERS_STAMP)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(TORCH_BIN)/python -m pytest -q tests/trainers

$(TRAINERS_STAMP): $(TORCH_STAMP)
	$(TORCH_BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[lightning,hugging-face,tensorboard]'
	touch $@

torch: torch-tests
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(TORCH_BIN)/python -m pytest -q -n auto -m slow tests/torch tests/zoo
	$(TORCH_BIN)/python examples/torch_monitor.py
	OPENBLAS_NUM_THREADS=1 $(TORCH_BIN)/python benchmarks/torch_training.py --out benchmarks/torch.md

$(TORCH_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-torch
	$(TORCH_BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile '$(TORCH)' pytest-xdist -e '.[torch,tables,report]'
	touch $@

bench: setup
	$(BIN)/python benchmarks/hessian.py --out benchmarks/hessian.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/segment.py --peer make --out benchmarks/segment.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/training.py --peer make --out benchmarks/training.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/training_directions.py --out benchmarks/training_directions.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/training_memory.py --out benchmarks/training_memory.md
	$(BIN)/python benchmarks/certificates.py > benchmarks/certificates.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/small_specs.py --out benchmarks/small_specs.md
	$(BIN)/python benchmarks/coq_step.py

falsify: setup
	$(BIN)/dagverify campaign --networks 2000 --steps 130000 --heavy-ball 10000 --attacks 102000 --out falsify.jsonl
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/training_kills.py --out benchmarks/training_kills.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/races.py --out benchmarks/races.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/training_recheck.py --out benchmarks/training_recheck.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/step_ranges.py --problems 200
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/arithmetic.py --out benchmarks/arithmetic.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/falsify_certificates.py > benchmarks/mutations.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/falsify_graph_certificates.py --mutants 2000 > benchmarks/graph_mutations.md
	$(BIN)/python benchmarks/malformed.py --inputs 10000 > benchmarks/malformed.md
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/api_fuzz.py --calls 50000 --out benchmarks/api_fuzz.md

clean:
	rm -rf $(VENV) .venv-torch .venv-dask .venv-docs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
