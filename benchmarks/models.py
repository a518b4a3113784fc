"""How many examples a second each assay model trains on at the paper's size, forward and backward, and its peak memory.

    python benchmarks/models.py [--threads 2] [--models swin1d enformer] [--repeats 3]

Default settings of every architecture, 17,712 bp and 5,313 tracks, Poisson loss, no optimiser step. On the CPU one
example at a time in float32; where there is a GPU, also batches of 8 under bf16 autocast. Every measurement has a fresh
process. Memory: on the CPU the largest resident size over the one after the imports (weights and gradients included),
on a GPU what PyTorch had allocated at most. One pass warms up, the best of ``--repeats`` counts.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
from torch import Tensor, nn

from regulens.core.sequence import one_hot
from regulens.data.settings import Geometry
from regulens.models.base import AssayModel, architectures, build

TOWER = {"stem_width": 32, "widths": [32, 40, 48, 56, 64, 80], "final_width": 96}
SMALL = {
    "maxpool_cnn": TOWER,
    "attpool_cnn": TOWER,
    "attpool_dilated": {**TOWER, "dilated_layers": 7, "dilated_width": 32},
    "enformer": {**TOWER, "transformer": {"depth": 2, "heads": 4, "key_dim": 16, "functions": 8}},
    "swin1d": {
        "embedding_width": 32,
        "embedding_kernel": 15,
        "widths": [32, 40, 48, 56, 64, 64, 64],
        "windows": [16, 16, 16, 16, 32, 48, 48],
        "heads": 2,
        "key_dim": 16,
        "functions": 8,
        "transformer": {"depth": 2, "heads": 4, "key_dim": 16, "functions": 8},
    },
}
"""Small sizes of every architecture, as in the demonstration."""


def main() -> None:
    from tabulate import tabulate
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(architectures()), choices=list(architectures()))
    parser.add_argument("--tracks", type=int, default=5313)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    places = [("cpu", 1)] + [("cuda", 8)] * torch.cuda.is_available()
    jobs = [(name, device, batch) for device, batch in places for name in arguments.models]
    rows = []
    for name, device, batch in tqdm(jobs, "models", disable=None):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
            job = fresh.submit(measure, name, device, batch, arguments.tracks, arguments.threads, arguments.repeats)
            rows.append(job.result())
    headers = ["model", "parameters (M)", "device", "precision", "batch", "examples/s", "peak memory (GB)"]
    print(tabulate(rows, headers=headers, floatfmt=("", ".1f", "", "", "", ".3g", ".2f")))


def measure(name: str, device: str, batch: int, n_tracks: int, threads: int, repeats: int) -> list:
    """One row of the table."""
    torch.set_num_threads(threads)
    before = resident_gb()
    model = build(name, {}, Geometry(), n_tracks).to(device).train()
    seconds = least_seconds(model, *example(model, batch, device), repeats)
    on_gpu = device == "cuda"
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else resident_gb() - before
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    where = torch.cuda.get_device_name() if on_gpu else f"CPU, {threads} threads"
    return [name, parameters, where, "bf16" if on_gpu else "fp32", batch, batch / seconds, memory]


def example(model: AssayModel, batch: int, device: str) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Input of a model, and the Poisson loss of its output."""
    geometry = model.geometry
    x = one_hot(torch.randint(0, 4, (batch, geometry.input_bp), dtype=torch.uint8, device=device))
    target = torch.rand(batch, geometry.bins, model.n_tracks, device=device)
    return x, lambda rates: (rates - target * rates.log()).mean()


def least_seconds(model: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor], repeats: int) -> float:
    """Least seconds of one forward and backward pass, after one that warms up; bf16 autocast on a GPU."""
    step(model, x, loss)
    return min(step(model, x, loss) for _ in range(repeats))


def step(model: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor]) -> float:
    """Seconds of one forward and backward pass."""
    on_gpu = x.device.type == "cuda"
    synchronise = torch.cuda.synchronize if on_gpu else lambda: None
    model.zero_grad(set_to_none=True)
    synchronise()
    start = time.perf_counter()
    with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=on_gpu):
        y = model(x)
    loss(y).backward()
    synchronise()
    return time.perf_counter() - start


def resident_gb() -> float:
    """Largest resident size of this process so far (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
