"""Manifests beside what commands write, and the chains that they make."""

import gzip
import hashlib
import json
import os
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image
from small_run import DATA, ROWS, make_filters, run

from regulens.cli import commands, load
from regulens.core import io
from regulens.core.errors import InputError
from regulens.core.io import atomic_output, manifest_path, note_folder, note_read
from regulens.plotting.style import DOUBLE_COLUMN, new_figure, save
from regulens.provenance import record
from regulens.provenance.trace import chain, original, read_manifest


def test_the_chain_leads_from_a_table_to_the_download(table, tmp_path):
    steps = chain(table)
    assert [step.path for step in steps] == [
        "results/filters.csv",
        "results/data/filters.csv",
        "resources/rows.tsv",
        "resources/rows.tsv.gz",
    ]
    assert [step.inputs for step in steps] == [[1], [2], [3], []]
    assert not [step.problem for step in steps if step.problem]
    last = steps[-1].identity
    assert last["sha256"] == hashlib.sha256((tmp_path / "source.gz").read_bytes()).hexdigest()
    found = {"name": "rows.tsv.gz", "url": f"file://{tmp_path}/source.gz", "sha256": last["sha256"], "licence": "CC0"}
    assert last["arguments"] == found
    assert last["settings"] == {}
    assert steps[0].identity["arguments"] == {"runs": ["own:0"]}
    assert steps[1].identity["settings"] == {"settings": DATA}


def test_every_output_has_a_manifest_with_code_packages_and_circumstances(table):
    for name in ("filters.csv", "filters.md", "data/train.tsv", "data/valid.tsv", "data/test.tsv", "data/filters.csv"):
        manifest = read_manifest(table.parent / name)
        path = table.parent / name
        assert manifest["identity"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert manifest["identity"]["bytes"] == path.stat().st_size
    identity = manifest["identity"]
    assert identity["packages"]["numpy"] == sys.modules["numpy"].__version__
    assert identity["code"]["version"]
    assert len(identity["code"]["hash"]) == 16
    assert identity["threads"] >= 1
    assert manifest["run"]["wall_s"] > 0
    assert manifest["run"]["peak_memory_mb"] > 1
    assert not list(table.parents[1].rglob(".*.part.*"))
    assert not list((table.parents[1] / "config").rglob("*.manifest.json"))


def test_two_folders_give_the_same_identities(table, tmp_path, monkeypatch):
    deeper = tmp_path / "two"
    deeper.mkdir()
    other = make_filters(deeper, monkeypatch)
    assert read_manifest(other)["identity"] == read_manifest(table)["identity"]
    assert read_manifest(other)["run"] != read_manifest(table)["run"]


def test_a_copied_run_is_traced_in_its_new_place(table, tmp_path, monkeypatch):
    shutil.copytree(table.parents[1], tmp_path / "copy")
    shutil.rmtree(table.parents[1])
    monkeypatch.chdir(tmp_path)
    steps = chain("copy/results/filters.csv", verify=True)
    assert len(steps) == 4
    assert not [step.problem for step in steps if step.problem]


@pytest.fixture
def drawn(tmp_path, monkeypatch) -> Path:
    """Folder of a run with a figure in a folder with a difficult name."""
    monkeypatch.chdir(tmp_path)
    figure = new_figure(DOUBLE_COLUMN, 40)
    figure.subplots().plot([1, 2])
    paths = {ending: Path(f"results/demo/{FOLDER}/figure2.{ending}") for ending in ("pdf", "png")}
    with record.manifests("demo figure2", paths):
        save(figure, **paths)
    return tmp_path / "results/demo"


FOLDER = "a (b)\\é"


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_a_figure_in_a_mail_is_traced(drawn, tmp_path, monkeypatch, ending):
    figure = drawn / FOLDER / f"figure2.{ending}"
    copy = Path(shutil.copy(figure, tmp_path / f"from a mail.{ending}"))
    monkeypatch.chdir("/")
    assert original(copy, drawn) == figure
    assert original(copy, drawn.parents[1]) == figure
    assert f"figure2.{ending}" in run("trace", copy, "--run", drawn)
    assert f"figure2.{ending}: name the folder of its run with --run" in run("trace", copy, code=2)
    with pytest.raises(InputError, match="figure2.*is not in .*name the folder of its run"):
        original(copy, tmp_path / "elsewhere")
    figure.write_bytes(figure.read_bytes() + b" ")
    with pytest.raises(InputError, match="another figure by now"):
        original(copy, drawn)


def test_figures_of_others_are_not_traced(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "other.png")
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.4 /Subject")
    for name in ("other.png", "other.pdf"):
        with pytest.raises(InputError, match=f"{name}: it does not say where it was made"):
            original(tmp_path / name, tmp_path)


def test_what_is_not_kept_leaves_the_chain_whole(table):
    (table.parents[1] / "resources/rows.tsv").unlink()
    steps = chain(table)
    assert [step.kept for step in steps] == [True, True, False, True]
    assert not [step.problem for step in steps if step.problem]
    assert "resources/rows.tsv (not kept)" in run("trace", table)


def test_trace_prints_every_step_once(table):
    text = run("trace", table)
    for words in ("regulens dnabert-lrp filters runs=own:0", "regulens unpack", "source.gz", "sha256 ", "cpu"):
        assert text.count(words) == 1 + (words == "cpu") * 3, words
    rows = json.loads(run("trace", table, "--json"))
    assert [row["path"] for row in rows] == [step.path for step in chain(table)]


def test_trace_names_what_does_not_hold(table, tmp_path):
    data, packed = table.parent / "data/filters.csv", table.parents[1] / "resources/rows.tsv.gz"
    text = data.read_text()
    data.write_text(text.replace("train", "TRAIN"))
    assert "sha256 differs" not in run("trace", table)
    assert "sha256 differs" in run("trace", table, "--verify", code=2)
    data.write_text(text + "more\n")
    assert "filters.csv has changed since its manifest was written: its size" in run("trace", table, code=2)
    data.write_text(text)
    broken = manifest_path(packed)
    content = broken.read_text()
    broken.write_text(content.replace("CC0", "CC1"))
    assert "its text was changed" in run("trace", table, code=2)
    broken.write_text(content[:50])
    assert "not a readable manifest" in run("trace", packed, code=2)
    assert "nothing.csv: no such file" in run("trace", "nothing.csv", code=2)
    broken.unlink()
    assert "no manifest" in run("trace", table, code=2)
    assert "no manifest (source.gz.manifest.json)" in run("trace", tmp_path / "source.gz", code=2)


def test_an_input_made_again_is_told(table):
    run("unpack", "resources/rows.tsv.gz", "--output", "resources/rows.tsv")
    assert not chain(table)[2].problem, "the same manifest"
    Path("resources/rows.tsv.gz").write_bytes(gzip.compress(b"others"))
    run("unpack", "resources/rows.tsv.gz", "--output", "resources/rows.tsv")
    assert "was made again since it was used" in chain(table)[2].problem
    (entry,) = read_manifest("resources/rows.tsv")["identity"]["inputs"]
    assert entry == {"path": "resources/rows.tsv.gz", "sha256": io.file_sum(Path("resources/rows.tsv.gz"))}


def test_a_failing_command_leaves_no_new_manifest(table):
    before = {path: path.read_bytes() for path in Path().rglob("*.manifest.json")}
    Path("bad.gz").write_bytes(gzip.compress(ROWS.encode())[:60])
    run("unpack", "bad.gz", "--output", "resources/rows.tsv", code=2)
    run("unpack", "bad.gz", "--output", "resources/new.tsv", code=2)
    assert {path: path.read_bytes() for path in Path().rglob("*.manifest.json")} == before


@pytest.mark.parametrize("end", [RuntimeError("failed"), SystemExit(143), SystemExit(0), KeyboardInterrupt()])
def test_an_interrupted_command_removes_the_manifest_of_what_it_replaced(tmp_path, monkeypatch, end):
    """SystemExit(0) is how the further processes of a distributed training end: the first alone leaves manifests."""
    monkeypatch.chdir(tmp_path)
    for text in ("old", "new"):
        failing = pytest.raises(type(end)) if text == "new" else nullcontext()
        with failing, record.manifests("make", {"output": Path("x.txt")}):
            with atomic_output("x.txt") as path:
                path.write_text(text)
            if text == "new":
                raise end
        assert manifest_path(Path("x.txt")).exists() == (text == "old")
    assert Path("x.txt").read_text() == "new"


def test_the_manifest_goes_before_its_artefact_is_replaced(tmp_path, monkeypatch):
    target, seen = tmp_path / "x.txt", []
    replace = os.replace
    manifest_path(target).write_text("old")
    monkeypatch.setattr(os, "replace", lambda *paths: (seen.append(manifest_path(target).exists()), replace(*paths)))
    with atomic_output(target) as path:
        path.write_text("new")
    assert seen == [False]


def log_of(seconds):
    return f"epoch,train_loss,seconds,examples_per_s\n1,0.5,{seconds},7\n2,0.25,{seconds},7\n"


def test_a_training_log_is_the_same_whatever_its_wall_time_and_its_state_is_no_artefact(tmp_path, monkeypatch):
    found = []
    for seconds in ("1.5", "22.25"):
        monkeypatch.chdir(tmp_path)
        Path("state").mkdir(exist_ok=True)
        options = {"state": Path("state"), "epochs_log": Path("log.csv"), "output": Path("model.ckpt"), "threads": 3}
        with record.manifests("train", options, {"training": {"seed": 7}}):
            for name, text in (("state/last.ckpt", seconds), ("log.csv", log_of(seconds)), ("model.ckpt", "weights")):
                with atomic_output(name) as path:
                    path.write_text(text)
        assert sorted(path.name for path in Path().rglob("*.json")) == [
            "log.csv.manifest.json",
            "model.ckpt.manifest.json",
        ]
        found.append([read_manifest(name)["identity"] for name in ("log.csv", "model.ckpt")])
        assert not chain("log.csv", verify=True)[0].problem
    assert found[0] == found[1]
    assert (found[0][0]["seed"], found[0][0]["threads"]) == (7, 3)
    Path("log.csv").write_text(log_of("22.25").replace("0.25", "0.75"))
    assert chain("log.csv", verify=True)[0].problem


@pytest.mark.parametrize("many", [0, 50])
def test_a_folder_is_one_artefact_and_a_users_large_folder_one_input(tmp_path, monkeypatch, many):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "_MANY", many)
    with record.manifests("simulate", {"output": Path("genome")}):
        note_folder("genome/coverage")
        for name in ("genome/genome.fa", "genome/coverage/a.bw", "genome/coverage/b.bw"):
            with atomic_output(name) as path:
                path.write_text(name)
    assert sorted(path.name for path in Path().rglob("*.json")) == ["coverage.manifest.json", "genome.fa.manifest.json"]
    assert sorted(read_manifest("genome/coverage")["identity"]["files"]) == ["a.bw", "b.bw"]
    shutil.copytree("genome/coverage", "mine")

    def crop(folder):
        with record.manifests("crop", {"coverage": Path(folder), "output": Path("shard.h5")}):
            note_read(f"{folder}/a.bw")
            with atomic_output("shard.h5") as path:
                path.write_text("")
        return read_manifest("shard.h5")["identity"]["inputs"]

    (entry,) = crop("genome/coverage")
    assert entry["manifest"] == read_manifest("genome/coverage")["identity_sha256"]
    (entry,) = crop("mine")
    assert (entry["path"], entry.get("files")) == (("mine/a.bw", None) if many else ("mine", 1))
    assert crop("mine") == [entry]
    Path("mine/a.bw").write_text("another")
    assert crop("mine") != [entry]
    Path("genome/coverage/b.bw").write_text("x")
    assert "its size" in chain("genome/coverage")[0].problem


def test_nothing_large_is_read_twice(table, tmp_path, monkeypatch):
    """A user's file is remembered until it changes; of what a command made, the manifest is enough."""
    monkeypatch.setattr(io, "SMALL_BYTES", 0)
    monkeypatch.setattr("regulens.provenance.record.SMALL_BYTES", 0)
    read, file_sum = [], io.file_sum

    def counted(path, without=()):
        read.append(Path(path).name)
        return file_sum(path, without)

    for module in ("core.io", "provenance.record"):
        monkeypatch.setattr(f"regulens.{module}.file_sum", counted)
    shutil.copy(tmp_path / "source.gz", "mine.gz")
    for _ in range(2):
        run("unpack", "mine.gz", "--output", "mine.tsv")
        run("unpack", "resources/rows.tsv.gz", "--output", "again.tsv")
    assert sorted(read) == ["again.tsv", "again.tsv", "mine.gz", "mine.tsv", "mine.tsv"]
    later = Path("mine.gz").stat().st_mtime + 10
    os.utime("mine.gz", (later, later))
    # Snakemake touches outputs when their job ends; a file that changed much later is looked at.
    made = Path("resources/rows.tsv.gz").stat().st_mtime
    for seconds in (5, 5000):
        os.utime("resources/rows.tsv.gz", (made + seconds, made + seconds))
        run("unpack", "mine.gz", "--output", "mine.tsv")
        run("unpack", "resources/rows.tsv.gz", "--output", "again.tsv")
    assert sorted(read[5:]) == ["again.tsv", "again.tsv", "mine.gz", "mine.tsv", "mine.tsv", "rows.tsv.gz"]


def test_seeds_are_found_in_settings():
    assert record.seeds_in({"simulation": {"seed": 3}}) == 3
    assert record.seeds_in({"a": {"seed": 3}, "seed": 4}) == {"a.seed": 3, "seed": 4}
    assert record.seeds_in({"a": [1]}) is None


def test_torch_is_not_imported_for_the_device(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert record.device_name() == "cpu"
    assert "torch" not in sys.modules


def test_the_commit_is_that_of_this_project_only(tmp_path, monkeypatch):
    package = tmp_path / "lib/regulens"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(record, "ROOT", package)
    assert record._commit() is None, "another project's repository around the package"


def test_every_command_but_those_about_the_project_leaves_manifests():
    without = {name for name in commands() if not load(name).command.manifests}
    assert without == {"schema", "configuration", "preflight", "plan", "trace", "crate"}
