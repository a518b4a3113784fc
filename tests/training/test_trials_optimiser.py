"""Adam with a leading trial axis."""

import pytest
import torch
from torch import nn

from regulens.training.trials import TrialAdam

BETAS = (0.8, 0.95)
EPSILON = 1e-3
"""So large that its place in the formula shows."""


class Surface(nn.Module):
    """Parameters of ``trials`` with the axes of a weight and of a bias."""

    def __init__(self, trials: int, start: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(start + trials, 3, 2, generator=generator, dtype=torch.float64)
        bias = torch.randn(start + trials, 3, generator=generator, dtype=torch.float64)
        self.weight, self.bias = nn.Parameter(weight[start:]), nn.Parameter(bias[start:])
        self.scale = torch.arange(1 + start, 1 + start + trials, dtype=torch.float64)

    def loss(self, step: int) -> torch.Tensor:
        each = (self.weight.pow(2).sum(2) * self.bias).sin().sum(1) * (1 + step) + self.bias.pow(4).sum(1)
        return (each * self.scale).sum()


def tensorflow(surface: Surface, rates: list[list[float]], steps: int) -> None:
    """TensorFlow's formula, one parameter after the other."""
    first, second = BETAS
    state = [(torch.zeros_like(p), torch.zeros_like(p)) for p in surface.parameters()]
    for step in range(steps):
        gradients = torch.autograd.grad(surface.loss(step), list(surface.parameters()))
        for p, (mean, square), gradient in zip(surface.parameters(), state, gradients, strict=True):
            mean.copy_(first * mean + (1 - first) * gradient)
            square.copy_(second * square + (1 - second) * gradient**2)
            rate = torch.tensor(rates[step], dtype=torch.float64).view(-1, *[1] * (p.dim() - 1))
            rate = rate * (1 - second ** (step + 1)) ** 0.5 / (1 - first ** (step + 1))
            p.data -= rate * mean / (square.sqrt() + EPSILON)


def fit(surface: Surface, rates: list[list[float]], adam: TrialAdam | None = None, first: int = 0) -> TrialAdam:
    adam = adam or TrialAdam(surface, BETAS, EPSILON)
    for step, each in enumerate(rates, first):
        adam.set_rates(each)
        adam.step(surface.loss(step))
    return adam


@pytest.mark.parametrize(
    "rates", [[[0.1, 0.1]] * 5, [[0.1, 0.02]] * 3 + [[0.02, 0.02]] * 2], ids=["one rate", "a rate for each trial"]
)
def test_steps_are_those_of_tensorflow(rates):
    expected, found = Surface(2), Surface(2)
    tensorflow(expected, rates, 5)
    fit(found, rates)
    for one, other in zip(expected.parameters(), found.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_first_step_differs_from_that_of_pytorch_by_the_place_of_epsilon():
    p = nn.Module()
    p.value = nn.Parameter(torch.tensor([[2.0]], dtype=torch.float64))
    adam = TrialAdam(p, (0.9, 0.999), 0.1)
    adam.set_rates([0.5])
    adam.step((3 * p.value).sum())
    # m = 0.3, v = 0.009, sqrt(1 - 0.999) / (1 - 0.9)
    assert p.value.item() == pytest.approx(2 - 0.5 * 0.001**0.5 / 0.1 * 0.3 / (0.009**0.5 + 0.1), abs=1e-12)


def test_a_trial_does_not_see_the_other():
    rates = [[0.1, 0.03]] * 4
    both, alone = Surface(2), Surface(1, start=1)
    fit(both, rates)
    fit(alone, [[0.03]] * 4)
    torch.testing.assert_close(both.weight[1:], alone.weight, rtol=1e-12, atol=1e-12)


def test_state_of_chosen_trials_goes_on():
    rates = [[0.1, 0.03]] * 4
    whole = Surface(2)
    adam = fit(whole, rates[:2])
    state = adam.state_dict()
    rest = Surface(1, start=1)
    rest.load_state_dict({name: value[1:] for name, value in whole.state_dict().items()})
    chosen = {key: [part[1:].clone() for part in state[key]] for key in ("mean", "square")}
    later = TrialAdam(rest, BETAS, EPSILON)
    later.load_state_dict({"steps": state["steps"], **chosen})
    fit(whole, rates[2:], adam, first=2)
    fit(rest, [[0.03]] * 2, later, first=2)
    assert later.steps == 4
    torch.testing.assert_close(whole.weight[1:], rest.weight, rtol=1e-12, atol=1e-12)


def test_gradients_that_are_not_finite_stay_in_their_trial():
    surface = Surface(2)
    surface.scale[0] = torch.nan
    fit(surface, [[0.1, 0.1]])
    assert surface.weight[0].isnan().all()
    assert surface.weight[1].isfinite().all()
