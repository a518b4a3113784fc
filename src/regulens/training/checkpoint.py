"""The file of a trained assay model, ``model.ckpt``: weights, and what is needed to build the model again.

`adopt_checkpoint` makes one from external weights.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

import regulens
from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import say
from regulens.core.tensors import (
    load_weights,
    read_map,
    read_tensors,
    require_finite,
    say_left_out,
    tensors_of,
    write_tensors,
)
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore
from regulens.data.tracks import tracks_from_text, tracks_to_text
from regulens.models.base import AssayModel, build

_KIND = "regulens assay model"

CONTENT = "regulens"
"""Name, in the metadata of a ``safetensors`` file, of the content of a ``model.ckpt`` without the weights, as JSON."""

_KEYS = {
    "kind": str,
    "state_dict": dict,
    "architecture": str,
    "model_settings": dict,
    "geometry": dict,
    "tracks": str,
    "groups": list,
}


def load_model(path: Path | str) -> AssayModel:
    """The model of a ``model.ckpt``, or of the ``model.safetensors`` that `export_model` makes of it.

    On the CPU, in evaluation mode. Raises `InputError` for a foreign or corrupt file.
    """
    return build_from_checkpoint(read_checkpoint(path), path)


def build_from_checkpoint(content: dict[str, Any], path: Path | str) -> AssayModel:
    """The model in the content of a ``model.ckpt`` that was read from ``path``; see `load_model`."""
    geometry = Geometry(**content["geometry"])
    n_tracks = content["tracks"].count("\n") - 1
    model = build(content["architecture"], content["model_settings"], geometry, n_tracks)
    load_weights(model, content["state_dict"], path, f"{model.architecture} as configured")
    require_finite(content["state_dict"], path)
    return model.eval()


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """The content of a ``model.ckpt``; `InputError` for anything else."""
    content = _load(Path(path))
    wrong = [key for key, kind in _KEYS.items() if not isinstance(content.get(key), kind)]
    if wrong or content["kind"] != _KIND:
        raise InputError(
            f"{path}: not a model.ckpt of regulens (missing or wrong: {', '.join(wrong) or 'kind'}); "
            "plain weights are turned into one by the key models.<name>.checkpoint"
        )
    return content


def save_model(output: Path | str, model: AssayModel, state_dict: dict, store: AssayStore, **facts: Any) -> None:
    """Write ``model.ckpt``: weights, and what is needed to build the model and to know its origin.

    ``store`` gives geometry and tracks; ``facts`` (seed, epoch, scores, settings ...) are stored unchanged and must be
    plain values, because the file is read with ``weights_only=True``.
    """
    content = {
        "kind": _KIND,
        "state_dict": {name: tensor.detach().cpu().clone() for name, tensor in state_dict.items()},
        "architecture": model.architecture,
        "model_settings": model.settings.model_dump(mode="json"),
        "geometry": store.geometry.model_dump(),
        "tracks": tracks_to_text(store.tracks),
        "groups": store.tracks["group"].cat.categories.tolist(),
        "code_version": regulens.__version__,
        **facts,
    }
    with atomic_output(output) as temporary:
        write_tensors(temporary, content)


@command("adopt-checkpoint")
def adopt_checkpoint(
    checkpoint: Path | str,
    /,
    architecture: Part[str],
    settings: Part[dict[str, Any]],
    train: Path | str,
    output: Path | str,
) -> None:
    """Take a trained model instead of training one, after checking that it fits configuration and data.

    ``checkpoint`` (the key ``models.<name>.checkpoint``) is a ``model.ckpt``, which must agree in architecture, model
    settings, geometry and tracks with what is configured, or a file with a state dictionary (see `tensors_of`), which
    must agree in names and shapes; which tracks such a file was trained on cannot be checked.

    ``train`` is the store of the data that the model is for. Raises `InputError` that says what differs.
    """
    content = _load(Path(checkpoint))
    with AssayStore(train) as data:
        model = build(architecture, settings, data.geometry, len(data.tracks))
        if content.get("kind") == _KIND:
            content = read_checkpoint(checkpoint)
            differences = _differences(content, model, data)
            if differences:
                raise InputError(f"{checkpoint} does not fit the configured model:\n  " + "\n  ".join(differences))
            weights = content["state_dict"]
            facts = {key: value for key, value in content.items() if key not in _KEYS and key != "code_version"}
        else:
            (weights, rest), facts = tensors_of(content, checkpoint, model.state_dict()), {"seed": None, "epoch": None}
            say(f"{checkpoint}: plain weights; that they were trained on the configured tracks cannot be checked")
            say_left_out(rest, checkpoint)
        load_weights(model, weights, checkpoint, f"{model.architecture} as configured")
        require_finite(weights, checkpoint)
        save_model(output, model, model.state_dict(), data, **(facts | {"adopted_from": str(checkpoint)}))


def _load(path: Path) -> dict[str, Any]:
    advice = (
        "it must be a file of torch.save with tensors and plain values only; if training wrote it, it is damaged: "
        "delete it and start again"
    )
    return read_map(path, "checkpoint", advice, _exported if path.suffix == ".safetensors" else read_tensors)


def _exported(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        content = json.loads((file.metadata() or {}).get(CONTENT, "{}"))
        return content | {"state_dict": {name: file.get_tensor(name) for name in file.keys()}}  # noqa: SIM118


def _differences(content: dict, model: AssayModel, store: AssayStore) -> list[str]:
    """Differences between a checkpoint and the configured model and its data, one line each."""
    if content["architecture"] != model.architecture:
        return [f"architecture: {content['architecture']}, configured {model.architecture}"]
    pairs = (
        ("geometry", content["geometry"], store.geometry.model_dump()),
        ("model settings", content["model_settings"], model.settings.model_dump(mode="json")),
    )
    lines = [
        f"{what} {key}: {found.get(key)!r}, configured {wanted.get(key)!r}"
        for what, found, wanted in pairs
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]
    return lines + track_differences(content["tracks"], store)


def track_differences(tracks: str, store: AssayStore) -> list[str]:
    """Differences between a model's track table (text) and a store's, in the tracks or their processing.

    Files, descriptions and groups may differ: they do not change what a value means.
    """
    found, wanted = tracks_from_text(tracks, "the checkpoint's tracks"), store.tracks
    if len(found) != len(wanted):
        return [f"tracks: the model predicts {len(found)}, the data have {len(wanted)}"]
    lines = []
    for column in ("identifier", "clip", "clip_soft", "scale", "sum_stat"):
        one, other = found[column], wanted[column]
        different = np.flatnonzero((one != other) & ~(one.isna() & other.isna()))
        if len(different):
            row = different[0]
            more = f" ({len(different)} tracks differ)" if len(different) > 1 else ""
            lines.append(f"track {row}, {column}: {one[row]} in the model, {other[row]} in the data{more}")
    return lines
