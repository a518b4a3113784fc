#!/usr/bin/env bash
# Everything that only a card can tell, in at most 8 minutes on one card: see benchmarks/gpu.py, which gets the options.
#
#     benchmarks/gpu.sh [--output build/gpu.csv] [--tiny]
#
# Needs this checkout, torch, pydantic and rich; rows that need more say which package is missing. Python is $PYTHON, or
# the one of .venv, or python3; where nothing can be installed, packages may be in a folder on $PYTHONPATH.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
command -v "$python" >/dev/null || python=python3
export PYTHONPATH="$root/src${PYTHONPATH:+:$PYTHONPATH}"
exec timeout --kill-after=5 475 "$python" "$root/benchmarks/gpu.py" "$@"
