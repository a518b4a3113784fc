"""A run of four commands: download, unpack, filter and tabulate sequences."""

import gzip
import hashlib
from pathlib import Path

import yaml
from click.testing import CliRunner

from regulens.cli import app
from regulens.core.errors import InputError

BASES = ["".join("ACGT"[(row >> 2 * place) % 4] for place in range(10)) for row in range(60)]
ROWS = "sequence\tlabel\tsplit\n" + "".join(
    f"{('ACGTTGCA' * 8)[row % 7 :][:40]}{BASES[row]}\t{row % 2}\t{'train' if row < 40 else 'test'}\n"
    for row in range(60)
)
DATA = {"route": "table", "table": "rows.tsv", "length_bp": 50, "valid_fraction": 0.2}


def run(*words, code: int = 0):
    """Run a command as its own process would; returns its output."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if code == 0:
        assert done.exit_code == 0, (done.output, done.exception)
    else:
        assert done.exit_code != 0
        if isinstance(done.exception, InputError):
            return done.output + str(done.exception)
    return done.output


def given(**settings) -> list[str]:
    """Options that give a command these settings."""
    Path("given.yaml").write_text(yaml.safe_dump(settings))
    return ["--config", "given.yaml", *(word for name in settings for word in ("--part", name))]


def make_filters(folder: Path, monkeypatch) -> Path:
    """Download, unpack, filter and tabulate sequences in ``folder``; returns the table."""
    monkeypatch.chdir(folder)
    source = folder.parent / "source.gz"
    if not source.exists():
        source.write_bytes(gzip.compress(ROWS.encode(), mtime=0))
    Path("own.yaml").write_text("download: {}\n")
    options = [
        "--licence",
        "CC0",
        "--config",
        "own.yaml",
        "--part",
        "settings=download",
    ]
    options += ["--url", f"file://{source}", "--sha256", hashlib.sha256(source.read_bytes()).hexdigest()]
    run("download", "rows.tsv.gz", *options, "--output", "resources/rows.tsv.gz")
    run("unpack", "resources/rows.tsv.gz", "--output", "resources/rows.tsv")
    files = {name: f"results/data/{name}.tsv" for name in ("train", "valid", "test")}
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    words += ["--filters", "results/data/filters.csv", *given(settings=DATA)]
    run("sequences-from-table", "resources/rows.tsv", *words)
    words = given(labels={"own": "Own"}, class_names={"own": {"positive": "P", "negative": "N"}})
    words += ["--csv", "results/filters.csv", "--md", "results/filters.md"]
    run("dnabert-lrp", "filters", "own:0=results/data/filters.csv", *words)
    return folder / "results/filters.csv"
