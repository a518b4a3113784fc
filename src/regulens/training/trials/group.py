"""Trials that train side by side: one epoch of all of them, and the state that the next one depends on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from regulens.hybrid_settings import HybridNetworkSettings
from regulens.models.hybrid import HybridNetwork
from regulens.models.trial_dropout import TrialDropout
from regulens.sequence import one_hot
from regulens.training.sampler import derived_seed
from regulens.training.trials.metrics import threshold_scores
from regulens.training.trials.optimiser import TrialAdam
from regulens.training.trials.schedule import TrialSchedule
from regulens.training.trials.settings import TrialTraining

VALIDATION_BATCH = 500
"""Sequences a validation step of each trial."""


@dataclass(frozen=True)
class LabelledCodes:
    """Sequences of a split on the device: codes uint8 (sequences, length), labels bool (sequences, classes)."""

    codes: Tensor
    labels: Tensor


def trial_seed(seed: int, trial: int) -> int:
    """Seed of a trial, from which its weights, its dropout and its order of sequences follow; below 2 ** 31."""
    return derived_seed("weights", seed, trial) % 2**31


def predict(network: HybridNetwork, codes: Tensor, batch: int) -> Tensor:
    """Logits (trials, sequences, classes) of codes (sequences, length), ``batch`` at a time; in evaluation mode."""
    dtype, training = next(network.parameters()).dtype, network.training
    network.eval()
    with torch.no_grad():
        parts = [network(one_hot(part, dtype).unsqueeze(0)) for part in codes.split(batch)]
    network.train(training)
    return torch.cat(parts, dim=1)


class TrialGroup:
    """Some trials of a network between two epochs. No trial's result depends on which others are in the group.

    ``trials`` are their numbers (from 0) of the training with ``seed``.
    """

    def __init__(
        self,
        settings: HybridNetworkSettings,
        training: TrialTraining,
        trials: Sequence[int],
        seed: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        network = HybridNetwork(settings, len(trials))
        network.initialise([trial_seed(seed, trial) for trial in trials])
        self.settings, self.training, self.seed = settings, training, seed
        self.trials = list(trials)
        self.schedules = [TrialSchedule(training.learning_rate) for _ in trials]
        self.rows: dict[int, list[dict[str, Any]]] = {trial: [] for trial in trials}
        """The log of each trial by its number, one map an epoch."""
        self._take(network.to(device, dtype))
        self.best = self._weights()
        """Weights of the best epochs; of a trial without any, the latest ones."""

    def _take(self, network: HybridNetwork, optimiser: Mapping[str, Any] | None = None) -> None:
        self.network = network.train()
        self.optimiser = TrialAdam(network, self.training.betas, self.training.epsilon)
        if optimiser is not None:
            self.optimiser.load_state_dict(optimiser)
        seeds = [derived_seed("dropout", trial_seed(self.seed, trial)) for trial in self.trials]
        self.device = next(network.parameters()).device
        self._dropout = TrialDropout(seeds, self.device)

    @property
    def epoch(self) -> int:
        """Epochs done, the same in all trials."""
        return self.schedules[0].epochs

    def steps(self, data: LabelledCodes) -> int:
        """Steps in an epoch."""
        return -(-len(data.codes) // self.training.batch)

    def train_epoch(self, data: LabelledCodes, after_step: Callable[[], None] = lambda: None) -> list[float]:
        """One pass over the training data; returns the mean loss of each trial, measured while its weights change."""
        orders = [self._order(trial, len(data.codes)) for trial in self.trials]
        orders = torch.from_numpy(np.stack(orders)).to(self.device)
        dtype = next(self.network.parameters()).dtype
        labels = data.labels.to(dtype)
        self.optimiser.set_rates([schedule.rate for schedule in self.schedules])
        self._dropout.start(self.epoch)
        total = torch.zeros(len(self.trials), dtype=torch.float64, device=self.device)
        for chosen in orders.split(self.training.batch, dim=1):
            logits = self.network(one_hot(data.codes[chosen], dtype), self._dropout)
            losses = F.binary_cross_entropy_with_logits(logits, labels[chosen], reduction="none").mean(dim=(1, 2))
            self.optimiser.step(losses.sum())
            total += losses.detach() * chosen.shape[1]
            after_step()
        return (total / len(data.codes)).tolist()

    def _order(self, trial: int, sequences: int) -> np.ndarray:
        seed = derived_seed("order", trial_seed(self.seed, trial), self.epoch)
        return np.random.default_rng(seed).permutation(sequences)

    def finish_epoch(self, train_losses: Sequence[float], data: LabelledCodes, seconds: Callable[[], float]) -> None:
        """Score the validation data, keep the weights of trials that are best so far, and set rates and statuses.

        ``seconds`` tells the time since the epoch began, of which each trial's row of the log gets an equal share.
        """
        logits = predict(self.network, data.codes, VALIDATION_BATCH)
        target = data.labels.to(logits.dtype).expand_as(logits)
        losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=(1, 2)).tolist()
        auroc, aupr = (scores.tolist() for scores in threshold_scores(logits.sigmoid(), data.labels))
        finite = logits.isfinite().all(dim=2).all(dim=1).tolist()
        share, keep = round(seconds() / len(self.trials), 3), []
        for place, (trial, schedule) in enumerate(zip(self.trials, self.schedules, strict=True)):
            self.rows[trial].append({
                "trial": trial, "seed": trial_seed(self.seed, trial), "epoch": schedule.epochs + 1,
                "learning_rate": schedule.rate, "train_loss": train_losses[place], "valid_loss": losses[place],
                "valid_auroc": auroc[place], "valid_aupr": aupr[place], "seconds": share,
            })  # fmt: skip
            score = {"auroc": auroc, "aupr": aupr}[self.training.monitor][place]
            sound = finite[place] and np.isfinite(train_losses[place])
            if schedule.update(score, bool(sound), self.training) or not schedule.best_epoch:
                keep.append(place)
        for name, value in self.network.state_dict().items():
            self.best[name][keep] = value[keep]

    def entry(self, trial: int) -> dict[str, Any]:
        """What is known of a trial, `regulens.training.trials.files.TRIAL_COLUMNS`."""
        schedule = self.schedules[self.trials.index(trial)]
        row = self.rows[trial][max(schedule.best_epoch, 1) - 1]
        return {
            "trial": trial,
            "seed": trial_seed(self.seed, trial),
            "status": schedule.status,
            "epochs": schedule.epochs,
            "best_epoch": schedule.best_epoch,
            "valid_auroc": row["valid_auroc"],
            "valid_aupr": row["valid_aupr"],
        }

    def best_of(self, trial: int) -> dict[str, Tensor]:
        """Weights of the best epoch of a trial, with a trial axis of one, on the CPU."""
        place = self.trials.index(trial)
        return {name: value[place : place + 1].cpu().clone() for name, value in self.best.items()}

    def select(self, places: Sequence[int]) -> None:
        """Go on with the trials at these places of the group alone."""
        chosen = torch.as_tensor(places, device=self.device)
        optimiser = self.optimiser.state_dict()
        for key in ("mean", "square"):
            optimiser[key] = [part[chosen] for part in optimiser[key]]
        self.trials = [self.trials[place] for place in places]
        self.schedules = [self.schedules[place] for place in places]
        self.rows = {trial: self.rows[trial] for trial in self.trials}
        self.best = {name: value[chosen] for name, value in self.best.items()}
        self._take(self.network.select(places), optimiser)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the epochs still to come depend on; tensors of the device, not copied."""
        return {
            "trials": self.trials,
            "schedules": [asdict(schedule) for schedule in self.schedules],
            "rows": self.rows,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict` of a group of the same trials, with tensors on any device."""
        self.schedules = [TrialSchedule(**values) for values in state["schedules"]]
        self.rows = dict(state["rows"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.network.load_state_dict(state["network"])
        self._take(self.network, state["optimiser"])

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}
