"""Alleles around a variant; effects of a model by hand, with shifts, strands and start sites."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_models import TINY, small_model

from regulens.core.errors import InputError
from regulens.core.sequence import decode, one_hot
from regulens.data.genome import Genome
from regulens.interpret.settings import VariantSettings
from regulens.interpret.variants import alleles, read_effects, variant_effects

SEQUENCE = "ACGTTGCAACGTTGCACCGGTTAA"


def around(tmp_path, position, ref, alt, input_bp=8, shift=0):
    (tmp_path / "genome.fa").write_text(f">chr1\n{SEQUENCE}\n")
    variant = SimpleNamespace(contig="chr1", position=position, ref=ref, alt=alt)
    with Genome(tmp_path / "genome.fa") as genome:
        return [decode(codes) for codes in alleles(genome, variant, input_bp, shift)]


def test_alleles_have_one_length_and_one_start(tmp_path):
    assert around(tmp_path, 10, "G", "T") == ["GCAACGTT"[0:0] + SEQUENCE[6:14], SEQUENCE[6:10] + "T" + SEQUENCE[11:14]]
    assert around(tmp_path, 10, "GTT", "G") == [SEQUENCE[6:14], SEQUENCE[6:11] + SEQUENCE[13:16]]
    assert around(tmp_path, 10, "G", "GAA") == [SEQUENCE[6:14], SEQUENCE[6:11] + "AA" + SEQUENCE[11:12]]
    assert around(tmp_path, 10, "G", "T", shift=2) == [SEQUENCE[8:16], SEQUENCE[8:10] + "T" + SEQUENCE[11:16]]


def test_beyond_the_ends_of_a_contig_there_is_n(tmp_path):
    assert around(tmp_path, 1, "C", "A") == ["NNN" + SEQUENCE[:5], "NNNAA" + SEQUENCE[2:5]]
    assert around(tmp_path, 22, "AA", "A") == [SEQUENCE[18:24] + "NN", SEQUENCE[18:23] + "NNN"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A genome, two variants, and a model that the command loads."""
    codes = np.random.default_rng(0).integers(0, 4, 4000)
    text = "".join("ACGT"[code] for code in codes)
    (tmp_path / "genome.fa").write_text(f">chr1\n{text}\n")
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    rows = [(f"v{place}", "chr1", place, text[place], other[text[place]]) for place in (1500, 2000)]
    pd.DataFrame(rows, columns=["variant", "contig", "position", "ref", "alt"]).to_csv(tmp_path / "v.csv", index=False)
    pd.DataFrame({"contig": ["chr1"], "position": [2010]}).to_csv(tmp_path / "tss.csv", index=False)
    model = small_model("enformer", n_tracks=2).eval()
    header = "identifier\tfile\tclip\tscale\tsum_stat\tstrand_pair\tdescription\n"
    content = {"tracks": header + "".join(f"t{row}\t.\t1\t1\tsum\t{1 - row}\tCAGE:x\n" for row in (0, 1))}
    module = "regulens.training.evaluate"
    monkeypatch.setattr(f"{module}.read_checkpoint", lambda path: content)
    monkeypatch.setattr(f"{module}.build_from_checkpoint", lambda found, path: model)
    monkeypatch.setattr(f"{module}.best_device", lambda: torch.device("cpu"))
    return tmp_path, model


def effects(folder, **settings):
    variant_effects(
        "model.ckpt",
        fasta=folder / "genome.fa",
        variants=folder / "v.csv",
        variant_settings=VariantSettings(**settings),
        sites=folder / "tss.csv",
        output=folder / "effects.h5",
    )
    return read_effects(folder / "effects.h5")


def test_an_effect_is_the_difference_of_two_predictions(files):
    folder, model = files
    found = effects(folder, both_strands=False, batch=4)
    assert (found.variants, found.tracks) == (["v1500", "v2000"], ["t0", "t1"])
    row = next(pd.read_csv(folder / "v.csv").iloc[1:].itertuples())
    with Genome(folder / "genome.fa") as genome, torch.no_grad():
        both = torch.from_numpy(np.stack(alleles(genome, row, TINY.input_bp)))
        reference, alternative = model(one_hot(both))
    np.testing.assert_allclose(found.window[1], (alternative - reference).sum(0), rtol=1e-4, atol=1e-6)
    # The start site is 10 bp behind the variant, in the central bin of three; two bins around it.
    expected = (alternative - reference)[1:3].sum(0)
    assert np.isfinite(found.tss[1]).all()
    near = [np.abs(found.tss[1] - part.numpy()).max() for part in (expected, (alternative - reference)[0:2].sum(0))]
    assert min(near) < 1e-5
    assert np.isnan(found.tss[0]).all()  # 510 bp away, outside the target


def test_strands_and_shifts_are_averaged(files):
    folder, _ = files
    one = [effects(folder, shifts_bp=[shift]).window for shift in (-8, 8)]
    np.testing.assert_allclose(effects(folder, shifts_bp=[-8, 8]).window, np.mean(one, 0), rtol=1e-4, atol=1e-6)
    assert np.abs(effects(folder).window - effects(folder, both_strands=False).window).max() > 1e-6


def test_another_file_is_refused(tmp_path):
    (tmp_path / "effects.h5").write_text("no")
    with pytest.raises(InputError, match="not a file of variant effects"):
        read_effects(tmp_path / "effects.h5")
    with pytest.raises(InputError, match="does not exist"):
        read_effects(tmp_path / "nothing.h5")
