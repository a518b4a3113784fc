#!/usr/bin/env bash
# Snakemake runs this in the environment that it has just made of meme.yaml: install regulens itself.
#
# REGULENS_PROJECT is set by workflow/rules/common.smk: the folder of the code that parses the workflow. It is installed as
# a link (--editable), so that jobs run the very code whose hash decides what is run again.
set -euo pipefail

project="${REGULENS_PROJECT:?is not set: make the environment with snakemake --sdm conda}"
if [ ! -f "$project/pyproject.toml" ]; then
    echo "$project has no pyproject.toml: install regulens from a clone (pip install --editable), not as a copy" >&2
    exit 1
fi
"$CONDA_PREFIX/bin/python" -m pip install --no-index --no-deps --no-build-isolation --editable "$project"
