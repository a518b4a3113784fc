"""Adam over networks whose parameters have a leading trial axis, with a learning rate for each trial."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class TrialAdam:
    """Adam as in TensorFlow: p -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon) in step t.

    (PyTorch's own adds epsilon to the bias-corrected root, which in the first steps is a smaller epsilon.)

    The parameters become views into one buffer, so that a step is a handful of operations whatever their number. Do not
    give them other storage afterwards.
    """

    def __init__(self, network: nn.Module, betas: tuple[float, float], epsilon: float):
        self.parameters = list(network.parameters())
        self.trials = len(self.parameters[0])
        self.betas, self.epsilon = betas, epsilon
        self.steps = 0
        """Steps done; the same in all trials."""
        self._sizes = [parameter.numel() for parameter in self.parameters]
        self._values = torch.cat([parameter.detach().reshape(-1) for parameter in self.parameters])
        for parameter, values in zip(self.parameters, self._values.split(self._sizes), strict=True):
            parameter.data = values.view_as(parameter)
        self._mean, self._square = torch.zeros_like(self._values), torch.zeros_like(self._values)
        self._work = torch.empty_like(self._values)
        self._rates: Tensor | None = None
        self._rate = 0.0

    def set_rates(self, rates: Sequence[float]) -> None:
        """The learning rate of each trial for the steps that follow."""
        self._rate, self._rates = rates[0], None
        if len(set(rates)) > 1:
            each = torch.tensor(rates, dtype=self._values.dtype, device=self._values.device)
            self._rates = torch.cat([each.repeat_interleave(size // self.trials) for size in self._sizes])

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``, a number: the sum of the losses of all trials."""
        gradient = torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss, self.parameters)])
        self.steps += 1
        first, second = self.betas
        correction = math.sqrt(1 - second**self.steps) / (1 - first**self.steps)
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = torch.sqrt(self._square, out=self._work).add_(self.epsilon)
        if self._rates is None:
            self._values.addcdiv_(self._mean, root, value=-self._rate * correction)
        else:
            torch.div(self._mean, root, out=root)
            self._values.addcmul_(root, self._rates, value=-correction)

    def state_dict(self) -> dict[str, Any]:
        """Steps and averages, each average with the shapes of the parameters."""
        return {"steps": self.steps, "mean": self._parts(self._mean), "square": self._parts(self._square)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`, of which the trials may have been chosen along the first axis."""
        self.steps = state["steps"]
        for target, parts in ((self._mean, state["mean"]), (self._square, state["square"])):
            target.copy_(torch.cat([part.reshape(-1) for part in parts]))

    def _parts(self, values: Tensor) -> list[Tensor]:
        shapes = [parameter.shape for parameter in self.parameters]
        return [part.view(shape) for part, shape in zip(values.split(self._sizes), shapes, strict=True)]
