"""Writes the generated documents: JSON schema, key table, published numbers, differences from the papers, results."""

import csv
import itertools
import json
import re
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from regulens.config import Config
from regulens.core.errors import InputError
from regulens.core.io import read_text
from regulens.core.settings import settings_classes
from regulens.core.tables import require_one_of
from regulens.models.base import architectures
from regulens.report.items import differences, papers
from regulens.report.published_numbers import tables

BEGIN, END = "<!-- generated: {part} -->", "<!-- end of generated {part} -->"


def schema() -> dict:
    """JSON schema of a configuration file, with the settings of every registered architecture as definitions."""
    document = Config.model_json_schema()
    for name, model in architectures().items():
        part = model.Settings.model_json_schema(ref_template="#/$defs/{model}")
        document["$defs"].update(part.pop("$defs", {}))
        document["$defs"][f"architecture_{name}"] = part | {"title": name}
    return document


LONGEST_DEFAULT = 100


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel):
        return "see below"
    text = json.dumps(to_jsonable_python(field.default))
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else f"`{text[:LONGEST_DEFAULT]}` ..."


def _rows(model: type[BaseModel], prefix: str, fields: set[str] | None = None, when: str = "") -> list[str]:
    """Table rows of a settings class and everything below it."""
    rows = []
    for key, field in model.model_fields.items():
        if fields is not None and key not in fields:
            continue
        path = f"{prefix}.{key}" if prefix else key
        text = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{path}` | {_default(field)} | {when}{text} |")
        inner = settings_classes(field.annotation)
        below = f"{path}.<name>" if get_origin(field.annotation) is dict else path
        if len(inner) > 1:
            rows += _alternatives(inner, below)
        elif inner:
            rows += _rows(inner[0], below, when=when)
    return rows


def _alternatives(models: list[type[BaseModel]], prefix: str) -> list[str]:
    """Rows of classes that are alternatives by `route`: shared keys once, then what each adds."""
    shared = set.intersection(*(set(model.model_fields) for model in models)) - {"route"}
    routes = [get_args(model.model_fields["route"].annotation)[0] for model in models]
    rows = [f"| `{prefix}.route` | required | One of {', '.join(f'`{route}`' for route in routes)}. |"]
    rows += _rows(models[0], prefix, shared)
    for model, route in zip(models, routes, strict=True):
        rows += _rows(model, prefix, set(model.model_fields) - shared - {"route"}, f"Route `{route}`: ")
    return rows


def key_table() -> str:
    """Markdown tables of all keys: the configuration, then the settings of each architecture."""
    head = ["| key | default | meaning |", "|---|---|---|"]
    parts = ["\n".join(head + _rows(Config, ""))]
    for name, model in architectures().items():
        parts.append(f"### `settings` of architecture `{name}`\n\n" + "\n".join(head + _rows(model.Settings, "")))
    return "\n\n".join(parts)


def difference_tables() -> str:
    """Markdown tables of what differs from each paper, one row per entry of ``report/differences.yaml``.

    The id of an entry is an anchor, so that text and comments can link to its row.
    """
    parts = []
    for study, paper in papers().items():
        rows = [
            f'| <a id="{entry["id"]}"></a>`{entry["id"]}` | {entry["paper"]} | {entry["here"]} | {entry["why"]} |'
            for entry in differences()
            if entry["study"] == study
        ]
        head = ["| | The paper | Here | Why |", "|---|---|---|---|"]
        parts.append(f"### {paper['name']}: open points\n\n" + "\n".join(head + rows))
    return "\n\n".join(parts)


def _with_part(path: Path, part: str, generated: str) -> str:
    """Text of a file with the part between its two marker lines replaced by ``generated``."""
    begin, end = BEGIN.format(part=part), END.format(part=part)
    text = path.read_text()
    if begin not in text or end not in text:
        raise InputError(f"{path}: the lines '{begin}' and '{end}' that enclose the generated part are missing")
    return f"{text.split(begin)[0]}{begin}\n\n{generated}\n\n{end}{text.split(end)[1]}"


# Tables of committed results in documents that people write.

TABLE = re.compile(r"<!-- table: (?P<path>\S+)(?P<keys>.*) -->\n(?:[^<\n].*\n|\n)*<!-- end of table -->")
"""Lines that enclose a table: its file, from the root, and optionally `rows: REGULAR EXPRESSION; columns: A, B`."""


def with_tables(path: Path, root: Path) -> str:
    """Text of a Markdown file with every table between two marker lines replaced by the committed one that they name.

    The first table of the file named (Markdown, or a CSV) is shown without its notes: of it only the rows whose cells,
    joined by spaces, match ``rows`` from the start, and the ``columns`` of these headings. Raises `InputError` for a
    file, rows or a column that does not exist.
    """

    def table(mark: re.Match) -> str:
        keys = dict(re.findall(r"(\w+): ([^;]+)", mark["keys"]))
        shown = _committed_table(root / mark["path"], keys.get("rows", ""), keys.get("columns"), path)
        return f"{mark[0].splitlines()[0]}\n\n{shown}\n\n<!-- end of table -->"

    return TABLE.sub(table, path.read_text())


def _committed_table(source: Path, rows: str, columns: str | None, path: Path) -> str:
    text = read_text(source).splitlines()
    if source.suffix == ".csv":
        header, *body = [[cell.replace("|", r"\|") for cell in row] for row in csv.reader(text)]
        numbers = [all(re.fullmatch(r"-?[\d.e-]*", row[place]) for row in body) for place in range(len(header))]
        cells = [header, ["---:" if number else "---" for number in numbers], *body]
    else:
        from_table = itertools.dropwhile(lambda line: not line.startswith("|"), text)
        lines = itertools.takewhile(lambda line: line.startswith("|"), from_table)
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    if not cells:
        raise InputError(f"{path}: {source} has no table")
    (header, rule), body = cells[:2], [row for row in cells[2:] if re.match(rows, " ".join(row))]
    if not body:
        raise InputError(f"{path}: no row of {source} matches {rows!r}")
    wanted, places = columns.split(", ") if columns else header, []
    for column in wanted:
        require_one_of(column, header, f"{path}: column of {source}")
        # Of headings that occur several times (`published`), the next one after the last column.
        after = places[-1] + 1 if places else 0
        places.append(header.index(column, after if column in header[after:] else 0))
    right = ["---:" if rule[place].endswith(":") else "---" for place in places]
    shown = [wanted, right, *([row[place] for place in places] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


def _documents(root: Path) -> dict[Path, str]:
    """Generated files and their expected contents."""
    keys, numbers, open_points = (
        root / name for name in ("config/README.md", "docs/published-numbers.md", "docs/papers.md")
    )
    written = [*root.glob("README.md"), *sorted((root / "docs").rglob("*.md"))]
    others = {path: with_tables(path, root) for path in written if path not in (numbers, open_points)}
    return others | {
        root / "workflow/schemas/config.schema.json": json.dumps(schema(), indent=2) + "\n",
        keys: _with_part(keys, "keys", key_table()),
        numbers: _with_part(numbers, "numbers", tables(root)),
        open_points: _with_part(open_points, "differences", difference_tables()),
    }


def write(root: Path) -> None:
    """Write the generated documents into the repository at ``root``."""
    for path, text in _documents(root).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check(root: Path) -> None:
    """Raise InputError when a generated file is out of date."""
    for path, text in _documents(root).items():
        if not path.exists() or path.read_text() != text:
            raise InputError(f"{path} is out of date: run `make schema` and commit the result")
