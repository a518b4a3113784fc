"""What the paper on Genomic Interpreter (000) says of its results, in our words, each with a criterion stated for it.

Where a word such as "local" or "long-range" needs a threshold, it is chosen here, said in the criterion, and applied to
the paper's own Table 1 wherever that has the number. The claims at the end are ours: checks that any run must pass.
"""

from regulens.figures.claims import CONTROL, Claim, out_of_reach
from regulens.figures.interpreter_attention_rules import (
    grows_with_layer,
    heads_differ,
    looks_back,
    lower_layers_local,
    some_head,
    windows_differ,
)
from regulens.figures.interpreter_claim_rules import (
    above,
    constant_scores_nothing,
    each_above_each,
    follows_track,
    helps_only_on,
    margin_larger_in,
    most_tracks_above,
)
from regulens.figures.interpreter_evidence import ATT_POOL, CNNS, DILATED, ENFORMER, MAX_POOL, SWIN, on
from regulens.figures.table1 import OVERALL
from regulens.reference_rows import MEAN, RIDGE

ABSTRACT, INTRODUCTION, RESULTS, TABLE = "Abstract", "Introduction", "Section 4.1, Table 1", "Table 1"
ATTENTION, CONCLUSION = "Section 4.2", "Conclusion"
GROUPS = ["DNase", "ChIP", "CAGE"]
OTHERS = [*CNNS, ENFORMER]
_INTERVAL = "the 95 % interval of the difference over the tracks, where they are known, excludes 0."


def _best(name: str, where: str, sentence: str, group: str) -> Claim:
    criterion = f"Its mean correlation {on(group)} is above that of every other model of the paper, and {_INTERVAL}"
    return Claim(name, where, sentence, criterion, above(SWIN, OTHERS, group))


def _tracks(group: str) -> Claim:
    sentence = f"Most {group} tracks lie above the line: 1D-Swin predicts them better than each other model."
    criterion = f"Against every other model 1D-Swin has the higher correlation on more than half of the {group} tracks."
    return Claim(f"{group.lower()}_tracks", "Figure 2", sentence, criterion, most_tracks_above(SWIN, OTHERS, group))


CLAIMS = [
    _best(
        "best_overall",
        f"{ABSTRACT}; {RESULTS}",
        "1D-Swin predicts genomic assays better than all other models, over all tracks.",
        OVERALL,
    ),
    Claim(
        "beats_enformer",
        INTRODUCTION,
        "1D-Swin is better than the state of the art, Enformer.",
        f"Its mean correlation over all tracks is above Enformer's, and {_INTERVAL}",
        above(SWIN, [ENFORMER], OVERALL),
    ),
    Claim(
        "beats_cnns",
        CONCLUSION,
        "1D-Swin is better than conventional models, the three CNNs.",
        f"Its mean correlation over all tracks is above that of each CNN, and {_INTERVAL}",
        above(SWIN, CNNS, OVERALL),
    ),
    _best("best_dnase", RESULTS, "1D-Swin is the best model of DNase tracks (chromatin accessibility).", "DNase"),
    _best("best_chip", RESULTS, "1D-Swin is the best model of ChIP tracks.", "ChIP"),
    _best("best_cage", ABSTRACT, "1D-Swin is the best model of gene expression (CAGE tracks).", "CAGE"),
    Claim(
        "enformer_best_cage",
        TABLE,
        "Enformer is the best model of CAGE tracks.",
        f"Its mean correlation on CAGE tracks is above that of every other model of the paper, and {_INTERVAL}",
        above(ENFORMER, [*CNNS, SWIN], "CAGE"),
    ),
    Claim(
        "advantage_dnase_chip",
        RESULTS,
        "The advantage of 1D-Swin is found in DNase and ChIP tracks above all.",
        "Its margin over the best other model is positive on DNase and on ChIP, and larger on either than on CAGE.",
        margin_larger_in(SWIN, OTHERS, ["DNase", "ChIP"], "CAGE"),
    ),
    Claim(
        "attention_beats_cnns",
        "Section 2, Table 1",
        "Models with attention predict better than CNNs.",
        f"On each of DNase, ChIP and CAGE, 1D-Swin and Enformer are above each CNN, and {_INTERVAL}",
        each_above_each([SWIN, ENFORMER], CNNS, GROUPS),
    ),
    Claim(
        "max_pooling_best_cnn",
        TABLE,
        "Of the CNNs the one with max-pooling is best over all tracks: attention pooling and dilation do not help.",
        f"Its mean correlation over all tracks is above that of the other two CNNs, and {_INTERVAL}",
        above(MAX_POOL, [ATT_POOL, DILATED], OVERALL),
    ),
    Claim(
        "dilation_helps_chip",
        TABLE,
        "Dilated convolutions improve the CNN with attention pooling on ChIP tracks only.",
        "With dilation the mean correlation is higher on ChIP and lower on DNase and on CAGE; the 95 % interval of "
        "each difference over the tracks, where they are known, excludes 0.",
        helps_only_on(DILATED, ATT_POOL, "ChIP", GROUPS),
    ),
    *map(_tracks, GROUPS),
    Claim(
        "profile_matches",
        "Section 4.1, Figure 3",
        "The prediction of 1D-Swin for a track of gene expression matches the measurement better than another model's.",
        "On the track of Figure 3 the correlation of 1D-Swin over the whole test set, not one segment, is above that "
        "of the other model of the figure.",
        follows_track(SWIN),
    ),
    Claim(
        "distance_grows",
        ATTENTION,
        "Higher layers relate positions that are farther apart.",
        "The mean distance in bp under the attention of a layer has a positive rank correlation with the number of the "
        "layer, p < 0.05. Tokens and windows that grow in bp from layer to layer bring this about by construction.",
        grows_with_layer("mean_distance_bp", "distance (bp)", 0),
    ),
    Claim(
        "off_diagonal_grows",
        "Figure 4a",
        "Higher layers have more attention off the diagonal.",
        "The mean distance in multiples of that of uniform attention in the same windows has a positive rank "
        "correlation with the number of the layer, p < 0.05: what is left when tokens and windows are accounted for.",
        grows_with_layer("ratio", "distance in multiples of uniform attention", 2),
    ),
    Claim(
        "lower_layers_local",
        ATTENTION,
        "Lower layers favour local attention.",
        "In every layer of the lower half the mean distance is below that of uniform attention in the same windows.",
        lower_layers_local(),
    ),
    Claim(
        "heads_differ",
        "Section 4.2, Figure 4b",
        "The heads of the highest layer capture different patterns.",
        "In the layer of Figure 4b the mean distance of the farthest head is at least 1.5 times that of the nearest.",
        heads_differ(1.5),
    ),
    Claim(
        "head_looks_back",
        "Section 4.2, Figure 4b",
        "One head looks back: its attention lies on earlier positions.",
        "In the layer of Figure 4b, on the segment shown, some head has at least 2/3 of its attention between "
        "different tokens on earlier ones.",
        looks_back(2 / 3),
    ),
    Claim(
        "head_long_range",
        "Section 4.2, Figure 4b",
        "One head seems to attend to distant positions.",
        "In the layer of Figure 4b some head has a mean distance of at least 1.25 times that of uniform attention.",
        some_head(1.25),
    ),
    Claim(
        "head_local",
        "Section 4.2, Figure 4b",
        "One head attends to the immediate neighbourhood.",
        "In the layer of Figure 4b some head has a mean distance of at most half of that of uniform attention.",
        some_head(0.5),
    ),
    Claim(
        "windows_differ",
        "Appendix C.1, Figure 6",
        "Windows of a layer share their weights, but their attention differs.",
        "In the layer of Figure 6, on the segment shown, at least 10 % of the attention of a position in one window "
        "lies elsewhere in another, mean over heads and pairs of windows.",
        windows_differ(0.1),
    ),
    Claim(
        "attention_is_regulation",
        ATTENTION,
        "The pattern reflects gene regulation: units such as enhancers interact at a distance.",
        "None: attention is not compared with known regulatory sites.",
        out_of_reach("no table of the study holds attention against known regulatory sites"),
    ),
    Claim(
        "models_above_ridge",
        CONTROL,
        "Every model is better than a ridge regression on the GC and CpG content of a bin.",
        f"The mean correlation of every model over all tracks is above that of the regression, and {_INTERVAL}",
        each_above_each([*OTHERS, SWIN], [RIDGE], [OVERALL]),
    ),
    Claim(
        "swin_above_ridge",
        CONTROL,
        "1D-Swin is better than that regression on every track group.",
        f"Its mean correlation on each of DNase, ChIP and CAGE is above that of the regression, and {_INTERVAL}",
        each_above_each([SWIN], [RIDGE], GROUPS),
    ),
    Claim(
        "mean_scores_nothing",
        CONTROL,
        "The mean of the training set, the same in every bin, scores nothing.",
        "Its correlation is undefined or at most 0.05 in size on every track.",
        constant_scores_nothing(MEAN),
    ),
]
