"""Interactions between the bins of an assay model's target: its attention, and what a change of one bin does to others.

Stored as HDF5: ``contig`` and ``start`` of the N targets, ``bin_bp`` (attribute), ``coverage`` float32 (N, bins), the
measured coverage of each bin (mean over tracks, each divided by its mean), and float32 (N, bins, bins)
``maps/attention`` (from query to key; mean over layers and heads of full attention; absent without any) and
``maps/effect`` (from the changed bin to the bin whose prediction changes).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.progress import progress
from regulens.core.sequence import one_hot
from regulens.data.settings import Geometry
from regulens.data.store import AssayStore, evenly_spaced, parse_location
from regulens.interpret.settings import InteractionSettings

MAP_LABELS = {"attention": "Attention", "effect": "In-silico effect"}
"""Maps with their labels."""


class InteractionMaps(NamedTuple):
    """Content of a file of interactions."""

    contig: list[str]
    start: np.ndarray
    """int64 (N,), 0-based start of each target."""
    bin_bp: int
    coverage: np.ndarray
    """float32 (N, bins)."""
    maps: dict[str, np.ndarray]
    """By name, float32 (N, bins, bins)."""


@command("interaction-maps", threads=True)
def interaction_maps(
    model: Path | str, /, test: Path | str, interactions: Part[InteractionSettings], output: Path | str
) -> None:
    """Attention and in-silico effects between the bins of test examples, evenly spaced over the store ``test``.

    An effect: the bases of one bin are shuffled; the change of the prediction in every other bin, without its sign, as
    a share of the track's mean prediction, averaged over tracks. Raises `InputError` for examples without a location.
    """
    # Tables and figures that read the maps do not wait for PyTorch.
    import torch

    from regulens.training.evaluate import frozen_model

    network, _ = frozen_model(model)
    rng = np.random.default_rng(interactions.seed)
    with AssayStore(test) as store, hdf5_output(output) as file, torch.inference_mode():
        geometry = store.geometry
        chosen = evenly_spaced(len(store), interactions.examples)
        places = [parse_location(store.location(index)) for index in chosen]
        if None in places:
            raise InputError(f"{test}: its examples have no location, without which nothing is known to lie in them")
        targets = np.stack([store.target(index).astype(np.float32) for index in chosen])
        file.attrs["bin_bp"] = geometry.bin_bp
        file["contig"] = np.array([place[0] for place in places], object)
        file["start"] = np.array([place[1] for place in places]) + (geometry.input_bp - geometry.target_bp) // 2
        file["coverage"] = (targets / np.maximum(targets.mean((0, 1)), 1e-9)).mean(2)
        maps = file.create_group("maps")
        shape = (len(chosen), geometry.bins, geometry.bins)
        for row, index in enumerate(progress(chosen, "interactions")):
            codes = store.sequence(index)
            found = {"effect": _effects(network, codes, rng, interactions.batch)}
            attention = _attention(network, codes)
            found |= {} if attention is None else {"attention": attention}
            for name, values in found.items():
                if name not in maps:
                    maps.create_dataset(name, shape, np.float32)
                maps[name][row] = values
            file.check()


def _attention(network, codes: np.ndarray) -> np.ndarray | None:
    """Mean attention of all full layers and heads between the target's bins, (bins, bins); None without any."""
    import torch

    geometry, parts = network.geometry, []

    def keep(attention) -> None:
        if attention.block != "full":
            return
        per_bin = geometry.bin_bp // attention.bp_per_token
        first = (geometry.crop_bins * geometry.bin_bp - attention.start_bp) // attention.bp_per_token
        inside = slice(first, first + geometry.bins * per_bin)
        weights = attention.weights[0, :, 0].mean(0)[inside, inside]
        parts.append(weights.unflatten(1, (-1, per_bin)).sum(2).unflatten(0, (-1, per_bin)).mean(1))

    x = one_hot(torch.from_numpy(codes)[None].to(network.head.weight.device))
    network.trunk(network.pad(x), keep)
    return torch.stack(parts).mean(0).cpu().numpy() if parts else None


def _effects(network, codes: np.ndarray, rng: np.random.Generator, batch: int) -> np.ndarray:
    """Change of the prediction in each bin (columns) when the bases of another (rows) are shuffled, (bins, bins)."""
    import torch

    geometry: Geometry = network.geometry
    mutants = np.tile(codes, (geometry.bins + 1, 1))
    first = (geometry.input_bp - geometry.target_bp) // 2
    for number in range(geometry.bins):
        block = slice(first + number * geometry.bin_bp, first + (number + 1) * geometry.bin_bp)
        mutants[number, block] = rng.permutation(codes[block])
    device = network.head.weight.device
    parts = [network(one_hot(part.to(device))).cpu() for part in torch.from_numpy(mutants).split(batch)]
    predicted = torch.cat(parts)
    whole = predicted[-1]
    return ((predicted[:-1] - whole).abs() / whole.mean(0).clamp(min=1e-9)).mean(2).numpy()


def read_interactions(path: Path | str) -> InteractionMaps:
    """A file of `interaction_maps`; `InputError` for anything else."""
    needed = ["contig", "start", "coverage", "maps", "bin_bp"]
    with open_hdf5(path, "file of interactions", "make it with regulens interaction-maps", needed) as file:
        maps = {name: file["maps"][name][:] for name in MAP_LABELS if name in file["maps"]}
        contig = list(file["contig"].asstr()[:])
        return InteractionMaps(contig, file["start"][:], int(file.attrs["bin_bp"]), file["coverage"][:], maps)


def insulation(maps: np.ndarray, reach: int) -> np.ndarray:
    """How strongly bins on either side of each bin interact, over what is expected at their distances: (N, bins).

    Mean over the pairs of one of the ``reach`` bins before and one of those behind, of the map (both directions) as a
    ratio to the mean of all pairs at the same distance: the insulation score of Hi-C maps (Crane et al. 2015). 1: as
    elsewhere; below: insulated. NaN where there are fewer bins on a side.
    """
    both = maps + maps.transpose(0, 2, 1)
    bins = both.shape[1]
    distance = abs(np.arange(bins)[:, None] - np.arange(bins))
    expected = np.bincount(distance.ravel(), both.mean(0).ravel()) / np.bincount(distance.ravel())
    ratio = both / np.maximum(expected, 1e-12)[distance]
    found = np.full(both.shape[:2], np.nan)
    for place in range(reach, bins - reach):
        found[:, place] = ratio[:, place - reach : place, place + 1 : place + 1 + reach].mean((1, 2))
    return found


def nearest_bins(maps: InteractionMaps, contigs: Sequence[str], positions: np.ndarray) -> list[tuple[int, int]]:
    """Target and bin of each position that lies in one: pairs (row, bin), each once, in order."""
    bins = maps.coverage.shape[1]
    found = set()
    for row, (contig, start) in enumerate(zip(maps.contig, maps.start, strict=True)):
        inside = (np.asarray(positions)[np.asarray(contigs) == contig] - start) // maps.bin_bp
        found |= {(row, int(place)) for place in inside if 0 <= place < bins}
    return sorted(found)
