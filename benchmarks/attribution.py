"""How many read-outs of an assay model a second each attribution takes, beside captum's integrated gradients.

    python benchmarks/attribution.py [--models enformer swin1d] [--readouts 8] [--steps 16] [--threads 2]

Random weights, float32, on the CPU and where there is one on a GPU; inputs of 6,144 bp, small models as in the demo.
"times gradient" is the time of a score against that of gradient x input in the same run. captum (pip install captum) is
no part of the environment: without it, its row is left out. Its integrated gradients run on the same model, read-outs,
baseline, number of steps and batch; "agreement" is the largest difference of its attributions from ours, as a share of
the largest of ours. The best of ``--repeats`` counts.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from models import SMALL

from regulens.data.settings import Geometry
from regulens.interpret.attribution import ATTRIBUTIONS, BASELINE, Reading
from regulens.interpret.settings import AttributionSettings
from regulens.models.base import build

try:
    from captum.attr import IntegratedGradients
except ImportError:
    IntegratedGradients = None

GEOMETRY = Geometry(input_bp=6144, bins=32, bin_bp=128)
TRACKS = 11


def main() -> None:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["enformer", "swin1d"], choices=list(SMALL))
    parser.add_argument("--readouts", type=int, default=8)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
        for name in arguments.models:
            rows += measure(name, device, arguments)
    headers = ["model", "device", "score", "read-outs/s", "times gradient", "agreement"]
    print(tabulate(rows, headers=headers, floatfmt=("", "", "", ".3g", ".2f", ".1e"), missingval=""))
    if IntegratedGradients is None:
        print("captum is not installed: no row of it (pip install captum)")


def measure(name: str, device: str, arguments: argparse.Namespace) -> list[list]:
    """Rows of one model on one device."""
    torch.manual_seed(0)
    model = build(name, SMALL[name], GEOMETRY, TRACKS).to(device).eval().requires_grad_(False)
    codes = np.random.default_rng(0).integers(0, 4, (arguments.readouts, GEOMETRY.input_bp)).astype(np.uint8)
    tracks = torch.arange(arguments.readouts, device=device) % TRACKS
    settings = AttributionSettings(steps=arguments.steps, block_bp=GEOMETRY.bin_bp)

    def reading() -> Reading:
        return Reading(model, torch.from_numpy(codes).to(device), tracks, settings)

    def seconds(run: Callable[[], object]) -> float:
        times = []
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    first = seconds(lambda: ATTRIBUTIONS["gradient_x_input"].read(reading()))
    rows = []
    for score, entry in ATTRIBUTIONS.items():
        if score == "mutagenesis":
            continue  # as many predictions as blocks, whatever the code
        taken = seconds(lambda entry=entry: entry.read(reading()))
        rows.append([name, device, entry.label, arguments.readouts / taken, taken / first, None])
        if score == "integrated_gradients" and IntegratedGradients is not None:
            ours = entry.read(reading())
            theirs = captum_scores(reading())
            taken = seconds(lambda: captum_scores(reading()))
            difference = float((theirs - ours).abs().max() / ours.abs().max())
            rows.append([name, device, "the same by captum", arguments.readouts / taken, taken / first, difference])
    return rows


def captum_scores(reading: Reading) -> torch.Tensor:
    """Integrated gradients by captum, summed over channels: (B, input_bp)."""
    found = IntegratedGradients(reading.read).attribute(
        reading.input,
        torch.full_like(reading.input, BASELINE),
        n_steps=reading.settings.steps,
        method="riemann_middle",
        internal_batch_size=len(reading.input),
    )
    return found.sum(1)


if __name__ == "__main__":
    main()
