"""How many examples a second the hybrid networks train on, forward and backward, beside plain torch modules.

    python benchmarks/hybrid.py [--threads 1] [--trials 1 10] [--architectures c24 c4_lstm] [--repeats 20]

Sizes of task 1, batches of 100 sequences of 200 bp a trial, float32, dropout on, no optimiser step. Examples are summed
over trials. "plain torch" is one trial of the same layers from nn.Conv1d, nn.BatchNorm1d, nn.LSTM and so on; its BiLSTM
is the fused one with tanh in both directions, because torch has none with the paper's ReLU: a little less work, and no
loop in Python. "ratio" is the time for one example over that of plain torch. The best of ``--repeats`` steps counts.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regulens.core.sequence import one_hot
from regulens.models.hybrid import HybridNetwork, TrialDropout
from regulens.models.settings import POOLS_BP, HybridNetworkSettings, HybridSizes

ARCHITECTURES = {
    "c24": ("c24", []),
    "c4c6": ("c4c6", []),
    "c4c6_att": ("c4c6", ["attention"]),
    "c4_lstm": ("c4", []),
    "c4_lstm_trans4": ("c4", ["transformer"] * 4),
}
BATCH, LENGTH_BP, CLASSES = 100, 200, 12


class PlainAttention(nn.Module):
    """Multi-head attention of torch's linear layers and its fused kernel; (B, L, inputs) to (B, L, width)."""

    def __init__(self, inputs: int, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.output = nn.Linear(inputs, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        heads = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.output(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class PlainLSTM(nn.LSTM):
    """Outputs only."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[0]


class Transposed(nn.Module):
    """A layer between (B, C, L) and (B, L, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def plain(baseline: str, modules: list[str], sizes: HybridSizes) -> nn.Sequential:
    """One trial of the architecture; (B, 4, L) to (B, classes)."""
    first, *others = POOLS_BP[baseline]
    width = sizes.filters
    layers: list[nn.Module] = [nn.Conv1d(4, width, sizes.kernel_bp, padding="same", bias=False)]
    layers += [nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(first), nn.Dropout(sizes.dropout)]
    if baseline == "c4c6":
        layers += [nn.Conv1d(width, width, sizes.second_kernel, padding="same", bias=False)]
        layers += [nn.BatchNorm1d(width), nn.ReLU()]
    elif baseline == "c4":
        layers += [Transposed(), PlainLSTM(width, sizes.lstm // 2, bidirectional=True, batch_first=True), Transposed()]
        width = sizes.lstm
    if others:
        layers += [nn.MaxPool1d(others[0]), nn.Dropout(sizes.dropout)]
    layers.append(Transposed())
    for module in modules:
        if module == "attention":
            layers += [PlainAttention(width, sizes.attention, sizes.heads), nn.Dropout(sizes.dropout)]
        else:
            options = dict(dropout=sizes.dropout, batch_first=True, layer_norm_eps=1e-6)
            layers.append(nn.TransformerEncoderLayer(width, sizes.heads, sizes.feed_forward, **options))
        width = sizes.attention
    layers += [nn.Flatten(), nn.Linear(8 * width, sizes.dense, bias=False), nn.BatchNorm1d(sizes.dense), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(sizes.dense_dropout), nn.Linear(sizes.dense, CLASSES))


def main() -> None:
    from tabulate import tabulate
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = list(ARCHITECTURES)
    parser.add_argument("--architectures", nargs="+", default=names, choices=names)
    parser.add_argument("--trials", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, threads: {arguments.threads}"
        for name in tqdm(arguments.architectures, device, disable=None):
            reference, *seconds = measure(name, device, arguments.trials, arguments.repeats)
            rows.append([name, where, "plain torch", 1, BATCH / reference, 1.0])
            for trials, taken in zip(arguments.trials, seconds, strict=True):
                rows.append([name, where, "regulens", trials, trials * BATCH / taken, taken / trials / reference])
    headers = ["architecture", "device", "implementation", "trials", "examples/s", "ratio"]
    print(tabulate(rows, headers=headers, floatfmt=("", "", "", "", ".0f", ".2f")))


def measure(name: str, device: str, trials: list[int], repeats: int) -> list[float]:
    """Seconds of a step of plain torch, then of each number of trials; taken in turn, so that a busy spell hits all."""
    baseline, modules = ARCHITECTURES[name]
    settings = HybridNetworkSettings(baseline=baseline, modules=modules)
    reference = plain(baseline, modules, settings.sizes).to(device).train()
    codes = torch.randint(0, 4, (max(trials), BATCH, LENGTH_BP), dtype=torch.uint8, device=device)
    target = torch.randint(0, 2, (max(trials), BATCH, CLASSES), device=device).float()
    steps = [stepper(reference, lambda: reference(one_hot(codes[0])), target[0])]
    for number in trials:
        network, dropout = HybridNetwork(settings, number).to(device).train(), TrialDropout(range(number), device)
        forward = lambda n=number, network=network, dropout=dropout: network(one_hot(codes[:n]), dropout)  # noqa: E731
        steps.append(stepper(network, forward, target[:number]))
    for step in steps:
        step()
    rounds = [[step() for step in steps] for _ in range(repeats)]
    return [min(column) for column in zip(*rounds, strict=True)]


def stepper(model: nn.Module, forward: Callable[[], Tensor], target: Tensor) -> Callable[[], float]:
    """A function that takes one forward and backward pass and returns its seconds."""
    synchronise = torch.cuda.synchronize if target.is_cuda else lambda: None

    def step() -> float:
        model.zero_grad(set_to_none=True)
        synchronise()
        start = time.perf_counter()
        F.binary_cross_entropy_with_logits(forward(), target).backward()
        synchronise()
        return time.perf_counter() - start

    return step


if __name__ == "__main__":
    main()
