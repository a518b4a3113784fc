"""Finding, configuring and adding architectures."""

import subprocess
import sys

import pytest
import torch
from small_models import PAPER, SMALL, TINY, random_sequence
from torch.nn import functional as F

from regulens.core.errors import InputError
from regulens.core.settings import Settings
from regulens.models.base import _ARCHITECTURES, AssayModel, Stage, architectures, build, model_settings, register


def test_import_loads_neither_training_nor_data_libraries():
    code = "import sys, regulens.models.base; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    assert not {"pytorch_lightning", "lightning", "pandas", "h5py", "matplotlib", "torchmetrics"} & set(loaded)


def test_the_five_models_of_the_paper_are_known():
    assert {"maxpool_cnn", "attpool_cnn", "attpool_dilated", "enformer", "swin1d"} <= set(architectures())


@pytest.fixture
def sixth(monkeypatch):
    """A sixth model: this class is all there is to write."""
    monkeypatch.setattr("regulens.models.base._ARCHITECTURES", dict(_ARCHITECTURES))

    @register("composition")
    class Composition(AssayModel):
        """Base composition of each bin."""

        class Settings(Settings):
            width: int = 4
            """Channels."""

        def __init__(self, settings, geometry, n_tracks):
            super().__init__(settings, geometry, n_tracks)
            self.mix = torch.nn.Linear(4, settings.width)
            self.head = self.make_head(settings.width)

        def trunk(self, x, observe=None):
            return self.crop(self.mix(F.avg_pool1d(x, self.geometry.bin_bp).transpose(1, 2)))

        def describe(self):
            return [Stage("Composition", "pool", self.geometry.bins, 4, self.geometry.bin_bp)]

    return Composition


def test_a_sixth_model_is_one_class(sixth):
    assert architectures()["composition"] is sixth
    model = build("composition", {"width": 3}, TINY, 7)
    assert model(random_sequence(2, TINY.input_bp)).shape == (2, TINY.bins, 7)
    assert model.attention(random_sequence(2, TINY.input_bp)) == []
    with pytest.raises(InputError, match="composition.widht: unknown key \(found 3\); did you mean 'width'?"):
        build("composition", {"widht": 3}, TINY, 7)


@pytest.mark.usefixtures("sixth")
def test_a_name_belongs_to_one_class():
    class Other(AssayModel):
        class Settings(Settings):
            pass

    with pytest.raises(ValueError, match="'composition' is defined twice"):
        register("composition")(Other)
    with pytest.raises(ValueError, match="needs a nested class Settings"):
        register("another")(type("Bare", (AssayModel,), {}))


@pytest.mark.parametrize(
    ("architecture", "settings", "message"),
    [
        ("swin", {}, "unknown architecture 'swin'; did you mean 'swin1d'?"),
        ("zzz", {}, "unknown architecture 'zzz'; valid: attpool_cnn, "),
        ("swin1d", {"windws": 3}, "swin1d.windws: unknown key (found 3); did you mean 'windows'?"),
        ("swin1d", {"windows": [28] * 6}, "windows: one number or 7 (one per layer), found 6"),
        ("swin1d", {"windows": 1}, "swin1d.windows: a window needs at least 2 tokens; found 1"),
        ("swin1d", {"widths": [8, 8]}, "widths: 7 entries are needed to go from bases to bins of 128 bp, found 2"),
        ("swin1d", {"merge": "concat"}, "widths: merge 'concat' doubles the width in every layer"),
        ("swin1d", {"dropout": 1.5}, "swin1d.dropout: input should be less than 1; found 1.5"),
        ("swin1d", {"embedding_kernel": 4}, "swin1d.embedding_kernel: must be odd"),
        (
            "enformer",
            {"transformer": {"dept": 1}},
            "enformer.transformer.dept: unknown key (found 1); did you mean 'depth'?",
        ),
        ("enformer", {"widths": [8] * 7}, "widths: 6 entries are needed after the stem"),
        ("maxpool_cnn", {"transformer": {}}, "maxpool_cnn.transformer: unknown key"),
        ("attpool_dilated", {"dilation_rate": 0.5}, "attpool_dilated.dilation_rate: input should be greater"),
    ],
)
def test_errors_name_the_key(architecture, settings, message):
    with pytest.raises(InputError) as error:
        build(architecture, settings, PAPER, 3)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["swin1d", "maxpool_cnn"])
def test_bins_of_one_base_are_refused(name):
    with pytest.raises(InputError, match="geometry.bin_bp must be at least 2"):
        model_settings(name, SMALL[name], PAPER.model_copy(update={"bin_bp": 1, "bins": 80, "input_bp": 100}))


def test_settings_are_accepted_as_an_object_too():
    settings = model_settings("swin1d", SMALL["swin1d"], PAPER)
    assert settings.transformer.dropout == 0.1, "a partly given group keeps the defaults of its architecture"
    assert model_settings("swin1d", settings, PAPER) is settings
    assert model_settings("swin1d", settings.model_dump(), PAPER) == settings


def test_every_key_is_documented():
    for name, model in architectures().items():
        undocumented = [key for key, field in model.Settings.model_fields.items() if not field.description]
        assert undocumented == [], name
