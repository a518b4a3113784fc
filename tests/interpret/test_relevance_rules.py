"""Relevance rules against plain loops (docs/papers.md, "Relevance rules"): conservation, zeros, batches."""

from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from regulens.interpret import relevance as relevance_module
from regulens.interpret.relevance import GRADIENT, RULES
from regulens.interpret.settings import RuleSet


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


def relevance(output, inputs, start):
    return torch.autograd.grad(output, inputs, start)


def close(found, expected, tolerance=1e-9):
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", RULES)
def test_linear_is_the_rule_written_out(name):
    x, w, bias, start = numbers(2, 3, 5), numbers(4, 5, seed=1), numbers(4, seed=2), numbers(2, 3, 4, seed=3).detach()
    output = RULES[name].linear(x, w, bias)
    close(output, F.linear(x, w, bias).detach(), 1e-14)
    (found,) = relevance(output, [x], start)
    arrays = [tensor.detach().numpy() for tensor in (x, w, bias, start)]
    expected = [
        [linear_reference(name, arrays[0][s, t], *arrays[1:3], arrays[3][s, t]) for t in range(3)] for s in range(2)
    ]
    close(found, np.array(expected))


@pytest.mark.parametrize("name", RULES)
def test_add_is_the_rule_written_out_for_each_sample(name):
    x, y, start = numbers(2, 3, 4), numbers(2, 3, 4, seed=1), numbers(2, 3, 4, seed=2).detach()
    output = RULES[name].add(x, y)
    close(output, (x + y).detach(), 0)
    found = relevance(output, [x, y], start)
    for sample in range(2):
        expected = add_reference(name, *(tensor[sample].detach().numpy() for tensor in (x, y, start)))
        for part, reference in zip(found, expected, strict=True):
            close(part[sample].ravel(), reference)


@pytest.mark.parametrize("name", RULES)
def test_matmul_is_the_rule_written_out(name):
    a, b, start = numbers(2, 3, 4, 5), numbers(2, 3, 5, 6, seed=1), numbers(2, 3, 4, 6, seed=2).detach()
    output = RULES[name].matmul(a, b)
    close(output, (a @ b).detach(), 0)
    found_a, found_b = relevance(output, [a, b], start)
    for s in range(2):
        for h in range(3):
            expected = matmul_reference(*(tensor[s, h].detach().numpy() for tensor in (a, b, start)))
            close(found_a[s, h], expected[0])
            close(found_b[s, h], expected[1])


def test_ours_conserves_relevance_at_linear_add_and_matmul():
    start = numbers(2, 3, 4, seed=9).detach()
    (through_linear,) = relevance(RULES["ours"].linear(x := numbers(2, 3, 40), numbers(4, 40, seed=1)), [x], start)
    assert through_linear.sum((1, 2)) == pytest.approx(start.sum((1, 2)), rel=1e-7)
    a, b = relevance(RULES["ours"].add(x := numbers(2, 3, 4), y := numbers(2, 3, 4, seed=1)), [x, y], start)
    assert (a + b).sum((1, 2)) == pytest.approx(start.sum((1, 2)), rel=1e-7)
    a, v = relevance(RULES["ours"].matmul(x := numbers(2, 3, 5), y := numbers(2, 5, 4, seed=1)), [x, y], start)
    for half in (a, v):
        assert half.sum((1, 2)) == pytest.approx(start.sum((1, 2)) / 2, rel=1e-7)


def test_a_unit_without_a_pair_of_equal_signs_loses_its_relevance():
    x, w = torch.tensor([[1.0, -1.0]], requires_grad=True), torch.tensor([[-1.0, 1.0], [1.0, 1.0]])
    (found,) = relevance(RULES["ours"].linear(x, w), [x], torch.tensor([[0.25, 0.75]]))
    assert found.tolist() == [pytest.approx([0.75, 0.0])]


def test_plain_linear_doubles_relevance_where_both_signs_contribute():
    x, w = torch.tensor([[2.0, -3.0]], dtype=torch.float64, requires_grad=True), torch.tensor([[1.0, -1.0]]).double()
    start = torch.ones(1, 1, dtype=torch.float64)
    assert relevance(RULES["plain"].linear(x, w), [x], start)[0].tolist() == [pytest.approx([1.0, 1.0])]
    assert relevance(RULES["ours"].linear(x, w), [x], start)[0].tolist() == [pytest.approx([0.4, 0.6])]


def test_signed_linear_leaves_the_bias_its_share():
    x, w = torch.tensor([[2.0, -1.0]], dtype=torch.float64, requires_grad=True), torch.tensor([[1.0, 1.0]]).double()
    output = RULES["lrp0"].linear(x, w, torch.tensor([3.0]).double())
    found = relevance(output, [x], torch.ones_like(output))[0]
    assert found.tolist() == [pytest.approx([2 / 4, -1 / 4])]


@pytest.mark.parametrize("name", RULES)
def test_zero_inputs_give_zero_relevance_and_no_nan(name):
    ops = RULES[name]
    x = torch.zeros(2, 3, 4, dtype=torch.float64, requires_grad=True)
    y = torch.zeros(2, 4, 3, dtype=torch.float64, requires_grad=True)
    outputs = [
        ops.linear(x, numbers(5, 4)),
        ops.add(x, x.clone()),
        ops.add(x, -x),
        ops.matmul(x, y),
        ops.mean(x, 1),
    ]
    for output in outputs:
        (found,) = relevance(output, [x], torch.ones_like(output))
        assert torch.equal(found, torch.zeros_like(x))


def test_relevance_of_opposite_summands_is_nothing_instead_of_infinite():
    x = numbers(2, 3)
    for name in RULES:
        (found,) = relevance(RULES[name].add(x, -x.detach()), [x], torch.ones(2, 3, dtype=torch.float64))
        assert torch.equal(found, torch.zeros_like(x))


def test_a_sample_does_not_depend_on_its_batch():
    """The sums of the add rule are those of one sample, not of the tensor."""
    x, y, start = numbers(3, 4, 5), numbers(3, 4, 5, seed=1), numbers(3, 4, 5, seed=2).detach()
    together = relevance(RULES["ours"].add(x, y), [x, y], start)
    for i in range(3):
        alone = relevance(RULES["ours"].add(x[i : i + 1], y[i : i + 1]), [x, y], start[i : i + 1])
        for whole, part in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[i], part[i], rtol=1e-12, atol=1e-12)
    whole_tensor = add_reference("ours", *(tensor.detach().numpy() for tensor in (x, y, start)))[0]
    assert np.abs(together[0].numpy().ravel() - whole_tensor).max() > 1e-3


def test_mean_shares_relevance_by_value_and_identity_keeps_it():
    x = torch.tensor([[[1.0], [3.0]]], dtype=torch.float64, requires_grad=True)
    output = RULES["ours"].mean(x, 1)
    assert output.item() == 2
    assert relevance(output, [x], torch.ones_like(output))[0].ravel().tolist() == pytest.approx([0.25, 0.75])
    x, start = numbers(2, 3), numbers(2, 3, seed=1).detach()
    output = RULES["ours"].identity(torch.tanh, x)
    assert torch.equal(output, torch.tanh(x))
    assert torch.equal(relevance(output, [x], start)[0], start)


def test_branches_add_their_relevance():
    x, start = numbers(2, 3), numbers(2, 3, seed=1).detach()
    weights = numbers(3, 3, seed=2), numbers(3, 3, seed=3)
    single = [relevance(RULES["ours"].linear(x, w), [x], start)[0] for w in weights]
    both = [RULES["ours"].linear(x, w) for w in weights]
    torch.testing.assert_close(torch.autograd.grad(both, [x], [start, start])[0], single[0] + single[1])


def test_gradient_operations_are_torchs_own():
    x, w, y, start = numbers(2, 3, 4), numbers(3, 4, seed=1), numbers(2, 3, 3, seed=2), numbers(2, 3, seed=3).detach()

    def network(ops):
        hidden = ops.identity(torch.tanh, ops.add(ops.linear(x, w), y))
        return ops.mean(ops.matmul(hidden, y), 1)

    expected = (torch.tanh(x @ w.T + y) @ y).mean(1)
    found = network(GRADIENT)
    close(found, expected.detach(), 1e-12)
    for part, reference in zip(relevance(found, [x, y], start), relevance(expected, [x, y], start), strict=True):
        torch.testing.assert_close(part, reference)


def test_safe_divide_is_that_of_the_specification():
    a, b = torch.tensor([1.0, 1.0, -2.0, 0.0, 3.0]), torch.tensor([2.0, 0.0, -4.0, 0.0, 1e-9])
    expected = [0.5, 0.0, 0.5, 0.0, 1.5e9]
    assert relevance_module.safe_divide(a, b).tolist() == pytest.approx(expected, rel=1e-6)


def test_every_configurable_rule_set_exists():
    assert set(get_args(RuleSet)) <= set(RULES)
