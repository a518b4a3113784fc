"""Weights from elsewhere: a pre-trained encoder to start from, a trained classifier to use as it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from regulens.errors import InputError
from regulens.kmers import vocabulary_size
from regulens.models.bert import (
    CLASSIFIER_KEYS,
    CLASSIFIER_KIND,
    BertSettings,
    build_classifier,
    check_length,
    load_classifier,
    save_classifier,
)
from regulens.models.weight_files import listed, read_weight_file, tensors_of, weight_differences
from regulens.training.display import say

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, BertForSequenceClassification

ENCODER_KIND = "regulens masked k-mer encoder"
"""What the file of a pre-trained encoder says it is."""

_BUFFERS = ("position_ids", "token_type_ids")
_POOLER = "pooler."
_FUNCTION = ("k", "layers", "hidden", "heads", "intermediate", "positions", "layer_norm_eps")
"""Settings that decide what weights compute; dropout and initialisation are left out."""


def initialise_from(model: "BertForSequenceClassification | BertForMaskedLM", path: Path | str) -> None:
    """Load the weights of a pre-trained encoder into ``model.bert``; the heads keep what they have.

    ``path`` is a file of this project (from masked k-mers, or a classifier's ``model.ckpt``), or one with HuggingFace's
    names, such as ``pytorch_model.bin`` of ``zhihan1996/DNA_bert_6``, also as ``.safetensors``: with or without the
    prefix ``bert.``, with ``gamma`` and ``beta`` for the layer norms or not. Its own heads are not read. Where the file
    has no pooler, the model keeps its new one, and a line on stderr says so.

    Raises `InputError` for an unreadable file and for one that does not fit, naming the settings to change.
    """
    content = read_weight_file(path)
    found, expected = _encoder(_modern_names(tensors_of(content, path))), model.bert.state_dict()
    pooled = any(name.startswith(_POOLER) for name in found)
    if not pooled or model.bert.pooler is None:
        found = {name: tensor for name, tensor in found.items() if not name.startswith(_POOLER)}
        expected = {name: tensor for name, tensor in expected.items() if not name.startswith(_POOLER)}
    _require_fit(found, expected, path)
    heads = (content.get("settings") or {}).get("heads", model.config.num_attention_heads)
    if heads != model.config.num_attention_heads:
        raise InputError(
            f"{path}: {heads} attention heads, configured {model.config.num_attention_heads}: set heads to {heads}"
        )
    model.bert.load_state_dict(found, strict=False)
    if model.bert.pooler is not None and not pooled:
        say(f"{path} has no pooler: that of the classifier starts from random weights")


def adopt_classifier(
    checkpoint: Path | str, settings: BertSettings, length_bp: int, output: Path | str, **facts: Any
) -> None:
    """Make ``model.ckpt`` from a trained classifier instead of training (the key ``tasks.<name>.checkpoint``).

    ``checkpoint`` is a classifier's ``model.ckpt``, which must agree with the configured sizes and length, or a file
    with HuggingFace's names for a sequence classifier of two classes (as for `initialise_from`, and with or without the
    prefix ``model.``); nothing says what such a file was trained on. ``facts`` are kept in the file.

    Raises `InputError` that says what differs.
    """
    check_length(settings, length_bp)
    content = read_weight_file(checkpoint)
    if content.get("kind") == CLASSIFIER_KIND:
        model, content = load_classifier(checkpoint)
        found = content["settings"] | {"length_bp": content["length_bp"]}
        wanted = settings.model_dump(mode="json") | {"length_bp": length_bp}
        lines = [
            f"{key}: {found[key]} in the file, configured {wanted[key]}"
            for key in (*_FUNCTION, "length_bp")
            if found[key] != wanted[key]
        ]
        if lines:
            raise InputError(f"{checkpoint} does not fit the configured model:\n  " + "\n  ".join(lines))
        known = {key: value for key, value in content.items() if key not in CLASSIFIER_KEYS and key != "code_version"}
    else:
        model, known = build_classifier(settings), {"seed": None, "epoch": None}
        weights = _modern_names(tensors_of(content, checkpoint))
        _require_fit(weights, model.state_dict(), checkpoint, "bert.")
        model.load_state_dict(weights)
        say(f"{checkpoint}: plain weights; what they were trained on cannot be checked")
    facts = known | facts | {"adopted_from": str(checkpoint)}
    save_classifier(output, model, model.state_dict(), settings, length_bp, **facts)


def _modern_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under today's names: without a common prefix ``model.``, old names of layer norms, and buffers."""
    if all(name.startswith("model.") for name in weights):
        weights = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        weights = {name.replace(old, new): tensor for name, tensor in weights.items()}
    return {name: tensor for name, tensor in weights.items() if not name.endswith(_BUFFERS)}


def _encoder(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the encoder, without the prefix ``bert.`` and without those of heads."""
    if any(name.startswith("bert.") for name in weights):
        return {name.removeprefix("bert."): tensor for name, tensor in weights.items() if name.startswith("bert.")}
    return {name: tensor for name, tensor in weights.items() if not name.startswith(("cls.", "classifier."))}


def _require_fit(found: dict[str, Tensor], expected: dict[str, Tensor], path: Path | str, prefix: str = "") -> None:
    lines = weight_differences(found, expected)
    if not lines:
        return
    sizes, wanted = _sizes(found, prefix), _sizes(expected, prefix)
    keys = [f"{key} to {size}" for key, size in sizes.items() if size is not None and size != wanted[key]]
    advice = f"set {', '.join(keys)}" if keys else "it is not a BERT of this kind"
    raise InputError(f"{path} does not fit the model as configured: {advice}{listed(lines)}")


def _sizes(weights: dict[str, Tensor], prefix: str) -> dict[str, int | None]:
    """The settings that the shapes of weights tell; None where the weight is not there or has an odd shape."""

    def length(name: str, axis: int) -> int | None:
        shape = weights[prefix + name].shape if prefix + name in weights else ()
        return shape[axis] if axis < len(shape) else None

    vocabulary = length("embeddings.word_embeddings.weight", 0)
    layers = [
        name.removeprefix(f"{prefix}encoder.layer.").split(".")[0] for name in weights if "encoder.layer." in name
    ]
    return {
        "k": next((k for k in range(1, 9) if vocabulary_size(k) == vocabulary), None),
        "hidden": length("embeddings.word_embeddings.weight", 1),
        "positions": length("embeddings.position_embeddings.weight", 0),
        "intermediate": length("encoder.layer.0.intermediate.dense.bias", 0),
        "layers": len(set(layers)) or None,
    }
