# make demo | small | test | lint; `make small STUDY=dnabert_lrp` runs one study.
# Each builds .venv from requirements.lock when it is missing or older.
SHELL := /bin/bash
PYTHON ?= python3
STUDY ?= all
VENV := .venv
STAMP := $(VENV)/.built
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
SNAKEMAKE := $(RUN) snakemake --profile profiles/local

.PHONY: demo small paper-dry-run test lint schema benchmarks clean-venv

demo: $(STAMP)
	@$(SNAKEMAKE) $(STUDY) --configfile config/demo.yaml

small: $(STAMP)
	@$(SNAKEMAKE) $(STUDY) --configfile config/small.yaml

paper-dry-run: $(STAMP)
	@$(SNAKEMAKE) --configfile config/config.yaml --dry-run --quiet rules

test: $(STAMP)
	@$(RUN) python -m pytest

lint: $(STAMP)
	@$(RUN) ruff check src tests benchmarks
	@$(RUN) ruff format --check src tests benchmarks
	@$(RUN) snakefmt --check Snakefile workflow
	@$(RUN) snakemake --lint --configfile config/demo.yaml
	@$(RUN) regulens schema --check

schema: $(STAMP)
	@$(RUN) regulens schema --write

benchmarks: $(STAMP)
	@for script in benchmarks/*.py; do $(RUN) python "$$script"; done

$(STAMP): requirements.lock pyproject.toml
	@echo "Building $(VENV) from requirements.lock (about 1 GB, once)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Compiling the motif comparison (a minute or two, once)"
	@$(RUN) regulens compile-memelite --engine auto --output $(VENV)/memelite.txt
	@touch $(STAMP)
