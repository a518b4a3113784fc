"""Motif logos: heights in bits, alignments as Tomtom gives them, and scores without a motif or a match."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import check_text, pdf_text
from matplotlib.patches import Rectangle

from regulens.core.errors import InputError
from regulens.data.matrices import PositionWeightMatrix
from regulens.motifs.meme import MemeMotif, read_meme, write_meme
from regulens.motifs.tomtom import HIT_COLUMNS
from regulens.plotting.logos import draw_logo
from regulens.plotting.style import new_figure
from regulens.studies.dnabert_lrp.motif_logos import (
    Match,
    MotifFiles,
    TopMotif,
    draw_aligned,
    motif_figure,
    motif_logos,
    read_top_motifs,
)

CONSENSUS = {"T1": "TATAAAAG", "T2": "GGGGCGGGGC", "T3": "CCATATTGGAC"}
NAMES = {"T1": "TBP", "T2": "TFAP2C(var.3)", "T3": "MEF2C"}
CLASSES = {
    "T1": "TATA-binding proteins::TATA-binding proteins",
    "T2": "Other C4 zinc finger-type factors::Basic helix-loop-helix factors (bHLH)",
    "T3": "MADS box factors",
}
TABLE_COLUMNS = ["task", "score", "rank", "motif", "instances", "target", "target_name", "tf_class", "q_value", "note"]


def matrix(name: str, identifier: str, consensus: str, certainty: float = 0.91) -> PositionWeightMatrix:
    """A matrix with one likely base at every position; '.' is a position without information."""
    rows = np.full((len(consensus), 4), (1 - certainty) / 3)
    rows[np.arange(len(consensus)), ["ACGT.".index(base) % 4 for base in consensus]] = certainty
    rows[[base == "." for base in consensus]] = 0.25
    return PositionWeightMatrix(name, identifier, rows)


def reverse(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


QUERIES = {  # score: motif of 24 bp, target, offset, orientation, overlap
    "lrp": (f"....{CONSENSUS['T1']}............", "T1", -4, "+", 8),
    "lrp_last": (f"{'.' * 18}{reverse(CONSENSUS['T2'])[:6]}", "T2", -18, "-", 6),
    "attention": (f"{CONSENSUS['T3'][3:]}{'.' * 16}", "T3", 3, "+", 8),
}


def spelled(axes, low: int, high: int) -> str:
    """The tallest letter at every position of a panel, '.' where nothing stands out."""
    edges = np.zeros((high - low, 4))
    for patch in axes.patches:
        if patch.get_gid():
            path = patch.get_path()
            for x, y in path.vertices:
                column = int(np.floor(x)) - low
                edges[column, "ACGT".index(patch.get_gid())] = max(edges[column, "ACGT".index(patch.get_gid())], y)
    return "".join("ACGT"[row.argmax()] if row.max() > 0.5 else "." for row in edges)


def shaded(axes) -> list[tuple[float, float]]:
    return [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches if type(p) is Rectangle]


def write_inputs(folder):
    """Three scores with matches, one with a motif that matches nothing, one without a motif."""
    targets = [MemeMotif(matrix(NAMES[name], name, text)) for name, text in CONSENSUS.items()]
    write_meme(folder / "targets.meme", targets)
    rows, runs = [], []
    for score, label in [
        ("attention", "Attention"),
        ("lrp_last", "LRP_last"),
        ("lrp", "LRP"),
        ("gradcam", "GradCAM"),
        ("rollout", "Rollout"),
    ]:
        hits, motifs, name = [], [], f"{score}_1_CATTAAAGCGCCGCGGGCGCGTATAAAGGC"
        if score in QUERIES:
            text, target, offset, orientation, overlap = QUERIES[score]
            motifs = [matrix(name, name, text), matrix("x", f"{score}_2_AC", "ACGT" * 6)]
            hits = [(name, target, 1e-9, 1e-7, 1.3e-5, overlap, offset, orientation, "A", "A")]
            rows.append(("p", score, 2, f"{score}_2_AC", 9, "", "", "", np.nan, "no match with q <= 0.1"))
            rows.append(("p", score, 1, name, 1234, target, NAMES[target], CLASSES[target], 1.3e-5, ""))
        elif score == "gradcam":
            motifs = [matrix(name, name, "ACGT" * 6)]
            rows.append(("p", score, 1, name, 1, "", "", "", np.nan, "no match with q <= 0.1"))
        else:
            rows.append(("p", score, np.nan, "", 0, "", "", "", np.nan, "no motif"))
        (folder / score).mkdir()
        write_meme(folder / score / "motifs.meme", [MemeMotif(motif) for motif in motifs])
        with open(folder / score / "tomtom.tsv", "w") as file:
            file.write("# engine: native\n")
            pd.DataFrame(hits, columns=HIT_COLUMNS).to_csv(file, sep="\t", index=False)
        runs.append(MotifFiles(score, label, folder / score / "motifs.meme", folder / score / "tomtom.tsv"))
    pd.DataFrame(rows, columns=TABLE_COLUMNS).to_csv(folder / "section53.csv", index=False)
    return folder / "section53.csv", runs, folder / "targets.meme"


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path)


def test_heights_are_probability_times_bits():
    probabilities = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0.7, 0.1, 0.1, 0.1]])
    heights = PositionWeightMatrix("", "", probabilities).letter_heights
    np.testing.assert_allclose(heights[:3], [[2, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0]], atol=1e-12)
    assert heights[3].sum() == pytest.approx(2 + 0.7 * np.log2(0.7) + 0.3 * np.log2(0.1))


@pytest.mark.parametrize("score", list(QUERIES))
def test_equal_bases_stand_below_each_other(score):
    text, name, offset, orientation, overlap = QUERIES[score]
    upper, lower = new_figure(85, 60).subplots(2)
    match = Match(matrix("", name, CONSENSUS[name]), offset, orientation, 0.01, "")
    draw_aligned(upper, lower, matrix("", "q", text), match)
    shown, aligned = spelled(upper, -10, 40), spelled(lower, -10, 40)
    assert shown.strip(".") == text.strip(".")
    both = [(a, b) for a, b in zip(shown, aligned, strict=True) if a != "." and b != "."]
    assert len(both) == overlap
    assert all(a == b for a, b in both)
    target = reverse(CONSENSUS[name]) if orientation == "-" else CONSENSUS[name]
    assert aligned.strip(".") == target
    assert shaded(upper) == shaded(lower)
    ((low, high),) = shaded(upper)
    assert high - low == overlap


def test_alignments_of_the_meme_suite_are_drawn_as_it_prints_them(mirror):
    folder = mirror / "motifs" / "tomtom"
    queries = {m.matrix.matrix_id: m.matrix for m in read_meme(folder / "queries.meme").motifs}
    targets = {m.matrix.matrix_id: m.matrix for m in read_meme(folder / "targets.meme").motifs}
    hits = pd.read_csv(folder / "pearson.q0.1.tsv", sep="\t", comment="#")
    assert set(hits["Orientation"]) == {"+", "-"}
    assert hits["Optimal_offset"].min() < 0 < hits["Optimal_offset"].max()
    for hit in hits.iloc[:: max(1, len(hits) // 12)].itertuples():
        upper, lower = new_figure(85, 60).subplots(2)
        query, target = queries[hit.Query_ID], targets[hit.Target_ID]
        draw_aligned(upper, lower, query, Match(target, hit.Optimal_offset, hit.Orientation, 0.01, ""))
        ((low, high),) = shaded(upper)
        assert high - low == hit.Overlap
        drawn = target.reverse_complement() if hit.Orientation == "-" else target
        top = "".join("ACGT"[row.argmax()] for row in drawn.probabilities)
        agree = np.mean([a == b for a, b in zip(top, hit.Target_consensus, strict=True)])
        assert agree > 0.7  # Tomtom's consensus breaks ties in its own way
        expected = new_figure(85, 60).subplots()
        draw_logo(expected, drawn.letter_heights, -hit.Optimal_offset)
        letters = [[p.get_path().vertices for p in axes.patches if p.get_gid()] for axes in (lower, expected)]
        for a, b in zip(*letters, strict=True):
            np.testing.assert_allclose(a, b)


def test_the_top_motif_of_every_score(inputs):
    top = {motif.label: motif for motif in read_top_motifs(*inputs)}
    assert list(top) == ["Attention", "LRP_last", "LRP", "GradCAM", "Rollout"]
    last = top["LRP_last"]
    assert (last.match.offset, last.match.orientation, last.match.q_value) == (-18, "-", 1.3e-5)
    assert (last.match.target.name, last.instances, last.motif.width) == ("TFAP2C(var.3)", 1234, 24)
    assert last.match.tf_class == CLASSES["T2"]
    assert last.motif.matrix_id.startswith("lrp_last_1_")  # rank 1, though it is not the first row
    assert top["GradCAM"].motif is not None
    assert (top["GradCAM"].match, top["GradCAM"].note) == (None, "no match with q <= 0.1")
    assert (top["Rollout"].motif, top["Rollout"].note) == (None, "no motif")


def test_panels_say_what_is_there_and_what_is_not(inputs):
    figure = motif_figure(read_top_motifs(*inputs))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    for expected in (
        "TBP (T1)",
        "TFAP2C(var.3) (T2), reverse complement",
        "q = 1.3e-05; TATA-binding proteins",
        "factors (bHLH)",
        "no match with q ≤ 0.1",
        "no motif",
    ):
        assert expected in texts
    assert any(text.endswith(", 1 instance") for text in texts)
    assert sum(text.endswith(", 1,234 instances") for text in texts) == 3
    spans = {round(float(np.ptp(axes.get_xlim())), 6) for axes in figure.axes if axes.axison}
    assert spans == {28}  # 24 bp of a motif and 4 of a target that hangs over: letters of one width
    check_text(figure)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_scores(inputs, count):
    figure = motif_figure(read_top_motifs(inputs[0], inputs[1][:count], inputs[2]))
    assert len(figure.axes) == 2 * count
    check_text(figure)


def test_nothing_at_all_is_a_figure_too():
    figure = motif_figure([TopMotif("LRP", None, 0, None, "no motif")])
    assert "no motif" in [text.get_text() for text in figure.axes[0].texts]
    check_text(figure)


def test_files_that_do_not_belong_together_are_refused(inputs):
    table, runs, targets = inputs
    with pytest.raises(InputError, match=r"section53.csv: score full_lrp has no row"):
        read_top_motifs(table, [runs[0]._replace(score="full_lrp")], targets)
    with pytest.raises(InputError, match=r"lrp/motifs.meme: no motif attention_1_CATT"):
        read_top_motifs(table, [runs[0]._replace(motifs=runs[2].motifs)], targets)
    with pytest.raises(InputError, match=r"lrp/tomtom.tsv: 0 hits of attention_1_CATT\S* with T3"):
        read_top_motifs(table, [runs[0]._replace(hits=runs[2].hits)], targets)
    with pytest.raises(InputError, match=r"gradcam/motifs.meme: no target T3"):
        read_top_motifs(table, runs[:1], runs[3].motifs)
    hits = runs[0].hits.read_text().replace("\t8\t3\t", "\t7\t3\t")
    runs[0].hits.write_text(hits)
    with pytest.raises(InputError, match=r"overlap by 7 positions.*\(24 and 11\) and the offset 3 give 8"):
        read_top_motifs(table, runs[:1], targets)


def test_one_task_at_a_time(inputs):
    table = pd.read_csv(inputs[0])
    pd.concat([table, table.assign(task="enhancers")]).to_csv(inputs[0], index=False)
    with pytest.raises(InputError, match=r"score attention has rank 1 twice"):
        read_top_motifs(*inputs)


def test_files_and_text(inputs, tmp_path):
    table, runs, targets = inputs
    motif_logos(tmp_path, table, targets, [run.score for run in runs], tmp_path / "f.pdf", tmp_path / "f.png")
    text = pdf_text(tmp_path / "f.pdf")
    for expected in ("Attention", "MEF2C (T3)", "MADS box factors", "Position in the motif (bp)"):
        assert expected in text
    assert (tmp_path / "f.png").stat().st_size > 10_000
