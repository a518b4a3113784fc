"""Motifs of a JASPAR release, as targets of a comparison (with class and family of their factors) and for simulations.

JASPAR is included in the package ``pyjaspar`` (no network access).
"""

import warnings
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.progress import say
from regulens.data.matrices import PositionWeightMatrix, load_matrices, open_jaspar
from regulens.data.settings import CODE_BACKGROUND, LOOK_ALIKES, SPLITS, BindingSites, RegulatoryCode
from regulens.data.simulate.motifs import (
    MotifSequences,
    both_strands,
    choose_background,
    simulate_binding_sites,
    simulate_regulatory_code,
    write_motif_sequences,
)
from regulens.motifs.meme import MemeMotif, write_meme
from regulens.motifs.settings import ComparisonSettings

ANNOTATION_COLUMNS = ["matrix_id", "name", "tf_class", "tf_family"]

# Targets of a comparison.


class JasparMotif(NamedTuple):
    """A matrix and JASPAR's own annotation of its factor."""

    motif: MemeMotif
    """Frequencies without a pseudocount; ``sites`` is the sum of the first position's counts."""
    tf_class: str
    """Structural class; several factors are joined by ``::``; empty if JASPAR gives none."""
    tf_family: str
    """Family, like ``tf_class``."""


@command("jaspar-targets")
def write_targets(settings: Part[ComparisonSettings], meme: Path | str, annotation: Path | str) -> int:
    """Target motifs of the installed JASPAR and their annotation; returns how many.

    MEME text, and TSV with `ANNOTATION_COLUMNS`.

    Raises `InputError` as `load_targets` does.
    """
    targets = load_targets(settings.release, settings.collection, settings.tax_group, settings.all_versions)
    write_meme(meme, [target.motif for target in targets])
    rows = [
        (target.motif.matrix.matrix_id, target.motif.matrix.name, target.tf_class, target.tf_family)
        for target in targets
    ]
    with atomic_output(annotation) as temporary:
        pd.DataFrame(rows, columns=ANNOTATION_COLUMNS).to_csv(temporary, sep="\t", index=False)
    return len(targets)


def load_targets(
    release: str, collection: str = "CORE", tax_group: str | None = None, all_versions: bool = False
) -> list[JasparMotif]:
    """Matrices of a release, in JASPAR's order.

    ``tax_group`` None: every group. ``all_versions``: superseded versions of a matrix too. Raises `InputError` with the
    valid values if release, collection or group do not exist.
    """
    database = open_jaspar(release)
    with warnings.catch_warnings():  # pyjaspar only warns and returns nothing
        warnings.simplefilter("ignore")
        found = database.fetch_motifs(collection=collection, tax_group=tax_group, all_versions=all_versions)
        if not len(found):
            everything = database.fetch_motifs(all=True, all_versions=True)
            raise InputError(_nothing(everything, release, collection, tax_group))
    return [_target(motif) for motif in found]


def _target(motif) -> JasparMotif:
    counts = np.array([motif.counts[base] for base in "ACGT"]).T
    matrix = PositionWeightMatrix(motif.name, motif.matrix_id, counts / counts.sum(axis=1, keepdims=True))
    return JasparMotif(MemeMotif(matrix, float(counts[0].sum())), _joined(motif.tf_class), _joined(motif.tf_family))


def _joined(value: str | list[str] | None) -> str:
    return "::".join([value] if isinstance(value, str) else value or [])


def _nothing(motifs, release: str, collection: str, tax_group: str | None) -> str:
    collections = sorted({str(motif.collection) for motif in motifs})
    if collection not in collections:
        return f"{release} has no collection {collection!r}; choose one of {', '.join(collections)}"
    groups = set()
    for motif in motifs:
        if motif.collection == collection:
            groups |= {motif.tax_group} if isinstance(motif.tax_group, str) else set(motif.tax_group or [])
    valid = ", ".join(sorted(groups))
    return f"{release} {collection} has no matrix of the group {tax_group!r}; choose one of {valid}, or null for all"


# Simulated data sets of the hybrid networks: matrices from JASPAR, simulation by `regulens.data`.


@command("simulate-motif-sequences")
def write_simulation(
    data: Part[Annotated[BindingSites | RegulatoryCode, Field(discriminator="route")]], output: Path | str
) -> MotifSequences:
    """Simulate labelled sequences with planted motifs: binding sites, or a regulatory code; returns them.

    Raises `InputError` for a release or matrix that does not exist, and whatever the simulation raises.
    """
    found = simulate(data)
    write_motif_sequences(output, found, data.model_dump_json())
    sizes = ", ".join(f"{len(found.of(split)):,} {split}" for split in SPLITS)
    say(f"{output}: {sizes} sequences; classes: {', '.join(found.classes)}")
    return found


def simulate(settings: BindingSites | RegulatoryCode) -> MotifSequences:
    """The configured data set; raises as `write_simulation` does."""
    if isinstance(settings, BindingSites):
        return simulate_binding_sites(settings, load_matrices(settings.motifs, settings.release))
    core = load_matrices(settings.core, settings.release)
    return simulate_regulatory_code(settings, core, background_matrices(settings, list(core.values())))


def background_matrices(settings: RegulatoryCode, core: list[PositionWeightMatrix]) -> list[PositionWeightMatrix]:
    """Background motifs of negative sequences, as ``settings.background`` says, one matrix per strand."""
    if settings.background == "paper":
        library = [target.motif.matrix for target in load_targets(settings.release, "CORE", "vertebrates")]
        return choose_background(core, library, settings.background_motifs, settings.max_similarity, settings.seed)
    dropped = LOOK_ALIKES if settings.background == "fixed" else ()
    names = {name: matrix for name, matrix in CODE_BACKGROUND.items() if name not in dropped}
    return both_strands(load_matrices(names, settings.release).values())
