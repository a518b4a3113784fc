"""Result tables of the hybrid networks: means over kept trials, published numbers, cells, notes."""

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from hybrid_inputs import FACTS, PUBLISHED, paper_architectures, write_model, write_paper
from scipy.stats import ttest_1samp, ttest_ind

from regulens.core.errors import InputError
from regulens.core.io import manifest_path
from regulens.studies.hybrid_networks.results import (
    COLUMNS,
    Chosen,
    Selection,
    best_rows,
    best_trial,
    collect_trials,
    read_trials,
    results,
    summarise,
    trial_columns,
)

NAMES = ["c4c6_lstm_trans2", "c24"]


ACTIVATIONS = ["relu", "exponential"]


@pytest.fixture
def architectures():
    every = paper_architectures()
    return {name: every[name] for name in NAMES}


@pytest.fixture
def folder(tmp_path, architectures):
    for task in ("task1", "task2"):
        for place, name in enumerate(architectures):
            for activation in ACTIVATIONS:
                write_model(tmp_path / task / name / activation, task, trials=4, seed=place)
    return tmp_path


@pytest.mark.parametrize(
    ("values", "keep", "kept"),
    [
        ([0.3, 0.9, 0.5, 0.7], 2, [1, 3]),
        ([0.5, 0.9, 0.5, 0.5], 2, [0, 1]),  # of equal ones the first
        ([np.nan, 0.1, np.nan, 0.2], 2, [1, 3]),
        ([np.nan, 0.1, np.nan, 0.2], 3, [1, 3]),  # no predictions, no vote
        ([0.2, 0.1], 5, [0, 1]),
        ([np.nan, np.nan], 1, []),
    ],
)
def test_the_best_are_kept_and_never_one_without_a_number(values, keep, kept):
    assert list(np.flatnonzero(best_rows(pd.Series(values), keep))) == kept


def test_rows_follow_the_configuration_and_say_what_a_network_is(folder, architectures):
    table = collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    assert list(table.columns) == trial_columns("task1")
    order = list(dict.fromkeys(zip(table["architecture"], table["activation"], strict=True)))
    assert order == [(name, activation) for name in NAMES for activation in ACTIVATIONS]
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["label"], first["baseline"], first["modules"]) == (
        "C4C6-LSTM-Trans2",
        "c4c6",
        "lstm+transformer+transformer",
    )
    assert (last["label"], last["modules"], last["trial"], last["seed"]) == ("C24", "", 3, 13)
    assert (table.groupby(["architecture", "activation"])["kept"].sum() == 2).all()


@pytest.mark.parametrize("task", ["task1", "task2"])
def test_every_number_comes_from_its_own_column(tmp_path, architectures, task):
    one = {"c24": architectures["c24"]}
    made = write_model(tmp_path / task / "c24" / "relu", task, trials=3)
    assert made.to_numpy().size == len(np.unique(made))  # all different, so that a swap would show
    table = collect_trials(tmp_path, task, one, ["relu"], keep=3)
    pd.testing.assert_frame_equal(table[list(made.columns)], made)


@pytest.mark.parametrize(
    ("split", "metric", "column"),
    [("test", "aupr", "aupr"), ("test", "auroc", "auroc"), ("valid", "aupr", "valid_aupr")],
)
def test_the_configured_metric_chooses(tmp_path, architectures, split, metric, column):
    values = {"aupr": [0.9, 0.1, 0.5], "auroc": [0.2, 0.8, 0.1], "valid_aupr": [0.1, 0.2, 0.3]}
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", values=values)
    table = collect_trials(tmp_path, "task1", {"c24": architectures["c24"]}, ["relu"], 1, split, metric)
    assert table["kept"].idxmax() == np.argmax(values[column])
    assert table["kept"].sum() == 1


def test_a_diverged_trial_stays_in_the_table(tmp_path, architectures):
    drop = ["aupr", "auroc", "aupr_exact", "auroc_exact", "tpr"]
    statuses = ["early_stopped", "max_epochs", "diverged"]
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", statuses=statuses, drop=drop)
    table = collect_trials(tmp_path, "task1", {"c24": architectures["c24"]}, ["relu"], keep=3)
    assert list(table["status"]) == statuses
    assert list(table["kept"]) == [True, True, False]
    assert np.isnan(table["aupr"].iloc[2])


def test_trials_are_sorted_whatever_the_order_of_the_files(folder, architectures):
    expected = collect_trials(folder, "task2", architectures, ACTIVATIONS, keep=2, metric="auroc")
    for name, order in {"metrics.csv": [3, 2, 1, 0], "saliency.csv": [2, 0, 3, 1]}.items():
        path = folder / "task2" / "c24" / "relu" / name
        pd.read_csv(path).iloc[order].to_csv(path, index=False)
    pd.testing.assert_frame_equal(
        collect_trials(folder, "task2", architectures, ACTIVATIONS, 2, metric="auroc"), expected
    )


def test_the_table_reads_back_as_it_was(folder, architectures, tmp_path):
    table = collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    table.to_csv(tmp_path / "trials.csv", index=False)
    pd.testing.assert_frame_equal(read_trials(tmp_path / "trials.csv", "task1"), table)


def test_a_missing_file_is_named(folder, architectures):
    path = folder / "task1" / "c24" / "exponential" / "filter_statistics.csv"
    path.unlink()
    with pytest.raises(InputError, match=f"{path}: no such file"):
        collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("metrics.csv", lambda t: t.drop(columns="test_aupr"), "test_aupr is missing"),
        ("metrics.csv", lambda t: t.assign(test_auroc="high"), "test_auroc has values that are not numbers"),
        ("metrics.csv", lambda t: t.iloc[1:], "metrics.csv: trial 0 is missing.*filter_statistics.csv has it"),
        ("filter_statistics.csv", lambda t: t.iloc[:3], "filter_statistics.csv: trial 3 is missing.*metrics.csv has"),
        ("filter_statistics.csv", lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_a_bad_file_is_an_error_that_says_what_and_where(folder, architectures, name, change, message):
    path = folder / "task1" / "c24" / "relu" / name
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(InputError, match=message) as error:
        collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "task3"}, "task: 'task3' does not exist; nearest valid: task"),
        ({"keep": 0}, "keep: 0 trials"),
        ({"split": "training"}, "selection.split: 'training'"),
        ({"metric": "accuracy"}, "selection.metric: 'accuracy'"),
        ({"activations": []}, "at least one"),
    ],
)
def test_bad_settings_are_errors(folder, architectures, options, message):
    given = {"task": "task1", "activations": ACTIVATIONS, "keep": 2} | options
    with pytest.raises(InputError, match=message):
        collect_trials(folder, architectures=architectures, **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(kept="yes"), "column kept has values that are not numbers"),
        (lambda t: t.assign(tpr="x"), "column tpr has values that are not numbers"),
        (lambda t: t.drop(columns="no_hit"), "no_hit is missing"),
    ],
)
def test_a_bad_table_of_trials_is_an_error(folder, architectures, tmp_path, change, message):
    path = tmp_path / "trials.csv"
    change(collect_trials(folder, "task1", architectures, ACTIVATIONS, keep=2)).to_csv(path, index=False)
    with pytest.raises(InputError, match=message):
        read_trials(path, "task1")


@pytest.fixture(params=["task1", "task2"])
def kept(request, tmp_path, architectures):
    """Task and table of three trials of two networks, two kept by the test set; all of c24 with ReLU diverged."""
    name = {"task1": "aupr", "task2": "classification_auroc"}[request.param]
    test = {"relu": [0.8, 0.9, 0.7], "exponential": [0.9, 0.6, 0.9]}
    valid = {"relu": [0.8, 0.7, 0.9], "exponential": [0.3, 0.4, 0.5]}
    for architecture in architectures:
        for activation in ACTIVATIONS:
            values = {name: np.array(test[activation]), "valid_auroc": np.array(valid[activation])}
            if (architecture, activation) == ("c24", "relu"):
                values = {metric: np.full(3, np.nan) for metric in values}
            write_model(tmp_path / request.param / architecture / activation, request.param, values=values)
    metric = {"task1": "aupr", "task2": "auroc"}[request.param]
    table = collect_trials(tmp_path, request.param, architectures, ACTIVATIONS, 2, "test", metric)
    table.to_csv(tmp_path / "trials.csv", index=False)
    return request.param, metric, tmp_path / "trials.csv"


def test_the_best_kept_trial(kept):
    task, metric, path = kept
    network = (path, task, "c4c6_lstm_trans2")
    assert best_trial(*network, "relu", "test", metric) == 1
    assert best_trial(*network, "exponential", "test", metric) == 0  # the first of equals
    # Trial 2 has the highest validation score with ReLU, but was not kept.
    assert best_trial(*network, "relu", "valid", "auroc") == 0
    assert best_trial(*network, "exponential", "valid", "auroc") == 2
    assert best_trial(path, task, "c24", "relu", "test", metric) == 0  # none was kept


def test_a_trial_of_an_unknown_network_names_the_valid_ones(kept):
    task, _, path = kept
    with pytest.raises(InputError, match=r"trials.csv: architecture: 'c42' does not exist; nearest valid: c24"):
        best_trial(path, task, "c42", "relu")
    with pytest.raises(InputError, match="activation of c24: 'exp' does not exist; .*exponential"):
        best_trial(path, task, "c24", "exp")
    with pytest.raises(InputError, match="selection.split: 'train'"):
        best_trial(path, task, "c24", "relu", split="train")
    with pytest.raises(InputError, match="selection.metric: 'auc'"):
        best_trial(path, task, "c24", "relu", "test", "auc")


BOTH = ["relu", "exponential"]


AUPR = Selection(3, "test", "aupr")


def write(folder, task, architectures, selection=AUPR, activations=BOTH, published=PUBLISHED, **options):
    paths = {name: folder / f"out.{name}" for name in ("csv", "trials", "md", "tex")}
    keep, split, metric = selection
    by = Chosen(split=split, metric=metric)
    table = results(folder, task, architectures, activations, keep, by, published, **paths, **options)
    return table, paths["md"].read_text(), paths["tex"].read_text()


def some(*names):
    every = paper_architectures()
    return {name: every[name] for name in names}


def row(table, architecture, activation, metric):
    where = (table["architecture"] == architecture) & (table["activation"] == activation)
    rows = table[where & (table["metric"] == metric)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_mean_and_sd_are_over_the_kept_trials_only(tmp_path):
    values = {"aupr": [0.9, 0.1, 0.8, 0.7], "tpr": [0.5, 0.0, 0.75, 1.0]}
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", 4, values=values)
    table = summarise(collect_trials(tmp_path, "task1", some("c24"), ["relu"], keep=3), "task1")
    tpr = row(table, "c24", "relu", "tpr")
    assert tpr["mean"] == pytest.approx(0.75)
    assert tpr["sd"] == pytest.approx(np.sqrt(2 / 3) / 4)  # divided by 3, not 2
    assert (tpr["low"], tpr["high"], tpr["n_kept"], tpr["n_trials"]) == (0.5, 1.0, 3, 4)
    assert tpr["mean_all"] == pytest.approx(2.25 / 4)
    assert tpr["sd_all"] == pytest.approx(np.std(values["tpr"]))


def test_a_metric_that_some_trials_lack_is_averaged_over_the_others(tmp_path):
    values = {"aupr": [0.7, 0.8, 0.9], "false_discovery": [0.2, 0.4, 0.0]}
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", values=values, drop=["false_discovery"])
    table, text, _ = write(tmp_path, "task1", some("c24"), activations=["relu"])
    found = row(table, "c24", "relu", "false_discovery")
    assert (found["mean"], found["n_kept"], found["n_defined"]) == (pytest.approx(0.3), 3, 2)
    assert "for some of the kept trials only" in text


def test_one_kept_trial_has_no_standard_deviation(tmp_path):
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", 2, values={"tpr": [0.25, 0.25], "aupr": [0.5, 0.4]})
    table, text, _ = write(tmp_path, "task1", some("c24"), Selection(1, "valid", "aupr"), ["relu"])
    assert np.isnan(row(table, "c24", "relu", "tpr")["sd"])
    cells = next(line for line in text.splitlines() if line.startswith("| C24"))
    assert "| 0.250 |" in cells
    assert "1 of 2" in cells


@pytest.mark.parametrize(("task", "trials", "keep", "metric"), [("task1", 5, 3, "aupr"), ("task2", 6, 5, "auroc")])
def test_the_papers_folder_gives_the_papers_table(tmp_path, task, trials, keep, metric):
    """34 rows; the means and standard deviations of the kept trials are the published ones."""
    architectures = write_paper(tmp_path, task, trials, keep)
    table, text, latex = write(tmp_path, task, architectures, Selection(keep, "test", metric))
    known = table[table["published"].notna()]
    metrics = {"task1": 3, "task2": 4}[task]
    assert len(known) == 34 * metrics
    np.testing.assert_allclose(known["mean"], known["published"])
    np.testing.assert_allclose(known["sd"], known["published_sd"], atol=1e-12)
    assert list(table.columns) == COLUMNS
    assert list(pd.read_csv(tmp_path / "out.csv").columns) == COLUMNS
    main, gains = text.split("## Further")[0].split("## Exponential less ReLU")
    assert sum(line.startswith("| C") for line in main.splitlines()) == 34
    lines = [line for line in gains.splitlines() if line.startswith(("| C", "| Mean"))]
    assert len(lines) == 17 + 3
    for line in lines:  # here and published are the same
        cells = [cell.strip().split(" [")[0] for cell in line.split("|")[2:-1]]
        assert cells[::2] == cells[1::2]
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len(body) == 35
    assert {line.count("&") for line in body} == {2 + 2 * metrics}
    assert latex.count(r"\midrule") == 3  # below the head, and between the three baselines
    assert len(pd.read_csv(tmp_path / "out.trials")) == 34 * trials


def test_cells_stand_beside_the_published_ones(tmp_path):
    architectures = write_paper(tmp_path, "task1", 4, 3, some("c4c6_att"))
    _, text, latex = write(tmp_path, "task1", architectures)
    line = next(line for line in text.splitlines() if "exponential" in line)
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[:3] == ["C4C6-Att", "exponential", "3 of 4"]
    assert cells[3:7] == ["0.925 ± 0.001", "0.925 ± 0.001", "0.917 ± 0.039", "0.917 ± 0.039"]
    assert r"C4C6-Att & exponential & 3 of 4 & 0.925 $\pm$ 0.001 & 0.925 & 0.917 $\pm$ 0.039 & 0.917 &" in latex


def test_the_gain_by_the_exponential_has_intervals_over_trials_and_over_networks(tmp_path):
    tpr = {"c4c6": ([0.30, 0.42, 0.36], [0.81, 0.84, 0.90]), "c4c6_att": ([0.4] * 3, [0.8] * 3)}
    tpr |= {
        "c4c6_lstm_att": ([0.3] * 3, [0.6] * 3),
        "c24_att": ([0.5] * 3, [0.7] * 3),
        "c24_lstm_att": ([0.5] * 3,) * 2,
    }
    tpr["c24"] = [0.9] * 3, []
    architectures = some(*tpr)
    for name, of in tpr.items():
        for activation, values in zip(BOTH, of, strict=True):
            values = {"tpr": values, "aupr": [0.5, 0.6, 0.7]} if values else {}
            write_model(tmp_path / "task1" / name / activation, "task1", values=values)
    (tmp_path / "task1/c24/exponential/filter_statistics.csv").unlink()
    write_model(tmp_path / "task1/c24/exponential", "task1", values={"tpr": [np.nan] * 3})
    _, text, _ = write(tmp_path, "task1", architectures)
    head, *lines = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.split("## Exponential less ReLU")[1].split("##")[0].splitlines()
        if line.startswith("|") and "---" not in line
    )
    gains = {line[0]: line[head.index("TPR")] for line in lines}
    welch = ttest_ind(tpr["c4c6"][1], tpr["c4c6"][0], equal_var=False).confidence_interval()
    assert gains["C4C6"] == f"+0.490 [{welch.low:.3f}, {welch.high:.3f}]"
    assert gains["C4C6-Att"] == "+0.400 [0.400, 0.400]"  # without any variance
    over = ttest_1samp([0.49, 0.4, 0.3], 0).confidence_interval()
    assert gains["Mean of 3 C4C6 networks"] == f"+0.397 [{over.low:.3f}, {over.high:.3f}]"
    assert gains["Mean of 2 C24 networks"] == "+0.100"
    assert gains["C24"] == ""  # no mean with the exponential


def test_a_network_of_ones_own_has_no_published_number(tmp_path):
    own = {"mine": paper_architectures()["c24_att"].model_copy(update={"label": "Mine", "published": None})}
    for activation in BOTH:
        write_model(tmp_path / "task2" / "mine" / activation, "task2")
    table, text, _ = write(tmp_path, "task2", own, Selection(3, "test", "auroc"))
    assert table["published"].isna().all()
    assert "Published:" not in text


def test_the_selection_is_stated(tmp_path):
    architectures = some("c24")
    for activation in BOTH:
        write_model(tmp_path / "task1" / "c24" / activation, "task1", 5)
    _, test, latex = write(tmp_path, "task1", architectures)
    assert "the 3 of 5 trials of a network with the highest AUPR on the test set" in test
    assert "optimistic" in test
    assert "optimistic" in latex
    _, valid, _ = write(tmp_path, "task1", architectures, Selection(2, "valid", "auroc"))
    assert "the 2 of 5 trials of a network with the highest AUROC on the validation set." in valid
    assert "optimistic" not in valid
    _, everything, _ = write(tmp_path, "task1", architectures, Selection(5, "test", "aupr"))
    assert "Means over all trials of a network (5): none was left out." in everything
    assert "Kept trials against all" not in everything


def test_the_gain_by_selection_is_measured(tmp_path):
    for activation, values in {"relu": [0.9, 0.9, 0.9, 0.5], "exponential": [0.8, 0.8, 0.8, 0.8]}.items():
        write_model(tmp_path / "task1" / "c24" / activation, "task1", 4, values={"aupr": values})
    _, text, _ = write(tmp_path, "task1", some("c24"))
    assert "AUPR is higher by 0.050 in the median network and by 0.100 in C24 with ReLU." in text


def test_diverged_trials_are_counted_and_named(tmp_path):
    statuses, drop = ["early_stopped", "max_epochs", "diverged"], ["aupr", "auroc"]
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", statuses=statuses, drop=drop)
    write_model(tmp_path / "task1" / "c24" / "exponential", "task1")
    table, text, _ = write(tmp_path, "task1", some("c24"))
    relu = row(table, "c24", "relu", "tpr")
    assert list(relu[["n_kept", "n_trials", "n_early_stopped", "n_max_epochs", "n_diverged"]]) == [2, 3, 1, 1, 1]
    assert "Of 6 trials 4 stopped early, 1 ran to the last epoch and 1 diverged." in text
    assert "Diverged trials: C24 ReLU 1." in text
    assert "Fewer kept trials than 3, because the others gave no finite predictions: C24 ReLU 2." in text
    assert "the 2 to 3 of 3 trials" in text


def test_a_network_whose_trials_all_diverged_is_undefined_not_dropped(tmp_path):
    drop = ["aupr", "auroc", "aupr_exact", "auroc_exact", "tpr", "fpr"]
    write_model(tmp_path / "task1" / "c24" / "relu", "task1", 1, ["diverged"], drop=drop)
    write_model(tmp_path / "task1" / "c24" / "exponential", "task1", 1)
    table, text, _ = write(tmp_path, "task1", some("c24"))
    assert row(table, "c24", "relu", "aupr")["n_kept"] == 0
    line = next(line for line in text.splitlines() if line.startswith("| C24"))
    assert "0 of 1" in line
    assert line.count("undefined") == 3


def test_the_engine_of_the_comparison_is_named_for_filters_only(tmp_path):
    for task in ("task1", "task2"):
        for activation in BOTH:
            write_model(tmp_path / task / "c24" / activation, task)
    _, text, _ = write(tmp_path, "task1", some("c24"))
    way = "regulens 0.1.0, distance ed, BH, q <= 0.1, targets JASPAR2020 CORE (1964 motifs)"
    assert f"Filters compared with Tomtom by {way}." in text
    _, other, _ = write(tmp_path, "task2", some("c24"), Selection(3, "test", "auroc"))
    assert "Tomtom" not in other


def test_two_engines_in_one_table_are_both_named(tmp_path):
    for activation in BOTH:
        write_model(tmp_path / "task1" / "c24" / activation, "task1")
    path = tmp_path / "task1" / "c24" / "relu" / "tomtom.tsv"
    path.write_text(path.read_text().replace(FACTS["engine"], "meme").replace("distance: ed", "distance: pearson"))
    _, text, _ = write(tmp_path, "task1", some("c24"))
    assert "Filters of 1 of the networks compared with Tomtom by the MEME Suite 0.1.0, distance pearson" in text
    assert "Filters of 1 of the networks compared with Tomtom by regulens 0.1.0, distance ed" in text
    path.unlink()
    with pytest.raises(InputError, match=f"{path}: no such file"):
        write(tmp_path, "task1", some("c24"))


def test_plain_definitions_stand_in_a_second_table(tmp_path):
    for activation in BOTH:
        values = {"motif_recall": [0.5] * 3, "false_discovery": [0.125] * 3}
        write_model(tmp_path / "task1" / "c24" / activation, "task1", values=values)
    _, text, _ = write(tmp_path, "task1", some("c24"), label="Filters & motifs", data_note="500 sequences only.")
    further = text.split("## Further")[1]
    assert text.startswith("# Filters & motifs, motifs of the first-layer filters\n")
    assert "- 500 sequences only." in text
    assert "0.500 ± 0.000 |   0.125 ± 0.000" in further
    assert "motif recall is the share of the planted motifs" in further
    assert "Flat" in further
    assert "do not count by default (hybrid_networks.filters.count_flat)" in further


def test_saturated_saliency_stands_in_the_second_table(tmp_path):
    for activation in BOTH:
        write_model(tmp_path / "task2" / "c24" / activation, "task2", values={"saturated": [0.25, 0.5, 0.75]})
    table, text, _ = write(tmp_path, "task2", some("c24"))
    assert table.set_index(["activation", "metric"]).loc[("relu", "saturated"), "mean"] == 0.5
    assert "0.500 ± 0.204" in text.split("## Further")[1]
    assert "Saturated: share of sequences whose saliency is 0 at every base" in text


def test_nothing_is_written_when_a_model_is_missing(tmp_path):
    write_model(tmp_path / "task1" / "c24" / "relu", "task1")
    with pytest.raises(InputError, match="exponential.*no such file"):
        write(tmp_path, "task1", some("c24"))
    assert not list(tmp_path.glob("out.*"))


SELECTION = {"split": "test", "metric": "aupr"}


def settings(drop=(), **changes):
    every = paper_architectures()
    values = {
        "architectures": {name: every[name].model_dump(mode="json") for name in ("c24", "c4c6")},
        "activations": ["relu", "exponential"],
        "keep": 2,
        "selection": SELECTION,
        "label": "Task 1 {of} 'two'",
        "data_note": "A note.",
    } | changes
    return {key: value for key, value in values.items() if key not in drop}


@pytest.fixture
def written(tmp_path):
    every = paper_architectures()
    write_paper(tmp_path, "task1", 3, 2, {name: every[name] for name in ("c24", "c4c6")})
    return tmp_path


def run_results(written, values, task="task1"):
    names = {"--csv": "task1.csv", "--trials": "task1_trials.csv", "--md": "task1.md", "--tex": "task1.tex"}
    names["--facts"] = "task1.facts.json"
    outputs = [written / name for name in names.values()]
    words = ["--task", task, "--published", PUBLISHED]
    words += [word for pair in zip(names, outputs, strict=True) for word in pair]
    run_command("hybrid-networks results", written, *words, folder=written.parent, settings=values)
    return outputs


def test_results_and_claims(written):
    outputs = run_results(written, settings())
    table = pd.read_csv(written / "task1.csv")
    assert list(table["architecture"].unique()) == ["c24", "c4c6"]
    assert set(table["n_kept"]) == {2}
    assert (written / "task1.md").read_text().startswith("# Task 1 {of} 'two', motifs of the first")
    words = ["--task1", outputs[1], "--published", PUBLISHED, "--csv", written / "claims.csv", "--md", written / "c.md"]
    values = settings(["architectures", "activations", "keep", "selection", "label"], evidence="real")
    run_command("hybrid-networks claims", *words, folder=written.parent, settings=values)
    assert "- A note." in (written / "c.md").read_text()


def test_a_command_leaves_only_its_outputs_and_their_manifests(written):
    before = set(written.rglob("*"))
    outputs = run_results(written, settings())
    assert set(written.rglob("*")) - before == {*outputs, *map(manifest_path, outputs)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": ["keep"]}, r"--part \[keep=\]PATH is missing"),
        ({"selection": {"split": "test"}}, "selection.metric: this key is missing"),
        ({"selection": "test"}, "selection: input should be a valid dictionary.*; found 'test'"),
        ({"selection": {"split": "train", "metric": "aupr"}}, "selection.split: 'train'"),
        ({"architectures": {}}, "at least 1"),
        ({"architectures": {"c24": {"label": "C24", "baseline": "c25"}}}, "architectures.c24.baseline: unknown value"),
        ({"architectures": {"c24": {"label": "C24", "baseline": "c24", "layers": 3}}}, "c24.layers: unknown key"),
    ],
)
def test_bad_settings_are_errors_that_name_the_key(written, change, message):
    with pytest.raises(InputError, match=message):
        run_results(written, settings(**change))


def test_another_task_is_an_error(written):
    with pytest.raises(InputError, match="task: 'task3'"):
        run_results(written, settings(), task="task3")
