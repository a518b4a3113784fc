"""What one forward pass of a network costs, counted on shapes alone: no weights, no GPU, no data.

The networks are built on torch's ``meta`` device. Importing this module imports torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from regulens.data.settings import Geometry
from regulens.hybrid_settings import HybridNetworkSettings
from regulens.models import build


@dataclass(frozen=True)
class Cost:
    """One forward pass, everything in float32."""

    parameters: int
    """Trainable parameters."""
    flops: int
    """Floating-point operations of matrix products and convolutions (a multiplication and an addition are two)."""
    moved_bytes: int
    """Bytes that the operators read and write, views left out."""
    saved_bytes: int
    """Bytes of activations that are kept for the backward pass."""
    operators: int
    """Operators that are called, views left out: about the kernels that a GPU launches."""


class _Traffic(TorchDispatchMode):
    """Counts operators and the bytes of their arguments and results."""

    def __init__(self):
        super().__init__()
        self.moved_bytes = self.operators = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
            self.operators += 1
            self.moved_bytes += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


def forward_cost(make: Callable[[], nn.Module], run: Callable[[nn.Module], Tensor]) -> Cost:
    """Cost of ``run(make())`` in training mode; both are called on the meta device."""
    with torch.device("meta"):
        model = make().train()
        of_model = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
        saved: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in of_model:
                saved[storage._cdata] = storage.nbytes()
            return tensor

        keep = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with FlopCounterMode(display=False) as counter, _Traffic() as traffic, keep:
            result = run(model)
    del result  # alive until here: a freed storage's identity may be used again
    parameters = sum(parameter.numel() for parameter in model.parameters())
    flops = counter.get_total_flops()
    return Cost(parameters, flops, traffic.moved_bytes, sum(saved.values()), traffic.operators)


def assay_cost(architecture: str, settings: dict, geometry: Geometry, n_tracks: int) -> Cost:
    """Cost of an assay model for one example.

    Raises `InputError` when the settings do not fit the architecture or the geometry.
    """

    def run(model: nn.Module) -> Tensor:
        # As `forward`, whose autocast does not know the meta device.
        x = torch.zeros(1, 4, geometry.input_bp)
        return nn.functional.softplus(model.head(model.trunk(model.pad(x))))

    return forward_cost(lambda: build(architecture, settings, geometry, n_tracks), run)


def hybrid_cost(settings: HybridNetworkSettings, trials: int, batch: int) -> Cost:
    """Cost of ``trials`` hybrid networks side by side for one batch of ``batch`` sequences."""
    from regulens.models.hybrid import HybridNetwork

    class Uninitialised(HybridNetwork):
        """Weights without memory cannot be drawn."""

        def initialise(self, seeds) -> None:
            pass

    def run(model: nn.Module) -> Tensor:
        return model(torch.zeros(1, batch, 4, settings.input_bp))

    return forward_cost(lambda: Uninitialised(settings, trials), run)
