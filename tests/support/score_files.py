"""Score files of made-up scores, for tests of what reads them."""

from pathlib import Path

import numpy as np

from regulens.interpret.score_file import write_score_file


def write_scores(path: Path, labels: np.ndarray, codes: np.ndarray, scores: dict, predicted=None, k: int = 6) -> Path:
    """A score file with ids ``s0``, ``s1`` ...; every sequence is predicted right unless ``predicted`` is given."""
    attributes = {"task": "toy", "seed": 3, "rules": "ours", "target": "predicted", "k": k, "model": "tiny"}
    ids = [f"s{row}" for row in range(len(labels))]
    with write_score_file(path, ids, labels, codes, list(scores), **attributes) as writer:
        writer.append(np.eye(2)[np.asarray(labels if predicted is None else predicted)], scores)
    return path
