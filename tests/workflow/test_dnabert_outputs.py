"""Inside the outputs of the tiny run's DNABERT study: sequences, classifiers, and what planted sites are worth."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.metrics import accuracy_score, roc_auc_score

from regulens.core.kmers import token_ids
from regulens.core.sequence import decode
from regulens.data.sequences import read_sequences
from regulens.models.bert import load_classifier

from .conftest import TINY
from .enhancers import FAULTS, PER_CLASS

STUDY = yaml.safe_load(TINY.read_text())["dnabert_lrp"]
TASKS = list(STUDY["tasks"])


def test_filters_count_the_planted_faults_and_add_up(lrp):
    table = pd.read_csv(lrp / "filters.csv").set_index("task")
    assert list(dict.fromkeys(table.index)) == TASKS
    assert list(table["split"][:6]) == ["train", "train", "valid", "valid", "test", "test"]
    reasons = table[["empty", "ambiguous", "not_dna", "too_short", "conflicting", "duplicated", "leaked"]]
    left = table["read"] - table["validation"] - reasons.sum(axis=1)
    assert table["kept"].tolist() == left.tolist()

    enhancers = table.loc["enhancers"]
    positive, negative = enhancers[enhancers["label"] == 1], enhancers[enhancers["label"] == 0]
    found = positive[reasons.columns].sum()
    assert found[found > 0].to_dict() == FAULTS
    assert not negative[reasons.columns].to_numpy().any()
    for of_class in (positive, negative):
        assert of_class["kept"].sum() == PER_CLASS
        counts = of_class.set_index("split")
        assert counts.loc["train", "validation"] == counts.loc["valid", "read"]
    for task in TASKS:
        for split in ("train", "valid", "test"):
            labels = read_sequences(lrp / f"data/{task}/{split}.tsv").labels
            counts = table.loc[task][table.loc[task, "split"] == split].set_index("label")["kept"]
            assert np.bincount(labels).tolist() == counts.sort_index().tolist()


def test_section51_follows_from_the_predictions(lrp):
    table = pd.read_csv(lrp / "section51.csv")
    table = table[table["subset"] == "all"]
    rows = ["bert", "kmer_logistic_regression", "bert_minus_logistic_regression"]
    for task in TASKS:
        of_task = table[table["task"] == task]
        assert list(dict.fromkeys(of_task["row"])) == rows
        of_task = of_task.set_index(["row", "metric"])
        test = read_sequences(lrp / f"data/{task}/test.tsv")
        for row, name in (("bert", "seed1"), ("kmer_logistic_regression", "logistic_regression")):
            predicted = pd.read_csv(lrp / f"predictions/{task}/{name}.csv")
            assert predicted["id"].tolist() == test.ids
            assert predicted["label"].tolist() == test.labels.tolist()
            accuracy = accuracy_score(test.labels, predicted["probability"] > 0.5)
            assert of_task.loc[(row, "accuracy"), "value"] == pytest.approx(accuracy, abs=1e-5)
            auroc = roc_auc_score(test.labels, predicted["probability"])
            assert of_task.loc[(row, "auroc"), "value"] == pytest.approx(auroc, abs=1e-5)
        assert set(of_task.loc["bert"].index) == {"accuracy", "balanced_accuracy", "auroc", "mcc", "f1"}
        assert (of_task["low"] <= of_task["value"]).all()
        assert (of_task["value"] <= of_task["high"]).all()
        assert (of_task["sequences"] == len(test.ids)).all()
    assert table.set_index(["task", "row", "metric"]).loc[("promoters", "bert", "accuracy"), "published"] == 0.93
    assert "4-mer logistic regression" in (lrp / "section51.md").read_text()


def test_classifier_predictions_are_those_of_the_saved_model(lrp):
    model, content = load_classifier(lrp / "models/enhancers/seed1/model.ckpt")
    test = read_sequences(lrp / "data/enhancers/test.tsv")
    with torch.inference_mode():
        expected = model(token_ids(torch.from_numpy(test.codes), 4)).logits.softmax(1)[:, 1]
    found = pd.read_csv(lrp / "predictions/enhancers/seed1.csv")["probability"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (content["task"], content["seed"], content["length_bp"]) == ("enhancers", 1, 60)
    assert content["initial"] == "results/tiny/dnabert_lrp/pretraining/encoder.ckpt"


def test_logs_have_a_row_an_epoch(lrp):
    runs = {"pretraining": STUDY["pretraining"]["training"], "models/promoters/seed1": STUDY["fine_tuning"]}
    for path, training in runs.items():
        log = pd.read_csv(lrp / path / "log.csv")
        assert log["epoch"].tolist() == list(range(1, training["max_epochs"] + 1))
        assert log[["train_loss", "valid_loss", "valid_accuracy"]].notna().all(axis=None)


def test_planted_sites_are_in_the_sequences(lrp):
    sites = pd.read_csv(lrp / "data/promoters/sites.tsv", sep="\t")
    test = read_sequences(lrp / "data/promoters/test.tsv")
    rows = {name: row for row, name in enumerate(test.ids)}
    sites = sites[sites["id"].isin(rows)]
    assert sorted(sites["id"]) == sorted(name for name, row in rows.items() if test.labels[row])
    assert set(sites["role"]) == {"positive"}
    texts = [decode(test.codes[rows[site.id], site.start : site.end]) for site in sites.itertuples()]
    assert {len(text) for text in texts} == {11}
    assert sum("CCAAT" in text for text in texts) > 0.7 * len(texts)
