"""What no single settings class of the hybrid network study can check: keys that refer to other keys."""

from collections import Counter
from typing import TYPE_CHECKING

from regulens.config.references import merged, wrong_keys
from regulens.hybrid_settings import HybridNetworkSettings, HybridSizes
from regulens.training.trials.settings import TrialTraining
from regulens.validation import nearest

if TYPE_CHECKING:
    from regulens.config.hybrid_networks import HybridNetworks

STUDY = "hybrid_networks"


def unfit_references(study: "HybridNetworks") -> list[str]:
    """One line for everything in a study that does not fit together: path, what was found, what would be right."""
    problems = [
        f"{STUDY}.activations: '{name}' is named twice" for name, n in Counter(study.activations).items() if n > 1
    ]
    labels = Counter(design.label for design in study.architectures.values())
    problems += [f"{STUDY}.architectures: the label '{label}' is given twice" for label, n in labels.items() if n > 1]
    problems += _truth(study)
    for name in ("task1", "task2"):
        problems += _task(study, name)
    return problems


def _truth(study: "HybridNetworks") -> list[str]:
    """A motif that is planted and not looked for, or the reverse, makes wrong rates."""
    path, planted, truth = f"{STUDY}.filters.truth", study.task1.data.motifs, study.filters.truth
    problems = [
        f"{path}: {name} is not planted in {STUDY}.task1.data.motifs: remove it here, or plant it"
        for name in truth
        if name not in planted
    ]
    for name, matrix in planted.items():
        if matrix not in truth.get(name, []):
            problems.append(f"{path}: {name}: {matrix}, which {STUDY}.task1.data.motifs plants, is missing: add it")
    return problems


def _task(study: "HybridNetworks", name: str) -> list[str]:
    task, path, known = study.task(name), f"{STUDY}.{name}", list(study.architectures)
    problems = wrong_keys(TrialTraining, merged(study.training.model_dump(), task.training), f"{path}.training")
    if task.keep > task.trials:
        problems.append(f"{path}.keep: found {task.keep}; there are {task.trials} trials: keep at most as many")
    for key in ("sizes_of", "checkpoints"):
        for architecture in getattr(task, key):
            if architecture not in known:
                problems.append(
                    f"{path}.{key}: no such architecture; found '{architecture}'; {nearest(architecture, known)}"
                )
    for architecture, files in task.checkpoints.items():
        for activation in files:
            if activation not in study.activations:
                problems.append(
                    f"{path}.checkpoints.{architecture}: '{activation}' is not among {STUDY}.activations: "
                    "add it there or remove the file here"
                )
    for architecture, design in study.architectures.items():
        sizes = merged(task.sizes.model_dump(), task.sizes_of.get(architecture, {}))
        wrong = wrong_keys(HybridSizes, sizes, f"{path}.sizes_of.{architecture}")
        if not wrong:
            network = {
                "baseline": design.baseline,
                "modules": design.modules,
                "activation": study.activations[0],
                "sizes": sizes,
                "input_bp": task.data.length_bp,
                "classes": task.classes,
            }
            wrong = wrong_keys(HybridNetworkSettings, network, f"{path}, architecture {architecture}")
        problems += wrong
    return problems
