"""Circumstances of a command that its results may depend on: seeds, threads, device; and the memory that it took."""

import os
import resource
import sys
from typing import Any


def seeds(settings: dict[str, Any]) -> int | dict[str, int] | None:
    """Seeds in the settings: the number, or several by their place; None without one."""
    found: dict[str, int] = {}

    def collect(values: Any, place: str) -> None:
        if isinstance(values, dict):
            for name, value in values.items():
                if name == "seed" and isinstance(value, int):
                    found[f"{place}seed"] = value
                else:
                    collect(value, f"{place}{name}.")

    collect(settings, "")
    return next(iter(found.values())) if len(set(found.values())) == 1 else found or None


def threads(arguments: dict[str, Any]) -> int:
    """CPU threads: as asked for, else what OpenMP is told, else as many as there are CPUs to use."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return arguments.get("threads") or (int(told) if told.isdigit() else usable)


def device() -> str:
    """cpu, or the name of the GPU; torch is not imported for the question."""
    torch = sys.modules.get("torch")
    used = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    return f"cuda: {torch.cuda.get_device_name()}" if used else "cpu"


def peak_memory_mb() -> float:
    """The largest memory of this process, or of one that it started, in MB (1e6 bytes)."""
    users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(max(resource.getrusage(user).ru_maxrss for user in users) * unit / 1e6, 1)
