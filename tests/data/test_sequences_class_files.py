"""One file of sequences for each class: plain text and FASTA, known places, and real TATA promoters."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest
from disguises import DISGUISES

from regulens.core.errors import InputError
from regulens.data.sequences import SequenceOutputs, from_class_files, read_class_file, read_sequences, read_sites
from regulens.data.settings import ClassFileSequences


def settings(**values):
    return ClassFileSequences(route="class_files", positive="x", negative="y", **{"length_bp": 20, **values})


def random_texts(count, length, seed=0):
    return ["".join(row) for row in np.random.default_rng(seed).choice(list("ACGT"), (count, length))]


def prepare(folder, positive, negative, **values):
    names = ("train.tsv", "valid.tsv", "test.tsv", "filters.csv", "sites.tsv", "card.csv")
    outputs = SequenceOutputs(*(folder / "out" / name for name in names))
    from_class_files(settings(**values), positive, negative, *outputs)
    return outputs


def test_lines_and_fasta_give_the_same_sequences(tmp_path):
    texts = random_texts(10, 30)
    (tmp_path / "lines.txt").write_text("\n".join(texts[:5]) + "\n\n" + "\n".join(texts[5:]))
    records = [f">a{i} of somewhere\n{text[:20]}\n{text[20:]}\n" for i, text in enumerate(texts)]
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress("".join(records).encode()))
    lines, fasta = (read_class_file(tmp_path / name, "positive") for name in ("lines.txt", "a.fa.gz"))
    assert lines["sequence"].tolist() == fasta["sequence"].tolist() == texts
    assert fasta["id"].tolist() == [f"positive_a{i}" for i in range(10)]
    assert lines["id"].tolist()[4:6] == ["positive_line_5", "positive_line_7"]  # line 6 is empty
    assert set(lines["label"]) == {1}
    assert set(read_class_file(tmp_path / "lines.txt", "negative")["label"]) == {0}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("text", ["ACGT\nTTTT\n", ">a\nAC\nGT\n>b\nTTTT\n"], ids=["lines", "fasta"])
def test_files_as_they_come(tmp_path, disguise, text):
    (tmp_path / "a.txt").write_bytes(disguise(text))
    assert read_class_file(tmp_path / "a.txt", "positive")["sequence"].tolist() == ["ACGT", "TTTT"]


def test_known_places_follow_the_crop(tmp_path):
    for name, seed in (("p", 1), ("n", 2)):
        (tmp_path / name).write_text("\n".join(random_texts(40, 30, seed)))
    outputs = prepare(tmp_path, tmp_path / "p", tmp_path / "n", crop="end", places={"TATA box": [12, 18]})
    sites = read_sites(outputs.sites)
    sets = [read_sequences(path) for path in outputs[:3]]
    assert sorted(sites["id"]) == sorted(
        name for one in sets for name, label in zip(one.ids, one.labels, strict=True) if label
    )
    assert set(sites[["start", "end", "motif", "role"]].itertuples(index=False, name=None)) == {
        (2, 8, "TATA box", "positive")
    }
    assert sets[2].labels.tolist().count(1) == 12  # 30 % of 40
    assert pd.read_csv(outputs.card)["rows"].iloc[-2:].tolist() == [40, 40]
    without = prepare(tmp_path / "w", tmp_path / "p", tmp_path / "n")
    assert read_sites(without.sites).empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n \n", "the file is empty: it must have the positive sequences"),
        (">a\nACGT\n>a\nACGA\n", "two sequences are named 'a'"),
        (">a\nACGT\n>\nACGA\n", "a sequence has no name"),
    ],
)
def test_errors_name_the_file(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=f"a.txt: {message}"):
        read_class_file(tmp_path / "a.txt", "positive")


def test_a_place_beyond_a_sequence_is_refused(tmp_path):
    for name in "pn":
        (tmp_path / name).write_text("\n".join(random_texts(10, 30, ord(name))))
    with pytest.raises(InputError, match="p, line 0: the site ends at 31, beyond the end of positive_line_1"):
        prepare(tmp_path, tmp_path / "p", tmp_path / "n", crop="end", places={"TATA box": [12, 31]})
    with pytest.raises(ValueError, match="TATA box: need start < end"):
        settings(places={"TATA box": [18, 12]})


def test_real_tata_promoters(mirror, tmp_path):
    """The start site is column 249 of 300 (0-based); nine of ten TATAWAW near it begin 33 to 28 bp before it."""
    files = [mirror / f"promoters_tata/TATAprom_{name}.txt" for name in ("pos", "neg")]
    positive, negative = (read_class_file(path, "positive") for path in files)
    assert (len(positive), len(negative)) == (3065, 3065)
    assert (set(positive["sequence"].str.len()), set(negative["sequence"].str.len())) == ({300}, {280})
    pyrimidine_purine = [positive["sequence"].str[i : i + 2].str.fullmatch("[CT][AG]").mean() for i in range(299)]
    assert np.argmax(pyrimidine_purine) == 248  # the initiator: -1 and +1
    assert pyrimidine_purine[248] > 0.75
    starts = np.array([m.start() for text in positive["sequence"] for m in re.finditer("(?=TATA[AT]A[AT])", text)])
    near = starts[abs(starts - 219) < 10]
    assert np.bincount(starts).argmax() == 219  # -30
    assert np.mean((near >= 216) & (near <= 221)) > 0.9
    # The negatives are other places, with less G + C and a TATA box of their own at about the same distance.
    outputs = prepare(tmp_path, *files, length_bp=200, crop="end", split="grouped", places={"TATA box": [216, 228]})
    card = pd.read_csv(outputs.card).set_index(["split", "label"])
    assert card.loc["test", "overlapping"].tolist() == [0, 0]
    assert card.loc["all", "gc"].round(3).tolist() == [0.555, 0.345]
    assert set(read_sites(outputs.sites)[["start", "end"]].itertuples(index=False, name=None)) == {(116, 128)}
