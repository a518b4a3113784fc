"""Origin of an artefact: its chain of manifests, grouped by command for brevity."""

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from regulens.core.errors import InputError
from regulens.provenance.trace import Step, chain, manifest_path, url_of

NAMES = 4
"""Maximum number of files of one command that are named; of more, only the number is given."""
SOURCES = 12
"""Maximum number of downloads and other sources that are listed."""


@dataclass
class Group:
    """All steps of a chain that one command made."""

    command: str
    files: list[str] = field(default_factory=list)
    seeds: set[int] = field(default_factory=set)
    begins: bool = False
    """Whether they have no inputs, as in a simulation."""
    depth: int = 0
    """Largest number of steps from the artefact to one of them."""

    @property
    def named(self) -> list[str]:
        return self.files if len(self.files) <= NAMES + 1 else self.files[:NAMES]


@dataclass
class Source:
    """Where a chain ends: a download, or a file that the workflow did not make."""

    path: str
    sha256: str | None
    url: str | None = None


@dataclass
class Origin:
    """The chain of one artefact, from itself back to its sources."""

    identity: dict[str, Any] = field(default_factory=dict)
    sha256: str | None = None
    groups: list[Group] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    more_sources: int = 0
    problems: list[str] = field(default_factory=list)


def origin_of(artefact: Path) -> Origin:
    """The chain of an artefact; missing parts are listed in its problems."""
    if not manifest_path(artefact).is_file():
        return Origin(problems=[f"There is no manifest beside {artefact.name}: where it comes from was not recorded."])
    try:
        steps = chain(artefact)
    except InputError as error:
        return Origin(problems=[str(error)])
    groups: dict[str, Group] = {}
    origin = Origin(steps[0].identity, steps[0].sha256)
    for step, depth in zip(steps, _depths(steps), strict=True):
        url = url_of(step)
        if step.problem:
            origin.problems.append(step.problem)
        if url or not step.manifest:
            origin.sources.append(Source(step.path, step.sha256, url))
        else:
            group = groups.setdefault(step.identity["command"], Group(step.identity["command"]))
            group.files.append(step.path)
            group.seeds |= _seeds(step)
            group.begins = not step.inputs
            group.depth = max(group.depth, depth)
    origin.groups = sorted(groups.values(), key=lambda group: group.depth)
    origin.sources, rest = origin.sources[:SOURCES], origin.sources[SOURCES:]
    origin.more_sources = len(rest)
    return origin


def _depths(steps: list[Step]) -> list[int]:
    """Largest number of steps from the artefact, which is the first, to each."""
    depths = [0] * len(steps)
    inputs_first = TopologicalSorter({place: step.inputs for place, step in enumerate(steps)}).static_order()
    for place in reversed(list(inputs_first)):
        for found in steps[place].inputs:
            depths[found] = max(depths[found], depths[place] + 1)
    return depths


def _seeds(step: Step) -> set[int]:
    seed = step.identity["seed"]
    return set(seed.values()) if isinstance(seed, dict) else set() if seed is None else {seed}
