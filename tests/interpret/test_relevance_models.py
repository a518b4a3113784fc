"""Whole models: HuggingFace's BERT and another Transformer, their logits, gradients, conservation, batches."""

from contextlib import nullcontext
from functools import partial

import pytest
import torch
from relevance_models import (
    LENGTH,
    SETTINGS,
    PreNormEncoder,
    encoder_forward,
    random_codes,
    readings,
    small_bert,
)

from regulens.core.kmers import PAD, token_ids
from regulens.interpret.relevance import Readings, bert_forward
from regulens.interpret.rules import RULES, Propagation
from regulens.interpret.scores import SCORES


@pytest.fixture(scope="module")
def model():
    return small_bert()


@pytest.fixture(scope="module")
def codes():
    return random_codes()


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("rules", [None, *RULES])
def test_logits_are_those_of_huggingfaces_forward_pass(model, codes, attention, rules):
    ids = token_ids(codes, SETTINGS.k)
    model.set_attn_implementation(attention)
    with torch.no_grad():
        expected = model(ids).logits
    with Propagation(rules) if rules else nullcontext():
        found = bert_forward(model, ids).logits
    assert (found - expected).abs().max() < 1e-10


def test_attention_and_its_gradient_are_those_of_huggingfaces_model(model, codes):
    ids, target = token_ids(codes, SETTINGS.k), torch.tensor([0, 1, 0, 1])
    model.set_attn_implementation("eager")
    output = model(ids, output_attentions=True)
    gradients = torch.autograd.grad(output.logits[range(4), target].sum(), output.attentions)
    found = readings(model, codes, target=target)
    assert len(found.attention) == SETTINGS.layers
    for layer, attention in enumerate(output.attentions):
        torch.testing.assert_close(found.attention[layer], attention, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found.attention_gradient[layer], gradients[layer], rtol=1e-9, atol=1e-12)


def test_gradient_of_the_embedding_is_that_of_huggingfaces_model(model, codes):
    ids = token_ids(codes, SETTINGS.k)
    embedding = model.bert.embeddings(ids).detach().requires_grad_()
    hidden = embedding
    for layer in model.bert.encoder.layer:
        hidden = layer(hidden)
    logits = model.classifier(model.bert.pooler(hidden))
    (gradient,) = torch.autograd.grad(logits.amax(1).sum(), embedding)  # the default target is the higher logit
    found = readings(model, codes)
    torch.testing.assert_close(found.embedding_gradient, gradient, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found.embedding, embedding.detach(), rtol=0, atol=0)


def test_a_pass_from_a_given_embedding(model, codes):
    ids, other = token_ids(codes, SETTINGS.k), token_ids(random_codes(seed=1), SETTINGS.k)
    given = model.bert.embeddings(other).detach()
    found, wanted = bert_forward(model, ids, embedding=given), bert_forward(model, other)
    torch.testing.assert_close(found.logits, wanted.logits, rtol=0, atol=0)
    assert found.embedding.is_leaf
    assert found.embedding.requires_grad
    assert not given.requires_grad  # the caller's tensor is left as it was


def test_further_passes_are_those_of_the_properties(model, codes):
    found = readings(model, codes)
    for rules, wanted in (
        (None, (found.attention_gradient, found.embedding_gradient)),
        ("ours", (found.attention_relevance, found.embedding_relevance)),
    ):
        attention, embedding = found.propagate(rules)
        torch.testing.assert_close(attention, wanted[0], rtol=0, atol=0)
        torch.testing.assert_close(embedding, wanted[1], rtol=0, atol=0)
    other = random_codes(seed=1)
    with torch.no_grad():  # a pass has a graph wherever it is asked for
        changed = found.propagate(input_ids=token_ids(other, SETTINGS.k))
    wanted = readings(model, other, target=found.target)
    torch.testing.assert_close(changed[1], wanted.embedding_gradient, rtol=0, atol=0)


def test_ours_conserves_relevance_through_the_whole_model(model):
    """Every rule of `ours` keeps the sum, biases or not: they get no relevance. What is lost is what stands on exact
    zeros (none here) and EPSILON, which counts where signed shares divide by small sums."""
    found = readings(model, random_codes(16)).embedding_relevance
    assert found.sum((1, 2)).tolist() == pytest.approx([1.0] * 16, abs=1e-5)
    plain = readings(model, random_codes(16), rules="plain").embedding_relevance
    assert (plain.sum((1, 2)) - 1).abs().min() > 0.1


def test_relevance_of_the_attention_is_the_half_of_its_product(model, codes):
    """The other half goes to the values."""
    found = readings(model, codes)
    last = found.attention_relevance[-1]
    assert last.shape == (len(codes), SETTINGS.heads, 20, 20)
    assert last[:, :, 1:].abs().max() == 0  # only the row of CLS is used
    products = []

    class Watched(Propagation):
        """The rules, and all products of activations."""

        def __torch_function__(self, function, types, args=(), kwargs=None):
            output = super().__torch_function__(function, types, args, kwargs)
            if "matmul" in function.__name__:
                products.append(output)
            return output

    with Watched("ours"):
        trace = bert_forward(model, token_ids(codes, SETTINGS.k))
    start = torch.nn.functional.one_hot(found.target, 2) / trace.logits.detach()
    (gradient,) = torch.autograd.grad(trace.logits, products[-1], start)
    at_product = (products[-1].detach() * gradient).sum((1, 2, 3))
    torch.testing.assert_close(last.sum((1, 2, 3)), at_product / 2, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rules", RULES)
def test_a_batch_is_its_sequences_one_by_one(model, codes, rules):
    together = readings(model, codes, rules=rules)
    for i in range(len(codes)):
        alone = readings(model, codes[i : i + 1], rules=rules, index=[i])
        for name in set(SCORES) - {"random"}:
            torch.testing.assert_close(
                SCORES[name].read(together)[i], SCORES[name].read(alone)[0], rtol=1e-6, atol=1e-9, msg=name
            )


@pytest.mark.parametrize("rules", ["ours", "plain"])
def test_padding_behind_a_mask_changes_nothing(model, codes, rules):
    ids = token_ids(codes, SETTINGS.k)
    padded = torch.nn.functional.pad(ids, (0, 5), value=PAD)
    mask = (torch.arange(padded.shape[1]) < ids.shape[1]).expand(padded.shape)
    with torch.no_grad():
        expected = model(padded, attention_mask=mask.long()).logits
    whole = Readings(partial(bert_forward, model=model, input_ids=padded, mask=mask), rules=rules)
    bare = readings(model, codes, rules=rules)
    torch.testing.assert_close(whole.logits, expected, rtol=1e-10, atol=1e-10)
    for name in ("lrp", "lrp_last", "full_lrp", "rollout", "attention", "gradient_x_input"):
        found, wanted = SCORES[name].read(whole), SCORES[name].read(bare)
        torch.testing.assert_close(found[:, : ids.shape[1]], wanted, rtol=1e-6, atol=1e-9, msg=name)
        assert found[:, ids.shape[1] :].abs().max() == 0


def test_a_model_in_training_mode_is_refused(model, codes):
    model.train()
    try:
        with pytest.raises(ValueError, match="eval mode"):
            _ = readings(model, codes).logits
    finally:
        model.eval()


def test_another_transformer_is_explained_as_it_is():
    torch.manual_seed(0)
    model, codes = PreNormEncoder().double(), random_codes(6).long()
    found = Readings(partial(encoder_forward, model=model, codes=codes))
    torch.testing.assert_close(found.logits, model(codes).detach(), rtol=1e-10, atol=1e-12)
    assert found.embedding_relevance.sum((1, 2)).tolist() == pytest.approx([1.0] * 6, abs=1e-5)
    for name in set(SCORES) - {"random"}:
        values = SCORES[name].read(found)
        assert values.shape == (6, LENGTH)
        assert values.isfinite().all()
        if name != "gradcam":  # 0 everywhere where all heads have a negative mean gradient
            assert values.std(1).min() > 0, name
    batch_gradient = found.attention_gradient[0][3:4]
    alone = Readings(partial(encoder_forward, model=model, codes=codes[3:4]))
    torch.testing.assert_close(alone.attention_gradient[0], batch_gradient, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(alone.embedding_relevance[0], found.embedding_relevance[3], rtol=1e-6, atol=1e-9)
