"""Model files: round trip, foreign and damaged files, weights from elsewhere."""

import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.data.store import AssayStore
from regulens.models.base import build
from regulens.training.checkpoint import adopt_checkpoint, load_model, read_checkpoint, save_model


@pytest.fixture(scope="module")
def trained(stores, model_keys, tmp_path_factory):
    """A model with random weights and its file."""
    path = tmp_path_factory.mktemp("trained") / "model.ckpt"
    with AssayStore(stores["train"]) as store:
        model = build("maxpool_cnn", model_keys, store.geometry, 4)
        save_model(path, model, model.state_dict(), store, seed=3, epoch=7)
    return model.eval(), path


def codes() -> torch.Tensor:
    return one_hot(torch.randint(0, 5, (2, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8))


def test_a_saved_model_predicts_as_before(trained):
    model, path = trained
    again = load_model(path)
    assert not again.training
    assert torch.equal(again(codes()), model(codes()))
    assert read_checkpoint(path)["epoch"] == 7


@pytest.mark.parametrize("kind", ["absent", "text", "truncated", "tensor", "state dictionary", "object"])
def test_a_file_that_is_no_model_is_named(trained, tmp_path, kind):
    model, good = trained
    path = tmp_path / "foreign.ckpt"
    if kind == "text":
        path.write_text("hello")
    elif kind == "truncated":
        path.write_bytes(good.read_bytes()[:2000])
    elif kind != "absent":
        torch.save({"tensor": torch.ones(3), "state dictionary": model.state_dict(), "object": model}[kind], path)
    with pytest.raises(InputError, match=r"foreign\.ckpt"):
        load_model(path)


@pytest.mark.parametrize("form", ["own", "plain", "nested", "prefixed", "compiled", "with a metric"])
def test_weights_are_adopted(trained, stores, model_keys, tmp_path, capfd, form):
    model, path = trained
    output = tmp_path / "out" / "model.ckpt"
    weights = model.state_dict()
    if form != "own":
        path = tmp_path / "weights.pt"
        prefixed = {f"model.{name}": value for name, value in weights.items()}
        contents = {
            "plain": weights,
            "nested": {"state_dict": prefixed, "epoch": 2},
            "prefixed": prefixed,
            "compiled": {f"module._orig_mod.{name}": value for name, value in weights.items()},
            "with a metric": {"state_dict": prefixed | {"valid_r.count": torch.ones(())}},
        }
        torch.save(contents[form], path)
    adopt_checkpoint(path, "maxpool_cnn", model_keys, stores["test"], output)
    assert torch.equal(load_model(output)(codes()), model(codes()))
    content = read_checkpoint(output)
    assert content["adopted_from"] == str(path)
    assert content["seed"] == (3 if form == "own" else None)
    words = capfd.readouterr().err
    assert ("cannot be checked" in words) == (form != "own")
    assert ("left out: valid_r.count" in words) == (form == "with a metric")


@pytest.mark.parametrize("form", ["own", "plain"])
def test_weights_that_are_no_numbers_are_not_adopted(trained, stores, model_keys, tmp_path, form):
    model, path = trained
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    weights["head.bias"][0] = torch.nan
    content = read_checkpoint(path) | {"state_dict": weights} if form == "own" else weights
    torch.save(content, tmp_path / "nan.pt")
    with pytest.raises(InputError, match=r"nan\.pt: 1 of 4 values of head\.bias are not finite"):
        adopt_checkpoint(tmp_path / "nan.pt", "maxpool_cnn", model_keys, stores["test"], tmp_path / "model.ckpt")
    if form == "own":
        with pytest.raises(InputError, match=r"nan\.pt: 1 of 4 values of head\.bias are not finite"):
            load_model(tmp_path / "nan.pt")


def test_what_does_not_fit_is_said(trained, stores, model_keys, other_store, tmp_path):
    model, path = trained
    output = tmp_path / "model.ckpt"

    def adopt(architecture="maxpool_cnn", keys=model_keys, store=stores["test"], checkpoint=path):
        adopt_checkpoint(checkpoint, architecture, keys, store, output)

    with pytest.raises(InputError, match="architecture: maxpool_cnn, configured attpool_cnn"):
        adopt(architecture="attpool_cnn")
    with pytest.raises(InputError, match=r"model settings final_dropout: 0\.1, configured 0\.3"):
        adopt(keys=model_keys | {"final_dropout": 0.3})
    with pytest.raises(InputError, match=r"track 2, identifier: plus in the model, forward in the data"):
        adopt(store=other_store("renamed"))
    with pytest.raises(InputError, match="tracks: the model predicts 4, the data have 3"):
        adopt(store=other_store("fewer"))
    with pytest.raises(InputError, match="geometry input_bp: 64, configured 80"):
        adopt(store=other_store("longer"))

    plain = tmp_path / "plain.pt"
    torch.save(model.state_dict() | {"extra": torch.ones(1)}, plain)
    with pytest.raises(InputError, match="1 weights do not fit maxpool_cnn as configured:\n  unknown: extra"):
        adopt(checkpoint=plain)
    torch.save(model.state_dict(), plain)
    with pytest.raises(InputError, match=r"shape \(16, 8.*the model has \(12, 8"):
        adopt(checkpoint=plain, keys=model_keys | {"final_width": 12})
    torch.save({"a": 1}, plain)
    with pytest.raises(InputError, match="neither a model file of regulens nor a state dictionary"):
        adopt(checkpoint=plain)
    assert not output.exists()
