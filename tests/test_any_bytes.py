"""Any bytes in the place of a user's file give a result or one `InputError`: no other exception, no endless loop."""

import zlib
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfrecords import write_tfrecord

from regulens.config import load
from regulens.core.errors import InputError
from regulens.core.tensors import read_weight_file, write_tensors
from regulens.data.crop import read_windows
from regulens.data.genome import Genome
from regulens.data.positions import read_positions
from regulens.data.sequences import read_coordinates, read_sites, read_table
from regulens.data.settings import PositionTable, TableSequences
from regulens.data.tfrecord import parse_example, read_records
from regulens.data.tracks import read_track_table
from regulens.motifs.meme import read_meme
from regulens.training.checkpoint import read_checkpoint

SECONDS = 20
EXAMPLES = 300


def read_genome(path):
    path.with_suffix(".fai").unlink(missing_ok=True)
    with Genome(path) as genome:
        for contig, length in genome.lengths.items():
            assert len(genome.codes(contig, -3, length + 3)) == length + 6


def read_examples(path):
    for record in read_records(path):
        with suppress(ValueError):  # to which the crop adds file and record
            parse_example(record)


def read_packed(path):
    path.write_bytes(zlib.compress(path.read_bytes()))
    read_examples(path)


TEXTS = {
    "FASTA": (read_genome, ">chr1 first\nACGTACGTAC\nACGTN\n\n>chr2\nacgt\n>chr3\n"),
    "windows": (read_windows, "chr1\t0\t128\ttrain\nchr1\t128\t256\tvalid\nchr2\t0\t128\ttest\n"),
    "tracks": (
        read_track_table,
        "index\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription\n"
        "0\ta\ta.bw\t384\t320\t1\tsum_sqrt\t1\tCAGE:a+\n1\tb\tb.bw\t384\t\t1\tsum\t0\tCAGE:b-\n",
    ),
    "positions": (
        lambda path: read_positions(
            path, PositionTable(file=str(path), contig="seq", position="TSS", strand="s", count="n")
        ),
        "seq\tTSS\ts\tn\nI\t  10\t+\t  1\nII\t5\t-\t2.5\n",
    ),
    "table of sequences": (
        lambda path: read_table(path, TableSequences(route="table", table=str(path))),
        "id\tsequence\tlabel\tsplit\na\tACGTACGT\t1\ttrain\nb\tACGTACGA\t0\ttest\n",
    ),
    "coordinates": (read_coordinates, "id,region,start,end,strand\n0,chr1,10,20,+\n1,chr2,5,9,-\n"),
    "sites": (read_sites, "id\tstart\tend\tmotif\tstrand\na\t1\t7\tSP1\t+\n'b\t0\t6\tNF\"YA\t-\n"),
    "MEME": (
        read_meme,
        "MEME version 5\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.3 C 0.2 G 0.2 T 0.3\n\n"
        "MOTIF MA0001.1 one\nletter-probability matrix: alength= 4 w= 2 nsites= 12 E= 0\n"
        " 0.25 0.25 0.25 0.25\n 0.97 0.01 0.01 0.01\n",
    ),
    "configuration": (load, "run: mine\nsources: {a.fa: {url: 'https://x.org/a.fa', licence: CC0}}\nseeds: [1, 2]\n"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Name to a reader and a good file of its kind."""
    folder = tmp_path_factory.mktemp("good")
    readers = {}
    for name, (read, text) in TEXTS.items():
        readers[name] = (read, text.encode())
    write_tfrecord(folder / "r.tfr", np.ones((2, 16), np.uint8), np.ones((2, 2, 3), np.float16))
    packed = (folder / "r.tfr").read_bytes()
    readers["TFRecord"] = (read_examples, packed)
    readers["records in a TFRecord"] = (read_packed, zlib.decompress(packed))
    content = {"kind": "regulens assay model", "state_dict": {"w": torch.ones(3)}, "tracks": "a\tb\n", "groups": ["x"]}
    write_tensors(folder / "m.ckpt", content)
    readers["checkpoint"] = (read_checkpoint, (folder / "m.ckpt").read_bytes())
    readers["weights"] = (read_weight_file, (folder / "m.ckpt").read_bytes())
    return readers


@st.composite
def damaged(draw, good: bytes) -> bytes:
    """A good file with a few pieces cut out, put in, doubled or changed; or other bytes altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = good
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.just(content[start:end] * 2),
                st.binary(max_size=12),
                st.sampled_from(
                    [b"\t", b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"-1", b"1e400", b"nan", b'"']
                ),
            )
        )
        content = content[:start] + piece + content[end:]
    return content


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*TEXTS, "TFRecord", "records in a TFRecord", "checkpoint", "weights"])
def test_any_bytes_are_read_or_refused(written, tmp_path, name):
    read, good = written[name]
    path = tmp_path / "input.bin"

    @settings(max_examples=EXAMPLES, deadline=SECONDS * 1000, suppress_health_check=list(HealthCheck))
    @given(damaged(good))
    def attempt(content):
        path.write_bytes(content)
        message = path.name
        try:
            read(path)
        except InputError as error:
            message = str(error)
        assert path.name in message

    attempt()
