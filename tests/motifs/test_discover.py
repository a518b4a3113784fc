"""Motif discovery: regions, enrichment, merging, windows, files."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from regulens.core.errors import InputError
from regulens.core.sequence import encode
from regulens.motifs.discover import (
    INSTANCE_COLUMNS,
    MOTIF_COLUMNS,
    Instance,
    base_frequencies,
    count_sequences,
    discover,
    enrichment,
    find_motifs,
    high_scoring_regions,
    merge_strings,
    offset_in,
    to_window,
    ungapped_aligner,
)
from regulens.motifs.meme import read_meme
from regulens.motifs.settings import DiscoverySettings

SITE = "GATTACAG"


class Scores:
    """What `discover` reads of a score file."""

    def __init__(self, sequences, labels, scores):
        self.ids = [f"s{index}" for index in range(len(sequences))]
        self.labels = np.asarray(labels, np.uint8)
        self.codes = np.array([encode(sequence) for sequence in sequences])
        self._scores = np.asarray(scores, np.float32)

    def score(self, name):
        assert name == "lrp"
        return self._scores


def planted(positives=60, negatives=60, length=60, at=20):
    """Random sequences; the site, high in the scores, lies in the positive ones at ``at`` + 0 to 3."""
    rng = np.random.default_rng(3)
    texts = ["".join(row) for row in rng.choice(list("ACGT"), (positives + negatives, length))]
    scores = rng.uniform(0.1, 0.2, (len(texts), length))
    for index in range(positives):
        start = at + index % 4
        texts[index] = texts[index][:start] + SITE + texts[index][start + len(SITE) :]
        scores[index, start : start + len(SITE)] = 5
    return texts, [1] * positives + [0] * negatives, scores


def test_regions_are_maximal_runs_above_mean_and_ten_times_the_minimum():
    scores = np.full((3, 20), 0.1)
    scores[0, 2:8] = 2  # six bases
    scores[0, 10:14] = 2  # four: too short
    scores[0, 15:20] = 2  # up to the end
    scores[1, 4:12] = 0.9  # above the mean, below ten times the minimum
    scores[2, :5] = 2  # from the start
    found = high_scoring_regions(scores, 5, 10)
    assert [tuple(map(int, row)) for row in zip(*found, strict=True)] == [(0, 2, 8), (0, 15, 20), (2, 0, 5)]
    assert len(high_scoring_regions(scores, 5, 8).start) == 4


def test_a_minimum_of_zero_or_less_leaves_only_the_mean():
    scores = np.array([[-1, -1, 0.5, 0.5, 0.5, 0.5, 0.5, -1, -1, -1], [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]])
    assert high_scoring_regions(scores, 5, 10).start.tolist() == [2, 3]


def test_no_region_and_no_sequence_are_normal_and_a_broken_score_is_not():
    assert len(high_scoring_regions(np.ones((2, 30)), 5, 10).start) == 0
    assert len(high_scoring_regions(np.empty((0, 30)), 5, 10).start) == 0
    with pytest.raises(ValueError, match="row 1"):
        high_scoring_regions(np.array([[1.0, 2], [np.nan, 1]]), 1, 1)


def test_counts_are_those_of_a_plain_search():
    rng = np.random.default_rng(0)
    sequences = ["".join(row) for row in rng.choice(list("ACGT"), (80, 50), p=[0.4, 0.1, 0.1, 0.4])]
    sequences[3] = sequences[5] = "AT" * 25  # overlapping occurrences count once
    positive = rng.random(80) < 0.5
    strings = sorted({s[i : i + w] for s in sequences[:12] for w in (1, 5, 6, 20, 21, 22, 40, 50) for i in (0, 7, 30)})
    strings.append("GGGGGGGGGGGG")
    counted = count_sequences(strings, sequences, positive)
    for string, in_positive, in_negative in zip(strings, *counted, strict=True):
        contains = np.array([string in sequence for sequence in sequences])
        assert (in_positive, in_negative) == ((contains & positive).sum(), (contains & ~positive).sum())


def test_enrichment_is_hypergeometric_with_benjamini_hochberg():
    sequences = ["ACGTT"] * 6 + ["ACGAA"] * 2 + ["TTTTT"] * 4
    positive = np.array([True] * 7 + [False] * 5)
    found = enrichment(["ACG", "TT", "CGA"], sequences, positive)
    assert found.positive.tolist() == [7, 6, 1]
    assert found.negative.tolist() == [1, 4, 1]
    expected = [hypergeom.pmf(np.arange(x, 8), 12, 7, n).sum() for x, n in ((7, 8), (6, 10), (1, 2))]
    assert found.p_value == pytest.approx(expected)
    p = np.sort(expected)
    assert np.sort(found.q_value) == pytest.approx(np.minimum.accumulate((p * 3 / [1, 2, 3])[::-1])[::-1])
    assert len(enrichment([], sequences, positive).q_value) == 0


def test_alignment_is_the_best_ungapped_shift_and_of_equal_ones_the_leftmost():
    rng = np.random.default_rng(1)
    aligner = ungapped_aligner()
    for _ in range(200):
        query, key = ("".join(rng.choice(list("ACGT"), rng.integers(4, 12))) for _ in range(2))
        shifts = range(1 - len(key), len(query))
        matches = {s: sum(query[s + i] == b for i, b in enumerate(key) if 0 <= s + i < len(query)) for s in shifts}
        best = max(matches.values())
        assert aligner.score(query, key) == best
        if best:
            assert offset_in(query, key, aligner) == min(s for s, m in matches.items() if m == best)


def regions(*texts):
    return {text: [Instance(index, 10, 10 + len(text), 10, 10 + len(text))] for index, text in enumerate(texts)}


def test_merged_instances_lie_on_the_key():
    merged = merge_strings(regions("ACGTACG", "TACGT", "GGGGG"), 5)
    assert list(merged) == ["TACGT", "GGGGG"]  # short ones first, of one length in the given order
    # ACGTACG aligns with TACGT at -1 (ACGT) and at 3 (TACG): four matches each, so the leftmost counts.
    assert merged["TACGT"] == [Instance(1, 10, 15, 10, 15), Instance(0, 9, 14, 10, 17)]


def test_too_few_matches_do_not_merge_and_the_earlier_of_equal_keys_wins():
    assert len(merge_strings(regions("AAACC", "AAAGG"), 5)) == 2  # three matches, four needed
    assert len(merge_strings(regions("AAACC", "AAAGG"), 4)) == 1
    assert len(merge_strings(regions("AAACCC", "AAAGGG"), 3)) == 1  # three matches, half of the length needed
    assert len(merge_strings(regions("AAACCCCC", "AAAGGGGG"), 3)) == 2
    merged = merge_strings(regions("AAACC", "AAAGG", "AAACG"), 5)  # the third: four matches with either
    assert [len(instances) for instances in merged.values()] == [2, 1]


def test_windows_put_the_odd_base_on_the_right_and_must_end_before_the_last_base():
    def span(start, end, window, length):
        found = to_window(Instance(0, start, end, start, end), window, length)
        return found and (found.start, found.end, found.region_start, found.region_end)

    assert span(20, 25, 24, 100) == (11, 35, 20, 25)
    assert span(20, 26, 24, 100) == (11, 35, 20, 26)
    assert span(10, 35, 24, 100) == (11, 35, 10, 35)  # longer than the window: the odd base leaves on the left
    assert span(9, 14, 24, 100) == (0, 24, 9, 14)
    assert span(8, 13, 24, 100) is None
    assert span(20, 25, 24, 36) == (11, 35, 20, 25)
    assert span(20, 25, 24, 35) is None


def test_a_planted_site_is_found_with_its_instances():
    sequences, labels, scores = planted()
    found = find_motifs(sequences, labels, scores, DiscoverySettings())
    assert [motif.key for motif in found.motifs] == [SITE]
    motif = found.motifs[0]
    assert (found.regions, found.strings, found.enriched, found.merged) == (60, 1, 1, 1)
    assert (motif.sequences_positive, motif.sequences_negative, len(motif.instances)) == (60, 0, 60)
    assert motif.probabilities.shape == (24, 4)
    assert np.allclose(motif.probabilities.sum(axis=1), 1)
    assert "".join("ACGT"[base] for base in motif.probabilities[8:16].argmax(1)) == SITE
    assert (motif.probabilities[8:16].max(axis=1) == 1).all()
    assert [each.start for each in motif.instances] == [12 + index % 4 for index in range(60)]
    assert base_frequencies(["AC", "AG", "AG", "TT"]).tolist() == [[0.75, 0, 0, 0.25], [0, 0.25, 0.5, 0.25]]


def test_no_region_no_enriched_string_and_too_few_instances_are_named(tmp_path):
    sequences, labels, scores = planted()
    flat = find_motifs(sequences, labels, np.ones_like(scores), DiscoverySettings())
    assert flat.sentence == "no high-scoring region, so no motif"
    everywhere = find_motifs([sequences[0]] * 8, [1, 0] * 4, scores[:1].repeat(8, 0), DiscoverySettings())
    assert "none enriched" in everywhere.sentence
    strict = find_motifs(sequences, labels, scores, DiscoverySettings(min_instances=61))
    assert strict.sentence.endswith("1 enriched, merged into 1, none with enough instances, so no motif")
    no_positive = find_motifs(sequences, [0] * 120, scores, DiscoverySettings())
    assert not no_positive.motifs


def test_files_of_a_score(tmp_path):
    sequences, labels, scores = planted()
    source = Scores(sequences, labels, scores)
    paths = [tmp_path / name for name in ("motifs.meme", "instances.tsv", "motifs.csv")]
    found = discover(source, "lrp", DiscoverySettings(), *paths)
    text = read_meme(paths[0])
    assert [(m.matrix.matrix_id, m.sites) for m in text.motifs] == [(f"lrp_1_{SITE}", 60)]
    assert np.allclose(text.motifs[0].matrix.probabilities, found.motifs[0].probabilities, atol=1e-6)
    instances = pd.read_csv(paths[1], sep="\t")
    assert list(instances) == INSTANCE_COLUMNS
    assert len(instances) == 60
    for row in instances.itertuples():
        sequence = sequences[source.ids.index(row.id)]
        assert sequence[row.start : row.end] == row.sequence
        assert sequence[row.region_start : row.region_end] == SITE
    table = pd.read_csv(paths[2])
    assert list(table) == MOTIF_COLUMNS
    assert table.loc[0, ["key", "instances", "sequences_positive", "sequences_negative"]].tolist() == [SITE, 60, 60, 0]


def test_files_without_a_motif_are_valid(tmp_path):
    sequences, labels, scores = planted()
    paths = [tmp_path / name for name in ("motifs.meme", "instances.tsv", "motifs.csv")]
    discover(Scores(sequences, labels, np.ones_like(scores)), "lrp", DiscoverySettings(), *paths)
    assert read_meme(paths[0]).motifs == []
    assert list(pd.read_csv(paths[1], sep="\t")) == INSTANCE_COLUMNS
    assert pd.read_csv(paths[2]).empty


def test_bad_input_names_the_sequence(tmp_path):
    sequences, labels, scores = planted()
    paths = [tmp_path / name for name in ("motifs.meme", "instances.tsv", "motifs.csv")]
    broken = np.array(scores)
    broken[7, 3] = np.nan
    with pytest.raises(InputError, match="score lrp of sequence s7"):
        discover(Scores(sequences, labels, broken), "lrp", DiscoverySettings(), *paths)
    with pytest.raises(InputError, match="sequence s0 has letters"):
        discover(Scores(["N" + sequences[0][1:], *sequences[1:]], labels, scores), "lrp", DiscoverySettings(), *paths)
    with pytest.raises(ValueError, match="do not fit"):
        find_motifs(sequences, labels, scores[:, 1:], DiscoverySettings())
    assert not any(path.exists() for path in paths)
