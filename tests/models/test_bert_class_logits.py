"""Logits without the last layer's other tokens."""

import pytest
import torch

from regulens.models.bert import BertSettings, build_classifier, class_logits


@pytest.mark.parametrize("layers", [1, 3])
def test_logits_are_those_of_the_whole_model(layers):
    torch.manual_seed(0)
    model = build_classifier(BertSettings(k=2, layers=layers, hidden=12, heads=3, intermediate=20, init_sd=0.5)).eval()
    tokens = torch.randint(0, 21, (9, 30))
    with torch.no_grad():
        expected = model.double()(input_ids=tokens).logits
        assert expected.std(0).min() > 0.01
        assert torch.allclose(class_logits(model, tokens), expected, atol=1e-12)


def test_training_mode_is_refused():
    model = build_classifier(BertSettings(k=2, layers=1, hidden=4, heads=2, intermediate=4)).train()
    with pytest.raises(ValueError, match="training mode"):
        class_logits(model, torch.zeros(1, 5, dtype=torch.int64))
