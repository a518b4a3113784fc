"""Small models for tests of relevance: a BERT, and a Transformer of another kind."""

from functools import partial

import torch
from torch import nn

from regulens.core.kmers import token_ids
from regulens.interpret.relevance import Readings, Trace, bert_forward
from regulens.models.bert import BertSettings, build_classifier

SETTINGS = BertSettings(k=3, layers=3, hidden=24, heads=3, intermediate=48, positions=32, init_sd=0.3)
LENGTH = 20
"""Bases, 18 k-mers, 20 tokens."""


def small_bert(seed: int = 0, dtype: torch.dtype = torch.float64):
    """A BERT with random weights, biases and norms, in eval mode."""
    torch.manual_seed(seed)
    model = build_classifier(SETTINGS)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    return model.to(dtype).eval()


def random_codes(sequences: int = 4, seed: int = 0, length: int = LENGTH) -> torch.Tensor:
    return torch.randint(0, 4, (sequences, length), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def readings(model, codes: torch.Tensor, **options) -> Readings:
    ids = token_ids(codes, SETTINGS.k)
    return Readings(partial(bert_forward, model=model, input_ids=ids), **options)


class PreNormEncoder(nn.Module):
    """Norm before each half of a layer, ReLU, no biases in the attention, mean pooling: all that BERT does not have."""

    def __init__(self, width: int = 24, heads: int = 2, layers: int = 2):
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(4, width)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(width),
                    "qkv": nn.Linear(width, 3 * width, bias=False),
                    "out": nn.Linear(width, width),
                    "norm2": nn.LayerNorm(width),
                    "up": nn.Linear(width, 4 * width),
                    "down": nn.Linear(4 * width, width),
                }
            )
            for _ in range(layers)
        )
        self.head = nn.Linear(width, 3)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Logits, in ordinary PyTorch."""
        x = self.embedding(codes)
        for layer in self.layers:
            q, k, v = layer["qkv"](layer["norm1"](x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            attended = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + layer["out"](attended.transpose(1, 2).flatten(2))
            x = x + layer["down"](layer["up"](layer["norm2"](x)).relu())
        return self.head(x.mean(1))


def encoder_forward(model: PreNormEncoder, codes: torch.Tensor) -> Trace:
    """The same, with the attention kept."""
    embedding = model.embedding(codes).detach().requires_grad_()
    x, attention = embedding, []
    for layer in model.layers:
        q, k, v = layer["qkv"](layer["norm1"](x)).unflatten(-1, (3, model.heads, -1)).permute(2, 0, 3, 1, 4)
        attention.append((q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1))
        x = x + layer["out"]((attention[-1] @ v).transpose(1, 2).flatten(2))
        x = x + layer["down"](layer["up"](layer["norm2"](x)).relu())
    return Trace(model.head(x.mean(1)), attention, embedding)
