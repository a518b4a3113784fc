"""Bidirectional LSTM of several networks side by side: tanh forwards, ReLU backwards, as the public code has it.

The recurrence of both directions and all trials is one loop of batched products. Its gradient is written by hand: what
does not depend on later steps is computed for all steps at once, which leaves five small operations a step.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from regulens.models.trial_layers import draw_weights


class TrialBiLSTM(nn.Module):
    """LSTM in both directions, outputs of every position side by side (forward units first).

    Rows of ``weight`` (T, 2, 4 u, inputs), ``recurrent`` (T, 2, 4 u, u) and ``bias`` (T, 2, 4 u) are u each of output
    gate, input gate, forget gate and candidate. Gates are sigmoids. Candidate and cell go through tanh in direction 0
    (forward) and through ReLU in direction 1 (backward; SPEC 5.3).
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
        # The input's part for all steps at once; each step then turns its slice into activated gates, in place.
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
        # For all steps at once: the slope of the hidden state in the cell, and of the hidden state (output gate) or of
        # the cell (other gates) in what goes into each gate's activation.
        slope, local = torch.empty_like(cells), torch.empty_like(gates)
        at_output, at_input, at_forget, at_candidate = local.split(units, dim=-1)
        _through_activation(o, bent, slope)
        _SIGMOID(bent, o, grad_input=at_output)
        _SIGMOID(candidate, i, grad_input=at_input)
        at_forget[:, 0] = 0
        _SIGMOID(cells[:, :-1], f[:, 1:], grad_input=at_forget[:, 1:])
        _through_activation(i, candidate, at_candidate)

        # Then, from the last step to the first, times the gradient that arrives there.
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
        # At the first step there is no earlier hidden state.
        recurrent_gradient = columns[..., batch:] @ hidden.flatten(1, 2)[:, :-batch]
        return x_gradient, columns @ inputs, recurrent_gradient, rows.sum(1)


_SIGMOID = torch.ops.aten.sigmoid_backward.grad_input
_TANH = torch.ops.aten.tanh_backward.grad_input
_RELU = torch.ops.aten.threshold_backward.grad_input


def _through_activation(gradient: Tensor, activated: Tensor, output: Tensor) -> None:
    """Write ``gradient`` times the slope of each group's activation where it gives ``activated``."""
    _TANH(gradient[::2], activated[::2], grad_input=output[::2])
    _RELU(gradient[1::2], activated[1::2], 0, grad_input=output[1::2])
