"""The hybrid networks of the third study, several trials at once (docs/papers.md, "Network architectures").

Every model: first convolution, batch normalisation and the activation under study; the rest of its baseline; the
attention-based modules; a dense hidden layer and one logit for each class. Trials are independent networks of one
shape: every parameter and buffer has a leading axis of trials (T), and no trial's result depends on the others.
Semantics are Keras's where the two libraries differ.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from regulens.models.settings import POOLS_BP, HybridNetworkSettings

BATCH_NORM_MOMENTUM, BATCH_NORM_EPS = 0.99, 1e-3
"""Keras's defaults: momentum of the running averages, and epsilon added to variances."""

_BLOCK = 1 << 18
"""Number of 16-bit numbers drawn at once for each trial: one kernel launch per trial serves several layers."""

_LEVELS = 1 << 16

_SIGMOID = torch.ops.aten.sigmoid_backward.grad_input

_TANH = torch.ops.aten.tanh_backward.grad_input

_RELU = torch.ops.aten.threshold_backward.grad_input

# Layers. Convolutions are products of one matrix per trial with the unrolled input, on every device: for the four
# channels of a one-hot sequence that is faster than a convolution call even for a single trial on a CPU.


def draw_weights(weight: Tensor, fan_in: int, fan_out: int, init: str, generator: torch.Generator) -> None:
    """Fill one trial's ``weight``: "glorot" uniform to sqrt(6 / (in + out)), or "he" truncated normal, sd sqrt(2 / in).

    Numbers are drawn in float32 on the CPU, so that they are the same for every device and precision.
    """
    values = torch.empty(weight.shape, dtype=torch.float32)
    if init == "glorot":
        limit = math.sqrt(6 / (fan_in + fan_out))
        values.uniform_(-limit, limit, generator=generator)
    else:
        # A normal distribution truncated at two standard deviations has 0.8796 of the standard deviation.
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
    """Products with the unrolled input; the input's gradient is computed as a convolution instead of a fold."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        trials, filters, channels, width = weight.shape
        columns = _unroll(x, width, (width - 1) // 2)
        ctx.save_for_backward(columns, weight)
        ctx.shape = x.shape
        # One input for all trials: all filters are rows of one matrix.
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
    """(n, C, B, L) to (n, C * width, B * L): the values at offsets 0 to width - 1 from each position - ``left``."""
    n, channels, batch, length = x.shape
    padded = F.pad(x, (left, width - 1 - left))
    windows = padded.unfold(-1, length, 1)  # (n, C, B, width, L)
    return windows.transpose(2, 3).reshape(n, channels * width, batch * length)


class TrialBatchNorm(nn.Module):
    """Batch normalisation with Keras's defaults; as there, the running variance averages the biased variance."""

    def __init__(self, trials: int, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(trials, channels))
        self.bias = nn.Parameter(torch.zeros(trials, channels))
        self.register_buffer("running_mean", torch.zeros(trials, channels))
        self.register_buffer("running_variance", torch.ones(trials, channels))

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """Reset to scale 1, shift 0 and initial running statistics; nothing is drawn."""
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

    ``parts``: number of equal layers side by side, whose weights are drawn as for separate layers.
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
    """Maximum over each ``size`` positions of the last axis of (T, C, B, L); a remainder at the end is dropped."""
    trials, channels, batch, length = x.shape
    pooled = F.max_pool1d(x.reshape(1, -1, length), size)
    return pooled.view(trials, channels, batch, -1)


# Bidirectional LSTM: tanh forwards, ReLU backwards, as the public code has it. The recurrence of both directions and
# all trials is one loop of batched products. Its gradient is explicit: what does not depend on later steps is computed
# for all steps at once, which leaves five small operations per step.


class TrialBiLSTM(nn.Module):
    """LSTM in both directions, outputs of every position side by side (forward units first).

    Rows of ``weight`` (T, 2, 4 u, inputs), ``recurrent`` (T, 2, 4 u, u) and ``bias`` (T, 2, 4 u) are u each of output
    gate, input gate, forget gate and candidate. Gates are sigmoids. Candidate and cell go through tanh in direction 0
    (forward) and through ReLU in direction 1 (backward).
    """

    def __init__(self, trials: int, inputs: int, units: int):
        super().__init__()
        half = units // 2
        self.weight = nn.Parameter(torch.zeros(trials, 2, 4 * half, inputs))
        self.recurrent = nn.Parameter(torch.zeros(trials, 2, 4 * half, half))
        self.bias = nn.Parameter(torch.zeros(trials, 2, 4 * half))

    def initialise(self, trial: int, init: str, generator: torch.Generator) -> None:
        """New weights of one trial as Keras draws them: recurrent weights orthogonal, bias 1 in the forget gate."""
        units = self.recurrent.shape[-1]
        for direction in range(2):
            weight = self.weight[trial, direction]
            draw_weights(weight, weight.shape[1], weight.shape[0], init, generator)
            values = torch.empty(4 * units, units, dtype=torch.float32)
            nn.init.orthogonal_(values, generator=generator)
            self.recurrent.data[trial, direction] = values
        self.bias.data[trial] = 0
        self.bias.data[trial, :, 2 * units : 3 * units] = 1

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, L, inputs) to (T, B, L, 2 u)."""
        steps = x.transpose(1, 2)  # (T, L, B, inputs)
        both = torch.stack([steps, steps.flip(1)], dim=1).flatten(0, 1)
        weights = (weight.flatten(0, 1) for weight in (self.weight, self.recurrent, self.bias))
        forwards, backwards = _Recurrence.apply(both, *weights).unflatten(0, (-1, 2)).unbind(1)
        return torch.cat([forwards, backwards.flip(1)], dim=-1).transpose(1, 2)


class _Recurrence(torch.autograd.Function):
    """Hidden states (G, L, B, u) of inputs (G, L, B, C); groups G alternate between tanh (even) and ReLU (odd)."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
        groups, length, batch, _ = x.shape
        units = recurrent.shape[-1]
        # The input projection for all steps at once; each step then turns its slice into activated gates, in place.
        inputs = x.flatten(1, 2)
        gates = torch.baddbmm(bias[:, None], inputs, weight.transpose(1, 2)).unflatten(1, (length, batch))
        cells, bent, hidden = (gates.new_empty(groups, length, batch, units) for _ in range(3))
        across = recurrent.transpose(1, 2)
        for step in range(length):
            gate, cell = gates[:, step], cells[:, step]
            if step:
                gate.baddbmm_(hidden[:, step - 1], across)
            gate[..., : 3 * units].sigmoid_()
            o, i, f, candidate = gate.split(units, dim=-1)
            candidate[::2].tanh_()
            candidate[1::2].relu_()
            torch.mul(i, candidate, out=cell)
            if step:
                cell.addcmul_(f, cells[:, step - 1])
            torch.tanh(cell[::2], out=bent[::2, step])
            torch.clamp_min(cell[1::2], 0, out=bent[1::2, step])
            torch.mul(o, bent[:, step], out=hidden[:, step])
        ctx.save_for_backward(inputs, weight, recurrent, gates, cells, bent, hidden)
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        inputs, weight, recurrent, gates, cells, bent, hidden = ctx.saved_tensors
        groups, length, batch, units = cells.shape
        o, i, f, candidate = gates.split(units, dim=-1)
        # For all steps at once: the derivative of the hidden state by the cell, and of the hidden state (output gate)
        # or the cell (other gates) by the input of each gate's activation.
        slope, local = torch.empty_like(cells), torch.empty_like(gates)
        at_output, at_input, at_forget, at_candidate = local.split(units, dim=-1)
        _through_activation(o, bent, slope)
        _SIGMOID(bent, o, grad_input=at_output)
        _SIGMOID(candidate, i, grad_input=at_input)
        at_forget[:, 0] = 0
        _SIGMOID(cells[:, :-1], f[:, 1:], grad_input=at_forget[:, 1:])
        _through_activation(i, candidate, at_candidate)

        # Then, from the last step to the first, multiply by the incoming gradient.
        at_others = local[..., units:].unflatten(-1, (3, units))
        cell_gradient = torch.zeros_like(cells[:, 0])
        for step in reversed(range(length)):
            arriving = gradient[:, step]
            if step < length - 1:
                arriving = torch.baddbmm(arriving, local[:, step + 1], recurrent)
                cell_gradient *= f[:, step + 1]
            cell_gradient.addcmul_(arriving, slope[:, step])
            at_output[:, step].mul_(arriving)
            at_others[:, step].mul_(cell_gradient.unsqueeze(-2))

        rows = local.flatten(1, 2)  # (G, L B, 4 u)
        columns = rows.transpose(1, 2)
        x_gradient = (rows @ weight).unflatten(1, (length, batch)) if ctx.needs_input_grad[0] else None
        # The first step has no previous hidden state.
        recurrent_gradient = columns[..., batch:] @ hidden.flatten(1, 2)[:, :-batch]
        return x_gradient, columns @ inputs, recurrent_gradient, rows.sum(1)


def _through_activation(gradient: Tensor, activated: Tensor, output: Tensor) -> None:
    """Write ``gradient`` times the derivative of each group's activation at the point where it gives ``activated``."""
    _TANH(gradient[::2], activated[::2], grad_input=output[::2])
    _RELU(gradient[1::2], activated[1::2], 0, grad_input=output[1::2])


# Dropout, with masks of each trial from its own random stream.


class TrialDropout:
    """Masks determined by each trial's seed and the epoch alone, whichever trials train in parallel.

    ``seeds``: one per trial, in the order of the leading axis. The streams differ between CPU and GPU. Rates are
    rounded to multiples of 2^-16.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu"):
        self.seeds = list(seeds)
        self.device = torch.device(device)
        self._generators = [torch.Generator(self.device) for _ in self.seeds]
        self.start(0)

    def start(self, epoch: int) -> None:
        """Start the streams of an epoch, so that training can resume at its beginning."""
        for seed, generator in zip(self.seeds, self._generators, strict=True):
            state = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
            generator.manual_seed(int(state >> np.uint64(1)))
        self._block = torch.empty(len(self.seeds), 0, dtype=torch.int16, device=self.device)

    def __call__(self, x: Tensor, rate: float) -> Tensor:
        """``x`` (T, B, ...) with a share ``rate`` of its values set to 0 and the others divided by 1 - ``rate``."""
        if x.shape[0] != len(self.seeds):
            raise ValueError(f"{x.shape[0]} trials, but dropout has seeds for {len(self.seeds)}")
        dropped = round(rate * _LEVELS)
        if not dropped:
            return x
        keep = self._numbers(x[0].numel()).view(x.shape) >= dropped - _LEVELS // 2
        return x * keep.to(x.dtype).mul_(_LEVELS / (_LEVELS - dropped))

    def _numbers(self, n: int) -> Tensor:
        """The next ``n`` numbers of every trial, int16 (T, n), uniform over the type's range."""
        if self._block.shape[1] < n:
            # The rest of a block is discarded, so that the numbers depend only on the requested shapes.
            words = torch.empty(len(self.seeds), -(-max(n, _BLOCK) // 4), dtype=torch.int64, device=self.device)
            for row, generator in zip(words, self._generators, strict=True):
                row.random_(-(2**63), None, generator=generator)
            self._block = words.view(torch.int16)
        taken, self._block = self._block[:, :n], self._block[:, n:]
        return taken


def apply_dropout(x: Tensor, rate: float, dropout: TrialDropout | None) -> Tensor:
    """``x`` (T, B, ...) after ``dropout``, or unchanged if it is None."""
    return x if dropout is None else dropout(x, rate)


# Multi-head attention and encoder blocks, without positional encoding.


class TrialAttention(nn.Module):
    """softmax(q k^T / sqrt(width / heads)) v over all positions, then a dense layer with a bias; no residual."""

    def __init__(self, trials: int, inputs: int, width: int, heads: int, qkv_bias: bool):
        super().__init__()
        self.heads = heads
        self.qkv = TrialLinear(trials, inputs, 3 * width, bias=qkv_bias, parts=3)
        self.output = TrialLinear(trials, width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, L, inputs) to (T, B, L, width)."""
        trials, batch, length, _ = x.shape
        # Sequences have length 8 here: explicit products are as fast as a fused kernel and allow any width.
        heads = self.qkv(x).view(trials * batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = heads.unbind(0)
        scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
        mixed = torch.softmax(scores, dim=-1) @ values
        return self.output(mixed.transpose(1, 2).reshape(trials, batch, length, -1))


class TrialEncoderBlock(nn.Module):
    """x = LN(x + Drop(Attention(x))), then x = LN(x + Drop(Dense(Drop(ReLU(Dense(x)))))): post-normalisation."""

    def __init__(self, trials: int, width: int, heads: int, feed_forward: int, rate: float, qkv_bias: bool):
        super().__init__()
        self.rate = rate
        self.attention = TrialAttention(trials, width, width, heads, qkv_bias)
        self.attention_norm = TrialLayerNorm(trials, width)
        self.hidden = TrialLinear(trials, width, feed_forward)
        self.output = TrialLinear(trials, feed_forward, width)
        self.output_norm = TrialLayerNorm(trials, width)

    def forward(self, x: Tensor, dropout: TrialDropout | None) -> Tensor:
        """(T, B, L, width) to the same shape."""
        x = self.attention_norm(x + apply_dropout(self.attention(x), self.rate, dropout))
        hidden = apply_dropout(self.hidden(x).relu(), self.rate, dropout)
        return self.output_norm(x + apply_dropout(self.output(hidden), self.rate, dropout))


# The network.


@dataclass(frozen=True)
class Stage:
    """One step of a network for Figure 1: name, sizes, and the length and channels of its output."""

    name: str
    detail: str
    length: int
    channels: int


class HybridNetwork(nn.Module):
    """``trials`` networks of one architecture, initialised with the seeds 0 to ``trials`` - 1."""

    def __init__(self, settings: HybridNetworkSettings, trials: int = 1):
        super().__init__()
        self.settings = settings
        sizes = settings.sizes
        self.pools = POOLS_BP[settings.baseline]
        self.convolution = TrialConvolution(trials, 4, sizes.filters, sizes.kernel_bp)
        self.convolution_norm = TrialBatchNorm(trials, sizes.filters)
        width = sizes.filters
        if settings.baseline == "c4c6":
            self.second_convolution = TrialConvolution(trials, width, sizes.filters, sizes.second_kernel)
            self.second_norm = TrialBatchNorm(trials, sizes.filters)
        elif settings.baseline == "c4":
            self.lstm = TrialBiLSTM(trials, width, sizes.lstm)
            width = sizes.lstm
        parts: list[nn.Module] = []
        for place, module in enumerate(settings.modules):
            if module == "lstm":
                parts.append(TrialBiLSTM(trials, width, sizes.lstm))
            elif module == "attention":
                parts.append(TrialAttention(trials, width, sizes.attention, sizes.heads, sizes.qkv_bias))
            else:
                if place == 0 or settings.modules[place - 1] != "transformer":
                    parts.append(TrialLayerNorm(trials, width))
                block = (trials, width, sizes.heads, sizes.feed_forward, sizes.dropout, sizes.qkv_bias)
                parts.append(TrialEncoderBlock(*block))
            width = sizes.lstm if module == "lstm" else sizes.attention
        self.modules_on_top = nn.ModuleList(parts)
        self.length = settings.input_bp
        for pool in self.pools:
            self.length //= pool
        self.dense = TrialLinear(trials, self.length * width, sizes.dense, bias=False)
        self.dense_norm = TrialBatchNorm(trials, sizes.dense)
        self.classes = TrialLinear(trials, sizes.dense, settings.classes)
        self.initialise(range(trials))

    @property
    def trials(self) -> int:
        """Length of the leading axis."""
        return len(self.classes.weight)

    def initialise(self, seeds: Sequence[int]) -> None:
        """Draw new weights, those of trial t from ``seeds[t]`` alone, and reset running statistics."""
        if len(seeds) != self.trials:
            raise ValueError(f"{len(seeds)} seeds for {self.trials} trials")
        for trial, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            for layer in self.modules():
                if layer is not self and hasattr(layer, "initialise"):
                    layer.initialise(trial, self.settings.sizes.init, generator)

    def forward(self, one_hot: Tensor, dropout: TrialDropout | None = None) -> Tensor:
        """Logits (T, B, classes) of one-hot sequences (T, B, 4, L), or (1, B, 4, L): the same for all trials.

        ``dropout``: masks for training; None switches dropout off. Batch normalisation follows ``self.training``.
        """
        rate = self.settings.sizes.dropout
        # Both activations are monotonic, so pooling can come first and leaves them fewer values.
        x = self._activate(max_pool(self._first_normalised(one_hot), self.pools[0]))
        x = apply_dropout(x.transpose(1, 2), rate, dropout)  # (T, B, filters, L)
        if self.settings.baseline == "c4c6":
            x = self.second_norm(self.second_convolution(x.transpose(1, 2)))
            x = apply_dropout(max_pool(x, self.pools[1]).relu().transpose(1, 2), rate, dropout)
        elif self.settings.baseline == "c4":
            x = max_pool(self.lstm(x.transpose(2, 3)).transpose(2, 3), self.pools[1])
            x = apply_dropout(x, rate, dropout)
        x = x.transpose(2, 3)  # (T, B, L, channels)
        for part in self.modules_on_top:
            if isinstance(part, TrialEncoderBlock):
                x = part(x, dropout)
            elif isinstance(part, TrialLayerNorm):
                x = part(x)
            else:
                x = apply_dropout(part(x), rate, dropout)
        x = self.dense_norm.units(self.dense(x.flatten(2)))
        return self.classes(apply_dropout(x.relu(), self.settings.sizes.dense_dropout, dropout))

    def first_layer(self, one_hot: Tensor) -> Tensor:
        """Activations of the first convolution's filters before any pooling, (T, B, filters, L)."""
        return self._activate(self._first_normalised(one_hot)).transpose(1, 2)

    def _first_normalised(self, one_hot: Tensor) -> Tensor:
        """(T, filters, B, L)."""
        if one_hot.shape[0] not in (1, self.trials) or one_hot.shape[2:] != (4, self.settings.input_bp):
            expected = f"({self.trials} or 1, B, 4, {self.settings.input_bp})"
            raise ValueError(f"one-hot sequences have shape {tuple(one_hot.shape)}, not {expected}")
        return self.convolution_norm(self.convolution(one_hot.transpose(1, 2)))

    def _activate(self, x: Tensor) -> Tensor:
        return x.exp() if self.settings.activation == "exponential" else x.relu()

    def parameter_count(self) -> int:
        """Trainable parameters of one trial."""
        return sum(parameter[0].numel() for parameter in self.parameters())

    def select(self, trials: Sequence[int]) -> "HybridNetwork":
        """A network with copies of these trials, in this order, in the same mode, precision and on the same device."""
        index = torch.as_tensor(trials, dtype=torch.long)
        chosen = HybridNetwork(self.settings, len(index)).to(self.classes.weight).train(self.training)
        state = {name: tensor.index_select(0, index.to(tensor.device)) for name, tensor in self.state_dict().items()}
        chosen.load_state_dict(state)
        return chosen

    def stages(self) -> list[Stage]:
        """The steps from input to output, in order."""
        settings, sizes = self.settings, self.settings.sizes
        length, first_pool = settings.input_bp // self.pools[0], self.pools[0]
        activation = {"relu": "ReLU", "exponential": "exponential"}[settings.activation]
        convolution = f"{sizes.filters} filters of {sizes.kernel_bp} bp, batch norm, {activation}"
        stages = [
            Stage("input", "one-hot sequence", settings.input_bp, 4),
            Stage("convolution", convolution, settings.input_bp, sizes.filters),
            Stage("max pool", f"size {first_pool}", length, sizes.filters),
        ]
        lstm = f"{sizes.lstm // 2} + {sizes.lstm // 2} units"
        if settings.baseline == "c4c6":
            second = f"{sizes.filters} filters of {sizes.second_kernel}, batch norm, ReLU"
            stages.append(Stage("convolution", second, length, sizes.filters))
        elif settings.baseline == "c4":
            stages.append(Stage("BiLSTM", lstm, length, sizes.lstm))
        if len(self.pools) > 1:
            stages.append(Stage("max pool", f"size {self.pools[1]}", self.length, stages[-1].channels))
        parts = {
            "lstm": Stage("BiLSTM", lstm, self.length, sizes.lstm),
            "attention": Stage("attention", f"{sizes.heads} heads", self.length, sizes.attention),
            "transformer": Stage(
                "transformer", f"{sizes.heads} heads, feed-forward {sizes.feed_forward}", self.length, sizes.attention
            ),
        }
        stages += [parts[module] for module in settings.modules]
        return [
            *stages,
            Stage("dense", f"{sizes.dense} units, batch norm, ReLU", 1, sizes.dense),
            Stage("output", "sigmoid", 1, settings.classes),
        ]
