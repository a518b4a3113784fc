"""A chain of manifests as a tree for a reader."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.tree import Tree

from regulens.provenance import Step

_FEW = 4
"""As many inputs by the same command are shown one by one."""


def tree(steps: Sequence[Step], everything: bool = False) -> Tree:
    """The steps of `provenance.chain`, each once with its inputs below it.

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
    """Places of inputs with 0, and after the first two of many alike the next place with how many are left out."""
    groups: dict[str, list[int]] = {}
    for place in inputs:
        groups.setdefault(_maker(steps[place]) if steps[place].manifest else f"file {place}", []).append(place)
    for places in groups.values():
        few = everything or len(places) <= _FEW
        yield from ((place, 0) for place in (places if few else places[:2]))
        if not few:
            yield places[2], len(places) - 2


def _maker(step: Step) -> str:
    return f"regulens {step.identity['command']}" if step.manifest else "no command"


def _label(step: Step) -> str:
    """Path and, below it, how it was made."""
    lines = [f"[bold]{escape(step.path)}[/]{'' if step.kept else ' [dim](not kept)[/]'}"]
    identity = step.identity
    if identity:
        arguments = " ".join(f"{name}={_value(value)}" for name, value in identity["arguments"].items())
        lines.append(escape(f"{_maker(step)} {arguments}".rstrip()))
        lines.append(f"[dim]{escape(', '.join(_circumstances(identity)))}[/]")
    if source := identity.get("settings", {}).get("source"):
        lines.append(escape(f"from {source['url']}"))
    if step.sha256 and (not identity.get("inputs")):
        lines.append(f"[dim]sha256 {step.sha256}[/]")
    if step.problem:
        lines.append(f"[red]{escape(step.problem)}[/]")
    elif not identity:
        lines.append("[dim]no manifest: not made by a command, or by one of an older version[/]")
    return "\n".join(lines)


def _value(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


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
