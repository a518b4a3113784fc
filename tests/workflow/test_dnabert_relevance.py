"""Inside the outputs of the tiny run's DNABERT study: relevance, mutagenesis, truth and motifs agree."""

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from regulens.data.sequences import read_sequences
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import SCORE_LABELS
from regulens.motifs.meme import read_meme

from .conftest import TINY

STUDY = yaml.safe_load(TINY.read_text())["dnabert_lrp"]
TASKS = list(STUDY["tasks"])
SCORES = list(SCORE_LABELS)
LENGTH, REPEATS, MUTATIONS = 60, STUDY["mutagenesis"]["repeats"], STUDY["mutagenesis"]["mutations"]
PER_CLASS_MUTATED = STUDY["mutagenesis"]["sequences_per_class"]


@pytest.mark.parametrize("task", TASKS)
def test_relevance_has_every_score_of_every_test_sequence(lrp, task):
    test = read_sequences(lrp / f"data/{task}/test.tsv")
    predictions = pd.read_csv(lrp / f"predictions/{task}/seed1.csv")
    with ScoreFile(lrp / f"relevance/{task}/seed1.h5") as scores:
        assert scores.names == SCORES
        assert scores.ids == test.ids
        assert np.array_equal(scores.codes, test.codes)
        assert (scores.attributes["task"], scores.attributes["seed"], scores.attributes["k"]) == (task, 1, 4)
        for name in SCORES:
            values = scores.score(name)
            assert values.shape == (len(test.ids), LENGTH)
            assert np.isfinite(values).all()
            assert values.std() > 0
        assert len({scores.score(name).tobytes() for name in SCORES}) == len(SCORES)
        # Another batch size than that of the predictions: the same model and sequences.
        assert scores.predicted.tolist() == (predictions["probability"] > 0.5).astype(int).tolist()


@pytest.mark.parametrize("task", TASKS)
def test_curves_follow_from_the_outcomes(lrp, task):
    curves = pd.read_csv(lrp / f"mutagenesis/{task}/seed1/curves.csv")
    expected = [("unmutated", 0), *((name, n) for name in SCORES for n in MUTATIONS), ("random_sequence", LENGTH)]
    with h5py.File(lrp / f"mutagenesis/{task}/seed1/outcomes.h5") as file:
        labels = file["label"][:]
        for label in (0, 1):
            of_class = curves[curves["label"] == label]
            assert list(zip(of_class["score"], of_class["n"], strict=True)) == expected
            for row in of_class.itertuples():
                correct = file[f"correct/{row.score}/{row.n}"][:][:, labels == label]
                assert correct.shape == (row.repeats, row.sequences) == (row.repeats, (labels == label).sum())
                assert row.repeats == (1 if row.score == "unmutated" else REPEATS)
                assert row.accuracy == pytest.approx(correct.mean(), abs=1e-5)
    assert (curves["sequences"] <= PER_CLASS_MUTATED).all()
    assert (curves["low"] <= curves["accuracy"]).all()
    assert (curves["accuracy"] <= curves["high"]).all()
    assert curves["draw_low"].isna().tolist() == (curves["n"] == 0).tolist()


def test_bases_of_high_relevance_are_what_the_classifier_goes_by(lrp):
    """A motif tells the positive enhancers: they are lost with its bases, and not with as many others."""
    curves = pd.read_csv(lrp / "mutagenesis/enhancers/seed1/curves.csv")
    positive = curves[curves["label"] == 1].set_index(["score", "n"])["accuracy"]
    assert positive["unmutated", 0] > 0.8
    assert positive["lrp", 5] < positive["random", 5] < positive["unmutated", 0]


def test_accuracy_without_mutations_is_that_of_the_predictions(lrp):
    """Promoters have fewer test sequences of a class than are asked for: all of them are mutated."""
    predictions = pd.read_csv(lrp / "predictions/promoters/seed1.csv")
    curves = pd.read_csv(lrp / "mutagenesis/promoters/seed1/curves.csv")
    unmutated = curves[curves["n"] == 0].set_index("label")
    for label, of_class in predictions.groupby("label"):
        assert unmutated.loc[label, "sequences"] == len(of_class)
        accuracy = ((of_class["probability"] > 0.5) == label).mean()
        assert unmutated.loc[label, "accuracy"] == pytest.approx(accuracy, abs=1e-5)


def test_table1_has_four_classes_and_the_papers_columns(lrp):
    table = pd.read_csv(lrp / "table1.csv")
    classes = table[["task", "class"]].drop_duplicates()
    assert sorted(map(tuple, classes.to_numpy())) == sorted((t, c) for t in TASKS for c in ("negative", "positive"))
    for (task, name), part in table.groupby(["task", "class"]):
        assert set(part["column"].dropna()) == {"n=0", "LRP*", "attention", "n=all"}
        assert set(part["score"]) == {"unmutated", *SCORES, "random_sequence"}
        assert set(part["n"]) == {0, MUTATIONS[-1], LENGTH}
        curves = pd.read_csv(lrp / f"mutagenesis/{task}/seed1/curves.csv")
        curves = curves[curves["label"] == int(name == "positive")].set_index(["score", "n"])
        for row in part.itertuples():
            assert row.accuracy == pytest.approx(curves.loc[(row.score, row.n), "accuracy"], abs=1e-5)
        cells = part.set_index("column")["accuracy"]
        both = part.set_index("score")["accuracy"]
        assert cells["LRP*"] == min(both["lrp"], both["lrp_last"])
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()
    assert set(table.loc[table["task"] == "promoters", "class_name"]) == {"Promoter", "Non-promoter"}
    assert table.loc[(table["n"] == 0) & (table["task"] == "promoters"), "published"].notna().all()
    # The published numbers are for 20 of 200 bases: none stands beside 5 of 60.
    assert table.loc[table["n"] > 0, "published"].isna().all()


def test_paired_tests_agree_with_the_curves(lrp):
    table = pd.read_csv(lrp / "paired_tests.csv")
    assert list(dict.fromkeys(table["task"])) == TASKS
    assert set(table["n"]) == set(MUTATIONS)
    assert set(table["against"]) == {"attention", "random"}
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert table["p_value"].between(0, 1).all()
    for task in TASKS:
        curves = pd.read_csv(lrp / f"mutagenesis/{task}/seed1/curves.csv")
        curves = curves[curves["label"] == 1].set_index(["score", "n"])["accuracy"]
        positive = table[(table["task"] == task) & (table["class"] == "positive")]
        for row in positive.itertuples():
            expected = curves[row.score, row.n] - curves[row.against, row.n]
            assert row.difference == pytest.approx(expected, abs=1e-5)


def test_agreement_is_symmetric_with_ones_on_the_diagonal(lrp):
    table = pd.read_csv(lrp / "agreement/promoters/seed1.csv")
    for _, of_class in table.groupby("label"):
        matrix = of_class.pivot(index="score_a", columns="score_b", values="spearman").loc[SCORES, SCORES].to_numpy()
        np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-5)
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-5)
        assert np.abs(matrix[~np.eye(len(SCORES), dtype=bool)]).max() < 1


def test_truth_has_every_score_of_the_task_with_known_sites(lrp):
    table = pd.read_csv(lrp / "truth.csv")
    assert set(table["task"]) == {"promoters"}
    assert set(table["score"]) == set(SCORES)
    assert (table["low"] <= table["auroc"]).all()
    assert (table["auroc"] <= table["high"]).all()
    assert table["auroc"].between(0, 1).all()
    random = table.set_index("score").loc["random"]
    assert random["auroc"] == pytest.approx(0.5, abs=0.05)
    assert not (lrp / "truth/enhancers").exists()
    test = read_sequences(lrp / "data/promoters/test.tsv")
    assert (table["sequences"] == test.labels.sum()).all()


def test_motifs_and_their_matches(lrp):
    table = pd.read_csv(lrp / "section53_promoters.csv", keep_default_na=False)
    scores = STUDY["motifs"]["discovery"]["scores"]
    assert list(dict.fromkeys(table["score"])) == scores
    targets = pd.read_csv(lrp / "motifs/targets.tsv", sep="\t", keep_default_na=False).set_index("matrix_id")
    assert len(targets) == 579  # JASPAR 2018, CORE, vertebrates
    number = 0
    for score in scores:
        folder, of_score = lrp / f"motifs/promoters/{score}", table[table["score"] == score]
        motifs = pd.read_csv(folder / "motifs.csv")
        instances = pd.read_csv(folder / "instances.tsv", sep="\t")
        matrices = read_meme(folder / "motifs.meme").motifs
        assert [motif.matrix.matrix_id for motif in matrices] == motifs["motif"].tolist()
        assert sorted(of_score["motif"]) == sorted(motifs["motif"].tolist() or [""])
        number += len(motifs)
        for motif, count in zip(motifs["motif"], motifs["instances"], strict=True):
            windows = instances.loc[instances["motif"] == motif, "sequence"]
            assert len(windows) == count >= 3
            assert (windows.str.len() == 24).all()
        for row in of_score[of_score["target"] != ""].itertuples():
            assert row.target_name == targets.loc[row.target, "name"]
            assert row.tf_class == targets.loc[row.target, "tf_class"]
    assert number > 0
    assert (table["target"] != "").any()
