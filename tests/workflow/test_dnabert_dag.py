"""What the workflow plans for the DNABERT study: the right jobs, and after a change only those that depend on it."""

import pytest

from .conftest import ROOT, TINY, planned, run_snakemake

STUDY = "dnabert_lrp"
TARGETS = {"all", "dnabert_lrp", "dnabert_lrp_figures"}
FROM_MUTAGENESIS = {"dnabert_lrp_table1", "dnabert_lrp_figure1", "dnabert_lrp_figure2", "dnabert_lrp_paired_tests"}
FROM_MUTAGENESIS |= {"dnabert_lrp_claims"}
ASSAY_JOBS = {"simulate_genome", "crop_bigwig", "train_main_model", "genomic_interpreter_table1"}
SEQUENCE_JOBS = {"simulate_sequences", "sequences_from_table", "fine_tune", "dnabert_lrp_table1", "tomtom"}


def test_jobs_of_the_tiny_run(folder):
    jobs = planned(run_snakemake(folder, TINY, "--dry-run", STUDY))
    assert not ASSAY_JOBS & set(jobs)
    expected = {
        "simulate_sequences": 1,
        "sequences_from_table": 1,
        "pretrain": 1,
        "fine_tune": 2,
        "classify": 2,
        "classify_by_kmers": 2,
        "score_relevance": 2,
        "mutagenesis": 2,
        "score_truth": 1,
        "discover_motifs": 2,
        "tomtom": 2,
        "dnabert_lrp_relevance_logo": 2,
    }
    assert {rule: jobs[rule] for rule in expected} == expected


def test_every_task_is_fine_tuned_once_for_each_seed(folder, changed_config):
    jobs = planned(run_snakemake(folder, changed_config({f"{STUDY}.seeds": [3, 5]}), "--dry-run", STUDY))
    for rule in ("fine_tune", "classify", "classifier_metrics", "score_relevance", "mutagenesis", "score_agreement"):
        assert jobs[rule] == 4, rule
    assert (jobs["pretrain"], jobs["classify_by_kmers"], jobs["score_truth"], jobs["discover_motifs"]) == (1, 2, 2, 2)


def test_only_explained_tasks_have_relevance(folder, changed_config):
    config = changed_config({f"{STUDY}.explained": ["promoters"]})
    jobs = planned(run_snakemake(folder, config, "--dry-run", STUDY))
    for rule in ("fine_tune", "classify", "classifier_metrics"):
        assert jobs[rule] == 2, rule
    for rule in ("score_relevance", "mutagenesis", "score_agreement", "dnabert_lrp_relevance_logo", "score_truth"):
        assert jobs[rule] == 1, rule


@pytest.mark.parametrize(
    ("left_out", "jobs", "others"),
    [("genomic_interpreter", SEQUENCE_JOBS, ASSAY_JOBS), (STUDY, ASSAY_JOBS, SEQUENCE_JOBS)],
)
def test_a_configuration_with_one_study(folder, changed_config, left_out, jobs, others):
    # The fourth study explains the models of the first.
    out = (left_out, "sequence_to_function") if left_out == "genomic_interpreter" else (left_out,)
    found = set(planned(run_snakemake(folder, changed_config({}, out), "--dry-run")))
    assert jobs <= found
    assert not others & found


def test_only_the_configured_tasks_run(folder, changed_config):
    # Snakemake merges maps deeply: with a second configuration file underneath, its tasks would come along.
    done = run_snakemake(folder, changed_config({}, (f"{STUDY}.tasks.enhancers",)), "--dry-run", STUDY)
    assert planned(done)["fine_tune"] == 1
    assert "enhancers" not in done.stdout


def test_the_demo_has_nothing_of_the_papers_tasks(tmp_path):
    done = run_snakemake(tmp_path, ROOT / "config/demo.yaml", "--dry-run", STUDY)
    jobs = planned(done)
    assert (jobs["simulate_sequences"], jobs["fine_tune"]) == (2, 2)
    assert not {"download", "unpack", "sequences_from_coordinates", "sequences_from_table"} & set(jobs)
    for name in ("genomic_benchmarks", "hg38", "DNA_bert_6"):
        assert name not in done.stdout


def test_without_motif_tasks_no_motif_job(folder, changed_config):
    jobs = set(planned(run_snakemake(folder, changed_config({f"{STUDY}.motifs.tasks": []}), "--dry-run", STUDY)))
    assert not {"discover_motifs", "tomtom", "jaspar_targets", "dnabert_lrp_motif_logos"} & jobs


def test_weights_of_ones_own_take_the_place_of_the_pretraining(folder, changed_config):
    config = changed_config({f"{STUDY}.model.weights": "weights.bin"}, (f"{STUDY}.pretraining",))
    without = run_snakemake(folder, config, "--dry-run", STUDY)
    assert without.returncode != 0
    assert "weights.bin" in without.stdout + without.stderr  # an input of the fine-tuning
    (folder / "weights.bin").write_text("")
    jobs = planned(run_snakemake(folder, config, "--dry-run", STUDY))
    assert jobs["fine_tune"] == 2
    assert not {"pretrain", "dnabert_lrp_pretraining_curves"} & set(jobs)


def test_a_wrong_key_stops_the_run_before_the_jobs(folder, changed_config):
    done = run_snakemake(folder, changed_config({f"{STUDY}.relevance.scores": ["lrp", "atention"]}), "--dry-run")
    assert done.returncode != 0
    words = done.stdout + done.stderr
    assert "dnabert_lrp.relevance.scores: unknown score; found 'atention'; did you mean 'attention'?" in words
    assert "Traceback" not in words
    assert "Job stats" not in words


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("logos.span_bp", 30, {"dnabert_lrp_relevance_logo"}),
        ("mutagenesis.repeats", 4, {"mutagenesis", "mutagenesis_tables", *FROM_MUTAGENESIS}),
        (
            "mutagenesis.bootstrap",
            60,
            {"mutagenesis_tables", "score_truth", "dnabert_lrp_truth", "dnabert_lrp_tiers", *FROM_MUTAGENESIS},
        ),
        (
            "evaluation.reference_k",
            3,
            {"classify_by_kmers", "classifier_metrics", "dnabert_lrp_section51", "dnabert_lrp_claims"},
        ),
        (
            "tasks.enhancers.classes",
            {"positive": "Enhancer", "negative": "Other"},
            {
                "dnabert_lrp_filters",
                "dnabert_lrp_data_card",
                "dnabert_lrp_score_agreement",
                "dnabert_lrp_relevance_logo",
                *FROM_MUTAGENESIS,
            },
        ),
        (
            "motifs.comparison.max_q_value",
            0.9,
            {"tomtom", "dnabert_lrp_section53", "dnabert_lrp_motif_logos", "dnabert_lrp_claims"},
        ),
    ],
)
def test_a_changed_key_reruns_what_depends_on_it(tiny, changed_config, key, value, rules):
    jobs = planned(run_snakemake(tiny, changed_config({f"{STUDY}.{key}": value}), "--dry-run", STUDY))
    assert set(jobs) - TARGETS == rules


@pytest.mark.parametrize(
    "key",
    [
        "fine_tuning.batch_per_device",
        "fine_tuning.workers",
        "model.threads",
        "relevance.batch",
        "mutagenesis.batch",
    ],
)
def test_hardware_is_no_reason_to_compute_again(tiny, changed_config, key):
    done = run_snakemake(tiny, changed_config({f"{STUDY}.{key}": 2}), "--dry-run", STUDY)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_key_of_one_task_trains_that_task_only(tiny, changed_config):
    config = changed_config({f"{STUDY}.tasks.enhancers.training": {"max_epochs": 3}})
    jobs = planned(run_snakemake(tiny, config, "--dry-run", STUDY))
    assert (jobs["fine_tune"], jobs["score_relevance"], jobs["mutagenesis"]) == (1, 1, 1)
    assert not {"pretrain", "discover_motifs", "score_truth"} & set(jobs)


def test_another_simulation_makes_new_sequences_of_that_task(tiny, changed_config):
    key = f"{STUDY}.tasks.promoters.data.simulation.seed"
    jobs = planned(run_snakemake(tiny, changed_config({key: 2}), "--dry-run", STUDY))
    # All training sequences are pre-trained on: the other task is fine-tuned again too.
    assert (jobs["simulate_sequences"], jobs["pretrain"], jobs["fine_tune"]) == (1, 1, 2)
    assert "sequences_from_table" not in jobs
