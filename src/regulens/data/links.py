"""Pairs of a promoter and an element within its reach, and whether the element acts on it.

A table of pairs has a row for each element (``start`` to ``end``, 0-based, half-open) and each read-out, which is a
track at a transcription start site (``contig``, ``position``, ``strand``). ``regulated`` is the truth.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter1d

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.progress import say
from regulens.core.settings import nearest
from regulens.core.tables import one_of, read_table, read_text_table, whole_numbers, write_csv
from regulens.data.crop import Coverage, Region, read_windows
from regulens.data.genome import Genome
from regulens.data.matrices import PositionWeightMatrix, load_matrices, scan
from regulens.data.positions import read_positions, renamed
from regulens.data.settings import BoundSites, CrispriLinks, CropSettings, Geometry, PositionTable, SimulatedLinks
from regulens.data.simulate.genome import TSS_OFFSET_BP, read_planted
from regulens.data.store import evenly_spaced
from regulens.data.tracks import read_track_table, track_row

READOUT_COLUMNS = ["readout", "contig", "position", "strand", "cell", "track"]
"""A read-out: its name, place and track."""

PAIR_COLUMNS = [*READOUT_COLUMNS, "element", "start", "end", "distance_bp", "between", "insulators", "regulated"]
"""``element``: its kind or name; ``distance_bp``: from the position to the element's centre, unsigned; ``between``:
number of known elements between the two, ``insulators``: how many of them are insulators."""


def read_pairs(path: Path | str) -> pd.DataFrame:
    """A table of pairs, ``regulated`` bool, with the number of the read-out (column ``number``)."""
    pairs = read_table(path, PAIR_COLUMNS, ["position", "start", "end", "distance_bp", "regulated"])
    pairs["regulated"] = pairs["regulated"].astype(bool)
    pairs["number"] = pairs.groupby("readout", sort=False).ngroup()
    return pairs


@command("simulated-pairs")
def simulated_pairs(
    planted: Path | str,
    /,
    links: Path | str,
    windows: Path | str,
    pairs: Part[SimulatedLinks],
    geometry: Part[Geometry],
    output: Path | str,
) -> None:
    """Promoters of the simulated test contigs with all elements inside an input that is centred on the TSS.

    Arguments:
        planted: elements (``planted.bed``).
        links: the pairs that act (``links.tsv``).
        windows: target regions with their split (``windows.bed``).
    """
    elements = read_planted(planted)
    elements = elements[(elements["kind"] == "element") & elements["contig"].isin(_tested(windows))].reset_index(
        drop=True
    )
    elements["centre"] = (elements["start"] + elements["end"]) // 2
    acting = read_table(links, ["contig", "promoter", "enhancer", "cell"], ["promoter", "enhancer"], sep="\t")
    acting = set(acting[["contig", "promoter", "enhancer", "cell"]].itertuples(index=False, name=None))
    promoters = elements[elements["name"] == "promoter"]
    sign = np.where(promoters["strand"] == "+", 1, -1)
    promoters = promoters.assign(position=promoters["centre"] + sign * TSS_OFFSET_BP)
    rows = []
    for promoter in _evenly(promoters, pairs.promoters).itertuples():
        near = (elements["centre"] - promoter.centre).abs().between(1, geometry.input_bp)
        beside = elements[(elements["contig"] == promoter.contig) & near]
        for cell in pairs.readouts:
            track = _track(pairs, cell, promoter.strand)
            name = f"{promoter.contig}:{promoter.position}:{cell}"
            front = (name, promoter.contig, promoter.position, promoter.strand, cell, track)
            for element in beside.itertuples():
                regulated = (promoter.contig, promoter.centre, element.centre, cell) in acting
                low, high = sorted((promoter.centre, element.centre))
                inside = beside[(beside["centre"] > low) & (beside["centre"] < high)]
                between = len(inside), (inside["name"] == "insulator").sum()
                rows.append((*front, element.name, element.start, element.end, *between, regulated))
    _write(rows, geometry, output, planted)


@command("crispri-pairs")
def crispri_pairs(
    table: Path | str, /, pairs: Part[CrispriLinks], geometry: Part[Geometry], output: Path | str
) -> None:
    """Pairs of a gene's TSS and an element that was silenced by CRISPRi, from a table of the ENCODE benchmark.

    Raises `InputError` naming file, line and column of a malformed row.
    """
    required = ["chrom", "chromstart", "chromend", "chrtss", "starttss", "endtss", "measuredgenesymbol", "celltype"]
    found = read_text_table(table, [*required, "regulated"])
    if "validconnection" in found:
        valid = found["validconnection"].str.upper() == "TRUE"
        say(f"{table}: {(~valid).sum():,} of {len(found):,} pairs are not valid connections and left out")
        found = found[valid]
    known = found["celltype"].isin(list(pairs.readouts))
    if not known.any():
        raise InputError(
            f"{table}: no pair of a configured cell type ({', '.join(pairs.readouts)}); its cell types are "
            f"{', '.join(sorted(found['celltype'].unique()))}: name them in enhancers.readouts"
        )
    found = found[known].copy()
    found["regulated"] = found["regulated"].str.upper()
    yes = one_of(found, "regulated", ["TRUE", "FALSE"], table) == "TRUE"
    numbers = {name: whole_numbers(found, name, table) for name in ("chromstart", "chromend", "starttss", "endtss")}
    position = (numbers["starttss"] + numbers["endtss"]) // 2
    strand = found["strandgene"] if "strandgene" in found else pd.Series(".", found.index)
    far = found["chrom"] != found["chrtss"]
    rows = [
        (
            f"{found['measuredgenesymbol'][line]}:{found['celltype'][line]}",
            found["chrtss"][line],
            position[line],
            strand[line],
            found["celltype"][line],
            _track(pairs, found["celltype"][line], strand[line]),
            "element",
            numbers["chromstart"][line],
            numbers["chromend"][line],
            0,
            0,
            yes[line],
        )
        for line in found.index[~far]
    ]
    _write(rows, geometry, output, table, pairs.promoters)


@command("bound-sites")
def bound_sites(
    sites: Mapping[str, Path | str],
    fasta: Path | str,
    windows: Path | str,
    tracks: Path | str,
    coverage: Sequence[Path | str],
    pairs: Part[BoundSites],
    positions: Part[Mapping[str, PositionTable]],
    crop: Part[CropSettings],
    geometry: Part[Geometry],
    output: Path | str,
) -> None:
    """Bound sites of each factor near start sites, and as many unbound matches of its motif.

    Arguments:
        sites: the table of each of `pairs.factors`.
        windows: target regions with their split.
        tracks: track table, whose files are in one of the folders ``coverage``.

    A bound site is the best match of the motif within `NEAR_BP` of its position. For each, the unbound match whose
    relative score and distance from a start site are nearest; a start site is where the read-out's track is highest
    within ``within_bp``.
    """
    tested = _tested(windows)
    known, matrices = (
        read_track_table(tracks),
        load_matrices({name: factor.matrix for name, factor in pairs.factors.items()}, pairs.release),
    )
    rows = []
    with Genome(fasta) as genome, Coverage(known, coverage, tracks, crop) as measured:
        whole = {contig: Region(contig, 0, genome.lengths[contig], "", 0) for contig in tested}
        codes = {contig: genome.codes(contig, 0, genome.lengths[contig]) for contig in tested}
        tags = {
            (contig, strand): np.nan_to_num(measured.values(track_row(known, track, "sites.pairs.tracks"), region))
            for strand, track in pairs.tracks.items()
            for contig, region in whole.items()
        }
    for name, factor in pairs.factors.items():
        bound = read_positions(sites[name], positions[factor.positions])
        bound["contig"] = renamed(bound["contig"], crop.contig_names)
        found = _matches(matrices[name], codes, bound, pairs, tags)
        say(f"{sites[name]}: {found['regulated'].sum()} bound sites of {name} with its motif and a start site")
        rows += [
            (
                f"{row.contig}:{row.tss}{row.strand}",
                *(row.contig, row.tss, row.strand, name, pairs.tracks[row.strand], name),
                *(row.start, row.start + matrices[name].width, 0, 0, row.regulated),
            )
            for row in _matched(found).itertuples()
        ]
    _write(rows, geometry, output, ", ".join(map(str, sites.values())))


NEAR_BP = 15
"""Distance between a bound position and its motif at most."""

APART_BP = 50
"""Distance between an unbound match and any bound position at least."""


def _matches(
    matrix: PositionWeightMatrix,
    codes: Mapping[str, np.ndarray],
    bound: pd.DataFrame,
    pairs: BoundSites,
    tags: Mapping[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Bound and unbound matches with a start site: contig, start, score, regulated, tss, strand."""
    rows = []
    for contig, sequence in codes.items():
        score = np.maximum(scan(matrix, sequence), scan(matrix.reverse_complement(), sequence))
        places = np.sort(bound.loc[bound["contig"] == contig, "position"].to_numpy())
        middle = np.arange(len(score)) + matrix.width // 2
        distance = np.full(len(score), len(sequence))
        if len(places):
            after = np.clip(np.searchsorted(places, middle), 0, len(places) - 1)
            distance = np.minimum(abs(places[after] - middle), abs(places[np.maximum(after - 1, 0)] - middle))
        best = [
            start + int(score[start:end].argmax())
            for start, end in ((max(place - NEAR_BP - matrix.width // 2, 0), place + NEAR_BP + 1) for place in places)
            if start < len(score)
        ]
        peak = maximum_filter1d(score, 2 * matrix.width + 1) == score
        others = np.flatnonzero(peak & (distance > APART_BP) & (score > 0.5))
        for start, regulated in [*((place, 1) for place in best), *((place, 0) for place in others)]:
            near = slice(max(start - pairs.within_bp, 0), start + pairs.within_bp)
            strand = max(pairs.tracks, key=lambda sign: tags[contig, sign][near].max(initial=0))
            counts = tags[contig, strand][near]
            if counts.max(initial=0) >= max(pairs.tags, 1e-9):
                tss = near.start + int(counts.argmax())
                rows.append((contig, start, score[start], regulated, tss, strand))
    table = pd.DataFrame(rows, columns=["contig", "start", "score", "regulated", "tss", "strand"])
    return table.drop_duplicates(["contig", "start"], ignore_index=True)


def _matched(found: pd.DataFrame) -> pd.DataFrame:
    """Every bound match, and for each an unbound one, without repeats, the best first.

    It is the nearest in score and in distance from the start site, each in its standard deviations, so that neither
    tells bound from unbound.
    """
    found = found.assign(distance=(found["start"] - found["tss"]).abs())
    scale = found[["score", "distance"]].std().clip(lower=1e-9)
    bound = found[found["regulated"] == 1].sort_values("score", ascending=False)
    free = found[found["regulated"] == 0].copy()
    chosen = []
    for of in bound.itertuples():
        if free.empty:
            break
        apart = (free["score"] - of.score).abs() / scale["score"]
        nearest_one = (apart + (free["distance"] - of.distance).abs() / scale["distance"]).idxmin()
        chosen.append(nearest_one)
        free = free.drop(nearest_one)
    return pd.concat([bound, found.loc[chosen]])


def _tested(windows: Path | str) -> list[str]:
    """Contigs with a test window, in the order of the file."""
    return list(dict.fromkeys(window.contig for window in read_windows(windows) if window.split == "test"))


def _track(pairs: SimulatedLinks | CrispriLinks, cell: str, strand: str) -> str:
    """Track that is read for a cell type at a promoter of this strand."""
    tracks = pairs.readouts[cell]
    if isinstance(tracks, str):
        return tracks
    if strand not in tracks:
        raise InputError(
            f"enhancers.readouts.{cell}: no track for a promoter of strand {strand!r}; {nearest(strand, list(tracks))}"
        )
    return tracks[strand]


def _evenly(promoters: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """At most ``limit`` rows, evenly spaced."""
    if limit is None or limit >= len(promoters):
        return promoters
    return promoters.iloc[evenly_spaced(len(promoters), limit)]


def _write(rows: list[tuple], geometry: Geometry, output: Path | str, source: Path | str, limit: int | None = None):
    """Write the pairs whose element lies inside the input; `InputError` if there are none of either kind."""
    columns = [name for name in PAIR_COLUMNS if name != "distance_bp"]
    table = pd.DataFrame(rows, columns=columns)
    half = geometry.input_bp // 2
    inside = (table["start"] >= table["position"] - half) & (table["end"] <= table["position"] + half)
    say(f"{source}: {inside.sum():,} of {len(table):,} elements lie within {half:,} bp of their promoter")
    table = table[inside].assign(distance_bp=((table["start"] + table["end"]) // 2 - table["position"]).abs())
    if limit is not None:
        kept = _evenly(table[["readout"]].drop_duplicates(), limit)["readout"]
        table = table[table["readout"].isin(kept)]
    if table["regulated"].nunique() < 2:
        raise InputError(
            f"{source}: {'no' if not table['regulated'].any() else 'only'} elements that act on a promoter among the "
            f"{len(table):,} within {half:,} bp of one: both kinds are needed"
        )
    write_csv(table[PAIR_COLUMNS].astype({"regulated": int}), output)


@command("element-activity")
def element_activity(
    pairs: Path | str,
    /,
    fasta: Path | str,
    tracks: Path | str,
    coverage: Sequence[Path | str],
    activity: Part[Mapping[str, list[str]]],
    crop: Part[CropSettings],
    output: Path | str,
) -> None:
    """Activity of every element of a table of pairs in its cell type, one row a pair: CSV with the column activity.

    The geometric mean over the tracks of ``activity`` of their mean coverage inside the element. ``tracks``: the track
    table, whose files are in one of the folders ``coverage``.
    """
    table, known = read_pairs(pairs), read_track_table(tracks)
    logs = np.zeros(len(table))
    with Genome(fasta) as genome, Coverage(known, coverage, tracks, crop) as measured:
        for cell, of_cell in table.groupby("cell"):
            if not activity.get(cell):
                raise InputError(
                    f"enhancers.activity: no tracks for the cell type {cell}; {nearest(cell, list(activity))}"
                )
            for name in activity[cell]:
                row = track_row(known, name, f"enhancers.activity.{cell}")
                for pair in of_cell.itertuples():
                    end = min(int(pair.end), genome.lengths[pair.contig])
                    values = measured.values(row, Region(pair.contig, max(int(pair.start), 0), end, "", 0))
                    logs[pair.Index] += np.log(max(np.nan_to_num(values).mean(), 1e-6)) / len(activity[cell])
    write_csv(pd.DataFrame({"activity": np.exp(logs)}), output)


@command("boundary-positions")
def boundary_positions(
    table: Path | str,
    /,
    output: Path | str,
    positions: Part[PositionTable | None] = None,
    contig_names: Part[Mapping[str, str | None] | None] = None,
) -> None:
    """Places of boundaries as CSV (contig, position, 0-based): rows of a table, or the insulators of ``planted.bed``.

    Arguments:
        positions: where the columns of ``table`` are; none: it is the ``planted.bed`` of a simulation.
        contig_names: contigs that the table names otherwise than the genome.
    """
    if positions:
        found = read_positions(table, positions)
        found["contig"] = renamed(found["contig"], contig_names or {})
    else:
        planted = read_planted(table)
        found = planted[(planted["kind"] == "element") & (planted["name"] == "insulator")]
        found = found.assign(position=(found["start"] + found["end"]) // 2)
    if found.empty:
        raise InputError(f"{table}: there are no boundaries in it")
    write_csv(found[["contig", "position"]], output)


@command("target-readouts")
def target_readouts(windows: Path | str, /, tracks: Part[Sequence[str]], output: Path | str) -> None:
    """A read-out of every test target and track, centred on the target: CSV with `READOUT_COLUMNS`."""
    rows = [
        (f"{window.contig}:{window.start}-{window.end}:{track}", window.contig, (window.start + window.end) // 2)
        + (".", "any", track)
        for track in tracks
        for window in read_windows(windows)
        if window.split == "test"
    ]
    write_csv(pd.DataFrame(rows, columns=READOUT_COLUMNS), output)
