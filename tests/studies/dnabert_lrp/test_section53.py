"""Section 5.3's table: ranks, classes, scores without a motif or a match."""

import pandas as pd
import pytest

from regulens.core.errors import InputError
from regulens.motifs.tomtom import HIT_COLUMNS, read_comparisons
from regulens.studies.dnabert_lrp.section53 import COLUMNS, ScoreMotifs, section53, table53

FACTS = (
    "# engine: memelite\n# version: 0.5.0\n# distance: ed\n# q_value_method: BH\n# max_q_value: 0.1\n"
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
        "dnabert_lrp,section5.3,lrp,top_motif_class,promoters_positive,Homeo domain factors,\n"
        "dnabert_lrp,section5.1,lrp,test_accuracy,,0.9,\n"
    )
    return tmp_path


def score(folder, name, motifs, hits, facts=FACTS):
    """Files of one score: (motif, instances) and (query, target, p, q)."""
    pd.DataFrame(motifs, columns=["motif", "instances"]).to_csv(folder / f"{name}.csv", index=False)
    rows = [(q, t, p, p * 3, qv, 8, 0, "+", "A", "A") for q, t, p, qv in hits]
    (folder / f"{name}.tsv").write_text(facts + pd.DataFrame(rows, columns=HIT_COLUMNS).to_csv(sep="\t", index=False))
    return ScoreMotifs(name, name.upper(), folder / f"{name}.csv", folder / f"{name}.tsv")


def make(folder, *runs, task="promoters", **options):
    arguments = (folder / "targets.tsv", folder / "published.csv", folder / "t.csv", folder / "t.md")
    options.setdefault("published_as", {"promoters": "promoters", "enhancers": "enhancers"})
    table = table53(runs, *arguments, task=task, **options)
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
    table, text = make(files, run)
    assert list(table) == COLUMNS
    assert table["motif"].tolist() == ["d", "c", "b", "a", "e"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    top = table.iloc[0]
    assert (top["target"], top["target_name"], top["tf_class"]) == ("M2", "NA", "Homeo domain factors")
    assert (top["published_class"], top["engine"], top["note"]) == ("Homeo domain factors", "memelite", "")
    assert table.iloc[4]["note"] == "no match with q <= 0.1"
    assert table.iloc[4]["target"] == ""
    written = pd.read_csv(files / "t.csv", keep_default_na=False)
    assert list(written) == COLUMNS
    assert written["rank"].tolist() == [1, 2, 3, 4, 5]
    assert written["q_value"].astype(str).tolist()[-1] == ""
    row = next(line for line in text.splitlines() if line.startswith("| LRP"))
    cells = [cell.strip() for cell in row.split(" | ")]
    assert cells[1:8] == ["5", "d", "9", "NA (M2)", "Homeo domain factors", "", "0.01"]
    assert "- Motifs compared by memelite 0.5.0, distance ed, BH, q <= 0.1, targets J (3 motifs)." in text
    (compared,) = read_comparisons(files / "t.facts.json")
    assert (compared.what, compared.facts["engine"], "queries" in compared.facts) == ("Motifs", "memelite", False)


def test_scores_without_motif_or_match_say_so(files):
    runs = [
        score(files, "attention", [], []),
        score(files, "lrp_last", [("a", 5)], []),
        score(files, "lrp", [("a", 5)], [("a", "M3", 1e-4, 0.02)], FACTS.replace("memelite", "meme")),
    ]
    table, text = make(files, *runs, data_note="Simulated promoters.")
    assert table["note"].tolist() == ["no motif", "no match with q <= 0.1", ""]
    assert table["instances"].tolist() == [0, 5, 5]
    assert table["rank"].isna().tolist() == [True, False, False]
    lines = text.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:5]] == ["ATTENTION", "LRP_LAST", "LRP"]
    assert "| no motif " in lines[2]
    assert "| no match with q <= 0.1 " in lines[3]
    assert r"A\|B (M3)" in lines[4]
    assert len({line.replace(r"\|", "").count("|") for line in lines[:5]}) == 1
    assert "- ATTENTION, LRP_LAST compared by memelite" in text
    assert "- LRP compared by meme" in text
    assert text.endswith("- Simulated promoters.\n")


def test_only_the_papers_task_has_published_classes(files):
    run = score(files, "lrp", [("a", 5)], [("a", "M1", 1e-4, 0.02)])
    table, text = make(files, run, task="enhancers")
    assert table["published_class"].tolist() == [""]
    assert "section 5.3" not in text


@pytest.mark.parametrize("published_as", [None, {"promoters": None}, {"mine": "promoters"}])
def test_the_name_promoters_alone_attaches_no_published_class(files, published_as):
    run = score(files, "lrp", [("a", 5)], [("a", "M1", 1e-4, 0.02)])
    table, text = make(files, run, published_as=published_as)
    assert table["published_class"].tolist() == [""]
    assert "section 5.3" not in text
    table, text = make(files, run, task="mine", published_as={"mine": "promoters"})
    assert table["published_class"].tolist() == ["Homeo domain factors"]
    assert "section 5.3" in text


def test_the_seed_is_named(files):
    _, text = make(files, score(files, "lrp", [("a", 5)], []))
    assert "- Scores and motifs are those of the model of the first seed." in text


@pytest.mark.parametrize("content", ["", "[]", '{"comparisons": [{"what": "Motifs"}]}'])
def test_damaged_facts_are_an_error(tmp_path, content):
    (tmp_path / "t.facts.json").write_text(content)
    with pytest.raises(InputError, match=r"t.facts.json: not the facts of a table .* make it again"):
        read_comparisons(tmp_path / "t.facts.json")


def test_files_that_do_not_belong_together(files):
    hits = [("a", "M9", 1e-4, 0.02)]
    with pytest.raises(InputError, match="lrp.tsv: the target M9 has no annotation"):
        make(files, score(files, "lrp", [("a", 5)], hits))
    with pytest.raises(InputError, match="lrp.tsv: a is not a motif of .*lrp.csv"):
        make(files, score(files, "lrp", [("b", 5)], hits))
    run = score(files, "lrp", [("a", 5)], [])
    (files / "lrp.csv").write_text("motif\na\n")
    with pytest.raises(InputError, match="lrp.csv: column instances is missing, found motif"):
        make(files, run)
    (files / "lrp.csv").unlink()
    with pytest.raises(InputError, match="lrp.csv: no such file"):
        make(files, run)
    assert not (files / "t.csv").exists()


@pytest.fixture
def motifs(tmp_path):
    """Folder with the motifs of one score, and the annotation of the targets."""
    (tmp_path / "lrp").mkdir()
    (tmp_path / "lrp/motifs.csv").write_text("motif,instances\na,5\n")
    facts = {"engine": "memelite", "version": "0.5.0", "distance": "ed", "q_value_method": "BH", "max_q_value": "0.1"}
    lines = [f"# {key}: {value}" for key, value in (facts | {"targets": "J", "queries": "1"}).items()]
    rows = ["\t".join(HIT_COLUMNS), "\t".join(map(str, ("a", "M1", 1e-4, 3e-4, 0.02, 8, 0, "+", "A", "A")))]
    (tmp_path / "lrp/tomtom.tsv").write_text("\n".join([*lines, *rows, ""]))
    (tmp_path / "targets.tsv").write_text("matrix_id\tname\ttf_class\ttf_family\nM1\tSP1\tC2H2\tKrueppel\n")
    return tmp_path


@pytest.mark.parametrize(("name", "expected"), [("promoters", ["Homeo domain factors"]), (None, [""])])
def test_published_classes_follow_the_settings(motifs, published, name, expected):
    outputs = motifs / "t.csv", motifs / "t.md"
    section53(motifs, "promoters", motifs / "targets.tsv", published, *outputs, ["lrp"], published_as=name)
    assert pd.read_csv(outputs[0], keep_default_na=False)["published_class"].tolist() == expected
