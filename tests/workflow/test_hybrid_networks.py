"""The tiny run's study of hybrid networks: plan, and what is inside its outputs."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from regulens.data.simulate.motifs import read_motif_sequences
from regulens.interpret.saliency import read_saliency_examples
from regulens.motifs.meme import read_meme
from regulens.training.trials import load_trials

from .conftest import TINY, planned, run_snakemake

STUDY = "hybrid_networks"
SETTINGS = yaml.safe_load(TINY.read_text())[STUDY]
ARCHITECTURES = list(SETTINGS["architectures"])
ACTIVATIONS = ["relu", "exponential"]


@pytest.fixture(scope="module")
def hybrid(tiny):
    """Results of the study of the tiny run."""
    return tiny / f"results/tiny/{STUDY}"


def test_the_papers_run_has_every_job_once(tmp_path):
    jobs = planned(run_snakemake(tmp_path, TINY.parents[2] / "config/config.yaml", "--dry-run", STUDY))
    networks = 17 * 2
    per_task = {"train_trials": 2 * networks, "evaluate_trials": 2 * networks}
    task1 = dict.fromkeys(["align_filters", "tomtom_filters", "match_filters"], networks)
    figures = {"hybrid_networks_filters": networks, "hybrid_networks_saliency_logo": 17 * 2}
    once = dict.fromkeys(["filter_targets", "hybrid_networks_claims"], 1)
    expected = per_task | task1 | figures | once | {"simulate_motif_sequences": 2, "score_saliency": networks}
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert "adopt_trials" not in jobs
    assert not {"train_assay_model", "fine_tune", "download"} & set(jobs)


@pytest.mark.parametrize(("task", "metrics"), [("task1", ["aupr", "tpr", "fpr"]), ("task2", ["saliency_aupr"])])
def test_results_follow_from_the_kept_trials(hybrid, task, metrics):
    results = pd.read_csv(hybrid / f"{task}.csv").set_index(["architecture", "activation", "metric"])
    trials = pd.read_csv(hybrid / f"{task}_trials.csv")
    count, keep = SETTINGS[task]["trials"], SETTINGS[task]["keep"]
    assert len(trials) == len(ARCHITECTURES) * len(ACTIVATIONS) * count
    for (architecture, activation), rows in trials.groupby(["architecture", "activation"]):
        kept = rows[rows["kept"]]
        assert len(kept) == keep
        for metric in metrics:
            row = results.loc[(architecture, activation, metric)]
            assert row["mean"] == pytest.approx(kept[metric].mean(), abs=1e-5)
            sd = kept[metric].std(ddof=0) if keep > 1 else np.nan
            assert row["sd"] == pytest.approx(sd, abs=1e-5, nan_ok=True)
            assert (row["n_kept"], row["n_trials"]) == (keep, count)
            assert np.isnan(row["published"]) == (architecture == "own")
    assert results.loc[("c24", "relu", metrics[0]), "published"] == {"task1": 0.914, "task2": 0.635}[task]


def test_trials_are_chosen_on_the_configured_set(hybrid):
    for task, column in (("task1", "aupr"), ("task2", "valid_auroc")):
        trials = pd.read_csv(hybrid / f"{task}_trials.csv")
        for _, rows in trials.groupby(["architecture", "activation"]):
            dropped = rows.loc[~rows["kept"], column]
            assert dropped.empty or rows.loc[rows["kept"], column].min() >= dropped.max()
    assert "on the validation set" in (hybrid / "task2.md").read_text()


def test_a_model_has_every_trial_and_its_sizes(hybrid):
    loaded = load_trials(hybrid / "task2/own/exponential/model.pt")
    assert (loaded.network.trials, loaded.settings.sizes.attention, loaded.settings.activation) == (
        2,
        16,
        "exponential",
    )
    log = pd.read_csv(hybrid / "task2/own/exponential/log.csv")
    assert log["trial"].tolist() == [0, 0, 1, 1]
    assert set(loaded.trials["status"]) == {"max_epochs"}
    weights = loaded.network.convolution.weight
    assert not torch.allclose(weights[0], weights[1])


def test_filters_of_all_trials_become_motifs_and_rates(hybrid):
    folder = hybrid / "task1/c24/exponential"
    motifs = [motif.matrix.matrix_id for motif in read_meme(folder / "filters.meme").motifs]
    assert len(motifs) == 3 * 8
    assert {name.split("_")[0] for name in motifs} == {"trial0", "trial1", "trial2"}
    filters = pd.read_csv(folder / "filters.csv")
    rates = pd.read_csv(folder / "filter_statistics.csv").set_index("trial")
    for trial, rows in filters.groupby("trial"):
        assert rates.loc[trial, "tpr"] == pytest.approx(rows["truth"].notna().mean())
        assert rates.loc[trial, "match_any"] == pytest.approx(rows["matched"].mean())


def test_saliency_examples_hold_the_planted_motifs(hybrid):
    data = read_motif_sequences(hybrid / "data/task2.h5", "test")
    positive = np.flatnonzero(data.labels[:, 0])
    examples = read_saliency_examples(hybrid / "task2/c24/relu/saliency_examples.h5")
    np.testing.assert_array_equal(examples.codes[0], data.codes[positive[1]])
    np.testing.assert_allclose(examples.model[0], data.model[positive[1]], atol=1e-6)
    table = pd.read_csv(hybrid / "task2/c24/relu/saliency.csv")
    assert table["trial"].tolist() == [0, 1]
    assert table["sequences"].tolist() == [len(positive)] * 2
    assert table["auroc"].between(0, 1).all()


def test_claims_name_criterion_numbers_and_a_verdict(hybrid):
    claims = pd.read_csv(hybrid / "claims.csv")
    assert set(claims["verdict"]) <= {"not a test: simulated data", "not tested in this run"}
    assert len(claims) >= 20
    assert claims["criterion"].str.len().min() > 10


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        (
            "task1.keep",
            1,
            {"hybrid_networks_results", "hybrid_networks_claims", "hybrid_networks_figure2", "hybrid_networks_filters"},
        ),
        ("saliency.signal_bits", 0.2, {"score_saliency"}),
        ("training.trials_at_once", 3, set()),
        ("evaluation_batch", 7, set()),
    ],
)
def test_a_changed_key_reruns_what_depends_on_it(tiny, changed_config, key, value, rules):
    jobs = set(planned(run_snakemake(tiny, changed_config({f"{STUDY}.{key}": value}), "--dry-run", STUDY)))
    jobs -= {STUDY, f"{STUDY}_figures"}
    assert rules <= jobs if rules else not jobs
    untouched = {"train_trials", "evaluate_trials", "simulate_motif_sequences", "hybrid_networks_training_curves"}
    assert not untouched & jobs


def test_a_further_architecture_is_one_line(tiny, changed_config):
    line = {"label": "C24-Att", "baseline": "c24", "modules": ["attention"]}
    done = run_snakemake(tiny, changed_config({f"{STUDY}.architectures.c24_att": line}), "--dry-run", STUDY)
    jobs = planned(done)
    assert (jobs["train_trials"], jobs["tomtom_filters"], jobs["score_saliency"]) == (4, 2, 2)
    assert jobs["hybrid_networks_filters"] >= 2


def test_trained_trials_can_be_taken_instead_of_training(tiny, hybrid, changed_config):
    source = hybrid / "task1/c24/relu/model.pt"
    checkpoints = {"c24": {"relu": str(source)}}
    config = changed_config({"run": "adopted", f"{STUDY}.task1.checkpoints": checkpoints})
    jobs = planned(run_snakemake(tiny, config, "--dry-run", STUDY))
    assert (jobs["adopt_trials"], jobs["train_trials"]) == (1, 11)
    target = f"results/adopted/{STUDY}/task1/c24/relu/model.pt"
    done = run_snakemake(tiny, config, target)
    assert done.returncode == 0, done.stderr[-3000:]
    adopted, expected = load_trials(tiny / target).network, load_trials(source).network
    assert torch.equal(adopted.convolution.weight, expected.convolution.weight)


def test_a_checkpoint_of_another_network_is_refused(tiny, hybrid, changed_config):
    checkpoints = {"c24": {"relu": str(hybrid / "task1/own/relu/model.pt")}}
    config = changed_config({"run": "refused", f"{STUDY}.task1.checkpoints": checkpoints})
    target = f"results/refused/{STUDY}/task1/c24/relu/model.pt"
    done = run_snakemake(tiny, config, target)
    assert done.returncode != 0
    log = (tiny / f"results/refused/logs/{STUDY}/task1/c24/relu/model.pt.log").read_text()
    assert "regulens: error:" in log
    assert "Traceback" not in log
    assert not (tiny / target).exists()
