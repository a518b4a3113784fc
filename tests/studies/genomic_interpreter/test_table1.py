"""Table 1: means, rounding, bold, undefined rows, published numbers, notes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_inputs import write_runs
from scipy.stats import ttest_1samp

from regulens.config import load
from regulens.config.genomic_interpreter import resolved
from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.core.tables import latex_escape, read_correlations
from regulens.studies.genomic_interpreter.table1 import (
    cells,
    group_means,
    table1,
    to_latex,
    to_markdown,
)

ROOT = Path(__file__).parents[3]


def tidy(*rows) -> pd.DataFrame:
    """A tidy table of (model, group, pearson, sd, published)."""
    columns = ["model", "group", "pearson", "sd", "published"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        label=table["model"].str.upper(), n_seeds=3, n_tracks=10, n_constant=0, n_flat=0, behind_high=np.nan
    )


PAPER = {name: name for name in ("maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer", "swin1d")}


def write(folder, published, runs, **options):
    options = {"published_as": PAPER} | options
    table = table1(runs, published, folder / "t.csv", folder / "t.md", folder / "t.tex", **options)
    return table, (folder / "t.md").read_text(), (folder / "t.tex").read_text()


def test_means_are_over_tracks_then_seeds(runs):
    means = group_means(read_correlations(runs)).set_index(["model", "group"])
    frames = [pd.read_csv(run.path) for run in runs if run.model == "enformer"]
    per_seed = [frame.loc[frame["group"] == "DNase", "pearson"].mean() for frame in frames]
    row = means.loc["enformer", "DNase"]
    assert row["pearson"] == pytest.approx(np.mean(per_seed))
    assert row["sd"] == pytest.approx(np.std(per_seed, ddof=1))
    assert (row["n_seeds"], row["n_tracks"], row["n_constant"]) == (3, 5, 1)
    overall = means.loc["enformer", "Overall"]
    assert overall["pearson"] == pytest.approx(np.mean([frame["pearson"].mean() for frame in frames]))
    assert overall["n_tracks"] == 17


def test_rows_are_models_in_order_then_references(runs, published, tmp_path):
    table, _, _ = write(tmp_path, published, runs)
    models = ["maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer", "swin1d", "mean", "gc_cpg_ridge"]
    assert list(dict.fromkeys(table["model"])) == models


def test_groups_follow_the_configured_order_and_only_those_that_occur(runs, published, tmp_path):
    table, _, _ = write(tmp_path, published, runs, groups=["CAGE", "DNase", "ChIP", "RNA"])
    assert list(dict.fromkeys(table["group"])) == ["CAGE", "DNase", "ChIP", "Overall"]


def test_a_group_without_configuration_is_an_error(runs, published, tmp_path):
    with pytest.raises(InputError, match="ChIP.*configured: DNase, CAGE"):
        write(tmp_path, published, runs, groups=["DNase", "CAGE"])
    assert not (tmp_path / "t.csv").exists()


def test_one_seed_has_no_standard_deviation(published, tmp_path):
    table, text, _ = write(tmp_path, published, write_runs(tmp_path / "one", seeds=(4,)))
    assert table["sd"].isna().all()
    assert "±" not in text


def test_published_numbers_are_joined_by_model_and_group(runs, published, tmp_path):
    table, text, _ = write(tmp_path, published, runs)
    values = table.set_index(["model", "group"])["published"]
    assert values["swin1d", "CAGE"] == 0.3242
    assert values["maxpool_cnn", "Overall"] == 0.4195
    assert values[["mean", "gc_cpg_ridge"]].isna().all()
    assert "(0.3242)" in text
    assert "measured on the paper's data" in text


def test_published_numbers_stand_only_beside_what_the_configuration_says_is_the_papers(runs, published, tmp_path):
    table, text, _ = write(tmp_path, published, runs, published_as={"enformer": "swin1d", "swin1d": None})
    values = table.set_index(["model", "group"])["published"]
    assert values["enformer", "CAGE"] == 0.3242
    assert values.drop("enformer").isna().all()
    table, text, _ = write(tmp_path, published, runs, published_as=None)
    assert table["published"].isna().all()
    assert "(0." not in text
    assert "the paper's number" not in text


def test_shipped_configurations_say_so_of_every_model():
    for name in ("demo", "small", "human_windows", "config"):
        study = load(ROOT / f"config/{name}.yaml").genomic_interpreter
        assert {model: entry.published for model, entry in study.models.items()} == PAPER
        assert resolved(study)["published_as"] == PAPER


def test_replicates_are_the_ceiling_of_groups_that_have_them(published, tmp_path):
    runs = write_runs(tmp_path / "runs", seeds=(1,))
    frame = pd.read_csv(next(run.path for run in runs if run.model == "enformer"))
    frame["pearson"] = 0.99
    frame.loc[frame["group"] == "ChIP", ["pearson", "constant"]] = [np.nan, "prediction"]
    frame.to_csv(tmp_path / "replicate.csv", index=False)
    table, text, _ = write(tmp_path, published, [*runs, Run("replicate", "Replicates", 0, tmp_path / "replicate.csv")])
    row = table[table["model"] == "replicate"].set_index("group")["pearson"]
    assert row["DNase"] == pytest.approx(0.99)
    assert row[["ChIP", "Overall"]].isna().all()
    assert "- Replicates: each track predicted by the mean of its replicates. A model hardly gets further" in text
    assert "- Replicates on ChIP, Overall: undefined, because tracks have no replicate.\n" in text
    assert "Replicates is above" not in text
    assert "Replicates 1" not in text
    assert "**0.990**" not in text


def flat(runs, groups, share=slice(None)) -> None:
    """Make the measured tracks of groups constant: in all runs, as it must be."""
    for run in runs:
        frame = pd.read_csv(run.path)
        rows = frame.index[frame["group"].isin(groups)][share]
        frame.loc[rows, ["pearson", "constant"]] = [np.nan, "target"]
        frame.to_csv(run.path, index=False)


def test_measured_tracks_that_do_not_vary_are_not_blamed_on_the_prediction(published, tmp_path):
    runs = write_runs(tmp_path / "runs", counts={"DNase": 3, "RNA": 1, "CAGE": 2})
    flat(runs, ["RNA"])
    _, text, _ = write(tmp_path, published, runs)
    assert "- RNA: undefined, because its track does not vary in the test set; left out of Overall.\n" in text
    assert "- Training mean: undefined, because a prediction that does not vary has no correlation.\n" in text
    assert text.count("undefined, because") == 2
    assert "No track was constant" not in text
    flat(runs, ["CAGE"])
    _, text, _ = write(tmp_path, published, runs)
    assert "- CAGE: undefined, because its 2 tracks do not vary in the test set; left out of Overall.\n" in text
    flat(runs, ["DNase"])
    _, text, _ = write(tmp_path, published, runs)
    assert "- RNA: undefined, because its track does not vary in the test set.\n" in text
    assert "- Overall: undefined, because its 6 tracks do not vary in the test set.\n" in text
    assert "a prediction that" not in text


def test_one_measured_track_of_several_that_does_not_vary_is_counted(published, tmp_path):
    runs = write_runs(tmp_path / "runs", counts={"DNase": 3, "CAGE": 2})
    flat(runs, ["CAGE"], share=slice(1))
    _, text, _ = write(tmp_path, published, runs)
    assert "Constant tracks left out of CAGE (of 2): 1 in every row." in text


def test_a_group_that_the_paper_lacks_has_no_published_number(published, tmp_path):
    runs = write_runs(tmp_path / "rna", counts={"DNase": 3, "RNA": 4})
    table, text, _ = write(tmp_path, published, runs)
    values = table.set_index(["model", "group"])["published"]
    assert np.isnan(values["swin1d", "RNA"])
    assert values["swin1d", "DNase"] == 0.5583
    assert "ChIP" not in text


def test_the_tidy_file_reads_back(runs, published, tmp_path):
    table, _, _ = write(tmp_path, published, runs)
    read = pd.read_csv(tmp_path / "t.csv")
    columns = ["model", "label", "group", "pearson", "sd", "n_seeds", "n_tracks", "n_constant", "published"]
    assert list(read.columns) == [*columns, "behind", "behind_low", "behind_high"]
    np.testing.assert_allclose(read["pearson"], table["pearson"], rtol=1e-5)
    mean = read[read["model"] == "mean"]
    assert mean["pearson"].isna().all()
    assert list(mean["n_constant"]) == list(mean["n_tracks"])


def test_best_model_is_bold_ties_included_references_never():
    table = tidy(
        ("a", "DNase", 0.5004, 0.01, None),
        ("b", "DNase", 0.4996, 0.02, None),
        ("c", "DNase", 0.4990, 0.02, None),
        ("gc_cpg_ridge", "DNase", 0.9, 0.01, None),
        ("mean", "DNase", 0.5001, 0.01, None),
    )
    bold = {model: cell.best for (model, _), cell in cells(table).items()}
    assert bold == {"a": True, "b": True, "c": False, "gc_cpg_ridge": False, "mean": False}
    assert "**0.500 ± 0.010**" in to_markdown(table)
    assert r"\textbf{0.500 $\pm$ 0.020}" in to_latex(table)
    assert "GC_CPG_RIDGE is above every model on DNase." in to_markdown(table)


def test_rounding_keeps_trailing_zeros_and_signs():
    table = tidy(("a", "CAGE", -0.0996, np.nan, 0.432), ("b", "CAGE", -0.2, np.nan, 0.5))
    text = cells(table)
    assert text["a", "CAGE"].measured == "−0.100"
    assert text["a", "CAGE"].published == "0.4320"
    assert text["b", "CAGE"].measured == "−0.200"


def test_models_that_are_not_told_apart_from_the_best_are_named():
    """``b`` is a little and always behind ``a``, ``c`` more but not always; the reference row is not a rival."""
    r = {"a": [0.5, 0.6, 0.7], "b": [0.49, 0.59, 0.69], "c": [0.3, 0.7, 0.5], "gc_cpg_ridge": [0.4, 0.4, 0.4]}
    rows = [(name, name, 1, track, "CAGE", value, "") for name, of in r.items() for track, value in enumerate(of)]
    columns = ["model", "label", "seed", "track", "group", "pearson", "constant"]
    means = group_means(pd.DataFrame(rows, columns=columns)).query("group == 'CAGE'").set_index("model")
    gaps = np.array(r["c"]) - r["a"]
    expected = ttest_1samp(gaps, 0).confidence_interval()
    assert tuple(means.loc["c", ["behind", "behind_low", "behind_high"]]) == pytest.approx((gaps.mean(), *expected))
    assert means["behind"].isna().to_dict() == {"a": True, "b": False, "c": False, "gc_cpg_ridge": True}
    text = to_markdown(means.reset_index().assign(published=np.nan))
    assert (
        "- CAGE: not told apart from the best, by the 95 % interval of the paired difference over tracks: c.\n" in text
    )


def test_undefined_rows_say_so(runs, published, tmp_path):
    _, text, latex = write(tmp_path, published, runs)
    row = next(line for line in text.splitlines() if line.startswith("| Training mean"))
    assert row.count("undefined") == 4
    assert "does not vary has no correlation" in text
    assert "Training mean & undefined & undefined" in latex


def test_constant_tracks_are_counted_in_the_notes(runs, published, tmp_path):
    _, text, _ = write(tmp_path, published, runs)
    assert "Constant tracks left out of DNase (of 5): 1 in every row." in text
    frame = pd.read_csv(runs[-1].path)
    frame.loc[frame["group"] == "CAGE", ["pearson", "constant"]] = [np.nan, "prediction"]
    frame.loc[frame.index[-1], ["pearson", "constant"]] = [0.1, ""]
    frame.to_csv(runs[-1].path, index=False)
    _, text, _ = write(tmp_path, published, runs)
    assert "Constant tracks left out of CAGE (of 4): 1D-Swin 3." in text


def test_data_note_and_numbers_of_tracks_are_shown(runs, published, tmp_path):
    _, text, latex = write(tmp_path, published, runs, data_note="65 windows & 100 % simulated_tracks.")
    assert "ChIP (8 tracks)" in text
    assert "- 65 windows & 100 % simulated_tracks." in text
    assert r"65 windows \& 100 \% simulated\_tracks." in latex
    assert "$n = 8$" in latex


def test_latex_is_a_whole_booktabs_table(runs, published, tmp_path):
    _, _, latex = write(tmp_path, published, runs)
    rules = [latex.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")]
    assert rules == [1, 2, 1, 1]
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") for line in rows} == {4}
    assert len(rows) == 2 + 7
    assert "±" not in latex


def test_latex_escape_covers_special_characters():
    assert latex_escape("a_b & 5 % {x} #1 ~ ^ $ \\") == (
        r"a\_b \& 5 \% \{x\} \#1 \textasciitilde{} \textasciicircum{} \$ \textbackslash{}"
    )


def test_runs_over_other_tracks_are_an_error(runs):
    frame = pd.read_csv(runs[3].path)
    frame.iloc[:-1].to_csv(runs[3].path, index=False)
    with pytest.raises(InputError, match=str(runs[3].path)):
        read_correlations(runs)


def test_the_same_run_twice_is_an_error(runs):
    with pytest.raises(InputError, match="given twice"):
        read_correlations([*runs, runs[-1]])


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ("", "not a table"), ("track,group\n1,a\n", "pearson")],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=f"{path}.*{message}"):
        read_correlations([Run("a", "A", 1, path)])
