"""What lies in the folder of each study after the tiny run: these tables and figures and no others, all whole."""

from typing import NamedTuple

import numpy as np
import pytest
import yaml
from PIL import Image

from .conftest import TINY

CONFIGURATION = yaml.safe_load(TINY.read_text())
HYBRID = CONFIGURATION["hybrid_networks"]["architectures"]


class Artefacts(NamedTuple):
    """Names without their endings: of figures (pdf, png), and of tables."""

    figures: set[str]
    tables: set[str]
    """As csv."""
    texts: set[str]
    """As md."""
    latex: set[str]
    noted: set[str]
    """Texts that end with the note on the data."""


LRP_TEXTS = {"tiers", "data_card", "section51", "table1", "paired_tests", "truth", "section53_promoters", "claims"}
STUDIES = {
    "genomic_interpreter": Artefacts(
        {"figure1", "figure2", "figure3", "figure4a", "figure4b", "figure5", "figure6", "figure7"}
        | {"attention_distance_plot", "loss_curves"},
        {"table1", "claims", "architectures", "attention_distance", "training"},
        {"table1", "claims", "training"},
        {"table1"},
        {"table1", "claims"},
    ),
    "dnabert_lrp": Artefacts(
        {"figure1", "figure2", "score_agreement", "truth", "fine_tuning_curves", "pretraining_curves"}
        | {"relevance_promoters_1", "relevance_enhancers_0", "motif_logos_promoters"},
        LRP_TEXTS | {"filters"},
        LRP_TEXTS | {"filters"},
        {"section51", "table1"},
        LRP_TEXTS,
    ),
    "hybrid_networks": Artefacts(
        {"figure1", "figure2", "figure3", "training_task1", "training_task2"}
        | {f"filters_{name}_{activation}" for name in HYBRID for activation in ("relu", "exponential")}
        | {f"saliency_{name}_1" for name in HYBRID},
        {"task1", "task2", "claims", "task1_trials", "task2_trials"},
        {"task1", "task2", "claims"},
        {"task1", "task2"},
        {"task1", "task2", "claims"},
    ),
    "sequence_to_function": Artefacts(
        {"encodings", "enhancers", "boundaries", "variants", "saturation"},
        {"encodings", "enhancers", "boundaries", "variants", "saturation"} | {"tiers_enhancers", "claims"},
        {"enhancers", "boundaries", "variants", "tiers_enhancers", "claims"},
        set(),
        {"enhancers", "boundaries", "variants", "tiers_enhancers", "claims"},
    ),
}
each_study = pytest.mark.parametrize("study", STUDIES)


@pytest.fixture
def folder(tiny, study):
    """Results of one study of the tiny run."""
    return tiny / "results/tiny" / study


@each_study
def test_these_are_all_tables_and_figures(folder, study):
    found = {
        ending: {path.stem for path in folder.glob(f"*.{ending}")} for ending in ("csv", "md", "tex", "pdf", "png")
    }
    figures, tables, texts, latex, _ = STUDIES[study]
    assert found == {"csv": tables, "md": texts, "tex": latex, "pdf": figures, "png": figures}


@each_study
def test_figures_are_whole_and_not_blank(folder, study):
    for figure in STUDIES[study].figures:
        assert (folder / f"{figure}.pdf").read_bytes().rstrip().endswith(b"%%EOF"), figure
        pixels = np.asarray(Image.open(folder / f"{figure}.png").convert("L"))
        assert min(pixels.shape) > 300, figure
        assert pixels.std() > 5, figure


@each_study
def test_a_setting_with_braces_quotes_and_dollars_arrives_as_it_is(folder, study):
    note = CONFIGURATION[study]["data_note"]
    assert {"{", "'", "$"} <= set(note)
    assert [name for name in STUDIES[study].noted if note not in (folder / f"{name}.md").read_text()] == []
