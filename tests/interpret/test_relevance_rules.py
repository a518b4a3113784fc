"""Relevance rules against plain loops (docs/papers.md, "Relevance rules"): conservation, zeros, batches."""

from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from regulens.core.errors import InputError
from regulens.interpret.rules import RULES, Propagation, safe_divide
from regulens.interpret.settings import RuleSet

OF_DNABERT_LRP = get_args(RuleSet)


def divide(a, b):
    return a / (b + 1e-9) if b != 0 else 0.0


def linear_reference(name, x, w, bias, r):
    """One token: x (in,), w (out, in), r (out,)."""
    result = np.zeros(len(x))
    for j in range(len(r)):
        up = [max(x[i], 0) * max(w[j, i], 0) for i in range(len(x))]
        down = [min(x[i], 0) * min(w[j, i], 0) for i in range(len(x))]
        for i in range(len(x)):
            if name == "ours":
                result[i] += (up[i] + down[i]) * divide(r[j], sum(up) + sum(down))
            elif name == "plain":
                result[i] += up[i] * divide(r[j], sum(up)) + down[i] * divide(r[j], sum(down))
            else:
                result[i] += x[i] * w[j, i] * divide(r[j], w[j] @ x + bias[j])
    return result


def add_reference(name, x, y, r):
    """One sample of any shape."""
    x, y, r = x.ravel(), y.ravel(), r.ravel()
    a = np.array([x[i] * divide(r[i], x[i] + y[i]) for i in range(len(x))])
    b = np.array([y[i] * divide(r[i], x[i] + y[i]) for i in range(len(x))])
    if name == "ours":
        sum_a, sum_b, total = a.sum(), b.sum(), r.sum()
        a = a * divide(divide(abs(sum_a), abs(sum_a) + abs(sum_b)) * total, sum_a)
        b = b * divide(divide(abs(sum_b), abs(sum_a) + abs(sum_b)) * total, sum_b)
    return a, b


def matmul_reference(a, b, r):
    """One matrix product: a (n, m), b (m, p), r (n, p)."""
    ra, rb = np.zeros(a.shape), np.zeros(b.shape)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            share = divide(r[i, j], sum(a[i, k] * b[k, j] for k in range(a.shape[1])))
            for k in range(a.shape[1]):
                ra[i, k] += a[i, k] * share * b[k, j] / 2
                rb[k, j] += b[k, j] * share * a[i, k] / 2
    return ra, rb


def numbers(*shape, seed=0, positive=False):
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (values.abs() + 0.1 if positive else values).requires_grad_()


def recorded(name, function, *inputs):
    with Propagation(name):
        return function(*inputs)


def relevance(output, inputs, start):
    """Relevance of the inputs for that of the output, which is 0 where the output is."""
    gradients = torch.autograd.grad(output, inputs, (start / output.detach()).masked_fill(output == 0, 0))
    return [x.detach() * gradient for x, gradient in zip(inputs, gradients, strict=True)]


def close(found, expected, tolerance=1e-9):
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OF_DNABERT_LRP)
def test_linear_is_the_rule_written_out(name):
    x, w, bias, start = (
        numbers(2, 3, 5),
        *(numbers(*shape, seed=sum(shape)).detach() for shape in ((4, 5), (4,), (2, 3, 4))),
    )
    output = recorded(name, F.linear, x, w, bias)
    close(output, F.linear(x, w, bias).detach(), 1e-14)
    (found,) = relevance(output, [x], start)
    arrays = [tensor.detach().numpy() for tensor in (x, w, bias, start)]
    expected = [
        [linear_reference(name, arrays[0][s, t], *arrays[1:3], arrays[3][s, t]) for t in range(3)] for s in range(2)
    ]
    close(found, np.array(expected))


@pytest.mark.parametrize("name", OF_DNABERT_LRP)
def test_add_is_the_rule_written_out_for_each_sample(name):
    x, y, start = numbers(2, 3, 4), numbers(2, 3, 4, seed=1), numbers(2, 3, 4, seed=2).detach()
    output = recorded(name, torch.add, x, y)
    close(output, (x + y).detach(), 0)
    found = relevance(output, [x, y], start)
    for sample in range(2):
        expected = add_reference(name, *(tensor[sample].detach().numpy() for tensor in (x, y, start)))
        for part, reference in zip(found, expected, strict=True):
            close(part[sample].ravel(), reference)


@pytest.mark.parametrize("name", OF_DNABERT_LRP)
def test_matmul_is_the_rule_written_out(name):
    a, b, start = numbers(2, 3, 4, 5), numbers(2, 3, 5, 6, seed=1), numbers(2, 3, 4, 6, seed=2).detach()
    output = recorded(name, torch.matmul, a, b)
    close(output, (a @ b).detach(), 0)
    found_a, found_b = relevance(output, [a, b], start)
    for s in range(2):
        for h in range(3):
            expected = matmul_reference(*(tensor[s, h].detach().numpy() for tensor in (a, b, start)))
            close(found_a[s, h], expected[0])
            close(found_b[s, h], expected[1])


def test_ours_conserves_relevance_at_linear_add_and_matmul():
    start = numbers(2, 3, 4, seed=9).detach()
    (through_linear,) = relevance(
        recorded("ours", F.linear, x := numbers(2, 3, 40), numbers(4, 40, seed=1).detach()), [x], start
    )
    assert through_linear.sum((1, 2)) == pytest.approx(start.sum((1, 2)), rel=1e-7)
    x, y = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    a, b = relevance(recorded("ours", torch.add, x, y), [x, y], start)
    assert (a + b).sum((1, 2)) == pytest.approx(start.sum((1, 2)), rel=1e-7)
    a, v = relevance(
        recorded("ours", torch.matmul, x := numbers(2, 3, 5), y := numbers(2, 5, 4, seed=1)), [x, y], start
    )
    for half in (a, v):
        assert half.sum((1, 2)) == pytest.approx(start.sum((1, 2)) / 2, rel=1e-7)


def test_a_unit_without_a_pair_of_equal_signs_loses_its_relevance():
    x, w = torch.tensor([[1.0, -1.0]], requires_grad=True), torch.tensor([[-1.0, 1.0], [1.0, 1.0]])
    output = recorded("ours", F.linear, x, w, torch.tensor([0.0, 0.5]))
    (found,) = relevance(output, [x], torch.tensor([[0.25, 0.75]]))
    assert found.tolist() == [pytest.approx([0.75, 0.0])]


def test_plain_linear_doubles_relevance_where_both_signs_contribute():
    x, w = torch.tensor([[2.0, -3.0]], dtype=torch.float64, requires_grad=True), torch.tensor([[1.0, -1.0]]).double()
    start = torch.ones(1, 1, dtype=torch.float64)
    assert relevance(recorded("plain", F.linear, x, w), [x], start)[0].tolist() == [pytest.approx([1.0, 1.0])]
    assert relevance(recorded("ours", F.linear, x, w), [x], start)[0].tolist() == [pytest.approx([0.4, 0.6])]


def test_signed_linear_leaves_the_bias_its_share():
    x, w = torch.tensor([[2.0, -1.0]], dtype=torch.float64, requires_grad=True), torch.tensor([[1.0, 1.0]]).double()
    output = recorded("lrp0", F.linear, x, w, torch.tensor([3.0]).double())
    found = relevance(output, [x], torch.ones_like(output))[0]
    assert found.tolist() == [pytest.approx([2 / 4, -1 / 4])]


@pytest.mark.parametrize("name", OF_DNABERT_LRP)
def test_zero_inputs_give_zero_relevance_and_no_nan(name):
    x = torch.zeros(2, 3, 4, dtype=torch.float64, requires_grad=True)
    y = torch.zeros(2, 4, 3, dtype=torch.float64, requires_grad=True)
    for function in (
        lambda: F.linear(x, numbers(5, 4).detach()),
        lambda: x + x.clone(),
        lambda: x + -x,
        lambda: x @ y,
        lambda: x.mean(1),
        lambda: F.layer_norm(x, (4,)),
    ):
        output = recorded(name, function)
        (found,) = torch.autograd.grad(output, [x], torch.ones_like(output))
        assert torch.equal(x.detach() * found, torch.zeros_like(x))


def test_a_sample_does_not_depend_on_its_batch():
    """The sums of the add rule are those of one sample, not of the tensor."""
    x, y, start = numbers(3, 4, 5), numbers(3, 4, 5, seed=1), numbers(3, 4, 5, seed=2).detach()
    together = relevance(recorded("ours", torch.add, x, y), [x, y], start)
    for i in range(3):
        one, other = (part[i : i + 1].detach().requires_grad_() for part in (x, y))
        alone = relevance(recorded("ours", torch.add, one, other), [one, other], start[i : i + 1])
        for whole, part in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[i], part[0], rtol=1e-12, atol=1e-12)
    whole_tensor = add_reference("ours", *(tensor.detach().numpy() for tensor in (x, y, start)))[0]
    assert np.abs(together[0].numpy().ravel() - whole_tensor).max() > 1e-3


def test_mean_shares_relevance_by_value_and_activations_keep_it():
    x = torch.tensor([[[1.0], [3.0]]], dtype=torch.float64, requires_grad=True)
    output = recorded("ours", torch.mean, x, 1)
    assert output.item() == 2
    assert relevance(output, [x], torch.ones_like(output))[0].ravel().tolist() == pytest.approx([0.25, 0.75])
    x, start = numbers(2, 3), numbers(2, 3, seed=1).detach()
    for name in RULES:
        for function in (torch.tanh, F.gelu, F.silu, F.softplus):
            output = recorded(name, function, x)
            assert torch.equal(output, function(x))
            torch.testing.assert_close(relevance(output, [x], start)[0], start)


def test_branches_add_their_relevance():
    x, start = numbers(2, 3), numbers(2, 3, seed=1).detach()
    weights = numbers(3, 3, seed=2).detach(), numbers(3, 3, seed=3).detach()
    outputs = [recorded("ours", F.linear, x, w) for w in weights]
    single = [relevance(recorded("ours", F.linear, x, w), [x], start)[0] for w in weights]
    gradient = torch.autograd.grad(outputs, [x], [start / output.detach() for output in outputs])[0]
    torch.testing.assert_close(x * gradient, single[0] + single[1])


def test_a_convolution_is_the_linear_layer_that_it_stands_for():
    """Of kernel 3 over 5 positions, as one matrix; `ours` and `plain` look at the signs of pairs."""
    x, kernel, bias = numbers(2, 3, 5), numbers(4, 3, 3, seed=1).detach(), numbers(4, seed=2).detach()
    matrix = torch.zeros(4, 5, 3, 5, dtype=torch.float64)
    for position in range(5):
        for tap in range(3):
            if 0 <= (source := position + tap - 1) < 5:
                matrix[:, position, :, source] = kernel[:, :, tap]
    flat = x.detach().flatten(1).requires_grad_()
    for name in RULES:
        output = recorded(name, lambda: F.conv1d(x, kernel, bias, padding=1))
        dense = recorded(name, F.linear, flat, matrix.flatten(2).flatten(0, 1), bias.repeat_interleave(5))
        start = numbers(2, 20, seed=3).detach()
        found = relevance(output, [x], start.unflatten(1, (4, 5)))[0]
        torch.testing.assert_close(found.flatten(1), relevance(dense, [flat], start)[0], rtol=1e-10, atol=1e-12)


def test_constant_weights_are_constants():
    """Softmax, gates and the deviation of a norm pass nothing on, so that a layer is linear in its input."""
    x, y, start = numbers(2, 3, 4), numbers(2, 3, 4, seed=1), numbers(2, 3, 4, seed=2).detach()
    weights = torch.softmax(x.detach() @ y.detach().transpose(1, 2), -1)
    output = recorded("constant_weights", lambda: torch.softmax(x @ y.transpose(1, 2), -1) @ y)
    (found,) = torch.autograd.grad(output, [y], start)
    torch.testing.assert_close(found, weights.transpose(1, 2) @ start)
    output = recorded("constant_weights", lambda: y * torch.sigmoid(x))
    torch.testing.assert_close(torch.autograd.grad(output, [y], start)[0], start * torch.sigmoid(x.detach()))
    output = recorded("constant_weights", F.layer_norm, x, (4,))
    torch.testing.assert_close(output, F.layer_norm(x, (4,)))
    assert relevance(output, [x], start)[0].sum(-1).ravel().tolist() == pytest.approx(start.sum(-1).ravel().tolist())


def test_attnlrp_on_an_attention_block_computed_by_hand():
    """One query, two keys, one channel. Achtibat et al. 2024: softmax x_i (R_i - s_i sum R), products halved."""
    q, k = torch.tensor([[[2.0]]]).double().requires_grad_(), torch.tensor([[[1.0], [0.5]]]).double().requires_grad_()
    v = torch.tensor([[[3.0], [-1.0]]]).double().requires_grad_()
    output = recorded("attnlrp", lambda: torch.softmax(q @ k.transpose(1, 2), -1) @ v)
    found = relevance(output, [q, k, v], torch.ones(1, 1, 1).double())
    logits = [2.0, 1.0]
    s = [np.exp(a) / (np.exp(2.0) + np.exp(1.0)) for a in logits]
    total = s[0] * 3 - s[1]
    terms = [s[0] * 3 / total, -s[1] / total]  # of the output, which has relevance 1
    of_weights = [part / 2 for part in terms]
    of_logits = [logits[i] * (of_weights[i] - s[i] * sum(of_weights)) for i in range(2)]
    assert found[2].ravel().tolist() == pytest.approx([part / 2 for part in terms])
    assert found[1].ravel().tolist() == pytest.approx([part / 2 for part in of_logits])
    assert found[0].item() == pytest.approx(sum(of_logits) / 2)


def test_an_operation_without_a_rule_is_named():
    with Propagation("lrp0"), pytest.raises(InputError, match="no relevance rule for the operation sin"):
        torch.sin(numbers(2, 3))
    with Propagation("lrp0"):  # of constants, anything may be computed
        torch.sin(numbers(2, 3).detach())


def test_what_biases_absorb_is_counted():
    x, w, bias = numbers(2, 3), numbers(4, 3, seed=1).detach(), numbers(4, seed=2).detach()
    start = numbers(2, 4, seed=3).detach()
    rules = Propagation("lrp0", count_absorbed=True)
    with rules:
        output = F.linear(x, w, bias) + 0.5
    found = relevance(output, [x], start)[0]
    assert found.sum().item() + rules.absorbed == pytest.approx(start.sum().item(), rel=1e-6)
    assert abs(rules.absorbed) > 0.01


def test_safe_divide_is_that_of_the_specification():
    a, b = torch.tensor([1.0, 1.0, -2.0, 0.0, 3.0]), torch.tensor([2.0, 0.0, -4.0, 0.0, 1e-9])
    expected = [0.5, 0.0, 0.5, 0.0, 1.5e9]
    assert safe_divide(a, b).tolist() == pytest.approx(expected, rel=1e-6)


def test_every_configurable_rule_set_exists():
    assert set(get_args(RuleSet)) <= set(RULES)
