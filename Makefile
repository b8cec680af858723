# What CI runs is exactly `make test`. Everything works with Python >= 3.10, pip and make alone.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SMOLLM2 := models/smollm2-135m/model.safetensors
OFFLINE := HW7_MODELS=offline TQDM_DISABLE=1
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)
REPORT := build/tests.xml
SKIPPED := build/tests.skipped
SETS ?= oldest pinned newest

.DEFAULT_GOAL := help
.PHONY: help install smollm2 demo test lint types unit nbval lab notebooks tiny-translator constraints
.PHONY: test-slow test-gpu test-browser test-hosts test-matrix mutants fuzz benchmarks clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(INSTALLED) ## create .venv and install the pinned packages
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	@if grep -qs '^uv = ' $(VENV)/pyvenv.cfg; then echo "Using $(VENV), which uv made."; else \
		echo "Creating $(VENV) and installing (about two minutes, 2 GB) ..." && \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --upgrade pip && \
		$(BIN)/python tools/fold_pip.py -c constraints.txt -e '.[test]'; fi
	@$(BIN)/python -m tools.pins
	@touch $@

smollm2: $(SMOLLM2)
$(SMOLLM2): | $(INSTALLED)
	$(BIN)/hw7 download smollm2

demo: $(INSTALLED) $(SMOLLM2) ## execute notebooks 01 to 03 on the offline models into build/
	$(BIN)/hw7 run --models offline -o build

test: $(INSTALLED) $(SMOLLM2) ## lint, types, tests, and every notebook compared with nbval
	$(MAKE) --no-print-directory lint types unit nbval
	@echo "All checks passed: lint, types, tests, notebooks; $$(cat $(SKIPPED)) tests skipped (reasons above)."

lint: $(INSTALLED) ## ruff: lint and format; import-linter: who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(INSTALLED) ## mypy
	$(BIN)/mypy

unit: $(INSTALLED) $(SMOLLM2) ## pytest over tests/
	@echo "Left out here: the longest comparisons with Inseq (make test-slow) and host emulation (make test-hosts)."
	@mkdir -p build
	$(OFFLINE) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --cov --cov-report=term:skip-covered --junitxml=$(REPORT)
	@$(BIN)/python -c 'import sys, xml.etree.ElementTree as tree; print(tree.parse(sys.argv[1]).find("testsuite").get("skipped"))' $(REPORT) > $(SKIPPED)

test-slow: $(INSTALLED) $(SMOLLM2) ## the longest comparisons with Inseq: 60 tokens, every score
	$(OFFLINE) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2

nbval: $(INSTALLED) $(SMOLLM2) ## re-execute the Chinese edition and compare its outputs
	$(OFFLINE) OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval --nbval-current-env --nbval-sanitize-with tools/nbval_sanitize.cfg -n 2 --dist loadscope $(NOTEBOOKS)

test-browser: $(INSTALLED) $(SMOLLM2) ## heatmap and explorer in Chromium and a real JupyterLab
	$(OFFLINE) $(BIN)/python -m pytest -rs tests/browser

test-hosts: $(INSTALLED) $(SMOLLM2) ## released notebooks in environments as Colab and Kaggle have them
	HW7_TEST_HOSTS=1 $(OFFLINE) $(BIN)/python -m pytest -rs -s tests/hosts

test-gpu: $(INSTALLED) $(SMOLLM2) ## what needs CUDA; skips with one reason where there is none
	$(OFFLINE) $(BIN)/python -m pytest -rs -m gpu

test-matrix: $(INSTALLED) $(SMOLLM2) ## core tests and nbval on the oldest, pinned and newest versions
	$(BIN)/python -m tools.version_matrix $(SETS)

mutants: $(INSTALLED) $(SMOLLM2) ## apply each wrong edit of tools/mutants alone: do the tests notice?
	$(BIN)/python -m tools.mutants

fuzz: $(INSTALLED) ## grade 20,000 mutated notebooks under the audit hook
	HW7_FUZZ=20000 $(BIN)/python -m pytest tests/hw7/course/test_grading_audit.py

benchmarks: $(INSTALLED) $(SMOLLM2) ## measure the kit beside Inseq; see benchmarks/
	$(BIN)/python benchmarks/attribution.py
	$(BIN)/python benchmarks/homework.py
	$(BIN)/python benchmarks/rendering.py
	$(BIN)/python benchmarks/grading.py

lab: $(INSTALLED) $(SMOLLM2) ## open JupyterLab on notebooks/
	$(BIN)/jupyter lab notebooks

notebooks: $(INSTALLED) $(SMOLLM2) ## execute all notebooks and store their outputs
	$(BIN)/python -m tools.execute_notebooks

tiny-translator: $(INSTALLED) $(SMOLLM2) ## train the bundled translator again (an hour), and renew what hangs on it
	$(BIN)/python -m tools.train_tiny_translator
	$(BIN)/python -m tools.build_answer_sheet
	$(MAKE) --no-print-directory notebooks

constraints: $(INSTALLED) ## resolve uv.lock anew, and constraints.txt from it, for Python 3.10 and newer
	$(BIN)/uv lock --upgrade
	@mkdir -p build
	$(BIN)/uv export --quiet --frozen --all-extras --no-hashes --no-emit-project --no-annotate -o build/locked.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --all-extras --no-header --no-annotate -c build/locked.txt pyproject.toml -o constraints.txt

clean: ## remove build output; keeps .venv and models/
	rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache .coverage*
