"""A copy of the project that a test may change, with the smallest configuration in the place of the demonstration's."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from warm import WARM

ROOT = Path(__file__).parents[2]
PARTS = ("src", "workflow", "config", "docs", "envs", "profiles", "Snakefile", "pyproject.toml", "tests/config")
LEFT_OUT = ("__pycache__", "*.egg-info", "*.png")


def copy_project(folder: Path) -> Path:
    """What a run of the workflow needs of the project, without its results."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            shutil.copy(source, target)
    return folder


def tiny_values() -> dict:
    """The tiny configuration, under the name of the demonstration."""
    return yaml.safe_load((ROOT / "tests/config/tiny.yaml").read_text()) | {"run": "demo"}


def tiny_assay() -> dict:
    """The first study alone: two models, one seed, one epoch."""
    values = tiny_values()
    study = values["genomic_interpreter"]
    study["models"] = {name: study["models"][name] for name in ("maxpool_cnn", "enformer")}
    study["models"]["enformer"]["settings"]["transformer"] = {"depth": 1, "heads": 2, "key_dim": 8}
    study["data"]["shards"] = {"train": 1, "valid": 1, "test": 1}
    study["training"]["max_epochs"], study["seeds"] = 1, [1]
    study["figures"] = {
        "main_model": "enformer",
        "figure3": {"track": "CAGE.erythroid.plus", "other": "maxpool_cnn"},
        "attention": {"heads_layer": 1, "windows_layer": 1, "zoom_layer": 1},
    }
    return {key: values[key] for key in ("run", "download", "sources", "genomic_interpreter")}


def tiny_relevance() -> dict:
    """The second study alone: one simulated task, nothing pre-trained, no motifs."""
    values = tiny_values()
    study = values["dnabert_lrp"]
    del study["tasks"]["enhancers"], study["pretraining"]
    study["motifs"] = {"tasks": []}
    study["mutagenesis"] = {"sequences_per_class": 20, "mutations": [1, 5], "repeats": 2, "bootstrap": 20}
    return {key: values[key] for key in ("run", "download", "sources", "dnabert_lrp")}


def write_configuration(path: Path, values: dict) -> None:
    """Write a configuration as YAML."""
    path.write_text(yaml.safe_dump(values, sort_keys=False))


def merged(values: dict, changes: dict) -> dict:
    """Values with those of `changes` on top, map by map: what a reader does who writes a snippet into a file."""
    result = dict(values)
    for key, value in changes.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def run_in(folder: Path, project: Path, command: str) -> subprocess.CompletedProcess:
    """Run a command line in a folder with the code of a copy; fails with its output."""
    environment = os.environ | {"PATH": WARM.path(), "PYTHONPATH": str(project / "src")}
    environment.pop("REGULENS_MIRROR", None)
    shell = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return done


def uses_code_of(project: Path) -> bool:
    """Whether `run_in` runs the code of the copy and not that of the installation."""
    command = shlex.join([sys.executable, "-c", "import regulens; print(regulens.__file__)"])
    return Path(run_in(project, project, command).stdout.strip()) == project / "src/regulens/__init__.py"


def finished_rules(done: subprocess.CompletedProcess) -> list[str]:
    """Rule of every job that a run of Snakemake finished, without their module's prefix."""
    finished = re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", done.stdout + done.stderr, flags=re.M)
    return [name.removeprefix("regulens_") for name in finished]


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    language: str
    text: str
    file: str | None
    """Path that the line before the block names, where that line ends in a colon."""
    append: bool
    """That line starts with "Append"."""


def blocks(document: str, language: str | None = None) -> list[Block]:
    """Fenced blocks of a document of docs/ or the root, in order; of one language only, where it is given."""
    text = (ROOT / document).read_text()
    found = []
    for match in re.finditer(r"(?:^(?P<before>.+)\n\n)?^```(?P<language>\w*)\n(?P<text>(?:.*\n)*?)^```$", text, re.M):
        before = match["before"] or ""
        named = re.search(r"`([\w./-]+\.\w+)`:$", before)
        append = bool(named) and before.startswith("Append")
        found.append(Block(match["language"], match["text"], named[1] if named else None, append))
    return [block for block in found if language in (None, block.language)]


def follow(document: str, project: Path, configuration: Path) -> None:
    """Do in a copy what a how-to says: write or append to its files, set its keys in the configuration."""
    values = yaml.safe_load(configuration.read_text())
    for block in blocks(document):
        if block.file:
            path = project / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((path.read_text().rstrip("\n") + "\n\n\n" if block.append else "") + block.text)
        elif block.language == "yaml":
            values = merged(values, yaml.safe_load(block.text))
    write_configuration(configuration, values)
