"""The sentence about bases that were chosen by lot."""

import pandas as pd
import pytest
from score_inputs import CLASS_NAMES, curves_table, paired_table, write_task_tables

from regulens.studies.dnabert_lrp.paired_tests import paired_tests
from regulens.studies.dnabert_lrp.table1 import percent, table1, tie_notes


def table(**shares):
    rows = [("Promoters", "Promoter", score, n, share) for score, share in shares.items() for n in (5, 20)]
    return pd.DataFrame(rows, columns=["task_label", "class_name", "score_label", "n", "tied"])


def test_scores_above_5_percent_are_named_with_their_numbers():
    (note,) = tie_notes(table(LRP=0.05, GradCAM=0.513, Rollout=0.0501), 20)
    where = "(Promoters, Promoter)"
    assert note.startswith(f"Chosen by lot: GradCAM in 51 % {where}; Rollout in 5 % {where} of the sequences, because")
    assert "rank 20" in note
    assert "LRP" not in note
    assert tie_notes(table(LRP=0.05), 20) == []


def test_only_the_shares_at_n_count_and_seeds_are_averaged():
    changed = table(GradCAM=0.5)
    changed.loc[changed["n"] == 5, "tied"] = 0
    assert tie_notes(changed, 5) == []
    both = pd.concat([table(GradCAM=0.5), table(GradCAM=0.2)])
    assert "GradCAM in 35 % (" in tie_notes(both, 20)[0]


def test_percent_is_100_only_where_it_is_all():
    assert [percent(share) for share in (0.514, 0.994, 0.997, 1)] == ["51 %", "99 %", "over 99 %", "100 %"]


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_table_1_and_the_paired_tests_say_so(tmp_path, published, seeds):
    expected = "Chosen by lot: GradCAM in 51 % (Promoters, Promoter), 51 % (Enhancers, Enhancer) of the sequences"
    runs = write_task_tables(tmp_path / "curves", curves_table, seeds)
    paths = [tmp_path / f"t.{ending}" for ending in ("csv", "md", "tex")]
    found = table1(runs, published, *paths, n=20, class_names=CLASS_NAMES)
    assert expected in paths[1].read_text()
    assert expected.replace("%", r"\%") in paths[2].read_text()
    shares = found.query("score == 'gradcam' and `class` == 'negative'")["tied"]
    assert shares.tolist() == pytest.approx([0.042, 0.042])
    runs = write_task_tables(tmp_path / "paired", paired_table, seeds)
    paired_tests(runs, *paths[:2], n=20, class_names=CLASS_NAMES)
    assert paths[1].read_text().count(expected) == 1
    assert "Non-promoter)" not in paths[1].read_text()
