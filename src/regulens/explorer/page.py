"""The page of the explorer (`explore.html`), drawn by Bokeh: one file that needs no network.

Whatever can be chosen is in the page as numbers; a few lines of JavaScript beside this file copy the chosen ones into
the sources of the plots.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.layouts import column, row
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJS,
    Div,
    HoverTool,
    RadioButtonGroup,
    Range1d,
    Select,
    Span,
    TabPanel,
    Tabs,
    UIElement,
)
from bokeh.plotting import figure
from bokeh.resources import INLINE

from regulens.core.command import Part, command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.runs import CLASSES, EVIDENCE, EvidenceKind, Run, TaskRun, labelled
from regulens.core.tables import read_table
from regulens.data.links import READOUT_COLUMNS, read_pairs
from regulens.data.sequences import read_sites
from regulens.data.simulate.genome import read_planted
from regulens.data.store import AssayStore, parse_location
from regulens.explorer.choice import MUTANT_COLUMNS, QUALITIES, correlations
from regulens.explorer.settings import ExplorerSettings
from regulens.interpret.attribution import ATTRIBUTIONS, AttributionFile
from regulens.interpret.score_file import ScoreFile
from regulens.interpret.scores import SCORES
from regulens.plotting.logos import LETTER_COLOURS, LETTER_WIDTH, LETTERS, ROLE_COLOURS, letter_outline
from regulens.plotting.style import DARK_GREY, GREY, LIGHT_GREY, TRUTH, in_order, model_colour, score_style
from regulens.training.evaluate import open_predictions

ARCS = 12
"""Bins with the most attention that get an arc."""


class Locus(NamedTuple):
    """What the first tab chooses from: S segments, T tracks, M models, C scores."""

    models: list[Run]
    scores: list[str]
    readouts: pd.DataFrame
    """One row per segment and track, segments first."""
    bin_bp: int
    numbers: dict[str, Any]
    """``start`` and ``contig`` (S,) of the segments; ``position`` (S, T) of the read-outs; ``measured`` (S, T, bins);
    ``predicted`` (M, S, T, bins); ``r`` (M, S, T); ``attribution`` (M, C, S, T, window), NaN for a score that a model
    lacks; ``arcs`` and ``weights`` (M, S, T, `ARCS`): position and share of the bins with most attention."""


@command("explorer")
def write_explorer(
    output: Path | str,
    run: Part[str],
    explorer: Part[ExplorerSettings],
    readouts: Path | str | None = None,
    test: Path | str | None = None,
    predictions: Sequence[Run] = (),
    attributions: Sequence[Run] = (),
    planted: Path | str | None = None,
    pairs: Path | str | None = None,
    relevance: Sequence[TaskRun] = (),
    mutants: Sequence[TaskRun] = (),
    sites: Sequence[TaskRun] = (),
    labels: Part[Mapping[str, str] | None] = None,
    task_labels: Part[Mapping[str, str] | None] = None,
    evidence: Part[EvidenceKind | None] = None,
    task_evidence: Part[EvidenceKind | None] = None,
) -> None:
    """The explorer of a run: choose a model, a segment, a track and a score, or a sequence, and see its plots.

    Arguments:
        readouts: the chosen segments and tracks (`regulens explorer-readouts`); without it no tab of segments.
        test: store of the test set.
        predictions, attributions: of each model, for the same segments.
        planted: known elements and sites of a simulated genome.
        pairs: known elements of a real one, a table of pairs.
        relevance, mutants: of each task, `regulens explorer-mutants`; without them no tab of sequences.
        sites: known motif sites of the sequences, where there are any.
        evidence, task_evidence: what the data of the segments and of the sequences are.
    """
    tabs: dict[str, tuple[UIElement, CustomJS]] = {}
    if readouts:
        locus = read_locus(readouts, test, labelled(predictions, labels), attributions)
        known = known_places(locus, planted, pairs)
        tabs["Segments of the genome"] = locus_tab(locus, known, explorer.attribution.bins)
    if relevance:
        tasks = labelled(relevance, task_labels)
        of = {"mutants": mutants, "sites": sites}
        paths = {name: {found.task: found.path for found in runs} for name, runs in of.items()}
        found = {task.label: read_task(task, paths["mutants"], paths["sites"]) for task in tasks}
        tabs["Sequences of a classifier"] = sequence_tab(found)
    if not tabs:
        raise InputError("the explorer has nothing to show: give --readouts or --relevance")
    made_from = [EVIDENCE[kind] for kind in dict.fromkeys([evidence, task_evidence]) if kind]
    head = Div(text=_text("head.html").replace("RUN", run).replace("DATA", " and ".join(made_from) or "data"))
    panels = [TabPanel(title=title, child=child) for title, (child, _) in tabs.items()]
    # The tabs' own headers cannot be reached with the keyboard, buttons can.
    parts = Tabs(tabs=panels, sizing_mode="stretch_width", stylesheets=[".bk-header { display: none }"])
    focus = ".bk-btn:focus-visible { outline: 3px solid #c2410c; outline-offset: 2px }"
    chooser = RadioButtonGroup(labels=list(tabs), active=0, visible=len(tabs) > 1, stylesheets=[focus])
    chooser.js_link("active", parts, "active")
    document = Document()
    document.add_root(column(head, chooser, parts, sizing_mode="stretch_width"))
    document.js_on_event("document_ready", *(change for _, change in tabs.values()))
    with atomic_output(output) as temporary:
        temporary.write_text(file_html(document, INLINE, f"Explorer of {run}", template=_text("page.html")))


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


# Segments of the genome.


def read_locus(
    readouts: Path | str, test: Path | str | None, predictions: Sequence[Run], attributions: Sequence[Run]
) -> Locus:
    """Read what the first tab shows. Raises `InputError` for files of other segments, tracks or models."""
    if not test or not predictions:
        raise InputError("the explorer of segments needs --test and --predictions")
    table = read_table(readouts, [*READOUT_COLUMNS, "segment", "why", "row"], ["position", "segment", "row"])
    segments, tracks = list(table["segment"].unique()), list(table["row"].unique())
    if len(table) != len(segments) * len(tracks):
        raise InputError(f"{readouts}: not every segment has a read-out of every track: make it again")
    shape = (len(segments), len(tracks))
    with AssayStore(test) as store:
        geometry = store.geometry
        measured = np.stack([store.target(segment)[:, tracks].T for segment in segments]).astype(np.float32)
        predicted = np.stack([_predicted(found.path, store, segments, tracks) for found in predictions])
        places = [parse_location(store.location(segment)) for segment in segments]
    inside, half = (geometry.input_bp - geometry.target_bp) // 2, geometry.input_bp // 2 // geometry.bin_bp
    files_of = {found.model: found.path for found in attributions}
    scores = in_order(name for path in files_of.values() for name in _names(path))
    values = np.full((len(predictions), max(len(scores), 1), *shape, 2 * half), np.nan, np.float32)
    for number, found in enumerate(predictions):
        if found.model in files_of:
            _fill(values[number], files_of[found.model], scores, table, geometry.bin_bp)
    position = table["position"].to_numpy().reshape(shape)
    arcs, weights = _arcs(values, scores, position, geometry.bin_bp)
    r = np.stack([correlations(measured.swapaxes(1, 2), each.swapaxes(1, 2)) for each in predicted])
    numbers = {
        "start": [start + inside for _, start, _ in places],
        "contig": [contig for contig, _, _ in places],
        "position": position,
        "measured": measured,
        "predicted": predicted,
        "r": r.astype(np.float32),
        "attribution": values,
        "arcs": arcs,
        "weights": weights,
    }
    return Locus(list(predictions), scores, table, geometry.bin_bp, numbers)


def _predicted(path: Path | str, store: AssayStore, segments: list[int], tracks: list[int]) -> np.ndarray:
    """float32 (S, T, bins)."""
    with open_predictions(path, store) as data:
        return np.stack([data[segment][:, tracks].T for segment in segments]).astype(np.float32)


def _names(path: Path | str) -> list[str]:
    with AttributionFile(path) as file:
        return file.names


def _fill(values: np.ndarray, path: Path | str, scores: list[str], table: pd.DataFrame, bin_bp: int) -> None:
    """Put the scores of a file, summed over bins around each read-out, into ``values`` (C, S, T, window)."""
    window = values.shape[-1]
    with AttributionFile(path) as file:
        if list(file.readouts["readout"]) != list(table["readout"]):
            raise InputError(f"{path}: made for other read-outs: make it again")
        for name in file.names:
            bases = file.score(name)
            first = bases.shape[1] // 2 - window // 2 * bin_bp
            sums = bases[:, first : first + window * bin_bp].reshape(len(bases), window, bin_bp).sum(-1)
            values[scores.index(name)] = sums.reshape(values.shape[1:])


def _arcs(values: np.ndarray, scores: list[str], position: np.ndarray, bin_bp: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (bp) of the bins with the most attention, float32 (M, S, T, `ARCS`), and their share of the highest."""
    name = next((name for name in ("attention", "attention_flow") if name in scores), None)
    found = values[:, scores.index(name)] if name else np.full_like(values[:, 0], np.nan)
    window = found.shape[-1]
    # The read-out's own bins, in the middle, attend to themselves.
    found = np.where(np.abs(np.arange(window) - window / 2 + 0.5) < 1, np.nan, found)
    top = np.argsort(-np.nan_to_num(found, nan=-1), axis=-1)[..., :ARCS]
    weights = np.take_along_axis(found, top, -1)
    highest = np.nanmax(weights, -1, keepdims=True, initial=np.finfo(np.float32).tiny)
    centres = position[None, :, :, None] + (top - window / 2 + 0.5) * bin_bp
    return np.where(np.isnan(weights), np.nan, centres).astype(np.float32), (weights / highest).astype(np.float32)


def known_places(locus: Locus, planted: Path | str | None, pairs: Path | str | None) -> list[dict[str, list]]:
    """Known elements and sites in each segment and as far as an input reaches beyond it, as sources of the plot."""
    if planted:
        table = read_planted(planted)
        table["kind"] = table["kind"].where(table["kind"] == "element", "site")
    elif pairs:
        table = read_pairs(pairs).drop_duplicates(["contig", "start", "end"])
        table = table.assign(name=table["element"], kind=np.where(table["regulated"], "site", "element"))
    else:
        table = pd.DataFrame(columns=["contig", "start", "end", "name", "kind"])
    colours = {"site": ROLE_COLOURS["positive"], "element": ROLE_COLOURS["shared"]}
    found = []
    length, reach = (locus.numbers[name].shape[-1] * locus.bin_bp for name in ("measured", "attribution"))
    for start, contig in zip(locus.numbers["start"], locus.numbers["contig"], strict=True):
        near = (table["end"] > start - reach / 2) & (table["start"] < start + length + reach / 2)
        here = table[(table["contig"] == contig) & near]
        found.append(
            {
                "left": (here["start"] / 1000).tolist(),
                "right": (here["end"] / 1000).tolist(),
                "bottom": [1.1 if kind == "site" else 0.0 for kind in here["kind"]],
                "top": [2.1 if kind == "site" else 1.0 for kind in here["kind"]],
                # Sites are too narrow for their names.
                "text": ["" if kind == "site" else name for name, kind in zip(here["name"], here["kind"], strict=True)],
                "name": here["name"].tolist(),
                "kind": here["kind"].tolist(),
                "colour": [colours.get(kind, GREY) for kind in here["kind"]],
            }
        )
    return found


def locus_tab(locus: Locus, known: list[dict[str, list]], bins: int | None) -> tuple[UIElement, CustomJS]:
    """Selections above the plots of one segment, on one axis; a read-out has so many ``bins``, None all."""
    numbers, table = locus.numbers, locus.readouts
    first = table.drop_duplicates("segment")
    names = [name + _figure(why) for name, why in zip(_spans(locus), first["why"], strict=True)]
    # The first that has attention has something in every plot.
    with_attention = ~np.isnan(numbers["arcs"]).all(axis=(1, 2, 3))
    selects = {
        "model": _select("Model", [run.label for run in locus.models], int(with_attention.argmax())),
        "segment": _select("Test segment, highest r first", names),
        "track": _select("Track", list(table["track"].unique())),
        "score": _select("Score of the bases", [ATTRIBUTIONS[name].label for name in locus.scores]),
    }
    scored = ~np.isnan(numbers["attribution"]).all(axis=(2, 3, 4))
    offers = [[option for option, there in zip(selects["score"].options, of, strict=False) if there] for of in scored]
    x_range = Range1d(0, 1)
    sources = {
        "coverage": _source("left", "right", "measured", "predicted", "colour"),
        "attribution": _source("left", "right", "top", "colour"),
        "arcs": _source("x0", "y0", "x1", "y1", "cx0", "cx1", "cy", "weight", "width"),
        "places": _source("left", "right", "bottom", "top", "name", "text", "kind", "colour"),
    }
    heights = {"measured": 130, "predicted": 130, "attribution": 150, "arcs": 110, "places": 150}
    panels = {
        name: _panel(x_range, height, name == "places", name not in ("arcs", "places"))
        for name, height in heights.items()
    }
    panels["predicted"].y_range = panels["measured"].y_range
    box = {"left": "left", "right": "right", "bottom": 0, "line_color": None}
    panels["measured"].quad(**box, top="measured", source=sources["coverage"], fill_color=TRUTH.colour)
    panels["predicted"].quad(**box, top="predicted", source=sources["coverage"], fill_color="colour")
    panels["attribution"].quad(**box, top="top", source=sources["attribution"], fill_color="colour")
    kb = ("kb", "@left{0,0.000} to @right{0,0.000}")
    both = [kb, ("measured", "@measured{0,0.000}"), ("predicted", "@predicted{0,0.000}")]
    for name, label, shown in (
        ("measured", "Coverage", both),
        ("predicted", "Coverage", both),
        ("attribution", "Score", [kb, ("score", "@top")]),
    ):
        panels[name].yaxis.axis_label = label
        # Anywhere above or below a bar, which may be too low to point at.
        panels[name].add_tools(HoverTool(tooltips=shown, mode="vline"))
    panels["arcs"].bezier(
        **{end: end for end in ("x0", "y0", "x1", "y1", "cx0", "cx1")},
        **{"cy0": "cy", "cy1": "cy", "line_width": "width", "line_alpha": "weight"},
        source=sources["arcs"],
        line_color=score_style("attention").colour,
    )
    box |= {"bottom": "bottom", "top": "top"}
    panels["places"].quad(**box, source=sources["places"], fill_color="colour", fill_alpha=0.7)
    panels["places"].add_tools(HoverTool(tooltips=[("", "@kind @name"), kb]))
    _names_of(panels["places"], sources["places"], "top")
    panels["places"].xaxis.axis_label = "Position (kb)"
    lines = [Span(dimension="height", line_dash="dotted", line_color=DARK_GREY) for _ in range(2)]
    target = BoxAnnotation(fill_color=LIGHT_GREY, fill_alpha=0.35, line_color=None, level="underlay")
    for panel in panels.values():
        for mark in (target, *lines):
            panel.add_layout(mark)
    given = {
        **selects,
        **sources,
        "data": numbers,
        "sites": known,
        "names": names,
        "offers": offers,
        "panels": panels,
        "target": target,
        "low": lines[0],
        "high": lines[1],
        "x_range": x_range,
        "bin_bp": locus.bin_bp,
        "readout_bp": (bins or numbers["measured"].shape[2]) * locus.bin_bp,
        "colours": [model_colour(run.model) for run in locus.models],
        "score_colours": [score_style(name).colour for name in locus.scores],
    }
    lead = "Coverage of a test segment, and the bases that a model's prediction between the dotted lines rests on."
    return _wired("locus", lead, given, selects, panels)


def _spans(locus: Locus) -> list[str]:
    length = locus.numbers["measured"].shape[2] * locus.bin_bp
    starts, contigs = locus.numbers["start"], locus.numbers["contig"]
    return [f"{contig}:{start:,}-{start + length:,}" for contig, start in zip(contigs, starts, strict=True)]


# Sequences of a classifier.


def read_task(run: TaskRun, mutants: Mapping[str, Path | str], sites: Mapping[str, Path | str]) -> dict[str, Any]:
    """What the second tab chooses from, of one task, as the page's JavaScript reads it.

    ``codes`` uint8 (S, L), ``values`` float32 (C, S, L) of the scores, ``mutants`` (means over so many ``draws``) and
    ``sites`` of each sequence as sources. Raises `InputError` if the mutants are of other sequences.
    """
    if run.task not in mutants:
        raise InputError(f"the explorer needs --mutants {run.task}:{run.seed}=FILE")
    path = mutants[run.task]
    table = read_table(path, MUTANT_COLUMNS, ["row", "n", "draws", "probability"], keep_default_na=False)
    chosen = table.drop_duplicates("row")
    with ScoreFile(run.path) as file:
        rows = chosen["row"].to_numpy()
        if rows.max() >= len(file.ids) or [file.ids[row] for row in rows] != list(chosen["id"].astype(str)):
            raise InputError(f"{path}: mutants of other sequences than those of {run.path}: make it again")
        scores = in_order(file.names)
        codes, labels, ids = file.codes[rows], file.labels[rows], chosen["id"].astype(str)
        values = np.stack([file.score(name)[rows] for name in scores])
    known = read_sites(sites[run.task]) if run.task in sites else pd.DataFrame(columns=["id"])
    unmutated = table[table["score"] == ""].set_index("row")["probability"]
    names = [
        f"p = {unmutated[found.row]:.3f}, {found.id}, {CLASSES[label]}{_figure(found.why)}"
        for found, label in zip(chosen.itertuples(), labels, strict=True)
    ]
    return {
        "options": [[str(number), names[number]] for number in np.argsort(-unmutated[rows], kind="stable")],
        "scores": scores,
        "mutated": sorted(table["n"].unique().tolist()),
        "draws": int(table["draws"].max()),
        "codes": codes,
        "values": values,
        "mutants": [_curves(table[table["row"] == row], scores, unmutated[row]) for row in rows],
        "sites": [_arrows(known[known["id"] == name]) for name in ids],
    }


def _curves(table: pd.DataFrame, scores: Sequence[str], unmutated: float) -> dict[str, list]:
    """Probability by number of mutated bases, one line for each score."""
    found: dict[str, list] = {"xs": [], "ys": [], "colour": [], "label": []}
    for name in scores:
        of = table[table["score"] == name].sort_values("n")
        found["xs"].append([0, *of["n"].tolist()])
        found["ys"].append([unmutated, *of["probability"].tolist()])
        found["colour"].append(score_style(name).colour)
        found["label"].append(SCORES[name].label)
    return found


def _arrows(sites: pd.DataFrame) -> dict[str, list]:
    """Known sites, one above another."""
    count = len(sites)
    return {
        "left": sites["start"].tolist() if count else [],
        "right": sites["end"].tolist() if count else [],
        "bottom": [float(level) for level in range(count)],
        "top": [level + 0.9 for level in range(count)],
        "name": (names := [f"{found.motif} ({found.strand})" for found in sites.itertuples()] if count else []),
        "text": names,
        "colour": [ROLE_COLOURS[role] for role in sites["role"]] if count else [],
    }


def sequence_tab(tasks: Mapping[str, dict[str, Any]]) -> tuple[UIElement, CustomJS]:
    """Selections above the logos of one sequence by every score, and what mutants of it give."""
    first = next(iter(tasks.values()))
    selects = {
        "task": Select(title="Task", value=next(iter(tasks)), options=list(tasks)),
        "sequence": Select(
            title="Test sequence, highest p first", value="0", options=[tuple(option) for option in first["options"]]
        ),
    }
    x_range = Range1d(0, 1)
    places = _source("left", "right", "bottom", "top", "name", "text", "colour")
    above = _panel(x_range, 130, values=False)
    above.quad("left", "right", "top", "bottom", source=places, fill_color="colour", fill_alpha=0.6, line_color=None)
    above.add_tools(HoverTool(tooltips=[("", "@name"), ("bases", "@left to @right")]))
    _names_of(above, places, "bottom")
    logos, panels = {}, {}
    for name in in_order(name for task in tasks.values() for name in task["scores"]):
        logos[name] = _source("xs", "ys", "colour", "letter", "base", "value")
        panels[name] = _panel(x_range, 90, axis=False)
        panels[name].yaxis.axis_label = "Score"
        panels[name].patches("xs", "ys", source=logos[name], fill_color="colour", line_color=None)
        panels[name].add_tools(HoverTool(tooltips=[("base", "@base @letter"), ("score", "@value")]))
    lines, points = _source("xs", "ys", "colour", "label"), _source("x", "y", "colour", "label")
    # The legend comes below a frame of fixed height, else it takes the plot's.
    tools = {"tools": "pan,box_zoom,reset,save", "toolbar_location": "above"}
    below = figure(frame_height=260, sizing_mode="stretch_width", **tools)
    below.multi_line("xs", "ys", source=lines, line_color="colour", line_width=2, legend_field="label")
    marks = below.scatter("x", "y", source=points, color="colour", size=7)
    below.x_range, below.y_range = Range1d(0, max(n for task in tasks.values() for n in task["mutated"])), Range1d(0, 1)
    below.xaxis.axis_label, below.yaxis.axis_label = "Most relevant bases, replaced", "Probability of the true class"
    below.add_layout(below.legend[0], "below")
    below.legend.ncols, below.legend.label_text_font_size, below.toolbar.logo = 3, "11px", None
    below.legend.spacing, below.legend.glyph_width, below.legend.border_line_color = 12, 14, None
    below.add_tools(HoverTool(renderers=[marks], tooltips=[("", "@label"), ("replaced", "@x"), ("p", "@y{0.000}")]))
    given = {
        **selects,
        "tasks": dict(tasks),
        "letters": [_letter(letter) for letter in LETTERS],
        "logos": logos,
        "titles": {name: SCORES[name].label for name in logos},
        "panels": panels,
        "places": places,
        "title": above,
        "mutants": lines,
        "points": points,
        "curve": below.title,
        "mutated": below.x_range,
        "x_range": x_range,
    }
    lead = "What every score finds relevant in a test sequence, and what the classifier says once it is replaced."
    return _wired("sequence", lead, given, selects, {"sites": above, **panels, "mutants": below})


def _letter(letter: str) -> dict[str, Any]:
    """A letter's outline in a box of one base, its parts separated by NaN."""
    parts = letter_outline(letter).to_polygons()
    points = np.concatenate([np.concatenate([part, [[np.nan, np.nan]]]) for part in parts])[:-1]
    side = (1 - LETTER_WIDTH) / 2
    return {
        "name": letter,
        "colour": LETTER_COLOURS[letter],
        "x": points[:, 0] * LETTER_WIDTH + side,
        "y": points[:, 1],
    }


# Parts of both tabs.


def _select(title: str, names: Sequence[str], first: int = 0) -> Select:
    """A choice whose value is the number of the name; ``first``: what is chosen when the page opens."""
    return Select(title=title, value=str(first), options=[(str(number), name) for number, name in enumerate(names)])


def _source(*columns: str) -> ColumnDataSource:
    return ColumnDataSource({name: [] for name in columns})


def _panel(x_range: Range1d, height: int, axis: bool = True, values: bool = True) -> figure:
    """A plot as wide as the page, on a shared axis of positions; its script sets the ranges."""
    panel = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=x_range,
        y_range=Range1d(0, 1),
        tools="xpan,xbox_zoom,reset,save",
        toolbar_location="above" if axis and not values else None,
        min_border_left=60,
    )
    panel.outline_line_color = None
    panel.grid.visible = False
    panel.toolbar.logo = None
    panel.xaxis.visible, panel.yaxis.visible = axis, values
    panel.axis.minor_tick_line_color = None
    panel.yaxis.ticker.desired_num_ticks = 3
    panel.yaxis.axis_label_text_font_size = "11px"
    panel.yaxis.formatter.power_limit_low = -6
    return panel


def _figure(why: str) -> str:
    """What a list adds to a name: the figure that shows the same."""
    return "" if why in QUALITIES else f" ({why})"


def _names_of(panel: figure, boxes: ColumnDataSource, baseline: str) -> None:
    """Write names at the lower edges of sites or elements, below it if the ``baseline`` is top, where there is room."""
    names = _source("x", "y", "text")
    style = {"text_font_size": "11px", "text_align": "center", "text_baseline": baseline}
    panel.text("x", "y", "text", source=names, **style)
    write = CustomJS(args={"panel": panel, "boxes": boxes, "names": names}, code=_text("names.js"))
    boxes.js_on_change("data", write)
    panel.js_on_change("inner_width", write)
    for end in ("start", "end"):
        panel.x_range.js_on_change(end, write)


def _wired(
    tab_name: str, lead: str, given: dict[str, Any], selects: Mapping[str, Select], plots: Mapping[str, figure]
) -> tuple[UIElement, CustomJS]:
    """A line of text, selections in a row, plots, more words, and the script that each choice, and opening, runs."""
    change = CustomJS(args=given, code=_text("common.js") + _text(f"{tab_name}.js"))
    for name, select in selects.items():
        select.name, select.sizing_mode, select.min_width, select.max_width = name, "stretch_width", 120, 440
        select.js_on_change("value", change)
    for name, plot in plots.items():
        plot.name = name
    choices = row(*selects.values(), sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})
    words = Div(text=_text(f"{tab_name}.html"), stylesheets=["p { margin: 0.6em 0 }"])
    return column(Div(text=lead), choices, *plots.values(), words, sizing_mode="stretch_width"), change
