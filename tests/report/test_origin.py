"""The chain of an artefact as the page shows it."""

from pathlib import Path

from regulens.core.io import atomic_output
from regulens.provenance.record import manifests
from regulens.report import origin
from regulens.report.origin import origin_of
from regulens.report.page import write_page


def make(command: str, output: str, settings: dict | None = None, **arguments) -> None:
    """Run a command that does nothing but write its output."""
    with manifests(command, {"output": Path(output), **arguments}, settings), atomic_output(output) as temporary:
        temporary.write_text(f"{command} {output}")


def chain(number: int = 8) -> Path:
    """A figure made of trainings with two seeds, these of one table of the user's and a download."""
    Path("own.tsv").write_text("mine")
    make("simulate", "regions.bed", seed=4)
    make("download", "genome.fa", url="https://example.org/genome.fa")
    for place in range(number):
        inputs = {"fasta": Path("genome.fa"), "table": Path("own.tsv"), "bed": Path("regions.bed")}
        make("train", f"model{place}.txt", seed=place % 2 + 1, settings={"width": 8}, **inputs)
    models = [f"a:{place}=model{place}.txt" for place in range(number)]
    make("plot", "figure.txt", run=models, settings={"label": "<b>"})
    return Path("figure.txt")


def test_steps_are_grouped_by_command_and_end_at_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = origin_of(chain())
    groups = [(group.command, len(group.files), group.begins) for group in found.groups]
    assert groups == [("plot", 1, False), ("train", 8, False), ("simulate", 1, True)]
    assert found.groups[1].seeds == {1, 2}
    assert len(found.groups[1].named) == origin.NAMES
    assert {(source.path, source.url) for source in found.sources} == {
        ("genome.fa", "https://example.org/genome.fa"),
        ("own.tsv", None),
    }
    assert all(len(source.sha256) == 64 for source in found.sources)
    assert found.problems == []


def test_what_is_made_from_others_comes_before_them(tmp_path, monkeypatch):
    """The correlation reads the test set, as does the prediction, whose model was trained on another shard."""
    monkeypatch.chdir(tmp_path)
    make("simulate", "genome.fa")
    for name in ("train", "test"):
        make("crop", f"{name}.h5", fasta=Path("genome.fa"))
    make("train", "model.txt", data=Path("train.h5"))
    make("predict", "predicted.h5", model=Path("model.txt"), data=Path("test.h5"))
    make("pearson", "r.csv", data=Path("test.h5"), predictions=Path("predicted.h5"))
    commands = [group.command for group in origin_of(Path("r.csv")).groups]
    assert commands == ["pearson", "predict", "train", "crop", "simulate"]


def test_what_does_not_hold_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = chain()
    Path("model3.txt").write_text("another one, longer than before")
    assert any("model3.txt" in problem for problem in origin_of(figure).problems)
    assert "no manifest" in origin_of(Path("own.tsv")).problems[0]
    Path("figure.txt.manifest.json").write_text("{")
    assert "figure.txt.manifest.json" in origin_of(figure).problems[0]


def test_many_sources_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = []
    for place in range(20):
        Path(f"own{place}.tsv").write_text(str(place))
        tables.append(f"a:{place}=own{place}.tsv")
    make("plot", "figure.txt", run=tables)
    found = origin_of(Path("figure.txt"))
    assert (len(found.sources), found.more_sources) == (origin.SOURCES, 20 - origin.SOURCES)


def test_the_page_shows_the_chain(page_settings):
    chain()
    Path("model0.txt").rename("kept.txt")
    make("plot", "results/test/hybrid_networks/table1.csv", run=["a:1=model1.txt"], settings={"label": "<b>"})
    Path("results/test/hybrid_networks/table1.csv").write_text("model,value\na,1\n")
    page = Path("results/test/index.html")
    write_page(page_settings, "snakemake --force", page)
    text = page.read_text()
    assert "https://example.org/genome.fa" in text
    assert "label: &lt;b&gt;" in text
    assert "regulens trace results/test/hybrid_networks/table1.csv" in text
    assert "its size differs" in text
