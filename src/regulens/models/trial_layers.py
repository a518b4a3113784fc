"""Layers of several networks that train side by side: every parameter and buffer has a leading axis of trials (T).

Semantics are Keras's where the two libraries differ (SPEC 5.3). Convolutions are products of one matrix a trial with
the unrolled input, on every device: for the four channels of a one-hot sequence that is faster than a convolution
call even for a single trial on a CPU.
"""

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

BATCH_NORM_MOMENTUM, BATCH_NORM_EPS = 0.99, 1e-3
"""Keras's: share of the old running average that is kept, and what is added to variances."""


def draw_weights(weight: Tensor, fan_in: int, fan_out: int, init: str, generator: torch.Generator) -> None:
    """Fill one trial's ``weight``: "glorot" uniform to sqrt(6 / (in + out)), or "he" truncated normal, sd sqrt(2 / in).

    Numbers are drawn in float32 on the CPU, so that they are the same for every device and precision.
    """
    values = torch.empty(weight.shape, dtype=torch.float32)
    if init == "glorot":
        limit = math.sqrt(6 / (fan_in + fan_out))
        values.uniform_(-limit, limit, generator=generator)
    else:
        # Cutting a normal distribution at two standard deviations leaves 0.8796 of its standard deviation.
        sd = math.sqrt(2 / fan_in) / 0.87962566103423978
        nn.init.trunc_normal_(values, std=sd, a=-2 * sd, b=2 * sd, generator=generator)
    weight.data.copy_(values)


class TrialConvolution(nn.Module):
    """Convolution with 'same' padding and no bias; weight (T, filters, channels, width)."""

    def __init__(self, trials: int, channels: int, filters: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(trials, filters, channels, width))

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """New weights of one trial."""
        _, filters, channels, width = self.weight.shape
        draw_weights(self.weight[trial], channels * width, filters * width, init, generator)

    def forward(self, x: Tensor) -> Tensor:
        """(T or 1, channels, B, L) to (T, filters, B, L); one input for all trials is unrolled once."""
        return _Convolution.apply(x, self.weight)


class _Convolution(torch.autograd.Function):
    """Products with the unrolled input; the gradient of the input is a convolution of the gradient, not a fold."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        trials, filters, channels, width = weight.shape
        columns = _unroll(x, width, (width - 1) // 2)
        ctx.save_for_backward(columns, weight)
        ctx.shape = x.shape
        # One input for all trials: their filters are the rows of one matrix.
        return (weight.reshape(len(x), -1, channels * width) @ columns).view(trials, filters, *x.shape[2:])

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        columns, weight = ctx.saved_tensors
        trials, filters, channels, width = weight.shape
        x_gradient = weight_gradient = None
        if ctx.needs_input_grad[1]:
            rows = gradient.reshape(len(columns), -1, columns.shape[-1])
            weight_gradient = (rows @ columns.transpose(1, 2)).view(weight.shape)
        if ctx.needs_input_grad[0]:
            unrolled = _unroll(gradient, width, width // 2)
            turned = weight.flip(-1).transpose(1, 2).reshape(trials, channels, filters * width)
            x_gradient = (turned @ unrolled).view(trials, *ctx.shape[1:])
            if ctx.shape[0] == 1:
                x_gradient = x_gradient.sum(0, keepdim=True)
        return x_gradient, weight_gradient


def _unroll(x: Tensor, width: int, left: int) -> Tensor:
    """(n, C, B, L) to (n, C * width, B * L): the value at offset 0 to width - 1 from each position less ``left``."""
    n, channels, batch, length = x.shape
    padded = F.pad(x, (left, width - 1 - left))
    windows = padded.unfold(-1, length, 1)  # (n, C, B, width, L)
    return windows.transpose(2, 3).reshape(n, channels * width, batch * length)


class TrialBatchNorm(nn.Module):
    """Batch normalisation with Keras's defaults; the running variance averages the biased one, as Keras's does."""

    def __init__(self, trials: int, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(trials, channels))
        self.bias = nn.Parameter(torch.zeros(trials, channels))
        self.register_buffer("running_mean", torch.zeros(trials, channels))
        self.register_buffer("running_variance", torch.ones(trials, channels))

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """Nothing is drawn: scale 1, shift 0, and running statistics as if nothing had been seen."""
        for tensor, value in (self.weight, 1), (self.bias, 0), (self.running_mean, 0), (self.running_variance, 1):
            tensor.data[trial] = value

    def forward(self, x: Tensor) -> Tensor:
        """(T, channels, B, L) to the same shape, by batch statistics in training mode and running ones otherwise."""
        y = self._normalise(x.reshape(1, self.weight.numel(), -1))
        return y.view(x.shape)

    def units(self, x: Tensor) -> Tensor:
        """(T, B, channels) to the same shape: what `forward` does for values without positions."""
        trials, batch, channels = x.shape
        y = self._normalise(x.transpose(0, 1).reshape(batch, trials * channels))
        return y.view(batch, trials, channels).transpose(0, 1)

    def _normalise(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.view(-1), self.bias.view(-1)
        if not self.training:
            mean, variance = self.running_mean.view(-1), self.running_variance.view(-1)
            return torch.native_batch_norm(x, weight, bias, mean, variance, False, 0.0, BATCH_NORM_EPS)[0]
        y, mean, inverse_sd = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, BATCH_NORM_EPS)
        with torch.no_grad():
            variance = inverse_sd.pow(-2) - BATCH_NORM_EPS
            self.running_mean.lerp_(mean.view_as(self.running_mean), 1 - BATCH_NORM_MOMENTUM)
            self.running_variance.lerp_(variance.view_as(self.running_variance), 1 - BATCH_NORM_MOMENTUM)
        return y


class TrialLinear(nn.Module):
    """Dense layer; weight (T, outputs, inputs), bias (T, outputs) or none.

    ``parts``: that many layers of equal size side by side, whose weights are drawn as if each stood alone.
    """

    def __init__(self, trials: int, inputs: int, outputs: int, bias: bool = True, parts: int = 1):
        super().__init__()
        self.parts = parts
        self.weight = nn.Parameter(torch.zeros(trials, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(trials, outputs)) if bias else None

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """New weights of one trial; biases are 0."""
        for part in self.weight[trial].chunk(self.parts):
            draw_weights(part, part.shape[1], part.shape[0], init, generator)
        if self.bias is not None:
            self.bias.data[trial] = 0

    def forward(self, x: Tensor) -> Tensor:
        """(T, ..., inputs) to (T, ..., outputs)."""
        if len(self.weight) == 1:
            return F.linear(x, self.weight.squeeze(0), None if self.bias is None else self.bias.squeeze(0))
        rows, weight = x.reshape(len(x), -1, x.shape[-1]), self.weight.transpose(1, 2)
        y = rows @ weight if self.bias is None else torch.baddbmm(self.bias[:, None], rows, weight)
        return y.view(*x.shape[:-1], -1)


class TrialLayerNorm(nn.Module):
    """Layer normalisation of the last axis with eps 1e-6, as in the encoder blocks."""

    EPS = 1e-6

    def __init__(self, trials: int, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(trials, channels))
        self.bias = nn.Parameter(torch.zeros(trials, channels))

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """Nothing is drawn: scale 1, shift 0."""
        self.weight.data[trial], self.bias.data[trial] = 1, 0

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, L, channels) to the same shape."""
        if len(self.weight) == 1:
            return F.layer_norm(x, x.shape[-1:], self.weight.squeeze(0), self.bias.squeeze(0), self.EPS)
        y = F.layer_norm(x, x.shape[-1:], eps=self.EPS)
        return torch.addcmul(self.bias[:, None, None], y, self.weight[:, None, None])


def max_pool(x: Tensor, size: int) -> Tensor:
    """Largest of each ``size`` positions of the last axis of (T, C, B, L); what is left at the end is not used."""
    trials, channels, batch, length = x.shape
    pooled = F.max_pool1d(x.reshape(1, -1, length), size)
    return pooled.view(trials, channels, batch, -1)
