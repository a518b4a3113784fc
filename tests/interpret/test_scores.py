"""Scores: their definitions against plain numpy, special tokens, random numbers, the registry."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from relevance_models import LENGTH, SETTINGS, random_codes, readings, small_bert

from regulens.interpret.score_file import base_scores
from regulens.interpret.scores import SCORE_LABELS, SCORES, rollout_row, score, score_label
from regulens.interpret.settings import RelevanceSettings

LAYERS, TOKENS = SETTINGS.layers, LENGTH - SETTINGS.k + 3


@pytest.fixture(scope="module")
def found():
    return readings(small_bert(), random_codes())


def arrays(tensors):
    return [tensor.numpy() for tensor in tensors]


def rollout_reference(layers):
    """Full product of the row-normalised matrices of one sequence, the last layer leftmost."""
    product = np.eye(len(layers[0]))
    for matrix in layers:
        matrix = matrix + np.eye(len(matrix))
        product = matrix / matrix.sum(1, keepdims=True) @ product
    return product


def test_lrp_is_the_rollout_of_gradient_times_relevance(found):
    gradients, relevances = arrays(found.attention_gradient), arrays(found.attention_relevance)
    values = SCORES["lrp"].read(found).numpy()
    for i in range(len(values)):
        layers = [np.maximum(g[i] * r[i], 0).mean(0) for g, r in zip(gradients, relevances, strict=True)]
        np.testing.assert_allclose(values[i], rollout_reference(layers)[0], rtol=1e-10)
    assert values.sum(1) == pytest.approx(1)


def test_lrp_starts_at_the_configured_layer(found):
    late = readings(small_bert(), random_codes(), start_layer=LAYERS - 1)
    values = SCORES["lrp"].read(late)
    for i in range(len(values)):
        layer = (late.attention_gradient[-1] * late.attention_relevance[-1])[i].clamp(min=0).mean(0).numpy()
        np.testing.assert_allclose(values[i].numpy(), rollout_reference([layer])[0], rtol=1e-10)
    assert not torch.allclose(values, SCORES["lrp"].read(found))


def test_rollout_is_the_product_over_layers_and_does_not_depend_on_the_class(found):
    values = SCORES["rollout"].read(found)
    for i in range(len(values)):
        reference = rollout_reference([a[i].mean(0) for a in arrays(found.attention)])
        assert reference.sum(1) == pytest.approx(1)
        np.testing.assert_allclose(values[i].numpy(), reference[0], rtol=1e-10)
    other = readings(small_bert(), random_codes(), target=1 - found.target)
    assert torch.equal(SCORES["rollout"].read(other), values)
    assert not torch.allclose(SCORES["lrp"].read(other), SCORES["lrp"].read(found))


def test_rollout_rows_sum_to_one_for_any_nonnegative_matrices():
    layers = [torch.rand(5, 7, 7, dtype=torch.float64) * 10**scale for scale in (-3, 0, 3)]
    assert rollout_row(layers).sum(1).tolist() == pytest.approx([1] * 5)
    zeros = [torch.zeros(2, 4, 4)] * 3
    assert rollout_row(zeros).tolist() == [[1, 0, 0, 0]] * 2  # nothing but the skip connections


def test_scores_of_the_last_layer_follow_their_definitions(found):
    attention, gradient, relevance = (
        values[-1].numpy() for values in (found.attention, found.attention_gradient, found.attention_relevance)
    )
    for i in range(len(attention)):
        heads = range(SETTINGS.heads)
        mean_relevance = np.mean([np.maximum(relevance[i, h, 0], 0) for h in heads], axis=0)
        np.testing.assert_allclose(SCORES["lrp_last"].read(found)[i].numpy(), mean_relevance, rtol=1e-12)
        mean_attention = np.mean([attention[i, h, 0] for h in heads], axis=0)
        np.testing.assert_allclose(SCORES["attention"].read(found)[i].numpy(), mean_attention, rtol=1e-12)
        weighted = np.maximum(np.mean([gradient[i, h].mean() * attention[i, h] for h in heads], axis=0), 0)
        spread = weighted.max() - weighted.min()
        expected = (weighted - weighted.min()) / spread if spread else np.zeros_like(weighted)
        np.testing.assert_allclose(SCORES["gradcam"].read(found)[i].numpy(), expected[0], rtol=1e-9, atol=1e-12)
    assert SCORES["gradcam"].read(found).max() > 0


def test_gradcam_of_a_constant_map_is_zero():
    equal = torch.full((2, 3, 4, 4), 0.25)
    flat = SimpleNamespace(attention=[equal], attention_gradient=[torch.ones_like(equal)])
    assert torch.equal(SCORES["gradcam"].read(flat), torch.zeros(2, 4))


def test_scores_at_the_embedding_sum_over_its_width(found):
    relevance = found.embedding_relevance.numpy().sum(2)
    np.testing.assert_allclose(SCORES["full_lrp"].read(found).numpy(), relevance, rtol=1e-10)
    product = (found.embedding_gradient.numpy() * found.embedding.numpy()).sum(2)
    np.testing.assert_allclose(SCORES["gradient_x_input"].read(found).numpy(), product, rtol=1e-10, atol=1e-14)
    assert relevance.min() < 0
    assert product.min() < 0


def test_only_lrp_scores_depend_on_the_rules(found):
    plain = readings(small_bert(), random_codes(), rules="plain")
    for name in SCORES:
        same = torch.allclose(base_scores(found, name, LENGTH, 3), base_scores(plain, name, LENGTH, 3))
        assert same == (name not in ("lrp", "lrp_last", "full_lrp")), name


def test_random_numbers_belong_to_the_sequence_not_to_the_batch():
    model, codes = small_bert(), random_codes(5)
    whole = base_scores(readings(model, codes, seed=3), "random", LENGTH, SETTINGS.k)
    part = base_scores(readings(model, codes[3:], seed=3, index=[3, 4]), "random", LENGTH, SETTINGS.k)
    assert torch.equal(whole[3:], part)
    assert whole.shape == (5, LENGTH)
    assert whole.min() >= 0
    assert whole.max() < 1
    assert len(whole.unique()) == whole.numel()
    assert not torch.equal(base_scores(readings(model, codes, seed=4), "random", LENGTH, SETTINGS.k), whole)


def test_special_tokens_never_leak_into_bases(found, monkeypatch):
    clean = {name: base_scores(found, name, LENGTH, SETTINGS.k) for name in SCORES}
    for name, kept in SCORES.items():
        if kept.per_base:
            continue

        def spoilt(readings, read=kept.read):
            values = read(readings).clone()
            values[:, [0, -1]] = 1e9
            return values

        monkeypatch.setitem(SCORES, name, type(kept)(kept.label, spoilt))
        assert torch.equal(base_scores(found, name, LENGTH, SETTINGS.k), clean[name])
    # The last k-mer, on the other hand, reaches the last base.
    monkeypatch.setitem(SCORES, "last", type(kept)("Last", lambda _: torch.eye(TOKENS)[[-2]]))
    values = base_scores(found, "last", LENGTH, SETTINGS.k)[0]
    assert values.tolist() == pytest.approx([0] * (LENGTH - 3) + [1 / 3, 1 / 2, 1])


def test_no_score_runs_a_pass_that_it_does_not_read():
    codes = random_codes(2)
    for name, gradient, relevance in (
        ("rollout", False, False),
        ("attention", False, False),
        ("random", False, False),
        ("gradcam", True, False),
        ("full_lrp", False, True),
        ("lrp", True, True),
    ):
        fresh = readings(small_bert(), codes)
        base_scores(fresh, name, LENGTH, SETTINGS.k)
        assert ("_gradient" in fresh.__dict__, "_relevance" in fresh.__dict__) == (gradient, relevance), name


def test_a_new_score_is_one_function(found, monkeypatch):
    monkeypatch.delitem(SCORES, "ninth", raising=False)

    @score("ninth", "Ninth")
    def ninth(readings):
        return readings.attention[0][:, :, 0].amax(1)

    try:
        assert base_scores(found, "ninth", LENGTH, SETTINGS.k).shape == (4, LENGTH)
        with pytest.raises(ValueError, match="'ninth' is defined twice"):
            score("ninth", "Again")(ninth)
    finally:
        del SCORES["ninth"], SCORE_LABELS["ninth"]


def test_a_score_may_make_passes_of_its_own():
    """Integrated gradients (Sundararajan et al. 2017) from the mean token: they sum to the change of the logit."""

    def mean_token(readings):
        return readings.embedding.mean(1, keepdim=True).expand_as(readings.embedding)

    @score("integrated", "Integrated gradients")
    def integrated(readings, steps=32):
        start = mean_token(readings)
        way, total = readings.embedding - start, 0
        for step in range(steps):
            total = total + readings.propagate(embedding=start + (step + 0.5) / steps * way)[1]
        return (total / steps * way).sum(-1)

    try:
        found = readings(small_bert(), random_codes(), target=torch.tensor([0, 1, 0, 1]))
        values = SCORES["integrated"].read(found)
        start = found.trace(embedding=mean_token(found)).logits.detach()
        change = (found.logits - start)[range(4), found.target]
        assert change.abs().min() > 0.01
        torch.testing.assert_close(values.sum(1), change, rtol=0, atol=1e-3)  # 32 steps: 4e-4; 64: 1e-4
        assert (SCORES["gradient_x_input"].read(found).sum(1) - change).abs().max() > 0.05  # one step is not enough
        assert base_scores(found, "integrated", LENGTH, SETTINGS.k).shape == (4, LENGTH)
    finally:
        del SCORES["integrated"], SCORE_LABELS["integrated"]


def test_names_and_labels_are_those_of_the_contract():
    assert list(SCORE_LABELS) == RelevanceSettings().scores
    assert SCORE_LABELS["gradient_x_input"] == score_label("gradient_x_input") == "Gradient × input"
    assert score_label("unheard_of") == "unheard_of"


def test_score_names_and_files_are_read_without_torch():
    code = (
        "import sys, regulens.interpret.scores, regulens.interpret.score_file;"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
