"""State dictionaries as other programs save them: under which prefix the weights are, and what is not among them."""

import pytest
import torch
from torch import nn

from regulens.core.errors import InputError
from regulens.core.tensors import require_finite, tensors_of

MODEL = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
WEIGHTS = MODEL.state_dict()
METRIC = {"valid_auroc.count": torch.ones(())}


def under(prefix: str, weights: dict = WEIGHTS) -> dict:
    return {f"{prefix}{name}": tensor for name, tensor in weights.items()}


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (WEIGHTS, []),
        (under("model."), []),
        (under("module."), []),
        (under("_orig_mod."), []),
        (under("module._orig_mod."), []),
        ({"state_dict": under("model._orig_mod."), "epoch": 3}, []),
        ({"state_dict": under("model.") | METRIC}, ["valid_auroc.count"]),
        (under("module.") | {"n_averaged": torch.ones(())}, ["n_averaged"]),  # torch.optim.swa_utils.AveragedModel
        (under("any.name.") | under("any.other.", METRIC), ["any.other.valid_auroc.count"]),
        ({name.replace("0.", "0._orig_mod."): tensor for name, tensor in WEIGHTS.items()}, []),  # one part compiled
        # torch.compile beside the model itself: both are the same weights.
        (under("model.") | under("fast._orig_mod."), [f"fast._orig_mod.{name}" for name in WEIGHTS]),
    ],
)
def test_weights_are_found_under_any_prefix(content, left_out):
    found, rest = tensors_of(content, "w.pt", WEIGHTS)
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)
    assert rest == left_out


def test_a_tensor_under_the_same_prefix_belongs_to_the_model():
    found, rest = tensors_of(under("model.", WEIGHTS | METRIC), "w.pt", WEIGHTS)
    assert found.keys() == {*WEIGHTS, *METRIC}
    assert rest == []


def test_of_two_models_none_is_chosen():
    average = {name: tensor + 1 for name, tensor in WEIGHTS.items()}
    with pytest.raises(InputError, match=r"w\.pt: two sets of these weights, model\.\.\.\. and ema\.\.\.\.: keep one"):
        tensors_of(under("model.") | under("ema.", average), "w.pt", WEIGHTS)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_no_numbers_are_named(value):
    weights = {name: tensor.clone() for name, tensor in WEIGHTS.items()} | {"steps": torch.ones(2, dtype=torch.int64)}
    require_finite(weights, "w.pt")
    weights["0.weight"][1, 1] = value
    with pytest.raises(InputError, match=r"w\.pt: 1 of 6 values of 0\.weight are not finite numbers"):
        require_finite(weights, "w.pt")
