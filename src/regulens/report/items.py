"""Contents of the page: outputs that rules mark for the report, grouped into entries in the papers' order."""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import yaml

from regulens.core.errors import InputError
from regulens.core.settings import Settings, nearest
from regulens.studies.hybrid_networks.results import ACTIVATIONS

CLAIMS = "Claims"
"""Item of the claims table, which has its own section."""


class ShownRule(Settings):
    """A rule with outputs marked for the report, and the requested wildcards."""

    study: str
    rule: str
    caption: Path
    message: str = ""
    labels: dict[str, str]
    shown: list[str]
    """Marked outputs, as patterns with {wildcards}."""
    outputs: list[str]
    """All outputs, as patterns."""
    wildcards: list[dict[str, str]]


class PageSettings(Settings):
    """Information from the workflow: its rules, and the configuration of each study that was run."""

    run: str
    folder: Path
    """Folder of the results, `results/<run>`."""
    studies: dict[str, dict]
    """Configuration of each study."""
    rules: list[ShownRule]
    explorer: bool = False
    """Whether the run has an explorer."""

    def of(self, study: str) -> "PageSettings":
        """The settings of one study alone. Raises `InputError` if it was not run."""
        if study not in self.studies:
            raise InputError(f"study {study} was not run; {nearest(study, list(self.studies))}")
        rules = [rule for rule in self.rules if rule.study == study]
        return self.model_copy(update={"studies": {study: self.studies[study]}, "rules": rules, "explorer": False})


@dataclass
class Entry:
    """One figure or table: what is shown, and its other files."""

    id: str
    study: str
    rule: str
    item: str
    title: str
    caption: Path
    images: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def artefacts(self) -> list[Path]:
        return [*self.tables, *self.images]


@cache
def papers() -> dict[str, dict]:
    """For every study: short name and title of the paper, a paragraph about it, and its items in the paper's order."""
    return yaml.safe_load((files(__package__) / "papers.yaml").read_text())


@cache
def differences() -> list[dict[str, str]]:
    """What differs from each paper, in order: id, study, what the paper says, what is done here, and why."""
    return yaml.safe_load((files(__package__) / "differences.yaml").read_text())


def slug(*words: str) -> str:
    """Name for use in a URL: lower case, digits, underscores and hyphens."""
    return re.sub(r"[^a-z0-9_]+", "-", "-".join(words).lower()).strip("-")


def entries_of(rule: ShownRule, configured: dict) -> list[Entry]:
    """One entry per set of wildcards of a rule; ``configured`` has the labels of tasks and networks."""
    found = []
    own = [text for name, text in rule.labels.items() if name != "item" and "{" in text]
    for wildcards in rule.wildcards:
        item = rule.labels["item"].format(**wildcards)
        named = {name: _label(value, configured) for name, value in wildcards.items()}
        shown = [Path(pattern.format(**wildcards)) for pattern in rule.shown]
        found.append(
            Entry(
                id=slug(rule.study, item, *(text.format(**wildcards) for text in own)),
                study=rule.study,
                rule=rule.rule,
                item=", ".join([item, *(text.format(**named) for text in own)]),
                title=_title(rule.message, item, named),
                caption=rule.caption,
                images=[path for path in shown if path.suffix == ".png"],
                tables=[path for path in shown if path.suffix == ".csv"],
                files=[Path(pattern.format(**wildcards)) for pattern in rule.outputs],
            )
        )
    return found


def _label(name: str, configured: dict) -> str:
    """The configured label of a task or network, that of an activation, or the name if it has none."""
    for group in (configured, configured.get("tasks", {}), configured.get("architectures", {})):
        if isinstance(group.get(name), dict) and "label" in group[name]:
            return group[name]["label"].split(",")[0]
    return ACTIVATIONS.get(name, name)


def _title(message: str, item: str, wildcards: dict[str, str]) -> str:
    """The rule's message without the number of the figure or table."""
    text = message.format(wildcards=SimpleNamespace(**wildcards))
    text = re.sub(rf"^({re.escape(item)}|Table|Figure)\s*:\s*", "", text).strip() or item
    return text[0].upper() + text[1:]


def ordered_entries(settings: PageSettings) -> dict[str, list[Entry]]:
    """Entries of every study: the paper's items in its order, then the others in the order of the workflow.

    Raises `InputError` if a file is missing, or if two entries have the same labels.
    """
    found: dict[str, list[Entry]] = {study: [] for study in papers() if study in settings.studies}
    for rule in settings.rules:
        found[rule.study] += entries_of(rule, settings.studies[rule.study])
    for study, entries in found.items():
        order = papers()[study]["order"]
        entries.sort(key=lambda entry: _place(entry, order))  # stable
    every = [entry for entries in found.values() for entry in entries]
    for entry in every:
        for path in [*entry.artefacts, entry.caption]:
            if not path.is_file() or not path.stat().st_size:
                raise InputError(
                    f"{path}: missing or empty, so that the page cannot show {entry.item} of {entry.study}: "
                    f"make it (rule {entry.rule}) and write the page again"
                )
    twice = [name for name, number in Counter(entry.id for entry in every).items() if number > 1]
    if twice:
        raise InputError(f"two entries of the page have the same labels ({twice[0]}): give their rules others")
    return found


def _place(entry: Entry, order: list[str]) -> int:
    item = entry.item.split(",")[0]
    return order.index(item) if item in order else len(order)


def is_of_paper(entry: Entry) -> bool:
    """Whether an entry is a figure, table or section of the paper."""
    return entry.item.split(",")[0] in papers()[entry.study]["order"]
