"""What the paper on DNABERT and LRP (002) says of its results, in our words, each with a criterion stated for it.

Its "TATA" is the positive class of the promoters, its "non-TATA" the negative one (SPEC S21). Where a word such as
"roughly" needs a threshold, it is chosen here, said in the criterion, and applied to the paper's own numbers wherever
they suffice.
"""

from regulens.figures.claims import Claim
from regulens.figures.lrp_claim_rules import (
    above_random_sequences,
    drops_on_random,
    lrp_below_attention,
    lrp_closer_to_random,
    lrp_surely_below_attention,
    positive_drops_more,
    random_is_negative,
    reaches,
)
from regulens.figures.lrp_controls_list import CONTROLS
from regulens.figures.lrp_evidence import ENHANCERS, NEGATIVE, POSITIVE, PROMOTERS
from regulens.figures.lrp_other_rules import (
    balanced,
    classes_differ,
    motifs_found,
    share_of_test,
    top_class,
)
from regulens.figures.lrp_score_rules import (
    attention_not_below_random,
    attention_unreliable,
    beat_random,
    lowest_are,
    no_other_beats_random,
    some_lowest,
)
from regulens.interpret.score_names import score_label

DATA, ACCURACY, TABLE, MUTAGENESIS = "Section 3", "Section 5.1", "Section 5.1, Table 1", "Section 5.2, Table 1"
FIGURE, MOTIFS = "Section 5.2, Figure 1", "Section 5.3"
NAMES = {
    (PROMOTERS, POSITIVE): "promoters (the paper's TATA)",
    (PROMOTERS, NEGATIVE): "non-promoters (the paper's non-TATA)",
    (ENHANCERS, POSITIVE): "enhancers",
    (ENHANCERS, NEGATIVE): "non-enhancers",
}
TOP_CLASSES = {
    "attention": "Other C4 zinc finger-type factors",
    "lrp_last": "C2H2 zinc finger factors",
    "lrp": "Homeo domain factors",
}
_SINGLE = {PROMOTERS: "promoter", ENHANCERS: "enhancer"}


def _accuracy(task: str, value: float) -> Claim:
    sentence = f"The fine-tuned model classifies {value:.0%} of the {_SINGLE[task]} task's test set correctly."
    criterion = (
        f"Its test accuracy, or the upper limit of the 95 % interval where there is one, is {value:.2f} or more "
    )
    criterion += "after rounding to two digits."
    return Claim(f"{task}_accuracy", ACCURACY, sentence.replace("%", " %"), criterion, reaches(task, value))


def _learned(task: str) -> list[Claim]:
    one, more = _SINGLE[task], NAMES[task, POSITIVE]
    return [
        Claim(
            f"{task}_drop_on_random",
            TABLE,
            f"The {one} model loses much accuracy on random sequences labelled {more}: it has learned the class.",
            "Accuracy of the positive class on its test sequences less that on random ones: the 95 % interval of the "
            "difference is above 0.",
            drops_on_random(task),
        ),
        Claim(
            f"{task}_positive_learned_better",
            TABLE,
            f"The {one} model has learned {more} better than {NAMES[task, NEGATIVE]}.",
            "The accuracy that random sequences cost is larger in the positive than in the negative class: the 95 % "
            "interval of the difference is above 0.",
            positive_drops_more(task),
        ),
    ]


def _below_attention(task: str, name: str) -> Claim:
    sentence = (
        f"Mutating what LRP or LRP_last names costs more accuracy than what attention names: {NAMES[task, name]}."
    )
    criterion = "Accuracy at n = 20 after mutation by LRP*, the better of LRP and LRP_last, is below that by attention."
    return Claim(
        f"{task}_{name}_lrp_below_attention", MUTAGENESIS, sentence, criterion, lrp_below_attention(task, name)
    )


def _lowest(name: str, task: str, sentence: str, scores: tuple[str, ...], where: str = FIGURE) -> Claim:
    labels = ", ".join(map(score_label, scores))
    criterion = f"Of the paper's six scores {labels} {'has' if len(scores) == 1 else 'have'} the lowest accuracy at "
    criterion += f"n = 20, {NAMES[task, POSITIVE]}."
    return Claim(name, where, sentence, criterion, lowest_are(task, *scores))


def _top_class(score: str, tf_class: str) -> Claim:
    label = score_label(score).replace("Attention", "attention")
    sentence = f"In promoters the top motif found by {label} matches {tf_class}."
    criterion = "The motif with the lowest q-value matches a factor of this class; of a dimer either partner counts."
    return Claim(f"{score}_top_motif", MOTIFS, sentence, criterion, top_class(PROMOTERS, score, tf_class))


CLAIMS = [
    Claim(
        "test_share",
        DATA,
        "About 30 % of all sequences are test sequences.",
        "In every task whose data come with a test set, 25 to 35 % of the sequences kept are in it.",
        share_of_test(0.25, 0.35),
    ),
    Claim(
        "balanced",
        DATA,
        "The test sets are relatively balanced.",
        "In every task whose data come with a test set, 40 to 60 % of its sequences are positive.",
        balanced(0.4, 0.6),
    ),
    _accuracy(PROMOTERS, 0.93),
    _accuracy(ENHANCERS, 0.86),
    *_learned(PROMOTERS),
    *_learned(ENHANCERS),
    Claim(
        "only_positive_learned",
        ACCURACY,
        "The models learn the positive class only: what has no pattern is negative.",
        "In every task the accuracy on random sequences is below 0.5 where they count as positive and above 0.5 where "
        "they count as negative, and so are the 95 % intervals.",
        random_is_negative(),
    ),
    *(_below_attention(task, name) for task, name in NAMES),
    Claim(
        "lrp_surely_below_attention",
        MUTAGENESIS,
        "LRP and LRP_last outperform attention in all cases.",
        "In every class the accuracy by LRP* is below that by attention at n = 20, and the 95 % interval of the "
        "difference, from the same sequences, excludes 0. LRP* is chosen on these sequences, which favours it.",
        lrp_surely_below_attention(),
    ),
    Claim(
        "lrp_closer_to_random",
        MUTAGENESIS,
        "In all cases LRP or LRP_last bring the model closer to its accuracy on random sequences than attention does.",
        "In every class the accuracy at n = 20 by LRP* differs less from that on random sequences than the accuracy by "
        "attention.",
        lrp_closer_to_random(),
    ),
    Claim(
        "lrp_best_score",
        "Abstract; Section 5.2",
        "LRP and LRP_last outperform all other scores at 20 mutations.",
        "In the positive class of every task LRP or LRP_last has the lowest accuracy of the paper's six scores at "
        "n = 20, and no other score the same.",
        some_lowest(["lrp", "lrp_last"]),
    ),
    _lowest("promoters_lrp_best", PROMOTERS, "In promoters LRP costs the most accuracy.", ("lrp",)),
    _lowest(
        "promoters_next_best",
        PROMOTERS,
        "In promoters GradCAM and LRP_last come next after LRP.",
        ("lrp", "gradcam", "lrp_last"),
        "Figure 1, caption",
    ),
    _lowest("enhancers_lrp_last_best", ENHANCERS, "In enhancers LRP_last costs the most accuracy.", ("lrp_last",)),
    _lowest(
        "enhancers_next_best",
        ENHANCERS,
        "In enhancers LRP and attention are just behind LRP_last.",
        ("lrp_last", "lrp", "attention"),
    ),
    Claim(
        "promoters_lrp_above_random",
        FIGURE,
        "In promoters LRP is outside of the 95 % interval of random mutations throughout.",
        "At every n the accuracy by LRP is below that by random positions, and the 95 % interval of the difference, "
        "from the same sequences, excludes 0.",
        beat_random(PROMOTERS, "lrp"),
    ),
    Claim(
        "promoters_no_other_above_random",
        FIGURE,
        "In promoters no other score is outside of that interval throughout.",
        "For each of the paper's five other scores, at one n at least, the 95 % interval of that difference reaches 0.",
        no_other_beats_random(PROMOTERS, "lrp"),
    ),
    Claim(
        "promoters_attention_random",
        "Figure 1, caption",
        "In promoters attention is no better than random positions.",
        "The 95 % interval of the difference in accuracy at n = 20, attention less random positions, is not below 0.",
        attention_not_below_random(PROMOTERS),
    ),
    Claim(
        "attention_unreliable",
        "Abstract",
        "Attention cannot reliably outperform random positions.",
        "In the positive class of some task, at some n, the 95 % interval of the difference in accuracy, attention "
        "less random positions, is not below 0.",
        attention_unreliable(),
    ),
    Claim(
        "enhancers_above_random",
        "Figure 1, caption",
        "In enhancers LRP_last, LRP and attention capture what the model uses.",
        "At every n each of the three is below random positions, and the 95 % interval of the difference excludes 0.",
        beat_random(ENHANCERS, "lrp_last", "lrp", "attention"),
    ),
    *(_top_class(score, name) for score, name in TOP_CLASSES.items()),
    Claim(
        "top_motifs_differ",
        MOTIFS,
        "The three scores name different motifs.",
        "In promoters their top motifs match factors of three different classes.",
        classes_differ(PROMOTERS, list(TOP_CLASSES)),
    ),
    Claim(
        "motifs_found",
        MOTIFS,
        "Regions with high scores yield known motifs.",
        "In promoters each of the three scores has a motif that matches a factor of JASPAR at the configured q-value.",
        motifs_found(PROMOTERS, list(TOP_CLASSES)),
    ),
    Claim(
        "not_converged",
        "Conclusion",
        "20 mutations do not bring the accuracy down to that on random sequences: information is distributed.",
        "In every class the accuracy at n = 20 by LRP* is above that on random sequences, and the 95 % interval of the "
        "difference excludes 0.",
        above_random_sequences(),
    ),
    *CONTROLS,
]
