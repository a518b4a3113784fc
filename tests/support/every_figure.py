"""Every figure of the three studies, drawn from small inputs with the structure of real ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from figure_inputs import (
    write_architectures,
    write_attention,
    write_distances,
    write_logs,
    write_runs,
)
from hybrid_inputs import paper_architectures, results_table
from matplotlib.figure import Figure
from score_inputs import CLASS_NAMES, SCORES, agreement_table, curves_table, truth_table, write_task_tables

from regulens.core.tables import read_correlations, read_runs
from regulens.data.matrices import PositionWeightMatrix
from regulens.data.settings import Geometry
from regulens.interpret.settings import SaliencySettings
from regulens.models.settings import HybridNetworkSettings, HybridSizes
from regulens.plotting.style import model_colour
from regulens.studies.dnabert_lrp.motif_logos import Match, TopMotif, motif_figure
from regulens.studies.dnabert_lrp.mutagenesis_curves import curves_figure
from regulens.studies.dnabert_lrp.relevance_by_position import position_figure
from regulens.studies.dnabert_lrp.relevance_logo import Example, logo_figure
from regulens.studies.dnabert_lrp.score_agreement import agreement_figure, read_agreements
from regulens.studies.dnabert_lrp.table1 import read_curves
from regulens.studies.dnabert_lrp.truth import read_truth, truth_figure
from regulens.studies.genomic_interpreter.architectures import read_architectures
from regulens.studies.genomic_interpreter.attention import AttentionFile
from regulens.studies.genomic_interpreter.attention_distance_plot import distance_figure
from regulens.studies.genomic_interpreter.figure1 import genomic_interpreter_figure
from regulens.studies.genomic_interpreter.figure2 import correlation_figure
from regulens.studies.genomic_interpreter.figure3 import Profile, profile_figure
from regulens.studies.genomic_interpreter.figure4 import heads_figure, layers_figure
from regulens.studies.genomic_interpreter.figure5 import comparison_figure
from regulens.studies.genomic_interpreter.figure6 import windows_figure
from regulens.studies.genomic_interpreter.figure7 import zoom_figure
from regulens.studies.hybrid_networks.activation_scatter import activation_scatter
from regulens.studies.hybrid_networks.figure1 import architecture_figure
from regulens.studies.hybrid_networks.figure2 import METRICS as TASK1
from regulens.studies.hybrid_networks.figure3 import METRICS as TASK2
from regulens.studies.hybrid_networks.filters import Filter, filter_figure
from regulens.studies.hybrid_networks.saliency_logo import SaliencyExample, Track, saliency_figure
from regulens.studies.hybrid_networks.training_curves import TrialLog
from regulens.studies.hybrid_networks.training_curves import curves_figure as trials_figure
from regulens.studies.loss_curves import CLASSES, MASKED_KMERS, loss_figure

LENGTH = 200
Figures = dict[str, Callable[[], Figure]]


def every_figure(folder: Path) -> Figures:
    """Name to what draws it; with one task, too, where that is one column wide."""
    return {**_genomic_interpreter(folder), **_dnabert_lrp(folder), **_hybrid_networks()}


def _genomic_interpreter(folder: Path) -> Figures:
    geometry = Geometry(input_bp=6144, bins=32, bin_bp=128)
    stages = read_architectures(write_architectures(folder / "architectures.csv", geometry, 9))
    correlations = read_correlations(write_runs(folder / "pearson", seeds=(1, 2)))
    attention = AttentionFile(write_attention(folder / "attention.h5"))
    narrow = AttentionFile(write_attention(folder / "narrow.h5", heads=2))
    random = np.random.default_rng(1)
    curves = {label: random.gamma(1, 2, 32) for label in ("1D-Swin", "Enformer")}
    profile = Profile("CNhs1, CAGE:sample", "chr6", 33_000_000, 128, random.gamma(1, 3, 32), curves)
    colours = {"1D-Swin": model_colour("swin1d"), "Enformer": model_colour("enformer")}
    logs = read_runs(write_logs(folder / "logs", epochs=6), ["epoch"])
    distances = pd.read_csv(write_distances(folder / "distances.csv"))
    return {
        "figure1": lambda: genomic_interpreter_figure(stages, "swin1d"),
        "figure2": lambda: correlation_figure(correlations, "swin1d"),
        "figure3": lambda: profile_figure(profile, colours),
        "figure4a": lambda: layers_figure(attention),
        "figure4b": lambda: heads_figure(attention, 8),
        "figure5": lambda: comparison_figure(stages, "swin1d"),
        "figure6": lambda: windows_figure(attention, 6),
        "figure6_two_heads": lambda: windows_figure(narrow, 6),
        "figure7": lambda: zoom_figure(attention, 5),
        "attention_distance": lambda: distance_figure(distances),
        "loss_curves": lambda: loss_figure(logs),
    }


def _dnabert_lrp(folder: Path) -> Figures:
    curves = read_curves(write_task_tables(folder / "curves", curves_table, seeds=(1, 2)))
    agreements = read_agreements(write_task_tables(folder / "agreement", agreement_table))
    truths = read_truth(write_task_tables(folder / "truth", truth_table))
    logs = pd.concat(
        pd.DataFrame({"model": task, "label": task.title(), "seed": 1, **_log()}) for task in ("promoters", "enhancers")
    )

    def one(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["task"] == "promoters"]

    return {
        "mutagenesis": lambda: curves_figure(curves, 1, CLASS_NAMES),
        "mutagenesis_one_task": lambda: curves_figure(one(curves), 0, CLASS_NAMES),
        "agreement": lambda: agreement_figure(agreements, CLASS_NAMES),
        "agreement_one_task": lambda: agreement_figure(one(agreements), CLASS_NAMES),
        "truth": lambda: truth_figure(truths),
        "truth_one_task": lambda: truth_figure(one(truths)),
        "positions": lambda: position_figure(*_positions()),
        "relevance": lambda: logo_figure(_example(), CLASS_NAMES["promoters"]),
        "motif_logos": lambda: motif_figure(_top_motifs()),
        "fine_tuning": lambda: loss_figure(logs, quantities=CLASSES),
        "pretraining": lambda: loss_figure(logs[logs["model"] == "promoters"], quantities=MASKED_KMERS),
    }


def _hybrid_networks() -> Figures:
    architectures = paper_architectures()
    networks = {
        name: HybridNetworkSettings(baseline=design.baseline, modules=design.modules, sizes=HybridSizes(), classes=12)
        for name, design in architectures.items()
    }
    runs = [
        TrialLog(name, design.label, design.baseline, activation, "log.csv")
        for name, design in architectures.items()
        for activation in ("relu", "exponential")
    ]
    logs = pd.concat(
        pd.DataFrame({"architecture": run.architecture, "activation": run.activation, "trial": 0, **_log()})
        for run in runs
    ).rename(columns={"valid_accuracy": "score"})
    motif = _matrix("MA0001.1", 12)
    filters = [Filter(number, motif, 40 * number, number, "CTCF", 1e-5, "", number > 2) for number in range(6)]
    return {
        "hybrid_figure1": lambda: architecture_figure(architectures, {"Task 1": networks}),
        "hybrid_figure2": lambda: activation_scatter(results_table("task1", 3, 10), TASK1),
        "hybrid_figure3": lambda: activation_scatter(results_table("task2", 3, 10).query("baseline == 'c24'"), TASK2),
        "filters": lambda: filter_figure(filters, "C24, ReLU", 0),
        "saliency": lambda: saliency_figure(_saliency(), "C24"),
        "training": lambda: trials_figure(runs, logs),
        "training_one_baseline": lambda: trials_figure(runs[:2], logs[logs["architecture"] == runs[0].architecture]),
    }


def _positions() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Enrichment at a place and relevance by position, for every score and two seeds."""
    random = np.random.default_rng(7)
    keys = [(score, seed) for score in SCORES for seed in (1, 2)]
    front = [{"task": "tata", "task_label": "TATA promoters", "seed": seed, "score": score} for score, seed in keys]
    table = pd.DataFrame([row | {"place": "TATA box", "start": 116, "end": 128} for row in front])
    profiles = [
        pd.DataFrame(row | {"position": np.arange(200), "relevance": random.gamma(50, 0.02, 200)}) for row in front
    ]
    return table, pd.concat(profiles)


def _log(epochs: int = 6) -> dict[str, np.ndarray]:
    epoch = np.arange(1, epochs + 1)
    loss = np.exp(-epoch / 3)
    return {"epoch": epoch, "train_loss": loss, "valid_loss": loss + 0.1, "valid_accuracy": 0.9 - 0.3 * loss}


def _matrix(identifier: str, width: int) -> PositionWeightMatrix:
    probabilities = np.random.default_rng(width).dirichlet([0.3] * 4, width)
    return PositionWeightMatrix("TBP", identifier, probabilities)


def _top_motifs() -> list[TopMotif]:
    match = Match(_matrix("MA0108.2", 10), -3, "-", 2e-9, "TATA-binding proteins")
    found = TopMotif("LRP", _matrix("lrp_2_ATAAA", 20), 209, match, "")
    return [found, found._replace(label="Attention", match=None, note="no match"), found._replace(label="Rollout")]


def _example() -> Example:
    random = np.random.default_rng(3)
    codes = random.integers(0, 4, LENGTH)
    scores = {name: random.normal(0, 1, LENGTH) for name in SCORES}
    rows = [("s1", 20, 36, "SP1", "+", "positive"), ("s1", 60, 75, "FOXA1", "-", "negative")]
    rows += [("s1", 120, 140, "TBP", "+", "shared")]
    sites = pd.DataFrame(rows, columns=["id", "start", "end", "motif", "strand", "role"])
    return Example("s1", 0, 1, 1, 0.9, 1, codes, scores, sites)


def _saliency() -> SaliencyExample:
    random = np.random.default_rng(4)
    signal = np.zeros(LENGTH, dtype=bool)
    signal[30:42] = True
    bits = random.dirichlet([0.3] * 4, LENGTH) * 2 * signal[:, None]
    tracks = [
        Track(label, "Trial 2, probability 0.8", random.normal(0, 1, LENGTH)) for label in ("ReLU", "Exponential")
    ]
    return SaliencyExample(0, random.integers(0, 4, LENGTH), bits, signal, tracks, SaliencySettings())
