"""Section 5.3's table: ranks, classes, scores without a motif or a match."""

import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.motifs.tomtom import HIT_COLUMNS, read_comparisons
from regulens.studies.dnabert_lrp.section53 import COLUMNS, section53

FACTS = (
    "# engine: native\n# version: 0.1.0\n# distance: ed\n# q_value_method: BH\n# max_q_value: 0.1\n"
    "# targets: J (3 motifs)\n# queries: 4\n"
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "targets.tsv").write_text(
        "matrix_id\tname\ttf_class\ttf_family\n"
        "M1\tSP1\tC2H2 zinc finger factors\tKrueppel\nM2\tNA\tHomeo domain factors\t\nM3\tA|B\tX::Y\tP::Q\n"
    )
    (tmp_path / "published.csv").write_text(
        "study,item,subject,metric,condition,value,sd\n"
        "dnabert_lrp,section53,lrp,top_motif_class,promoters_positive,Homeo domain factors,\n"
        "dnabert_lrp,section51,lrp,test_accuracy,,0.9,\n"
    )
    return tmp_path


def score(folder, name, motifs, hits, facts=FACTS):
    """Files of one score, whose name is returned: (motif, instances) and (query, target, p, q)."""
    (folder / name).mkdir()
    pd.DataFrame(motifs, columns=["motif", "instances"]).to_csv(folder / name / "motifs.csv", index=False)
    rows = [(q, t, p, p * 3, qv, 8, 0, "+", "A", "A") for q, t, p, qv in hits]
    text = facts + pd.DataFrame(rows, columns=HIT_COLUMNS).to_csv(sep="\t", index=False)
    (folder / name / "tomtom.tsv").write_text(text)
    return name


def make(folder, *scores, task="promoters", published_as=None, **options):
    arguments = (folder / "targets.tsv", folder / "published.csv", folder / "t.csv", folder / "t.md")
    table = section53(folder, task, *arguments, scores, published_as=published_as, **options)
    return table, (folder / "t.md").read_text()


def test_motifs_are_ranked_by_q_then_instances_then_p(files):
    run = score(
        files,
        "lrp",
        [("a", 50), ("b", 4), ("c", 9), ("d", 9), ("e", 3)],
        [
            ("a", "M1", 0.02, 0.09),
            ("b", "M1", 1e-5, 0.01),
            ("c", "M3", 1e-5, 0.01),
            ("d", "M1", 2e-6, 0.01),
            ("d", "M2", 1e-6, 0.01),
        ],  # fmt: skip
    )
    table, text = make(files, run, published_as="promoters")
    assert list(table) == COLUMNS
    assert table["motif"].tolist() == ["d", "c", "b", "a", "e"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    top = table.iloc[0]
    assert (top["target"], top["target_name"], top["tf_class"]) == ("M2", "NA", "Homeo domain factors")
    assert (top["published_class"], top["engine"], top["note"]) == ("Homeo domain factors", "native", "")
    assert table.iloc[4]["note"] == "no match with q <= 0.1"
    assert table.iloc[4]["target"] == ""
    written = pd.read_csv(files / "t.csv", keep_default_na=False)
    assert list(written) == COLUMNS
    assert written["rank"].tolist() == [1, 2, 3, 4, 5]
    assert written["q_value"].astype(str).tolist()[-1] == ""
    row = next(line for line in text.splitlines() if line.startswith("| LRP"))
    cells = [cell.strip() for cell in row.split(" | ")]
    assert cells[1:8] == ["5", "d", "9", "NA (M2)", "Homeo domain factors", "", "0.01"]
    assert "- Motifs compared by regulens 0.1.0, distance ed, BH, q <= 0.1, targets J (3 motifs)." in text
    (compared,) = read_comparisons(files / "t.facts.json")
    assert (compared.what, compared.facts["engine"], "queries" in compared.facts) == ("Motifs", "native", False)


def test_scores_without_motif_or_match_say_so(files):
    runs = [
        score(files, "attention", [], []),
        score(files, "lrp_last", [("a", 5)], []),
        score(files, "lrp", [("a", 5)], [("a", "M3", 1e-4, 0.02)], FACTS.replace("native", "meme")),
    ]
    table, text = make(files, *runs, data_note="Simulated promoters.")
    assert table["note"].tolist() == ["no motif", "no match with q <= 0.1", ""]
    assert table["instances"].tolist() == [0, 5, 5]
    assert table["rank"].isna().tolist() == [True, False, False]
    lines = text.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:5]] == ["Attention", "LRP_last", "LRP"]
    assert "| no motif " in lines[2]
    assert "| no match with q <= 0.1 " in lines[3]
    assert r"A\|B (M3)" in lines[4]
    assert len({line.replace(r"\|", "").count("|") for line in lines[:5]}) == 1
    assert "- Attention, LRP_last compared by regulens" in text
    assert "- LRP compared by the MEME Suite" in text
    assert text.endswith("- Simulated promoters.\n")


def test_only_a_task_of_the_paper_has_published_classes(files):
    run = score(files, "lrp", [("a", 5)], [("a", "M1", 1e-4, 0.02)])
    for task, published_as, expected in [
        ("promoters", None, ""),  # the name alone is not enough
        ("enhancers", "enhancers", ""),
        ("mine", "promoters", "Homeo domain factors"),
    ]:
        table, text = make(files, run, task=task, published_as=published_as)
        assert table["published_class"].tolist() == [expected]
        assert ("section 5.3" in text) == bool(expected)


def test_the_seed_is_named(files):
    _, text = make(files, score(files, "lrp", [("a", 5)], []))
    assert "- Scores and motifs are those of the model of the first seed." in text


@pytest.mark.parametrize("content", ["", "[]", '{"comparisons": [{"what": "Motifs"}]}'])
def test_damaged_facts_are_an_error(tmp_path, content):
    (tmp_path / "t.facts.json").write_text(content)
    with pytest.raises(InputError, match=r"t.facts.json: not the facts of a table .* make it again"):
        read_comparisons(tmp_path / "t.facts.json")


@pytest.mark.parametrize(
    ("motif", "hits", "message"),
    [
        ("a", [("a", "M9", 1e-4, 0.02)], "lrp/tomtom.tsv: the target M9 has no annotation"),
        ("b", [("a", "M9", 1e-4, 0.02)], "lrp/tomtom.tsv: a is not a motif of .*lrp/motifs.csv"),
    ],
)
def test_files_that_do_not_belong_together(files, motif, hits, message):
    with pytest.raises(InputError, match=message):
        make(files, score(files, "lrp", [(motif, 5)], hits))
    assert not (files / "t.csv").exists()


def test_a_missing_column_or_file_is_named(files):
    run = score(files, "lrp", [("a", 5)], [])
    (files / "lrp/motifs.csv").write_text("motif\na\n")
    with pytest.raises(InputError, match="lrp/motifs.csv: column instances is missing, found motif"):
        make(files, run)
    (files / "lrp/motifs.csv").unlink()
    with pytest.raises(InputError, match="lrp/motifs.csv: no such file"):
        make(files, run)
