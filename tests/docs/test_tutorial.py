"""The tutorial, run word by word on the tiny run in place of the demonstration's."""

import re
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
    assert len(re.findall(r"^[ACGT] at \d+: ", words, flags=re.M)) == 4
    assert "+0.0000" in words, "the base itself is no change"
    assert (tmp_path / "hits.tsv").read_text().startswith("#")
    assert pd.read_csv(tmp_path / "hits.tsv", sep="\t", comment="#").columns[0]
