"""What a run is told before its first job."""

import stat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from regulens.cli import app
from regulens.cluster import preflight
from regulens.cluster.inputs import genomes, local_copies, needed_sources
from regulens.cluster.preflight import (
    GpuRequest,
    PartitionGpus,
    cluster_problems,
    data_problems,
    gpu_requests,
    memory_gb,
    memory_problems,
    mirror_problems,
    motif_problems,
    parse_gres,
    problems,
    row_problems,
)
from regulens.config import load, validate
from regulens.core.errors import InputError
from regulens.data import download

ROOT = Path(__file__).parents[2]
ROOM = 10**13
SPLITS = ("train", "valid", "test")


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """The papers' configuration in an empty folder on a disk with room."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    free(monkeypatch, ROOM)
    return load(ROOT / "config/config.yaml")


def free(monkeypatch, size: int) -> None:
    usage = type("Usage", (), {"free": size})()
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: usage)


def changed(config, **keys):
    """A configuration with other values, given by paths with `__` for `.`."""
    values = config.model_dump(mode="json")
    for path, value in keys.items():
        *parents, last = path.split("__")
        node = values
        for part in parents:
            node = node[part]
        node[last] = value
    return validate(values)


def test_asks_for_what_is_neither_downloaded_nor_mirrored(paper, tmp_path, monkeypatch):
    assert len(needed_sources(paper)) == 153 + 10  # assay data; coordinates, genome and weights of DNABERT
    (found,) = problems(paper)
    assert found.startswith("152 files")
    assert "download.billing_project" in found
    for name in needed_sources(paper):
        (tmp_path / "resources" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "resources" / name).write_bytes(b" " * 20_000)
    (tmp_path / "resources" / paper.genomic_interpreter.data.tracks).write_text(track_table("CNhs12545"))
    assert problems(paper) == []
    monkeypatch.setenv("REGULENS_MIRROR", "/no/such/folder")
    assert "does not exist" in problems(paper)[0]


def test_files_of_the_fourth_study_are_data_too(paper):
    variants = {"route": "table", "file": "gtex.tsv.gz", "causal": "Causal"}
    pairs = {"route": "crispri", "table": "crispri.tsv", "readouts": {"K562": "CNhs12545"}}
    study = {"data_note": "-", "models": ["enformer"], "fasta": "hg38.fa.gz"}
    study |= {"variants": {"variants": variants}, "enhancers": {"pairs": pairs}}
    study["boundaries"] = {"positions": {"file": "boundaries.bed", "contig": 1, "position": 2}}
    config = changed(paper, sequence_to_function=study)
    found = [problem.partition(": ")[0] for problem in data_problems(config)]
    assert found == [f"sequence_to_function.{key}" for key in KEYS_OF_FILES]
    assert genomes(config) == ["hg38.fa.gz"]


KEYS_OF_FILES = ("enhancers.pairs.table", "boundaries.positions.file", "variants.variants.file")


def test_the_setting_of_the_mirror_goes_before_the_environment(paper, tmp_path, monkeypatch):
    name = paper.genomic_interpreter.data.tracks
    for folder in ("set", "environment"):
        (tmp_path / folder / name).parent.mkdir(parents=True)
        (tmp_path / folder / name).touch()
    config = changed(paper, download__mirror=str(tmp_path / "set"))
    for other in ("environment", "nowhere"):
        monkeypatch.setenv("REGULENS_MIRROR", str(tmp_path / other))
        assert mirror_problems(config) == []
        assert local_copies(config, name) == [tmp_path / "set" / name]
    config = changed(paper, download__mirror=str(tmp_path / "nowhere"))
    monkeypatch.setenv("REGULENS_MIRROR", str(tmp_path / "environment"))
    assert "nowhere does not exist" in mirror_problems(config)[0]


def test_lists_everything_at_once(paper, monkeypatch):
    free(monkeypatch, 10**9)
    monkeypatch.setenv("PATH", "")
    config = changed(
        paper,
        dnabert_lrp__model__weights="no/such.bin",
        dnabert_lrp__motifs__comparison__release="JASPAR1066",
        hybrid_networks__comparison__engine="meme",
    )
    found = problems(config, [GpuRequest("fine_tune", "gpu", 1, None)])
    starts = ["152 files", "the disk of resources and results", "dnabert_lrp.model.weights: no/such.bin"]
    starts += ["dnabert_lrp.motifs.comparison.release", "hybrid_networks.comparison.engine: meme needs", "jobs ask for"]
    assert len(found) == len(starts)
    assert all(problem.startswith(start) for problem, start in zip(found, starts, strict=True))
    remedies = [
        "set download.billing_project",
        "make room",
        "correct the path",
        "choose one of",
        "install",
        "login node",
    ]
    assert all(remedy in problem for problem, remedy in zip(found, remedies, strict=True))


def test_disk_is_asked_for_what_is_not_there_yet(paper, tmp_path, monkeypatch):
    free(monkeypatch, 300 * 10**9)
    (found,) = preflight.disk_problems(paper, needed_sources(paper))
    assert "300.0 GB free" in found
    assert "needs about 35" in found  # 319 GB of TFRecords, 33 GB of examples, genome and weights
    for name in needed_sources(paper):
        (tmp_path / "resources" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "resources" / name).touch()
    assert preflight.disk_problems(paper, needed_sources(paper)) == []


def test_bucket_is_tried_with_one_file(paper, monkeypatch):
    tried = []

    def refuse(name, url, settings):
        tried.append(url)
        raise OSError("Forbidden: the project has no access")

    monkeypatch.setattr(download, "open_url", refuse)
    config = changed(paper, download__billing_project="some-project")
    (found,) = problems(config)
    assert len(tried) == 1
    assert "access refused" in found
    assert "152 files" in found


def test_weights_that_are_a_pointer(paper, tmp_path):
    (tmp_path / "resources/DNA_bert_6").mkdir(parents=True)
    (tmp_path / "resources/DNA_bert_6/pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert any("43 bytes, too few to be weights" in problem for problem in problems(paper))


def test_programs_that_the_rules_bring_along_are_not_asked_for(paper, monkeypatch):
    monkeypatch.setenv("PATH", "")
    config = changed(paper, hybrid_networks__comparison__engine="meme")
    assert len(motif_problems(config)) == 1
    assert motif_problems(config, conda=True) == []


def test_requests_of_jobs():
    jobs = [
        ("crop", {"slurm_partition": "cpu", "mem_mb": 4000}),
        ("train", {"slurm_partition": "gpu", "gpu": 3, "gpu_model": "a100"}),
        ("train", {"slurm_partition": "gpu", "gpu": 3, "gpu_model": "a100"}),
        ("test", {"slurm_partition": "gpu", "gpu": 0}),
    ]
    assert gpu_requests(jobs) == [GpuRequest("train", "gpu", 3, "a100")]


def test_gpus_of_a_partition():
    text = "gpu:a100:3(S:0-1),nvme:1\n(null)\ngpu:2\ngpu:a100:3(S:0-1)\ngpu:h100_80gb\n"
    expected = [PartitionGpus("a100", 3), PartitionGpus(None, 2), PartitionGpus("h100_80gb", 1)]
    assert parse_gres(text) == expected
    assert [memory_gb(name) for name in ("a100", "nvidia_a100-sxm4-80gb", "rtx_new", None)] == [40, 80, None, None]


def sinfo(tmp_path, monkeypatch, answer: str, status: int = 0) -> None:
    """A `sinfo` that answers with this."""
    program = tmp_path / "bin/sinfo"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n" if answer else f"#!/bin/sh\nexit {status}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        ("gpu* gpu:a100:4", 0, None),
        ("gpu gpu:a100:2", 0, "2 x a100"),
        ("gpu gpu:v100:4", 0, "4 x v100"),
        ("gpu (null)", 0, "no GPU"),
        ("", 0, "no partition gpu"),
        ("", 1, "is the SLURM controller up"),
    ],
)
def test_partition_must_have_the_gpus(paper, tmp_path, monkeypatch, answer, status, problem):
    sinfo(tmp_path, monkeypatch, answer, status)
    found = cluster_problems(paper, [GpuRequest("fine_tune", "gpu", 3, "a100")])
    assert (found == []) if problem is None else (len(found) == 1 and problem in found[0])


def test_models_must_fit_the_gpu(paper, tmp_path, monkeypatch):
    sinfo(tmp_path, monkeypatch, "gpu gpu:a100:3")
    wide = changed(
        paper,
        genomic_interpreter__data__geometry={"input_bp": 196608, "bins": 896, "bin_bp": 128},
        genomic_interpreter__models={"swin1d": {}, "maxpool_cnn": {}},
        genomic_interpreter__figures__figure3__other="maxpool_cnn",
    )
    (found,) = cluster_problems(wide, [GpuRequest("train_assay_model", "gpu", 3, "a100")])
    assert found.startswith("swin1d needs about")
    assert "the GPU has 40 GB: set batch_per_device: 2" in found


def test_classifiers_must_fit_the_gpu(paper):
    assert memory_problems(paper, "fine_tune", 16.0) == []
    found = memory_problems(paper, "fine_tune", 5.0)
    assert len(found) == 2
    assert "in dnabert_lrp.tasks.promoters.training" in found[0]
    assert memory_problems(paper, "crop_tfrecord", 0.0) == []


def test_command_lists_and_fails(paper, tmp_path):
    result = CliRunner().invoke(app, ["preflight", "--configfile", str(ROOT / "config/config.yaml")])
    assert isinstance(result.exception, InputError)
    assert "  * 152 files" in str(result.exception)
    values = yaml.safe_load((ROOT / "tests/config/tiny.yaml").read_text())
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "enhancers.tsv").write_text("sequence\tlabel\nACGT\t1\n")
    result = CliRunner().invoke(app, ["preflight", "--configfile", "tiny.yaml"])
    assert "motifs are compared by " in result.output
    assert "nothing is missing" in result.output


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A configuration with data of the user's own, all of which exist: 3 windows, tracks one and two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    free(monkeypatch, ROOM)
    values = yaml.safe_load((ROOT / "tests/config/tiny.yaml").read_text())
    study = values["genomic_interpreter"]
    study["data"] = {
        "route": "bigwig",
        "geometry": study["data"]["geometry"],
        "fasta": "genome.fa",
        "windows": "windows.bed",
        "tracks": "tracks.tsv",
        "coverage": "bigwigs",
        "shards": dict.fromkeys(SPLITS, 1),
        "crop": {"blacklist": "blacklist.bed"},
    }
    study["figures"]["figure3"]["track"] = "two"
    for name in ("genome.fa", "blacklist.bed", "bigwigs/one.bw", "elsewhere/two.bw"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    windows = [f"c\t{start}\t{start + 900}\t{split}\n" for split in SPLITS for start in (0, 1000, 2000)]
    (tmp_path / "windows.bed").write_text("".join(windows))
    tracks = track_table("one", "two").replace("two.bw", str(tmp_path / "elsewhere/two.bw"))
    (tmp_path / "tracks.tsv").write_text(tracks)
    return validate({"run": "own", "sources": {}, "genomic_interpreter": study})


def track_table(*names: str) -> str:
    rows = [f"{number}\t{name}\t{name}.bw\t32\t2\tsum\tCAGE:{name}\n" for number, name in enumerate(names)]
    return "index\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription\n" + "".join(rows)


def test_own_data_that_exist_are_no_problem(own):
    assert problems(own) == []


@pytest.mark.parametrize("name", ["fasta", "windows", "tracks", "crop.blacklist"])
def test_a_file_that_does_not_exist_is_named_with_its_key(own, name):
    config = changed(own, **{f"genomic_interpreter__data__{name.replace('.', '__')}": "no/such.file"})
    (found,) = problems(config)
    assert found.startswith(f"genomic_interpreter.data.{name}: no/such.file does not exist: correct the path")
    assert problems(config, planned=True) == []


def test_coverage_files_are_those_of_the_track_table(own, tmp_path):
    (tmp_path / "bigwigs/one.bw").rename(tmp_path / "bigwigs/One.bw")
    assert problems(own) == [
        "genomic_interpreter.data.coverage: 1 of the 2 files that tracks.tsv names do not exist (bigwigs/one.bw, ...): "
        "correct its column file, or the folder"
    ]


def test_files_made_from_positions_need_not_exist(own, tmp_path):
    (tmp_path / "bigwigs/one.bw").unlink()
    (tmp_path / "one.txt").touch()
    key = "genomic_interpreter__data__"
    config = changed(own, **{f"{key}positions": {"one": {"file": "one.txt", "contig": 1, "position": 2}}})
    assert problems(config) == []
    (tmp_path / "one.txt").unlink()
    (found,) = problems(config)
    assert found.startswith("genomic_interpreter.data.positions.one.file: one.txt does not exist")
    (tmp_path / "one.txt").touch()
    stranded = {"one": {"file": "one.txt", "contig": 1, "position": 2, "strand": 3}}
    assert problems(changed(config, **{f"{key}positions": stranded, f"{key}coverage": None})) == [
        "genomic_interpreter.data.positions: they make one.plus.bw, one.minus.bw, ..., but tracks.tsv names one.bw: "
        "did you mean 'one.plus.bw'?; or set coverage, the folder of other files"
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("figure3__track", "tow", "figures.figure3.track: 'tow' does not exist; did you mean 'two'?"),
        ("figure3__example", 3, "figures.figure3.example: 3 does not exist; the test set has rows 0 to 2"),
        ("attention__example", 9, "figures.attention.example: 9 does not exist; the test set has rows 0 to 2"),
    ],
)
def test_rows_of_figures_are_looked_up(own, key, value, message):
    assert problems(changed(own, **{f"genomic_interpreter__figures__{key}": value})) == [
        f"genomic_interpreter.{message}"
    ]


def test_examples_of_a_task_are_looked_up(paper, monkeypatch):
    config = changed(paper, dnabert_lrp__tasks__promoters__examples=[0, 9034])
    assert row_problems(config) == [
        "dnabert_lrp.tasks.promoters.examples: 9034 does not exist; the test set has at most 9034 rows"
    ]


@pytest.mark.parametrize(
    ("engines", "installed", "words"),
    [
        (("auto", "meme"), True, ["/tomtom, version 4.12.0 of the MEME Suite"]),
        (("auto", "auto"), False, ["built-in"]),
        (("native", "auto"), True, ["/tomtom, version 4.12.0 of the MEME Suite", "built-in"]),
        (("native", "native"), True, ["built-in"]),
    ],
)
def test_which_program_compares_motifs_is_said(paper, tmp_path, monkeypatch, engines, installed, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    if installed:
        (tmp_path / "tomtom").write_text("#!/bin/sh\necho 4.12.0\n")
        (tmp_path / "tomtom").chmod(0o755)
    keys = {"dnabert_lrp__motifs__comparison__engine": engines[0], "hybrid_networks__comparison__engine": engines[1]}
    found = preflight.comparison_programs(changed(paper, **keys))
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))
