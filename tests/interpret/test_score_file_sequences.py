"""From a model file and a table of sequences to a score file."""

import numpy as np
import pytest
import torch
from relevance_models import LENGTH, SETTINGS, random_codes, readings, small_bert

from regulens.core.errors import InputError
from regulens.data.sequences import SequenceSet, write_sequences
from regulens.interpret.score_file import ScoreFile, base_scores, score_sequences
from regulens.interpret.settings import RelevanceSettings
from regulens.models.bert import save_classifier

N = 7


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    model = small_bert(dtype=torch.float32)
    save_classifier(folder / "model.ckpt", model, model.state_dict(), SETTINGS, LENGTH, task="toy", seed=1)
    codes, labels = random_codes(N).numpy(), np.array([0, 1, 1, 0, 1, 0, 0], np.uint8)
    write_sequences(folder / "test.tsv", SequenceSet([f"seq{i}" for i in range(N)], labels, codes))
    write_sequences(folder / "long.tsv", SequenceSet(["a"], labels[:1], random_codes(1, length=25).numpy()))
    return folder


def run(inputs, output, table="test.tsv", model="model.ckpt", **settings):
    path = output / "scores.h5"
    settings = RelevanceSettings(**{"batch": 3} | settings)
    score_sequences(inputs / model, inputs / table, path, settings, task="toy", seed=1, label="tiny", accelerator="cpu")
    return path


def test_the_file_holds_every_score_of_every_sequence(inputs, tmp_path):
    with ScoreFile(run(inputs, tmp_path)) as file:
        assert file.names == RelevanceSettings().scores
        assert file.attributes == {
            "task": "toy", "seed": 1, "rules": "ours", "target": "predicted", "k": 3, "model": "tiny"
        }  # fmt: skip
        assert file.ids == [f"seq{i}" for i in range(N)]
        assert file.labels.tolist() == [0, 1, 1, 0, 1, 0, 0]
        assert np.array_equal(file.codes, random_codes(N).numpy())
        found = readings(small_bert(), random_codes(N))
        np.testing.assert_allclose(file.logits, found.logits.numpy(), rtol=1e-4, atol=1e-5)
        assert np.array_equal(file.predicted, found.target.numpy())
        for name in file.names:
            expected = base_scores(found, name, LENGTH, SETTINGS.k).numpy()
            values = file.score(name)
            assert values.dtype == np.float32
            # float32 against float64: the signed rules divide by small sums
            error = np.abs(values - expected).max(1) / np.abs(expected).max(1).clip(1e-12)
            assert np.median(error) < 1e-3, name


def test_the_batch_size_does_not_matter(inputs, tmp_path):
    with ScoreFile(run(inputs, tmp_path / "a")) as small, ScoreFile(run(inputs, tmp_path / "b", batch=32)) as large:
        for name in small.names:
            np.testing.assert_allclose(small.score(name), large.score(name), rtol=1e-2, atol=1e-3, err_msg=name)
        assert np.array_equal(small.score("random"), large.score("random"))


def test_the_label_can_be_the_target(inputs, tmp_path):
    with (
        ScoreFile(run(inputs, tmp_path / "a", target="label")) as by_label,
        ScoreFile(run(inputs, tmp_path / "b")) as by_prediction,
    ):
        same = by_label.labels == by_label.predicted
        assert 0 < same.sum() < N  # otherwise this shows nothing
        for row in range(N):
            one, other = (file.score("gradient_x_input")[row] for file in (by_label, by_prediction))
            assert np.allclose(one, other, rtol=1e-4, atol=1e-6) == same[row]
        assert by_label.attributes["target"] == "label"


def test_fewer_scores_in_another_order(inputs, tmp_path):
    with ScoreFile(run(inputs, tmp_path, scores=["random", "attention"], rules="plain")) as file:
        assert file.names == ["random", "attention"]
        assert file.attributes["rules"] == "plain"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": ["lrp", "rolout"]}, "unknown score 'rolout'; did you mean 'rollout'"),
        ({"table": "long.tsv"}, "long.tsv has sequences of 25 bp, the model .* is for 20 bp"),
        ({"start_layer": 3}, "relevance.start_layer: 3; .*model.ckpt has layers 0 to 2"),
    ],
)
def test_what_does_not_fit_is_said(inputs, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        run(inputs, tmp_path, **changes)
    assert not list(tmp_path.iterdir())


def test_a_diverged_model_is_named(inputs, tmp_path):
    model = small_bert(dtype=torch.float32)
    model.classifier.weight.data.fill_(3e38)  # whose products are infinite
    save_classifier(inputs / "diverged.ckpt", model, model.state_dict(), SETTINGS, LENGTH)
    with pytest.raises(InputError, match="score 'lrp' of seq0 is not a finite number: .*diverged.ckpt may have"):
        run(inputs, tmp_path, model="diverged.ckpt")
    assert not list(tmp_path.iterdir())
