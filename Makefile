# make demo | small | report | docs | test | test-all | lint | rehearsal; `make small STUDY=dnabert_lrp` runs one study.
# Each builds .venv from requirements.lock when it is missing or older.
SHELL := /bin/bash
PYTHON ?= python3
STUDY ?= all
VENV := .venv
STAMP := $(VENV)/.built
# Bytecode is kept whatever the environment says: hundreds of commands would each compile the package.
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PYTHONDONTWRITEBYTECODE=
# Of 18,000 files most are never used: the others are compiled when they first are.
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile
SNAKEMAKE := $(RUN) snakemake --profile profiles/local

CONFIG ?= config/demo.yaml
RESULTS = results/$(shell sed -n 's/^run: *//p' $(CONFIG))
PAGE = $(RESULTS)/$(if $(filter all,$(STUDY)),,$(STUDY)/)index.html

.PHONY: demo small run report docs rehearsal paper-dry-run test test-all tests tests-of-workflow tests-of-cluster tests-of-parts lint schema benchmarks clean-venv

demo small: $(STAMP)
	@$(MAKE) --no-print-directory run report CONFIG=config/$@.yaml

run: $(STAMP)
	@$(SNAKEMAKE) $(STUDY) $(PAGE) --configfile $(CONFIG)

# Of a run that is done: Snakemake's own report, beside the page whose address is the last line.
report: $(STAMP)
	@test -f $(PAGE) || { echo "$(PAGE) is not there: run the workflow first, for example by make demo"; exit 1; }
	@$(SNAKEMAKE) $(STUDY) $(PAGE) --configfile $(CONFIG) --report $(dir $(PAGE))report.html --quiet all
	@echo "file://$(CURDIR)/$(PAGE)"

paper-dry-run: $(STAMP)
	@$(SNAKEMAKE) --configfile config/config.yaml --dry-run --quiet rules

docs: $(STAMP) $(VENV)/.docs
	@$(RUN) sphinx-build -c docs/site -b html --fail-on-warning --keep-going --quiet . build/site
	@cp build/site/README.html build/site/index.html
	@echo "file://$(CURDIR)/build/site/index.html"

$(VENV)/.docs: requirements-docs.lock $(STAMP)
	@$(INSTALL) --requirement requirements-docs.lock
	@touch $@

rehearsal: $(STAMP)
	@$(RUN) PYTHONPATH=tests:tests/support python -m rehearsal $(if $(PROFILE),--profile $(PROFILE))

test: $(STAMP)
	@echo "The gate; what is marked exhaustive is left to make test-all, and counted below as deselected."
	@$(MAKE) --no-print-directory tests SELECTED='-m "not exhaustive"'

test-all: $(STAMP)
	@$(MAKE) --no-print-directory tests

# Three processes: one runs and plans the workflow, one waits for a SLURM of one machine, one does everything else.
WORKFLOW := tests/workflow tests/docs
CLUSTER := tests/slurm

tests: $(STAMP)
	@$(MAKE) --no-print-directory --jobs 3 --keep-going tests-of-workflow tests-of-cluster tests-of-parts

# Told as a whole when they are done; those of the parts are told as they run.
tests-of-workflow tests-of-cluster: $(STAMP)
	@said=$$(mktemp); $(RUN) python -m pytest $(if $(@:%cluster=),$(WORKFLOW),$(CLUSTER)) $(SELECTED) --durations 15 \
		> $$said 2>&1; status=$$?; cat $$said; rm $$said; exit $$status

tests-of-parts: $(STAMP)
	@$(RUN) python -m pytest $(addprefix --ignore=,$(WORKFLOW) $(CLUSTER)) $(SELECTED) --durations 15

lint: $(STAMP)
	@$(RUN) ruff check src tests benchmarks
	@$(RUN) ruff format --check src tests benchmarks
	@$(RUN) snakefmt --check Snakefile workflow
	@$(RUN) snakemake --lint --configfile config/demo.yaml
	@$(RUN) regulens schema --check

schema: $(STAMP)
	@$(RUN) regulens schema --write

benchmarks: $(STAMP)
	@for script in $(filter-out benchmarks/gpu.py,$(wildcard benchmarks/*.py)); do $(RUN) python "$$script"; done

$(STAMP): requirements.lock pyproject.toml
	@echo "Building $(VENV) from requirements.lock (about 1 GB, once)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@echo "A dry run of the papers' configuration: what it finds out about the code is remembered"
	@$(RUN) snakemake --dry-run --quiet all --configfile config/config.yaml >/dev/null
	@touch $(STAMP)
