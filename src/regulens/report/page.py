"""Writes the HTML page: collects everything that is shown and renders the template."""

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from regulens import __version__
from regulens.core.command import Part, command
from regulens.core.io import atomic_output, note_read
from regulens.core.runs import EVIDENCE
from regulens.report import fragments
from regulens.report.facts import facts_of
from regulens.report.headlines import MEANING, Headline, headlines
from regulens.report.items import CLAIMS, Entry, PageSettings, differences, is_of_paper, ordered_entries, papers
from regulens.report.origin import Origin, origin_of
from regulens.studies.claims import FAILS, HOLDS, NO_TEST, NOT_TESTED, count_verdicts, read_claims

PICTURES_BYTES = 9_000_000
"""Pictures with more bytes than this in all are reduced for the page (base64 adds a third)."""
VERDICTS = {HOLDS: "holds", FAILS: "fails", NO_TEST: "simulated", NOT_TESTED: "untested"}
"""CSS class of the badge of each verdict."""


class Show(NamedTuple):
    """Options for showing items."""

    rebuild: str
    """Command that makes a file again, without the file's path."""
    folder: Path
    """Folder that links are relative to."""
    smaller: bool
    """Whether pictures are made smaller."""


@command("report")
def write_page(settings: Part[PageSettings], rebuild: str, output: Path | str, study: str | None = None) -> None:
    """HTML page of a run: every figure and table in the order of the papers, with claims, captions and origin.

    Links are relative to the folder of ``output``. ``study``: restrict the page to this study. ``rebuild`` is the
    command that makes a file again, to which the file's path is appended. Raises `InputError` if a figure, table,
    caption or claims table is missing or unreadable.
    """
    output = Path(output)
    settings = settings if study is None else settings.of(study)
    entries = ordered_entries(settings)
    images = [path for found in entries.values() for entry in found for path in entry.images]
    show = Show(rebuild, output.parent, smaller=sum(path.stat().st_size for path in images) > PICTURES_BYTES)
    studies = [_study(name, settings, found, show) for name, found in entries.items()]
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            run=settings.run,
            written=datetime.now().astimezone(),
            studies=studies,
            explorer=settings.explorer,
            totals={
                "figures": len(images),
                "tables": sum(len(entry.tables) for found in entries.values() for entry in found),
                "claims": sum(sum(study["counts"].values()) for study in studies),
            },
            verdicts=VERDICTS,
            no_test=NO_TEST,
            evidence=EVIDENCE,
            meaning=MEANING,
            made_with=_made_with(studies),
        )
    )
    with atomic_output(output) as temporary:
        temporary.write_text(html)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("regulens.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["yaml"] = lambda value: yaml.safe_dump(
        value, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )
    environment.filters["inline"] = fragments.inline
    return environment


def _study(name: str, settings: PageSettings, found: list[Entry], show: Show) -> dict:
    """Template variables of a study."""
    table = settings.folder / name / "claims.csv"
    claims, evidence = read_claims(table), settings.studies[name]["evidence"]
    shown = [_item(entry, show) for entry in found]
    own_claims = [item for item in shown if item["is_claims"]]
    others = [(item, entry) for item, entry in zip(shown, found, strict=True) if not item["is_claims"]]
    return {
        "id": name,
        **papers()[name],
        "evidence": evidence,
        "headlines": headlines(
            [Headline(**one) for one in papers()[name]["headlines"]], settings.folder / name, evidence
        ),
        "strip": _strip(found),
        "facts": facts_of(name, settings.studies[name], found),
        "claims": claims,
        "counts": count_verdicts(claims),
        "untested": Counter(claim["numbers"] for claim in claims if claim["verdict"] == NOT_TESTED),
        "claims_item": own_claims[0] if own_claims else None,
        "sections": [
            ("In the paper's order", f"{name}-paper", [item for item, entry in others if is_of_paper(entry)]),
            ("Beyond the paper", f"{name}-beyond", [item for item, entry in others if not is_of_paper(entry)]),
        ],
        "differences": [entry for entry in differences() if entry["study"] == name],
        "settings": settings.studies[name],
    }


def _strip(found: list[Entry]) -> list[dict]:
    """Thumbnails of a study's figures: those of the paper, in its order, or all if it has none of them."""
    drawn = [entry for entry in found if entry.images]
    chosen = [entry for entry in drawn if is_of_paper(entry)] or drawn
    return [
        {"id": entry.id, "item": entry.item, "title": entry.title, "data": fragments.thumbnail(entry.images[0])}
        for entry in chosen
    ]


def _item(entry: Entry, show: Show) -> dict:
    """Template variables of one figure or table."""
    for path in [*entry.artefacts, entry.caption]:
        note_read(path)
    heading = f"{entry.item}: {entry.title}"
    caption = fragments.caption(entry.caption)
    is_claims = entry.item == CLAIMS
    return {
        "id": entry.id,
        "item": entry.item,
        "title": entry.title,
        "rule": entry.rule,
        "is_claims": is_claims,
        "caption": caption,
        "tables": [fragments.table(path, heading) for path in entry.tables if not is_claims and _is_shown(path, entry)],
        "pictures": [
            {
                **fragments.picture(path, show.smaller)._asdict(),
                "alt": fragments.alternative_text(entry.item, entry.title, caption),
                "link": _link(path, show.folder),
            }
            for path in entry.images
        ],
        "files": [(path.name, _link(path, show.folder)) for path in entry.files if path.is_file()],
        "rebuild": f"{show.rebuild} {entry.artefacts[0]}",
        "trace": f"regulens trace {entry.artefacts[0]}",
        "origin": origin_of(entry.artefacts[0]),
    }


def _is_shown(table: Path, entry: Entry) -> bool:
    """Whether a table is one to read: numbers behind a picture, without a version for readers, are only linked."""
    return not entry.images or table.with_suffix(".md").is_file()


def _link(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _made_with(studies: list[dict]) -> list[tuple[str, str]]:
    """Versions of code and packages that made the results, from their manifests."""
    codes, pythons, packages = set(), set(), {}
    for study in studies:
        for _, _, items in study["sections"]:
            for item in items:
                origin: Origin = item["origin"]
                if origin.identity:
                    codes.add(_code(origin.identity["code"]))
                    pythons.add(origin.identity["python"])
                    packages |= origin.identity["packages"]
    facts = [("Code", ", ".join(sorted(codes)) or f"regulens {__version__}")]
    if pythons:
        facts.append(("Python", ", ".join(sorted(pythons))))
    names = [name for name in ("torch", "numpy", "snakemake", "transformers") if name in packages]
    if names:
        facts.append(("Packages", ", ".join(f"{name} {packages[name]}" for name in names)))
    return facts


def _code(code: dict) -> str:
    commit = code.get("commit")
    return f"regulens {code['version']}" + (f" at {commit}" if commit else "")
