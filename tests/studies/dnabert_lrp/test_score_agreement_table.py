"""Rank correlation between scores."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from score_files import write_scores

from regulens.core.errors import InputError
from regulens.studies.dnabert_lrp.score_agreement import AGREEMENT_COLUMNS, agreement_table, write_agreement


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    lrp = rng.normal(size=(30, 50)).astype(np.float32)
    scores = {
        "lrp": lrp,
        "opposite": -np.exp(lrp),
        "coarse": np.round(lrp + rng.normal(size=lrp.shape)).astype(np.float32),
        "random": rng.random(lrp.shape).astype(np.float32),
    }
    scores["coarse"][:3] = 0
    return np.arange(30, dtype=np.uint8) % 3 // 2, scores


def test_agreement_is_the_mean_correlation_within_sequences(scores):
    labels, by_name = scores
    table = agreement_table(labels, by_name)
    assert list(table.columns) == AGREEMENT_COLUMNS
    assert len(table) == 2 * 16
    assert table.loc[:15, "score_a"].tolist() == [name for name in by_name for _ in range(4)]
    for row in table.itertuples():
        members = [i for i in np.flatnonzero(labels == row.label) if "coarse" not in row[2:4] or i > 2]
        expected = [spearmanr(by_name[row.score_a][i], by_name[row.score_b][i]).statistic for i in members]
        assert row.sequences == len(members)
        assert row.spearman == pytest.approx(np.mean(expected), abs=1e-6)
        assert row.sd == pytest.approx(np.std(expected, ddof=1), abs=1e-6)
    pairs = table[table["label"] == 0].set_index(["score_a", "score_b"])["spearman"]
    assert pairs["lrp", "lrp"] == pytest.approx(1)
    assert pairs["lrp", "opposite"] == pytest.approx(-1)
    assert 0.5 < pairs["lrp", "coarse"] < 0.9
    assert abs(pairs["lrp", "random"]) < 0.1


def test_constant_score_has_no_correlation():
    table = agreement_table(np.ones(4), {"flat": np.ones((4, 9)), "lrp": np.random.default_rng(0).random((4, 9))})
    assert table["sequences"].tolist() == [0, 0, 0, 4]
    assert table["spearman"].isna().tolist() == [True, True, True, False]


def test_table_is_written_and_nan_refused(scores, tmp_path):
    labels, by_name = scores
    path = write_scores(tmp_path / "scores.h5", labels, np.zeros((30, 50), np.uint8), by_name)
    write_agreement(path, tmp_path / "agreement.csv")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "agreement.csv"), agreement_table(labels, by_name), check_exact=False, atol=1e-5
    )
    by_name["lrp"][4, 4] = np.nan
    with pytest.raises(InputError, match="the score lrp is NaN in 1 sequences"):
        agreement_table(labels, by_name)
