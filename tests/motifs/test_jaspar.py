"""JASPAR targets: which, with what annotation, and unknown releases."""

import numpy as np
import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.motifs.jaspar import ANNOTATION_COLUMNS, load_targets, write_targets
from regulens.motifs.meme import read_meme
from regulens.motifs.settings import ComparisonSettings


def test_default_targets_are_jaspar_2018_core_vertebrates(tmp_path):
    meme, annotation = tmp_path / "targets.meme", tmp_path / "targets.tsv"
    assert write_targets(ComparisonSettings(), meme, annotation) == 579
    text, table = read_meme(meme), pd.read_csv(annotation, sep="\t", keep_default_na=False)
    assert list(table) == ANNOTATION_COLUMNS
    assert [motif.matrix.matrix_id for motif in text.motifs] == table["matrix_id"].tolist()
    rows = table.set_index("matrix_id")
    assert rows.loc["MA0079.3"].tolist() == [
        "SP1",
        "C2H2 zinc finger factors",
        "Three-zinc finger Krüppel-related factors",
    ]
    assert rows.loc["MA0006.1", "tf_class"] == "::".join(["Basic helix-loop-helix factors (bHLH)"] * 2)  # Ahr::Arnt
    assert rows.loc["MA0111.1", "tf_family"] == ""  # JASPAR gives Spz1 none


def test_all_versions_of_all_groups_are_the_list_of_the_hybrid_study():
    targets = load_targets("JASPAR2020", all_versions=True)  # 1,964: docs/papers.md, "jaspar-release"
    identifiers = [target.motif.matrix.matrix_id for target in targets]
    assert len(set(identifiers)) == len(identifiers) == 1964
    assert {"MA0079.1", "MA0079.4"} <= set(identifiers)


def test_frequencies_and_sites_are_those_of_jaspars_own_meme_file(mirror):
    theirs = {m.matrix.matrix_id: m for m in read_meme(mirror / "motifs" / "tomtom" / "targets.meme").motifs}
    ours = {t.motif.matrix.matrix_id: t.motif for t in load_targets("JASPAR2016", tax_group="vertebrates")}
    shared = sorted(set(theirs) & set(ours))
    assert len(shared) == len(theirs) == 518
    for identifier in shared:
        assert ours[identifier].matrix.name.upper() == theirs[identifier].matrix.name.upper()
        assert np.allclose(ours[identifier].matrix.probabilities, theirs[identifier].matrix.probabilities, atol=2e-3), (
            identifier
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("JASPAR1999",), "JASPAR release 'JASPAR1999' is not installed; choose one of .*JASPAR2018"),
        (("JASPAR2018", "COLE"), "JASPAR2018 has no collection 'COLE'; choose one of .*CORE"),
        (("JASPAR2018", "CORE", "mammals"), "no matrix of the group 'mammals'; choose one of .*vertebrates, or null"),
    ],
)
def test_unknown_names_list_the_valid_ones(arguments, message):
    with pytest.raises(InputError, match=message):
        load_targets(*arguments)
