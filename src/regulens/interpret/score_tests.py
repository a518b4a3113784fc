"""Tests of scores of bases that need the model: does a score depend on what was learned, and do its bases matter?

* **Randomisation** (Adebayo et al. 2018): the weights of the model are shuffled from the output downwards. Rank
  correlation of the scores with those of the trained model: an attribution that does not change is no explanation.
* **Deletion**: the bases with the highest scores are replaced by those of a shuffled sequence. **Insertion**: they are
  put into it. The area is the mean over several numbers of bases of the fall (rise) of the prediction, as a share of
  the difference between the sequence and its shuffled version.

A table of tests is long: ``score`` and its label, ``test``, ``item`` (row of the sequence), ``value``, and ``scale``,
by which areas are divided after averaging over sequences (1 for correlations and areas under a ROC curve).
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.kmers import token_ids
from regulens.core.progress import progress
from regulens.core.statistics import standard_ranks, weighted_areas
from regulens.core.tables import write_csv
from regulens.data.links import read_pairs
from regulens.data.simulate.genome import read_planted
from regulens.data.store import evenly_spaced
from regulens.interpret.attribution import ATTRIBUTIONS, AttributionFile, Reading
from regulens.interpret.score_file import ScoreFile, score_batch
from regulens.interpret.scores import RANDOM, SCORE_LABELS
from regulens.interpret.settings import AttributionSettings, RelevanceSettings, ScoreTestSettings
from regulens.interpret.truth import site_numbers
from regulens.models.bert import load_classifier
from regulens.training.device import best_device
from regulens.training.evaluate import frozen_model

COLUMNS = ["score", "score_label", "test", "item", "value", "scale"]


class Subject(ABC):
    """A model and N sequences whose predictions it explains, ``batch`` at a time."""

    def __init__(self, model: nn.Module, codes: np.ndarray, batch: int):
        self.model, self.codes, self.batch = model, codes, batch
        """``codes``: uint8 (N, length)."""

    @abstractmethod
    def scores_of_batch(self, model: nn.Module, rows: np.ndarray) -> Mapping[str, Tensor]:
        """Scores of the bases of some sequences, (rows, length), by a model; those that it has."""

    @abstractmethod
    def values_of_batch(self, codes: np.ndarray, rows: np.ndarray) -> Tensor:
        """What is explained of the sequences ``rows``, predicted for other bases uint8 (rows, length): (rows,)."""

    def scores(self, model: nn.Module, rows: np.ndarray) -> dict[str, np.ndarray]:
        """`scores_of_batch` of any number of sequences, float32."""
        parts = [self.scores_of_batch(model, part) for part in self._batches(rows)]
        return {name: np.concatenate([part[name].float().cpu().numpy() for part in parts]) for name in parts[0]}

    def values(self, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """`values_of_batch` of any number of sequences."""
        batches = zip(self._batches(codes), self._batches(rows), strict=True)
        return np.concatenate([self.values_of_batch(*part).cpu().numpy() for part in batches])

    def _batches(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, range(self.batch, len(values), self.batch))


def chosen_rows(rows: np.ndarray, settings: ScoreTestSettings) -> np.ndarray:
    """Those of ``rows`` that are tested, evenly spaced."""
    return rows[evenly_spaced(len(rows), settings.items)]


def score_tests(
    subject: Subject, scores: Mapping[str, np.ndarray], rows: np.ndarray, settings: ScoreTestSettings
) -> pd.DataFrame:
    """Agreement, randomisation, deletion and insertion of every score, (N, length) each, on the sequences ``rows``."""
    ours = {name: values[rows] for name, values in scores.items()}
    tables = [_agreement(ours, rows)]
    for share in progress(settings.randomised, "weights shuffled"):
        others = subject.scores(randomised(subject.model, share, settings.seed), rows)
        for name, values in ours.items():
            if name == RANDOM:  # it depends on no weights
                continue
            r = rank_correlation(values, others[name])
            tables.append(_table(name, "randomised" if share == 1 else f"randomised {share:.0%}", rows, r))
    tables += _faithfulness(subject, ours, rows, settings)
    return pd.concat(tables, ignore_index=True)


def randomised(model: nn.Module, share: float, seed: int) -> nn.Module:
    """A copy of a model in which the weights of this share of its layers, the last ones, are shuffled in place.

    A layer is a module with parameters of its own, in the order in which the model defines them. Shuffling keeps the
    distribution of every weight matrix.
    """
    found = copy.deepcopy(model)
    layers = [layer for layer in found.modules() if next(layer.parameters(recurse=False), None) is not None]
    generator = torch.Generator().manual_seed(seed)
    for layer in layers[len(layers) - math.ceil(share * len(layers)) :]:
        for weight in layer.parameters(recurse=False):
            order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
            weight.data = weight.data.flatten()[order].view_as(weight)
    return found


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each row of two scores (N, length); 0 where one of them is constant."""
    return np.nan_to_num((standard_ranks(first) * standard_ranks(second)).sum(1))


def truth_tests(scores: Mapping[str, np.ndarray], truth: np.ndarray) -> pd.DataFrame:
    """AUROC and average precision of scores (N, length) within each sequence that has known bases, and others.

    ``truth`` int (N, length): 0 for bases that are not known to matter, else the number of the element, such as a
    motif, that a base belongs to. Where a sequence has several elements, ``least`` is the AUROC of the one that the
    score finds least, each against the bases of none: of a rule of two motifs, a score has to see both.
    """
    rows = np.flatnonzero((truth > 0).any(axis=1) & (truth == 0).any(axis=1))
    weights = [_with_single_elements(truth[row]) for row in rows]
    tables = []
    for name, values in scores.items():
        areas = [weighted_areas(truth[row] > 0, values[row], each) for row, each in zip(rows, weights, strict=True)]
        found = {
            "auprc": [precision[0] for precision, _ in areas],
            "auroc": [auroc[0] for _, auroc in areas],
            "least": [min(auroc[1:], default=np.nan) for _, auroc in areas],
        }
        tables += [_table(name, test, rows, np.array(numbers)) for test, numbers in found.items()]
    return pd.concat(tables).dropna(subset=["value"]) if len(rows) else pd.DataFrame()


def _with_single_elements(numbers: np.ndarray) -> np.ndarray:
    """Weights of the bases (n, length): all; then, of several elements, the bases of each one and of none."""
    elements = np.unique(numbers[numbers > 0])
    each = [(numbers == 0) | (numbers == element) for element in elements if len(elements) > 1]
    return np.stack([np.ones(len(numbers), bool), *each]).astype(float)


def _agreement(scores: Mapping[str, np.ndarray], rows: np.ndarray) -> pd.DataFrame:
    """Mean rank correlation of each score with the others, random ones aside."""
    ranks = {name: np.nan_to_num(standard_ranks(values)) for name, values in scores.items()}
    tables = []
    for name, own in ranks.items():
        others = [(own * ranks[other]).sum(1) for other in ranks if other not in (name, RANDOM)]
        if others:
            tables.append(_table(name, "agreement", rows, np.mean(others, axis=0)))
    return pd.concat(tables) if tables else pd.DataFrame()


def _faithfulness(
    subject: Subject, scores: Mapping[str, np.ndarray], rows: np.ndarray, settings: ScoreTestSettings
) -> list[pd.DataFrame]:
    codes = subject.codes[rows]
    rng = np.random.default_rng(settings.seed)
    shuffled = [rng.permuted(codes, axis=1) for _ in range(settings.shuffles)]
    whole = subject.values(codes, rows)
    empty = np.mean([subject.values(other, rows) for other in shuffled], axis=0)
    tables = []
    for name, values in progress(scores.items(), "deletion and insertion"):
        place = np.empty(values.shape, int)
        np.put_along_axis(place, np.argsort(-values, axis=1, kind="stable"), np.arange(values.shape[1])[None], axis=1)
        falls, rises = [], []
        for fraction in settings.fractions:
            top = place < round(fraction * values.shape[1])
            for other in shuffled:
                falls.append(whole - subject.values(np.where(top, other, codes), rows))
                rises.append(subject.values(np.where(top, codes, other), rows) - empty)
        for test, areas in (("deletion", falls), ("insertion", rises)):
            tables.append(_table(name, test, rows, np.mean(areas, axis=0), whole - empty))
    return tables


def _same_scores(
    scores: Mapping[str, np.ndarray], file: AttributionFile | ScoreFile, rows: np.ndarray
) -> list[pd.DataFrame]:
    """Rank correlation of each score with that in the file of a model with another seed; random ones are no model's."""
    return [
        _table(name, "seeds", rows, rank_correlation(values[rows], file.score(name)[rows]))
        for name, values in scores.items()
        if name != RANDOM
    ]


def _table(name: str, test: str, rows: np.ndarray, values: np.ndarray, scale: np.ndarray | float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"score": name, "test": test, "item": rows, "value": values, "scale": scale})


# Assay models.


class AssaySubject(Subject):
    """Read-outs of an assay model, in the order of a file of attributions."""

    def __init__(self, model: nn.Module, codes: np.ndarray, tracks: np.ndarray, settings: AttributionSettings):
        super().__init__(model, codes, settings.batch)
        self.tracks, self.settings = tracks, settings

    def scores_of_batch(self, model: nn.Module, rows: np.ndarray) -> dict[str, Tensor]:
        reading = self._reading(model, self.codes[rows], rows)
        found = {name: ATTRIBUTIONS[name].read(reading) for name in self.settings.scores}
        return {name: values for name, values in found.items() if values is not None}

    def values_of_batch(self, codes: np.ndarray, rows: np.ndarray) -> Tensor:
        return self._reading(self.model, codes, rows).values

    def _reading(self, model: nn.Module, codes: np.ndarray, rows: np.ndarray) -> Reading:
        device = model.head.weight.device
        tracks = torch.as_tensor(self.tracks[rows], device=device)
        return Reading(model, torch.as_tensor(codes, device=device), tracks, self.settings, rows.tolist())


PROMOTER_BP = 150
"""Known sites this near a read-out's position are those of its own promoter."""


@command("check-attributions", threads=True)
def check_attributions(
    attributions: Path | str,
    /,
    model: Path | str,
    pairs: Path | str,
    attribution: Part[AttributionSettings],
    tests: Part[ScoreTestSettings],
    output: Path | str,
    sites: Path | str | None = None,
    others: Sequence[Path | str] = (),
) -> None:
    """Test the attributions of an assay model for consistency, faithfulness and truth: a CSV (`COLUMNS`).

    Arguments:
        pairs: the read-outs' elements, and which of them act; truth is the bases of those that do.
        sites: BED of known sites: then truth is the sites in elements that act and in the read-out's own promoter.
        others: attributions of the same read-outs by models trained with other seeds.
    """
    network, tracks = frozen_model(model)
    identifiers = list(tracks["identifier"].astype(str))
    with AttributionFile(attributions) as file:
        codes, readouts, scores = file.codes, file.readouts, {name: file.score(name) for name in file.names}
    subject = AssaySubject(network, codes, np.array([*map(identifiers.index, readouts["track"])]), attribution)
    rows = chosen_rows(np.arange(len(codes)), tests)
    found = [score_tests(subject, scores, rows, tests)]
    for path in others:
        with AttributionFile(path) as file:
            if list(file.readouts["readout"]) != list(readouts["readout"]):
                raise InputError(f"{path}: other read-outs than {attributions}: make both again")
            found += _same_scores(scores, file, rows)
    found.append(truth_tests(scores, acting_bases(read_pairs(pairs), readouts, codes.shape[1], sites)))
    _write(found, {name: score.label for name, score in ATTRIBUTIONS.items()}, output)


def acting_bases(pairs: pd.DataFrame, readouts: pd.DataFrame, length: int, sites: Path | str | None) -> np.ndarray:
    """Bases of the inputs that are known to matter to a read-out: int (N, length), 1 in elements, 2 in its promoter."""
    first = readouts["position"].to_numpy() - length // 2
    acting = np.zeros((len(readouts), length), int)
    for pair in pairs[pairs["regulated"]].itertuples():
        acting[pair.number, max(pair.start - first[pair.number], 0) : max(pair.end - first[pair.number], 0)] = 1
    if sites is None:
        return acting
    acting[:, length // 2 - PROMOTER_BP : length // 2 + PROMOTER_BP] = 2
    known = read_planted(sites)
    known = known[known["kind"] != "element"]
    planted = np.zeros(acting.shape, bool)
    for row, (contig, begin) in enumerate(zip(readouts["contig"], first, strict=True)):
        near = known[(known["contig"] == contig) & (known["end"] > begin) & (known["start"] < begin + length)]
        for start, end in near[["start", "end"]].to_numpy():
            planted[row, max(start - begin, 0) : end - begin] = True
    return acting * planted


# Classifiers of sequences.


class SequenceSubject(Subject):
    """Test sequences of a BERT and the logit of the class that is explained."""

    def __init__(self, model: nn.Module, codes: np.ndarray, explained: np.ndarray, k: int, settings: RelevanceSettings):
        super().__init__(model, codes, settings.batch)
        self.explained, self.k = torch.from_numpy(explained), k
        # The class stays the same, whatever shuffled weights predict.
        self.settings = settings.model_copy(update={"target": "label"})

    def scores_of_batch(self, model: nn.Module, rows: np.ndarray) -> dict[str, Tensor]:
        return score_batch(model, torch.from_numpy(self.codes[rows]), self.explained[rows], self.k, self.settings)[1]

    def values_of_batch(self, codes: np.ndarray, rows: np.ndarray) -> Tensor:
        ids = token_ids(torch.from_numpy(codes).to(next(self.model.parameters()).device), self.k)
        with torch.no_grad():
            logits = self.model(ids).logits
        return logits.gather(1, self.explained[rows, None].to(logits.device))[:, 0]


@command("check-relevance", threads=True)
def check_relevance(
    scores: Path | str,
    /,
    model: Path | str,
    relevance: Part[RelevanceSettings],
    tests: Part[ScoreTestSettings],
    output: Path | str,
    sites: Path | str | None = None,
    others: Sequence[Path | str] = (),
) -> None:
    """Test the relevance scores of a BERT for consistency, faithfulness and truth: a CSV (`COLUMNS`).

    Arguments:
        scores: a score file of this model.
        sites: table of the motif sites of the sequences; truth is the sites of role positive in positive sequences.
        others: score files of the same sequences by models trained with other seeds.
    """
    network, content = load_classifier(model)
    network.to(best_device()).requires_grad_(False)
    with ScoreFile(scores) as file:
        ids, codes, labels, every = file.ids, file.codes, file.labels, {name: file.score(name) for name in file.names}
        explained = (file.labels if relevance.target == "label" else file.predicted).astype(np.int64)
    subject = SequenceSubject(network, codes, explained, content["settings"]["k"], relevance)
    # What makes a sequence negative is not in its bases: positive ones are tested.
    rows = chosen_rows(np.flatnonzero(labels == 1), tests)
    found = [score_tests(subject, every, rows, tests)]
    for path in others:
        with ScoreFile(path) as file:
            if file.ids != ids:
                raise InputError(f"{path}: other sequences than {scores}: make both again")
            found += _same_scores(every, file, rows)
    if sites:
        found.append(truth_tests(every, site_numbers(ids, codes.shape[1], sites) * (labels == 1)[:, None]))
    _write(found, SCORE_LABELS, output)


def _write(tests: Sequence[pd.DataFrame], labels: Mapping[str, str], output: Path | str) -> None:
    table = pd.concat(tests)
    write_csv(table.assign(score_label=table["score"].map(labels))[COLUMNS], output)
