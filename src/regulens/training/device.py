"""Choice of device and precision."""

import torch

from regulens.core.errors import InputError


def device_kind(accelerator: str, devices: int = 1) -> str:
    """Kind of device, "cpu" or "gpu", for ``auto``, ``cpu`` or ``gpu``; `InputError` if there are fewer GPUs."""
    found = torch.cuda.device_count()
    if accelerator == "cpu" or (accelerator == "auto" and not found):
        return "cpu"
    if devices > found:
        raise InputError(f"{devices} GPU(s) requested, {found} found: lower devices, or set accelerator: cpu")
    return "gpu"


def best_device(accelerator: str = "auto") -> torch.device:
    """Device for inference with a trained model."""
    return torch.device("cuda" if device_kind(accelerator) == "gpu" else "cpu")


def lightning_precision(precision: str, kind: str) -> str:
    """Lightning's name for a value of ``training.precision`` on "cpu" or "gpu"."""
    native = kind == "gpu" and torch.cuda.get_device_capability()[0] >= 8
    return "bf16-mixed" if precision == "bf16" or (precision == "auto" and native) else "32-true"
