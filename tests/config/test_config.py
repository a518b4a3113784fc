"""A wrong configuration is answered with the right one."""

import copy
from pathlib import Path

import pytest
import yaml
from config_changes import changed

from regulens.config import STUDIES, load, validate
from regulens.core.errors import InputError
from regulens.core.yaml_file import read_yaml
from regulens.report import documents

ROOT = Path(__file__).parents[2]
FILES = ["demo", "small", "human_windows", "config"]


@pytest.fixture(scope="module")
def demo() -> dict:
    return yaml.safe_load((ROOT / "config/demo.yaml").read_text())


@pytest.mark.parametrize("name", FILES)
def test_shipped_configurations_are_valid_and_complete(name):
    config = load(ROOT / f"config/{name}.yaml")
    assert list(config.genomic_interpreter.models) == [
        "maxpool_cnn",
        "attpool_cnn",
        "attpool_dilated",
        "enformer",
        "swin1d",
    ]


@pytest.mark.parametrize("name", ["ablations", "ablations_yeast"])
def test_ablations_differ_from_their_base_in_what_is_asked(name):
    config = load(ROOT / f"config/{name}.yaml")
    models, asked = config.genomic_interpreter.models, config.sequence_to_function.ablations
    assert set(models) == {asked.base, *sum(asked.questions.values(), [])}
    base = models[asked.base].settings["transformer"]
    for name in asked.questions["Positions"]:
        changed = models[name].settings["transformer"]
        assert {key for key in base | changed if base.get(key) != changed.get(key)} <= {"positions", "families"}


def test_the_base_of_the_ablations_on_yeast_is_the_enformer_of_the_small_configuration():
    small, ablations = (load(ROOT / f"config/{name}.yaml").genomic_interpreter for name in ("small", "ablations_yeast"))
    assert small.data == ablations.data
    assert small.training == ablations.training
    for name in ("enformer", "attpool_dilated", "attpool_cnn"):
        assert small.models[name].settings == ablations.models[name].settings


def test_paper_configuration_is_the_papers():
    study = load(ROOT / "config/config.yaml").genomic_interpreter
    assert (study.data.geometry.input_bp, study.data.geometry.bins, study.data.geometry.bin_bp) == (17712, 80, 128)
    assert (study.training.effective_batch, study.training.devices, study.training.learning_rate) == (24, 3, 3e-4)
    assert sum(study.data.shards.values()) == 150


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "genomic_interpreter.training.learnin_rate",
            0.1,
            ["genomic_interpreter.training.learnin_rate", "0.1", "'learning_rate'"],
        ),
        ("genomic_interpreter.data.geometry.bin", 8, ["genomic_interpreter.data.geometry.bin", "'bins'"]),
        (
            "genomic_interpreter.data.crop.tiling",
            "center",
            ["genomic_interpreter.data.crop.tiling", "'center'", "'centre'"],
        ),
        ("genomic_interpreter.data.route", "tfrecords", ["genomic_interpreter.data", "'tfrecord'"]),
        (
            "genomic_interpreter.models.swin1d.settings.width",
            [1],
            ["genomic_interpreter.models.swin1d.settings.width", "'widths'"],
        ),
        (
            "genomic_interpreter.models.swin1d.architecture",
            "swin",
            ["genomic_interpreter.models.swin1d.architecture", "'swin1d'"],
        ),
        (
            "genomic_interpreter.models.swin1d.training",
            {"max_epoch": 3},
            ["models.swin1d.training.max_epoch", "'max_epochs'"],
        ),
        ("genomic_interpreter.figures.main_model", "swin", ["genomic_interpreter.figures.main_model", "'swin1d'"]),
        (
            "genomic_interpreter.training.max_epochs",
            "many",
            ["genomic_interpreter.training.max_epochs", "'many'", "integer"],
        ),
        ("genomic_interpreter.training.max_epochs", True, ["training.max_epochs: must be a number", "found True"]),
        ("genomic_interpreter.training.learning_rate", True, ["training.learning_rate: must be a number"]),
        ("genomic_interpreter.seeds", [True, 2], ["genomic_interpreter.seeds: must be a number", "[True, 2]"]),
        ("genomic_interpreter.data.simulation.contigs", {"train": True}, ["simulation.contigs: must be a number"]),
        ("genomic_interpreter.models.swin1d.settings.width", True, ["swin1d.settings.width"]),
        ("genomic_interpreter.models.swin1d.training", {"max_epochs": True}, ["swin1d.training.max_epochs: must be"]),
        ("sources", {"../../x": {"url": "https://x"}}, ["sources.../../x", "its path in the download folder"]),
        ("sources", {"/x": {"url": "https://x"}}, ["sources./x", "its path in the download folder"]),
        ("sources", {"a/../x": {"url": "https://x"}}, ["sources.a/../x", "its path in the download folder"]),
        ("genomic_interpreter.data.geometry.bin_bp", 100, ["power of two", "100"]),
        ("sources", {"x": {"url": "ftp://x", "sha256": "zz"}}, ["sources.x.url", "sources.x.sha256"]),
        ("downloads", {}, ["downloads", "'download'"]),
    ],
)
def test_wrong_keys_and_values_name_path_finding_and_remedy(demo, path, value, expected):
    with pytest.raises(InputError) as error:
        validate(changed(demo, path, value))
    for words in expected:
        assert words in str(error.value)


def test_all_errors_are_listed_at_once(demo):
    values = changed(changed(demo, "run", "no spaces allowed"), "genomic_interpreter.seed", [1])
    with pytest.raises(InputError) as error:
        validate(values)
    assert len(str(error.value).splitlines()) == 2


def test_missing_key_is_named(demo):
    values = copy.deepcopy(demo)
    del values["genomic_interpreter"]["figures"]["figure3"]
    with pytest.raises(InputError, match=r"genomic_interpreter\.figures\.figure3: this key is missing"):
        validate(values)


def test_a_model_needs_one_line(demo):
    values = changed(demo, "genomic_interpreter.models.enformer", None)
    entry = validate(values).genomic_interpreter.models["enformer"]
    assert (entry.architecture, entry.label, entry.settings) == ("enformer", "enformer", {})


def test_model_overrides_shared_training(demo):
    values = changed(demo, "genomic_interpreter.models.enformer.training", {"max_epochs": 3})
    config = validate(values)
    assert config.genomic_interpreter.model_training("enformer").max_epochs == 3
    assert (
        config.genomic_interpreter.model_training("enformer").learning_rate
        == config.genomic_interpreter.training.learning_rate
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [", "x.yaml: not valid YAML"),
        (b"a: 2024-13-45", "x.yaml: not valid YAML"),
        (b"- 1", "must be a map"),
        (b"", "must be a map"),
        (None, "no such configuration file"),
        ("run: x\ndata_note: na\xefve".encode("latin-1"), "x.yaml, line 2: not UTF-8 text"),
        (b"a:\n  b: 1\n  c: {}\n  b: 2", "x.yaml, line 4: the key 'b' stands on line 2 too"),
        (b"a: {b: 1, 'b': 2}", "x.yaml, line 1: the key 'b' stands on line 1 too"),
        (b"a: [{1: x, 1: y}]", "x.yaml, line 1: the key 1 stands on line 1 too"),
    ],
)
def test_unreadable_files(tmp_path, content, words):
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        load(path)


def test_a_byte_order_mark_anchors_and_overridden_merges_are_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("\ufeffa: &a {b: 1, c: 2}\nd:\n  <<: *a\n  b: 3\n", encoding="utf-8")
    assert read_yaml(path) == {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}


def test_model_override_goes_into_nested_keys(demo):
    values = changed(demo, "genomic_interpreter.models.enformer.training", {"augmentation": {"shift_bp": 3}})
    augmentation = validate(values).genomic_interpreter.model_training("enformer").augmentation
    assert (augmentation.shift_bp, augmentation.reverse_complement) == (3, True)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("figures.main_model", "maxpool_cnn", "maxpool_cnn has no attention to draw"),
        ("figures.attention.heads_layer", 10, "heads_layer: found 10; swin1d has layers 1 to 9"),
        ("seeds", [1, 2, 1], "seeds: 1 is named twice"),
        ("seeds", [-1], "seeds[0]"),
        ("models.enformer.label", "MaxPoolCNNs", "the label 'MaxPoolCNNs' is given twice"),
        ("models.mean", {"architecture": "maxpool_cnn"}, "models.mean: a reference row of Table 1 has this name"),
    ],
)
def test_what_would_fail_after_hours_of_training_fails_at_once(demo, path, value, expected):
    with pytest.raises(InputError) as error:
        validate(changed(demo, f"genomic_interpreter.{path}", value))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "relevance.scores",
            ["lrp", "atention"],
            "dnabert_lrp.relevance.scores: unknown score; found 'atention'; did you mean 'attention'?",
        ),
        ("relevance.scores", ["lrp", "lrp"], "dnabert_lrp.relevance.scores: 'lrp' is named twice"),
        (
            "motifs.discovery.scores",
            ["lrp_lats"],
            "dnabert_lrp.motifs.discovery.scores: 'lrp_lats' is not among relevance.scores; did you mean 'lrp_last'?",
        ),
        (
            "motifs.tasks",
            ["promotors"],
            "dnabert_lrp.motifs.tasks: no such task; found 'promotors'; did you mean 'promoters'?",
        ),
        (
            "explained",
            ["enhancer"],
            "dnabert_lrp.explained: no such task; found 'enhancer'; did you mean 'enhancers'?",
        ),
        (
            "explained",
            ["enhancers"],
            "dnabert_lrp.motifs.tasks: promoters is not in dnabert_lrp.explained, so that it has no relevance",
        ),
        (
            "tasks.promoters.data",
            {"route": "class_files", "positive": "p", "negative": "n", "places": {"TATA box": [190, 201]}},
            "dnabert_lrp.tasks.promoters.data.places: TATA box ends at 201 bp, beyond the first 200 bp",
        ),
        (
            "model.settings.positions",
            100,
            "dnabert_lrp.tasks.promoters.data.length_bp: 200 bp make 197 tokens; the model has "
            "dnabert_lrp.model.settings.positions = 100",
        ),
        ("mutagenesis.mutations", [1, 201], "dnabert_lrp.mutagenesis.mutations: cannot mutate 201 of the 200 bp"),
        ("relevance.start_layer", 2, "dnabert_lrp.relevance.start_layer: found 2; the model has layers 0 to 1"),
        ("tasks.promoters.label", "Enhancers", "dnabert_lrp.tasks: the label 'Enhancers' is given twice"),
        (
            "tasks.promoters.classes",
            {"positive": "P"},
            "dnabert_lrp.tasks.promoters.classes: a name for negative is missing",
        ),
        ("tasks.promoters.training", {"max_epoch": 3}, "dnabert_lrp.tasks.promoters.training.max_epoch: unknown key"),
        ("tasks.promoters.data.route", "tables", "dnabert_lrp.tasks.promoters.data"),
        ("tasks.promoters.data.simulation.positive", {}, "dnabert_lrp.tasks.promoters.data.simulation.positive"),
        ("fine_tuning.select", "pearson", "dnabert_lrp.fine_tuning.select: unknown value; found 'pearson'"),
        (
            "pretraining.training.select",
            "auroc",
            "dnabert_lrp.pretraining.training.select: unknown value; found 'auroc'",
        ),
        ("pretraining.data", {"training_sequences": False}, "no training data"),
        ("fine_tuning.augmentation", {"shift_bp": 3}, "dnabert_lrp.fine_tuning"),
        ("model.settings.heads", 5, "hidden (64) must be a multiple of heads (5)"),
        ("seeds", [1, 1], "dnabert_lrp.seeds: 1 is named twice"),
        ("seeds", [], "dnabert_lrp.seeds"),
        ("tasks", {}, "dnabert_lrp.tasks"),
    ],
)
def test_wrong_keys_of_the_second_study(demo, path, value, expected):
    with pytest.raises(InputError) as error:
        validate(changed(demo, f"dnabert_lrp.{path}", value))
    assert expected in str(error.value)


def test_weights_and_pretraining_exclude_each_other(demo):
    config = changed(demo, "dnabert_lrp.pretraining", {"data": {"max_windows": 300}, "training": {"max_epochs": 1}})
    assert validate(config).dnabert_lrp.pretraining
    with pytest.raises(InputError, match="dnabert_lrp.pretraining: model.weights is given too"):
        validate(changed(config, "dnabert_lrp.model.weights", "x.bin"))


def test_a_task_overrides_the_shared_fine_tuning(demo):
    study = validate(changed(demo, "dnabert_lrp.tasks.enhancers.training", {"max_epochs": 9})).dnabert_lrp
    assert study.task_training("enhancers").max_epochs == 9
    assert study.task_training("promoters") == study.fine_tuning
    assert study.task_training("enhancers").learning_rate == study.fine_tuning.learning_rate


@pytest.mark.parametrize("study", STUDIES)
def test_any_study_may_be_left_out_but_not_all(demo, study):
    # The fourth study explains the models of the first.
    without = {study, "sequence_to_function"} if study == "genomic_interpreter" else {study}
    values = {key: value for key, value in demo.items() if key not in without}
    assert getattr(validate(values), study) is None
    values = {key: value for key, value in demo.items() if key not in STUDIES}
    with pytest.raises(InputError, match="no study is configured: give at least one of genomic_interpreter"):
        validate(values)


def test_second_papers_configuration_is_the_papers():
    study = load(ROOT / "config/config.yaml").dnabert_lrp
    model, training = study.model.settings, study.fine_tuning
    assert (model.k, model.layers, model.hidden, model.heads, model.intermediate) == (6, 12, 768, 12, 3072)
    assert (training.max_epochs, training.effective_batch, training.learning_rate) == (5, 48, 2e-4)
    assert (study.mutagenesis.sequences_per_class, study.mutagenesis.mutations[-1]) == (500, 20)
    assert {task.data.length_bp for task in study.tasks.values()} == {200}
    assert study.pretraining is None


def test_generated_documents_are_up_to_date():
    documents.check(ROOT)
