"""What the claims tables of the three studies share: judging, the page, numbers in words."""

import numpy as np
import pandas as pd
import pytest

from regulens.studies.claims import (
    COLUMNS,
    Claim,
    NotTested,
    Verdict,
    clear,
    judge_all,
    out_of_reach,
    value_range,
    write_claims,
)


def above(limit):
    def rule(evidence):
        if evidence is None:
            raise NotTested("no number")
        return Verdict(evidence > limit, f"value {evidence}")

    return rule


CLAIMS = [
    Claim("one", "Table 1", "It is above one.", "The value is above 1.", above(1)),
    Claim("five", "Table 2 | text", "It is above five.", "The value is above 5.", above(5)),
    Claim("far", "Abstract", "It matters.", "None.", out_of_reach("nothing measures it")),
]


def test_a_rule_judges_the_run_and_the_paper():
    table = judge_all(CLAIMS, 3, None).set_index("claim")
    assert list(table["verdict"]) == ["holds", "does not hold", "not tested in this run"]
    assert set(table["published_verdict"]) == {"not in the paper's table"}
    assert list(table["numbers"]) == ["value 3", "value 3", "nothing measures it"]
    assert list(judge_all(CLAIMS, None, 9)["published_verdict"]) == ["holds", "holds", "not in the paper's table"]


def test_an_error_of_a_rule_is_not_taken_for_a_missing_number():
    with pytest.raises(TypeError):
        judge_all(CLAIMS, "text", None)


def test_the_page_counts_the_verdicts_and_gives_every_reason(tmp_path):
    table = judge_all(CLAIMS, 3, 9)
    write_claims(table, tmp_path / "c.csv", tmp_path / "c.md", ["A note."], "## More\n")
    assert list(pd.read_csv(tmp_path / "c.csv").columns) == COLUMNS
    text = (tmp_path / "c.md").read_text()
    assert "3 claims: in this run 1 hold, 1 do not hold, 1 not tested." in text
    assert r"Table 2 \| text" in text
    assert "   - In this run it does not hold: value 3.\n   - By the published numbers it holds: value 9.\n" in text
    assert "   - Not tested in this run: nothing measures it.\n" in text
    assert "- A note." in text
    assert text.endswith("## More\n")


@pytest.mark.parametrize(
    ("limit", "is_clear"), [(0.001, True), (0.0004, False), (0.0, False), (-0.2, False), (np.nan, False)]
)
def test_a_limit_is_above_0_as_it_is_printed(limit, is_clear):
    assert clear(limit) is is_clear


def test_a_range_names_its_ends():
    assert value_range(pd.Series({"a": 0.5, "b": 0.25, "c": 0.3})) == "0.250 (b) to 0.500 (a)"
    assert value_range(pd.Series({"a": 0.5})) == "0.500 (a)"
