"""Figure 1 of the hybrid networks: lengths, channels and parameters of the real networks."""

import pytest
from figure_inputs import check_text, pdf_text
from hybrid_inputs import paper_architectures

from regulens.core.errors import InputError
from regulens.models.settings import HybridArchitecture, HybridNetworkSettings, HybridSizes
from regulens.studies.hybrid_networks.figure1 import (
    architecture_figure,
    figure1,
    first_stage,
    merged_words,
    parts_of,
    second_stage,
    second_stages,
)

SMALL = HybridSizes(filters=24, lstm=48, attention=48, dense=96)


WIDE = ("c24_lstm_att", "c4_att")
"""Networks whose attention has 96 channels in task 2 (docs/papers.md, "Network architectures")."""


def networks(architectures, sizes, classes, wide=()):
    return {
        name: HybridNetworkSettings(
            baseline=design.baseline,
            modules=design.modules,
            sizes=sizes.model_copy(update={"attention": 96}) if name in wide else sizes,
            classes=classes,
        )
        for name, design in architectures.items()
    }


def both_tasks(architectures):
    return {
        "Task 1": networks(architectures, HybridSizes(), 12),
        "Task 2": networks(architectures, SMALL, 1, WIDE),
    }


@pytest.fixture(scope="module")
def paper():
    """The 17 networks and their figure for both tasks."""
    architectures = paper_architectures()
    return architectures, architecture_figure(architectures, both_tasks(architectures))


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_network_has_its_row_with_the_true_parameters(paper):
    architectures, figure = paper
    shown = texts(figure)
    for design in architectures.values():
        assert design.label in shown
    for count in ("140,748", "147,980", "563,148"):  # docs/papers.md, "Network architectures"
        assert count in shown
    markers = [line.get_marker() for line in figure.axes[0].lines if line.get_marker() not in (None, "None", "")]
    assert "".join(markers) == "o^sP*D" * 2 + "o^P*D"


def test_three_stages_with_lengths_of_both_tasks(paper):
    shown = texts(paper[1])
    assert [text for text in shown if text.startswith(("Stage 1", "Stage 2"))] == [
        "Stage 1: baselines",
        "Stage 2: attention-based modules, or none",
    ]
    assert [shown.count(title) for title in ("Att", "LSTM-Att", "LSTM-TransN")] == [1, 1, 1]
    assert shown.count("200 × 32/24") == 3
    assert shown.count("8 × 32/24") == 2  # C24 and C4C6; both pool 24-fold
    assert "50 × 128/48" in shown  # the BiLSTM of C4
    assert "8 × 128/48,96" in shown  # attention of task 2
    assert "12/1" in shown
    assert "Transformer\nN = 1, 2, 4 blocks:\n8 heads,\nfeed-forward 32" in shown
    assert "not on\nC4-LSTM" in shown
    assert any("ReLU/exponential" in text for text in shown)


def test_text_is_readable(paper, tmp_path):
    check_text(paper[1])
    one = {"c24": paper[0]["c24"]}
    tasks = {"": networks(one, HybridSizes(), 12)}
    figure = architecture_figure(one, tasks, ["relu"])
    check_text(figure)
    assert "200 × 32" in texts(figure)
    assert any(text.endswith("ReLU") and "exponential" not in text for text in texts(figure))
    assert "Stage 2: output, on the flattened sequence" in texts(figure)
    figure1(one, tasks, tmp_path / "1.pdf", tmp_path / "1.png")
    assert "Networks and trainable parameters" in pdf_text(tmp_path / "1.pdf")
    assert (tmp_path / "1.png").exists()


@pytest.mark.parametrize(
    "modules",
    [
        ["attention", "attention", "lstm", "transformer", "lstm", *["transformer"] * 3],
        ["transformer"],
        ["lstm"],
    ],
)
def test_a_combination_of_ones_own_is_drawn(modules):
    sizes = HybridSizes(filters=16, lstm=16, attention=16, dense=8)
    own = {"own": HybridArchitecture(label="Own", baseline="c24", modules=modules)}
    tasks = {"Own task": networks(own, sizes, 2)}
    boxes = second_stage(own, [{"own": parts_of(tasks["Own task"]["own"])}])
    (title, drawn), *rest = boxes.items()
    assert not rest
    if len(modules) > 1:
        assert title == "Att-Att-LSTM-Trans1-LSTM-Trans3"
        assert [one.name for one in drawn] == [*["attention"] * 2, "BiLSTM", "transformer", "BiLSTM", "transformer"]
        assert drawn[3].detail.startswith("1 block:")
        assert drawn[5].detail.startswith("3 blocks:")
    check_text(architecture_figure(own, tasks))


def test_more_second_stages_than_columns_take_another_row():
    sizes = HybridSizes(filters=16, lstm=16, attention=16, dense=8)
    combinations = [["lstm"], ["attention"], ["transformer"], ["lstm", "attention"], ["attention", "lstm"]]
    own = {
        f"n{number}": HybridArchitecture(label=f"N{number}", baseline="c4c6", modules=modules)
        for number, modules in enumerate(combinations)
    }
    figure = architecture_figure(own, {"Task": networks(own, sizes, 2)})
    check_text(figure)
    assert "Stage 2: attention-based modules" in texts(figure)  # none is without
    lefts = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert lefts["LSTM"][1] == lefts["Att"][1] < lefts["LSTM-Att"][1] == lefts["Att-LSTM"][1]


def test_transn_joins_lstm_transn_only_from_the_baseline_with_a_bilstm():
    both = {
        "a": HybridArchitecture(label="A", baseline="c24", modules=["lstm", "transformer"]),
        "b": HybridArchitecture(label="B", baseline="c4", modules=["transformer"] * 2),
    }
    assert second_stages(both) == {"LSTM-TransN": ["a", "b"]}
    both["b"] = both["b"].model_copy(update={"baseline": "c24"})
    assert second_stages(both) == {"LSTM-TransN": ["a"], "TransN": ["b"]}


def test_parts_of_a_network():
    modules = ["lstm", "attention"]
    found = parts_of(HybridNetworkSettings(baseline="c4c6", modules=modules, sizes=SMALL, classes=1))
    assert [stage.length for stage in found.baseline] == [200, 200, 50, 50, 8]
    assert [stage.channels for stage in found.on_top] == [48, 48]
    assert [stage.name for stage in found.head] == ["dense", "output"]
    designs = {"x": HybridArchitecture(label="X", baseline="c4c6", modules=modules)}
    assert list(first_stage(designs, [{"x": found}], ["exponential"])) == ["c4c6"]


def test_merged_words():
    assert merged_words(["32 filters of 19 bp, ReLU", "24 filters of 19 bp, ReLU"]) == "32/24 filters of 19 bp, ReLU"
    assert merged_words(["4 heads, bias", "8 heads, bias"]) == "4/8 heads, bias"
    assert merged_words(["size 4"] * 3) == "size 4"
    assert merged_words(["one", "two words"]) == "one / two words"


def test_a_task_without_a_network_is_named(paper):
    tasks = both_tasks(paper[0])
    del tasks["Task 2"]["c4c6_att"]
    with pytest.raises(InputError, match="networks of Task 2: c4c6_att is missing"):
        architecture_figure(paper[0], tasks)


DESIGNS = {"c24": {"label": "C24", "baseline": "c24"}, "own": {"label": "Own", "baseline": "c4", "modules": ["lstm"]}}


SIZES = {"filters": 8, "lstm": 8, "dense": 16}


NETWORKS = {
    name: {"baseline": design["baseline"], "modules": design.get("modules", []), "sizes": SIZES, "classes": 3}
    for name, design in DESIGNS.items()
}


@pytest.mark.parametrize("tasks", [["Sites"], ["Sites", "Code"]])
def test_figure1_with_the_networks_of_one_task_or_of_several(draw, tasks):
    shown = draw("figure1", architectures=DESIGNS, activations=["relu"], designs=dict.fromkeys(tasks, NETWORKS))
    assert "Own" in shown
    assert ("Code" in shown) == ("Code" in tasks)
    assert "exponential" not in shown


@pytest.mark.parametrize(
    ("designs", "message"),
    [
        ({"Sites": {**NETWORKS, "own": {**NETWORKS["own"], "baseline": "c5"}}}, "designs.Sites.own.baseline: unknown"),
        ({}, "designs: .* at least 1"),
        ([], "designs: input should be a valid dictionary"),
        ({"Sites": {}}, "designs.Sites: .* at least 1"),
        ({"Sites": 3}, "designs.Sites: input should be a valid dictionary"),
    ],
)
def test_figure1_names_what_is_wrong_with_its_settings(draw, designs, message):
    with pytest.raises(InputError, match=message):
        draw("figure1", architectures=DESIGNS, designs=designs)
