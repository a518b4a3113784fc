"""Settings of the BERT on k-mers and of the hybrid networks, apart from the models so that PyTorch is not imported."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regulens.core.settings import Settings

Baseline = Literal["c24", "c4c6", "c4"]

Module = Literal["lstm", "attention", "transformer"]

Activation = Literal["relu", "exponential"]

Count = Annotated[int, Field(gt=0)]

Rate = Annotated[float, Field(ge=0, lt=1)]

POOLS_BP: dict[str, tuple[int, ...]] = {"c24": (24,), "c4c6": (4, 6), "c4": (4, 6)}
"""Sizes of the max pools of each baseline, in order. All baselines shorten a sequence 24-fold."""


class BertSettings(Settings):
    """Sizes of the BERT of k-mers; the defaults are DNABERT-6's.

    DNABERT-LRP, section 4.1; docs/papers.md, "DNABERT-6".
    """

    k: int = Field(default=6, ge=1, le=8)
    """Bases in a token; the vocabulary has 5 + 4 ** k tokens."""
    layers: int = Field(default=12, gt=0)
    """Transformer layers."""
    hidden: int = Field(default=768, gt=0)
    """Width of a token's vector."""
    heads: int = Field(default=12, gt=0)
    """Attention heads; must divide `hidden`."""
    intermediate: int = Field(default=3072, gt=0)
    """Width of the feed-forward layers."""
    positions: int = Field(default=512, gt=2)
    """Maximum number of tokens of an input, including the two special ones."""
    hidden_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout of embeddings, of each layer's two outputs and before the classifier."""
    attention_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout of attention weights."""
    init_sd: float = Field(default=0.02, gt=0)
    """Standard deviation of new matrices and embeddings."""
    embedding_init: Literal["normal", "bases", "substrings"] = "normal"
    """How k-mer embeddings are initialised. `independent`: each on its own. For training from scratch, sums of random
    vectors that make related k-mers start alike: `bases`, one vector per base and position; `substrings`, one per
    stretch of 1 to 5 bases wherever it occurs in the k-mer (as in fastText, so that overlapping k-mers start alike)."""
    embedding_sd: float | None = Field(default=None, gt=0)
    """Standard deviation of new token embeddings; none: `init_sd`, which position embeddings always have. Only the
    ratio of the two matters, because a layer norm follows their sum. 1 (with `init_sd: 0.05`) suits training from
    scratch, but not masked pre-training, whose output layer shares these weights."""
    layer_norm_eps: float = Field(default=1e-12, gt=0)
    """Number added to the variance in the layer norms."""

    @model_validator(mode="after")
    def _heads_divide(self):
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self


# Hybrid networks of the third study: which parts, how large, for which sequences (docs/papers.md, "Network
# architectures").


class HybridArchitecture(Settings):
    """One architecture of the study: a baseline and the modules on top of it."""

    label: str
    """Name in tables and figures."""
    baseline: Baseline
    """First stage: `c24` one convolution and a max pool of 24; `c4c6` two convolutions, pools of 4 and 6; `c4` one
    convolution and a BiLSTM, pools of 4 and 6."""
    modules: list[Module] = []
    """Modules of the second stage, in order; each `transformer` is one encoder block."""
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
    """Whether queries, keys and values have a bias, as in the library version that the paper used."""
    init: Literal["glorot", "he"] = "glorot"
    """Initial weights of convolutions, dense and attention layers and LSTM inputs: `glorot` uniform (as in the public
    code) or `he` normal (as in the paper)."""

    @model_validator(mode="after")
    def _heads_divide_attention(self):
        if self.attention % self.heads:
            raise ValueError(f"attention: {self.attention} units cannot be divided among heads: {self.heads}")
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
