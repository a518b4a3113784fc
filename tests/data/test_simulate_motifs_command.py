"""The two data sets with the matrices of JASPAR 2016, and the command that writes them."""

import numpy as np
import pytest
from commands import run_command

from regulens.core.errors import InputError
from regulens.data.matrices import load_matrices
from regulens.data.settings import LOOK_ALIKES, BindingSites, RegulatoryCode
from regulens.data.simulate.motifs import read_motif_sequences, similarity
from regulens.motifs.jaspar import background_matrices, load_targets, simulate


@pytest.fixture(scope="module")
def core():
    return list(load_matrices(RegulatoryCode().core, "JASPAR2016").values())


def test_motifs_of_task_1():
    """Widths and information (bits) of the motifs (docs/papers.md, "Binding sites")."""
    found = load_matrices(BindingSites().motifs, BindingSites().release)
    assert [one.width for one in found.values()] == [6, 10, 11, 11, 15, 10, 12, 15, 11, 16, 11, 12]
    bits = [9.9, 12.8, 14.3, 13.3, 13.9, 11.4, 17.1, 14.5, 13.3, 21.0, 14.6, 14.4]
    assert [one.information.sum() for one in found.values()] == pytest.approx(bits, abs=0.06)


def test_background_of_the_generator(core):
    """50 motifs on both strands; nine fewer where the look-alikes go."""
    code = background_matrices(RegulatoryCode(), core)
    assert len(code) == 100
    assert np.array_equal(code[1].probabilities, code[0].probabilities[::-1, ::-1])
    fixed = background_matrices(RegulatoryCode(background="fixed"), core)
    assert len(fixed) == 82
    assert {one.name for one in code} - {one.name for one in fixed} == set(LOOK_ALIKES) - {"KLF5"}


def test_background_of_the_paper(core):
    """100 matrices, one strand, none like a core motif, the same each time; other seeds draw others."""
    chosen = background_matrices(RegulatoryCode(background="paper"), core)
    ids = [one.matrix_id for one in chosen]
    assert len(set(ids)) == 100
    assert max(similarity(one.probabilities, own.probabilities) for one in chosen for own in core) <= 0.5
    assert ids == [one.matrix_id for one in background_matrices(RegulatoryCode(background="paper"), core)]
    assert ids != [one.matrix_id for one in background_matrices(RegulatoryCode(background="paper", seed=1), core)]


def test_the_limit_of_the_similarity_finds_the_look_alikes(core):
    """Nine of the ten that the authors marked; PLAG1 (0.43) is the tenth."""
    library = {one.motif.matrix.name: one.motif.matrix for one in load_targets("JASPAR2016", "CORE", "vertebrates")}
    likeness = {
        name: max(similarity(library[name].probabilities, own.probabilities) for own in core) for name in LOOK_ALIKES
    }
    assert [name for name, value in likeness.items() if value <= 0.5] == ["PLAG1"]


@pytest.mark.parametrize("background", ["code", "fixed", "paper"])
def test_backgrounds_change_negative_sequences_only(background):
    data = simulate(RegulatoryCode(background=background, sequences=100))
    reference = simulate(RegulatoryCode(sequences=100))
    assert np.array_equal(data.codes[::2], reference.codes[::2])
    assert np.array_equal(data.codes[1::2], reference.codes[1::2]) == (background == "code")


@pytest.mark.parametrize(
    "settings", [BindingSites(sequences=60, motif_counts={2: 1}), RegulatoryCode(sequences=60, background="fixed")]
)
def test_command(tmp_path, settings):
    path = tmp_path / "data.h5"
    given = {"data": settings.model_dump(mode="json")}
    said = run_command("simulate-motif-sequences", "--output", path, folder=tmp_path, settings=given)
    assert "42 train, 6 valid, 12 test sequences" in said
    found, expected = read_motif_sequences(path), simulate(settings)
    for name in ("codes", "labels", "model", "split"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    assert found.classes == expected.classes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"--part \[data=\]PATH is missing"),
        ({"data": {"route": "sites"}}, "data.route: unknown value; found 'sites'"),
        ({"data": {"route": "binding_sites", "sequence": 10}}, "data.sequence: unknown key .*did you mean 'sequences'"),
        ({"data": {"route": "regulatory_code", "background": "codes"}}, "data.background: .*did you mean 'code'"),
        ({"data": {"route": "binding_sites", "motifs": {"SP1": "MA0079.9"}}}, "JASPAR2016 has no matrix MA0079.9"),
    ],
)
def test_settings_of_the_command_that_are_wrong(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        run_command("simulate-motif-sequences", "--output", tmp_path / "data.h5", folder=tmp_path, settings=values)
    assert not (tmp_path / "data.h5").exists()
