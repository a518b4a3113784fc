"""regulens: interpretable deep learning for regulatory genomics, three papers as one workflow.

Functions for notebooks, each imported on first use; their docstrings give shapes, units and errors:

* `crop`: training examples from a genome, windows and bigWig files, in a store.
* `crop_tfrecord`: the same from a file of a Basenji data set.
* `open_store`: examples of a store by number: codes, targets, locations.
* `train`: an assay model from two stores, as ``model.ckpt``.
* `predict`: predictions of such a model for a store.
* `pearson_table`: correlation of each track with the truth.
* `load_model`: an assay model, ready to be called with one-hot sequences.
* `one_hot`: sequences as such a model takes them, from codes.
* `attribute`: which bases a prediction of such a model depends on, by each score.
* `attention_distance`: how far each layer and head of an assay model looks, in bp.
* `load_classifier`: a fine-tuned BERT on k-mers, and the content of its file.
* `relevance`: relevance of every base to such a classifier, by each score.
* `mutagenesis`: which mutants of the most relevant bases a classifier still recognises.
* `find_motifs`: motifs of positive sequences from the relevance of their bases.
* `load_trials`: the trained trials of a hybrid network.
* `saliency`: gradient x input of every base, by every trial.
* `align_filters`: motifs of first-layer filters from the sequences that activate them.
* `tomtom`: comparison of two MEME files of motifs.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "crop": "data.crop.crop_bigwig",
    "crop_tfrecord": "data.crop.crop_tfrecord",
    "open_store": "data.store.AssayStore",
    "train": "training.assay.train_assay",
    "predict": "training.evaluate.predict",
    "pearson_table": "training.evaluate.pearson_table",
    "load_model": "training.checkpoint.load_model",
    "one_hot": "core.sequence.one_hot",
    "attribute": "interpret.attribution.attribute_bases",
    "attention_distance": "interpret.attention.attention_distance",
    "load_classifier": "models.bert.load_classifier",
    "relevance": "interpret.score_file.score_batch",
    "mutagenesis": "interpret.mutagenesis.mutagenesis",
    "find_motifs": "motifs.discover.find_motifs",
    "load_trials": "training.trials.load_trials",
    "saliency": "interpret.saliency.saliency",
    "align_filters": "motifs.filters.align",
    "tomtom": "motifs.tomtom.compare",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, function = _PUBLIC[name].rpartition(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
