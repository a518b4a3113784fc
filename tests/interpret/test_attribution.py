"""Attributions of assay models: linear models, conservation, mutagenesis against a loop, attention, files."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from small_models import SMALL, TINY, small_model

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.core.settings import Settings
from regulens.interpret.attribution import (
    ATTRIBUTIONS,
    AttributionFile,
    Reading,
    attend,
    attribute,
    attribute_bases,
    score_elements,
)
from regulens.interpret.settings import AttributionSettings
from regulens.models.base import AssayModel, AttentionMap

SETTINGS = AttributionSettings(bins=1, steps=64, block_bp=250)
SIGNED = ["gradient_x_input", "lrp", "attnlrp"]


class Linear(AssayModel):
    """Bins as weighted sums of their own bases, and a head of one token channel a track."""

    Settings = Settings

    def __init__(self, geometry=TINY):
        super().__init__(Settings(), geometry, 2)
        self.weight = torch.nn.Parameter(
            torch.randn(2, 4 * geometry.bin_bp, generator=torch.Generator().manual_seed(0))
        )
        self.head = self.make_head(2)

    def trunk(self, x, observe=None):
        bins = x.unflatten(2, (-1, self.geometry.bin_bp)).permute(0, 2, 1, 3).flatten(2)
        return self.crop(F.linear(bins, self.weight))


def test_the_public_function_names_every_score():
    assert all(name in attribute_bases.__doc__ for name in ATTRIBUTIONS)


def codes(rows: int, seed: int = 0) -> torch.Tensor:
    drawn = np.random.default_rng(seed).choice(5, size=(rows, TINY.input_bp), p=[0.3, 0.2, 0.2, 0.28, 0.02])
    return torch.from_numpy(drawn.astype(np.uint8))


def trained(name: str) -> AssayModel:
    """A model of which no part is negligible: random norms, biases and ends of residual branches."""
    model = small_model(name).double().eval().requires_grad_(False)
    for key, parameter in model.named_parameters():
        if parameter.ndim < 2 or "output" in key:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def reading(model, rows=3, settings=SETTINGS, **options) -> Reading:
    tracks = torch.arange(rows) % 2
    return Reading(model, codes(rows), tracks, settings, **options)


def score(name: str, found: Reading) -> torch.Tensor:
    return ATTRIBUTIONS[name].read(found)


@pytest.mark.parametrize("name", SIGNED)
def test_of_a_linear_model_relevance_is_weight_times_input(name):
    """Up to the slope of softplus: its derivative for the gradient, its rise over the reference for relevance."""
    model = Linear().double().requires_grad_(False)
    found = reading(model)
    bin_bp, first = TINY.bin_bp, (TINY.padded_bins // 2) * TINY.bin_bp - (TINY.padded_bp - TINY.input_bp) // 2
    x = found.input[:, :, first : first + bin_bp]
    terms = torch.stack([(model.head.weight[t] @ model.weight).view(4, bin_bp) for t in found.tracks]) * x
    bias = model.head.bias[found.tracks]
    z = terms.sum((1, 2)) + bias
    slope = z.sigmoid() if name == "gradient_x_input" else (F.softplus(z) - F.softplus(bias)) / (z - bias)
    values = score(name, found)
    torch.testing.assert_close(values[:, first : first + bin_bp], terms.sum(1) * slope[:, None])
    assert values[:, :first].abs().max() == values[:, first + bin_bp :].abs().max() == 0


@pytest.mark.parametrize("name", SMALL)
def test_relevance_and_what_biases_absorb_sum_to_the_readout_above_its_reference(name):
    found = reading(trained(name))
    above = (found.values - found.reference).sum().item()
    total = score("lrp", found).sum().item() + found.absorbed["constant_weights"]
    assert total == pytest.approx(above, rel=1e-6)
    assert abs(above) > 1e-3


@pytest.mark.parametrize(("name", "error"), [("maxpool_cnn", 1e-6), ("attpool_cnn", 0.1), ("enformer", 1.0)])
def test_attnlrp_loses_relevance_at_a_softmax_only(name, error):
    """The derivative of a softmax is a first-order expansion: what it conserves depends on the logits."""
    found = reading(trained(name))
    total = score("attnlrp", found).sum().item() + found.absorbed["attnlrp"]
    assert total == pytest.approx((found.values - found.reference).sum().item(), rel=error)


@pytest.mark.parametrize("name", ["attpool_dilated", "enformer"])
def test_integrated_gradients_sum_to_the_change_from_the_baseline(name):
    found = reading(trained(name), settings=SETTINGS.model_copy(update={"steps": 100}))
    start = found.input * 0 + 0.25 * found.input.sum(1, keepdim=True)
    with torch.no_grad():
        change = found.values - found.read(start)
    torch.testing.assert_close(score("integrated_gradients", found).sum(1), change, rtol=0.02, atol=2e-3)


@pytest.mark.parametrize("block_bp", [1, 7])
def test_mutagenesis_is_a_loop_over_blocks_and_bases(block_bp):
    model = trained("maxpool_cnn")
    found = Reading(model, codes(1), torch.tensor([1]), SETTINGS)
    values = found.mutagenesis(block_bp)[0]
    for start in (0, 7 * 40, 7 * 71, 994):
        end, falls = min(start + block_bp, TINY.input_bp), []
        for step in (1, 2, 3):
            mutant = found.codes.clone()
            for base in range(start, end):
                if mutant[0, base] < 4:
                    mutant[0, base] = (mutant[0, base] + step) % 4
            with torch.no_grad():
                falls.append(found.values[0] - found.read(one_hot(mutant, torch.float64))[0])
        expected = sum(falls) / 3 / (end - start)
        torch.testing.assert_close(values[start:end], expected.expand(end - start), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["enformer", "swin1d"])
def test_a_batch_is_its_readouts_one_by_one(name):
    model = trained(name)
    together = reading(model, index=[4, 5, 6])
    for row in range(3):
        alone = Reading(model, together.codes[row : row + 1], together.tracks[row : row + 1], SETTINGS, [row + 4])
        for key, attribution in ATTRIBUTIONS.items():
            torch.testing.assert_close(
                attribution.read(together)[row], attribution.read(alone)[0], rtol=1e-6, atol=1e-9, msg=key
            )


@pytest.mark.parametrize("name", ["enformer", "swin1d"])
def test_attention_and_its_flow_are_shares_of_the_bases(name):
    found = reading(trained(name))
    for key in ("attention", "attention_flow"):
        values = score(key, found)
        assert values.shape == (3, TINY.input_bp)
        assert values.min() >= 0
        assert values.sum(1).max() <= 1 + 1e-9  # the rest lies on the padding
        assert values.sum(1).min() > 0.5


def test_models_without_attention_have_no_such_score():
    found = reading(trained("maxpool_cnn"))
    assert score("attention", found) is None
    assert score("attention_flow", found) is None


def test_attend_is_a_product_with_the_whole_matrix():
    """Ten tokens in three windows of four, shifted by two: the last window is padded."""
    weights = torch.rand(2, 1, 3, 4, 4, dtype=torch.float64)
    weights[:, :, 2, :, 2:] = 0  # keys that are padding
    weights /= weights.sum(-1, keepdim=True)
    attention = AttentionMap(1, "shifted", 1, 10, 2, weights)
    dense = torch.zeros(2, 10, 10, dtype=torch.float64)
    for window in range(3):
        for query in range(4):
            for key in range(4):
                places = [4 * window + query, 4 * window + key]
                if max(places) < 10:
                    i, j = ((place + 2) % 10 for place in places)
                    dense[:, i, j] = weights[:, 0, window, query, key]
    start = torch.rand(2, 10, dtype=torch.float64)
    torch.testing.assert_close(attend(attention, start), (start[:, None] @ dense)[:, 0])


def test_the_readout_is_the_centre_of_the_prediction():
    model = trained("enformer")
    found = reading(model, settings=SETTINGS.model_copy(update={"bins": 1}))
    assert (found.values > 0).all()
    assert (found.reference > 0).all()
    with torch.no_grad():
        expected = model.float()(found.input.float())[torch.arange(3), 1, found.tracks]
    torch.testing.assert_close(found.values.float(), expected, rtol=1e-4, atol=1e-5)


# Files: attributions of read-outs, and the elements around them.

TRACKS = ["a", "b", "c", "d", "e"]
HEADER = "identifier\tfile\tclip\tscale\tsum_stat\tdescription\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A genome, pairs of two read-outs at one promoter and one at the end of the contig, and the model of a command."""
    text = "".join("ACGT"[code] for code in np.random.default_rng(2).integers(0, 4, 3000))
    (tmp_path / "genome.fa").write_text(f">chr1\n{text}\n")
    rows = [
        (*front, element, start, start + 100, abs(start + 50 - front[2]), 0, 0, regulated)
        for front in (
            ("one:a", "chr1", 1500, "+", "x", "a"),
            ("one:b", "chr1", 1500, "+", "y", "b"),
            ("two:a", "chr1", 2900, "-", "x", "a"),
        )
        for element, start, regulated in (("near", front[2] - 200, 1), ("far", front[2] - 400, 0))
    ]
    names = ["readout", "contig", "position", "strand", "cell", "track", "element", "start", "end", "distance_bp"]
    pairs = pd.DataFrame(rows, columns=[*names, "between", "insulators", "regulated"])
    pairs.to_csv(tmp_path / "pairs.csv", index=False)
    model = trained("enformer").float()
    content = {"tracks": HEADER + "".join(f"{name}\t.\t1\t1\tsum\tCAGE:x\n" for name in TRACKS)}
    module = "regulens.training.evaluate"
    monkeypatch.setattr(f"{module}.read_checkpoint", lambda path: content)
    monkeypatch.setattr(f"{module}.build_from_checkpoint", lambda found, path: model)
    monkeypatch.setattr(f"{module}.best_device", lambda: torch.device("cpu"))
    return tmp_path


def attributed(folder, settings=SETTINGS):
    output = folder / "attributions.h5"
    attribute("model", fasta=folder / "genome.fa", readouts=folder / "pairs.csv", attribution=settings, output=output)
    return output


def test_a_file_has_every_score_of_every_readout(files):
    settings = SETTINGS.model_copy(update={"steps": 2})
    with AttributionFile(attributed(files, settings)) as found:
        assert found.names == settings.scores
        readouts = found.readouts
        assert readouts["readout"].tolist() == ["one:a", "one:b", "two:a"]
        assert readouts["track"].tolist() == ["a", "b", "a"]
        assert found.codes.shape == (3, TINY.input_bp)
        assert (found.codes[2, -400:] == 4).all()  # beyond the end of the contig
        lrp = found.score("lrp")
        assert not np.allclose(lrp[0], lrp[1])  # another track of the same place
        assert (lrp[2, -400:] == 0).all()
        assert (readouts["value"] > 0).all()


def test_elements_have_the_sums_of_their_bases_and_the_effect_of_their_deletion(files):
    settings = SETTINGS.model_copy(update={"scores": ["lrp", "attention"]})
    path = attributed(files, settings)
    pd.DataFrame({"activity": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}).to_csv(files / "activity.csv", index=False)
    output = files / "elements.csv"
    score_elements(
        path,
        model="model",
        pairs=files / "pairs.csv",
        attribution=settings,
        activity=files / "activity.csv",
        output=output,
    )
    table = pd.read_csv(output)
    assert table["method"].unique().tolist() == [
        *("inverse_distance", "activity", "activity_by_distance", "lrp", "attention", "deletion"),
    ]
    wide = table.pivot(index=["readout", "element"], columns="method", values="score")
    with AttributionFile(path) as found:
        lrp, codes = found.score("lrp"), torch.from_numpy(found.codes)
    first = TINY.input_bp // 2 - 200
    assert wide["lrp"]["one:b", "near"] == pytest.approx(lrp[1, first : first + 100].sum(), rel=1e-4)
    assert wide["inverse_distance"]["one:a", "near"] == pytest.approx(1 / 150, rel=1e-4)
    assert wide["activity"]["two:a", "far"] == 6
    alone = Reading(trained("enformer").float(), codes[1:2], torch.tensor([1]), settings)
    falls = []
    for step in (1, 2, 3):
        mutant = codes[1:2].clone()
        mutant[:, first : first + 100] = (mutant[:, first : first + 100] + step) % 4
        with torch.no_grad():
            falls.append(float(alone.values - alone.read(one_hot(mutant))))
    assert wide["deletion"]["one:b", "near"] == pytest.approx(np.mean(falls), rel=1e-3, abs=1e-6)


def test_unknown_tracks_contigs_and_files(files):
    pairs = pd.read_csv(files / "pairs.csv")
    pairs.assign(track="aa").to_csv(files / "pairs.csv", index=False)
    with pytest.raises(InputError, match="the model has no track 'aa'"):
        attributed(files)
    pairs.assign(contig="chrI").to_csv(files / "pairs.csv", index=False)
    with pytest.raises(InputError, match="has no contig 'chrI'"):
        attributed(files)
    with pytest.raises(InputError, match="not a file of attributions"):
        AttributionFile(files / "genome.fa")
    with pytest.raises(InputError, match="does not exist"):
        AttributionFile(files / "nothing.h5")
