"""Relevance propagation through BERT: operations with their rules, the forward pass, and the values that scores use.

A forward pass is a function of an `Operations` that returns a `Trace`. With `GRADIENT` its backward pass gives
gradients, with one of `RULES` (Chefer et al. 2020; docs/papers.md, "Relevance rules") relevance, so that one
implementation serves both. Linear layers, sums, matrix products of two activations, means and all non-linear functions
are taken from the `Operations`; views, transpositions and the choice of a token need no rule, because their gradient
moves relevance correctly. `Readings` runs the passes of one batch, each when it is first needed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from transformers import BertForSequenceClassification
from functools import cached_property

EPSILON = 1e-9
"""Added to every denominator, whatever its sign, as in the public code."""

# Rules: autograd functions whose backward pass carries relevance. Each computes its operation forward and, backward,
# takes the relevance of its output and returns that of its inputs, in the place of gradients. Branches then need no
# rule: autograd adds what comes back from them. The first dimension of every tensor is the batch; none are mixed.


class ConservingLinear(Function):
    """x W^T + bias, x (B, ..., in), W (out, in); relevance along pairs of equal sign (alpha = 1, beta = 0).

    R_i = sum_j (x+_i w+_ji + x-_i w-_ji) R_j / Z_j with Z_j = sum_i (x+_i w+_ji + x-_i w-_ji): sum R is conserved, and
    the bias gets none. Z = (xW + |x||W|) / 2 would save a matrix product, but suffers from cancellation where few pairs
    have equal signs (float32 errors of 1e-5 on sparse inputs instead of 1e-7) and turns an exact 0 into a denominator
    of rounding errors.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        # Both halves concatenated: one product of twice the size. Where Z is 0, so are all its terms and R_i.
        x, weight = (torch.cat(_halves(saved), -1) for saved in ctx.saved_tensors)
        share = relevance / F.linear(x, weight).add_(EPSILON)
        up, down = (share @ weight).mul_(x).chunk(2, -1)
        return up + down, None, None


class PlainLinear(ConservingLinear):
    """Like `ConservingLinear`, but each half is divided by its own sum: returns up to twice the relevance."""

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        x, weight = ctx.saved_tensors
        parts = []
        for x_half, weight_half in zip(_halves(x), _halves(weight), strict=True):
            share = relevance / F.linear(x_half, weight_half).add_(EPSILON)
            parts.append((share @ weight_half).mul_(x_half))
        return parts[0] + parts[1], None, None


class SignedLinear(Function):
    """LRP-0, DNABERT-LRP equation 1: R_i = sum_j x_i w_ji R_j / (sum_i x_i w_ji + bias_j); the bias keeps its share."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output = F.linear(x, weight, bias)
        ctx.save_for_backward(x, weight, output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        x, weight, output = ctx.saved_tensors
        return x * (safe_divide(relevance, output) @ weight), None, None


class PlainAdd(Function):
    """x + y of the same shape; each gets its signed share of every element: x R / (x + y)."""

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return x + y

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        return _signed_shares(ctx, relevance)


class RescaledAdd(PlainAdd):
    """Like `PlainAdd`, then a and b are scaled to sums |Sa| / (|Sa| + |Sb|) and |Sb| / (|Sa| + |Sb|) of sum R.

    Sa, Sb and sum R are sums over one sample. The public code sums over the whole tensor, which is right only for
    batches of 1.
    """

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        a, b = _signed_shares(ctx, relevance)
        sum_a, sum_b, total = (_sample_sum(part) for part in (a, b, relevance))
        sizes = sum_a.abs() + sum_b.abs()
        for part, part_sum in ((a, sum_a), (b, sum_b)):
            part.mul_(safe_divide(safe_divide(part_sum.abs(), sizes) * total, part_sum))
        return a, b


class HalvedMatMul(Function):
    """a @ b, (B, ..., n, m) and (B, ..., m, p): R_a = a * ((R / ab) b^T) / 2 and R_b = b * (a^T (R / ab)) / 2."""

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor) -> Tensor:
        product = a @ b
        ctx.save_for_backward(a, b, product)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        a, b, product = ctx.saved_tensors
        share = safe_divide(relevance, product).mul_(0.5)
        return (share @ b.transpose(-1, -2)).mul_(a), (a.transpose(-1, -2) @ share).mul_(b)


class SharedMean(Function):
    """Mean of x over one dimension; every element gets its signed share of the sum."""

    @staticmethod
    def forward(ctx, x: Tensor, dim: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.dim = dim
        return x.mean(dim)

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        (x,) = ctx.saved_tensors
        return x * safe_divide(relevance, x.sum(ctx.dim)).unsqueeze(ctx.dim), None


class Identity(Function):
    """function(x) of the shape of x, for activations, normalisations, scaling, softmax: relevance stays in place."""

    @staticmethod
    def forward(ctx, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        return function(x)

    @staticmethod
    @once_differentiable
    def backward(ctx, relevance: Tensor):
        return relevance, None


def safe_divide(a: Tensor, b: Tensor) -> Tensor:
    """``a / (b + EPSILON)``, and 0 where ``b`` is 0."""
    denominator = b + EPSILON
    return torch.div(a, denominator, out=denominator).masked_fill_(b == 0, 0)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Positive and negative part."""
    return x.clamp(min=0), x.clamp(max=0)


def _signed_shares(ctx, relevance: Tensor) -> tuple[Tensor, Tensor]:
    x, y = ctx.saved_tensors
    share = safe_divide(relevance, x + y)
    return x * share, y * share


def _sample_sum(x: Tensor) -> Tensor:
    """Sum of each sample, (B, 1, ..., 1)."""
    return x.sum(tuple(range(1, x.ndim)), keepdim=True)


# The operations that a forward pass is written in.


class Trace(NamedTuple):
    """Result of a forward pass, all of it still part of the graph."""

    logits: Tensor
    """(B, classes)."""
    attention: list[Tensor]
    """Attention after the softmax of every layer, in order: (B, heads, T queries, T keys)."""
    embedding: Tensor
    """Output of the embeddings, where the propagation ends: (B, T, hidden). A leaf that requires a gradient."""


@dataclass(frozen=True)
class Operations:
    """Functions for the operations of a network, each with the backward pass of its rule."""

    _linear: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    _add: Callable[[Tensor, Tensor], Tensor]
    _matmul: Callable[[Tensor, Tensor], Tensor]
    _mean: Callable[[Tensor, int], Tensor]
    _identity: Callable[[Tensor, Callable], Tensor]

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """x W^T + bias: x (B, ..., in), weight (out, in), bias (out,)."""
        # Detached: the graph need not keep what only gradients of the weights use.
        return self._linear(x, weight.detach(), None if bias is None else bias.detach())

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y, both (B, ...) of one shape."""
        return self._add(x, y)

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """a @ b for two activations: (B, ..., n, m) and (B, ..., m, p)."""
        return self._matmul(a, b)

    def mean(self, x: Tensor, dim: int) -> Tensor:
        """Mean over one dimension, not the batch."""
        return self._mean(x, dim)

    def identity(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """function(x), of the shape of x: activation, softmax, normalisation, scaling by a constant."""
        return self._identity(x, function)


GRADIENT = Operations(F.linear, torch.add, torch.matmul, torch.mean, lambda x, function: function(x))
"""The ordinary gradient."""


def _rules(linear: type[Function], add: type[Function]) -> Operations:
    apply = linear.apply, add.apply, HalvedMatMul.apply, SharedMean.apply, Identity.apply
    return Operations(*apply)


RULES = {
    "ours": _rules(ConservingLinear, RescaledAdd),
    "plain": _rules(PlainLinear, PlainAdd),
    "lrp0": _rules(SignedLinear, PlainAdd),
}
"""Sets of rules (docs/papers.md, "Relevance rules"): ``ours`` of Chefer et al., which conserve relevance; ``plain``,
the unmodified ones; ``lrp0``, equation 1 of DNABERT-LRP, signed and with the bias."""

# HuggingFace's BERT for sequence classification.


def bert_forward(
    ops: Operations,
    model: "BertForSequenceClassification",
    input_ids: Tensor,
    mask: Tensor | None = None,
    embedding: Tensor | None = None,
) -> Trace:
    """Forward pass in eval mode; the logits are those of ``model(input_ids, mask)``.

    ``input_ids`` int64 (B, T); ``mask`` (B, T), 0 for padding, which then neither passes on nor receives relevance, or
    None. ``embedding`` (B, T, hidden): start from this instead of the embeddings' output for ``input_ids``. The
    addition of the mask passes relevance on unchanged: it adds 0 at tokens that count, and at padding the attention,
    and with it its relevance, is 0. Raises `ValueError` for a model in training mode.
    """
    if model.training:
        raise ValueError("relevance needs a model in eval mode: call model.eval()")
    bert = model.bert
    if embedding is None:
        with torch.no_grad():
            embedding = bert.embeddings(input_ids)
    embedding = embedding.detach().requires_grad_()
    hidden, attention = embedding, []
    last = bert.encoder.layer[-1]
    for layer in bert.encoder.layer:
        # Only CLS of the last layer's output is used, but its attention is complete.
        queries = 1 if layer is last else input_ids.shape[1]
        context, weights = _attend(ops, layer.attention.self, hidden, mask, queries)
        attention.append(weights)
        hidden = _close(ops, layer.attention.output, context, hidden[:, :queries])
        wide = _dense(ops, layer.intermediate.dense, hidden)
        wide = ops.identity(layer.intermediate.intermediate_act_fn, wide)
        hidden = _close(ops, layer.output, wide, hidden)
    pooled = ops.identity(torch.tanh, _dense(ops, bert.pooler.dense, hidden[:, 0]))
    return Trace(_dense(ops, model.classifier, pooled), attention, embedding)


def _attend(ops: Operations, block, hidden: Tensor, mask: Tensor | None, queries: int) -> tuple[Tensor, Tensor]:
    """Output of one self-attention for the first queries, (B, queries, hidden), and its attention (B, heads, T, T)."""
    heads, size = block.num_attention_heads, block.attention_head_size
    # One product for all three: their outputs are independent, so the rule gives the same as three products.
    layers = block.query, block.key, block.value
    weight, bias = (torch.cat([getattr(layer, name) for layer in layers]) for name in ("weight", "bias"))
    projected = ops.linear(hidden, weight, bias).unflatten(-1, (3, heads, size))
    query, key, value = projected.permute(2, 0, 3, 1, 4)

    def normalise(scores: Tensor) -> Tensor:
        scores = scores * block.scaling
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None] == 0, -torch.inf)
        return scores.softmax(-1)

    weights = ops.identity(normalise, ops.matmul(query, key.transpose(-1, -2)))
    return ops.matmul(weights[:, :, :queries], value).transpose(1, 2).flatten(2), weights


def _close(ops: Operations, block, x: Tensor, residual: Tensor) -> Tensor:
    """The end of both halves of a layer: dense, skip connection, LayerNorm."""
    return ops.identity(block.LayerNorm, ops.add(_dense(ops, block.dense, x), residual))


def _dense(ops: Operations, layer: torch.nn.Linear, x: Tensor) -> Tensor:
    return ops.linear(x, layer.weight, layer.bias)


# Values from which the scores of a batch are computed.


class Readings:
    """Attention, gradients and relevance of a batch of B sequences of T tokens, for one class of each.

    ``forward``: the model's forward pass on this batch, as a function of `Operations` and of the arguments that `trace`
    may replace (for BERT, ``partial(bert_forward, model=model, input_ids=ids)``). ``rules``: a key of `RULES`.
    ``target``: int64 (B,), the class of each sequence, or None for the predicted one. ``start_layer``: the first layer
    of the LRP rollout. ``index``, the number of each sequence in its set, and ``seed`` determine random scores.
    """

    def __init__(
        self,
        forward: Callable[..., Trace],
        rules: str = "ours",
        target: Tensor | None = None,
        start_layer: int = 0,
        index: list[int] | None = None,
        seed: int = 1,
    ):
        self._forward, self._rules, self._target = forward, rules, target
        self.start_layer, self.seed = start_layer, seed
        self.index = list(range(len(self.logits))) if index is None else index

    @cached_property
    def logits(self) -> Tensor:
        """(B, classes)."""
        return self._trace.logits.detach()

    @cached_property
    def target(self) -> Tensor:
        """Class that is explained: int64 (B,)."""
        return self.logits.argmax(1) if self._target is None else self._target

    @cached_property
    def attention(self) -> list[Tensor]:
        """Attention of every layer: (B, heads, T queries, T keys), rows sum to 1."""
        return [weights.detach() for weights in self._trace.attention]

    @cached_property
    def embedding(self) -> Tensor:
        """Output of the embeddings: (B, T, hidden)."""
        return self._trace.embedding.detach()

    @property
    def attention_gradient(self) -> list[Tensor]:
        """Gradient of the target's logit with respect to the attention of every layer: (B, heads, T, T)."""
        return self._gradient[0]

    @property
    def embedding_gradient(self) -> Tensor:
        """Gradient of the target's logit with respect to the embedding: (B, T, hidden)."""
        return self._gradient[1]

    @property
    def attention_relevance(self) -> list[Tensor]:
        """Relevance of the attention of every layer, after the halving in the product rule: (B, heads, T, T)."""
        return self._relevance[0]

    @property
    def embedding_relevance(self) -> Tensor:
        """Relevance of the output of the embeddings, where the propagation ends: (B, T, hidden)."""
        return self._relevance[1]

    def trace(self, ops: Operations = GRADIENT, **changes: Tensor) -> Trace:
        """A further forward pass on this batch, for scores that need one; it is not cached.

        ``ops``: `GRADIENT`, or one of `RULES`. ``changes``: arguments of the forward pass to replace, for BERT
        ``embedding`` (B, T, hidden), ``input_ids`` or ``mask``.
        """
        with torch.enable_grad():
            return self._forward(ops, **changes)

    def backward(self, trace: Trace) -> tuple[list[Tensor], Tensor]:
        """Gradient or relevance (by the trace's rules) of the target's logit. Frees the trace's graph.

        Returned for the attention of every layer, (B, heads, T, T), and for the embedding, (B, T, hidden). Relevance
        starts with 1 at the target's logit and 0 at the other, like a gradient.
        """
        start = torch.nn.functional.one_hot(self.target, trace.logits.shape[1]).to(trace.logits)
        *attention, embedding = torch.autograd.grad(trace.logits, [*trace.attention, trace.embedding], start)
        return attention, embedding

    @cached_property
    def _trace(self) -> Trace:
        return self.trace()

    @cached_property
    def _gradient(self) -> tuple[list[Tensor], Tensor]:
        return self.backward(self._trace)

    @cached_property
    def _relevance(self) -> tuple[list[Tensor], Tensor]:
        return self.backward(self.trace(RULES[self._rules]))
