"""Predictions of classes, the logistic regression, and scores with intervals."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef, roc_auc_score

from regulens.core.errors import InputError
from regulens.core.kmers import kmer_text, token_ids
from regulens.core.sequence import decode
from regulens.data.sequences import SequenceSet, write_sequences
from regulens.models.bert import BertSettings, build_classifier, save_classifier
from regulens.training.classify import (
    METRICS,
    classifier_metrics,
    kmer_frequencies,
    predict_by_kmers,
    predict_classes,
    weighted_metrics,
)

SMALL = BertSettings(k=3, layers=1, hidden=16, heads=2, intermediate=32, positions=70)


def sequences(number: int, seed: int, length: int = 60) -> SequenceSet:
    """Positives are richer in G + C, but not by so much that they can always be told."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, number, dtype=np.uint8)
    gc = random.random((number, length)) < np.where(labels, 0.6, 0.45)[:, None]
    codes = np.where(gc, random.integers(1, 3, gc.shape), 3 * random.integers(0, 2, gc.shape)).astype(np.uint8)
    return SequenceSet([f"NA{row}" for row in range(number)], labels, codes)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for seed, (name, number) in enumerate({"train": 300, "valid": 60, "test": 150}.items()):
        write_sequences(folder / f"{name}.tsv", sequences(number, seed))
    return folder


def write_predictions(path, labels, probability):
    table = pd.DataFrame({"id": [f"s{i}" for i in range(len(labels))], "label": labels, "probability": probability})
    table.to_csv(path, index=False)
    return path


def write_tables(folder, labels, seen=(), length=80):
    """Random sequences: training, validation, and a test table with ``labels`` that overlaps where ``seen``.

    Every second of the ``seen`` test sequences is a window of a training sequence shifted by 10 bp, on the other
    strand; the rest are such windows of validation sequences.
    """
    random, labels = np.random.default_rng(9), np.asarray(labels, np.uint8)
    train, valid, test = (random.integers(0, 4, (number, length), np.uint8) for number in (50, 30, len(labels)))
    for number, row in enumerate(np.flatnonzero(seen)):
        source = train if number % 2 == 0 else valid
        test[row, 10:] = 3 - source[number // 2 % len(source), 10:][::-1]
    for name, codes in (("train", train), ("valid", valid)):
        write_sequences(
            folder / f"{name}.tsv",
            SequenceSet(
                [f"{name}{row}" for row in range(len(codes))], random.integers(0, 2, len(codes), np.uint8), codes
            ),
        )
    write_sequences(folder / "test.tsv", SequenceSet([f"s{row}" for row in range(len(labels))], labels, test))
    return [folder / "train.tsv", folder / "valid.tsv"], folder / "test.tsv"


def test_predictions_are_the_models(tables, tmp_path):
    torch.manual_seed(1)
    model, path, output = build_classifier(SMALL).eval(), tmp_path / "model.ckpt", tmp_path / "predictions.csv"
    save_classifier(path, model, model.state_dict(), SMALL, 60)
    predict_classes(path, tables / "test.tsv", output, batch=32, accelerator="cpu")
    found, data = pd.read_csv(output, keep_default_na=False), sequences(150, 2)
    assert list(found.columns) == ["id", "label", "probability"]
    assert found["id"].tolist() == data.ids
    assert found["label"].tolist() == data.labels.tolist()
    with torch.inference_mode():
        expected = model(token_ids(torch.from_numpy(data.codes), 3)).logits.softmax(1)[:, 1].numpy()
    assert np.allclose(found["probability"], expected, atol=1e-5)
    assert expected.std() > 0

    save_classifier(path, model, model.state_dict(), SMALL, 50)
    with pytest.raises(InputError, match=r"model\.ckpt was made for 50 bp, .*test\.tsv has sequences of 60"):
        predict_classes(path, tables / "test.tsv", output)


def test_kmer_frequencies_are_counts_of_text():
    data = sequences(20, 1)
    words = [kmer_text(token, 4) for token in range(5, 261)]
    counter = CountVectorizer(analyzer="char", ngram_range=(4, 4), lowercase=False, vocabulary=words)
    expected = counter.transform([decode(row) for row in data.codes]).toarray() / 57
    assert np.allclose(kmer_frequencies(data.codes), expected)


def test_the_reference_learns_from_all_tables_and_not_from_the_test_labels(tables, tmp_path):
    train, test, output = [tables / "train.tsv", tables / "valid.tsv"], tables / "test.tsv", tmp_path / "kmers.csv"
    predict_by_kmers(train, test, output, k=2)
    found = pd.read_csv(output, keep_default_na=False)
    assert roc_auc_score(found["label"], found["probability"]) > 0.8
    assert found["id"].tolist() == sequences(150, 2).ids
    data = sequences(150, 2)
    write_sequences(tmp_path / "turned.tsv", data._replace(labels=1 - data.labels))
    predict_by_kmers(train, tmp_path / "turned.tsv", tmp_path / "turned.csv", k=2)
    assert np.array_equal(pd.read_csv(tmp_path / "turned.csv")["probability"], found["probability"])
    predict_by_kmers(train[:1], test, tmp_path / "fewer.csv", k=2)
    assert not np.array_equal(pd.read_csv(tmp_path / "fewer.csv")["probability"], found["probability"])


def test_the_reference_names_what_does_not_fit(tables, tmp_path):
    write_sequences(tmp_path / "short.tsv", sequences(10, 1, 40))
    data = sequences(10, 1)
    write_sequences(tmp_path / "one.tsv", data._replace(labels=np.zeros(10, np.uint8)))
    with pytest.raises(InputError, match=r"short\.tsv has sequences of 40 bp, .*test\.tsv of 60"):
        predict_by_kmers([tmp_path / "short.tsv"], tables / "test.tsv", tmp_path / "out.csv")
    with pytest.raises(InputError, match=r"one\.tsv: all labels are 0"):
        predict_by_kmers([tmp_path / "one.tsv"], tables / "test.tsv", tmp_path / "out.csv")


@pytest.mark.parametrize("ties", [False, True])
def test_weighted_scores_are_scikit_learns(ties):
    random = np.random.default_rng(1)
    label = random.integers(0, 2, 80)
    probability = np.clip(0.3 * label + 0.7 * random.random(80), 0, 1)
    if ties:
        probability = probability.round(1)
    weights = random.multinomial(80, np.full(80, 1 / 80), size=12)
    found = weighted_metrics(probability, label, weights / 80)
    assert found.shape == (12, len(METRICS))
    for row, weight in zip(found, weights, strict=True):
        expected = [
            accuracy_score(label, probability > 0.5, sample_weight=weight),
            balanced_accuracy_score(label, probability > 0.5, sample_weight=weight),
            roc_auc_score(label, probability, sample_weight=weight),
            matthews_corrcoef(label, probability > 0.5, sample_weight=weight),
            f1_score(label, probability > 0.5, sample_weight=weight),
        ]
        assert row == pytest.approx(expected)


def test_scores_of_one_class():
    probability, weights = np.array([0.2, 0.7]), np.full((1, 2), 0.5)
    positive = dict(zip(METRICS, weighted_metrics(probability, np.array([1, 1]), weights)[0], strict=True))
    assert positive["accuracy"] == 0.5
    assert positive["f1"] == pytest.approx(2 / 3)
    negative = dict(zip(METRICS, weighted_metrics(probability, np.array([0, 0]), weights)[0], strict=True))
    assert negative["accuracy"] == 0.5
    assert np.isnan(negative["f1"])
    for scores in (positive, negative):
        assert np.isnan([scores["balanced_accuracy"], scores["auroc"], scores["mcc"]]).all()


def test_the_coefficient_of_a_constant_prediction_is_zero():
    scores = weighted_metrics(np.array([0.2, 0.3]), np.array([0, 1]), np.full((1, 2), 0.5))[0]
    assert scores.tolist() == [0.5, 0.5, 1, 0, 0]


def test_table_of_scores_with_paired_difference(tmp_path):
    random = np.random.default_rng(1)
    label = random.integers(0, 2, 400)
    good = np.clip(0.5 + (label - 0.5) * 0.6 + random.normal(0, 0.25, 400), 0, 1)
    bad = np.where(random.random(400) < 0.1, 1 - good, good)  # wrong on a tenth of what the other has right
    paths = write_predictions(tmp_path / "bert.csv", label, good), write_predictions(tmp_path / "kmers.csv", label, bad)
    data = write_tables(tmp_path, label)
    table = classifier_metrics(*paths, *data, tmp_path / "metrics.csv", bootstrap=1000, seed=1)
    assert (table["subset"] == "all").all()  # nothing overlaps
    assert table.round(4).equals(pd.read_csv(tmp_path / "metrics.csv").round(4))
    rows = table.set_index(["row", "metric"])
    assert list(rows.index.get_level_values(0).unique()) == [
        "bert", "kmer_logistic_regression", "bert_minus_logistic_regression"
    ]  # fmt: skip
    assert (table["sequences"] == 400).all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    accuracy = rows.xs("accuracy", level="metric")
    assert accuracy["value"]["bert"] == pytest.approx(((good > 0.5) == label).mean())
    assert rows["value"]["kmer_logistic_regression", "auroc"] == pytest.approx(roc_auc_score(label, bad))
    width = accuracy["high"] - accuracy["low"]
    share = accuracy["value"]["bert"]
    assert width["bert"] == pytest.approx(2 * 1.96 * (share * (1 - share) / 400) ** 0.5, rel=0.15)
    # Both err on the same sequences: the paired interval is narrower than that of independent classifiers.
    outcome = ((good > 0.5) == label).astype(float) - ((bad > 0.5) == label)
    assert width["bert_minus_logistic_regression"] == pytest.approx(2 * 1.96 * outcome.std() / 20, rel=0.15)
    assert width["bert_minus_logistic_regression"] < 0.9 * np.hypot(width["bert"], width["kmer_logistic_regression"])
    again = classifier_metrics(*paths, *data, tmp_path / "again.csv", bootstrap=1000, seed=1)
    assert again.equals(table)
    assert not classifier_metrics(*paths, *data, tmp_path / "again.csv", bootstrap=1000, seed=2).equals(table)


def test_memory_of_training_sequences_wins_on_all_and_loses_without_overlap(tmp_path):
    random = np.random.default_rng(3)
    label = np.repeat([0, 1], 300).astype(np.uint8)
    seen = random.random(600) < np.where(label == 0, 0.8, 0.4)  # as among real promoters, more of the negatives
    memory = np.where(seen, label, random.random(600))  # it guesses what it has not seen
    rule = np.where(random.random(600) < 0.7, label, 1 - label)
    paths = write_predictions(tmp_path / "bert.csv", label, memory), write_predictions(tmp_path / "k.csv", label, rule)
    data = write_tables(tmp_path, label, seen)
    table = classifier_metrics(*paths, *data, tmp_path / "metrics.csv", bootstrap=400)
    assert table.round(4).equals(pd.read_csv(tmp_path / "metrics.csv").round(4))
    assert table.groupby(["subset", "row"]).size().to_dict() == {
        (subset, row): len(METRICS)
        for subset in ("all", "not_overlapping")
        for row in ("bert", "kmer_logistic_regression", "bert_minus_logistic_regression")
    }
    assert table["subset"].is_monotonic_increasing  # all first
    rows = table.set_index(["subset", "row", "metric"]).sort_index()
    for subset, chosen in (("all", np.ones(600, bool)), ("not_overlapping", ~seen)):
        assert (rows.loc[subset, "sequences"] == chosen.sum()).all()
        for row, values in (("bert", memory[chosen]), ("kmer_logistic_regression", rule[chosen])):
            found = rows.loc[(subset, row), "value"]
            assert found["accuracy"] == pytest.approx(accuracy_score(label[chosen], values > 0.5))
            assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(label[chosen], values > 0.5))
            assert found["auroc"] == pytest.approx(roc_auc_score(label[chosen], values))
    difference = rows.xs("bert_minus_logistic_regression", level="row")
    assert (difference.loc["all", "low"] > 0).all()
    assert (difference.loc["not_overlapping", "high"] < 0).all()


def test_what_a_class_less_leaves_undefined_is_empty(tmp_path):
    label = np.repeat([0, 1], 15)
    random = np.random.default_rng(4)
    paths = [write_predictions(tmp_path / f"{name}.csv", label, random.random(30)) for name in ("bert", "kmers")]
    data = write_tables(tmp_path, label, label == 0)
    classifier_metrics(*paths, *data, tmp_path / "metrics.csv", bootstrap=50)
    table = pd.read_csv(tmp_path / "metrics.csv").set_index(["subset", "metric"])[["value", "low", "high", "sequences"]]
    assert table.loc["all"].notna().all(axis=None)
    apart = table.loc["not_overlapping"]
    assert (apart["sequences"] == 15).all()
    numbers = apart[["value", "low", "high"]]
    assert numbers.loc[["accuracy", "f1"]].notna().all(axis=None)
    assert numbers.loc[["balanced_accuracy", "auroc", "mcc"]].isna().all(axis=None)

    data = write_tables(tmp_path, label, np.ones(30, bool))
    nothing = classifier_metrics(*paths, *data, tmp_path / "metrics.csv", bootstrap=50)
    nothing = nothing[nothing["subset"] == "not_overlapping"]
    assert len(nothing) == 3 * len(METRICS)
    assert (nothing["sequences"] == 0).all()
    assert nothing[["value", "low", "high"]].isna().all(axis=None)


def test_predictions_that_do_not_fit_are_named(tmp_path):
    good = write_predictions(tmp_path / "good.csv", [0, 1, 1], [0.2, 0.7, 0.4])
    turned = write_predictions(tmp_path / "turned.csv", [1, 0, 0], [0.2, 0.7, 0.4])
    fewer = write_predictions(tmp_path / "fewer.csv", [0, 1], [0.2, 0.7])
    wrong = write_predictions(tmp_path / "wrong.csv", [0, 1, 1], [0.2, 1.7, 0.4])
    (tmp_path / "named.csv").write_text(good.read_text().replace("s1", "t1"))
    (tmp_path / "other.csv").write_text("id,label\ns0,1\n")
    (train, valid), test = write_tables(tmp_path, [0, 1, 1])
    output = tmp_path / "metrics.csv"
    for path in (turned, fewer, tmp_path / "named.csv"):
        for pair in ((good, path), (path, good)):
            with pytest.raises(InputError, match=rf"{path.name}: not predictions of the sequences of .*test\.tsv"):
                classifier_metrics(*pair, [train, valid], test, output)
    with pytest.raises(InputError, match=r"wrong\.csv: every row needs a label of 0 or 1 and a probability"):
        classifier_metrics(good, wrong, [train, valid], test, output)
    with pytest.raises(InputError, match=r"other\.csv: not a table with the columns id, label, probability"):
        classifier_metrics(good, tmp_path / "other.csv", [train, valid], test, output)
    with pytest.raises(InputError, match=r"absent\.csv: the file of predictions does not exist"):
        classifier_metrics(tmp_path / "absent.csv", good, [train, valid], test, output)
    write_sequences(tmp_path / "short.tsv", sequences(10, 1, 40))
    with pytest.raises(InputError, match=r"short\.tsv has sequences of 40 bp, .*test\.tsv of 80"):
        classifier_metrics(good, good, [train, tmp_path / "short.tsv"], test, output)
    assert not output.exists()
