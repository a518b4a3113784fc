"""Summary of what was run, in a few lines per study, from its configuration and tables."""

from pathlib import Path

from regulens.interpret.attribution import ATTRIBUTIONS
from regulens.motifs.tomtom import read_comparisons
from regulens.report.items import Entry

PARTS = {
    "enhancers": "enhancers",
    "sites": "bound sites",
    "boundaries": "boundaries of domains",
    "variants": "variants",
    "ablations": "ablations",
}
"""Parts of the fourth study that a configuration may leave out, in words."""


def facts_of(study: str, configured: dict, entries: list[Entry]) -> list[tuple[str, str]]:
    """Pairs of a term and its value in this run."""
    of_study = {
        "genomic_interpreter": _genomic_interpreter,
        "dnabert_lrp": _dnabert_lrp,
        "hybrid_networks": _hybrid_networks,
        "sequence_to_function": _sequence_to_function,
    }[study]
    facts = [("Data", configured["data_note"]), *of_study(configured)]
    return facts + [("Motif comparison", sentence) for sentence in comparisons(entries)]


def comparisons(entries: list[Entry]) -> list[str]:
    """Sentences on how motifs were compared (engine, distance, q-values), one per method."""
    files = [path for entry in entries for path in entry.files if path.name.endswith(".facts.json") and path.is_file()]
    found = [one for path in files for one in read_comparisons(path)]
    return list(dict.fromkeys(f"{one.what} compared with Tomtom by {one}." for one in found))


def _genomic_interpreter(study: dict) -> list[tuple[str, str]]:
    geometry = study["data"]["geometry"]
    models = [model["label"] for model in study["models"].values()]
    epochs = sorted(
        {model["training"].get("max_epochs") or study["training"]["max_epochs"] for model in study["models"].values()}
    )
    return [
        ("Input", f"{geometry['input_bp']:,} bp, {geometry['bins']} bins of {geometry['bin_bp']} bp"),
        ("Models", _list(models)),
        ("Training", f"at most {_list(epochs, 'or')} epochs, {study['training']['effective_batch']} examples a step"),
        _seeds(study["seeds"]),
    ]


def _dnabert_lrp(study: dict) -> list[tuple[str, str]]:
    tasks = study["tasks"].values()
    lengths = sorted({task["data"]["length_bp"] for task in tasks})
    sizes, mutagenesis = study["model"]["settings"], study["mutagenesis"]
    weights = study["model"]["weights"]
    begun = f"from {Path(weights).parent.name or weights}" if weights else "from scratch"
    if study["pretraining"]:
        begun = f"pre-trained here for {_number(study['pretraining']['training']['max_epochs'], 'epoch')}"
    return [
        ("Tasks", f"{_list([task['label'] for task in tasks])}, sequences of {_list(lengths, 'or')} bp"),
        (
            "Model",
            f"BERT on {sizes['k']}-mers, {_number(sizes['layers'], 'layer')} of {sizes['hidden']} units and "
            f"{_number(sizes['heads'], 'head')}, {begun}",
        ),
        ("Fine-tuning", f"at most {_number(study['fine_tuning']['max_epochs'], 'epoch')}"),
        (
            "Mutagenesis",
            f"{mutagenesis['sequences_per_class']} test sequences of each class, {_list(mutagenesis['mutations'])} "
            f"mutated bases, {mutagenesis['repeats']} draws of the new bases",
        ),
        _seeds(study["seeds"]),
    ]


def _hybrid_networks(study: dict) -> list[tuple[str, str]]:
    networks = [network["label"] for network in study["architectures"].values()]
    facts = [
        ("Networks", f"{_list(networks)}; first layer {_list(study['activations'], 'or')}"),
        ("Training", f"at most {_number(study['training']['epochs'], 'epoch')}, {study['training']['batch']} a step"),
    ]
    for name in ("task1", "task2"):
        task, by = study[name], study[name]["selection"]
        sequences = f"{task['data']['sequences']:,} simulated sequences"
        trials = f"{_number(task['trials'], 'trial')} of each network"
        kept = f"{task['keep']} kept by {by['metric'].upper()} on the {by['split']} set"
        facts.append((task["label"], f"{sequences}; {trials}, {kept}"))
    return [*facts, ("Seed", str(study["seed"]))]


def _sequence_to_function(study: dict) -> list[tuple[str, str]]:
    attribution, left_out = study["attribution"], [words for name, words in PARTS.items() if not study.get(name)]
    return [
        ("Models", f"{_list(study['models'])}, trained for Genomic Interpreter"),
        ("Read-outs", f"one track over {_number(attribution['bins'], 'bin')} at a transcription start site"),
        ("Scores", _list([ATTRIBUTIONS[name].label for name in attribution["scores"]])),
        *([("Not run", f"{_list(left_out)}: not in this configuration")] if left_out else []),
    ]


def _seeds(seeds: list[int]) -> tuple[str, str]:
    return ("Seed" if len(seeds) == 1 else "Seeds", _list(seeds))


def _number(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


def _list(words: list, last: str = "and") -> str:
    words = [str(word) for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
