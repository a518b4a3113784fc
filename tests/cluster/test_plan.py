"""Numbers of the plan against counts made by hand, and the document against the configuration."""

import csv
from pathlib import Path

import pytest
import torch

from regulens.cli import project
from regulens.cluster import cost, plan
from regulens.cluster.cost import (
    Cost,
    Gpu,
    assay_cost,
    assay_jobs,
    bert_cost,
    bert_parameters,
    forward_cost,
    hybrid_cost,
    hybrid_jobs,
    mutants,
)
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
from regulens.cluster.rates import TABLE, Rates, read_rates
from regulens.cluster.resources import REHEARSED, rehearsal_section
from regulens.config import load
from regulens.config.overrides import merged
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
    rehearsed = rehearsal_section(ROOT / REHEARSED, paper, paper_jobs)
    text = document(paper, paper_jobs, "config/config.yaml", Gpu(rates=read_rates(ROOT / TABLE)), rehearsed)
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


WORK = {
    ("training enformer: 17712 bp, 80 bins of 128 bp, 5313 tracks", "bf16"): 100,
    ("all scores of DNABERT-6: 200 bp", "fp32"): 90,
    ("mutants by DNABERT-6: 200 bp", "bf16"): 9000,
    ("mutants by DNABERT-6: 200 bp", "fp32"): 900,
    ("training c4c6 + attention: 200 bp, 10 trials of 100", "fp32"): 1e5,
}
"""Rates per second of a small table."""


@pytest.fixture
def rates_table(tmp_path) -> Path:
    """A table of benchmarks/gpu.sh, with rows that the plan has no use for."""
    path = tmp_path / TABLE
    path.parent.mkdir()
    place = ["Card 1", "580.1", "2.11.0", "abc", "2026-12-01"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["implementation", "work", "precision", "value", "device", "driver", "torch", "commit", "date"])
        for (work, precision), rate in WORK.items():
            writer.writerow(["regulens", work, precision, rate, *place])
            writer.writerow(["regulens", work, precision, 1, "CPU", *place[1:]])
            writer.writerow(["torch", work, precision, 2, *place])
        writer.writerow(["regulens", "training swin1d: 17712 bp, 80 bins of 128 bp, 5313 tracks", "bf16", "", *place])
    return path


@pytest.fixture
def _uncounted(monkeypatch):
    """Networks are not counted: each costs the same."""
    monkeypatch.setattr(cost, "forward_cost", lambda make, run: Cost(10**6, 10**9, 10**8, 10**7, 100))


def test_rates_of_a_table(rates_table, tmp_path):
    assert read_rates(rates_table) == Rates(WORK, "Card 1", "driver 580.1, torch 2.11.0, commit abc, 2026-12-01")
    assert read_rates(tmp_path / "none.csv") == Rates()
    (tmp_path / "other.csv").write_text("model,hours\nswin1d,3\n")
    with pytest.raises(InputError, match="other.csv: not a table of benchmarks/gpu.sh"):
        read_rates(tmp_path / "other.csv")


@pytest.mark.usefixtures("_uncounted")
def test_hours_follow_from_measured_rates_where_there_are(paper, rates_table):
    estimated, found = make_plan(paper), make_plan(paper, Gpu(rates=read_rates(rates_table)))
    assert not any(job.measured for job in estimated.models)
    for job, other in zip(found.models, estimated.models, strict=True):
        assert job.measured == (job.name == "enformer")
        assert job.measured or job == other
    enformer = next(job for job in found.models if job.measured)
    assert enformer.hours == pytest.approx(30 * (34_021 + 2_213 / 3) / 100 / 3600)
    assert enformer.prediction_hours == pytest.approx(1_937 / 3 / 100 / 3600)
    assert found.measured["train assay models"].count(True) == 1
    tests = sum(sequence_counts(paper, task)[1] for task in paper.dnabert_lrp.tasks)
    assert found.gpu_hours["classify, score relevance"] == pytest.approx(1.1 * tests / 90 / 3600)
    assert found.gpu_hours["mutagenesis"] == pytest.approx(2 * mutants(paper.dnabert_lrp) / 9000 / 3600)
    assert found.measured["mutagenesis"] == found.measured["classify, score relevance"] == [True, True]
    assert found.gpu_hours["pretrain, fine-tune"] == estimated.gpu_hours["pretrain, fine-tune"]

    before, after = (
        hybrid_jobs(paper.hybrid_networks, Gpu(rates=rates)) for rates in (Rates(), read_rates(rates_table))
    )
    measured = {name for name, (_, _, measured) in after.items() if measured}
    assert measured == {"task1/c4c6_att/relu", "task1/c4c6_att/exponential"}
    train, valid, _ = (share * 25_000 for share in paper.hybrid_networks.task1.data.splits)
    hours, parameters, _ = after["task1/c4c6_att/relu"]
    assert hours == pytest.approx(100 * 10 * (train + valid / 3) / 1e5 / 3600)
    assert all(after[name] == before[name] for name in after if name not in measured)
    assert parameters == before["task1/c4c6_att/relu"][1]


@pytest.mark.usefixtures("_uncounted")
def test_rates_are_for_the_settings_that_were_measured(paper, rates_table):
    gpu = Gpu(rates=read_rates(rates_table))
    changes = {
        "model settings": {"models": {"enformer": {"settings": {"final_width": 128}}}},
        "precision": {"training": {"precision": "fp32"}},
        "window": {"data": {"geometry": {"input_bp": 20_000}}},
    }
    examples = assay_examples(paper)
    for what, change in changes.items():
        study = paper.genomic_interpreter
        values = merged(study.model_dump(), change)
        config = paper.model_copy(update={"genomic_interpreter": type(study).model_validate(values)})
        geometry = config.genomic_interpreter.data.geometry
        assert not any(job.measured for job in assay_jobs(config, geometry, examples, 5313, gpu)), what
    assert not any(job.measured for job in assay_jobs(paper, Geometry(), examples, 5312, gpu))


@pytest.mark.usefixtures("_uncounted")
def test_the_plan_says_which_numbers_are_measured_and_on_which_card(rates_table, monkeypatch, capsys):
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    rules = {"train_assay_model": 5, "fine_tune": 2, "mutagenesis": 2, "train_trials": 68, "crop_tfrecord": 1}
    monkeypatch.setattr(plan, "count_jobs", lambda configfile, root: rules)
    project.plan(configfile=ROOT / "config/config.yaml", root=rates_table.parents[1])
    text = capsys.readouterr().out
    assert "on Card 1 (driver 580.1, torch 2.11.0, commit abc, 2026-12-01)" in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    stages = {row[0]: row for row in rows if len(row) == 8}
    assert stages["stage"][6:] == ["rates, 17,712 bp", "rates, 196,608 bp"]
    assert stages["train assay models"][6:] == ["1 of 5 measured, Card 1", "estimated"]
    assert stages["mutagenesis"][6:] == ["measured, Card 1"] * 2
    assert stages["train hybrid networks"][6:] == ["2 of 68 measured, Card 1"] * 2
    assert stages["pretrain, fine-tune"][6:] == ["estimated"] * 2
    assert stages["crop"][6:] == stages["**all**"][6:] == ["", ""]
    models = [row for row in rows if row[1] in ("configured", "196,608 bp")]
    assert [row[-1] for row in models if row[0] == "enformer"] == ["measured, Card 1", "estimated"]
    assert {row[-1] for row in models if row[0] != "enformer"} == {"estimated"}
