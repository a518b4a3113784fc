"""Table 1 of the DNABERT study: which numbers stand where, what is published, what the notes say."""

import numpy as np
import pandas as pd
import pytest
from score_inputs import CLASS_NAMES, SCORES, curves_table, paired_table, write_task_tables

from regulens.core.errors import InputError
from regulens.studies.dnabert_lrp.paired_tests import paired_tests
from regulens.studies.dnabert_lrp.table1 import COLUMNS, percent, table1, tie_notes

PAPER_TASKS = {"promoters": "promoters", "enhancers": "enhancers", "silencers": None}


@pytest.fixture
def runs(tmp_path):
    return write_task_tables(tmp_path / "curves", curves_table)


def write(folder, published, runs, n=20, **options):
    options.setdefault("class_names", CLASS_NAMES)
    options.setdefault("published_as", PAPER_TASKS)
    table = table1(runs, published, folder / "t.csv", folder / "t.md", folder / "t.tex", n=n, **options)
    return table, (folder / "t.md").read_text(), (folder / "t.tex").read_text()


def change(run, score, label, n, **values):
    table = pd.read_csv(run.path)
    where = (table["score"] == score) & (table["label"] == label) & (table["n"] == n)
    assert where.sum() == 1
    table.loc[where, list(values)] = list(values.values())
    table.to_csv(run.path, index=False)


def row(table, task, name, column):
    rows = table[(table["task"] == task) & (table["class"] == name) & (table["column"] == column)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_classes_come_in_the_papers_order(runs, published, tmp_path):
    table, text, _ = write(tmp_path, published, runs)
    order = list(dict.fromkeys(zip(table["task"], table["class"], strict=True)))
    assert order == [
        ("promoters", "negative"),
        ("promoters", "positive"),
        ("enhancers", "positive"),
        ("enhancers", "negative"),
    ]
    places = [text.index(f"| {name} ") for name in ("Non-promoter", "Promoter", "Enhancer", "Non-enhancer")]
    assert places == sorted(places)


def test_tasks_that_the_paper_lacks_follow_their_own_order(published, tmp_path):
    tasks = {"silencers": "Silencers", "promoters": "Promoters"}
    table, text, _ = write(tmp_path, published, write_task_tables(tmp_path / "in", curves_table, tasks=tasks))
    order = list(dict.fromkeys(zip(table["task"], table["class"], strict=True)))
    assert order == [
        ("silencers", "positive"),
        ("silencers", "negative"),
        ("promoters", "negative"),
        ("promoters", "positive"),
    ]
    assert table.loc[table["task"] == "silencers", "published"].isna().all()
    assert "| Silencers | positive " in text


def test_every_score_is_in_the_file_with_its_interval(runs, published, tmp_path):
    table, _, _ = write(tmp_path, published, runs)
    read = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values={"sd": [""], "published": [""]})
    assert list(read.columns) == COLUMNS
    for _, part in read.groupby(["task", "class"]):
        assert list(part["score"]) == ["unmutated", *SCORES, "random_sequence"]
    source = pd.read_csv(runs[1].path)
    source = source[(source["label"] == 1) & (source["score"] == "full_lrp") & (source["n"] == 20)].iloc[0]
    found = read[(read["task"] == "enhancers") & (read["class"] == "positive") & (read["score"] == "full_lrp")].iloc[0]
    for name in ("accuracy", "low", "high", "sequences", "repeats"):
        assert found[name] == pytest.approx(source[name], rel=1e-5)
    assert table["sd"].isna().all()


def test_lrp_star_is_the_lower_of_two_and_named(runs, published, tmp_path):
    change(runs[0], "lrp", 1, 20, accuracy=0.80)
    change(runs[0], "lrp_last", 1, 20, accuracy=0.79)
    change(runs[0], "gradcam", 1, 20, accuracy=0.5)  # lower, but not LRP
    change(runs[0], "lrp", 0, 20, accuracy=0.70)
    change(runs[0], "lrp_last", 0, 20, accuracy=0.70)
    table, text, latex = write(tmp_path, published, runs)
    assert row(table, "promoters", "positive", "LRP*")["score"] == "lrp_last"
    assert row(table, "promoters", "negative", "LRP*")["score"] == "lrp"
    assert "0.790 (LRP_last)" in text
    assert r"0.790 (LRP\_last)" in latex
    assert "0.700 (LRP)" in text
    assert "chosen on the same sequences" in text


def test_lrp_star_is_chosen_on_the_mean_of_the_seeds(published, tmp_path):
    runs = write_task_tables(tmp_path / "in", curves_table, (1, 2), tasks={"promoters": "Promoters"})
    for run, lrp, last in zip(runs, (0.70, 0.80), (0.76, 0.70), strict=True):
        change(run, "lrp", 1, 20, accuracy=lrp)
        change(run, "lrp_last", 1, 20, accuracy=last)
    table, text, _ = write(tmp_path, published, runs)
    found = row(table, "promoters", "positive", "LRP*")
    assert found["score"] == "lrp_last"
    assert found["accuracy"] == pytest.approx(0.73)
    assert found["sd"] == pytest.approx(np.std([0.76, 0.70], ddof=1))
    assert "0.730 ± 0.042 (LRP_last)" in text
    assert "2 models trained with different seeds" in text


def test_published_numbers_stand_under_the_measured_ones(runs, published, tmp_path):
    table, text, _ = write(tmp_path, published, runs)
    expected = {"n=0": 0.968, "LRP*": 0.814, "attention": 0.854, "n=all": 0.306}
    for column, value in expected.items():
        assert row(table, "promoters", "positive", column)["published"] == value
    assert table.loc[table["column"] == "", "published"].isna().all()
    lines = [[cell.strip() for cell in line.split("|")[3:-1]] for line in text.splitlines() if "published" in line]
    assert lines[2] == ["published", "0.876", "0.490", "0.512", "0.386"]
    assert "multiples of 1/500" in text
    assert "TATA" in text


def test_published_numbers_belong_to_the_named_task_whatever_its_own_name(published, tmp_path):
    """Tasks of the user's own that happen to be called as the paper's, one of which repeats another of the paper's."""
    runs = write_task_tables(tmp_path / "in", curves_table)
    table, text, latex = write(tmp_path, published, runs, published_as={"promoters": None, "enhancers": "promoters"})
    assert table.loc[table["task"] == "promoters", "published"].isna().all()
    assert row(table, "enhancers", "positive", "LRP*")["published"] == 0.814
    assert dict(zip(table["task"], table["published_as"], strict=True)) == {"promoters": "", "enhancers": "promoters"}
    assert list(dict.fromkeys(table.loc[table["task"] == "enhancers", "class"])) == ["negative", "positive"]
    assert "TATA" in text
    assert "TATA" in latex


@pytest.mark.parametrize("published_as", [None, {}, {"promoters": None, "enhancers": "enhancers"}])
def test_no_word_of_the_papers_promoters_where_none_is_shown(runs, published, tmp_path, published_as):
    table, text, latex = write(tmp_path, published, runs, published_as=published_as)
    assert set(table.loc[table["published"].notna(), "task"]) == ({"enhancers"} if published_as else set())
    assert "TATA" not in text + latex
    assert "human_nontata_promoters" not in text + latex
    assert ("multiples of 1/500" in text) == bool(published_as)


def test_two_tasks_may_repeat_the_same_one(runs, published, tmp_path):
    table, _, _ = write(tmp_path, published, runs, published_as={"promoters": "promoters", "enhancers": "promoters"})
    assert row(table, "enhancers", "negative", "n=0")["published"] == 0.878
    assert row(table, "promoters", "negative", "n=0")["published"] == 0.878


def test_another_n_or_length_has_no_published_number(published, tmp_path):
    runs = write_task_tables(tmp_path / "in", curves_table, length=150)
    table, text, _ = write(tmp_path, published, runs, n=10)
    assert set(table.loc[table["published"].notna(), "column"]) == {"n=0"}
    assert "Attention, n = 10" in text
    assert "n = 150" in text


def test_one_seed_has_no_plus_minus_and_intervals_are_printed(runs, published, tmp_path):
    change(runs[0], "unmutated", 1, 0, accuracy=0.95, low=0.9312, high=0.9687)
    _, text, latex = write(tmp_path, published, runs, data_note="Not the paper's model.")
    assert "±" not in text
    assert "[0.931, 0.969]" in text
    assert "[0.931, 0.969]" in latex
    assert "- Not the paper's model." in text
    assert "Not the paper's model." in latex


def test_markdown_shows_every_score_too(runs, published, tmp_path):
    _, text, _ = write(tmp_path, published, runs)
    second = text[text.index("| Accuracy, n = 20") :]
    assert "Promoters, Non-promoter" in second
    assert [line.split("|")[1].strip() for line in second.splitlines()[2:]] == [
        "LRP",
        "LRP_last",
        "full_LRP",
        "Rollout",
        "GradCAM",
        "Attention",
        "Gradient × input",
        "Random",
    ]


def test_scores_that_were_not_computed_are_said_to_be_so(published, tmp_path):
    runs = write_task_tables(tmp_path / "in", curves_table, scores=["lrp", "random"])
    table, text, _ = write(tmp_path, published, runs)
    assert "not computed" in text
    assert "attention" not in set(table["column"])
    assert "one of LRP and LRP_last that was computed" in text


def test_an_n_that_was_not_computed_is_an_error_and_writes_nothing(runs, published, tmp_path):
    with pytest.raises(InputError, match="Table 1, task promoters: 12 does not exist; .*valid: "):
        write(tmp_path, published, runs, n=12)
    assert not (tmp_path / "t.csv").exists()


def test_latex_rows_have_as_many_cells_as_columns(runs, published, tmp_path):
    _, _, latex = write(tmp_path, published, runs)
    lines = latex.splitlines()
    body = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
    assert {line.count(" & ") for line in body if line != r"\midrule"} == {6}
    assert lines.count(r"\midrule") == 2
    assert r"\begin{tabular}{lllrrrr}" in lines


def tied(**shares):
    rows = [("Promoters", "Promoter", score, n, share) for score, share in shares.items() for n in (5, 20)]
    return pd.DataFrame(rows, columns=["task_label", "class_name", "score_label", "n", "tied"])


def test_scores_above_5_percent_are_named_with_their_numbers():
    (note,) = tie_notes(tied(LRP=0.05, GradCAM=0.513, Rollout=0.0501), 20)
    where = "(Promoters, Promoter)"
    assert note.startswith(f"Chosen by lot: GradCAM in 51 % {where}; Rollout in 5 % {where} of the sequences, because")
    assert "rank 20" in note
    assert "LRP" not in note
    assert tie_notes(tied(LRP=0.05), 20) == []


def test_only_the_shares_at_n_count_and_seeds_are_averaged():
    changed = tied(GradCAM=0.5)
    changed.loc[changed["n"] == 5, "tied"] = 0
    assert tie_notes(changed, 5) == []
    both = pd.concat([tied(GradCAM=0.5), tied(GradCAM=0.2)])
    assert "GradCAM in 35 % (" in tie_notes(both, 20)[0]


def test_percent_is_100_only_where_it_is_all():
    assert [percent(share) for share in (0.514, 0.994, 0.997, 1)] == ["51 %", "99 %", "over 99 %", "100 %"]


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_table_1_and_the_paired_tests_say_so(tmp_path, published, seeds):
    expected = "Chosen by lot: GradCAM in 51 % (Promoters, Promoter), 51 % (Enhancers, Enhancer) of the sequences"
    runs = write_task_tables(tmp_path / "curves", curves_table, seeds)
    paths = [tmp_path / f"t.{ending}" for ending in ("csv", "md", "tex")]
    found = table1(runs, published, *paths, n=20, class_names=CLASS_NAMES)
    assert expected in paths[1].read_text()
    assert expected.replace("%", r"\%") in paths[2].read_text()
    shares = found.query("score == 'gradcam' and `class` == 'negative'")["tied"]
    assert shares.tolist() == pytest.approx([0.042, 0.042])
    runs = write_task_tables(tmp_path / "paired", paired_table, seeds)
    paired_tests(runs, *paths[:2], n=20, class_names=CLASS_NAMES)
    assert paths[1].read_text().count(expected) == 1
    assert "Non-promoter)" not in paths[1].read_text()
