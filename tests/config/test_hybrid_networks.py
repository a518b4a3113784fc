"""Keys of the third study: the paper's values, and what a wrong one is answered with."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from config_changes import changed as changed_config

from regulens.config import load, validate
from regulens.core.errors import InputError

ROOT = Path(__file__).parents[2]
STUDY = "hybrid_networks"


@pytest.fixture(scope="module")
def demo() -> dict:
    return yaml.safe_load((ROOT / "config/demo.yaml").read_text())


@pytest.fixture(scope="module")
def paper():
    return load(ROOT / "config/config.yaml").hybrid_networks


def changed(values: dict, path: str, value) -> dict:
    return changed_config(values, f"{STUDY}.{path}", value)


def test_the_papers_configuration_has_every_published_network(paper):
    published = pd.read_csv(ROOT / "config/published.csv")
    of_study = published[published["study"] == STUDY]
    assert [design.published for design in paper.architectures.values()] == list(dict.fromkeys(of_study["subject"]))
    assert len(paper.architectures) == 17
    assert paper.activations == ["relu", "exponential"]
    for design in paper.architectures.values():
        assert design.published == design.label


def test_the_papers_numbers_of_trials_sizes_and_training(paper):
    assert (paper.task1.trials, paper.task1.keep, paper.task2.trials, paper.task2.keep) == (10, 3, 5, 5)
    assert (paper.task1.selection.metric, paper.task2.selection.metric) == ("aupr", "auroc")
    assert (paper.task1.data.sequences, paper.task2.data.sequences) == (25_000, 20_000)
    assert (paper.task1.classes, paper.task2.classes) == (12, 1)
    training = paper.training
    assert (training.epochs, training.batch, training.learning_rate, training.epsilon) == (100, 100, 1e-3, 1e-7)
    assert (training.decay, training.decay_patience, training.stop_patience) == (0.2, 4, 10)
    assert (paper.comparison.release, paper.comparison.all_versions) == ("JASPAR2020", True)
    assert paper.comparison.tax_group is None
    assert (paper.comparison.distance, paper.comparison.max_q_value) == ("pearson", 0.1)


def test_two_networks_of_task_2_have_the_wider_attention_of_the_code(paper):
    widths = {name: paper.network("task2", name, "relu").sizes.attention for name in paper.architectures}
    assert {name for name, width in widths.items() if width == 96} == {"c24_lstm_att", "c4_lstm_att"}
    assert set(widths.values()) == {48, 96}
    assert {paper.network("task1", name, "relu").sizes.attention for name in paper.architectures} == {128}


def test_keys_that_are_not_given_are_those_of_their_own_task(demo):
    """A part of a map does not bring in the defaults of the other task or study."""
    values = changed(demo, "task2.sizes", {"dropout": 0.2})
    values = changed(values, "task2.selection", {"split": "valid"})
    study = validate(changed(values, "comparison", {"engine": "native"})).hybrid_networks
    sizes = study.network("task2", "c24", "relu").sizes
    assert (sizes.dropout, sizes.filters, sizes.lstm, sizes.attention, sizes.dense) == (0.2, 24, 48, 48, 96)
    assert (study.task2.selection.split, study.task2.selection.metric) == ("valid", "auroc")
    assert study.comparison.release == "JASPAR2020"
    assert (study.comparison.tax_group, study.comparison.all_versions) == (None, True)
    other = study.network("task1", "c24", "relu").sizes
    assert (other.filters, other.lstm, other.attention, other.dense) == (16, 128, 128, 128)


def test_the_truth_is_what_is_planted(demo):
    motifs = {"SP1": "MA0079.3", "YY1": "MA0095.1"}
    truth = {"SP1": ["MA0079.3"], "YY1": ["MA0095.1"]}
    values = changed(demo, "task1.data.motifs", motifs)
    with pytest.raises(InputError, match="hybrid_networks.filters.truth: CEBPB is not planted in"):
        validate(values)
    assert validate(changed(values, "filters.truth", truth)).hybrid_networks.task1.classes == 2
    with pytest.raises(InputError, match="filters.truth: YY1: MA0095.1, which .* plants, is missing: add it"):
        validate(changed(values, "filters.truth", truth | {"YY1": ["MA0095.2"]}))


def test_a_task_overrides_the_shared_training(demo):
    study = validate(changed(demo, "task2.training", {"epochs": 3})).hybrid_networks
    assert study.task_training("task2").epochs == 3
    assert study.task_training("task1") == study.training


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("architectures.c24.baselin", "c24", "hybrid_networks.architectures.c24.baselin: unknown key"),
        ("architectures.c24.baseline", "c4c7", "did you mean 'c4c6'?"),
        ("architectures.c24.modules", ["lsmt"], "did you mean 'lstm'?"),
        ("architectures.other", {"label": "C24", "baseline": "c24"}, "the label 'C24' is given twice"),
        ("architectures", {}, "hybrid_networks.architectures"),
        ("activations", ["relu", "relu"], "hybrid_networks.activations: 'relu' is named twice"),
        ("activations", ["exp"], "hybrid_networks.activations[0]: unknown value; found 'exp'"),
        ("task1.keep", 5, "hybrid_networks.task1.keep: found 5; at most the 2 trials can be kept"),
        ("task1.sizes_of", {"c4c5": {"lstm": 8}}, "hybrid_networks.task1.sizes_of: no such architecture"),
        ("task1.sizes_of", {"c24": {"lsmt": 8}}, "hybrid_networks.task1.sizes_of.c24.lsmt: unknown key"),
        ("task1.training", {"epoch": 3}, "hybrid_networks.task1.training.epoch: unknown key (found 3); did you mean"),
        ("task2.checkpoints", {"c25": {"relu": "a.pt"}}, "hybrid_networks.task2.checkpoints: no such architecture"),
        (
            "architectures.c24_trans",
            {"label": "X", "baseline": "c24", "modules": ["transformer"]},
            "an encoder block adds its input to its output",
        ),
        ("task1.data.motif_counts", {1: 0.5}, "must be probabilities that sum to 1"),
        ("saliency.examples", [0, 0], "hybrid_networks.saliency.examples: every row only once"),
        ("task1.data.route", "regulatory_code", "hybrid_networks.task1.data.route"),
    ],
)
def test_wrong_keys_of_the_third_study(demo, path, value, expected):
    with pytest.raises(InputError) as error:
        validate(changed(demo, path, value))
    assert expected in str(error.value)


def test_a_checkpoint_needs_its_activation(demo):
    values = changed(demo, "activations", ["relu"])
    with pytest.raises(InputError, match="'exponential' is not among hybrid_networks.activations"):
        validate(changed(values, "task1.checkpoints", {"c24": {"exponential": "a.pt"}}))
