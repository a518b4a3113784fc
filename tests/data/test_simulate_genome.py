"""The simulated genome, read back from its files: composition, planted truth, long-range rule, learnability."""

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from regulens.core.sequence import encode, reverse_complement
from regulens.data.matrices import load_matrices
from regulens.data.settings import SimulationSettings
from regulens.data.simulate.genome import simulate_genome
from regulens.data.tracks import read_track_table

BIN = 128
SETTINGS = SimulationSettings(contigs={"train": 2, "valid": 1, "test": 1}, contig_bp=256_000, seed=3)
PLANTED = ["contig", "start", "end", "name", "score", "strand", "kind"]


@pytest.fixture(scope="module")
def matrices():
    return load_matrices(SETTINGS.motifs, SETTINGS.release)


@pytest.fixture(scope="module")
def genome(tmp_path_factory, matrices):
    folder = tmp_path_factory.mktemp("simulated")
    simulate_genome(SETTINGS, folder, matrices)
    return folder


@pytest.fixture(scope="module")
def planted(genome):
    return pd.read_csv(genome / "planted.bed", sep="\t", names=PLANTED)


@pytest.fixture(scope="module")
def targets(genome):
    return pd.read_csv(genome / "targets.tsv", sep="\t")


@pytest.fixture(scope="module")
def sequence(genome):
    contigs = (genome / "genome.fa").read_text().split(">")[1:]
    return {lines[0]: encode("".join(lines[1:])) for lines in map(str.splitlines, contigs)}


def binned(genome, row) -> np.ndarray:
    """Targets of one track in bins of 128 bp, all contigs in order; written without the crop's code."""
    with pyBigWig.open(str(genome / "coverage" / row.file)) as bigwig:
        values = np.concatenate(
            [bigwig.values(name, 0, length, numpy=True) for name, length in bigwig.chroms().items()]
        )
    assert not np.isnan(values).any(), "every base has a value"
    values = values.reshape(-1, BIN) * row.scale
    return values.sum(1) if row.sum_stat == "sum" else values.mean(1)


def composition(codes: np.ndarray) -> tuple[float, float]:
    """Share of G + C, and CpG observed / expected."""
    c, g = (codes == 1).mean(), (codes == 2).mean()
    return c + g, ((codes[:-1] == 1) & (codes[1:] == 2)).mean() / (c * g)


def test_genome_composition_and_islands(sequence, planted):
    promoter, elsewhere = [], []
    for name, codes in sequence.items():
        elements = planted[(planted.contig == name) & (planted.kind == "element")]
        nearest = np.full(len(codes), len(codes))
        for row in elements.itertuples():
            centre = (row.start + row.end) // 2
            nearest[max(centre - 700, 0) : centre + 700] = 0
            if row.name == "promoter":
                promoter.append(codes[centre - 400 : centre - 110])
        elsewhere.append(codes[nearest > 0])
    gc, cpg = composition(np.concatenate(elsewhere))
    assert gc == pytest.approx(SETTINGS.gc_content, abs=0.01)
    assert cpg == pytest.approx(SETTINGS.cpg_ratio, abs=0.05)
    gc, cpg = composition(np.concatenate(promoter))
    assert gc == pytest.approx(SETTINGS.island_gc_content, abs=0.02)
    assert cpg == pytest.approx(SETTINGS.island_cpg_ratio, abs=0.1)


def test_windows_tile_each_contig_and_splits_are_contigs(genome):
    windows = pd.read_csv(genome / "windows.bed", sep="\t", names=["contig", "start", "end", "split"])
    assert ((windows.end - windows.start) == SETTINGS.window_bp).all()
    assert windows.groupby("contig").split.nunique().max() == 1
    per_contig = SETTINGS.contig_bp // SETTINGS.window_bp
    assert windows.split.value_counts().to_dict() == {"train": 2 * per_contig, "valid": per_contig, "test": per_contig}
    for _, group in windows.groupby("contig"):
        assert group.start.tolist() == list(range(0, per_contig * SETTINGS.window_bp, SETTINGS.window_bp))


def test_track_table_names_its_files_and_strand_pairs(genome, targets):
    assert all((genome / "coverage" / file).is_file() for file in targets.file)
    prefixes = targets.description.str.split(":").str[0]
    assert prefixes.value_counts().to_dict() == {"DNASE": 3, "CHIP": 4, "CAGE": 4}
    pairs = targets.strand_pair.to_numpy()
    assert (pairs[pairs] == targets.index).all()
    assert (pairs != targets.index).sum() == 4
    for identifier, pair in zip(targets.identifier, pairs, strict=True):
        other_strand = identifier.replace("plus", "x").replace("minus", "plus").replace("x", "minus")
        assert targets.identifier[pair] == other_strand
    assert read_track_table(genome / "targets.tsv").strand_pair.tolist() == pairs.tolist()


def test_planted_sites_are_in_the_sequence(sequence, planted, matrices):
    sites = planted[planted.kind != "element"]
    assert set(sites.name) == set(SETTINGS.motifs)
    assert set(sites.strand) == {"+", "-"}
    for motif, group in sites.groupby("name"):
        found = np.stack([sequence[row.contig][row.start : row.end] for row in group.itertuples()])
        found = np.where((group.strand == "+").to_numpy()[:, None], found, reverse_complement(found))
        score = matrices[motif].relative_score(found)
        assert np.abs(1000 * score.clip(0, 1) - group.score).max() <= 0.5
        # Degenerate instances: column frequencies are those of the matrix (five standard errors of a share).
        frequency = (found[:, :, None] == np.arange(4)).mean(0)
        error = 5 * np.sqrt(0.25 / len(group))
        assert np.abs(frequency - matrices[motif].probabilities).max() < error, motif
        assert len(np.unique(found, axis=0)) > len(group) / 10


def test_sites_do_not_overlap(planted):
    for _, group in planted[planted.kind != "element"].groupby("contig"):
        assert (group.start.to_numpy()[1:] >= group.end.to_numpy()[:-1]).all()


def elements_with_neighbours(planted) -> pd.DataFrame:
    elements = planted[planted.kind == "element"].copy()
    elements["centre"] = (elements.start + elements.end) // 2
    by_contig = elements.groupby("contig")
    elements["left"], elements["right"] = by_contig.name.shift(1).fillna(""), by_contig.name.shift(-1).fillna("")
    elements["gap"] = by_contig.centre.diff()
    return elements.reset_index(drop=True)


def test_rule_about_half_of_the_promoters_have_an_enhancer(genome, planted):
    elements = elements_with_neighbours(planted)
    gaps = elements.gap.dropna()
    low, high = SETTINGS.element_distance_bp
    assert gaps.between(low, high).all()
    promoters = elements[elements.name == "promoter"]
    links = pd.read_csv(genome / "links.tsv", sep="\t")
    for cell in SETTINGS.cells:
        beside = promoters.left.str.contains(cell) | promoters.right.str.contains(cell)
        assert 0.3 < beside.mean() < 0.6
        linked = links[links.cell == cell]
        assert set(zip(linked.contig, linked.promoter, strict=True)) == set(
            zip(promoters.contig[beside], promoters.centre[beside], strict=True)
        )
    assert (links.distance_bp == links.enhancer - links.promoter).all()
    assert links.distance_bp.abs().between(low, high).all()


def pearson(a, b) -> float:
    return np.corrcoef(a, b)[0, 1]


def fit(features: np.ndarray, target: np.ndarray, train: np.ndarray) -> float:
    """Test correlation of a least-squares fit with intercept."""
    design = np.column_stack([features, np.ones(len(features))])
    weights = np.linalg.lstsq(design[train], target[train], rcond=None)[0]
    return pearson(design[~train] @ weights, target[~train])


def bin_counts(contigs, positions, names, weights=None) -> np.ndarray:
    """Weights summed in bins over all contigs in order, smoothed by sharing a position between two bins."""
    per_contig = SETTINGS.contig_bp // BIN
    place = np.array([names.index(name) for name in contigs]) * per_contig + np.asarray(positions) / BIN - 0.5
    low = np.floor(place).astype(int)
    share = place - low
    weights = np.ones(len(place)) if weights is None else np.asarray(weights, float)
    counts = np.zeros(len(names) * per_contig + 1)
    np.add.at(counts, low, (1 - share) * weights)
    np.add.at(counts, low + 1, share * weights)
    return counts[:-1]


def test_what_can_be_learnt_from_gc_from_sites_and_from_the_rule(genome, planted, targets, sequence):
    """GC + CpG predict a little, planted sites predict well, CAGE needs the enhancer a kilobase away."""
    names = list(sequence)
    train = np.repeat([True, True, True, False], SETTINGS.contig_bp // BIN)
    codes = np.concatenate(list(sequence.values()))
    gc = ((codes == 1) | (codes == 2)).reshape(-1, BIN).mean(1)
    cpg = np.append((codes[:-1] == 1) & (codes[1:] == 2), False).reshape(-1, BIN).sum(1)
    sites = planted[(planted.kind != "element") & (planted.kind != "singleton")]
    middle = (sites.start + sites.end) / 2
    motif_counts = np.column_stack(
        [
            bin_counts(sites.contig[sites.name == m], middle[sites.name == m], names, sites.score[sites.name == m])
            for m in SETTINGS.motifs
        ]
    )
    elements = elements_with_neighbours(planted)
    ridge, oracle, local = {}, {}, {}
    for row in targets.itertuples():
        target = binned(genome, row)
        assert 0.1 < target.mean() < 2
        assert 3 < np.quantile(target, 0.999) < 120
        assay, rest = row.description.split(":", 1)
        ridge.setdefault(assay, []).append(fit(np.column_stack([gc, cpg]), target, train))
        if assay == "CAGE":
            cell = rest.split(" ")[0]
            chosen = elements[(elements.name == "promoter") & (elements.strand == ("+" if "(+" in rest else "-"))]
            tss = chosen.centre + (40 if "(+" in rest else -40)
            enhancers = chosen.left.str.contains(cell).astype(int) + chosen.right.str.contains(cell)
            local.setdefault(assay, []).append(fit(bin_counts(chosen.contig, tss, names)[:, None], target, train))
            oracle.setdefault(assay, []).append(
                fit(bin_counts(chosen.contig, tss, names, enhancers)[:, None], target, train)
            )
        else:
            around = [np.roll(motif_counts, step, axis=0) for step in (-1, 0, 1)]
            oracle.setdefault(assay, []).append(fit(np.column_stack(around), target, train))
    ridge, oracle, local = ({key: np.mean(value) for key, value in r.items()} for r in (ridge, oracle, local))
    assert 0.2 < ridge["DNASE"] < 0.4
    assert 0.0 < ridge["CHIP"] < 0.3
    assert 0.1 < ridge["CAGE"] < 0.3
    assert oracle["DNASE"] > 0.75
    assert oracle["CHIP"] > 0.75
    assert oracle["CAGE"] > 0.75
    assert local["CAGE"] < 0.65
    assert oracle["CAGE"] > local["CAGE"] + 0.2


def test_an_enhancer_does_not_show_in_the_promoter_itself(planted, sequence):
    """Composition of promoters and their number of motifs are the same with and without an enhancer."""
    elements = elements_with_neighbours(planted)
    promoters = elements[elements.name == "promoter"]
    active = promoters.left.str.startswith("enhancer") | promoters.right.str.startswith("enhancer")
    gc = np.array(
        [composition(sequence[row.contig][row.start - 84 : row.end + 84])[0] for row in promoters.itertuples()]
    )
    difference = gc[active].mean() - gc[~active].mean()
    error = gc.std() * np.sqrt(1 / active.sum() + 1 / (~active).sum())
    assert abs(difference) < 4 * error
    assert active.sum() > 50
    assert (~active).sum() > 20
