"""Attribution of assay models: which bases a read-out depends on, by several scores.

A read-out is a number that a model predicts: the sum of one track over the bins at the centre of its input (CAGE at a
gene's TSS). A score gives every base of the input its share. A new score is one function with the decorator
`attribution`, which gets the `Reading` of a batch.

Attributions are stored as HDF5: ``readout``, ``contig``, ``position``, ``strand`` and ``track`` of the N read-outs (as
in a table of pairs, `data.links`), ``codes`` uint8 (N, input_bp), ``value`` and ``reference`` float64 (N,), and
``scores/<name>`` float32 (N, input_bp). A base is at ``position - input_bp // 2 + column``.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.progress import progress
from regulens.core.sequence import N_CODE, one_hot
from regulens.core.settings import nearest
from regulens.core.tables import read_table, write_csv
from regulens.data.genome import Genome
from regulens.data.links import READOUT_COLUMNS, read_pairs
from regulens.interpret.rules import Propagation
from regulens.interpret.settings import AttributionSettings
from regulens.models.base import AssayModel, AttentionMap
from regulens.training.evaluate import frozen_model

BASELINE = 0.25
"""Input from which integrated gradients start: every base equally probable."""


class Attribution(NamedTuple):
    """One way to score the bases."""

    label: str
    """Name in tables and figures."""
    read: Callable[["Reading"], Tensor | None]
    """From the reading of a batch to (B, input_bp); None if the model has nothing to read (no attention)."""


ATTRIBUTIONS: dict[str, Attribution] = {}
"""Every score by name, in the order of tables and legends."""


def attribution(name: str, label: str) -> Callable:
    """Decorator that registers a score."""

    def remember(read: Callable) -> Callable:
        ATTRIBUTIONS[name] = Attribution(label, read)
        return read

    return remember


class Reading:
    """Read-outs of a batch of sequences, each of one track, and the passes through the model that scores need.

    ``codes`` uint8 (B, input_bp) and ``tracks`` int64 (B,) on the device of the model, which is in evaluation mode.
    ``index``: the number of each read-out in its table, which determines random scores.
    """

    def __init__(
        self,
        model: AssayModel,
        codes: Tensor,
        tracks: Tensor,
        settings: AttributionSettings,
        index: list[int] | None = None,
    ):
        self.model, self.codes, self.tracks, self.settings = model, codes, tracks, settings
        self.index = list(range(len(codes))) if index is None else index
        self.input = one_hot(codes, model.head.weight.dtype)
        """(B, 4, input_bp)."""
        self.absorbed: dict[str, float] = {}
        """By set of rules: the relevance of the batch that constant summands kept."""

    def read(self, x: Tensor) -> Tensor:
        """The read-outs for other inputs (B, 4, input_bp): (B,)."""
        return F.softplus(self._rates(self.model.trunk(self.model.pad(x)))).sum(1)

    @cached_property
    def values(self) -> Tensor:
        """The read-outs: (B,)."""
        with torch.no_grad():
            return self.read(self.input)

    @cached_property
    def reference(self) -> Tensor:
        """What the head predicts without any evidence, from its biases alone: (B,).

        The reference value of a regression that is explained (Letzgus et al. 2021): relevance sums to the difference
        between read-out and reference, in the units of the read-out, so that its sign tells what raises or lowers it.
        """
        return (self._bins.stop - self._bins.start) * F.softplus(self.model.head.bias[self.tracks])

    def gradient(self, x: Tensor) -> Tensor:
        """Gradient of the read-outs at other inputs: (B, 4, input_bp)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.read(x).sum(), x)
        return gradient

    def relevance(self, rules: str) -> Tensor:
        """Relevance of the bases by a set of rules (`interpret.rules`), signed: (B, input_bp).

        It starts at the head's inputs: softplus(z) - softplus(b) of every bin of the read-out, z = w h + b, is shared
        in proportion to the terms of w h. Unlike shares of z, these keep their sign where z is negative.
        """
        with torch.enable_grad(), (propagation := Propagation(rules, count_absorbed=True)):
            x = self.input.detach().requires_grad_()
            # An observer makes attention take the path whose operations have rules.
            tokens = self.model.trunk(self.model.pad(x), lambda _: None)
        rates = self._rates(tokens.detach())
        bias = self.model.head.bias[self.tracks, None]
        above = rates - bias
        slope = torch.where(above.abs() < 1e-6, bias.sigmoid(), (F.softplus(rates) - F.softplus(bias)) / above)
        start = torch.zeros_like(tokens)
        start[:, self._bins] = slope[..., None] * self.model.head.weight[self.tracks, None]
        (gradient,) = torch.autograd.grad(tokens, x, start)
        self.absorbed[rules] = propagation.absorbed
        return (self.input * gradient).sum(1)

    @cached_property
    def attention(self) -> list[AttentionMap]:
        """Attention of every layer, averaged over its heads, in the order in which it is computed."""
        maps: list[AttentionMap] = []

        def keep(attention: AttentionMap) -> None:
            maps.append(replace(attention, weights=attention.weights.mean(1, keepdim=True)))

        with torch.no_grad():
            self.model.trunk(self.model.pad(self.input), keep)
        return maps

    def mutagenesis(self, block_bp: int) -> Tensor:
        """Mean fall of the read-out when a block of bases is replaced, divided by its length: (B, input_bp).

        Every base of a block becomes the next, the one after it, and the one before it in the order A, C, G, T, so that
        blocks of 1 bp are complete in-silico mutagenesis: every base to each of the other three. N stays N.
        """
        found = torch.zeros(self.codes.shape, dtype=self.values.dtype, device=self.codes.device)
        bounds = [*range(0, self.codes.shape[1], block_bp), self.codes.shape[1]]
        for rows in self._same_sequence():
            mutants = torch.stack(list(_mutants(self.codes[rows[0]], bounds))).split(self.settings.batch)
            falls = [self.values[rows] - self._sums(part, self.tracks[rows]) for part in mutants]
            by_block = torch.cat(falls).unflatten(0, (-1, 3)).mean(1)
            for block, (start, end) in enumerate(itertools.pairwise(bounds)):
                found[rows, start:end] = by_block[block, :, None] / (end - start)
        return found

    def _same_sequence(self) -> list[list[int]]:
        """Rows of the batch, those of one sequence together."""
        groups: dict[bytes, list[int]] = {}
        for row, codes in enumerate(self.codes.cpu().numpy()):
            groups.setdefault(codes.tobytes(), []).append(row)
        return list(groups.values())

    def _sums(self, codes: Tensor, tracks: Tensor) -> Tensor:
        """Read-outs of tracks (K,) for sequences (M, input_bp): (M, K)."""
        head = self.model.head
        with torch.no_grad():
            tokens = self.model.trunk(self.model.pad(one_hot(codes, head.weight.dtype)))[:, self._bins]
            return F.softplus(F.linear(tokens, head.weight[tracks], head.bias[tracks])).sum(1)

    @property
    def _bins(self) -> slice:
        every = self.model.geometry.bins
        bins = self.settings.bins or every
        return slice((every - bins) // 2, (every - bins) // 2 + bins)

    def _rates(self, tokens: Tensor) -> Tensor:
        """Tokens (B, bins, width) to the head's output before softplus, in the read-out's bins: (B, bins)."""
        head, tracks = self.model.head, self.tracks
        return (tokens[:, self._bins] * head.weight[tracks, None]).sum(-1) + head.bias[tracks, None]


def _mutants(codes: Tensor, bounds: list[int]) -> Iterator[Tensor]:
    """The three mutants of each block between ``bounds``, of one sequence (input_bp,)."""
    for start, end in itertools.pairwise(bounds):
        block = codes[start:end]
        for step in (1, 2, 3):
            mutant = codes.clone()
            mutant[start:end] = torch.where(block == N_CODE, block, (block + step) % 4)
            yield mutant


# The scores.


@attribution("gradient_x_input", "Gradient × input")
def gradient_x_input(reading: Reading) -> Tensor:
    """Gradient of the read-out at the base that is there, signed."""
    return (reading.gradient(reading.input) * reading.input).sum(1)


@attribution("integrated_gradients", "Integrated gradients")
def integrated_gradients(reading: Reading) -> Tensor:
    """Mean gradient on the way from `BASELINE` to the input, times the way (Sundararajan et al. 2017), signed."""
    # N, which is all zeros, has no way to go.
    way = (reading.input - BASELINE) * reading.input.sum(1, keepdim=True)
    steps = reading.settings.steps
    total = torch.zeros_like(way)
    for step in range(steps):
        total += reading.gradient(reading.input - (1 - (step + 0.5) / steps) * way)
    return (total / steps * way).sum(1)


@attribution("lrp", "LRP")
def lrp(reading: Reading) -> Tensor:
    """Signed relevance; weights of attention and pooling, and standard deviations, are constants (Ali et al. 2022)."""
    return reading.relevance("constant_weights")


@attribution("lrp_conserving", "LRP, conserving")
def lrp_conserving(reading: Reading) -> Tensor:
    """Relevance by the rules of DNABERT-LRP (Chefer et al. 2020)."""
    return reading.relevance("ours")


@attribution("attnlrp", "AttnLRP")
def attnlrp(reading: Reading) -> Tensor:
    """Relevance by the rules of Achtibat et al. (2024), signed."""
    return reading.relevance("attnlrp")


@attribution("mutagenesis", "In-silico mutagenesis")
def mutagenesis(reading: Reading) -> Tensor:
    """Fall of the read-out on mutation of blocks of `block_bp`, the reference for the other scores."""
    return reading.mutagenesis(reading.settings.block_bp)


@attribution("attention", "Attention")
def attention(reading: Reading) -> Tensor | None:
    """Attention of the read-out's bins, mean over Transformer blocks and heads; the same for every track."""
    full = [found for found in reading.attention if found.block == "full"]
    if not full:
        return None
    rows = [_to_bases(reading, attend(found, _start(reading, found)), found) for found in full]
    return torch.stack(rows).mean(0)


@attribution("attention_flow", "Attention flow")
def attention_flow(reading: Reading) -> Tensor | None:
    """Rollout of attention along the hierarchy, from the read-out's bins down to bases; the same for every track.

    At every attention half of the weight stays (the skip connection), half goes where the token attends; where tokens
    were merged or pooled, each gives half of its weight to either part (the outlook of Genomic Interpreter, section 6).
    """
    if not reading.attention:
        return None
    last = reading.attention[-1]
    weights = _start(reading, last)
    for found in reversed(reading.attention):
        if (found.bp_per_token, found.tokens) != (last.bp_per_token, last.tokens):
            bases = _to_padded_bases(reading, weights, last)
            weights = bases.unflatten(1, (-1, found.bp_per_token)).sum(2)
        weights = (weights + attend(found, weights)) / 2
        last = found
    return _to_bases(reading, weights, last)


@attribution("random", "Random")
def random(reading: Reading) -> Tensor:
    """Uniform random numbers, fixed for each read-out whatever its batch."""
    length, seed = reading.codes.shape[1], reading.settings.seed
    values = [np.random.default_rng([seed, index]).random(length) for index in reading.index]
    return reading.values.new_tensor(np.stack(values))


def attend(attention: AttentionMap, weights: Tensor) -> Tensor:
    """Where tokens with these weights, (B, tokens), attend: sum over queries of weight x attention, (B, tokens).

    ``attention`` has one head. Padding gets nothing.
    """
    window = attention.weights.shape[-1]
    rolled = F.pad(weights.roll(-attention.offset, 1), (0, -attention.tokens % window))
    reached = rolled.unflatten(1, (-1, window))[:, :, None] @ attention.weights[:, 0]
    return reached.flatten(1)[:, : attention.tokens].roll(attention.offset, 1)


def _start(reading: Reading, attention: AttentionMap) -> Tensor:
    """The read-out's bins as weights of the tokens of a layer, which sum to 1: (B, tokens)."""
    geometry, bins = reading.model.geometry, reading._bins
    shift = (geometry.crop_bins * geometry.bin_bp - attention.start_bp) // attention.bp_per_token
    tokens_per_bin = geometry.bin_bp // attention.bp_per_token
    weights = reading.values.new_zeros(len(reading.codes), attention.tokens)
    weights[:, shift + bins.start * tokens_per_bin : shift + bins.stop * tokens_per_bin] = 1
    return weights / weights.sum(1, keepdim=True)


def _to_padded_bases(reading: Reading, weights: Tensor, attention: AttentionMap) -> Tensor:
    """Weights of tokens, shared evenly among their bases: (B, padded_bp)."""
    bases = (weights / attention.bp_per_token).repeat_interleave(attention.bp_per_token, 1)
    after = reading.model.geometry.padded_bp - attention.start_bp - bases.shape[1]
    return F.pad(bases, (attention.start_bp, after))


def _to_bases(reading: Reading, weights: Tensor, attention: AttentionMap) -> Tensor:
    """Weights of tokens, shared evenly among their bases: (B, input_bp)."""
    geometry = reading.model.geometry
    side = (geometry.padded_bp - geometry.input_bp) // 2
    return _to_padded_bases(reading, weights, attention)[:, side : side + geometry.input_bp]


# Files of attributions.


def attribute_bases(
    model: AssayModel,
    codes: np.ndarray,
    tracks: Sequence[int],
    scores: Sequence[str] = ("gradient_x_input",),
    bins: int | None = 2,
    **settings: Any,
) -> dict[str, np.ndarray]:
    """Attributions of N read-outs to the bases of their inputs: by name of the score, float32 (N, input_bp).

    Arguments:
        codes: uint8 (N, input_bp), A, C, G, T, N = 0 to 4.
        tracks: the track of each read-out, by its row.
        scores: gradient_x_input, integrated_gradients, lrp (layer-wise relevance propagation), lrp_conserving, attnlrp,
            mutagenesis (in silico), attention, attention_flow, random.
        bins: as many bins at the centre of the input are summed as the read-out, None all.
        settings: ``steps`` of integrated gradients (16), ``block_bp`` that mutagenesis replaces at a time (32),
            ``batch`` (8), ``seed`` of the random score (1).

    A score that the model lacks (attention of a convolutional network) is left out. Raises `InputError` for an unknown
    score.
    """
    if unknown := [name for name in scores if name not in ATTRIBUTIONS]:
        raise InputError(f"no score is called {unknown[0]!r}; {nearest(unknown[0], list(ATTRIBUTIONS))}")
    wanted = AttributionSettings(scores=list(scores), bins=bins, **settings)
    model.requires_grad_(False)
    device = model.head.weight.device
    found: dict[str, list[np.ndarray]] = {}
    for rows in np.split(np.arange(len(codes)), range(wanted.batch, len(codes), wanted.batch)):
        given = torch.as_tensor(codes[rows], device=device), torch.as_tensor(np.asarray(tracks)[rows], device=device)
        reading = Reading(model, *given, wanted, rows.tolist())
        for name in scores:
            values = ATTRIBUTIONS[name].read(reading)
            if values is not None:
                found.setdefault(name, []).append(values.float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


@command("attribute", threads=True)
def attribute(
    model: Path | str,
    /,
    fasta: Path | str,
    readouts: Path | str,
    attribution: Part[AttributionSettings],
    output: Path | str,
) -> None:
    """Score every base of the input of each read-out of a trained assay model, and write them to an HDF5 file.

    Arguments:
        fasta: the genome.
        readouts: table with `READOUT_COLUMNS` of `data.links`, such as a table of pairs; the inputs are centred on the
            positions, N beyond the ends of a contig.

    Scores that the model has nothing for (attention) are left out. Raises `InputError` for a track or contig that is
    unknown, and if a relevance is not finite.
    """
    network, tracks = frozen_model(model)
    identifiers = list(tracks["identifier"].astype(str))
    table = read_readouts(readouts, identifiers)
    with Genome(fasta) as genome, hdf5_output(output) as file:
        unknown = sorted(set(table["contig"]) - set(genome.lengths))
        if unknown:
            raise InputError(f"{readouts}: {fasta} has no contig {unknown[0]!r}: {nearest(unknown[0], genome.lengths)}")
        length = network.geometry.input_bp
        codes = np.stack(
            [
                genome.codes(row.contig, row.position - length // 2, row.position - length // 2 + length)
                for row in table.itertuples()
            ]
        )
        _write_attributions(file, network, table, codes, attribution, identifiers)


def read_readouts(path: Path | str, identifiers: list[str]) -> pd.DataFrame:
    """The read-outs of a table, each once, with the row of its track (column ``row``)."""
    table = read_table(path, READOUT_COLUMNS, ["position"])[READOUT_COLUMNS].drop_duplicates(
        "readout", ignore_index=True
    )
    for track in table["track"].astype(str).unique():
        if track not in identifiers:
            raise InputError(f"{path}: the model has no track {track!r}; {nearest(track, identifiers)}")
    return table.assign(row=table["track"].astype(str).map(identifiers.index))


def _write_attributions(
    file: h5py.File,
    model: AssayModel,
    table: pd.DataFrame,
    codes: np.ndarray,
    settings: AttributionSettings,
    identifiers: list[str],
) -> None:
    for name in ("readout", "contig", "strand", "cell", "track"):
        file[name] = table[name].astype(str).to_numpy(object)
    file["position"], file["codes"] = table["position"].to_numpy(np.int64), codes
    values, references = np.zeros(len(table)), np.zeros(len(table))
    scores = file.create_group("scores", track_order=True)
    device = model.head.weight.device
    absorbed: dict[str, float] = {}
    for rows in progress(_batches(table["position"].to_numpy(), settings.batch), "attributions"):
        tracks = torch.as_tensor(table["row"].to_numpy()[rows], device=device)
        reading = Reading(model, torch.as_tensor(codes[rows], device=device), tracks, settings, rows.tolist())
        values[rows], references[rows] = reading.values.cpu(), reading.reference.cpu()
        for name in settings.scores:
            found = ATTRIBUTIONS[name].read(reading)
            if found is None:
                continue
            if not found.isfinite().all():
                raise InputError(f"the score {name} is not finite for the read-out {table['readout'][rows[0]]}")
            if name not in scores:
                scores.create_dataset(name, codes.shape, np.float32)
            scores[name][rows] = found.float().cpu().numpy()
        for rules, kept in reading.absorbed.items():
            absorbed[rules] = absorbed.get(rules, 0.0) + kept
        file.check()
    file["value"], file["reference"] = values, references
    file.attrs["absorbed"] = json.dumps(absorbed)


def _batches(positions: np.ndarray, batch: int) -> list[np.ndarray]:
    """Rows in batches of at most ``batch``; neighbours with one position, whose sequence is the same, stay together."""
    first = np.flatnonzero(np.diff(positions, prepend=positions[0] - 1))
    groups = np.split(np.arange(len(positions)), first[1:])
    batches: list[np.ndarray] = []
    for group in groups:
        if batches and len(batches[-1]) + len(group) <= batch:
            batches[-1] = np.concatenate([batches[-1], group])
        else:
            batches.append(group)
    return batches


class AttributionFile:
    """A file of attributions, opened for reading; a context manager. Raises `InputError` for anything else."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        needed = ["scores", "readout", "codes"]
        self._file = open_hdf5(path, "file of attributions", "make it with regulens attribute", needed)

    @property
    def names(self) -> list[str]:
        """The scores, in the order in which they were configured."""
        return list(self._file["scores"])

    @property
    def codes(self) -> np.ndarray:
        """uint8 (N, input_bp)."""
        return self._file["codes"][:]

    @property
    def readouts(self) -> pd.DataFrame:
        """The N read-outs: readout, contig, position, strand, cell, track, value, reference."""
        texts = {name: self._file[name].asstr()[:] for name in ("readout", "contig", "strand", "cell", "track")}
        return pd.DataFrame(texts | {name: self._file[name][:] for name in ("position", "value", "reference")})

    def score(self, name: str) -> np.ndarray:
        """One score of every base, float32 (N, input_bp)."""
        return self._file["scores"][name][:]

    def __enter__(self) -> "AttributionFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


# Elements: sums of a score, and the effect of an in-silico deletion.

ELEMENT_LABELS = {
    "deletion": "In-silico deletion",
    "inverse_distance": "1 / distance",
    "activity": "Activity",
    "activity_by_distance": "Activity / distance",
}
"""Labels of the scores of an element that are not sums of an attribution."""


@command("score-elements", threads=True)
def score_elements(
    attributions: Path | str,
    /,
    model: Path | str,
    pairs: Path | str,
    attribution: Part[AttributionSettings],
    output: Path | str,
    activity: Path | str | None = None,
) -> None:
    """Every element of a table of pairs: each attribution summed over it, its deletion, scores without a model.

    Deletion: mean fall of the read-out when all bases of the element are replaced (`Reading.mutagenesis`). Without a
    model: 1 / distance; with ``activity`` (a table of `regulens element-activity`) the activity of the element, and its
    activity divided by the distance. Long CSV: the columns of the pairs, then method, its label, and score.
    """
    network, known = frozen_model(model)
    table = read_pairs(pairs)
    found = {"inverse_distance": 1 / table["distance_bp"].clip(lower=1)}
    labels = {name: score.label for name, score in ATTRIBUTIONS.items()} | ELEMENT_LABELS
    if activity:
        active = read_table(activity, ["activity"], ["activity"])["activity"]
        found |= {"activity": active, "activity_by_distance": active / table["distance_bp"].clip(lower=1)}
    with AttributionFile(attributions) as file:
        readouts, codes = file.readouts, file.codes
        if list(readouts["readout"]) != list(table["readout"].drop_duplicates()):
            raise InputError(f"{attributions}: made for other read-outs than those of {pairs}: make it again")
        length = codes.shape[1]
        first = (table["start"] - table["position"] + length // 2).to_numpy()
        last = first + (table["end"] - table["start"]).to_numpy()
        number = table["number"].to_numpy()
        for name in file.names:
            sums = np.pad(file.score(name).astype(np.float64).cumsum(1), ((0, 0), (1, 0)))
            found[name] = sums[number, last] - sums[number, first]
    identifiers = list(known["identifier"].astype(str))
    tracks = torch.as_tensor([*map(identifiers.index, readouts["track"])], device=network.head.weight.device)
    places = pd.DataFrame({"number": number, "first": first, "last": last})
    found["deletion"] = _deletions(network, codes, readouts, tracks, places, attribution)
    parts = [table.assign(method=name, method_label=labels[name], score=values) for name, values in found.items()]
    write_csv(pd.concat(parts).drop(columns="number"), output)


def _deletions(
    model: AssayModel,
    codes: np.ndarray,
    readouts: pd.DataFrame,
    tracks: Tensor,
    places: pd.DataFrame,
    settings: AttributionSettings,
) -> np.ndarray:
    """Fall of the read-out when an element is deleted, for every pair.

    ``places``: number of the read-out, first and last column of the element. An element beside several read-outs of one
    position, whose sequence is the same, is deleted once.
    """
    falls = np.zeros(len(places))
    values = readouts["value"].to_numpy()
    keys = [readouts[name].to_numpy()[places["number"]] for name in ("contig", "position")]
    groups = places.groupby([*keys, "first", "last"], sort=False)
    for _, of_element in progress(groups, "deletions", groups.ngroups):
        rows = of_element["number"].tolist()
        reading = Reading(model, torch.as_tensor(codes[rows], device=tracks.device), tracks[rows], settings)
        bounds = of_element[["first", "last"]].iloc[0].tolist()
        mutants = torch.stack(list(_mutants(reading.codes[0], bounds)))
        falls[of_element.index] = values[rows] - reading._sums(mutants, reading.tracks).mean(0).cpu().numpy()
    return falls
