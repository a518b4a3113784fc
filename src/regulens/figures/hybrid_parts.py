"""What Figure 1 shows of the hybrid networks: their stages, and what several have in common (001 section 2)."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from regulens.figures.hybrid_style import BASELINES, combination
from regulens.hybrid_settings import HybridArchitecture, HybridNetworkSettings
from regulens.models.hybrid import HybridNetwork, Stage


class Parts(NamedTuple):
    """One network in the paper's three stages."""

    baseline: list[Stage]
    on_top: list[Stage]
    head: list[Stage]
    parameters: int


class Drawn(NamedTuple):
    """A box: what several networks have in common, their differences beside each other."""

    name: str
    detail: str
    size: str
    """Length and channels that leave it."""
    note: str = ""
    """What is written under the size, in italics; a box with a note is dashed."""


def parts_of(network: HybridNetworkSettings) -> Parts:
    """The stages that the network itself describes; the last before its dense layer are one for each module."""
    built = HybridNetwork(network, 1)
    stages = built.stages()
    head = next(place for place, stage in enumerate(stages) if stage.name == "dense")
    end = head - len(network.modules)
    return Parts(stages[:end], stages[end:head], stages[head:], built.parameter_count())


def merged_words(texts: Sequence[str]) -> str:
    """Texts of equal build as one, different words beside each other: '32/24 filters'. Else all of them."""
    words = [text.split() for text in dict.fromkeys(texts)]
    if len({len(row) for row in words}) > 1:
        return " / ".join(dict.fromkeys(texts))
    return " ".join(_alternatives(column) for column in zip(*words, strict=True))


def _alternatives(words: Iterable[str]) -> str:
    words = list(dict.fromkeys(words))
    tails = {re.search(r"[,;]?$", word).group() for word in words}
    return "/".join(word.rstrip(",;") for word in words) + (tails.pop() if len(tails) == 1 else "")


def merged_stages(columns: Sequence[Sequence[Sequence[Stage]]]) -> list[Drawn]:
    """Boxes of what several networks have in the same places.

    ``columns``: for every task the stages of every network, all of the same build. Sizes that differ between tasks
    are joined by '/', those that differ between the networks of a task by ','.
    """
    result = []
    for place in range(len(columns[0][0])):
        by_task = [[stages[place] for stages in networks] for networks in columns]
        everyone = [stage for networks in by_task for stage in networks]

        def joined(attribute: str, by_task=by_task) -> str:
            sets = [",".join(dict.fromkeys(str(getattr(one, attribute)) for one in networks)) for networks in by_task]
            return "/".join(dict.fromkeys(sets))

        length, channels = joined("length"), joined("channels")
        size = channels if length == "1" else f"{length} × {channels}"
        result.append(Drawn(everyone[0].name, merged_words([one.detail for one in everyone]), size))
    return result


def _activations(stages: Sequence[Stage], activations: Sequence[str]) -> list[Stage]:
    """The stages of a baseline with all activations in the first convolution."""
    names = {"relu": "ReLU", "exponential": "exponential"}
    shown = "/".join(names[name] for name in activations)
    first = next(place for place, stage in enumerate(stages) if stage.name == "convolution")
    head, _, last = stages[first].detail.rpartition(", ")
    if last not in names.values():
        return list(stages)
    return [
        replace(stage, detail=f"{head}, {shown}") if place == first else stage for place, stage in enumerate(stages)
    ]


def family(modules: Sequence[str]) -> str:
    """Name of a second stage with the number of encoder blocks left open: 'LSTM-TransN'."""
    return re.sub(r"Trans\d+", "TransN", combination(modules))


def second_stages(architectures: Mapping[str, HybridArchitecture]) -> dict[str, list[str]]:
    """Architectures with modules, by the build of those.

    'TransN' on the baseline that has a BiLSTM itself joins 'LSTM-TransN' (001 section 2: 'excluding the additional
    BiLSTM').
    """
    groups: dict[str, list[str]] = {}
    for name, design in architectures.items():
        if design.modules:
            groups.setdefault(family(design.modules), []).append(name)
    for key in [key for key in groups if f"LSTM-{key}" in groups]:
        if "Trans" in key and all(architectures[name].baseline == "c4" for name in groups[key]):
            groups[f"LSTM-{key}"] += groups.pop(key)
    return groups


def first_stage(
    architectures: Mapping[str, HybridArchitecture], parts: Sequence[Mapping[str, Parts]], activations: Sequence[str]
) -> dict[str, list[Drawn]]:
    """Boxes of every baseline that is configured, in the order of Figures 2 and 3.

    ``parts``: for every task the stages of every network. ``activations``: those of the first convolution.
    """
    result = {}
    for baseline in BASELINES:
        names = [name for name, design in architectures.items() if design.baseline == baseline]
        if names:
            stages = [[_activations(of_task[name].baseline, activations) for name in names] for of_task in parts]
            result[baseline] = merged_stages(stages)
    return result


def second_stage(
    architectures: Mapping[str, HybridArchitecture], parts: Sequence[Mapping[str, Parts]]
) -> dict[str, list[Drawn]]:
    """Boxes of every second stage, by its name; encoder blocks in a row are one box with their number."""
    result = {}
    for key, names in second_stages(architectures).items():
        runs = {name: _runs(architectures[name].modules) for name in names}
        most = max(map(len, runs.values()))
        whole = [name for name in names if len(runs[name]) == most]
        boxes = merged_stages([[_once(of_task[name], runs[name]) for name in whole] for of_task in parts])
        for place, one in enumerate(boxes, start=-most):  # from the end: what joined the others lacks the first
            if one.name == "transformer":
                counts = sorted({runs[name][place] for name in names})
                text = f"{'N = ' * (len(counts) > 1)}{', '.join(map(str, counts))} block{'s' * (counts != [1])}"
                boxes[place] = one._replace(detail=f"{text}: {one.detail}")
        if len(whole) < len(names):
            boxes[0] = boxes[0]._replace(note=f"not on\n{BASELINES['c4']}")
        titles = {combination(architectures[name].modules) for name in whole}
        result[titles.pop() if len(titles) == 1 else key] = boxes
    return result


def _runs(modules: Sequence[str]) -> list[int]:
    """How many modules each box of a second stage stands for: encoder blocks in a row are one box."""
    lengths = []
    for module, run in itertools.groupby(modules):
        count = len(list(run))
        lengths += [count] if module == "transformer" else [1] * count
    return lengths


def _once(parts: Parts, runs: Sequence[int]) -> list[Stage]:
    """The first stage of every run."""
    return [parts.on_top[sum(runs[:place])] for place in range(len(runs))]
