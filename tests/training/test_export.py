"""Trained models to give away: read again without loss, by regulens or by transformers alone, with their card."""

import subprocess
import sys

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import save_file

import regulens
from regulens.core.errors import InputError
from regulens.core.kmers import token_ids
from regulens.core.sequence import encode, one_hot
from regulens.data.store import AssayStore
from regulens.models.base import build
from regulens.models.bert import build_classifier, save_classifier
from regulens.models.settings import BertSettings
from regulens.training.checkpoint import save_model
from regulens.training.export import export_model

NOTE = {"data_note": "Made up.", "evidence": "simulated", "label": "Small model"}
TRAINING = {"max_epochs": 3, "learning_rate": 0.001}


def card_of(folder) -> tuple[dict, str]:
    """Header and text of a model card."""
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(header), text


@pytest.fixture
def assay(stores, model_keys, tmp_path):
    with AssayStore(stores["train"]) as store:
        model = build("maxpool_cnn", model_keys, store.geometry, 4)
        save_model(tmp_path / "model.ckpt", model, model.state_dict(), store, seed=3, epoch=7, training=TRAINING)
    table = pd.DataFrame({"group": ["CAGE", "CAGE", "DNase"], "pearson": [0.5, 0.7, None]})
    table.to_csv(tmp_path / "pearson.csv", index=False)
    export_model(tmp_path / "model.ckpt", tmp_path / "pearson.csv", **NOTE, output=tmp_path / "export")
    return model.eval(), tmp_path / "export"


def test_an_assay_model_is_read_in_three_lines(assay, tmp_path):
    model, folder = assay
    codes = torch.randint(0, 5, (2, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    again = regulens.load_model(folder / "model.safetensors")
    assert torch.equal(again(one_hot(codes)), model(one_hot(codes)))
    assert not again.training
    header, text = card_of(folder)
    assert header["library_name"] == "regulens"
    words = " ".join(text.split())
    for part in (
        "# Small model",
        "Made up. (Simulated data.)",
        "Seed 3, epoch 7 kept",
        "| `learning_rate` | `0.001` |",
    ):
        assert part in words
    assert "| 0.600 | [−0.671, 1.871] |" in words
    assert "knows nothing of real genomes" in words


def test_other_safetensors_are_refused(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors: not a model\.ckpt of regulens"):
        regulens.load_model(tmp_path / "other.safetensors")


ALONE = """
import sys
from transformers import AutoModelForSequenceClassification, AutoTokenizer

assert "regulens" not in sys.modules
folder, sequence = sys.argv[1:]
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder)
kmers = " ".join(sequence[i : i + 3] for i in range(len(sequence) - 2))
given = tokenizer(kmers, return_tensors="pt")
print(given["input_ids"].tolist()[0])
print(model(**given).logits.tolist()[0], model.config.id2label[1])
"""


def test_a_classifier_needs_transformers_only(tmp_path):
    settings = BertSettings(k=3, layers=1, hidden=8, heads=2, intermediate=16, positions=40)
    torch.manual_seed(1)
    model = build_classifier(settings).eval()
    save_classifier(
        tmp_path / "model.ckpt", model, model.state_dict(), settings, 20, seed=1, epoch=2, training=TRAINING
    )
    rows = [("all", "bert", "auroc", 0.9, 0.8, 0.95, 100), ("all", "logistic_regression", "auroc", 0.5, 0.4, 0.6, 100)]
    columns = ["subset", "row", "metric", "value", "low", "high", "sequences"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "metrics.csv", index=False)
    folder = tmp_path / "export"
    export_model(tmp_path / "model.ckpt", tmp_path / "metrics.csv", **NOTE, output=folder)
    sequence = "ACGTNACGTTGCAAGGCTAT"
    done = subprocess.run(
        [sys.executable, "-c", ALONE, folder, sequence], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    ids, logits = done.stdout.splitlines()
    expected = token_ids(torch.from_numpy(encode(sequence))[None], 3)
    assert ids == str(expected.tolist()[0])
    found = torch.tensor(yaml.safe_load(logits.removesuffix(" positive")))
    assert found.numpy() == pytest.approx(model(expected).logits[0].detach().numpy(), abs=1e-6)
    header, text = card_of(folder)
    assert header["library_name"] == "transformers"
    assert "AUROC" in text
    assert "[0.800, 0.950]" in text
    assert "0.500" not in text
