# make demo   set up .venv, run the demo's workflow, print the result table
# make test   set up what the tests need, run the fast ones
# make help   all targets
PYTHON ?= python3
VENV ?= .venv
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/pins.txt
PINS := pyproject.toml envs/pins.txt envs/mediapipe.txt envs/mediapipe-needs.txt
RTMLIB := envs/rtmlib.txt envs/rtmlib-needs.txt
EXECUTORS := envs/executors/slurm.txt envs/executors/generic.txt
MMPOSE := envs/mmpose.txt envs/mmpose-needs.txt envs/mmpose-build.txt

.DEFAULT_GOAL := help
.PHONY: help demo videos mmpose hrnet rtmlib executors test alltests torture bench check site package config envs rulegraph clean

help:
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	  f"camfuse needs Python 3.11 to 3.13, found {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python $(PINS)
	@echo "installing what the demo needs into $(VENV) (a few minutes the first time)"
	$(PIP) -e '.[workflow,demo]'
	@touch $@

$(VENV)/.videos: $(VENV)/.demo
	@$(BIN)/python -c 'import sys; sys.exit(None if sys.version_info < (3, 13) else "expected Python 3.11 or 3.12 for \
	  MediaPipe, whose last release with the models inside has no wheel for 3.13: make PYTHON=python3.12 VENV=.venv312 \
	  videos; all else, RTMW by make rtmlib too, runs on 3.13")'
	$(PIP) --no-deps -r envs/mediapipe.txt
	$(PIP) -r envs/mediapipe-needs.txt
	@touch $@

$(VENV)/.mmpose: $(VENV)/.demo $(MMPOSE)
	$(PIP) -r envs/mmpose-needs.txt
	$(PIP) --no-deps --no-build-isolation --no-binary xtcocotools -r envs/mmpose-build.txt
	$(PIP) --no-deps -r envs/mmpose.txt
	@touch $@

$(VENV)/.rtmlib: $(VENV)/.demo $(RTMLIB)
	$(PIP) -r envs/rtmlib-needs.txt
	$(PIP) --no-deps -r envs/rtmlib.txt
	@touch $@

$(VENV)/.test: $(VENV)/.videos $(VENV)/.rtmlib
	$(PIP) -e '.[workflow,demo,test]'
	@touch $@

$(VENV)/.executors: $(VENV)/.test $(EXECUTORS)
	for list in $(EXECUTORS); do $(PIP) --no-deps --upgrade --target $(VENV)/executors/$$(basename $$list .txt) -r $$list; done
	@touch $@

$(VENV)/.check: $(VENV)/.test
	$(PIP) -e '.[workflow,demo,test,check]'
	@touch $@

demo: $(VENV)/.demo ## run the demo: recorded letters of 16 signed languages, 4 to 5 minutes on 2 cores
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml
	@$(BIN)/python -m camfuse results --config config/demo.yaml

videos: $(VENV)/.videos ## install MediaPipe too, for videos of your own (config/videos.yaml)
	@echo "ready: $(BIN)/snakemake --cores $(CORES) --configfile config/videos.yaml"

mmpose: $(VENV)/.mmpose ## install MMPose's HRNet too, the paper's estimator (config/wlasl.yaml); needs a C compiler
	@echo "ready; fetch the weights: $(BIN)/camfuse weights config/wlasl.yaml"

hrnet: mmpose
	@echo "note: the target is called \`make mmpose\` now; \`make hrnet\` goes with the next version"

rtmlib: $(VENV)/.rtmlib ## install RTMW's estimator too, newer and lighter than HRNet (docs/rtmlib.md)
	@echo "ready; name it in your config (pose: {rtmlib: {}}) and fetch the weights: $(BIN)/camfuse weights CONFIG"

executors: $(VENV)/.executors ## install Snakemake's plugins for Slurm and other schedulers, for the tests

test: $(VENV)/.executors ## run the fast tests, about 5 minutes on 2 cores
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

alltests: $(VENV)/.executors ## run the slow ones too: whole workflows, exports, real sets; as CI does
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -m 'not torture'

torture: $(VENV)/.executors ## run the long tests
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -m torture

bench: $(VENV)/.demo ## measure ours beside the peers, row by row: benchmarks/results/bench.md (DATA=folder with real clips)
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.bench $(if $(DATA),--data $(DATA))

check: $(VENV)/.check ## style, types, one-way imports, workflow lint, the documentation's links, known weaknesses
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --configfile config/demo.yaml
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive camfuse
	$(BIN)/python envs/audit.py

site: $(VENV)/.check ## build the documentation into site/ (mkdocs serve shows it while you write)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

package: $(VENV)/.demo ## build the wheel and the source archive into dist/, and check what PyPI would show
	$(PIP) build twine
	rm -rf dist build
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

config: $(VENV)/.demo ## renew config/default.yaml, schema.json and the key table after a change of camfuse/config/
	$(BIN)/python -m camfuse config --write config

envs: $(BIN)/python ## renew envs/*.yaml after a change of envs/; needs Python 3.11 and a package index
	$(BIN)/python envs/environments.py

rulegraph: $(VENV)/.demo ## draw docs/rulegraph.svg; needs Graphviz (apt-get install graphviz)
	@command -v dot >/dev/null || { echo "expected Graphviz's dot on the PATH, found none: apt-get install graphviz"; exit 1; }
	PYTHONHASHSEED=0 $(BIN)/snakemake --rulegraph --configfile config/demo.yaml | dot -Tsvg > docs/rulegraph.svg

clean: ## remove results of runs, not the environment
	rm -rf results .snakemake
