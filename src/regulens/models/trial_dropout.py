"""Dropout of several networks that train side by side, each with masks from its own random stream."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_BLOCK = 1 << 18
"""Numbers of 16 bits that are drawn at once for each trial: one launch a trial serves several layers."""
_LEVELS = 1 << 16


class TrialDropout:
    """Masks whose randomness follows from each trial's seed and the epoch alone, whoever trains beside it.

    ``seeds``: one a trial, in the order of the leading axis. On a CPU and on a GPU the streams differ. Rates are
    rounded to multiples of 2^-16.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu"):
        self.seeds = list(seeds)
        self.device = torch.device(device)
        self._generators = [torch.Generator(self.device) for _ in self.seeds]
        self.start(0)

    def start(self, epoch: int) -> None:
        """Begin the streams of an epoch, so that training can be resumed at its beginning."""
        for seed, generator in zip(self.seeds, self._generators, strict=True):
            state = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
            generator.manual_seed(int(state >> np.uint64(1)))
        self._block = torch.empty(len(self.seeds), 0, dtype=torch.int16, device=self.device)

    def __call__(self, x: Tensor, rate: float) -> Tensor:
        """``x`` (T, B, ...) with a share ``rate`` of its values set to 0 and the others divided by 1 - ``rate``."""
        if x.shape[0] != len(self.seeds):
            raise ValueError(f"{x.shape[0]} trials, but dropout has seeds for {len(self.seeds)}")
        dropped = round(rate * _LEVELS)
        if not dropped:
            return x
        keep = self._numbers(x[0].numel()).view(x.shape) >= dropped - _LEVELS // 2
        return x * keep.to(x.dtype).mul_(_LEVELS / (_LEVELS - dropped))

    def _numbers(self, n: int) -> Tensor:
        """The next ``n`` numbers of every trial, int16 (T, n), uniform over the type's range."""
        if self._block.shape[1] < n:
            # What is left of a block is not used: the next numbers then depend on the shapes asked for alone.
            words = torch.empty(len(self.seeds), -(-max(n, _BLOCK) // 4), dtype=torch.int64, device=self.device)
            for row, generator in zip(words, self._generators, strict=True):
                row.random_(-(2**63), None, generator=generator)
            self._block = words.view(torch.int16)
        taken, self._block = self._block[:, :n], self._block[:, n:]
        return taken
