"""Gradients and relevance of a classifier of sequences, from which scores are computed.

`bert_forward` is the forward pass of BERT. Its backward pass gives gradients or, recorded within
`interpret.rules.Propagation`, relevance. `Readings` runs the passes of one batch, each when it is first needed.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from regulens.interpret.rules import Propagation

if TYPE_CHECKING:
    from transformers import BertForSequenceClassification


class Trace(NamedTuple):
    """Result of a forward pass, all of it still part of the graph."""

    logits: Tensor
    """(B, classes)."""
    attention: list[Tensor]
    """Attention after the softmax of every layer, in order: (B, heads, T queries, T keys)."""
    embedding: Tensor
    """Output of the embeddings, where the propagation ends: (B, T, hidden). A leaf that requires a gradient."""


# HuggingFace's BERT for sequence classification.


def bert_forward(
    model: "BertForSequenceClassification",
    input_ids: Tensor,
    mask: Tensor | None = None,
    embedding: Tensor | None = None,
) -> Trace:
    """Forward pass in eval mode; the logits are those of ``model(input_ids, mask)``.

    ``input_ids`` int64 (B, T); ``mask`` (B, T), 0 for padding, which then neither passes on nor receives relevance, or
    None. ``embedding`` (B, T, hidden): start from this instead of the embeddings' output for ``input_ids``. Raises
    `ValueError` for a model in training mode.
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
        context, weights = _attend(layer.attention.self, hidden, mask, queries)
        attention.append(weights)
        end = layer.attention.output
        hidden = end.LayerNorm(_dense(end.dense, context) + hidden[:, :queries])
        wide = layer.intermediate.intermediate_act_fn(_dense(layer.intermediate.dense, hidden))
        hidden = layer.output.LayerNorm(_dense(layer.output.dense, wide) + hidden)
    pooled = torch.tanh(_dense(bert.pooler.dense, hidden[:, 0]))
    return Trace(_dense(model.classifier, pooled), attention, embedding)


def _attend(block, hidden: Tensor, mask: Tensor | None, queries: int) -> tuple[Tensor, Tensor]:
    """Output of one self-attention for the first queries, (B, queries, hidden), and its attention (B, heads, T, T)."""
    heads, size = block.num_attention_heads, block.attention_head_size
    # One product for all three: their outputs are independent, so every rule gives the same as for three products.
    layers = block.query, block.key, block.value
    weight, bias = (torch.cat([getattr(layer, name).detach() for layer in layers]) for name in ("weight", "bias"))
    projected = F.linear(hidden, weight, bias).unflatten(-1, (3, heads, size))
    query, key, value = projected.permute(2, 0, 3, 1, 4)
    scores = (query @ key.transpose(-1, -2)) * block.scaling
    if mask is not None:
        scores = scores.masked_fill(mask[:, None, None] == 0, -torch.inf)
    weights = scores.softmax(-1)
    return (weights[:, :, :queries] @ value).transpose(1, 2).flatten(2), weights


def _dense(layer: torch.nn.Linear, x: Tensor) -> Tensor:
    # Detached: the graph need not keep what only gradients of the weights use.
    return F.linear(x, layer.weight.detach(), layer.bias.detach())


# Values from which the scores of a batch are computed.


class Readings:
    """Attention, gradients and relevance of a batch of B sequences of T tokens, for one class of each.

    ``forward``: the model's forward pass on this batch, as a function of the arguments that may be replaced in further
    passes (for BERT, ``partial(bert_forward, model=model, input_ids=ids)``). ``rules``: a key of `RULES` of
    `interpret.rules`. ``target``: int64 (B,), the class of each sequence, or None for the predicted one.
    ``start_layer``: the first layer of the LRP rollout. ``index``, the number of each sequence in its set, and ``seed``
    determine random scores.
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

    def propagate(self, rules: str | None = None, **changes: Tensor) -> tuple[list[Tensor], Tensor]:
        """A further pass on this batch, for scores that need one; it is not cached.

        Gradient of the target's logit (``rules`` None) or relevance by a set of rules, which starts with 1 at the
        target's logit: for the attention of every layer, (B, heads, T, T), and for the embedding, (B, T, hidden).
        ``changes``: arguments of the forward pass to replace, for BERT ``embedding`` (B, T, hidden), ``input_ids`` or
        ``mask``.
        """
        with Propagation(rules) if rules else nullcontext():
            trace = self.trace(**changes)
        return self._backward(trace, relevance=rules is not None)

    def trace(self, **changes: Tensor) -> Trace:
        """A further forward pass on this batch, with ``changes`` as in `propagate`; it is not cached."""
        with torch.enable_grad():
            return self._forward(**changes)

    def _backward(self, trace: Trace, relevance: bool) -> tuple[list[Tensor], Tensor]:
        """Gradient or relevance of the target's logit. Frees the trace's graph."""
        start = F.one_hot(self.target, trace.logits.shape[1]).to(trace.logits)
        at = [*trace.attention, trace.embedding]
        if not relevance:
            found = torch.autograd.grad(trace.logits, at, start)
        else:
            # Attention that the rules take as a constant has none.
            gradients = torch.autograd.grad(
                trace.logits, [part for part in at if part.requires_grad], start / trace.logits.detach()
            )
            passed = iter(gradients)
            found = [part.detach() * next(passed) if part.requires_grad else torch.zeros_like(part) for part in at]
        return list(found[:-1]), found[-1]

    @cached_property
    def _trace(self) -> Trace:
        return self.trace()

    @cached_property
    def _gradient(self) -> tuple[list[Tensor], Tensor]:
        return self._backward(self._trace, relevance=False)

    @cached_property
    def _relevance(self) -> tuple[list[Tensor], Tensor]:
        return self.propagate(self._rules)
