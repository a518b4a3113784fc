"""Numbers of the plan against counts made by hand, and the document against the configuration."""

from pathlib import Path

import pytest
import torch

from regulens.cluster.cost import Gpu, assay_cost, bert_cost, bert_parameters, forward_cost, hybrid_cost, mutants
from regulens.cluster.inputs import assay_examples, sequence_counts, store_bytes, track_count
from regulens.cluster.plan import (
    ENFORMER_WINDOW,
    NOT_JOBS,
    check,
    count_jobs,
    document,
    jobs_by_stage,
    make_plan,
    parse_job_table,
    stage_of,
)
from regulens.config import load
from regulens.core.errors import InputError
from regulens.data.settings import Geometry
from regulens.models.bert import build_classifier
from regulens.models.settings import BertSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paper():
    return load(ROOT / "config/config.yaml")


@pytest.fixture(scope="module")
def paper_jobs():
    return count_jobs(ROOT / "config/config.yaml", ROOT)


def test_cost_of_one_linear_layer():
    cost = forward_cost(lambda: torch.nn.Linear(30, 50), lambda model: model(torch.zeros(7, 30, requires_grad=True)))
    assert cost.parameters == 30 * 50 + 50
    assert cost.flops == 2 * 7 * 30 * 50
    assert cost.saved_bytes == 4 * 7 * 30  # its input; weights are not activations


def test_cost_grows_with_the_window():
    sizes = {"stem_width": 16, "widths": [16] * 6, "final_width": 16}
    small = assay_cost("maxpool_cnn", sizes, Geometry(), 10)
    large = assay_cost("maxpool_cnn", sizes, ENFORMER_WINDOW, 10)
    assert large.parameters == small.parameters
    ratio = ENFORMER_WINDOW.padded_bp / Geometry().padded_bp
    assert large.flops / small.flops == pytest.approx(ratio, rel=0.02)
    assert large.saved_bytes / small.saved_bytes == pytest.approx(ratio, rel=0.02)


def test_trials_cost_as_many_times(paper):
    network = paper.hybrid_networks.network("task1", "c24_att", "relu")
    one, ten = hybrid_cost(network, 1, 100), hybrid_cost(network, 10, 100)
    assert (ten.parameters, one.parameters) == (10 * one.parameters, 563_148)  # docs/papers.md, "Network architectures"
    assert ten.flops == 10 * one.flops


def test_bert_formulas():
    settings = BertSettings(layers=2, hidden=24, heads=3, intermediate=40, positions=90, k=3)
    model = build_classifier(settings)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert bert_parameters(settings) == parameters
    tokens = 60 - 3 + 3
    cost = forward_cost(
        lambda: build_classifier(settings), lambda model: model(torch.zeros(1, tokens, dtype=torch.long)).logits
    )
    assert bert_cost(settings, 60).flops == pytest.approx(cost.flops, rel=0.02)


def test_counts_of_the_paper(paper):
    assert assay_examples(paper) == {"train": 34_021, "valid": 2_213, "test": 1_937}
    assert track_count(paper) == 5313
    assert sequence_counts(paper, "promoters") == (27_097, 9_034)
    assert store_bytes(paper.genomic_interpreter, assay_examples(paper), 5313) == 38_171 * (17_712 + 160 * 5313 + 96)
    assert mutants(paper.dnabert_lrp) == 1000 * (1 + 20 * (1 + 9 * 5))


def test_counts_of_simulations():
    config = load(ROOT / "tests/config/tiny.yaml")
    assert assay_examples(config) == {"train": 78, "valid": 39, "test": 39}
    assert track_count(config) == 11
    assert sequence_counts(config, "promoters") == (400, 60)


def test_what_is_unknown_is_said(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    plan = make_plan(load(ROOT / "config/small.yaml"))
    assert plan.gpu_hours["train assay models"] is None
    assert plan.size["crop"] is None


def test_examples_of_splits_by_contig_are_known_from_the_index(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(ROOT / "config/small.yaml")
    assert assay_examples(config) is None
    fasta = tmp_path / config.download.folder / config.genomic_interpreter.data.fasta.removesuffix(".gz")
    fasta.parent.mkdir(parents=True)
    lengths = {"I": 30_720, "VII": 10_240, "VIII": 20_479, "XVI": 10_240, "Mito": 85_779}
    fasta.with_name(fasta.name + ".fai").write_text("".join(f"{c}\t{n}\t9\t60\t61\n" for c, n in lengths.items()))
    assert assay_examples(config) == {"train": 3, "valid": 1, "test": 2}


def test_a_table_that_is_there_is_counted(mirror, monkeypatch):
    monkeypatch.setenv("REGULENS_MIRROR", str(mirror))
    config = load(ROOT / "config/human_windows.yaml")
    assert assay_examples(config) == {"train": 270, "valid": 60, "test": 60}
    assert track_count(config) == 74
    config = load(ROOT / "config/small.yaml")
    assert sequence_counts(config, "promoters_grouped") == (6324, 2710)
    assert sequence_counts(config, "tata_promoters") == (4291, 1839)


def test_every_job_of_the_dry_run_is_in_a_stage(paper_jobs):
    stages = jobs_by_stage(paper_jobs)
    assert sum(stages.values()) == sum(paper_jobs.values())
    assert (stages["crop"], stages["train assay models"], stages["train hybrid networks"]) == (153, 5, 70)
    assert not NOT_JOBS & set(paper_jobs)


def test_document_is_up_to_date(paper, paper_jobs, tmp_path, monkeypatch):
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    text = document(paper, paper_jobs, "config/config.yaml")
    check(ROOT / "docs/scale.md", text)
    (tmp_path / "old.md").write_text("old")
    with pytest.raises(InputError, match="does not match"):
        check(tmp_path / "old.md", text)


def test_table_of_jobs():
    text = (
        "noise 3\nJob stats:\njob      count\n-----  -------\nall          1\ncrop_x       7\ntotal        8\nafter 9\n"
    )
    assert parse_job_table(text) == {"crop_x": 7}
    assert stage_of("crop_tfrecord") == "crop"
    assert stage_of("dnabert_lrp_figure1") == "tables and figures"
    with pytest.raises(InputError, match="no table"):
        parse_job_table("nothing")


def test_more_time_without_bf16(paper):
    cost, gpu = assay_cost("maxpool_cnn", {}, Geometry(), 5313), Gpu()
    assert gpu.seconds(cost, 8, bf16=False) > gpu.seconds(cost, 8)
    assert gpu.seconds(cost, 8) > 4 * gpu.seconds(cost, 1)
