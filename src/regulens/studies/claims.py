"""Reads the claims of a paper from ``<study>/claims.yaml``, evaluates them and writes the table of verdicts.

A claim states the numbers that it needs (``values``: a method of the study's ``Evidence`` with its arguments), the
comparison that must hold (``comparison``: classes of this module) and the text of the table (``numbers``: a format
string whose fields are those numbers). The numbers of a run and those of the paper are two objects of the same class
`Evidence`, evaluated by the same criterion.
"""

import inspect
import math
import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, NamedTuple

import pandas as pd
from pydantic import create_model, model_validator
from scipy.stats import spearmanr

from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.runs import EvidenceKind
from regulens.core.settings import Settings, validated
from regulens.core.tables import decimal, interval, markdown_table, p_text, read_table, signed
from regulens.core.yaml_file import read_yaml

HOLDS, FAILS = "holds", "does not hold"
NOT_TESTED, NOT_PUBLISHED = "not tested in this run", "not in the paper's table"
NO_TEST = "not a test: simulated data"
VERDICTS = (HOLDS, FAILS, NO_TEST, NOT_TESTED)
"""Verdicts on a run."""
COLUMNS = ["claim", "where", "sentence", "criterion", "verdict", "numbers", "published_verdict", "published_numbers"]
CRITERIA = (
    "Claims are sentences of the paper in our words. It states directions; the thresholds of the criteria are ours, "
    "and the same criterion is applied to the numbers that the authors published, so that a claim may fail there, too."
)
"""Note below every claims table."""


class NotTested(Exception):
    """A claim cannot be evaluated; the message says what is missing."""


# Numbers, as returned by evidence, compared, and formatted in texts.


class Estimate(NamedTuple):
    """A number, with the limits of its 95 % interval (NaN if it has none)."""

    value: float
    low: float = math.nan
    high: float = math.nan
    name: str = ""
    note: str = ""
    """Text after the number."""
    digits: int = 3

    def __format__(self, spec: str) -> str:
        """'0.859 [0.839, 0.878]'; '+': with its sign; 'p': as a p-value; other specifications are Python's."""
        if spec not in ("", "+"):
            return p_text(self.value) if spec == "p" else format(self.value, spec)
        text = (signed if spec else decimal)(self.value, self.digits)
        limits = (self.low, self.high)
        return text + ("" if any(map(math.isnan, limits)) else f" {interval(*limits, self.digits)}") + self.note


class Group(list[Estimate]):
    """Several numbers with their names."""

    @classmethod
    def of(cls, column: pd.Series) -> "Group":
        """The values of a column, named by its index."""
        return cls(Estimate(value, name=str(name)) for name, value in column.items())

    def __format__(self, spec: str) -> str:
        """The numbers, each after its name if it has one."""
        return ", ".join(f"{item.name} {item:{spec}}".lstrip() for item in self)

    @property
    def column(self) -> pd.Series:
        """The values by name."""
        return pd.Series([item.value for item in self], [item.name for item in self], dtype=float)

    count = property(len)
    lowest = property(lambda self: self[self.column.argmin()])
    highest = property(lambda self: self[self.column.argmax()])
    mean = property(lambda self: Estimate(self.column.mean(), digits=self[0].digits))
    median = property(lambda self: Estimate(self.column.median()))
    spread = property(lambda self: Estimate(self.highest.value - self.lowest.value))
    positive = property(lambda self: int((self.column > 0).sum()))
    range = property(lambda self: Range((self.lowest, self.highest) if len(self) > 1 else self))


class Range(tuple):
    """The lowest and the highest of a group, or its only value."""

    def __format__(self, spec: str) -> str:
        """'0.281 (C4C6) to 0.594 (C4)'."""
        return " to ".join(f"{Estimate(item.value):{spec}} ({item.name})" for item in self)


# Comparisons: each decides whether a claim holds for given numbers; None if that is undecided.


class Comparison(Settings):
    """Base class of the comparisons of estimates."""

    of: str = "values"
    """The numbers to compare: a key that the method of the evidence returns, or an attribute such as
    ``values.mean``."""

    def estimates(self, numbers: SimpleNamespace) -> list[Estimate]:
        """The estimates to compare, one or several."""
        found = operator.attrgetter(self.of)(numbers)
        return [found] if isinstance(found, Estimate) else found


class Bound(Comparison):
    """Every number is on one side of a limit; the four subclasses define which side.

    Adds two counts for the text: ``met``, numbers on that side, and ``sure``, those whose interval is too (see ``by``).
    """

    limit: float | str = 0
    """A number, or the name of one in the evidence."""
    times: float = 1
    """The limit is multiplied by this ..."""
    less: float = 0
    """... and this is then subtracted from it."""
    by: Literal["value", "interval", "known_interval", "reach"] = "value"
    """``interval``: the whole 95 % interval must be on that side (undecided if there is none); ``known_interval``:
    the same, but by the value if there is no interval; ``reach``: some part of the interval, or the value if there
    is none."""
    digits: int | None = None
    """Interval limits are rounded to this many digits, as printed."""
    some: bool = False
    """One number on that side is enough."""
    meets: ClassVar[Callable[[float, float], bool]]
    upwards: ClassVar[bool]

    def holds(self, numbers: SimpleNamespace) -> bool | None:
        """Whether every number is on that side; None if it depends on one without an interval."""
        limit = operator.attrgetter(self.limit)(numbers).value if isinstance(self.limit, str) else self.limit
        found, limit = self.estimates(numbers), self.times * limit - self.less
        outcomes = [self._judged(item, limit) for item in found]
        numbers.met = sum(self.meets(item.value, limit) for item in found)
        numbers.sure = outcomes.count(True)
        if None in outcomes:
            numbers.unknown = ", ".join(item.name for item, known in zip(found, outcomes, strict=True) if known is None)
        return self.some if self.some in outcomes else None if None in outcomes else not self.some

    def _judged(self, item: Estimate, limit: float) -> bool | None:
        near, far = (item.low, item.high) if self.upwards else (item.high, item.low)
        edge = far if self.by == "reach" else near
        if self.by == "value" or (math.isnan(edge) and self.by != "interval"):
            return bool(self.meets(item.value, limit))
        if math.isnan(edge):
            return None
        return bool(self.meets(edge if self.digits is None else round(float(edge), self.digits), limit))


class Above(Bound):
    """Every number is greater than the limit."""

    meets, upwards = operator.gt, True


class AtLeast(Bound):
    """Every number is greater than the limit, or equal."""

    meets, upwards = operator.ge, True


class Below(Bound):
    """Every number is less than the limit."""

    meets, upwards = operator.lt, False


class AtMost(Bound):
    """Every number is less than the limit, or equal."""

    meets, upwards = operator.le, False


class Between(Comparison):
    """Every number is between two limits, or equals one."""

    limits: tuple[float, float]

    def holds(self, numbers: SimpleNamespace) -> bool:
        low, high = self.limits
        return all(low <= item.value <= high for item in self.estimates(numbers))


class Contain(Comparison):
    """Every interval contains a number."""

    number: float

    def holds(self, numbers: SimpleNamespace) -> bool:
        return all(item.low <= self.number <= item.high for item in self.estimates(numbers))


class Correlate(Settings):
    """Two groups have a positive rank correlation, Spearman's rho, with p below a limit."""

    x: str
    y: str
    p_below: float = 0.05

    def holds(self, numbers: SimpleNamespace) -> bool:
        rho, p = spearmanr(*(operator.attrgetter(name)(numbers).column for name in (self.x, self.y)))
        numbers.rho, numbers.p = Estimate(rho, digits=2), Estimate(p)
        return bool(rho > 0 and p < self.p_below)


class Include(Settings):
    """Every list of names includes a given one; without a name: no list is empty."""

    of: str = "classes"
    name: str | None = None

    def holds(self, numbers: SimpleNamespace) -> bool:
        return all(self.name in names if self.name else names for names in getattr(numbers, self.of))


class Differ(Settings):
    """No two lists of names are the same."""

    of: str = "classes"

    def holds(self, numbers: SimpleNamespace) -> bool:
        lists = getattr(numbers, self.of)
        return len(set(map(tuple, lists))) == len(lists)


class Comparisons(Settings):
    """The comparisons of a claim; all must hold."""

    above: Above | None = None
    at_least: AtLeast | None = None
    below: Below | None = None
    at_most: AtMost | None = None
    between: Between | None = None
    contain: Contain | None = None
    correlate: Correlate | None = None
    include: Include | None = None
    differ: Differ | None = None

    def holds(self, numbers: SimpleNamespace) -> bool | None:
        outcomes = [comparison.holds(numbers) for _, comparison in self if comparison]
        return False if False in outcomes else None if None in outcomes else True


# Claims.


class Claim(Settings):
    """One claim and its criterion."""

    name: str
    where: str
    """Where the paper makes the claim."""
    sentence: str
    criterion: str
    about: Literal["paper", "control", "truth"] = "paper"
    """What it is about: the paper's data, of which simulated data can say nothing; a control of the method; or a known
    truth, such as planted motifs."""
    values: Settings | None = None
    """Name of a method of `Evidence` to its arguments."""
    comparison: Comparisons = Comparisons()
    numbers: str = ""
    """Text with the numbers, with fields such as ``{values.mean:+}``."""
    undecided: str = "no interval of {unknown}"
    """Text if the verdict depends on a missing interval."""
    published_numbers: str | None = None
    """Replaces ``numbers`` for the paper's evidence, if that lacks some of the fields."""
    not_tested: str | None = None
    """Reason why the claim cannot be tested by any number."""
    not_published: str | None = None
    """Reason why the paper's numbers cannot test it; may have fields."""

    @model_validator(mode="after")
    def _can_be_judged(self):
        parts = self._readings(), self.comparison.model_fields_set, self.numbers
        if any(parts) if self.not_tested else not all(parts) or len(parts[0]) > 1:
            raise ValueError("a claim needs values (one kind), comparison and numbers, or not_tested alone")
        return self

    def _readings(self) -> dict[str, Settings]:
        return {name: arguments for name, arguments in self.values or () if arguments is not None}

    def judge(self, evidence: Any, untested: str = NOT_TESTED, simulated: bool = False) -> tuple[str, str]:
        """Verdict (`HOLDS`, `FAILS` or ``untested``), and the text with its numbers or with what is missing.

        ``simulated``: the evidence is from simulated data, which say nothing of claims about the paper's: `NO_TEST`.
        """
        published = untested == NOT_PUBLISHED
        reason = self.not_tested or (self.not_published if published else None)
        if reason and "{" not in reason:
            return untested, reason
        [(reading, arguments)] = self._readings().items()
        try:
            found = getattr(evidence, reading)(**dict(arguments))
        except NotTested as missing:
            return untested, str(missing)
        numbers = SimpleNamespace(**(found if isinstance(found, dict) else {"values": found}))
        outcome = self.comparison.holds(numbers)
        reason = reason or (self.undecided if outcome is None else None)
        text = reason or (published and self.published_numbers) or self.numbers
        verdict = untested if reason else HOLDS if outcome else FAILS
        if simulated and self.about == "paper" and not reason:
            verdict = NO_TEST
        return verdict, text.format_map(vars(numbers))


class StudyClaims(Settings):
    """``claims.yaml`` of a study."""

    shared: dict[str, str] = {}
    """Texts shared by several claims (YAML anchors)."""
    notes: list[str]
    """Notes below the table of verdicts, after ``CRITERIA``; a note that is empty after formatting is omitted."""
    claims: list[Claim]


def load_claims(path: Path, evidence: type) -> StudyClaims:
    """The claims of a study; their ``values`` name public methods of the class ``evidence``.

    Raises InputError for an unknown key, naming the nearest valid one, and for a name that occurs twice.
    """
    methods = {name: item for name, item in vars(evidence).items() if inspect.isfunction(item) and name[0] != "_"}
    readings = {name: (_arguments(method) | None, None) for name, method in methods.items()}
    values = create_model("Values", __base__=Settings, **readings)
    claim = create_model("Claim", __base__=Claim, values=(values | None, None))
    study = create_model("StudyClaims", __base__=StudyClaims, claims=(list[claim], ...))
    entries = read_yaml(path)
    try:
        found = validated(study, entries)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    names = [claim.name for claim in found.claims]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}: claim {twice[0]} occurs twice")
    return found


def _arguments(method: Callable) -> type[Settings]:
    """Settings class with the arguments of a method as keys."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    fields = {p.name: (p.annotation, ... if p.default is p.empty else p.default) for p in parameters}
    return create_model(method.__name__, __base__=Settings, **fields)


# Tables.


def judge_all(claims: Sequence[Claim], run: Any, paper: Any, simulated: bool = False) -> pd.DataFrame:
    """Evaluate every claim on the evidence of a run and on the published numbers: columns ``COLUMNS``."""
    rows = []
    for claim in claims:
        front = (claim.name, claim.where, claim.sentence, claim.criterion)
        rows.append((*front, *claim.judge(run, simulated=simulated), *claim.judge(paper, NOT_PUBLISHED)))
    return pd.DataFrame(rows, columns=COLUMNS)


def claims_table(
    study: StudyClaims,
    run: Any,
    paper: Any,
    csv: Path | str,
    markdown: Path | str,
    *,
    facts: Mapping[str, str],
    evidence: EvidenceKind,
    data_note: str | None = None,
) -> pd.DataFrame:
    """Evaluate every claim on a run and on the published numbers; write the verdicts as CSV and Markdown.

    ``facts`` are the fields of the study's notes; ``evidence``: what the run's data are; ``data_note`` is one more
    note, a sentence on data and sizes. Returns the claims, columns ``COLUMNS``.
    """
    table = judge_all(study.claims, run, paper, simulated=evidence == "simulated")
    notes = [note for note in (CRITERIA, *(note.format_map(facts) for note in study.notes), data_note) if note]
    with atomic_output(csv) as target:
        table.to_csv(target, index=False, float_format="%.6g")
    with atomic_output(markdown) as target:
        target.write_text(to_markdown(table, notes), encoding="utf-8")
    return table


def to_markdown(claims: pd.DataFrame, notes: Sequence[str]) -> str:
    """Markdown of a table of `judge_all`: verdicts first, then criteria with numbers."""
    counts = count_verdicts(claims.to_dict("records"))
    words = [f"{counts[HOLDS]} hold", f"{counts[FAILS]} do not hold", f"{counts[NOT_TESTED]} not tested"]
    if counts[NO_TEST]:
        words.insert(2, f"{counts[NO_TEST]} are about the paper's data and not tested by simulated ones")
    rows = list(enumerate(claims.itertuples(), 1))
    lines = [[str(number), row.sentence, row.where, row.verdict, row.published_verdict] for number, row in rows]
    parts = ["# Claims of the paper, and what the numbers say\n"]
    parts += [f"{len(claims)} claims: in this run {', '.join(words)}.\n"]
    parts += [markdown_table(["", "Claim", "Where", "This run", "Paper's table"], lines, notes, left=5)]
    parts += ["## Criteria and numbers\n"]
    for number, row in rows:
        parts.append(
            f"{number}. {row.sentence} ({row.where})\n"
            f"   - Criterion: {row.criterion}\n"
            f"   - {_sentence('In this run', row.verdict)}: {row.numbers}.\n"
            f"   - {_sentence('By the published numbers', row.published_verdict)}: {row.published_numbers}.\n"
        )
    return "\n".join(parts)


def _sentence(where: str, verdict: str) -> str:
    """'In this run it holds', or the verdict alone if nothing was tested."""
    return verdict.capitalize() if verdict.startswith("not") else f"{where} it {verdict}"


def read_claims(path: Path) -> list[dict[str, str]]:
    """Rows of a claims table (CSV), all as text; `InputError` for any other file."""
    claims = read_table(path, COLUMNS).fillna("").astype(str)[COLUMNS].to_dict("records")
    for claim in claims:
        if claim["verdict"] not in VERDICTS:
            raise InputError(f"{path}: claim {claim['claim']}: unknown verdict '{claim['verdict']}': make it again")
    return claims


def count_verdicts(claims: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Number of claims by verdict, those of `VERDICTS`."""
    numbers = Counter(claim["verdict"] for claim in claims)
    return {verdict: numbers[verdict] for verdict in VERDICTS}
