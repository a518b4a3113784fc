"""The BERT classifier: sizes, new weights, input checks, its file."""

import importlib.util
import sys

import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.kmers import kmer_ids, token_ids
from regulens.core.sequence import encode
from regulens.core.settings import validated
from regulens.models.bert import (
    BertSettings,
    build_classifier,
    build_masked_model,
    check_length,
    load_classifier,
    save_classifier,
)

SMALL = BertSettings(k=3, layers=2, hidden=16, heads=4, intermediate=24, positions=40)


def tokens(settings: BertSettings = SMALL) -> torch.Tensor:
    codes = torch.randint(0, 4, (5, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return token_ids(codes, settings.k)


@pytest.fixture
def model():
    torch.manual_seed(1)
    return build_classifier(SMALL).eval()


def test_the_default_is_dnabert_6():
    settings = BertSettings()
    with torch.device("meta"):
        config = build_classifier(settings).config
    assert (config.vocab_size, config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (
        4101, 12, 768, 12
    )  # fmt: skip
    assert (config.intermediate_size, config.max_position_embeddings, config.type_vocab_size) == (3072, 512, 2)
    assert (config.hidden_act, config.layer_norm_eps, config.num_labels) == ("gelu", 1e-12, 2)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.1, 0.1)


def test_logits_of_a_batch_are_those_of_its_sequences(model):
    with torch.no_grad():
        logits = model(tokens()).logits
        alone = torch.cat([model(row[None]).logits for row in tokens()])
    assert logits.shape == (5, 2)
    assert torch.allclose(logits, alone, atol=1e-6)
    assert logits.std() > 0


def test_settings_reach_the_model():
    torch.manual_seed(1)
    settings = SMALL.model_copy(update={"init_sd": 0.1, "hidden_dropout": 0.3, "attention_dropout": 0.4})
    model = build_classifier(settings)
    assert model.bert.embeddings.word_embeddings.weight[5:].std().item() == pytest.approx(0.1, rel=0.1)
    assert (model.dropout.p, model.config.attention_probs_dropout_prob) == (0.3, 0.4)
    assert len(model.bert.encoder.layer) == 2
    assert model.bert.embeddings.word_embeddings.weight.shape == (69, 16)


@pytest.mark.parametrize("build", [build_classifier, build_masked_model])
def test_kmers_that_share_bases_can_start_alike(build):
    settings = BertSettings(k=6, layers=1, hidden=128, heads=4, intermediate=16, positions=8, embedding_init="bases")
    torch.manual_seed(1)
    model = build(settings)
    embedding = model.bert.embeddings.word_embeddings.weight.detach()
    assert embedding[5:].std().item() == pytest.approx(0.02, rel=1e-3)
    assert (embedding[0] == 0).all()
    words = torch.stack([torch.from_numpy(encode(w)) for w in ("ACGTAC", "ACGTAG", "ACGGGG", "GGTACT")])
    vectors = embedding[kmer_ids(words)[:, 0]]
    alike = torch.cosine_similarity(vectors[:1], vectors).tolist()
    # Shared places of six: 6, 5, 3, 0; a tenth of the variance is the k-mer's own.
    assert alike == pytest.approx([1, 0.9 * 5 / 6, 0.9 * 3 / 6, 0], abs=0.2)
    assert alike[1] > alike[2] > alike[3]
    torch.manual_seed(1)
    normal = build(settings.model_copy(update={"embedding_init": "normal"})).bert.embeddings.word_embeddings.weight
    assert abs(torch.cosine_similarity(*normal[kmer_ids(words)[:2, 0]].detach(), dim=0)) < 0.3


@pytest.mark.parametrize("build", [build_classifier, build_masked_model])
def test_kmers_that_share_substrings_can_start_alike(build):
    settings = BertSettings(
        k=6, layers=1, hidden=256, heads=4, intermediate=16, positions=8, embedding_init="substrings"
    )
    torch.manual_seed(1)
    embedding = build(settings).bert.embeddings.word_embeddings.weight.detach()
    assert embedding[5:].std().item() == pytest.approx(0.02, rel=1e-3)
    assert embedding[5:].mean(0).abs().max() < 0.02 * 0.02  # no common part of all k-mers
    assert (embedding[0] == 0).all()
    # The k-mer, the next one in a sequence, two further, the same letters in another order, nothing in common.
    words = torch.stack([torch.from_numpy(encode(w)) for w in ("ACGTAC", "CGTACG", "GTACGG", "AACCGT", "TTTTTT")])
    vectors = embedding[kmer_ids(words)[:, 0]]
    alike = torch.cosine_similarity(vectors[:1], vectors).tolist()
    assert alike[1] > 0.5
    assert alike[1] > alike[2] > alike[3] > alike[4]
    assert alike[4] < 0


def test_substrings_are_at_most_the_kmer():
    for k in (1, 2):
        torch.manual_seed(1)
        model = build_classifier(SMALL.model_copy(update={"k": k, "embedding_init": "substrings"}))
        embedding = model.bert.embeddings.word_embeddings.weight[5:].detach()
        assert embedding.shape == (4**k, 16)
        assert embedding.isfinite().all()
        assert embedding.std().item() == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize("kind", ["normal", "bases", "substrings"])
def test_token_embeddings_have_their_own_scale(kind):
    settings = SMALL.model_copy(update={"embedding_init": kind})
    found = []
    for update in ({}, {"embedding_sd": 1.0}):
        torch.manual_seed(1)
        found.append(build_classifier(settings.model_copy(update=update)).state_dict())
    name = "bert.embeddings.word_embeddings.weight"
    assert torch.allclose(found[1][name], found[0][name] / 0.02, rtol=1e-5)
    assert found[1][name][5:].std().item() == pytest.approx(1, abs=0.1)
    assert found[1][name][1:5].std().item() == pytest.approx(1, abs=0.3)
    others = set(found[0]) - {name}
    assert all(torch.equal(found[0][other], found[1][other]) for other in others)


def test_length_must_fit_the_positions():
    check_length(SMALL, 40)
    with pytest.raises(InputError, match="41 bp are 41 tokens.* 40: set positions to 41 or more, or length_bp to 40"):
        check_length(SMALL, 41)
    with pytest.raises(InputError, match=r"length_bp: 2 bp are less than one k-mer \(k: 3\)"):
        check_length(SMALL, 2)
    check_length(BertSettings(), 200)


def test_heads_must_divide_the_width():
    with pytest.raises(InputError, match=r"hidden \(16\) must be a multiple of heads \(3\)"):
        validated(BertSettings, {"hidden": 16, "heads": 3})
    with pytest.raises(InputError, match="embedding_init: unknown value"):
        validated(BertSettings, {"embedding_init": "base"})


def test_a_saved_model_computes_as_before(model, tmp_path):
    path = tmp_path / "out" / "model.ckpt"
    save_classifier(path, model, model.state_dict(), SMALL, 30, task="promoters", seed=3, epoch=None)
    again, content = load_classifier(path)
    assert not again.training
    with torch.no_grad():
        assert torch.equal(again(tokens()).logits, model(tokens()).logits)
    assert BertSettings(**content["settings"]) == SMALL
    assert (content["length_bp"], content["task"], content["seed"], content["epoch"]) == (30, "promoters", 3, None)


@pytest.mark.parametrize("kind", ["absent", "text", "truncated", "tensor", "state dictionary", "object", "settings"])
def test_a_file_that_is_no_classifier_is_named(model, tmp_path, kind):
    path = tmp_path / "foreign.ckpt"
    save_classifier(path, model, model.state_dict(), SMALL, 30)
    content = torch.load(path, weights_only=True)
    if kind == "text":
        path.write_text("hello")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "absent":
        path.unlink()
    elif kind == "settings":
        torch.save(content | {"settings": content["settings"] | {"layers": 3}}, path)
    else:
        torch.save({"tensor": torch.ones(3), "state dictionary": model.state_dict(), "object": model}[kind], path)
    with pytest.raises(InputError, match=r"foreign\.ckpt"):
        load_classifier(path)


def test_weights_of_another_model_are_not_saved(model, tmp_path):
    weights = model.state_dict()
    del weights["classifier.bias"]
    with pytest.raises(ValueError, match="missing: classifier.bias"):
        save_classifier(tmp_path / "model.ckpt", model, weights, SMALL, 30)
    assert not list(tmp_path.iterdir())


def test_importing_the_module_does_not_wait_for_transformers(monkeypatch):
    # The registry of architectures imports every module of regulens.models.
    monkeypatch.setitem(sys.modules, "transformers", None)  # importing it is an error now
    spec = importlib.util.find_spec("regulens.models.bert")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(ImportError, match="transformers"):
        module.build_classifier(SMALL)
