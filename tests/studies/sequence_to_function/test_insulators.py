"""Insulators: which pairs are compared, the sign of the difference, too few pairs."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import pdf_text

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.studies.sequence_to_function.insulators import comparable, insulator_table, insulators


def pairs(behind: int = 12, without: int = 20) -> pd.DataFrame:
    """Enhancers one element away: `deletion` sees nothing behind an insulator, `random` does not care."""
    rng, rows = np.random.default_rng(0), []
    for number in range(behind + without):
        insulated = int(number < behind)
        common = ("sim1", 3000 * number, "blood", "enhancer:blood", 1800, 1, insulated)
        rows += [
            (*common, "deletion", "In-silico deletion", rng.normal(0 if insulated else 3)),
            (*common, "random", "Random", rng.normal()),
            (*common, "activity", "Activity", 1.0),
        ]
    rows += [
        ("sim1", 0, "blood", "enhancer:liver", 1800, 1, 1, "deletion", "In-silico deletion", 9.0),  # another cell type
        ("sim1", 0, "blood", "enhancer:blood", 900, 0, 0, "deletion", "In-silico deletion", 9.0),  # beside the promoter
        ("sim1", 0, "blood", "promoter", 1800, 1, 1, "deletion", "In-silico deletion", 9.0),
    ]
    names = [
        "contig",
        "position",
        "cell",
        "element",
        "distance_bp",
        "between",
        "insulators",
        "method",
        "method_label",
        "score",
    ]
    return pd.DataFrame(rows, columns=names)


def table(found: pd.DataFrame, seeds=(1,)) -> pd.DataFrame:
    whole = [found.assign(model="enformer", label="Enformer", seed=seed) for seed in seeds]
    return insulator_table(pd.concat(whole, ignore_index=True), 50, 1)


def test_enhancers_of_the_cell_type_with_one_element_between_are_compared():
    assert len(comparable(pairs())) == 32 * 3
    both = pairs().assign(element=lambda found: found["element"].replace("enhancer:blood", "enhancer:blood+liver"))
    assert len(comparable(both)) == 32 * 3


def test_the_difference_is_negative_where_the_model_sees_less_behind_an_insulator():
    rows = table(pairs()).set_index("method")
    assert list(rows.index) == ["deletion", "random"]  # activity is no property of a model
    assert rows["high"]["deletion"] < -1
    assert rows["low"]["random"] < 0 < rows["high"]["random"]
    assert (rows["across"].iloc[0], rows["without"].iloc[0]) == (12, 20)


def test_too_few_pairs():
    with pytest.raises(InputError, match="1 enhancers behind an insulator and 20 behind another element are too few"):
        table(pairs(behind=1))
    nothing = pairs().assign(between=0)
    with pytest.raises(InputError, match="no promoter has an enhancer behind another element"):
        table(nothing)


def test_table_and_figure(tmp_path):
    pairs().to_csv(tmp_path / "pairs.csv", index=False)
    outputs = {name: tmp_path / f"insulators.{name}" for name in ("csv", "md", "pdf", "png")}
    insulators([Run("enformer", "Enformer", 1, tmp_path / "pairs.csv")], **outputs, resamples=20, seed=1)
    assert "12 enhancers with an insulator" in outputs["md"].read_text()
    assert "In-silico deletion" in pdf_text(outputs["pdf"])
