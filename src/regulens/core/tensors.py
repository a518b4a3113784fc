"""Files of tensors (``torch.save``), byte-identical for the same content, and checks that weights fit a model."""

import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from regulens.core.errors import InputError
from regulens.core.progress import say

_SHOWN = 6


def write_tensors(path: Path | str, content: Any) -> None:
    """Write a file of ``torch.save``; given a path, ``torch.save`` itself would store the path's name in the file."""
    with open(path, "wb") as file:
        torch.save(content, file)


def read_tensors(path: Path | str) -> Any:
    """The content of a file of ``torch.save`` (tensors and plain values only), on the CPU.

    PyTorch does not verify the checksums that it writes, so a changed byte would be a changed weight. Raises
    `ValueError` for a wrong checksum, `FileNotFoundError`, and any error that a damaged or foreign file leads to.
    """
    if zipfile.is_zipfile(path):  # the format before PyTorch 1.6 has no checksums
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
        if wrong is not None:
            raise ValueError(f"the checksum of {wrong} is wrong")
    return torch.load(path, map_location="cpu", weights_only=True)


def read_weight_file(path: Path | str) -> dict[str, Any]:
    """Contents of a file of ``torch.save`` (tensors and plain values only) or ``safetensors``, by its suffix.

    Tensors are on the CPU. Raises `InputError` for a file that is missing, damaged or of another kind.
    """
    advice = "it must be a file of torch.save with tensors and plain values only, or a .safetensors file"
    return read_map(
        path, "file of weights", advice, _safetensors if Path(path).suffix == ".safetensors" else read_tensors
    )


def _safetensors(path: Path | str) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def read_map(
    path: Path | str, what: str, advice: str, read: Callable[[Path | str], Any] = read_tensors
) -> dict[str, Any]:
    """The map that ``read`` finds in a file; ``what`` it is and ``advice`` are for the message.

    Raises `InputError` for a file that is missing, unreadable, or holds something else than a map.
    """
    try:
        content = read(path)
    except FileNotFoundError:
        raise InputError(f"{path}: the {what} does not exist") from None
    except Exception as error:  # a foreign or damaged file fails in many ways
        raise InputError(f"{path}: not a readable {what} ({type(error).__name__}); {advice}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a {what}: it contains a {type(content).__name__} instead of a map")
    return content


def tensors_of(
    content: Mapping[str, Any], path: Path | str, expected: Collection[str]
) -> tuple[dict[str, Tensor], list[str]]:
    """The state dictionary in a file's content (itself, or its entry ``state_dict``), by a model's ``expected`` names.

    The prefix under which most of these names are is taken off, whatever wrapped the model when it was saved:
    ``model.`` of Lightning, ``module.`` of DistributedDataParallel, several of them; ``_orig_mod.`` of torch.compile
    anywhere. Tensors outside of the prefix, such as a metric's, are left out; the second value is their names.

    Raises `InputError` for values that are not tensors, and if several prefixes have the names with different values.
    """
    content = content.get("state_dict", content)
    if not isinstance(content, Mapping) or not content or not all(map(torch.is_tensor, content.values())):
        raise InputError(f"{path}: neither a model file of regulens nor a state dictionary of tensors")
    names = {name: name.replace("_orig_mod.", "") for name in content}
    under: dict[str, dict[str, Tensor]] = {"": {}}  # the first of equals wins: no prefix if nothing fits
    for full, name in names.items():
        for start in [0, *(place + 1 for place, letter in enumerate(name) if letter == ".")]:
            if name[start:] in expected:
                under.setdefault(name[:start], {})[name[start:]] = content[full]
    most = max(map(len, under.values()))
    prefix, *others = [prefix for prefix, found in under.items() if len(found) == most]
    for other in others:
        if not all(key in under[other] and torch.equal(under[other][key], each) for key, each in under[prefix].items()):
            raise InputError(
                f"{path}: two sets of these weights, {prefix}... and {other}...: keep one of them in the file"
            )
    weights = {name.removeprefix(prefix): content[full] for full, name in names.items() if name.startswith(prefix)}
    return weights, [full for full, name in names.items() if not name.startswith(prefix)]


def say_left_out(names: list[str], path: Path | str) -> None:
    """Say which tensors of a file are not part of the model."""
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        say(f"{path}: not part of the model, left out: {', '.join(names[:3])}{more}")


def require_finite(weights: Mapping[str, Any], path: Path | str) -> None:
    """Raise `InputError` naming the first tensor with a value that is NaN or infinite."""
    for name, tensor in weights.items():
        if wrong := int((~torch.isfinite(tensor)).sum()):
            raise InputError(
                f"{path}: {wrong:,} of {tensor.numel():,} values of {name} are not finite numbers (NaN or infinite): "
                "whatever wrote it had diverged; use an earlier checkpoint"
            )


def load_weights(model: nn.Module, weights: Mapping[str, Any], path: Path | str, what: str) -> None:
    """Load a state dictionary that was read from ``path``; ``what`` says what it must fit, for messages.

    Raises `InputError` with the first differences in names and shapes.
    """
    lines = weight_differences(weights, model.state_dict())
    if lines:
        raise InputError(f"{path}: {len(lines)} weights do not fit {what}:{listed(lines)}")
    model.load_state_dict(weights)


def weight_differences(found: Mapping[str, Any], expected: Mapping[str, Tensor]) -> list[str]:
    """Differences in names and shapes, one line each; `listed` turns them into text for a message."""
    shapes = {name: getattr(found[name], "shape", None) for name in expected if name in found}
    lines = [
        f"{name}: shape {shape and tuple(shape)}, the model has {tuple(expected[name].shape)}"
        for name, shape in shapes.items()
        if shape != expected[name].shape
    ]
    lines += [f"missing: {name}" for name in sorted(expected.keys() - found.keys())]
    return lines + [f"unknown: {name}" for name in sorted(found.keys() - expected.keys())]


def listed(lines: list[str]) -> str:
    """The first lines, indented for a message, followed by ``...`` if there are more."""
    return "\n  ".join(["", *lines[:_SHOWN], *["..."] * (len(lines) > _SHOWN)])
