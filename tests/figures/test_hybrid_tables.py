"""Result tables of the hybrid networks: means over kept trials, published numbers, cells, notes."""

import numpy as np
import pandas as pd
import pytest
from hybrid_inputs import FACTS, PUBLISHED, paper_architectures, write_model, write_paper

from regulens.core.errors import InputError
from regulens.studies.hybrid_networks.results import (
    COLUMNS,
    Chosen,
    Selection,
    collect_trials,
    results,
    summarise,
)

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
    main = text.split("## Further")[0]
    assert sum(line.startswith("| C") for line in main.splitlines()) == 34
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
    way = "memelite 0.5.0, distance ed, BH, q <= 0.1, targets JASPAR2020 CORE (1964 motifs)"
    assert f"Filters compared with Tomtom by {way}." in text
    _, other, _ = write(tmp_path, "task2", some("c24"), Selection(3, "test", "auroc"))
    assert "Tomtom" not in other


def test_two_engines_in_one_table_are_both_named(tmp_path):
    for activation in BOTH:
        write_model(tmp_path / "task1" / "c24" / activation, "task1")
    path = tmp_path / "task1" / "c24" / "relu" / "tomtom.tsv"
    path.write_text(path.read_text().replace(FACTS["engine"], "meme").replace("distance: ed", "distance: pearson"))
    _, text, _ = write(tmp_path, "task1", some("c24"))
    assert "Filters of 1 of the networks compared with Tomtom by meme 0.5.0, distance pearson" in text
    assert "Filters of 1 of the networks compared with Tomtom by memelite 0.5.0, distance ed" in text
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
