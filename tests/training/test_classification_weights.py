"""Pre-trained encoders and trained classifiers from elsewhere."""

import pytest
import torch
from safetensors.torch import save_file

from regulens.core.errors import InputError
from regulens.core.kmers import token_ids
from regulens.models.bert import (
    BertSettings,
    build_classifier,
    build_masked_model,
    load_classifier,
    save_classifier,
    write_weights,
)
from regulens.training.classification import ENCODER_KIND, adopt_classifier, initialise_from

SMALL = BertSettings(k=3, layers=2, hidden=16, heads=4, intermediate=24, positions=40)
NORM = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}


def changed(**values) -> BertSettings:
    return SMALL.model_copy(update=values)


def classifier(seed: int, settings: BertSettings = SMALL):
    torch.manual_seed(seed)
    model = build_classifier(settings).eval()
    with torch.no_grad():  # the layer norms of a trained model are not 1 and 0
        for name, parameter in model.named_parameters():
            if "LayerNorm" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def legacy(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names as in the files of DNABERT's time, with its pre-training head and a buffer."""
    for new, old in NORM.items():
        weights = {name.replace(new, old): tensor.clone() for name, tensor in weights.items()}
    weights["bert.embeddings.position_ids"] = torch.arange(40)[None]
    weights["cls.predictions.bias"] = torch.zeros(69)
    weights["cls.predictions.transform.LayerNorm.gamma"] = torch.zeros(16)
    return weights


def encoder_outputs(model) -> tuple[torch.Tensor, torch.Tensor]:
    codes = torch.randint(0, 4, (3, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        outputs = model.bert(token_ids(codes, 3))
    return outputs.last_hidden_state, outputs.pooler_output


@pytest.mark.parametrize("form", ["own classifier", "DNABERT", "no prefix", "safetensors", "nested", "compiled"])
def test_the_whole_encoder_is_taken_and_the_head_is_not(tmp_path, capfd, form):
    source, model = classifier(1), classifier(2)
    path = tmp_path / "pytorch_model.bin"
    plain = {name.removeprefix("bert."): tensor for name, tensor in source.state_dict().items()}
    if form == "own classifier":
        save_classifier(path, source, source.state_dict(), SMALL, 30)
    elif form == "DNABERT":
        torch.save(legacy(source.bert.state_dict(prefix="bert.")), path, _use_new_zipfile_serialization=False)
    elif form == "no prefix":
        torch.save(plain, path)
    elif form == "compiled":
        torch.save(
            {"state_dict": {f"model._orig_mod.{name}": x for name, x in legacy(source.state_dict()).items()}}, path
        )
    elif form == "nested":
        torch.save({"state_dict": {f"model.{name}": x for name, x in source.state_dict().items()}}, path)
    else:
        path = path.with_suffix(".safetensors")
        save_file(source.state_dict(), path)
    head = model.classifier.weight.clone()
    initialise_from(model, path)
    for found, expected in zip(encoder_outputs(model), encoder_outputs(source), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(model.classifier.weight, head)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", ["own encoder", "foreign"])
def test_an_encoder_without_pooler_is_taken_and_said(tmp_path, capfd, form):
    torch.manual_seed(1)
    source, model, path = build_masked_model(SMALL).eval(), classifier(2), tmp_path / "encoder.ckpt"
    if form == "own encoder":
        weights = source.bert.state_dict(prefix="bert.")
        write_weights(path, ENCODER_KIND, weights, settings=SMALL.model_dump(mode="json"))
    else:
        torch.save(legacy(source.state_dict()), path)
    pooler = model.bert.pooler.dense.weight.clone()
    initialise_from(model, path)
    codes = torch.randint(0, 4, (3, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(encoder_outputs(model)[0], source.bert(token_ids(codes, 3)).last_hidden_state)
    assert torch.equal(model.bert.pooler.dense.weight, pooler)
    message = capfd.readouterr().err
    assert message == f"{path} has no pooler: the classifier's pooler starts from random weights\n"


def test_pretraining_can_go_on_from_an_encoder_with_a_pooler(tmp_path, capfd):
    source, path = classifier(1), tmp_path / "weights.bin"
    torch.save(source.state_dict(), path)
    model = build_masked_model(SMALL)
    initialise_from(model, path)
    assert torch.equal(
        model.bert.encoder.layer[1].output.dense.weight, source.bert.encoder.layer[1].output.dense.weight
    )
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"k": 4}, "set k to 3\n"),
        ({"hidden": 32}, "set hidden to 16\n"),
        ({"positions": 64}, "set positions to 40\n"),
        ({"intermediate": 48, "layers": 3}, "set intermediate to 24, layers to 2\n"),
        ({"layers": 1}, "set layers to 2\n"),
    ],
)
def test_an_encoder_of_another_size_names_the_keys(tmp_path, settings, advice):
    path = tmp_path / "weights.bin"
    torch.save(legacy(classifier(1).state_dict()), path)
    with pytest.raises(InputError, match=f"weights.bin does not fit the model as configured: {advice}") as error:
        initialise_from(classifier(2, changed(**settings)), path)
    assert 2 <= len(str(error.value).splitlines()) <= 8
    assert "encoder.layer" in str(error.value) or "embeddings" in str(error.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "weights.bin"
    model = classifier(2)
    with pytest.raises(InputError, match="weights.bin: the file of weights does not exist"):
        initialise_from(model, path)
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="weights.bin: not a readable file of weights"):
        initialise_from(model, path)
    with pytest.raises(InputError, match="other.safetensors: not a readable file of weights"):
        initialise_from(model, path.rename(tmp_path / "other.safetensors"))
    torch.save({"a": 1}, path)
    with pytest.raises(InputError, match="neither a model file of regulens nor a state dictionary"):
        initialise_from(model, path)
    torch.save({"conv.weight": torch.ones(2)}, path)
    with pytest.raises(InputError, match="it is not a BERT of this kind\n  missing: embeddings"):
        initialise_from(model, path)
    # The number of heads shows in no shape; a file of this project tells it.
    save_classifier(path, model, model.state_dict(), SMALL, 30)
    with pytest.raises(InputError, match="4 attention heads, configured 2: set heads to 4"):
        initialise_from(classifier(2, changed(heads=2)), path)


@pytest.mark.parametrize("form", ["own", "HuggingFace", "prefixed", "with a metric"])
def test_a_trained_classifier_is_adopted(tmp_path, capfd, form):
    source, path, output = classifier(1), tmp_path / "trained.bin", tmp_path / "model.ckpt"
    weights = source.state_dict()
    if form == "own":
        save_classifier(path, source, weights, changed(hidden_dropout=0.5), 30, seed=3, epoch=2, task="old")
    elif form == "HuggingFace":
        for new, old in NORM.items():
            weights = {name.replace(new, old): tensor for name, tensor in weights.items()}
        torch.save(weights | {"bert.embeddings.position_ids": torch.arange(40)[None]}, path)
    else:
        metric = {"accuracy.count": torch.ones(())} if form == "with a metric" else {}
        torch.save({f"model._orig_mod.{name}": tensor for name, tensor in weights.items()} | metric, path)
    adopt_classifier(path, SMALL, 30, output, task="promoters")
    model, content = load_classifier(output)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name])
    assert (content["task"], content["adopted_from"], content["length_bp"]) == ("promoters", str(path), 30)
    assert (content["seed"], content["epoch"]) == ((3, 2) if form == "own" else (None, None))
    words = capfd.readouterr().err
    assert ("cannot be checked" in words) == (form != "own")
    assert ("left out: accuracy.count" in words) == (form == "with a metric")


@pytest.mark.parametrize("name", ["classifier.bias", "bert.embeddings.LayerNorm.weight"])
def test_weights_that_are_no_numbers_are_refused_wherever_they_are_read(tmp_path, name):
    source, path = classifier(1), tmp_path / "nan.bin"
    with torch.no_grad():
        source.state_dict()[name][0] = torch.nan
    torch.save(source.state_dict(), path)
    message = rf"nan\.bin: 1 of \d+ values of {name} are not finite numbers"
    with pytest.raises(InputError, match=message):
        adopt_classifier(path, SMALL, 30, tmp_path / "model.ckpt")
    if name.startswith("bert."):
        with pytest.raises(InputError, match=message.replace("bert.", "")):
            initialise_from(classifier(2), path)
    else:
        initialise_from(classifier(2), path)  # heads are not taken
    save_classifier(path, source, source.state_dict(), SMALL, 30)
    with pytest.raises(InputError, match=message):
        load_classifier(path)


def test_a_classifier_that_does_not_fit_is_not_adopted(tmp_path):
    source, path, output = classifier(1), tmp_path / "trained.bin", tmp_path / "model.ckpt"
    save_classifier(path, source, source.state_dict(), SMALL, 30)
    with pytest.raises(InputError, match="length_bp: 30 in the file, configured 36"):
        adopt_classifier(path, SMALL, 36, output)
    with pytest.raises(InputError, match="heads: 4 in the file, configured 2"):
        adopt_classifier(path, changed(heads=2), 30, output)
    with pytest.raises(InputError, match="set positions to"):
        adopt_classifier(path, SMALL, 50, output)
    torch.save(source.state_dict(), path)
    with pytest.raises(InputError, match="set k to 3\n"):
        adopt_classifier(path, changed(k=2), 30, output)
    torch.save(source.bert.state_dict(prefix="bert."), path)
    with pytest.raises(InputError, match="missing: classifier.bias"):
        adopt_classifier(path, SMALL, 30, output)
    assert not output.exists()
