"""Fixtures of the tests of the hybrid networks."""

import pytest
from commands import run_command
from figure_inputs import pdf_text


@pytest.fixture
def draw(tmp_path):
    """Run the command of a figure; returns the text in it."""

    def run(name, *words, **settings) -> str:
        outputs = tmp_path / "f.pdf", tmp_path / "f.png"
        words = [*words, "--pdf", outputs[0], "--png", outputs[1]]
        run_command(f"hybrid-networks {name}", *words, folder=tmp_path, settings=settings or None)
        assert all(path.stat().st_size for path in outputs)
        return pdf_text(outputs[0])

    return run
