"""Effects of variants on predicted tracks: the alternative allele less the reference.

Stored as HDF5: ``variant`` (V,) in the order of the table of variants, ``tracks`` (T,) identifiers, and float32 (V, T):
``window``, the sum over all bins of the target, and ``tss``, the sum over the bins around the nearest start site of a
table of sites (NaN without one in the target).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.hdf5 import hdf5_output, open_hdf5
from regulens.core.progress import progress
from regulens.core.sequence import encode
from regulens.core.tables import read_table
from regulens.data.genome import Genome, pad_with_n
from regulens.data.settings import Geometry
from regulens.data.variants import read_variants
from regulens.interpret.settings import VariantSettings

READINGS = ("window", "tss")


class VariantEffects(NamedTuple):
    """Content of a file of effects."""

    variants: list[str]
    tracks: list[str]
    window: np.ndarray
    """float32 (V, T)."""
    tss: np.ndarray
    """float32 (V, T)."""


@command("variant-effects", threads=True)
def variant_effects(
    model: Path | str,
    /,
    fasta: Path | str,
    variants: Path | str,
    variant_settings: Part[VariantSettings],
    output: Path | str,
    sites: Path | str | None = None,
) -> None:
    """Predict the effect of every variant on every track of a trained assay model.

    Arguments:
        fasta: the genome.
        variants: table of `regulens check-variants`.
        sites: transcription start sites, a table with the columns contig and position, for sums around the nearest.

    The input is centred on the variant (and shifted as configured); behind an insertion or deletion the alternative
    goes on with the sequence of the genome, so that both have the same length.
    """
    # Tables and figures that read the effects do not wait for PyTorch.
    import torch

    from regulens.training.evaluate import frozen_model, predicted

    network, tracks = frozen_model(model)
    device = network.head.weight.device
    pairs = torch.from_numpy(tracks["strand_pair"].to_numpy(copy=True)).to(device)
    table, settings, geometry = read_variants(variants), variant_settings, network.geometry
    starts = read_table(sites, ["contig", "position"], ["position"]) if sites else None
    shape = (len(table), len(tracks))
    sums = {name: np.zeros(shape, np.float32) for name in READINGS}
    per_batch = max(1, settings.batch // (2 * len(settings.shifts_bp)))
    with Genome(fasta) as genome, hdf5_output(output) as file, torch.inference_mode():
        for first in progress(range(0, len(table), per_batch), "variant effects"):
            rows = table.iloc[first : first + per_batch]
            sequences = [
                allele
                for row in rows.itertuples()
                for shift in settings.shifts_bp
                for allele in alleles(genome, row, geometry.input_bp, shift)
            ]
            codes = torch.from_numpy(np.stack(sequences)).to(device)
            values = predicted(network, codes, pairs if settings.both_strands else None)
            effects = values.unflatten(0, (len(rows), len(settings.shifts_bp), 2)).diff(dim=2)[:, :, 0].cpu().numpy()
            for place, row in enumerate(rows.itertuples()):
                sums["window"][first + place] = effects[place].sum(1).mean(0)
                sums["tss"][first + place] = _near_tss(effects[place], row, starts, geometry, settings)
        if not np.isfinite(sums["window"]).all():
            raise InputError(f"{model}: predicts values that are not finite for variants of {variants}")
        file["variant"], file["tracks"] = (
            column.astype(str).to_numpy(object) for column in (table["variant"], tracks["identifier"])
        )
        for name, values in sums.items():
            file[name] = values


def alleles(genome: Genome, variant, input_bp: int, shift_bp: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences with the reference and the alternative allele, uint8 (input_bp,), that begin at the same base.

    The variant's first base is at ``input_bp // 2 - shift_bp``.
    """
    start = variant.position - input_bp // 2 + shift_bp
    behind = variant.position + len(variant.ref)
    longer = max(len(variant.ref) - len(variant.alt), 0)
    reference = genome.codes(variant.contig, start, start + input_bp + longer)
    inside = variant.position - start
    alternative = np.concatenate(
        [reference[:inside], encode(variant.alt), reference[inside + behind - variant.position :]]
    )
    return reference[:input_bp], pad_with_n(alternative[:input_bp], 0, input_bp)


def _near_tss(
    effects: np.ndarray, variant, starts: pd.DataFrame | None, geometry: Geometry, settings: VariantSettings
) -> np.ndarray:
    """Sum of effects (shifts, bins, T) around the nearest start site in every shifted target, mean: (T,)."""
    nothing = np.full(effects.shape[2], np.nan, np.float32)
    if starts is None:
        return nothing
    near = starts.loc[starts["contig"] == variant.contig, "position"].to_numpy()
    if not len(near):
        return nothing
    site = near[np.abs(near - variant.position).argmin()]
    found = []
    for effect, shift in zip(effects, settings.shifts_bp, strict=True):
        target = variant.position + shift - geometry.bins * geometry.bin_bp // 2
        first = round((site - target) / geometry.bin_bp - settings.tss_bins / 2)
        if first >= 0 and first + settings.tss_bins <= geometry.bins:
            found.append(effect[first : first + settings.tss_bins].sum(0))
    return np.mean(found, axis=0) if found else nothing


def read_effects(path: Path | str) -> VariantEffects:
    """A file of `variant_effects`; `InputError` for anything else."""
    needed = ["variant", "tracks", *READINGS]
    with open_hdf5(path, "file of variant effects", "make it with regulens variant-effects", needed) as file:
        texts = (list(file[name].asstr()[:]) for name in ("variant", "tracks"))
        return VariantEffects(*texts, *(file[name][:] for name in READINGS))


def read_effects_on(variants: pd.DataFrame, path: Path | str, source: Path | str) -> VariantEffects:
    """A file of effects on these variants, a table that was read from ``source``; `InputError` if it has others."""
    effects = read_effects(path)
    if effects.variants != list(variants["variant"].astype(str)):
        raise InputError(f"{path}: made for other variants than those of {source}: make it again")
    return effects
