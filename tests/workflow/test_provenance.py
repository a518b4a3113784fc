"""Manifests of the tiny run: every output of every rule has one, with every input of the rule."""

import base64
import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from regulens.provenance.trace import chain, read_manifest

from .conftest import run_snakemake


def recorded_jobs(folder: Path) -> dict[str, dict]:
    """What Snakemake recorded of each output, by its path."""
    found = {}
    root = folder / ".snakemake/metadata"
    for path in root.rglob("*"):
        if path.is_file():
            # A long name is split into folders that begin with @.
            name = "".join(part.removeprefix("@") for part in path.relative_to(root).parts)
            found[base64.b64decode(name, altchars=b"-_").decode()] = json.loads(path.read_text())
    return found


def missing_inputs(folder: Path, output: str, job: dict) -> list[str]:
    """Inputs of a job that the manifest of its output does not list, nor a file in them."""
    manifest = read_manifest(folder / output)
    listed = {os.path.abspath((folder / output).parent / place) for place in manifest["run"]["inputs"]}
    listed |= {str(parent) for path in listed for parent in Path(path).parents}
    return [path for path in job["input"] if os.path.abspath(folder / path) not in listed]


def test_every_output_has_a_manifest_with_every_input_of_its_rule(tiny):
    # Other tests run other configurations in the same folder.
    jobs = {output: job for output, job in recorded_jobs(tiny).items() if output.startswith("results/tiny/")}
    assert len(jobs) > 150
    missing = {output: found for output, job in jobs.items() if (found := missing_inputs(tiny, output, job))}
    # The logos read the motifs of the scores that have one.
    assert {jobs[output]["rule"] for output in missing} <= {"dnabert_lrp_motif_logos"}, missing


@pytest.mark.parametrize(
    ("path", "commands"),
    [
        ("genomic_interpreter/table1.csv", {"genomic-interpreter table1", "train", "crop-bigwig", "simulate-genome"}),
        ("genomic_interpreter/figure7.png", {"genomic-interpreter figure7", "export-attention", "train"}),
        ("dnabert_lrp/table1.csv", {"mutagenesis", "score-relevance", "fine-tune", "pretrain", "simulate-sequences"}),
        ("dnabert_lrp/section53_promoters.csv", {"tomtom", "discover-motifs", "jaspar-targets", "fine-tune"}),
        ("hybrid_networks/claims.csv", {"hybrid-networks results", "train-trials", "simulate-motif-sequences"}),
        ("hybrid_networks/training_task1.png", {"train-trials", "simulate-motif-sequences"}),
    ],
)
def test_the_chain_of_a_figure_or_table_holds_back_to_what_it_began_with(tiny, path, commands):
    steps = chain(tiny / "results/tiny" / path, verify=True)
    assert not [step.problem for step in steps if step.problem]
    assert commands <= {step.identity.get("command") for step in steps}
    for step in steps:
        if step.manifest is None:
            assert step.path in ("enhancers.tsv", "published.csv"), "the user's own, and the project's"
        elif not step.inputs:
            simulated = step.identity["command"].startswith("simulate")
            assert step.identity["seed"] is not None if simulated else step.identity["command"] == "jaspar-targets"


def test_no_state_and_no_file_beside_the_users_own_has_a_manifest(tiny):
    assert not list(tiny.glob("*.manifest.json"))
    assert not list(tiny.rglob("state/*.manifest.json"))
    assert not list(tiny.rglob("*.manifest.json.manifest.json"))


def test_a_download_is_the_end_of_a_chain_with_its_address_and_licence(folder, changed_config):
    packed = folder / "original.gz"
    packed.write_bytes(gzip.compress(b"text"))
    url = packed.as_uri()
    sources = {"stated/a.txt.gz": {"url": url, "licence": "CC BY 4.0"}, "b.txt.gz": {"url": url}}
    done = run_snakemake(folder, changed_config({"sources": sources}), "resources/stated/a.txt", "resources/b.txt")
    assert done.returncode == 0, done.stderr[-3000:]
    for name, licence in (("stated/a.txt", "CC BY 4.0"), ("b.txt", "not stated")):
        unpacked, download = chain(folder / "resources" / name, verify=True)
        assert unpacked.identity["command"] == "unpack"
        assert download.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()
        assert download.identity["arguments"]["url"] == url
        assert download.identity["arguments"]["licence"] == licence
