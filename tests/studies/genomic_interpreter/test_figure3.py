"""Figure 3: values, coordinates, and errors that name the key."""

import h5py
import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text

from regulens.core.errors import InputError
from regulens.core.runs import Run
from regulens.data.settings import Geometry
from regulens.data.store import parse_location, write_store
from regulens.data.tracks import assign_groups
from regulens.studies.genomic_interpreter.figure3 import figure3, profile_figure, read_profile, track_row

GEOMETRY = Geometry(input_bp=1000, bins=5, bin_bp=128)
LOCATIONS = ["chr11:61234000-61235000", "contig_2:x:500-1500", ""]


@pytest.fixture
def data(tmp_path):
    """A store of three examples and four tracks, and predictions of two models."""
    tracks = pd.DataFrame(
        {
            "identifier": ["T0", "T1", "T2", "T3"],
            "file": "f.bw",
            "clip": 384.0,
            "clip_soft": np.nan,
            "scale": 1.0,
            "sum_stat": "sum",
            "strand_pair": [0, 1, 2, 3],
            "description": ["DNASE:liver", "CAGE:CD133", "CAGE:K562", "CAGE:CD133"],
        }
    )
    tracks = assign_groups(tracks, {"DNase": ["DNASE"], "CAGE": ["CAGE"]})
    random = np.random.default_rng(1)
    targets = random.integers(0, 50, (3, 5, 4)).astype(np.float16)
    with write_store(tmp_path / "test.h5", tracks, GEOMETRY, "test") as store:
        for target, location in zip(targets, LOCATIONS, strict=True):
            store.append(random.integers(0, 4, 1000).astype(np.uint8), target, location)
    predictions = {}
    for name, label in (("swin1d", "1D-Swin"), ("enformer", "Enformer")):
        values = random.uniform(0, 20, (3, 5, 4)).astype(np.float32)
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["prediction"] = values
            file.create_dataset("location", data=np.array(LOCATIONS, dtype="S96"))
        predictions[name] = (label, tmp_path / f"{name}.h5", values)
    return tmp_path / "test.h5", targets, predictions


def paths(predictions):
    return {label: path for label, path, _ in predictions.values()}


def test_values_and_genome_coordinates(data):
    store, targets, predictions = data
    profile = read_profile(store, paths(predictions), "T2", 0)
    np.testing.assert_array_equal(profile.truth, targets[0, :, 2].astype(float))
    np.testing.assert_allclose(profile.predictions["Enformer"], predictions["enformer"][2][0, :, 2])
    assert (profile.contig, profile.start_bp, profile.bin_bp) == ("chr11", 61234000 + 180, 128)


def test_panels_show_every_bin_at_its_place(data):
    store, targets, predictions = data
    figure = profile_figure(read_profile(store, paths(predictions), "T2", 0), {"1D-Swin": "#123456"})
    assert len(figure.axes) == 3
    for axes, values in zip(figure.axes, [targets, *(entry[2] for entry in predictions.values())], strict=True):
        shown = axes.patches[0].get_data()
        np.testing.assert_allclose(shown.values, values[0, :, 2].astype(float))
        np.testing.assert_allclose(shown.edges, (61234180 + 128 * np.arange(6)) / 1000)
    assert figure.axes[1].patches[0].get_facecolor()[:3] == pytest.approx((0x12 / 255, 0x34 / 255, 0x56 / 255))
    assert figure.axes[-1].get_xlabel() == "Position on chr11 (kb)"


def test_titles_give_the_correlation_in_the_segment(data):
    store, targets, predictions = data
    figure = profile_figure(read_profile(store, paths(predictions), "T2", 0), {})
    r = np.corrcoef(predictions["swin1d"][2][0, :, 2], targets[0, :, 2].astype(float))[0, 1]
    assert figure.axes[1].get_title(loc="left") == f"1D-Swin, r = {r:.2f} in this segment"


def test_a_flat_prediction_has_no_correlation(data):
    store, _, predictions = data
    profile = read_profile(store, paths(predictions), "T2", 0)
    profile.predictions["1D-Swin"][:] = 3
    assert profile_figure(profile, {}).axes[1].get_title(loc="left") == "1D-Swin, r undefined"


def test_own_or_shared_scale(data):
    store, _, predictions = data
    profile = read_profile(store, paths(predictions), "T2", 0)
    own = {axes.get_ylim() for axes in profile_figure(profile, {}).axes}
    shared = {axes.get_ylim() for axes in profile_figure(profile, {}, share_y=True).axes}
    assert (len(own), len(shared)) == (3, 1)


def test_track_by_description_and_by_number(data):
    store, _, predictions = data
    assert read_profile(store, {}, "CAGE:K562", 0).track == "T2, CAGE:K562"
    assert read_profile(store, {}, 3, 0).track == "T3, CAGE:CD133"


def test_identifiers_that_are_numbers():
    tracks = pd.DataFrame({"identifier": ["2", "0", "1"], "description": ["a", "b", "c"]})
    assert [track_row(tracks, track) for track in ("0", "2", 0, 2)] == [1, 0, 0, 2]


def test_unknown_location_gives_positions_in_the_target(data):
    store, _, predictions = data
    profile = read_profile(store, paths(predictions), "T0", 2)
    assert (profile.contig, profile.start_bp) == ("", 0)
    assert profile_figure(profile, {}).axes[-1].get_xlabel() == "Position in the target (kb)"


@pytest.mark.parametrize(
    ("track", "example", "message"),
    [
        ("T9", 0, "figure3.track: 'T9' does not exist; did you mean 'T"),
        ("CAGE:CD133", 0, "figure3.track: 2 tracks have the description"),
        ("4", 0, "figure3.track: '4'.*valid: T0, T1, T2, T3"),
        ("3", 0, "figure3.track: '3' does not exist; did you mean 'T3'"),  # a text is never a row
        (4, 0, "figure3.track: 4 does not exist; .*valid: "),
        ("T0", 3, "figure3.example: 3 does not exist; valid: 0 to 2"),
        ("T0", -1, "figure3.example: -1"),
    ],
)
def test_bad_keys_are_named_with_the_valid_values(data, track, example, message):
    store, _, predictions = data
    with pytest.raises(InputError, match=message):
        read_profile(store, paths(predictions), track, example)


def test_predictions_of_other_data_are_refused(data, tmp_path):
    store, _, predictions = data
    with h5py.File(predictions["enformer"][1], "a") as file:
        file["location"][1] = b"chr1:0-1000"
    read_profile(store, paths(predictions), "T0", 0)
    with pytest.raises(InputError, match=r"enformer.h5: example 1 is not contig_2:x:500-1500"):
        read_profile(store, paths(predictions), "T0", 1)
    with h5py.File(predictions["swin1d"][1], "a") as file:
        del file["prediction"]
        file["prediction"] = np.zeros((3, 5, 3))
    with pytest.raises(InputError, match=r"swin1d.h5: predictions are \(3, 5, 3\)"):
        read_profile(store, paths(predictions), "T0", 0)
    with pytest.raises(InputError, match=r"none.h5: not a readable"):
        read_profile(store, {"x": tmp_path / "none.h5"}, "T0", 0)


def test_locations():
    assert parse_location("contig_2:x:500-1500") == ("contig_2:x", 500, 1500)
    assert parse_location("") is None
    with pytest.raises(InputError, match="chr1 is not|'chr1'"):
        parse_location("chr1")


def test_files_and_text(data, tmp_path):
    store, _, predictions = data
    check_text(profile_figure(read_profile(store, paths(predictions), "T2", 0), {}))
    runs = [Run(name, label, 1, path) for name, (label, path, _) in predictions.items()]
    figure3(runs, store, "T2", 0, tmp_path / "f.pdf", tmp_path / "f.png")
    assert "T2, CAGE:K562" in pdf_text(tmp_path / "f.pdf")
    assert (tmp_path / "f.png").stat().st_size > 10_000
