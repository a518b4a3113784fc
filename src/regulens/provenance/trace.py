"""Provenance of a file: its chain of manifests back to downloads, simulations and the user's own files."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from regulens.core.errors import InputError
from regulens.core.io import file_sum, manifest_path
from regulens.provenance.record import read_manifest, same_contents, same_size

__all__ = ["Step", "chain", "manifest_path", "read_manifest"]

_FEW = 4
"""Up to this many inputs made by the same command are listed individually."""


@dataclass
class Step:
    """One file or folder of a chain."""

    path: str
    """Path relative to the working folder of the run, as in its manifest or in that of a file made from it."""
    location: Path
    """Where it is, or was (see `kept`)."""
    manifest: dict[str, Any] | None = None
    """Its manifest; None for a file that no command made (e.g. the user's own) or whose manifest is missing."""
    sha256: str | None = None
    """sha256 of its contents; None if unknown."""
    inputs: list[int] = field(default_factory=list)
    """Its inputs, as positions in the chain."""
    problem: str | None = None
    """What is wrong at this step, in words: changed, made again, manifest missing or broken."""

    @property
    def kept(self) -> bool:
        """Whether the file exists; a temporary file may be deleted while its manifest remains."""
        return self.location.exists()

    @property
    def identity(self) -> dict[str, Any]:
        """The part of its manifest that does not depend on the run; empty without a manifest."""
        return self.manifest["identity"] if self.manifest else {}


def chain(artefact: Path | str, verify: bool = False) -> list[Step]:
    """Steps from a file or folder back to downloads, simulations and the user's own files, each once.

    The first step is ``artefact``; every step comes before its inputs. ``verify`` reads every file again and compares
    its sha256; otherwise only sizes are compared.

    Raises `InputError` when ``artefact`` has no manifest or a broken one; problems farther back are in ``problem`` of
    their step.
    """
    first = Path(artefact)
    if not first.exists() and not manifest_path(first).exists():
        raise InputError(f"{first}: no such file or folder")
    if first.suffix in FIGURES and not manifest_path(first).exists():
        raise InputError(f"{first}: a copy of {_made_at(first)}: name the folder of its run with --run")
    manifest = read_manifest(first)
    steps = [_step(manifest["identity"]["artefact"], first, manifest, verify)]
    places = {os.path.abspath(first): 0}
    waiting = [0]
    while waiting:
        step = steps[waiting.pop(0)]
        if step.manifest is None:
            continue
        pairs = zip(step.manifest["identity"]["inputs"], step.manifest["run"]["inputs"], strict=True)
        for entry, place in pairs:
            location = Path(os.path.normpath(step.location.parent / place))
            key = os.path.abspath(location)
            if key not in places:
                places[key] = len(steps)
                waiting.append(len(steps))
                steps.append(_input_step(entry, location, verify))
            else:
                _compare(steps[places[key]], entry)
            step.inputs.append(places[key])
    return steps


FIGURES = (".png", ".pdf")
"""Endings of figures, which say themselves where they were made."""


def original(copy: Path | str, run: Path | str) -> Path:
    """The figure in the folder of a run, ``results/<run>``, that a PNG or PDF elsewhere is a copy of.

    Raises `InputError` if the copy does not say where it was made, as figures of regulens do, if the run has no such
    figure, or if the figure there is another one by now.
    """
    copy, run = Path(copy), Path(run)
    made = _made_at(copy)
    parts = Path(made).parts
    places = [run.joinpath(*parts[first:]) for first in range(len(parts))]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(f"{copy}: it was made as {made}, which is not in {run}: name the folder of its run")
    if file_sum(found) != file_sum(copy):
        raise InputError(f"{copy}: {found} is another figure by now, or the copy was changed: compare the two")
    return found


def _made_at(path: Path) -> str:
    """Path that is stored in a figure (`plotting.style.save`)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the figure: {error.strerror}") from None
    found = None
    if content.startswith(b"\x89PNG"):
        from PIL import Image

        with Image.open(path) as image:
            found = image.info.get("Source")
    elif content.startswith(b"%PDF") and (subject := re.search(rb"/Subject \(((?:\\.|[^\\)])*)\)", content, re.S)):
        text = re.sub(rb"\\(.)", rb"\1", subject[1], flags=re.S)
        found = text.decode("utf-16" if text.startswith(b"\xfe\xff") else "latin-1")
    if not found:
        raise InputError(f"{path}: it does not say where it was made, as PNG and PDF figures of regulens do")
    return found


def _step(path: str, location: Path, manifest: dict[str, Any], verify: bool) -> Step:
    step = Step(path, location, manifest, manifest["identity"]["sha256"])
    if not step.kept:
        return step
    if not same_size(location, manifest):
        step.problem = f"{location} has changed since its manifest was written: its size differs"
    elif verify and not same_contents(location, manifest):
        step.problem = f"{location} has changed since its manifest was written: its sha256 differs"
    return step


def _input_step(entry: dict[str, Any], location: Path, verify: bool) -> Step:
    """The step of an input, as listed in the manifest of the file made from it."""
    if "manifest" not in entry:
        step = Step(entry["path"], location, sha256=entry["sha256"])
        if verify and location.is_file() and file_sum(location) != entry["sha256"]:
            step.problem = f"{location} has changed since it was used: its sha256 differs"
        return step
    try:
        manifest = read_manifest(location)
    except InputError as error:
        return Step(entry["path"], location, problem=str(error))
    step = _step(entry["path"], location, manifest, verify)
    _compare(step, entry)
    return step


def _compare(step: Step, entry: dict[str, Any]) -> None:
    """Note a problem if a step is not the one that another was made from."""
    if step.manifest and "manifest" in entry and entry["manifest"] != step.manifest["identity_sha256"]:
        step.problem = step.problem or f"{step.location} was made again since it was used"
    elif not step.manifest and "sha256" in entry and entry["sha256"] != step.sha256:
        step.problem = step.problem or f"{step.location} was used with two different contents"


# Output of chains, as JSON and as a tree.


def as_json(steps: list[Step]) -> str:
    """A chain as JSON: a list of maps with the fields of `Step`."""
    rows = [
        {
            "path": step.path,
            "location": str(step.location),
            "kept": step.kept,
            "sha256": step.sha256,
            "inputs": step.inputs,
            "problem": step.problem,
            "manifest": step.manifest,
        }
        for step in steps
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def tree(steps: Sequence[Step], everything: bool = False) -> Tree:
    """The steps of a `chain`, each once with its inputs below it.

    Of many inputs that the same command made, such as shards, the first two are shown, unless ``everything`` is set.
    """
    shown: set[int] = set()
    root = Tree(_label(steps[0]), highlight=False)

    def add(parent: Tree, place: int) -> None:
        shown.add(place)
        for child, more in _folded(steps, steps[place].inputs, everything):
            if more:
                parent.add(f"[dim]and {more:,} more by {escape(_maker(steps[child]))} (--all shows them)[/]")
            elif child in shown:
                parent.add(f"{escape(steps[child].path)} [dim](above)[/]")
            else:
                add(parent.add(_label(steps[child])), child)

    add(root, 0)
    return root


def _folded(steps: Sequence[Step], inputs: Sequence[int], everything: bool) -> Iterator[tuple[int, int]]:
    """Positions of inputs to show, with 0; after two of many alike, the next one with the number left out."""
    groups: dict[str, list[int]] = {}
    for place in inputs:
        groups.setdefault(_maker(steps[place]) if steps[place].manifest else f"file {place}", []).append(place)
    for places in groups.values():
        few = everything or len(places) <= _FEW
        yield from ((place, 0) for place in (places if few else places[:2]))
        if not few:
            yield places[2], len(places) - 2


def url_of(step: Step) -> str | None:
    """URL of a download; None for other steps. (Older manifests have it among the settings.)"""
    arguments, settings = (step.identity.get(name, {}) for name in ("arguments", "settings"))
    return arguments.get("url") or (settings.get("source") or {}).get("url")


def _label(step: Step) -> str:
    """Path and, below it, how it was made."""
    lines = [f"[bold]{escape(step.path)}[/]{'' if step.kept else ' [dim](not kept)[/]'}"]
    identity = step.identity
    if identity:
        pairs = ((name, value if isinstance(value, list) else [value]) for name, value in identity["arguments"].items())
        pairs = ((name, values) for name, values in pairs if name not in ("url", "sha256"))  # below
        arguments = " ".join(f"{name}={','.join(map(str, values))}" for name, values in pairs)
        lines.append(escape(f"{_maker(step)} {arguments}".rstrip()))
        lines.append(f"[dim]{escape(', '.join(_circumstances(identity)))}[/]")
    if url := url_of(step):
        lines.append(escape(f"from {url}"))
    if step.sha256 and (not identity.get("inputs")):
        lines.append(f"[dim]sha256 {step.sha256}[/]")
    if step.problem:
        lines.append(f"[red]{escape(step.problem)}[/]")
    elif not identity:
        lines.append("[dim]no manifest: not made by a command, or by one of an older version[/]")
    return "\n".join(lines)


def _maker(step: Step) -> str:
    return f"regulens {step.identity['command']}" if step.manifest else "no command"


def _circumstances(identity: dict) -> Iterator[str]:
    code = identity["code"]
    yield f"regulens {code['version']} ({code['commit'] or 'code ' + code['hash']})"
    seed = identity["seed"]
    if isinstance(seed, dict):
        yield ", ".join(f"{name} {number}" for name, number in seed.items())
    elif seed is not None:
        yield f"seed {seed}"
    yield f"{identity['threads']} thread{'s' * (identity['threads'] != 1)}"
    yield identity["device"]
