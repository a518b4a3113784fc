"""The table of filters: every count in its place, sums that hold, and notes that are true."""

import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.core.runs import TaskRun
from regulens.studies.dnabert_lrp.filters import filters, read_filters, reasons_of, to_markdown

REASONS = ["empty", "ambiguous", "not_dna", "too_short", "conflicting", "duplicated", "leaked"]
NAMES = {"promoters": {"positive": "Promoter", "negative": "Non-promoter"}}


def write_filters(path, changes=(), overlapping=True):
    """Counts of three splits and two classes: the test set loses 3, the training set 7 and 20 to the validation set."""
    rows = []
    for split, read in (("train", 1200), ("valid", 20), ("test", 400)):
        for label in (0, 1):
            counts = {"read": read + label} | dict.fromkeys(REASONS, 0) | {"validation": 0}
            if split == "train":
                counts |= {"ambiguous": 2, "leaked": 5, "validation": 20}
            if split == "test":
                counts |= {"too_short": 3}
            counts["kept"] = 2 * counts["read"] - sum(counts.values())
            if overlapping:
                counts["overlapping"] = 4 if (split, label) == ("test", 1) else 0
            rows += [(split, label, reason, number) for reason, number in counts.items()]
    table = pd.DataFrame(rows, columns=["split", "label", "reason", "sequences"])
    for split, label, reason, number in changes:
        where = (table["split"] == split) & (table["label"] == label) & (table["reason"] == reason)
        assert where.sum() == 1
        table.loc[where, "sequences"] = number
    table.to_csv(path, index=False)
    return path


def test_one_row_for_each_task_split_and_class(tmp_path):
    changes = [("test", 0, "too_short", 0), ("test", 0, "kept", 400)]
    filters = {
        "promoters": ("Promoters", write_filters(tmp_path / "p.csv")),
        "enhancers": (
            "Enhancers",
            write_filters(tmp_path / "e.csv", changes),
        ),
    }
    table = read_filters(filters)
    assert list(table["task"]) == ["promoters"] * 6 + ["enhancers"] * 6
    assert list(table["split"][:6]) == ["train", "train", "valid", "valid", "test", "test"]
    assert reasons_of(table) == REASONS
    row = table[(table["task"] == "promoters") & (table["split"] == "train") & (table["class"] == "positive")].iloc[0]
    assert (row["read"], row["ambiguous"], row["leaked"], row["validation"], row["kept"]) == (1201, 2, 5, 20, 1174)
    assert list(table.loc[table["split"] == "test", "too_short"]) == [3, 3, 0, 3]


def test_the_markdown_has_the_reasons_that_occur_and_names_the_others(tmp_path):
    text = to_markdown(read_filters({"promoters": ("Promoters", write_filters(tmp_path / "p.csv"))}), NAMES)
    lines = text.splitlines()
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert header[:4] == ["Task", "Split", "Class", "Read"]
    assert header[4:] == ["Ambiguous base", "Too short", "Leaked", "To validation", "Kept", "Overlapping"]
    first = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert first == ["Promoters", "Training", "Non-promoter", "1,200", "2", "0", "5", "20", "1,173", "0"]
    assert "No sequence was found for: empty, other letter, both labels, duplicated." in text
    assert "the validation set counts them as read" in text
    assert "Overlapping: of the kept" in text
    assert "stay, as the settings say" not in text


def test_sequences_that_the_settings_keep_are_said_to_stay(tmp_path):
    path = write_filters(tmp_path / "p.csv", [("train", 0, "kept", 1178), ("train", 1, "kept", 1179)])
    assert "10 sequences with a reason stay" in to_markdown(read_filters({"p": ("P", path)}))


def test_overlap_is_told_only_where_it_was_counted(tmp_path):
    without = read_filters({"p": ("P", write_filters(tmp_path / "p.csv", overlapping=False))})
    assert "overlapping" not in without
    assert "large part" not in to_markdown(without)
    none = write_filters(tmp_path / "q.csv", [("test", 1, "overlapping", 0)])
    text = to_markdown(read_filters({"p": ("P", none)}))
    assert "No kept sequence was found that the training set has in large part." in text
    assert "Overlapping" not in text


def test_a_reason_without_a_title_goes_by_its_name(tmp_path):
    table = pd.read_csv(write_filters(tmp_path / "p.csv"))
    table["reason"] = table["reason"].replace("too_short", "low_complexity")
    table.to_csv(tmp_path / "p.csv", index=False)
    table = read_filters({"p": ("P", tmp_path / "p.csv")})
    assert "low_complexity" in reasons_of(table)
    assert "low_complexity" in to_markdown(table).splitlines()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.assign(label=t["label"].map({0: "neg", 1: "pos"})),
            "column label has values that are not numbers",
        ),
        (lambda t: t.drop(columns="reason"), "column reason is missing"),
    ],
)
def test_wrong_tables_are_refused_by_name(tmp_path, change, message):
    path = write_filters(tmp_path / "p.csv")
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(InputError, match=f"p.csv: .*{message}"):
        read_filters({"p": ("P", path)})


def test_no_task_is_an_error():
    with pytest.raises(InputError, match="at least one task"):
        read_filters({})


def test_files(tmp_path):
    runs = [TaskRun("promoters", "Promoters", 0, write_filters(tmp_path / "p.csv"))]
    table = filters(runs, tmp_path / "f.csv", tmp_path / "f.md", NAMES)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f.csv"), table, check_dtype=False)
    assert (tmp_path / "f.md").read_text() == to_markdown(table, NAMES)
