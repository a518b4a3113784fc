"""What goes on the page: the outputs that the rules mark for the report, grouped into entries in the papers' order."""

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

CLAIMS = "Claims"
"""Item of the claims table, which has a section of its own."""


class ShownRule(Settings):
    """A rule with outputs that are marked for the report, and the wildcards it was asked for."""

    study: str
    rule: str
    caption: Path
    message: str = ""
    labels: dict[str, str]
    shown: list[str]
    """Outputs that are marked, as patterns with {wildcards}."""
    outputs: list[str]
    """All outputs, as patterns."""
    wildcards: list[dict[str, str]]


class PageSettings(Settings):
    """What the workflow tells the page: its rules, and the configuration of each study that it ran."""

    run: str
    folder: Path
    """Folder of the results, `results/<run>`."""
    studies: dict[str, dict]
    """Configuration of each study."""
    rules: list[ShownRule]

    def of(self, study: str) -> "PageSettings":
        """The same of one study alone. Raises `InputError` when it was not run."""
        if study not in self.studies:
            raise InputError(f"study {study} is not of this run; {nearest(study, list(self.studies))}")
        rules = [rule for rule in self.rules if rule.study == study]
        return self.model_copy(update={"studies": {study: self.studies[study]}, "rules": rules})


@dataclass
class Entry:
    """One figure or table: what is seen of it, and the files beside it."""

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
    """Of every study: the paper's title and short name, a paragraph about it, and its items in the paper's order."""
    return yaml.safe_load((files(__package__) / "papers.yaml").read_text())


@cache
def differences() -> list[dict[str, str]]:
    """What differs from each paper, in order: id, study, what the paper says, what is done here, and why."""
    return yaml.safe_load((files(__package__) / "differences.yaml").read_text())


def slug(*words: str) -> str:
    """Name that may stand in an address: lower case, digits, underscores and hyphens."""
    return re.sub(r"[^a-z0-9_]+", "-", "-".join(words).lower()).strip("-")


def entries_of(rule: ShownRule, configured: dict) -> list[Entry]:
    """One entry for each set of wildcards of a rule; ``configured`` has the names of tasks and networks for readers."""
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
    """The configured name for readers of a task or network, where it has one."""
    for group in (configured, configured.get("tasks", {}), configured.get("architectures", {})):
        if isinstance(group.get(name), dict) and "label" in group[name]:
            return group[name]["label"].split(",")[0]
    return name


def _title(message: str, item: str, wildcards: dict[str, str]) -> str:
    """The rule's message without the number of the figure or table."""
    text = message.format(wildcards=SimpleNamespace(**wildcards))
    text = re.sub(rf"^({re.escape(item)}|Table|Figure)\s*:\s*", "", text).strip() or item
    return text[0].upper() + text[1:]


def in_order(settings: PageSettings) -> dict[str, list[Entry]]:
    """Entries of every study: the paper's items in its order, then the others as the workflow has them.

    Raises `InputError` when a file is missing, or when two entries cannot be told apart.
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


def of_paper(entry: Entry) -> bool:
    """Whether the paper has this figure, table or section."""
    return entry.item.split(",")[0] in papers()[entry.study]["order"]
