"""The reader of the numbers that the papers print."""

from pathlib import Path

import numpy as np
import pytest

from regulens.core.errors import InputError
from regulens.core.published import Place, published_numbers, published_texts

OWN = Path(__file__).parents[2] / "config" / "published.csv"


def test_numbers_stand_under_row_metric_and_column():
    assays = published_numbers(OWN, "genomic_interpreter", "table1", "pearson")
    assert len(assays) == 20
    assert assays["swin1d", "pearson", "CAGE"].value == 0.3242
    assert np.isnan(assays[Place("swin1d", "pearson", "CAGE")].sd)
    hybrid = published_numbers(OWN, "hybrid_networks", "task1")
    assert len(hybrid) == 3 * 34
    assert hybrid["C4C6-Att", "tpr", "exponential"] == (0.917, 0.039)


def test_a_number_without_a_column_and_a_text():
    assert published_numbers(OWN, "dnabert_lrp", "section51")["promoters", "test_accuracy", ""].value == 0.93
    classes = published_texts(OWN, "dnabert_lrp", "section53", "top_motif_class")
    assert classes["lrp", "top_motif_class", "promoters_positive"] == "Homeo domain factors"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("genomic_interpreter,table1,swin1d,pearson,CAGE,0.3,\n", "no row with study hybrid_networks and item task1"),
        ("hybrid_networks,task1,C24,tpr,relu,0.3,\n", "no row with .* item task1 and metric aupr"),
        ("hybrid_networks,task1,C24,aupr,relu,high,\n", "C24, aupr, relu: 'high' or its sd nan is not a number"),
        ("hybrid_networks,task1,C24,aupr,,0.3,low\n", "C24, aupr: 0.3 or its sd 'low' is not a number"),
        ("", "the table has no rows"),
    ],
)
def test_bad_tables_are_errors(tmp_path, rows, message):
    path = tmp_path / "published.csv"
    path.write_text("study,item,subject,metric,condition,value,sd\n" + rows)
    with pytest.raises(InputError, match=f"{path}: .*{message}"):
        published_numbers(path, "hybrid_networks", "task1", "aupr" if rows else None)


def test_a_missing_column_is_an_error(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("study,item,subject,metric,value,sd\na,b,c,d,1,\n")
    with pytest.raises(InputError, match="column condition is missing"):
        published_numbers(path, "a", "b")
