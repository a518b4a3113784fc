"""BERT on k-mers with DNABERT's vocabulary and sizes, in HuggingFace's modules (docs/papers.md, "DNABERT-6").

Input is `core.kmers.token_ids` of sequences of one length: no padding, and therefore no attention mask. Importing this
module does not import transformers, which takes seconds and is needed only to build a BERT.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

import regulens
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.kmers import vocabulary_size
from regulens.core.settings import validated
from regulens.core.tensors import listed, read_weight_file, require_finite, weight_differences, write_tensors
from regulens.models.settings import BertSettings

if TYPE_CHECKING:
    from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel

CLASSIFIER_KIND = "regulens classifier"
"""Kind of file that the ``model.ckpt`` of a classifier states."""

CLASSIFIER_KEYS = {"kind": str, "state_dict": dict, "settings": dict, "length_bp": int}
"""Keys of such a file and their types; any others are facts about the training."""

_OWN_SHARE = 0.1
"""Share of an embedding's variance that is the k-mer's own with ``embedding_init: bases``."""

_LONGEST_SUBSTRING, _OWN_SD = 5, 0.1
"""With ``embedding_init: substrings``: maximum length of shared substrings, and standard deviation of the k-mer's own
part relative to the shared one."""


def build_classifier(settings: BertSettings) -> "BertForSequenceClassification":
    """A classifier of two classes (1 = positive) with new weights, drawn from torch's global random state.

    Takes ``input_ids`` int64 (N, T); ``.logits`` of its output is float32 (N, 2).
    """
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification(_configuration(settings))
    _initialise_embeddings(model.bert, settings)
    return model


def build_masked_model(settings: BertSettings) -> "BertForMaskedLM":
    """The same encoder (without pooler) under a head that predicts masked tokens, with new weights."""
    from transformers import BertForMaskedLM

    model = BertForMaskedLM(_configuration(settings))
    _initialise_embeddings(model.bert, settings)
    return model


def check_length(settings: BertSettings, length_bp: int) -> None:
    """Raise `InputError` unless sequences of ``length_bp`` have at least one k-mer and fit the positions."""
    tokens = length_bp - settings.k + 3
    if length_bp < settings.k:
        raise InputError(f"length_bp: {length_bp} bp are less than one k-mer (k: {settings.k})")
    if tokens > settings.positions:
        raise InputError(
            f"length_bp: {length_bp} bp are {tokens} tokens, the model has positions for {settings.positions}: "
            f"set positions to {tokens} or more, or length_bp to {settings.positions + settings.k - 3} or less"
        )


def load_classifier(path: Path | str) -> tuple["BertForSequenceClassification", dict[str, Any]]:
    """The model of a classifier's ``model.ckpt``, on the CPU in evaluation mode, and the content of the file.

    The content has ``settings`` (of `BertSettings`), ``length_bp`` and the facts that were saved. Raises `InputError`
    for any other or a damaged file.
    """
    content = read_weight_file(path)
    wrong = [key for key, kind in CLASSIFIER_KEYS.items() if not isinstance(content.get(key), kind)]
    if wrong or content["kind"] != CLASSIFIER_KIND:
        raise InputError(
            f"{path}: not the model.ckpt of a classifier of regulens (missing or wrong: {', '.join(wrong) or 'kind'}); "
            "other weights are turned into one by the key tasks.<name>.checkpoint"
        )
    model = build_classifier(validated(BertSettings, content["settings"], f"{path}: settings"))
    if lines := weight_differences(content["state_dict"], model.state_dict()):
        raise InputError(f"{path}: the weights are not those of the settings in the file:{listed(lines)}")
    require_finite(content["state_dict"], path)
    model.load_state_dict(content["state_dict"])
    return model.eval(), content


def save_classifier(
    output: Path | str,
    model: "BertForSequenceClassification",
    weights: dict[str, Tensor],
    settings: BertSettings,
    length_bp: int,
    **facts: Any,
) -> None:
    """Write ``model.ckpt``: weights, and what is needed to build the model and to know its origin.

    ``weights`` is a state dictionary of ``model``; ``facts`` (task, seed, epoch, scores ...) are stored unchanged and
    must be plain values, because the file is read with ``weights_only=True``.
    """
    if lines := weight_differences(weights, model.state_dict()):
        raise ValueError(f"these are not the weights of this model:{listed(lines)}")
    write_weights(
        output, CLASSIFIER_KIND, weights, settings=settings.model_dump(mode="json"), length_bp=length_bp, **facts
    )


def write_weights(output: Path | str, kind: str, weights: dict[str, Tensor], **facts: Any) -> None:
    """Write a file of weights and plain values that `core.tensors.read_weight_file` reads."""
    content = {
        "kind": kind,
        "state_dict": {name: tensor.detach().cpu().clone() for name, tensor in weights.items()},
        "code_version": regulens.__version__,
        **facts,
    }
    with atomic_output(output) as temporary:
        write_tensors(temporary, content)


def class_logits(model: "BertForSequenceClassification", input_ids: Tensor) -> Tensor:
    """The logits (N, 2) of ``model(input_ids)`` in evaluation mode, faster; ``input_ids`` int64 (N, T) without padding.

    The classifier reads the first token, so the last layer computes only that one: 1.35 times as fast with three layers
    of width 96, 1.09 times with twelve of width 768 (measured). Raises `ValueError` for a model in training mode.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval()")
    *layers, last = model.bert.encoder.layer
    hidden = model.bert.embeddings(input_ids)
    for layer in layers:
        hidden = layer(hidden)
    block, first = last.attention.self, hidden[:, :1]

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (block.num_attention_heads, block.attention_head_size)).transpose(1, 2)

    context = scaled_dot_product_attention(
        heads(block.query(first)), heads(block.key(hidden)), heads(block.value(hidden)), scale=block.scaling
    )
    attended = last.attention.output(context.transpose(1, 2).flatten(2), first)
    return model.classifier(model.bert.pooler(last.feed_forward_chunk(attended)))


def _configuration(settings: BertSettings) -> "BertConfig":
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocabulary_size(settings.k),
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        intermediate_size=settings.intermediate,
        max_position_embeddings=settings.positions,
        type_vocab_size=2,
        hidden_act="gelu",
        hidden_dropout_prob=settings.hidden_dropout,
        attention_probs_dropout_prob=settings.attention_dropout,
        initializer_range=settings.init_sd,
        layer_norm_eps=settings.layer_norm_eps,
        num_labels=2,
        attn_implementation="sdpa",
    )


def _initialise_embeddings(bert: "BertModel", settings: BertSettings) -> None:
    """Initialise token embeddings by ``embedding_init`` (k-mers only) and ``embedding_sd``; PAD stays 0."""
    weight, sd = bert.embeddings.word_embeddings.weight, settings.embedding_sd or settings.init_sd
    with torch.no_grad():
        weight *= sd / settings.init_sd
        if settings.embedding_init != "normal":
            sums = {"bases": _sums_of_bases, "substrings": _sums_of_substrings}[settings.embedding_init]
            embeddings = sums(settings.k, settings.hidden)
            weight[-(4**settings.k) :] = sd * embeddings / embeddings.std()


def _sums_of_bases(k: int, hidden: int) -> Tensor:
    """Vectors of the k-mers, (4 ** k, hidden): one random vector for each base at each place, and the k-mer's own."""
    number, vectors = torch.arange(4**k), torch.randn(k, 4, hidden)
    shared = sum(vectors[place, number >> 2 * (k - 1 - place) & 3] for place in range(k)) / k**0.5
    return (1 - _OWN_SHARE) ** 0.5 * shared + _OWN_SHARE**0.5 * torch.randn(shared.shape)


def _sums_of_substrings(k: int, hidden: int) -> Tensor:
    """Vectors of the k-mers, (4 ** k, hidden): one random vector for each stretch of bases, and the k-mer's own.

    Each length of the stretches contributes the same variance between k-mers. A stretch that occurs twice counts twice.
    """
    number, shared = torch.arange(4**k), torch.zeros(4**k, hidden)
    for size in range(1, min(k, _LONGEST_SUBSTRING) + 1):
        vectors = torch.randn(4**size, hidden)
        sums = sum(vectors[number >> 2 * (k - size - place) & 4**size - 1] for place in range(k - size + 1))
        sums = sums - sums.mean(0)
        shared += sums / sums.std()
    return shared / shared.std() + _OWN_SD * torch.randn(shared.shape)
