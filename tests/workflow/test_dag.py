"""What the workflow plans: the right jobs, for the right reasons, before anything is run."""

import re
import shutil

import pytest
import yaml

from .conftest import ROOT, TINY, planned, run_snakemake

STUDY = "genomic_interpreter"


def paper_jobs(config: dict) -> dict[str, int]:
    """Jobs of the papers' run, counted from the configuration alone."""
    study, lrp = config[STUDY], config["dnabert_lrp"]
    shards = sum(study["data"]["shards"].values())
    trained = len(study["models"]) * len(study["seeds"])
    tasks = len(lrp["tasks"])
    fine_tuned = tasks * len(lrp["seeds"])
    motifs = len(lrp["motifs"]["tasks"]) * len(lrp["motifs"]["discovery"]["scores"])
    return {
        # Two splits and two classes of every task; genome and weights.
        "download": shards + 3 + 4 * tasks + 2,
        "unpack": 1,
        "crop_tfrecord": shards,
        "link_shards": 3,
        "train_main_model": len(study["seeds"]),
        "train_assay_model": trained - len(study["seeds"]),
        "predict": trained,
        "predict_reference": 2,
        "pearson": trained + 2,
        "sequences_from_coordinates": tasks,
        "pretrain": None,
        "dnabert_lrp_pretraining_curves": None,
        "fine_tune": fine_tuned,
        "classify": fine_tuned,
        "score_relevance": fine_tuned,
        "mutagenesis": fine_tuned,
        "score_truth": None,
        "dnabert_lrp_truth": None,
        "discover_motifs": motifs,
        "tomtom": motifs,
        "jaspar_targets": 1,
        "dnabert_lrp_relevance_logo": sum(len(task["examples"]) for task in lrp["tasks"].values()),
    }


def test_dry_run_of_the_paper_needs_no_data_and_counts_every_job(tmp_path):
    path = ROOT / "config/config.yaml"
    jobs = planned(run_snakemake(tmp_path, path, "--dry-run"))
    expected = paper_jobs(yaml.safe_load(path.read_text()))
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert jobs["download"] == 163


@pytest.mark.parametrize("name", ["demo", "small"])
def test_dry_run_of_the_other_configurations(tmp_path, name):
    # The track table of small.yaml is a file of the project, found from its folder.
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config/yeast_tracks.tsv", tmp_path / "config")
    jobs = planned(run_snakemake(tmp_path, ROOT / f"config/{name}.yaml", "--dry-run"))
    assert (jobs["train_assay_model"], jobs["train_main_model"]) == (4, 1)
    assert ("simulate_genome" in jobs) == (name == "demo")
    lrp = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())["dnabert_lrp"]
    fine_tuned = len(lrp["tasks"]) * len(lrp["seeds"])
    assert ("pretrain" in jobs, jobs["fine_tune"]) == (False, fine_tuned)
    assert ("simulate_sequences" in jobs) == (name == "demo")
    assert ("sequences_from_table" in jobs) == (name == "small")
    # 12 tables with two strands, 6 without.
    assert (jobs.get("coverage_from_positions", 0), jobs.get("windows_by_contig", 0)) == (
        (30, 1) if name == "small" else (0, 0)
    )


def test_dry_run_of_the_human_windows(tmp_path):
    jobs = planned(run_snakemake(tmp_path, ROOT / "config/human_windows.yaml", "--dry-run"))
    assert (jobs["crop_tfrecord"], jobs["train_assay_model"], jobs["train_main_model"]) == (18, 4, 1)
    assert "fine_tune" not in jobs


def test_root_snakefile_has_the_default_target(folder):
    by_root = planned(run_snakemake(folder, TINY, "--dry-run"))
    by_name = planned(run_snakemake(folder, TINY, "--dry-run", "all"))
    assert by_root == by_name
    assert (by_root["train_assay_model"], by_root["train_main_model"]) == (8, 2)


def test_only_the_configured_models_run(folder, changed_config):
    # Snakemake merges maps deeply: with a second configuration file underneath, its models would come along.
    config = changed_config({}, (f"{STUDY}.models.maxpool_cnn", f"{STUDY}.models.attpool_cnn"))
    done = run_snakemake(folder, config, "--dry-run")
    assert (planned(done)["train_assay_model"], planned(done)["train_main_model"]) == (4, 2)
    assert "maxpool_cnn" not in done.stdout
    assert "attpool_cnn" not in done.stdout


def test_a_wrong_key_stops_the_run_before_the_jobs(tmp_path, changed_config):
    done = run_snakemake(tmp_path, changed_config({f"{STUDY}.training.max_epoch": 3}), "--dry-run")
    assert done.returncode != 0
    words = done.stdout + done.stderr
    assert "genomic_interpreter.training.max_epoch: unknown key (found 3); did you mean 'max_epochs'?" in words
    assert "Traceback" not in words
    assert "Job stats" not in words


def test_a_key_that_stands_twice_stops_the_run_before_the_jobs(tmp_path):
    config = tmp_path / "twice.yaml"
    config.write_text(f"{TINY.read_text()}\nrun: again\n")
    done = run_snakemake(tmp_path, config, "--dry-run")
    assert done.returncode != 0
    assert re.search(r"twice\.yaml, line \d+: the key 'run' stands on line \d+ too", done.stdout + done.stderr)
    assert "Job stats" not in done.stdout + done.stderr


def test_missing_billing_project_stops_the_start_with_the_remedy(tmp_path):
    done = run_snakemake(tmp_path, ROOT / "config/config.yaml")
    assert done.returncode != 0
    assert "download.billing_project" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "resources").exists()


def test_nothing_to_do_after_a_run(tiny):
    done = run_snakemake(tiny, TINY)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("figures.attention.zoom_tokens", 6, {"genomic_interpreter_figure7"}),
        (
            "figures.figure3.example",
            0,
            {"genomic_interpreter_figure3", "explorer_readouts", "explorer_attributions", "explorer"},
        ),
        ("data_note", "Other words.", {"genomic_interpreter_table1", "genomic_interpreter_claims"}),
    ],
)
def test_a_changed_key_reruns_what_depends_on_it(tiny, changed_config, key, value, rules):
    jobs = planned(run_snakemake(tiny, changed_config({f"{STUDY}.{key}": value}), "--dry-run"))
    assert set(jobs) - {"all", "genomic_interpreter", "genomic_interpreter_figures", "report_page"} == rules


def test_a_model_key_retrains_that_model_only(tiny, changed_config):
    config = changed_config({f"{STUDY}.models.enformer.training": {"max_epochs": 3}})
    done = run_snakemake(tiny, config, "--dry-run")
    assert planned(done)["train_assay_model"] == 2
    assert "train_main_model" not in planned(done)
    assert "models/swin1d/seed1/model.ckpt" not in re.sub(r"input:.*", "", done.stdout)


def test_a_checkpoint_skips_training(tiny, study, changed_config):
    source = study / "models/maxpool_cnn/seed1/model.ckpt"
    config = changed_config({f"{STUDY}.models.maxpool_cnn.checkpoint": str(source), "run": "adopted"})
    target = "results/adopted/genomic_interpreter/models/maxpool_cnn/seed1/model.ckpt"
    jobs = planned(run_snakemake(tiny, config, "--dry-run"))
    assert jobs["train_assay_model"] == 6
    assert jobs["adopt_checkpoint"] == 1  # the same weights for every seed: one row, no standard deviation
    done = run_snakemake(tiny, config, target)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tiny / target).stat().st_size > 0
