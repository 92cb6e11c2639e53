# The only spelling of each command; README, CONTRIBUTING and the continuous integration call these.
#
# In: PYTHON (an interpreter of 3.11 or newer; default python3) and cargo. Out: everything lives in .venv
# and target, and nothing outside of this folder is changed. Stamp files make repeated calls quick.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUB := python/creditcore/_core.pyi
FRESH := .check/stubs/creditcore/_core.pyi

FUZZ_SECONDS ?= 300
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard rust/fuzz/targets/*.rs)))

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Every pip, also the one that maturin calls, takes the versions of the lock file.
export PIP_CONSTRAINT := $(CURDIR)/requirements.lock
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One interpreter for every build of the extension module, so that cargo need not build it twice.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
# What the module is built from. A changed file of Python code needs no build: the install is editable.
SOURCES := $(shell find rust -path rust/fuzz -prune -o \( -name '*.rs' -o -name 'Cargo.toml' -o -name '*.csv' \) -print 2>/dev/null)

.PHONY: help setup build demo test test-rust test-python test-parity test-faults test-spark test-spark-oldest check bench fuzz miri stubs lock clean

help:  ## show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

setup: $(VENV)/.stamp-build $(VENV)/.stamp-test $(VENV)/.stamp-check  ## install the tools into .venv

build: $(VENV)/.stamp-extension  ## build the extension module and install the package into .venv

demo: build  ## rank the cities of a made-up country and a file of real clients
	$(BIN)/creditcore demo

test: test-rust test-python  ## run all tests but those against other systems

test-rust:
	cargo test --locked --quiet --workspace --exclude creditcore-py

# Tests on Spark run where there is a JDK.
SPARK := $(if $(shell command -v java),$(VENV)/.stamp-spark)

# A process for each core; benchmarks are not among the tests.
test-python: build $(VENV)/.stamp-test $(SPARK)
	$(BIN)/python -m pytest -q -p no:benchmark -n auto --dist loadgroup \
		-m "not parity and not faults and not cluster"

test-faults: build $(VENV)/.stamp-test  ## kill portfolios at hundreds of points, refuse their writes
	$(BIN)/python -m pytest -q -m faults tests/portfolio

# Needs a JDK of version 17: a standalone master with two workers, Spark Connect.
test-spark: build $(VENV)/.stamp-test $(VENV)/.stamp-spark  ## Spark on a cluster of processes, whose executors are killed
	CREDITCORE_REQUIRE=spark $(BIN)/python -m pytest -q -m cluster tests/cluster

# The oldest Spark that is let in lies before the other on the path. It warns of parts of Python that are to go.
test-spark-oldest: build $(VENV)/.stamp-test $(VENV)/.stamp-parity $(VENV)/.stamp-spark $(VENV)/.stamp-spark-oldest  ## the tests on Spark with 3.5
	CREDITCORE_REQUIRE=spark PYTHONPATH=$(CURDIR)/$(VENV)/spark-oldest $(BIN)/python -m pytest -q -p no:benchmark \
		-W ignore::DeprecationWarning -W ignore::ResourceWarning -W ignore::pytest.PytestUnraisableExceptionWarning \
		-m "spark and not cluster" tests/spark

test-parity: build $(VENV)/.stamp-test $(VENV)/.stamp-bench $(VENV)/.stamp-parity $(SPARK)  ## compare with other systems
	$(BIN)/python -m pytest -q -m parity

check: build setup $(FRESH)  ## style, types, stubs, licences
	cargo fmt --all --check
	cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	diff -u $(STUB) $(FRESH) || { echo '`$(STUB)` is behind the built module; run `make stubs`' >&2; exit 1; }
	MYPYPATH=python $(BIN)/python -m mypy.stubtest creditcore._core
	$(BIN)/python -m mypy $(wildcard python tests benches)
	$(BIN)/python -m pytest -q tests/laws

bench: build $(VENV)/.stamp-test $(VENV)/.stamp-bench $(VENV)/.stamp-rivals  ## measure, against other systems
	cargo bench --locked --quiet -p creditcore-kernels
	$(BIN)/python -m pytest benches --benchmark-only

fuzz: build .check/tools/bin/cargo-fuzz  ## throw broken bytes at whatever is parsed; FUZZ_SECONDS for each target
	$(BIN)/python rust/fuzz/seeds.py .check/corpus
	for target in $(FUZZ_TARGETS); do \
		echo "== $$target"; \
		mkdir -p .check/found/$$target; \
		.check/tools/bin/cargo-fuzz run --fuzz-dir rust/fuzz --sanitizer none $$target \
			.check/found/$$target .check/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -max_len=262144 -verbosity=0; \
	done

# A nightly toolchain with the component `miri`; a function of mathematics errs there by nothing drawn at random.
miri:  ## the kernels' tests under Miri, which watches every access (some 10 minutes)
	MIRIFLAGS=-Zmiri-deterministic-floats cargo +nightly miri test --locked --quiet \
		--target-dir target/miri -p creditcore-kernels --lib

.check/tools/bin/cargo-fuzz:
	cargo install --quiet --locked cargo-fuzz --root .check/tools

stubs: $(FRESH)  ## write the types of the extension module
	cp $(FRESH) $(STUB)

lock: $(VENV)/.stamp-build  ## resolve the versions in requirements.lock anew
	PIP_CONSTRAINT= $(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --no-header --no-emit-index-url --upgrade \
		--group build --group test --group check --group bench --group parity --group rivals --group spark -o requirements.lock pyproject.toml

clean:  ## remove everything that was built
	rm -rf target rust/fuzz/target $(VENV) .check .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(wildcard python tests benches) -name __pycache__ -prune -exec rm -rf {} +
	find python -name '*.so' -delete

$(VENV)/.stamp-venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed: set PYTHON")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	touch $@

$(VENV)/.stamp-build $(VENV)/.stamp-test $(VENV)/.stamp-check $(VENV)/.stamp-bench $(VENV)/.stamp-parity \
$(VENV)/.stamp-rivals $(VENV)/.stamp-spark: \
$(VENV)/.stamp-%: requirements.lock pyproject.toml | $(VENV)/.stamp-venv
	$(BIN)/python -m pip install -q --group $*
	touch $@

$(VENV)/.stamp-spark-oldest: | $(VENV)/.stamp-venv
	PIP_CONSTRAINT= $(BIN)/python -m pip install -q --target $(VENV)/spark-oldest 'pyspark==3.5.*'
	touch $@

$(VENV)/.stamp-extension: $(SOURCES) Cargo.toml Cargo.lock pyproject.toml | $(VENV)/.stamp-build
	$(BIN)/maturin develop --quiet --release --locked
	touch $@

# The types are read out of the module as it was built, so they cannot drift from it. `types` has CapsuleType
# from Python 3.13 on only; the typing extensions are known to every type checker.
$(FRESH): $(VENV)/.stamp-extension | $(VENV)/.stamp-check
	rm -rf .check/stubs
	$(BIN)/maturin generate-stubs --quiet --locked --profile release --out .check/stubs
	sed -i -e 's/^from types import CapsuleType$$/from typing_extensions import CapsuleType/' \
		-e '1i # Generated from the built module by `make stubs`; do not edit.' $@
	$(BIN)/ruff format --quiet --isolated --line-length 110 $@
