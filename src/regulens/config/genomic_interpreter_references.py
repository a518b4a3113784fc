"""What no single settings class can check: keys that refer to other keys, and models against their architectures."""

from collections import Counter
from typing import TYPE_CHECKING

from regulens.config.references import merged, wrong_keys
from regulens.errors import InputError
from regulens.reference_rows import REFERENCE_ROWS
from regulens.training.settings import TrainingSettings
from regulens.validation import nearest

if TYPE_CHECKING:
    from regulens.config.genomic_interpreter import GenomicInterpreter

STUDY = "genomic_interpreter"


def unfit_references(study: "GenomicInterpreter") -> list[str]:
    """One line for everything in a study that does not fit together: path, what was found, what would be right."""
    return [*_models(study), *_names(study), *(_figures(study) if study.figures.main_model in study.models else [])]


def _models(study: "GenomicInterpreter") -> list[str]:
    from regulens.models import architectures, model_settings  # PyTorch: only where the models are looked at

    known, problems = architectures(), []
    for name, entry in study.models.items():
        path = f"{STUDY}.models.{name}"
        training = merged(study.training.model_dump(), entry.training)
        problems += wrong_keys(TrainingSettings, training, f"{path}.training")
        if entry.architecture not in known:
            hint = nearest(entry.architecture, list(known))
            problems.append(f"{path}.architecture: unknown architecture; found '{entry.architecture}'; {hint}")
        elif wrong := wrong_keys(known[entry.architecture].Settings, entry.settings, f"{path}.settings"):
            problems += wrong
        else:
            try:
                model_settings(entry.architecture, entry.settings, study.data.geometry)
            except InputError as error:
                problems.append(f"{path}.settings: {error}")
    return problems


def _names(study: "GenomicInterpreter") -> list[str]:
    problems, names = [], list(study.models)
    for key, name in (("main_model", study.figures.main_model), ("figure3.other", study.figures.figure3.other)):
        if name not in names:
            problems.append(f"{STUDY}.figures.{key}: no such model; found '{name}'; {nearest(name, names)}")
    if len(names) < 2:
        problems.append(f"{STUDY}.models: Figures 2 and 3 compare models; found only {names[0]}: name another")
    for name in set(names) & set(REFERENCE_ROWS):
        problems.append(f"{STUDY}.models.{name}: a reference row of Table 1 has this name; choose another")
    labels = Counter([entry.label for entry in study.models.values()] + list(REFERENCE_ROWS.values()))
    problems += [f"{STUDY}.models: the label '{label}' is given twice" for label, n in labels.items() if n > 1]
    twice = [seed for seed, n in Counter(study.seeds).items() if n > 1]
    problems += [f"{STUDY}.seeds: {seed} is named twice" for seed in twice]
    return problems


def _figures(study: "GenomicInterpreter") -> list[str]:
    """Layers that the attention figures name against those of the main model."""
    from regulens.models import architectures, model_settings

    entry = study.models[study.figures.main_model]
    try:
        settings = model_settings(entry.architecture, entry.settings, study.data.geometry)
    except InputError:
        return []  # said already
    layers = architectures()[entry.architecture].attention_layers(settings, study.data.geometry)
    if not layers:
        return [f"{STUDY}.figures.main_model: {study.figures.main_model} has no attention to draw; name another model"]
    wanted = study.figures.attention
    return [
        f"{STUDY}.figures.attention.{key}: found {value}; {study.figures.main_model} has layers 1 to {layers}"
        for key in ("heads_layer", "windows_layer", "zoom_layer")
        if (value := getattr(wanted, key)) > layers
    ]
