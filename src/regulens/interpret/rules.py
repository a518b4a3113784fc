"""Relevance propagation through PyTorch models: rules in the place of derivatives.

Inside ``with Propagation("ours"):`` a forward pass is recorded so that its backward pass carries relevance *per unit of
activation*: an activation x whose "gradient" is g has the relevance x g. In this form, whatever is linear in the
activations (views, sums, convolutions, products with constants) needs no rule: its derivative gives every input its
signed share, equation 1 of DNABERT-LRP. `RULES` says what replaces the derivatives of the other operations and, in some
sets, those of linear layers and sums. Models are written in ordinary PyTorch; an operation without a rule is an error.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

from regulens.core.errors import InputError

EPSILON = 1e-9
"""Added to every denominator, whatever its sign, as in the public code of Chefer et al."""

Operation = Callable[..., Tensor]

# The rules. The first dimension of every tensor is the batch; no rule mixes samples. Branches need no rule: autograd
# adds what comes back from them.


class SplitSigns(Function):
    """Linear layer or convolution: relevance along pairs of input and weight of equal sign (alpha = 1, beta = 0).

    R_i = sum_j (x+_i w+_ji + x-_i w-_ji) R_j / Z_j. ``together``: Z_j is the sum of both kinds of pairs, so that sum R
    is conserved and the bias gets none; otherwise each kind is divided by its own sum, and up to twice the relevance
    comes back. Z = (xW + |x||W|) / 2 would save a product, but suffers from cancellation where few pairs have equal
    signs (float32 errors of 1e-5 on sparse inputs instead of 1e-7) and turns an exact 0 into rounding errors.
    """

    @staticmethod
    def forward(ctx, together: bool, operation: Operation, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output = operation(x, weight, bias)
        ctx.save_for_backward(x, weight, output)
        ctx.together, ctx.operation = together, operation
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        x, weight, output = ctx.saved_tensors
        relevance = output * gradient
        with torch.enable_grad():
            halves = [x.clamp(min=0).requires_grad_(), x.clamp(max=0).requires_grad_()]
            signs = weight.clamp(min=0), weight.clamp(max=0)
            sums = [ctx.operation(half, sign, None) for half, sign in zip(halves, signs, strict=True)]
        totals = [part.detach() for part in sums]
        if ctx.together:
            totals = [totals[0] + totals[1]] * 2
        # Where a sum is 0, so are all its terms.
        up, down = torch.autograd.grad(sums, halves, [relevance / (total + EPSILON) for total in totals])
        return None, None, torch.where(x > 0, up, down), None, None


class RescaledAdd(Function):
    """x + y: signed shares a and b, then scaled to sums |Sa| / (|Sa| + |Sb|) and |Sb| / (|Sa| + |Sb|) of sum R.

    Sa, Sb and sum R are sums over one sample. The public code sums over the whole tensor, which is right only for
    batches of 1.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return x + y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        # A logit of minus infinity, at padding, has no relevance.
        x, y = (part.nan_to_num(neginf=0.0) for part in ctx.saved_tensors)
        relevance = (x + y) * gradient
        share = safe_divide(relevance, x + y)
        a, b, total = (_sample_sum(part) for part in (x * share, y * share, relevance))
        sizes = a.abs() + b.abs()
        return tuple(share * safe_divide(safe_divide(part.abs(), sizes) * total, part) for part in (a, b))


class Stabilised(Function):
    """x, whose relevance R is divided by x + EPSILON, as in the public code, instead of by x."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        (x,) = ctx.saved_tensors
        return safe_divide(x * gradient, x).masked_fill_(x.isinf(), 0)


class KeptInPlace(Function):
    """function(x) of the shape of x: the relevance of an element of the output is that of the same element of x."""

    @staticmethod
    def forward(ctx, function: Operation, x: Tensor) -> Tensor:
        output = function(x)
        ctx.save_for_backward(x, output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        x, output = ctx.saved_tensors
        return None, (gradient * output / x).masked_fill_(x == 0, 0)


class Half(Function):
    """x, with half of the relevance."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient / 2


def halved(product: Operation, a: Tensor, b: Tensor) -> Tensor:
    """A product of two activations, each of which gets half of the relevance."""
    return product(Half.apply(a), Half.apply(b))


def constant(function: Operation, x: Tensor) -> Tensor:
    """function(x) as a constant: it passes nothing on to x."""
    return function(x.detach())


def derivative(function: Operation, x: Tensor) -> Tensor:
    """function(x) with its ordinary derivative: relevance x J^T (R / function(x)), a first-order Taylor expansion."""
    return function(x)


def constant_deviation(norm: Operation, x: Tensor, shape, weight=None, bias=None, eps: float = 1e-5) -> Tensor:
    """LayerNorm over the last dimensions, its standard deviation taken as a constant: linear in x."""
    dims = tuple(range(-len(shape), 0))
    centred = x - x.mean(dims, keepdim=True)
    y = centred / (centred.detach().square().mean(dims, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def kept_norm(norm: Operation, x: Tensor, *parameters: Any) -> Tensor:
    """LayerNorm whose relevance stays in place."""
    return KeptInPlace.apply(lambda values: norm(values, *parameters), x)


def safe_divide(a: Tensor, b: Tensor) -> Tensor:
    """``a / (b + EPSILON)``, and 0 where ``b`` is 0."""
    denominator = b + EPSILON
    return torch.div(a, denominator, out=denominator).masked_fill_(b == 0, 0)


def _sample_sum(x: Tensor) -> Tensor:
    """Sum of each sample, (B, 1, ..., 1)."""
    return x.sum(tuple(range(1, x.ndim)), keepdim=True)


class Rules(NamedTuple):
    """A set of rules; what is not listed has its ordinary derivative."""

    linear: Literal["signed", "conserving", "separate"]
    """Linear layers and convolutions: signed shares; or `SplitSigns`, together or each kind by itself."""
    rescaled_add: bool
    """Whether sums of two activations are `RescaledAdd`."""
    softmax: Operation
    """Softmax, and the sigmoid of a gate, which is a softmax over two."""
    norm: Operation
    """LayerNorm."""
    stabilised: bool
    """Whether `EPSILON` is added to the denominators of signed shares."""


RULES = {
    "ours": Rules("conserving", True, KeptInPlace.apply, kept_norm, True),
    "plain": Rules("separate", False, KeptInPlace.apply, kept_norm, True),
    "lrp0": Rules("signed", False, KeptInPlace.apply, kept_norm, True),
    "constant_weights": Rules("signed", False, constant, constant_deviation, False),
    "attnlrp": Rules("signed", False, derivative, constant_deviation, False),
}
"""Sets of rules (docs/papers.md, "Relevance rules"). Of DNABERT-LRP: ``ours`` of Chefer et al., which conserve
relevance; ``plain``, the unmodified ones; ``lrp0``, equation 1, signed and with the bias. ``constant_weights``: signed,
attention weights, pooling weights and standard deviations as constants (Ali et al. 2022). ``attnlrp``: signed, softmax
by its derivative (Achtibat et al. 2024). In every set activations keep relevance in place, and the two factors of a
product get half of it each."""

ACTIVATIONS = {"relu", "gelu", "silu", "tanh", "softplus", "elu", "leaky_relu", "exp"}

LINEAR = {"linear", "conv1d", "conv2d"}

SOFTMAX = {"softmax", "sigmoid"}

PRODUCTS = {"matmul", "bmm", "mul", "imul", "rmul"}

SUMS = {"add", "iadd", "radd"}

DERIVATIVES = {
    # Views and copies; `get` are properties such as x.T.
    *("view", "view_as", "reshape", "transpose", "permute", "movedim", "flatten", "unflatten", "squeeze", "unsqueeze"),
    *("expand", "expand_as", "repeat", "repeat_interleave", "narrow", "select", "getitem", "index_select", "gather"),
    *("split", "chunk", "unbind", "cat", "stack", "roll", "flip", "pad", "contiguous", "clone", "get", "t"),
    *("to", "float", "double", "half", "bfloat16", "type_as", "masked_fill", "where", "dropout"),
    # Linear: the derivative gives signed shares. Of a maximum, the largest gets everything.
    *("sub", "isub", "rsub", "neg", "sum", "mean", "div", "truediv", "itruediv", "max", "amax", "maximum", "cumsum"),
    *("max_pool1d", "avg_pool1d", "requires_grad"),
}
"""Operations, by name, whose derivative is their rule."""


class Propagation(TorchFunctionMode):
    """Context in which forward passes are recorded with the rules of a set, a key of `RULES`.

    Model parameters get no relevance. ``absorbed`` (with ``count_absorbed``): after the backward pass, the relevance
    that biases and other constant summands kept, so that sum R of the inputs + absorbed = sum R of the outputs wherever
    a set conserves it. Raises `InputError` for an operation on activations that has no rule.
    """

    def __init__(self, rules: str, count_absorbed: bool = False):
        super().__init__()
        self.rules = RULES[rules]
        self.count_absorbed = count_absorbed
        self.absorbed = 0.0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        args = tuple(_detached(part) for part in args)
        kwargs = {key: _detached(part) for key, part in kwargs.items()}
        name = function.__name__.strip("_")
        active = [isinstance(part, Tensor) and part.requires_grad for part in args]
        if any(active):
            if name in LINEAR and not any(active[1:]):
                return self._linear(function, *args, **kwargs)
            if name in SUMS and len(args) == 2:
                return self._add(function, *args, **kwargs)
            if name in PRODUCTS and all(active[:2]):
                return self._stabilised(halved(function, *args))
            if name in ACTIVATIONS:
                return KeptInPlace.apply(lambda x: function(x, *args[1:], **kwargs), args[0])
            if name in SOFTMAX:
                return self.rules.softmax(lambda x: function(x, *args[1:], **kwargs), args[0])
            if name == "layer_norm":
                return self._norm(function, *args, **kwargs)
            with self:  # made of operations that have rules
                if name == "addcmul":
                    return args[0] + args[1] * args[2]
                if name == "scaled_dot_product_attention":
                    return _attention(*args, **kwargs)
        output = function(*args, **kwargs)
        known = name in DERIVATIVES or name in PRODUCTS or name in LINEAR
        if not known and any(part.requires_grad for part in _tensors(output)):
            raise InputError(
                f"no relevance rule for the operation {function.__name__}: name it in DERIVATIVES of interpret.rules "
                "if it is linear in the activations, or give it a rule there"
            )
        return output

    def _linear(self, function: Operation, x: Tensor, weight: Tensor, bias: Tensor | None = None, *rest, **options):
        if self.rules.linear == "signed":
            return self._stabilised(self._absorbs(function(x, weight, bias, *rest, **options), bias, len(weight)))

        def operation(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return function(x, weight, bias, *rest, **options)

        return SplitSigns.apply(self.rules.linear == "conserving", operation, x, weight, bias)

    def _add(self, function: Operation, x: Any, y: Any, **options: Any) -> Tensor:
        both = all(isinstance(part, Tensor) and part.requires_grad for part in (x, y))
        if both and self.rules.rescaled_add:
            return RescaledAdd.apply(x, y)
        output = function(x, y, **options)
        return self._stabilised(output) if both else self._absorbs(output, y if x.requires_grad else x)

    def _norm(self, function: Operation, x: Tensor, shape, weight=None, bias=None, eps: float = 1e-5) -> Tensor:
        output = self.rules.norm(function, x, shape, weight, bias, eps)
        return output if self.rules.norm is kept_norm else self._absorbs(output, bias)

    def _stabilised(self, output: Tensor) -> Tensor:
        return Stabilised.apply(output) if self.rules.stabilised else output

    def _absorbs(self, output: Tensor, summand: Any, channels: int | None = None) -> Tensor:
        """``output``, with the relevance of a constant summand (per channel, if it has fewer dimensions) counted."""
        if self.count_absorbed and summand is not None:

            def count(gradient: Tensor) -> None:
                with torch.no_grad():
                    values = torch.as_tensor(summand, dtype=gradient.dtype)
                    if channels is not None and gradient.shape[-1] != channels:  # channels in dimension 1
                        values = values.view(-1, *[1] * (gradient.ndim - 2))
                    # Padding keys have a summand of minus infinity, and no relevance.
                    self.absorbed += float((gradient * values.nan_to_num(neginf=0.0)).sum())

            output.register_hook(count)
        return output


def _attention(q: Tensor, k: Tensor, v: Tensor, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None) -> Tensor:
    """``scaled_dot_product_attention`` in separate operations; no causal masks, and no dropout."""
    if is_causal:
        raise InputError("no relevance rule for causal attention")
    logits = (q @ k.transpose(-1, -2)) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if attn_mask is not None:
        logits = logits.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else logits + attn_mask
    return torch.softmax(logits, -1) @ v


def _detached(part: Any) -> Any:
    """An argument, or the elements of a list, detached if they are parameters of a model."""
    if isinstance(part, list | tuple):
        return type(part)(_detached(element) for element in part) if any(map(torch.is_tensor, part)) else part
    return part.detach() if isinstance(part, nn.Parameter) else part


def _tensors(output: Any) -> list[Tensor]:
    """The tensors of a function's result."""
    return [part for part in (output if isinstance(output, tuple | list) else [output]) if isinstance(part, Tensor)]
