"""Multi-head self-attention with relative positions.

Used with windows folded into the batch by 1D-Swin (SPEC 2.2) and over all tokens by the Transformer blocks (SPEC 3.1).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regulens.models.cpu_attention import CPURelativeAttention, HeadWeights
from regulens.models.relative import Family, basis_functions, relative_shift


class RelativeAttention(nn.Module):
    """Multi-head self-attention of sequences of one fixed length, with learned functions of the relative distance.

    logits_ij = s (q_i + u) . k_j + (q_i + v) . r_{j-i} with r_d = P phi(d) and s = key_dim^-1/2 (SPEC 2.2); with
    ``scale_query`` the queries are scaled before the biases are added: (s q_i + u) . k_j + (s q_i + v) . r_{j-i}
    (Enformer, SPEC 3.1). u and v are learned per head. Queries, keys and values have no bias, the output has one.
    """

    def __init__(
        self,
        width: int,
        length: int,
        heads: int,
        key_dim: int,
        value_dim: int,
        families: list[Family],
        functions: int,
        attention_dropout: float = 0.0,
        position_dropout: float = 0.0,
        scale_query: bool = False,
    ):
        super().__init__()
        self.heads, self.key_dim, self.value_dim = heads, key_dim, value_dim
        self.attention_dropout, self.position_dropout = attention_dropout, position_dropout
        self.scale_query = scale_query
        features = basis_functions(families, functions, length).float()
        self.register_buffer("features", features, persistent=False)
        self.project = nn.Linear(width, heads * (2 * key_dim + value_dim), bias=False)
        self.positions = nn.Linear(features.shape[1], heads * key_dim, bias=False)
        self.content_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.position_bias = nn.Parameter(torch.randn(heads, key_dim))
        self.output = nn.Linear(heads * value_dim, width)

    def forward(self, x: Tensor, padding: Tensor | None = None, keep: list[Tensor] | None = None) -> Tensor:
        """(n, length, width) to the same shape.

        ``padding``: additive (n, length), -inf at keys that do not exist.
        ``keep``: a list that the softmax weights (n, heads, length, length) are appended to.
        """
        scale = self.key_dim**-0.5
        # With scaled queries, s q + u = s (q + u / s): the bias is divided by s, and r carries the s of its term. The
        # queries below include u; the position term adds what v has beyond u.
        query_scale = scale if self.scale_query else 1.0
        query_bias = self.content_bias / query_scale
        surplus = (self.position_bias - self.content_bias) / query_scale
        phi = F.dropout(self.features, self.position_dropout, self.training)
        r = self.positions(phi).mul(query_scale).unflatten(-1, (self.heads, -1)).permute(1, 2, 0)
        dropout = self.attention_dropout if self.training else 0.0
        if keep is None and self._written_for_cpu(x):
            return self._on_cpu(x, padding, scale, dropout, query_bias, surplus, r)

        sizes = self._sizes()
        qkv = F.linear(x, self.project.weight, F.pad(query_bias.flatten(), (0, sizes[1] + sizes[2])))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in qkv.split(sizes, dim=-1))
        bias = relative_shift((q + surplus[:, None].to(q.dtype)) @ r.to(q.dtype))
        if padding is not None:
            bias = bias + padding[:, None, None].to(bias.dtype)
        if keep is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, scale=scale)
        else:
            weights = torch.softmax((q @ k.transpose(-1, -2)).mul(scale) + bias, dim=-1)
            keep.append(weights)
            y = F.dropout(weights, dropout).to(v.dtype) @ v
        return self.output(y.transpose(1, 2).flatten(2))

    def _sizes(self) -> list[int]:
        """Rows of queries, keys and values in the projection."""
        return [self.heads * self.key_dim, self.heads * self.key_dim, self.heads * self.value_dim]

    @staticmethod
    def _written_for_cpu(x: Tensor) -> bool:
        """Whether :class:`CPURelativeAttention` takes the input: on a CPU and in full precision."""
        return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")

    def _on_cpu(self, x, padding, scale, dropout, query_bias, surplus, r) -> Tensor:
        projections = self.project.weight.split(self._sizes())
        query, key, value = (part.unflatten(0, (self.heads, -1)).transpose(1, 2).contiguous() for part in projections)
        output = self.output.weight.T.unflatten(0, (self.heads, -1)).contiguous()
        weights = HeadWeights(query, key, value, query_bias, surplus, r.contiguous(), output)
        return CPURelativeAttention.apply(x.contiguous(), padding, scale, dropout, *weights) + self.output.bias
