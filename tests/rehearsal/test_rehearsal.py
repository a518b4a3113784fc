"""The rehearsal's synthetic files and its server: what the workflow's own downloads and readers make of them."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gcsfs.core
import numpy as np
import pytest
import torch

from regulens.config import load
from regulens.core.errors import InputError
from regulens.core.io import file_sum
from regulens.data.crop import crop_tfrecord
from regulens.data.download import decompress, download
from regulens.data.genome import Genome
from regulens.data.settings import CropSettings, DownloadSettings, Geometry, find_source
from regulens.data.store import AssayStore

from .__main__ import CONFIG, PORT
from .inputs import BUCKET, GENOME, HG38, RECORDS, WEIGHTS, make_inputs
from .server import Server

TRACKS = 8
NAMES = [
    f"{split}-0-{shard}.tfr" for split, count in {"train": 133, "valid": 9, "test": 8}.items() for shard in range(count)
]
"""The 150 files of the papers' bucket."""


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    kinds = ["DNASE", "CHIP", "CAGE", "ATAC"] * (TRACKS // 4)
    rows = [f"{row}\ttrack{row}\tfile{row}.bw\t32\t2\tmean\t{kind}:cell" for row, kind in enumerate(kinds)]
    (folder / "targets.txt").write_text(
        "\n".join(["index\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription", *rows]) + "\n"
    )
    make_inputs(folder, folder / "targets.txt", {"train": [2, 1], "valid": [1], "test": [1]}, scale=1e-5)
    return folder


@pytest.fixture
def server(served, monkeypatch):
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    monkeypatch.setattr("regulens.data.download.BACKOFF_S", 0.001)
    with Server(served) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.address)
        yield running


@pytest.fixture
def settings(tmp_path) -> DownloadSettings:
    return DownloadSettings(billing_project="rehearsal", lock=str(tmp_path / "sources.lock"), retries=1)


def source(name: str):
    return find_source(load(CONFIG).sources, name)


def test_the_bucket_is_read_in_ranges_by_who_pays(server, served, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("regulens.data.download.CHUNK_BYTES", 2**16)
    name = "basenji2/tfrecords/train-0-0.tfr"
    download(name, source(name), tmp_path / "a", settings)
    assert (tmp_path / "a").read_bytes() == (served / BUCKET / "tfrecords/train-0-0.tfr").read_bytes()
    assert {project for _, project in server.requests} == {"rehearsal"}
    assert len(server.requests) > (tmp_path / "a").stat().st_size / 2**16
    unpaid = settings.model_copy(update={"billing_project": None})
    with pytest.raises(InputError, match="requester-pays"):
        download(name, source(name), tmp_path / "b", unpaid)
    # What the server says to a client that does not name one.
    client = gcsfs.core.GCSFileSystem
    monkeypatch.setattr(gcsfs.core, "GCSFileSystem", lambda requester_pays, **options: client(**options))
    with pytest.raises(InputError, match="access refused.*requester pays.*download.billing_project"):
        download(name, source(name), tmp_path / "b", settings)
    assert not (tmp_path / "b").exists()


def test_150_names_two_at_a_time(server, served, settings, tmp_path):
    """Two of them break off and start anew."""
    folder = served / BUCKET / "tfrecords"
    for name in NAMES:
        if not (folder / name).exists():
            (folder / name).write_bytes(name.encode() * 1000)
    server.broken_once |= {"train-0-77.tfr", "test-0-7.tfr"}
    names = [f"basenji2/tfrecords/{name}" for name in NAMES]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: download(name, source(name), tmp_path / name, settings), names))
    assert server.broken_once == set()
    for name in NAMES:
        assert (tmp_path / "basenji2/tfrecords" / name).read_bytes() == (folder / name).read_bytes()
    assert len(Path(settings.lock).read_text().splitlines()) == 150


@pytest.mark.parametrize("path", [GENOME, WEIGHTS])
def test_files_come_over_http(server, served, settings, tmp_path, path):
    name = path.removeprefix("http/")
    found = source(name).model_copy(update={"url": f"{server.address}/{name}", "sha256": file_sum(served / path)})
    server.broken_once.add(Path(name).name)
    download(name, found, tmp_path / name, settings)
    assert server.broken_once == set()
    assert source(name).url == f"http://127.0.0.1:{PORT}/{name}"


def test_records_have_the_layout_of_basenji2(served, tmp_path):
    folder = served / BUCKET
    crop_tfrecord(
        tfrecord=folder / "tfrecords/train-0-0.tfr",
        windows=folder / "sequences.bed",
        tracks=served / "targets.txt",
        statistics=folder / "statistics.json",
        split="train",
        shard=0,
        geometry=Geometry(),
        groups={"DNase": ["DNASE", "ATAC"], "ChIP": ["CHIP"], "CAGE": ["CAGE"]},
        crop=CropSettings(records_per_file=2),
        output=tmp_path / "train.h5",
    )
    with AssayStore(tmp_path / "train.h5") as store:
        target = np.stack([store.target(row) for row in range(len(store))])
        cage = store.tracks["group"].to_numpy() == "CAGE"
        zeros = (target == 0).mean(axis=(0, 1))
        assert target.shape == (2, 80, TRACKS)
        assert zeros[cage] == pytest.approx(0.88, abs=0.1)
        assert zeros[~cage] == pytest.approx(0.12, abs=0.1)


def test_the_genome_has_the_contigs_of_hg38(served, tmp_path):
    decompress(served / GENOME, tmp_path / "hg38.fa")
    with gzip.open(served / GENOME, "rt") as file:
        assert {len(line.rstrip("\n")) for line in file if not line.startswith(">")} > {50}
    with Genome(tmp_path / "hg38.fa") as genome:
        assert dict(genome.lengths) == {name: round(length * 1e-5) for name, length in HG38.items()}
        codes = genome.codes("chr1", 0, genome.lengths["chr1"])
    assert (codes[[0, -1]] == 4).all()
    assert np.bincount(codes, minlength=5)[:4] == pytest.approx(len(codes) / 4, rel=0.2)


def test_weights_are_those_of_huggingface(served):
    weights = torch.load(served / WEIGHTS, weights_only=True)
    assert weights["bert.embeddings.word_embeddings.weight"].shape == (4101, 768)


def test_the_configuration_asks_for_the_files_that_there_are():
    config = load(CONFIG)
    data = config.genomic_interpreter.data
    assert data.shards == {split: len(counts) for split, counts in RECORDS.items()}
    assert data.crop.records_per_file == max(RECORDS["train"])
