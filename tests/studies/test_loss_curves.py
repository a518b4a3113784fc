"""Loss curves: lines, best epochs, limits."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import MODELS, check_text, pdf_text, write_logs

from regulens.core.errors import InputError
from regulens.core.tables import read_runs
from regulens.studies.loss_curves import CLASSES, TRAINING_COLUMNS, best_epoch, loss_curves, loss_figure


@pytest.fixture
def logs(tmp_path):
    return write_logs(tmp_path / "logs")


def lines(axes, style, marker="None"):
    return [line for line in axes.lines if line.get_linestyle() == style and line.get_marker() == marker]


def test_one_line_for_every_model_seed_and_quantity(logs):
    figure = loss_figure(read_runs(logs, TRAINING_COLUMNS))
    top, bottom = figure.axes[:5], figure.axes[5:10]
    assert [axes.get_title() for axes in top] == [label for label, _ in MODELS.values()]
    for number, (loss, pearson) in enumerate(zip(top, bottom, strict=True)):
        runs = logs[2 * number : 2 * number + 2]
        assert len(lines(loss, "--")) == len(lines(loss, "-")) == len(lines(pearson, "-")) == 2
        for run, train, valid, r in zip(runs, lines(loss, "--"), lines(loss, "-"), lines(pearson, "-"), strict=True):
            log = pd.read_csv(run.path)
            np.testing.assert_allclose(train.get_ydata(), log["train_loss"])
            np.testing.assert_allclose(valid.get_ydata(), log["valid_loss"])
            np.testing.assert_allclose(r.get_ydata(), log["valid_pearson"])


def marked(axes):
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]


def test_best_epoch_is_marked_by_the_score_that_chose_it(logs):
    table = read_runs(logs, TRAINING_COLUMNS)
    by_pearson, by_loss = loss_figure(table), loss_figure(table, {"enformer": "loss"})
    for number, run in enumerate(logs[6:8]):
        log = pd.read_csv(run.path)
        best = log.loc[log["valid_pearson"].idxmax()]
        assert marked(by_pearson.axes[3])[number] == (best["epoch"], best["valid_loss"])
        assert marked(by_pearson.axes[8])[number] == (best["epoch"], best["valid_pearson"])
        lowest = log.loc[log["valid_loss"].idxmin()]
        assert marked(by_loss.axes[3])[number] == (lowest["epoch"], lowest["valid_loss"])
    assert marked(by_loss.axes[4]) == marked(by_pearson.axes[4])


def test_best_epoch_takes_the_first_of_equals_and_survives_undefined_scores():
    log = pd.DataFrame({"epoch": [1, 2, 3, 4], "valid_pearson": [np.nan, 0.2, 0.3, 0.3], "valid_loss": [4, 1, 1, 2]})
    assert best_epoch(log)["epoch"] == 3
    assert best_epoch(log, "loss")["epoch"] == 2
    assert best_epoch(log.assign(valid_pearson=np.nan))["epoch"] == 1
    assert best_epoch(log, "last")["epoch"] == 4


def test_an_outlying_first_epoch_does_not_flatten_the_curves(logs):
    table = read_runs(logs, TRAINING_COLUMNS)
    low, high = loss_figure(table).axes[0].get_ylim()
    later = table[table["epoch"] > 1][["train_loss", "valid_loss"]].to_numpy()
    assert high < 1.2 < table["train_loss"].max()
    assert low < later.min() < later.max() < high
    calm = table.assign(train_loss=table["train_loss"].clip(upper=0.9))
    assert loss_figure(calm).axes[0].get_ylim()[1] > 0.9


def test_another_score_takes_the_lower_row(logs):
    table = read_runs(logs, TRAINING_COLUMNS).rename(columns={"valid_pearson": "valid_accuracy"})
    figure = loss_figure(table, {"swin1d": "last"}, CLASSES)
    assert figure.axes[5].get_ylabel() == "Validation accuracy"
    last = pd.read_csv(logs[-1].path).iloc[-1]
    assert marked(figure.axes[9])[1] == (last["epoch"], last["valid_pearson"])


def test_one_epoch_is_enough(logs):
    table = read_runs(logs, TRAINING_COLUMNS)
    figure = loss_figure(table[table["epoch"] == 1])
    assert len(marked(figure.axes[0])) == 2
    low, high = figure.axes[5].get_xlim()
    ticks = [tick for tick in figure.axes[5].get_xticks() if low <= tick <= high]
    assert ticks == [1], "no fractions of an epoch"


def test_text_is_readable(logs, tmp_path):
    check_text(loss_figure(read_runs(logs, TRAINING_COLUMNS)))
    check_text(loss_figure(read_runs(logs[:2], TRAINING_COLUMNS)))
    loss_curves(logs, tmp_path / "l.pdf", tmp_path / "l.png")
    text = pdf_text(tmp_path / "l.pdf")
    assert "AttPoolDilate" in text
    assert "Epoch" in text


def test_a_log_without_a_column_is_named(logs, tmp_path):
    pd.read_csv(logs[0].path).drop(columns="valid_loss").to_csv(logs[0].path, index=False)
    with pytest.raises(InputError, match=f"{logs[0].path}: column valid_loss is missing"):
        loss_curves(logs, tmp_path / "l.pdf", tmp_path / "l.png")
