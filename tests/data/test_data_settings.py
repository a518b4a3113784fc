"""Geometry of an example, and sources of many files."""

from regulens.data.settings import Geometry, Source, find_source, pattern


def test_geometry_of_the_paper():
    geometry = Geometry()
    assert (geometry.padded_bp, geometry.padded_bins, geometry.crop_bins) == (17920, 140, 30)
    demo = Geometry(input_bp=6144, bins=32, bin_bp=128)
    assert (demo.padded_bp, demo.padded_bins, demo.crop_bins) == (6144, 48, 8)


def test_source_templates_fill_the_url():
    sources = {
        "b/{split}-{shard}.tfr": Source(url="gs://bucket/{split}-{shard}.tfr"),
        "exact.txt": Source(url="https://example.org/exact.txt"),
    }
    assert find_source(sources, "b/train-12.tfr").url == "gs://bucket/train-12.tfr"
    assert find_source(sources, "exact.txt").url.endswith("exact.txt")
    assert find_source(sources, "b/other.tfr") is None
    assert pattern("exact.txt") == r"exact\.txt"


def test_a_placeholder_may_occur_twice():
    sources = {"{split}/{split}-{shard}.tfr": Source(url="https://example.org/{split}/{shard}")}
    assert find_source(sources, "test/test-3.tfr").url == "https://example.org/test/3"
    assert find_source(sources, "test/train-3.tfr") is None
