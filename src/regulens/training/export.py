"""A trained model as a folder to give away: weights in ``safetensors``, and a card with data, training and scores.

An assay model is read again by `load_model`. A BERT is a folder as HuggingFace's `transformers` reads it, with its
vocabulary of k-mers, and needs nothing of regulens.
"""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

import regulens
from regulens.core.command import Part, command
from regulens.core.io import atomic_output, file_sum
from regulens.core.kmers import kmer_text, vocabulary_size
from regulens.core.runs import EVIDENCE, EvidenceKind
from regulens.core.statistics import mean_interval
from regulens.core.tables import decimal, interval, markdown_table, read_table
from regulens.core.tensors import read_weight_file
from regulens.models.bert import CLASSIFIER_KIND, load_classifier
from regulens.training.checkpoint import CONTENT, build_from_checkpoint, read_checkpoint

WEIGHTS, CARD = "model.safetensors", "README.md"

METRICS = {"auroc": "AUROC", "mcc": "MCC", "f1": "F1"}
"""Names of scores that are abbreviations."""

LIMITS = {
    "simulated": "It was trained on simulated data: it knows nothing of real genomes, and is of use for tests only.",
    "real": "It is smaller than the paper's model, or was trained on other data: it does not replace that one.",
    "paper": "It was trained on the paper's data, by an implementation that is not the authors'.",
}


@command("export-model")
def export_model(
    model: Path | str,
    /,
    scores: Path | str,
    data_note: Part[str],
    evidence: Part[EvidenceKind],
    label: Part[str],
    output: Path | str,
) -> None:
    """Write a trained model as a folder with `WEIGHTS` and a model card.

    Arguments:
        model: ``model.ckpt`` of an assay model or of a classifier.
        scores: its test scores: correlations of the tracks (`regulens pearson`), or `regulens classifier-metrics`.
        data_note, evidence: what it was trained on.
        label: name of the model or task.
        output: folder to write.
    """
    kind = read_weight_file(model).get("kind")
    with atomic_output(output) as folder:
        folder.mkdir()
        export = _classifier if kind == CLASSIFIER_KIND else _assay_model
        content, use, table = export(model, scores, folder)
        (folder / WEIGHTS).chmod(0o644)  # safetensors writes it for its owner only
        card = _card(label, content, use, table, data_note, evidence, file_sum(folder / WEIGHTS))
        (folder / CARD).write_text(card, encoding="utf-8")


def _assay_model(model: Path | str, scores: Path | str, folder: Path) -> tuple[dict[str, Any], str, str]:
    content = read_checkpoint(model)
    network = build_from_checkpoint(content, model)
    facts = {key: value for key, value in content.items() if key != "state_dict"}
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / WEIGHTS, {CONTENT: json.dumps(facts)})
    geometry, tracks = network.geometry, content["tracks"].count("\n") - 1
    shapes = f"one-hot (N, 4, {geometry.input_bp}), A, C, G, T; (N, {geometry.bins}, {tracks})"
    use = (
        "```python\nimport regulens\n\n"
        f'model = regulens.load_model("{WEIGHTS}")\n'
        f"coverage = model(sequence)  # {shapes}\n"
        "```\n\n"
        f"Input: {geometry.input_bp:,} bp; output: {geometry.bins} bins of {geometry.bin_bp} bp at its centre, "
        f"{tracks:,} tracks, whose table is in the metadata of the file."
    )
    rows = []
    table = read_table(scores, ["group", "pearson"])
    for group, part in [("all", table), *table.groupby("group", sort=False)]:
        values = part["pearson"].dropna()
        limits = mean_interval(values.mean(), values.std(), len(values))
        limits = interval(*limits) if len(values) > 1 else ""
        rows.append([f"{group} ({len(values):,} tracks)", decimal(values.mean()) if len(values) else "", limits])
    note = "Pearson correlation over all bins of the test set, mean over tracks; t interval over tracks."
    return content, use, markdown_table(["Tracks", "r", "95 % interval"], rows, [note])


def _classifier(model: Path | str, scores: Path | str, folder: Path) -> tuple[dict[str, Any], str, str]:
    from transformers import BertTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    network, content = load_classifier(model)
    k = content["settings"]["k"]
    network.config.id2label, network.config.label2id = {0: "negative", 1: "positive"}, {"negative": 0, "positive": 1}
    network.save_pretrained(folder)
    words = {kmer_text(token, k): token for token in range(vocabulary_size(k))}
    tokens = network.config.max_position_embeddings
    BertTokenizer(words, do_lower_case=False, model_max_length=tokens).save_pretrained(folder)
    use = (
        "```python\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
        'tokenizer = AutoTokenizer.from_pretrained(".")\n'
        'model = AutoModelForSequenceClassification.from_pretrained(".")\n'
        f'kmers = " ".join(sequence[i : i + {k}] for i in range(len(sequence) - {k - 1}))\n'
        'probabilities = model(**tokenizer(kmers, return_tensors="pt")).logits.softmax(-1)\n'
        "```\n\n"
        f"Input: {content['length_bp']} bp in capitals, as overlapping {k}-mers."
    )
    table = read_table(scores, ["subset", "row", "metric", "value", "low", "high", "sequences"])
    table = table[(table["row"] == "bert") & (table["subset"] == "all")]
    rows = [
        [METRICS.get(row.metric, row.metric.replace("_", " ")), decimal(row.value), interval(row.low, row.high)]
        for row in table.itertuples()
    ]
    note = f"{int(table['sequences'].max()):,} test sequences; bootstrap intervals over them."
    return content, use, markdown_table(["Score", "Value", "95 % interval"], rows, [note])


def _card(
    label: str, content: dict[str, Any], use: str, table: str, data_note: str, evidence: EvidenceKind, sha256: str
) -> str:
    """The model card: Markdown with the header that model hubs read."""
    training = content.get("training") or {}
    settings = [[f"`{name}`", f"`{value}`"] for name, value in training.items()]
    seed, epoch = content.get("seed"), content.get("epoch")
    kept = f"Seed {seed}, epoch {epoch} kept." if epoch is not None else "The weights were adopted, not trained here."
    parts = [
        "---\nlicense: mit\nlibrary_name: "
        + ("regulens" if "architecture" in content else "transformers")
        + "\ntags: [genomics, regulatory-genomics]\n---",
        f"# {label}",
        use,
        "## Data",
        f"{data_note} ({EVIDENCE[evidence].capitalize()}.)",
        "## Test scores",
        table.rstrip("\n"),
        "## Known limits",
        LIMITS[evidence],
        "## Training",
        kept,
        *([markdown_table(["Setting", "Value"], settings).rstrip("\n")] if settings else []),
        "## Origin",
        f"Made by regulens {content['code_version']}, exported by {regulens.__version__}; weights: sha256 `{sha256}`. "
        "How every file behind it was made: `regulens trace` on this folder in its run.",
    ]
    return "\n\n".join(parts) + "\n"
