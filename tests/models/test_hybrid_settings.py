"""Settings of the hybrid networks: what cannot be built is refused with a sentence."""

import pytest
from pydantic import ValidationError

from regulens.models.settings import HybridArchitecture, HybridNetworkSettings, HybridSizes


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sizes": {"attention": 100}}, "attention: 100 units cannot be divided among heads: 8"),
        ({"sizes": {"lstm": 7}}, "multiple of 2"),
        ({"sizes": {"dropout": 1.0}}, "less than 1"),
        ({"input_bp": 23}, "greater than or equal to 24"),
        ({"modules": ["gru"]}, "lstm"),
        ({"modules": ["transformer"]}, "its input has 32 channels, sizes.attention is 128"),
        ({"baseline": "c4", "modules": ["transformer"], "sizes": {"lstm": 64}}, "its input has 64 channels"),
        ({"baseline": "c25"}, "c24"),
        ({"filters": 32}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_built_are_refused(changes, sentence):
    with pytest.raises(ValidationError, match=sentence):
        HybridNetworkSettings.model_validate({"baseline": "c24"} | changes)


def test_encoder_blocks_take_the_width_of_what_is_before_them():
    HybridNetworkSettings(baseline="c24", modules=["attention", "lstm", "transformer"])
    HybridNetworkSettings(baseline="c24", modules=["transformer"], sizes=HybridSizes(filters=128))
    assert HybridArchitecture(label="C24", baseline="c24").modules == []
