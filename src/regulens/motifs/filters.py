"""Motifs of first-layer filters, by alignment of the sequences that activate them.

See docs/papers.md, "Filters to motifs".
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import progress
from regulens.core.sequence import one_hot
from regulens.data.matrices import PositionWeightMatrix
from regulens.data.simulate.motifs import read_motif_sequences
from regulens.motifs.filter_matches import ALIGNED_COLUMNS, filter_id
from regulens.motifs.meme import MemeMotif, informative_span, write_meme
from regulens.motifs.settings import FilterSettings
from regulens.training.device import best_device
from regulens.training.trials import load_trials

FirstLayer = Callable[[Tensor], Tensor]
"""One-hot (1, B, 4, L) to activations after the first nonlinearity, (trials, B, filters, L)."""


class Alignment(NamedTuple):
    """Result of `align` for every filter of every trial."""

    frequencies: np.ndarray
    """float64 (trials, filters, window, 4): frequencies of A, C, G, T around the sites; 0.25 if there are none."""
    sites: np.ndarray
    """int64 (trials, filters): number of windows."""
    maximum: np.ndarray
    """float64 (trials, filters): maximum activation; infinite or NaN if the trial diverged."""


@command("align-filters", threads=True)
def align_filters(
    model: Path | str,
    /,
    data: Path | str,
    settings: Part[FilterSettings],
    meme: Path | str,
    output: Path | str,
    accelerator: str = "auto",
) -> pd.DataFrame:
    """Motifs of the first-layer filters of all trials, by alignment of the sequences that activate them.

    Arguments:
        model: file of trained trials (`training.trials`).
        data: file of simulated sequences (`data.simulate.motifs`), whose test sequences are aligned.
        settings: threshold, window, clipping.
        meme: MEME text with uniform background, motifs named by `filter_id`. As published, ``nsites`` is the width of
            the motif (it weights Tomtom's pseudocount) instead of the number of sites, which is in the table.
        output: CSV with `ALIGNED_COLUMNS`, one row per filter.
        accelerator: auto, cpu or gpu.

    Returns the table. A trial that diverged has empty filters. Raises `InputError` if the length of the sequences is
    not that of the model or less than the window, and for test sequences with N.
    """
    device = best_device(accelerator)
    loaded = load_trials(model, device=device)
    codes = read_motif_sequences(data, split="test", model=False).codes
    length = codes.shape[1]
    if length != loaded.settings.input_bp:
        raise InputError(
            f"{data} has sequences of {length} bp, the model {model} is for {loaded.settings.input_bp} bp: use the "
            "data it was trained on"
        )
    if length < settings.window_bp + 2:
        raise InputError(
            f"filters.window_bp: a window of {settings.window_bp} bp does not fit within sequences of {length} bp"
        )
    if codes.max() > 3:
        raise InputError(f"{data} has test sequences with N: filters are aligned on A, C, G and T only")
    found = align(
        loaded.network.first_layer,
        torch.from_numpy(np.ascontiguousarray(codes)).to(device),
        settings.threshold,
        settings.window_bp,
        settings.batch,
    )
    motifs, rows = [], []
    for place, trial in enumerate(loaded.trials["trial"].tolist()):
        for number, frequencies in enumerate(found.frequencies[place]):
            span = informative_span(frequencies, settings.min_information, settings.pad_bp)
            name, width = filter_id(trial, number), span.end - span.start
            matrix = PositionWeightMatrix(name, name, frequencies[span.start : span.end])
            motifs.append(MemeMotif(matrix, sites=width))
            sites = int(found.sites[place, number])
            facts = found.maximum[place, number], width, span.start, abs(matrix.information.sum())
            rows.append((trial, number, sites, *facts, span.informative, sites == 0))
    table = pd.DataFrame(rows, columns=ALIGNED_COLUMNS)
    write_meme(meme, motifs)
    with atomic_output(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def align(
    first_layer: FirstLayer, codes: Tensor, threshold: float = 0.5, window_bp: int = 20, batch: int = 50
) -> Alignment:
    """Base frequencies around the positions that activate each filter.

    ``codes``: uint8 (N, L) on the device of the model, ACGT = 0 to 3. A site is a position with an activation above
    ``threshold`` times the filter's largest one over all sequences; its window [position - window_bp/2, position +
    window_bp/2) counts when it begins after the first base and ends before the end of the sequence (both strict, as
    published). A filter whose maximum activation is not finite has no sites.

    Two passes over the sequences, so that only the activations of one batch are in memory.
    """
    half, length = window_bp // 2, codes.shape[1]
    first = half + 1  # the first position whose window begins after base 0
    positions = max(length - window_bp - 1, 0)  # position + half < length
    with torch.inference_mode():
        maximum = None
        for start in progress(range(0, len(codes), batch), "largest activations"):
            # amax and maximum propagate NaN
            largest = first_layer(one_hot(codes[start : start + batch]).unsqueeze(0)).amax(dim=(1, 3))
            maximum = largest if maximum is None else torch.maximum(maximum, largest)
        trials, filters = maximum.shape
        # infinity times 0 is NaN, and no activation is above NaN
        limit = torch.where(maximum.isfinite(), maximum * threshold, torch.nan)[:, None, :, None]
        counts = torch.zeros(trials * filters, window_bp * 4, dtype=torch.float64, device=codes.device)
        sites = torch.zeros(trials * filters, dtype=torch.int64, device=codes.device)
        for start in progress(range(0, len(codes), batch), "aligned sites"):
            bases = one_hot(codes[start : start + batch])
            is_site = first_layer(bases.unsqueeze(0))[..., first : first + positions] > limit
            # windows of all positions, (B, 4, positions, window) -> (B * positions, window * 4)
            windows = bases[..., 1 : length - 1].unfold(2, window_bp, 1) if positions else bases.new_zeros(0, 4, 0, 0)
            windows = windows.permute(0, 2, 3, 1).reshape(-1, window_bp * 4)
            is_site = is_site.transpose(1, 2).reshape(trials * filters, -1).to(bases.dtype)
            sites += is_site.sum(dim=1).long()  # zeros and ones: counts are exact in float32 below 2^24
            counts += is_site @ windows
    found = counts.view(trials, filters, window_bp, 4).cpu().numpy()
    sites = sites.view(trials, filters).cpu().numpy()
    frequencies = np.full_like(found, 0.25)
    some = sites > 0
    frequencies[some] = found[some] / sites[some][:, None, None]
    return Alignment(frequencies, sites, maximum.double().cpu().numpy())
