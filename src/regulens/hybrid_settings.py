"""Settings of the hybrid networks of the third study: which parts, how large, for which sequences (SPEC 5.3)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regulens.settings import Settings

Baseline = Literal["c24", "c4c6", "c4"]
Module = Literal["lstm", "attention", "transformer"]
Activation = Literal["relu", "exponential"]
Count = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]

POOLS_BP: dict[str, tuple[int, ...]] = {"c24": (24,), "c4c6": (4, 6), "c4": (4, 6)}
"""Max pools of each baseline, in their order. Both ways shorten a sequence 24-fold."""


class HybridArchitecture(Settings):
    """One architecture of the study: a baseline and what is put on it."""

    label: str
    """Name in tables and figures."""
    baseline: Baseline
    """First stage: `c24` one convolution and a max pool of 24; `c4c6` two convolutions, pools of 4 and 6; `c4` one
    convolution and a BiLSTM, pools of 4 and 6."""
    modules: list[Module] = []
    """Second stage, in its order; each `transformer` is one encoder block."""
    published: str | None = None
    """Subject of its published numbers, or null."""


class HybridSizes(Settings):
    """Sizes of a hybrid network. The defaults are the paper's for task 1."""

    filters: Count = 32
    """Filters of each convolution."""
    kernel_bp: Count = 19
    """Width of the first convolution's filters in bp."""
    second_kernel: Count = 7
    """Width of the second convolution's filters (`c4c6`), in positions after the first pool."""
    lstm: Annotated[int, Field(gt=0, multiple_of=2)] = 128
    """Units of a BiLSTM, half of them in each direction."""
    attention: Count = 128
    """Width of multi-head attention and of the encoder blocks."""
    heads: Count = 8
    """Attention heads."""
    feed_forward: Count = 32
    """Hidden units of an encoder block's feed-forward part."""
    dense: Count = 512
    """Units of the dense hidden layer."""
    dropout: Rate = 0.1
    """Dropout rate after max pools, BiLSTM and attention."""
    dense_dropout: Rate = 0.5
    """Dropout rate after the dense hidden layer."""
    qkv_bias: bool = True
    """Whether queries, keys and values have a bias, as they had when the paper's networks were trained."""
    init: Literal["glorot", "he"] = "glorot"
    """First weights of convolutions, dense and attention layers and LSTM inputs: `glorot` uniform (what the code does)
    or `he` normal (what the paper says)."""

    @model_validator(mode="after")
    def _heads_divide_attention(self):
        if self.attention % self.heads:
            raise ValueError(f"attention: {self.attention} units do not divide over heads: {self.heads}")
        return self


class HybridNetworkSettings(Settings):
    """Everything that determines the shape of a hybrid network."""

    baseline: Baseline
    """First stage; see the architecture's key."""
    modules: list[Module] = []
    """Second stage, in its order."""
    activation: Activation = "relu"
    """Activation of the first convolution; all other layers have ReLU."""
    sizes: HybridSizes = HybridSizes()
    """Sizes of the layers."""
    input_bp: Annotated[int, Field(ge=24)] = 200
    """Length of the sequences in bp."""
    classes: Count = 12
    """Labels that are predicted, each with a sigmoid of its own."""

    @model_validator(mode="after")
    def _encoder_blocks_fit(self):
        width = self.sizes.lstm if self.baseline == "c4" else self.sizes.filters
        for module in self.modules:
            if module == "transformer" and width != self.sizes.attention:
                raise ValueError(
                    f"an encoder block adds its input to its output, both must have the same width: its input has "
                    f"{width} channels, sizes.attention is {self.sizes.attention}; set the two alike (the channels "
                    "are sizes.lstm after a BiLSTM and sizes.filters after a convolution)"
                )
            width = self.sizes.lstm if module == "lstm" else self.sizes.attention
        return self
