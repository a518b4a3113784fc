"""What must hold for every registered architecture."""

import pytest
import torch
from small_models import PAPER, SMALL, TINY, random_sequence, small_model

from regulens.data.settings import Geometry
from regulens.models.base import architectures, build

NAMES = [name for name, model in architectures().items() if model.__module__.startswith("regulens.models.")]
PARAMETERS = {
    "maxpool_cnn": 63_573_697,
    "attpool_cnn": 71_929_537,
    "attpool_dilated": 97_945_153,
    "enformer": 246_172_353,
    "swin1d": 23_379_873,
}
NO_CONTEXT = Geometry(input_bp=512, bins=4, bin_bp=128)
BINS_OF_32 = Geometry(input_bp=330, bins=5, bin_bp=32)

every_model = pytest.mark.parametrize("name", NAMES)


def perturbed(name: str, **settings):
    """A model without the zeros that some weights start from, in evaluation mode."""
    model = small_model(name, **settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def test_the_tables_above_name_every_architecture():
    assert set(NAMES) == set(SMALL) == set(PARAMETERS)


@every_model
def test_defaults_build_for_the_paper(name):
    with torch.device("meta"):
        model = build(name, {}, PAPER, 5313)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert (model.describe()[-1].tokens, model.describe()[-1].width) == (80, 5313)


@every_model
@pytest.mark.parametrize("geometry", [PAPER, TINY, NO_CONTEXT], ids=["paper", "padded", "no context"])
def test_output_is_a_positive_rate_for_every_bin_and_track(name, geometry):
    model = small_model(name, geometry).eval()
    with torch.no_grad():
        rates = model(random_sequence(1, geometry.input_bp))
    assert rates.shape == (1, geometry.bins, 5)
    assert rates.dtype == torch.float32
    assert (rates > 0).all()


@every_model
def test_bins_of_another_width(name):
    halvings = 5
    widths = SMALL[name]["widths"][: halvings if name == "swin1d" else halvings - 1]
    settings = {"widths": widths} | ({"windows": 12} if name == "swin1d" else {})
    model = small_model(name, BINS_OF_32, **settings).eval()
    assert model(random_sequence(2, 330)).shape == (2, 5, 5)


@every_model
def test_any_length_is_halved(name):
    """17,712 bp without padding: 139 tokens, because odd lengths are rounded up (docs/papers.md, "Geometry")."""
    model = small_model(name, PAPER).eval()
    with torch.no_grad():
        assert model.halve(random_sequence(1, 17712)).shape[1] == 139


@every_model
def test_gradient_reaches_every_parameter(name):
    model = perturbed(name)
    rates = model(random_sequence(2, TINY.input_bp))
    (rates * torch.randn_like(rates)).sum().backward()
    without = [key for key, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert without == []


@every_model
def test_examples_of_a_batch_do_not_meet(name):
    model = perturbed(name)
    x = random_sequence(2, TINY.input_bp)
    with torch.no_grad():
        torch.testing.assert_close(model(x), torch.cat([model(x[:1]), model(x[1:])]), rtol=1e-4, atol=1e-5)


@every_model
def test_evaluation_is_deterministic_and_training_is_not(name):
    model = perturbed(name)
    x = random_sequence(1, TINY.input_bp)
    with torch.no_grad():
        assert torch.equal(model(x), model(x))
        model.train()
        assert not torch.equal(model(x), model(x)), "dropout does nothing"


@every_model
def test_half_precision_ends_in_a_float32_rate(name):
    model = perturbed(name)
    x = random_sequence(1, TINY.input_bp)
    with torch.no_grad():
        exact = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rates = model(x)
    assert rates.dtype == torch.float32
    torch.testing.assert_close(rates, exact, rtol=0.1, atol=0.1)


@every_model
def test_head_starts_at_the_means(name):
    model = small_model(name).eval()
    mean = torch.tensor([0.0, 0.01, 0.5, 3.0, 200.0])
    model.initialise_head(mean)
    torch.nn.init.zeros_(model.head.weight)
    rates = model(random_sequence(1, TINY.input_bp))
    torch.testing.assert_close(rates, mean.clamp(min=1e-3).expand(1, 3, 5), rtol=1e-4, atol=0)
    with pytest.raises(ValueError, match="expected 5 track means"):
        model.initialise_head(mean[:4])


@every_model
def test_description_tells_the_true_lengths_and_widths(name):
    model = small_model(name, PAPER).eval()
    found = []
    steps = model.layers if name == "swin1d" else model.tower
    hooks = [step.register_forward_hook(lambda *a: found.append(tuple(a[-1].shape[1:]))) for step in steps]
    hooks.append(model.head.register_forward_hook(lambda *a: found.append(tuple(a[-1].shape[1:]))))
    with torch.no_grad():
        model(random_sequence(1, PAPER.input_bp))
    stages = model.describe()
    assert stages[0].kind == "input"
    assert [stage.kind for stage in stages].count("crop") == 1
    assert [(s.tokens, s.width) for s in stages if s.kind in ("merge", "pool", "head")] == found
    assert all(s.tokens * s.bp_per_token in (17920, 80 * 128) for s in stages)


@every_model
def test_wrong_input_length_is_refused(name):
    with pytest.raises(ValueError, match=r"expected one-hot \(batch, 4, 1000\), found \(1, 4, 999\)"):
        small_model(name)(random_sequence(1, 999))


@every_model
def test_attention_maps_are_distributions(name):
    model = perturbed(name)
    x = random_sequence(2, TINY.input_bp)
    with torch.no_grad():
        maps = model.attention(x)
    expected = {"swin1d": 7 * 2 + 2, "enformer": 2}.get(name, 0)
    assert len(maps) == expected
    for attention in maps:
        batch, heads, windows, w, _ = attention.weights.shape
        assert (batch, heads) == (2, 2)
        assert windows == -(-attention.tokens // w)
        valid = (torch.arange(windows * w) < attention.tokens).view(windows, w)
        rows = attention.weights[:, :, valid]
        torch.testing.assert_close(rows.sum(-1), torch.ones_like(rows[..., 0]))
        assert (attention.weights.movedim(-1, 3)[:, :, ~valid] == 0).all() if not valid.all() else True


@every_model
def test_looking_at_attention_changes_nothing(name):
    """The explicit softmax of the `attention` path against the fused one of the normal path."""
    model = perturbed(name)
    x = model.pad(random_sequence(2, TINY.input_bp))
    with torch.no_grad():
        seen = []
        torch.testing.assert_close(model.trunk(x, seen.append), model.trunk(x), rtol=1e-4, atol=1e-4)
        assert bool(seen) == (name in ("swin1d", "enformer"))
