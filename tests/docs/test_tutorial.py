"""The tutorial, run word by word on the tiny run in place of the demonstration's."""

import subprocess
import sys

import pandas as pd
from copies import blocks


def test_the_tutorial_runs(tiny, tmp_path):
    code = "\n".join(block.text for block in blocks("docs/tutorial.md", "python"))
    for name in ("results", "resources"):
        if (tiny / name).exists():
            (tmp_path / name).symlink_to(tiny / name)
    code = code.replace("results/demo", "results/tiny")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    words = done.stdout
    assert "tracks; r = " in words
    assert "gradient_x_input bases with the highest scores" in words
    assert words.count("+0.0000") == 1, "the base itself is no change"
    assert (tmp_path / "hits.tsv").read_text().startswith("#")
    assert pd.read_csv(tmp_path / "hits.tsv", sep="\t", comment="#").columns[0]
