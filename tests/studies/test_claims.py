"""The engine of the claims: reading the YAML, every comparison, verdicts, numbers in words, the tables."""

import json
import math
from typing import NamedTuple

import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.studies import dnabert_lrp, genomic_interpreter, hybrid_networks
from regulens.studies.claims import (
    COLUMNS,
    NO_TEST,
    Estimate,
    Group,
    NotTested,
    claims_table,
    judge_all,
    load_claims,
    signed,
)

TEXTS = {"where": "Table 1", "sentence": "It is so.", "criterion": "It is measured.", "numbers": "{values}"}


class Evidence(NamedTuple):
    """Numbers by name."""

    found: dict

    def given(self, least: int = 0) -> dict:
        """All of them."""
        if len(self.found) < least:
            raise NotTested("no number")
        return self.found

    def one(self, name: str) -> Group:
        """One of them."""
        return self.found[name]


@pytest.fixture
def read(tmp_path):
    """Reads claims, given as dictionaries, each with some texts of its own."""

    def read(*claims, **more):
        path = tmp_path / "claims.yaml"
        claims = [{"name": f"c{number}"} | TEXTS | claim for number, claim in enumerate(claims)]
        path.write_text(json.dumps({"notes": ["A {note}.", "{nothing}"], "claims": claims} | more))
        return load_claims(path, Evidence)

    return read


def group(*items) -> Group:
    """Values, or (value, low, high), named a, b, c."""
    return Group(
        Estimate(*item, name=name) if isinstance(item, tuple) else Estimate(item, name=name)
        for item, name in zip(items, "abc", strict=False)
    )


WIDE, NARROW = (0.3, -0.1, 0.7), (0.3, 0.2, 0.4)
HOLDS, FAILS, OPEN = "holds", "does not hold", "not tested in this run"


@pytest.mark.parametrize(
    ("values", "comparison", "verdict"),
    [
        # A limit, strict and not, from above and from below.
        ((0.3, 0.2), {"above": {"limit": 0.1}}, HOLDS),
        ((0.3, 0.1), {"above": {"limit": 0.1}}, FAILS),
        ((0.3, 0.1), {"at_least": {"limit": 0.1}}, HOLDS),
        ((0.3, 0.05), {"at_least": {"limit": 0.1}}, FAILS),
        ((0.3, 0.1), {"below": {"limit": 0.3}}, FAILS),
        ((0.3, 0.1), {"at_most": {"limit": 0.3}}, HOLDS),
        ((0.3, math.nan), {"above": {}}, FAILS),
        ((0.3, -0.1), {"above": {"some": True}}, HOLDS),
        ((-0.3, -0.1), {"above": {"some": True}}, FAILS),
        # A limit of the evidence, a multiple of it, or less than it.
        ((0.3, 0.6), {"above": {"limit": "other"}}, HOLDS),
        ((0.3, 0.6), {"above": {"limit": "values.lowest"}}, FAILS),
        ((0.3, 0.6), {"at_least": {"of": "values.highest", "limit": "values.lowest", "times": 2}}, HOLDS),
        ((0.3, 0.6), {"at_least": {"of": "values.highest", "limit": "values.lowest", "times": 2.1}}, FAILS),
        ((0.15, 0.2), {"at_least": {"limit": "other", "less": 0.1}}, HOLDS),
        ((0.1999,), {"below": {"limit": "other", "less": 1e-9}}, HOLDS),
        ((0.2,), {"below": {"limit": "other", "less": 1e-9}}, FAILS),
        # The whole interval, the interval if there is one, or some of it.
        ((NARROW, NARROW), {"above": {"by": "interval"}}, HOLDS),
        ((NARROW, WIDE), {"above": {"by": "interval"}}, FAILS),
        ((NARROW, WIDE), {"below": {"limit": 0.5, "by": "interval"}}, FAILS),
        ((NARROW, 0.3), {"above": {"by": "interval"}}, OPEN),
        ((NARROW, 0.3, WIDE), {"above": {"by": "interval"}}, FAILS),  # another one decides
        ((NARROW, 0.3), {"above": {"by": "interval", "some": True}}, HOLDS),
        ((NARROW, 0.0004), {"above": {"by": "known_interval", "digits": 3}}, HOLDS),
        ((WIDE, 0.3), {"above": {"by": "known_interval"}}, FAILS),
        ((WIDE, 0.65), {"at_least": {"limit": 0.6, "by": "reach"}}, HOLDS),
        ((NARROW, 0.65), {"at_least": {"limit": 0.6, "by": "reach"}}, FAILS),
        # The limits of intervals as they are printed.
        (((0.3, 0.001, 0.6),), {"above": {"by": "interval", "digits": 3}}, HOLDS),
        (((0.3, 0.0004, 0.6),), {"above": {"by": "interval", "digits": 3}}, FAILS),
        (((0.3, 0.0, 0.6),), {"above": {"by": "interval", "digits": 3}}, FAILS),
        (((-0.3, -0.6, -0.0004),), {"at_least": {"by": "reach", "digits": 3}}, HOLDS),
        (((-0.3, -0.6, -0.001),), {"at_least": {"by": "reach", "digits": 3}}, FAILS),
        # The other comparisons.
        ((0.25, 0.35), {"between": {"limits": [0.25, 0.35]}}, HOLDS),
        ((0.25, 0.36), {"between": {"limits": [0.25, 0.35]}}, FAILS),
        ((NARROW, WIDE), {"contain": {"number": 0.2}}, HOLDS),
        ((NARROW, WIDE), {"contain": {"number": 0.1}}, FAILS),
        ((1, 2, 3), {"correlate": {"x": "values", "y": "values", "p_below": 0.05}}, HOLDS),
        ((1, 3, 2), {"correlate": {"x": "values", "y": "ordered"}}, FAILS),
        ((1,), {"include": {"name": "A"}}, HOLDS),
        ((1,), {"include": {"name": "B"}}, FAILS),
        ((1,), {"include": {}}, HOLDS),
        ((1,), {"include": {"of": "none"}}, FAILS),
        ((1,), {"differ": {}}, HOLDS),
        ((1,), {"differ": {"of": "none"}}, FAILS),
        # All of several.
        ((0.3,), {"above": {}, "below": {"limit": 0.4}}, HOLDS),
        ((0.3,), {"above": {}, "below": {"limit": 0.3}}, FAILS),
        ((0.3,), {"above": {"by": "interval"}, "below": {"limit": 0.3}}, FAILS),
        ((0.3,), {"above": {"by": "interval"}, "below": {"limit": 0.4}}, OPEN),
    ],
)
def test_comparisons(read, values, comparison, verdict):
    study = read({"values": {"given": {}}, "comparison": comparison})
    other = {"other": Estimate(0.2), "ordered": group(1, 2, 3), "classes": [["A"], ["A", "B"]], "none": [[], []]}
    found, text = study.claims[0].judge(Evidence({"values": group(*values)} | other))
    assert found == verdict
    assert text == ("no interval of " + ("b" if len(values) > 1 else "a") if found == OPEN else f"{group(*values)}")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{values}", "a 0.500, b 0.250 [0.200, 0.300], c −0.300"),
        ("{values:+}", "a +0.500, b +0.250 [0.200, 0.300], c −0.300"),
        ("{values.range}", "−0.300 (c) to 0.500 (a)"),
        ("{values.range:+}", "−0.300 (c) to +0.500 (a)"),
        ("{alone.range} {alone.median} {alone.spread}", "0.500 (a) 0.500 0.000"),
        ("{values.lowest.name} {values.highest:+} {values.mean} {values.median}", "c +0.500 0.150 0.250"),
        ("{values.count} {values.positive} {values.spread}", "3 2 0.800"),
        ("{values.lowest:.1f} {small:p} {noted}", "-0.3 3.1e-05 0.12 seen"),
        ("{met} of {values.count}, {sure}", "2 of 3, 2"),
    ],
)
def test_numbers_in_words(read, template, text):
    numbers = {"values": group(0.5, (0.25, 0.2, 0.3), -0.3), "alone": group(0.5), "small": Estimate(3.1e-5)}
    numbers["noted"] = Estimate(0.123, note=" seen", digits=2)
    study = read(
        {"values": {"given": {}}, "comparison": {"above": {"by": "known_interval"}}, "numbers": template},
        {"values": {"given": {}}, "comparison": {"correlate": {"x": "x", "y": "x"}}, "numbers": "{rho:+} {p:.2g}"},
    )
    assert study.claims[0].judge(Evidence(numbers)) == (FAILS, text)
    assert study.claims[1].judge(Evidence({"x": group(1, 2, 3)})) == (HOLDS, "+1.00 0")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4484, "+0.448"), (-0.021, "−0.021"), (0, "0.000"), (0.0001, "0.000"), (math.nan, "undefined")],
)
def test_differences_show_their_sign(value, text):
    assert signed(value) == text


ABOVE = {"values": {"given": {"least": 1}}, "comparison": {"above": {"limit": 1}}, "numbers": "value {values.mean:.0f}"}
CLAIMS = [
    ABOVE,
    ABOVE | {"where": "Table 2 | text", "comparison": {"above": {"limit": 5}}, "published_numbers": "{met} above 5"},
    ABOVE | {"not_published": "it is drawn"},
    ABOVE | {"comparison": {"above": {"by": "interval"}}, "undecided": "{met}, none of {unknown}"},
    ABOVE | {"not_published": "as if printed, {values.mean:.0f}"},
    {"not_tested": "nothing measures it", "numbers": ""},
]


def test_a_run_and_the_paper_are_judged_alike(read):
    claims, number = read(*CLAIMS).claims, {"values": group(3)}
    run = judge_all(claims, Evidence(number), Evidence({}))
    assert list(run["verdict"]) == [HOLDS, FAILS, HOLDS, OPEN, HOLDS, OPEN]
    assert list(run["numbers"]) == [*["value 3"] * 3, "1, none of a", "value 3", "nothing measures it"]
    assert set(run["published_verdict"]) == {"not in the paper's table"}
    published = ["no number", "no number", "it is drawn", "no number", "no number", "nothing measures it"]
    assert list(run["published_numbers"]) == published
    paper = judge_all(claims, Evidence({}), Evidence({"values": group(9)}))
    assert list(paper["published_verdict"]) == [HOLDS, HOLDS, *["not in the paper's table"] * 4]
    assert list(paper["published_numbers"])[:2] == ["value 9", "1 above 5"]
    assert paper["published_numbers"][4] == "as if printed, 9"


def test_simulated_data_judge_truth_and_controls_only(read):
    about = [ABOVE | {"about": kind} for kind in ("paper", "control", "truth")]
    claims = read(*about, {"not_tested": "nothing measures it", "numbers": ""}).claims
    number = {"values": group(3)}
    run = judge_all(claims, Evidence(number), Evidence({"values": group(9)}), simulated=True)
    assert list(run["verdict"]) == [NO_TEST, HOLDS, HOLDS, OPEN]
    assert list(run["numbers"])[:3] == ["value 3"] * 3
    assert list(run["published_verdict"])[:3] == [HOLDS] * 3
    assert list(judge_all(claims, Evidence(number), Evidence({}))["verdict"]) == [*[HOLDS] * 3, OPEN]


def test_an_error_of_a_reading_is_not_taken_for_a_missing_number(read):
    with pytest.raises(TypeError):
        judge_all(read(ABOVE).claims, Evidence(7), Evidence({}))


def test_the_page_counts_the_verdicts_and_gives_every_reason(read, tmp_path):
    study, outputs = read(*CLAIMS), (tmp_path / "c.csv", tmp_path / "c.md")
    evidence = Evidence({"values": group(3)}), Evidence({"values": group(9)})
    facts = {"note": "note", "nothing": ""}
    options = {"facts": facts, "evidence": "real", "data_note": "Made up."}
    table = claims_table(study, *evidence, *outputs, **options)
    assert list(pd.read_csv(outputs[0]).columns) == list(table.columns) == COLUMNS
    text = outputs[1].read_text()
    assert "6 claims: in this run 3 hold, 1 do not hold, 2 not tested." in text
    assert r"Table 2 \| text" in text
    assert "   - In this run it does not hold: value 3.\n   - By the published numbers it holds: 1 above 5.\n" in text
    assert "   - Not tested in this run: nothing measures it.\n" in text
    assert "may fail there, too.\n- A note.\n- Made up.\n\n## Criteria" in text
    claims_table(study, *evidence, *outputs, facts=facts, evidence="simulated")
    words = "in this run 0 hold, 0 do not hold, 4 are about the paper's data and not tested by simulated ones, 2 not"
    assert words in outputs[1].read_text()


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({"sentense": "So."}, r"sentense: unknown key .*did you mean 'sentence'"),
        ({"values": {"gives": {}}}, r"values\.gives: unknown key .*did you mean 'given'"),
        ({"values": {"given": {"leest": 1}}}, r"values\.given\.leest: unknown key .*did you mean 'least'"),
        ({"values": {"given": {"least": "few"}}}, r"values\.given\.least: input should be a valid integer"),
        ({"values": {"one": {}}}, r"values\.one\.name: this key is missing"),
        ({"comparison": {"abov": {}}}, r"comparison\.abov: unknown key .*did you mean 'above'"),
        ({"comparison": {"above": {"limits": 1}}}, r"comparison\.above\.limits: unknown key .*did you mean 'limit'"),
        ({"comparison": {"above": {"by": "intervall"}}}, r"by: unknown value; .*did you mean 'interval'"),
        ({"numbers": ""}, r"a claim needs values \(one kind\), comparison and numbers, or not_tested alone"),
        ({"not_tested": "No."}, r"a claim needs values \(one kind\), comparison and numbers, or not_tested alone"),
        ({"values": {"given": {}, "one": {"name": "a"}}}, r"a claim needs values \(one kind\)"),
        ({"values": {"given": None}}, r"a claim needs values \(one kind\)"),
        ({"name": "c1"}, "claim c1 occurs twice"),
    ],
)
def test_a_wrong_key_is_answered_with_the_right_one(read, claim, message):
    with pytest.raises(InputError, match=rf"claims\.yaml: (?s:.*){message}"):
        read(ABOVE | claim, ABOVE)


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "claims.yaml").write_text("claims: [")
    with pytest.raises(InputError, match=r"claims\.yaml: not valid YAML: while parsing"):
        load_claims(tmp_path / "claims.yaml", Evidence)


@pytest.mark.parametrize("study", [genomic_interpreter, dnabert_lrp, hybrid_networks], ids=lambda s: s.__name__[17:])
def test_sentences_and_criteria_of_the_studies_are_sentences(study):
    claims = __import__(f"{study.__name__}.claims", fromlist=["CLAIMS"]).CLAIMS.claims
    assert len(claims) > 20
    for claim in claims:
        assert claim.sentence.endswith(".")
        assert claim.criterion.endswith(".")
