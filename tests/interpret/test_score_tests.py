"""Tests of scores: on a linear model whose truth is known, on shuffled weights, and the commands on real models."""

import numpy as np
import pandas as pd
import pytest
import torch

from regulens.interpret.score_tests import (
    acting_bases,
    chosen_rows,
    randomised,
    rank_correlation,
    score_tests,
    truth_tests,
)
from regulens.interpret.settings import ScoreTestSettings

SETTINGS = ScoreTestSettings(items=6, fractions=[0.1, 0.3], randomised=[0.5, 1.0], shuffles=3)


class LinearSubject:
    """The sum of weights at the bases that are C; only the first ten bases have any."""

    def __init__(self, sequences=6, length=100):
        self.model = torch.nn.Sequential(torch.nn.Linear(length, 4), torch.nn.Linear(4, 1, bias=False))
        self.codes = np.full((sequences, length), 0, np.uint8)
        self.codes[:, :10] = 1
        self.codes[:, 50:60] = 2
        self.weights = np.zeros(length)
        self.weights[:10] = 1 + np.arange(10)

    def scores(self, model, rows):
        learned = model(torch.eye(self.codes.shape[1])).detach().numpy()[:, 0]
        return {"exact": self._exact(rows), "learned": np.tile(learned, (len(rows), 1)), "wrong": -self._exact(rows)}

    def values(self, codes, rows):
        return ((codes == 1) * self.weights).sum(1)

    def _exact(self, rows):
        return np.tile(self.weights, (len(rows), 1)) * (self.codes[rows] == 1)


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    subject = LinearSubject()
    rows = np.arange(6)
    return score_tests(subject, subject.scores(subject.model, rows), rows, SETTINGS)


def means(table):
    grouped = table.groupby(["score", "test"])
    return (grouped["value"].mean() / grouped["scale"].mean()).to_dict()


def test_deletion_and_insertion_of_the_true_bases_are_almost_the_whole_prediction(found):
    areas = means(found)
    # Ten bases carry everything; shuffled sequences have a C at one place in ten.
    assert areas["exact", "deletion"] == pytest.approx(1, abs=0.15)
    assert areas["exact", "insertion"] == pytest.approx(1, abs=0.15)
    assert areas["wrong", "deletion"] < 0.2
    assert areas["wrong", "insertion"] < 0.35


def test_only_what_depends_on_the_weights_changes_with_them(found):
    correlation = means(found)
    assert correlation["exact", "randomised"] == pytest.approx(1)
    assert abs(correlation["learned", "randomised"]) < 0.5
    # Half of the layers: the last one, with which the scores keep their direction or turn round.
    assert abs(correlation["learned", "randomised 50%"]) > abs(correlation["learned", "randomised"])
    assert correlation["wrong", "agreement"] < 0


def test_shuffling_keeps_the_weights_and_the_layers_before():
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    half, whole = randomised(model, 0.5, 1), randomised(model, 1.0, 1)
    assert torch.equal(half[0].weight, model[0].weight)
    for other in (half[2].weight, whole[2].weight, whole[2].bias):
        mine = model[2].weight if other.ndim == 2 else model[2].bias
        assert torch.equal(other.flatten().sort().values, mine.flatten().sort().values)
    assert not torch.equal(half[2].weight, model[2].weight)
    assert torch.equal(randomised(model, 1.0, 1)[0].weight, whole[0].weight)


def test_rank_correlation_of_a_constant_score_is_zero():
    first = np.array([[1.0, 2, 3], [1, 1, 1]])
    assert rank_correlation(first, np.array([[3.0, 2, 1], [1, 2, 3]])) == pytest.approx([-1, 0])


def test_truth_by_hand():
    truth = np.array([[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]])
    table = truth_tests({"some": np.tile([4.0, 3, 2, 1], (3, 1))}, truth)
    assert table["item"].tolist() == [1, 1]  # the others have no bases to tell apart
    assert table.set_index("test")["value"].to_dict() == pytest.approx({"auprc": (1 + 2 / 3) / 2, "auroc": 3 / 4})
    assert truth_tests({"some": np.ones((1, 4))}, truth[:1]).empty


def test_least_found_is_the_element_that_the_score_overlooks():
    truth = np.array([[1, 0, 2, 0, 0], [0, 2, 0, 0, 0]])
    scores = {"one": [[9.0, 1, 0, 2, 3]] * 2, "both": [[9.0, 1, 8, 2, 3]] * 2}
    table = truth_tests({name: np.array(values) for name, values in scores.items()}, truth)
    least = table[table["test"] == "least"]
    assert least[["score", "item", "value"]].values.tolist() == [["one", 0, 0.0], ["both", 0, 1.0]]


def test_rows_are_evenly_spaced():
    assert chosen_rows(np.arange(10, 20), ScoreTestSettings(items=4)).tolist() == [10, 13, 16, 19]
    assert chosen_rows(np.array([5]), ScoreTestSettings()).tolist() == [5]


def test_bases_that_act_are_sites_in_regulated_elements_and_the_own_promoter(tmp_path):
    readouts = pd.DataFrame({"contig": ["sim1", "sim1"], "position": [5000, 9000]})
    pairs = pd.DataFrame({"number": [0, 0, 1], "start": [5400, 4500, 9400], "end": [5500, 4600, 9500]})
    pairs["regulated"] = [True, False, False]
    assert acting_bases(pairs, readouts, 2000, None).sum(1).tolist() == [100, 0]  # no promoter without sites
    rows = [(5390, 5410, "singleton"), (4550, 4560, "enhancer"), (5010, 5020, "promoter"), (4900, 5100, "element")]
    table = pd.DataFrame([("sim1", start, end, "X", 0, "+", kind) for start, end, kind in rows])
    table.to_csv(tmp_path / "planted.bed", sep="\t", header=False, index=False)
    found = acting_bases(pairs, readouts, 2000, tmp_path / "planted.bed")
    assert np.flatnonzero(found[0] == 1).tolist() == [*range(1400, 1410)]
    assert np.flatnonzero(found[0] == 2).tolist() == [*range(1010, 1020)]
    assert not found[1].any()
