"""Self-attention with relative positions for CPUs: several times faster there than the general operators.

``scaled_dot_product_attention`` has no fused kernel for a CPU when the bias needs a gradient; it then walks many times
through arrays of windows x heads x w x 2w numbers. This function does the same arithmetic for one head and one group of
windows at a time, so that all but the weights stay in the cache, and its backward pass is written out.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from regulens.models.relative import relative_shift

GROUP = 1 << 18
"""Weights (w x w) that one group of windows holds at most: 1 MB in float32, about half of a second-level cache."""


class HeadWeights(NamedTuple):
    """Parameters of the attention, heads first."""

    query: Tensor
    """(heads, width, key_dim)"""
    key: Tensor
    """(heads, width, key_dim)"""
    value: Tensor
    """(heads, width, value_dim)"""
    query_bias: Tensor
    """(heads, key_dim), added to the queries"""
    surplus: Tensor
    """(heads, key_dim), added to the biased queries in the position term"""
    positions: Tensor
    """(heads, key_dim, 2 t - 1), by distance from -(t - 1)"""
    output: Tensor
    """(heads, value_dim, width)"""


class CPURelativeAttention(torch.autograd.Function):
    """sum over heads of softmax(scale q k^T + shift((q + surplus) positions) + padding) v output.

    x: (n, t, width); padding: None or additive (n, t) for the keys; dropout: probability, of the weights.
    Returns (n, t, width), without the output's bias.
    """

    @staticmethod
    def forward(ctx, x: Tensor, padding: Tensor | None, scale: float, dropout: float, *parameters: Tensor) -> Tensor:
        w = HeadWeights(*parameters)
        n, t, width = x.shape
        heads = len(w.query)
        y = x.new_zeros(n, t, w.output.shape[-1])
        weights = x.new_empty(heads, n, t, t)
        kept = x.new_empty(heads, n, t, t, dtype=torch.bool) if dropout else None
        groups = _groups(n, t)
        by_distance = x.new_empty(groups[0].stop, t, 2 * t - 1)
        logits = x.new_empty(groups[0].stop, t, t)
        for group in groups:
            tokens, out = x[group].flatten(0, 1), y[group].flatten(0, 1)
            distances, scores = by_distance[: len(x[group])], logits[: len(x[group])]
            for h in range(heads):
                q, k, v = _project(tokens, w, h, t)
                torch.mm((q + w.surplus[h]).flatten(0, 1), w.positions[h], out=distances.flatten(0, 1))
                torch.baddbmm(relative_shift(distances), q, k.transpose(1, 2), alpha=scale, out=scores)
                if padding is not None:
                    scores += padding[group, None]
                a = torch.softmax(scores, -1, out=weights[h, group])
                if dropout:
                    a = scores.bernoulli_(1 - dropout)
                    kept[h, group] = a.bool()
                    a = a.mul_(weights[h, group]).div_(1 - dropout)
                out.addmm_(torch.bmm(a, v).flatten(0, 1), w.output[h])
        ctx.save_for_backward(x, weights, kept, *parameters)
        ctx.scale, ctx.dropout = scale, dropout
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y: Tensor):
        x, weights, kept, *parameters = ctx.saved_tensors
        w, scale = HeadWeights(*parameters), ctx.scale
        n, t, width = x.shape
        grad_y, grad_x = grad_y.contiguous(), torch.zeros_like(x)
        grad = HeadWeights(*(torch.zeros_like(parameter) for parameter in parameters))
        groups = _groups(n, t)
        by_distance = x.new_zeros(groups[0].stop, t, 2 * t - 1)  # what the shifted view leaves out stays zero
        buffer = x.new_empty(groups[0].stop, t, t)
        for group in groups:
            m = len(x[group])
            tokens, grad_tokens = x[group].flatten(0, 1), grad_x[group].flatten(0, 1)
            upstream = grad_y[group].flatten(0, 1)
            for h in range(len(w.query)):
                q, k, v = _project(tokens, w, h, t)
                a = dropped = weights[h, group]
                grad_heads = (upstream @ w.output[h].T).unflatten(0, (m, t))
                grad_a = torch.bmm(grad_heads, v.transpose(1, 2), out=buffer[:m])
                if kept is not None:
                    dropped = a * kept[h, group] / (1 - ctx.dropout)
                    grad_a.mul_(kept[h, group]).div_(1 - ctx.dropout)
                grad.output[h].addmm_(torch.bmm(dropped, v).flatten(0, 1).T, upstream)
                grad_v = torch.bmm(dropped.transpose(1, 2), grad_heads).flatten(0, 1)
                grad_logits = torch._softmax_backward_data(grad_a, a, -1, a.dtype)
                relative_shift(by_distance[:m]).copy_(grad_logits)
                distances = by_distance[:m].flatten(0, 1)
                grad_q = distances @ w.positions[h].T
                grad.surplus[h] += grad_q.sum(0)
                grad.positions[h].addmm_((q + w.surplus[h]).flatten(0, 1).T, distances)
                grad_q.unflatten(0, (m, t)).baddbmm_(grad_logits, k, alpha=scale)
                grad_k = torch.bmm(grad_logits.transpose(1, 2), q).flatten(0, 1)
                grad.query_bias[h] += grad_q.sum(0)
                grad.query[h].addmm_(tokens.T, grad_q)
                grad.key[h].addmm_(tokens.T, grad_k, alpha=scale)
                grad.value[h].addmm_(tokens.T, grad_v)
                grad_tokens.addmm_(grad_q, w.query[h].T)
                grad_tokens.addmm_(grad_k, w.key[h].T, alpha=scale)
                grad_tokens.addmm_(grad_v, w.value[h].T)
        return grad_x, None, None, None, *grad


def _project(tokens: Tensor, w: HeadWeights, h: int, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries with their bias, keys and values of one head: (windows x t, width) to (windows, t, channels) each."""
    projected = torch.addmm(w.query_bias[h], tokens, w.query[h]), tokens @ w.key[h], tokens @ w.value[h]
    return tuple(part.unflatten(0, (-1, t)) for part in projected)


def _groups(n: int, t: int) -> list[slice]:
    """Slices of the n windows of t tokens, in groups of at most ``GROUP`` weights; the first is the longest."""
    step = max(1, GROUP // (t * t))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
