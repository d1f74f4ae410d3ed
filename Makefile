SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help plan status demo test test-quick lint lock pictures clean

VENV := .venv
READY := $(VENV)/ready
PYTHON ?= python3
# uv would rather fill an environment that happens to be active, pip a folder of the user's; other packages would come
# before those of the lock.
unexport VIRTUAL_ENV CONDA_PREFIX PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH
# Every job would compile the project again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_USER := 0
export PYTHONUTF8 := 1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# Of make demo: a file of configs/demo. The core's experiment is called demo, that of another study like the study, but
# that the figures of learning are of fits.
STUDY ?= core
STUDIES := $(patsubst configs/demo/%.yaml,%,$(wildcard configs/demo/*.yaml))
DEMO := results/%/$(if $(filter core,$(STUDY)),demo,$(if $(filter learning,$(STUDY)),fits,$(STUDY)))
DEMO_OPTIONS := --profile profiles/demo --configfile configs/demo/$(STUDY).yaml
# The table that a study ends with: the second line of its file may name another one than the main table.
SHOWN := $(or $(shell sed -n '2s/^# It ends with table_//p' configs/demo/$(STUDY).yaml 2>/dev/null),main)
REPORT := results/report$(if $(filter-out core,$(STUDY)),-$(STUDY)).html
OPTIONS = $(if $(PROFILE),--profile $(PROFILE)) $(if $(CONFIG),--configfile $(CONFIG))

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo; echo "Studies that make demo STUDY=... knows:"
	@for study in $(STUDIES); do printf '%s\t%s\n' $$study "$$(sed -n '1s/^# //p' configs/demo/$$study.yaml)"; done | expand -t 12

demo: $(READY)  ## the core study on the embedded data set, ending with a table; another one: STUDY=...
	@[ -e "configs/demo/$(STUDY).yaml" ] || { echo "error: there is no study '$(STUDY)' to show: take one of $(STUDIES)" >&2; exit 1; }
	@snakemake $(DEMO_OPTIONS)
	@if [ ! -e $(REPORT) ] || [ -n "$$(find results/tables results/figures -newer $(REPORT) -print -quit 2>/dev/null)" ]; then \
		snakemake $(DEMO_OPTIONS) --report $(REPORT); fi
	@echo; for table in $(subst %,tables,$(DEMO))/*/$(SHOWN).txt; do [ ! -e "$$table" ] || { cat "$$table"; echo; }; done
	@echo "report   $(REPORT)"
	@[ ! -d $(subst %,tables,$(DEMO)) ] || echo "tables   $(subst %,tables,$(DEMO))/ (each as csv, md, tex, html, txt)"
	@echo "figures  $(subst %,figures,$(DEMO))/ (each as png, pdf, html)"

plan: $(READY)  ## what is due and what it will take: CONFIG=configs/imagenet.yaml PROFILE=profiles/slurm GPUS=8
	@python scripts/plan.py $(OPTIONS) $(if $(GPUS),--gpus $(GPUS)) $(ARGS)

status: $(READY)  ## how far the run is, and what is left of it: CONFIG and PROFILE as for plan
	@python scripts/plan.py --status $(OPTIONS) $(ARGS)

# Two processes, which take what tests/conftest.py hands out.
PYTEST := python -m pytest -n 2

test: $(READY)  ## all tests
	@$(PYTEST) $(ARGS)

test-quick: $(READY)  ## the tests without whole workflows and others that take long
	@$(PYTEST) -m "not slow" $(ARGS)

lint: $(READY)  ## style of Python and Snakemake code
	@ruff check . && ruff format --check . && snakefmt --check . && snakemake --lint

lock: $(READY)  ## resolve envs/requirements.in into envs/requirements.lock
	@uv pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --excludes envs/excluded.in envs/requirements.in --output-file envs/requirements.lock

pictures: demo  ## the README's pictures, from the demo's results (needs graphviz)
	@cp $(subst %,figures,$(DEMO))/texdigits/accuracy_epsilon.png docs/demo.png
	@cp $(subst %,figures,$(DEMO))/texdigits/samples.png docs/texdigits.png
	@dot -Tpng -Gdpi=144 docs/dag.dot -o docs/dag.png

clean:  ## remove the environment; results stay
	@rm -rf $(VENV)

# uv is pinned with its hashes in the lock itself, so the lock bootstraps its own installer. Compiling to bytecode at
# once makes the first start of every job as quick as the later ones.
$(READY): envs/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is older than 3.11: give another one, as in make demo PYTHON=python3.12" >&2; exit 1; }
	@[ ! -L $(VENV) ] || { echo "error: $(VENV) is a link, and what it leads to would be emptied: remove the link" >&2; exit 1; }
	@echo "installing the locked environment into $(VENV) (some 6 GB, some minutes on a slow connection)"
	@$(PYTHON) -m venv --clear $(VENV)
	@sed -n '/^uv==/,/^[^ ]/p' envs/requirements.lock | sed '/^uv==/!{/^[^ ]/d}' > $(VENV)/uv.lock
	@python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement $(VENV)/uv.lock
	@uv pip sync --python $(VENV)/bin/python --system-certs --quiet --require-hashes --compile-bytecode envs/requirements.lock
	@touch $@
