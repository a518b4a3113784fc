"""Attributions as bigWig and BED: nearest read-out, ends of contigs, both strands, names that do not exist."""

import h5py
import numpy as np
import pyBigWig
import pytest

from regulens.core.errors import InputError
from regulens.data.matrices import load_matrices
from regulens.interpret.browser_files import attribution_bigwig, attribution_motifs
from regulens.interpret.settings import MotifScan

LENGTH = 40
MOTIFS = MotifScan(matrices={"GATA1": "MA0035.2"}, release="JASPAR2020", min_score=0.9)
CONTIG = "ACGT" * 25


@pytest.fixture
def files(tmp_path):
    """Three read-outs of one track: two that overlap, one beyond the start of its contig; and one of another track."""
    positions = [("chr1", 30, "CAGE"), ("chr1", 50, "CAGE"), ("chr2", 10, "CAGE"), ("chr1", 30, "DNASE")]
    (tmp_path / "genome.fa").write_text(f">chr1\n{CONTIG}\n>chr2\n{CONTIG}\n")
    best = load_matrices(MOTIFS.matrices, MOTIFS.release)["GATA1"].log_odds.argmax(1)
    codes = np.zeros((4, LENGTH), np.uint8)
    codes[0, 2 : 2 + len(best)] = best
    codes[1, 25 : 25 + len(best)] = 3 - best[::-1]
    with h5py.File(tmp_path / "attributions.h5", "w") as file:
        for name, column in zip(("contig", "position", "track"), zip(*positions, strict=True), strict=True):
            file[name] = np.array(column, object if isinstance(column[0], str) else np.int64)
        for name in ("readout", "strand", "cell"):
            file[name] = np.array([f"{name}{row}" for row in range(4)], object)
        file["value"], file["reference"], file["codes"] = np.zeros(4), np.zeros(4), codes
        file["scores/lrp"] = (np.arange(4)[:, None] + np.arange(LENGTH) / 100).astype(np.float32)
    return tmp_path


def test_every_base_has_its_value_in_the_nearest_readout(files):
    attribution_bigwig(files / "attributions.h5", files / "genome.fa", "lrp", "CAGE", files / "out.bw")
    with pyBigWig.open(str(files / "out.bw")) as file:
        values = file.values("chr1", 0, 100, numpy=True)
        start = file.values("chr2", 0, 100, numpy=True)
    assert np.isnan(values[:10]).all()
    assert np.isnan(values[70:]).all()
    assert values[10] == pytest.approx(0)
    assert values[39] == pytest.approx(0.29)
    assert values[40] == pytest.approx(1.1)  # half-way between the two
    assert start[0] == pytest.approx(2.1)  # ten bases lie before the contig
    assert np.isfinite(start).sum() == 30


def test_motifs_have_their_place_strand_and_sum(files):
    attribution_motifs(files / "attributions.h5", "lrp", "CAGE", MOTIFS, files / "out.bed")
    rows = [line.split("\t") for line in (files / "out.bed").read_text().splitlines()]
    width = int(rows[0][2]) - int(rows[0][1])
    assert [(row[0], int(row[1]), row[3], row[4], row[5]) for row in rows] == [
        ("chr1", 12, "GATA1", "1000", "+"),
        ("chr1", 55, "GATA1", "1000", "-"),
    ]
    assert float(rows[0][6]) == pytest.approx(sum(range(2, 2 + width)) / 100, rel=1e-4)


def test_a_wrong_name_is_answered_with_the_right_one(files):
    for score, track, message in (
        ("lpr", "CAGE", "no score 'lpr'; did you mean 'lrp'"),
        ("lrp", "CAG", "did you mean 'CAGE'"),
    ):
        with pytest.raises(InputError, match=message):
            attribution_bigwig(files / "attributions.h5", files / "genome.fa", score, track, files / "out.bw")
    assert not (files / "out.bw").exists()
