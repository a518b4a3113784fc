"""The hybrid networks of the third study: convolution, BiLSTM, attention, for several trials at once (SPEC 5.3).

Every model: first convolution, batch normalisation and the activation under study; the rest of its baseline; the
attention-based modules; a dense hidden layer and one logit for each class. Trials are networks of one shape that share
nothing: every parameter and buffer has a leading axis of trials, and a trial's numbers do not depend on the others'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regulens.hybrid_settings import POOLS_BP, HybridNetworkSettings
from regulens.models.trial_attention import TrialAttention, TrialEncoderBlock, drop
from regulens.models.trial_dropout import TrialDropout
from regulens.models.trial_layers import TrialBatchNorm, TrialConvolution, TrialLayerNorm, TrialLinear, max_pool
from regulens.models.trial_lstm import TrialBiLSTM


@dataclass(frozen=True)
class Stage:
    """One step of a network, for its drawing: what it is, its sizes, and the length and channels of its output."""

    name: str
    detail: str
    length: int
    channels: int


class HybridNetwork(nn.Module):
    """``trials`` networks of one architecture; a new network has the weights of seeds 0 to ``trials`` - 1."""

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
        """New weights, those of trial t drawn from ``seeds[t]`` alone; running statistics begin anew."""
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
        # Both activations never fall as their argument grows: the pool can come first, and they see fewer values.
        x = self._activate(max_pool(self._first_normalised(one_hot), self.pools[0]))
        x = drop(x.transpose(1, 2), rate, dropout)  # (T, B, filters, L)
        if self.settings.baseline == "c4c6":
            x = self.second_norm(self.second_convolution(x.transpose(1, 2)))
            x = drop(max_pool(x, self.pools[1]).relu().transpose(1, 2), rate, dropout)
        elif self.settings.baseline == "c4":
            x = max_pool(self.lstm(x.transpose(2, 3)).transpose(2, 3), self.pools[1])
            x = drop(x, rate, dropout)
        x = x.transpose(2, 3)  # (T, B, L, channels)
        for part in self.modules_on_top:
            if isinstance(part, TrialEncoderBlock):
                x = part(x, dropout)
            elif isinstance(part, TrialLayerNorm):
                x = part(x)
            else:
                x = drop(part(x), rate, dropout)
        x = self.dense_norm.units(self.dense(x.flatten(2)))
        return self.classes(drop(x.relu(), self.settings.sizes.dense_dropout, dropout))

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
        """A network of copies of these trials, in this order, in the same mode, precision and place."""
        index = torch.as_tensor(trials, dtype=torch.long)
        chosen = HybridNetwork(self.settings, len(index)).to(self.classes.weight).train(self.training)
        state = {name: tensor.index_select(0, index.to(tensor.device)) for name, tensor in self.state_dict().items()}
        chosen.load_state_dict(state)
        return chosen

    def stages(self) -> list[Stage]:
        """The steps from the input to the output, in their order."""
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
