"""The conda environments and the container have the versions of requirements.lock, and all that the code imports."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from regulens.core.code import code_modules

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/regulens"
ENVIRONMENTS = ["regulens", "meme"]
DISTRIBUTIONS = importlib.metadata.packages_distributions()


def locked() -> dict[str, str]:
    """Version of every distribution in requirements.lock."""
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def pinned(name: str) -> dict[str, str]:
    """Version of every distribution that an environment installs with pip; fails for one without."""
    environment = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())
    (section,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in section}


def with_dependencies(names: set[str]) -> set[str]:
    """These distributions and all that comes with them here."""
    found, waiting = set(), set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            requirement = Requirement(line)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                waiting.add(canonicalize_name(requirement.name))
        waiting -= found
    return found


def third_party(files: list[Path]) -> dict[str, str]:
    """Distribution of every module that is imported anywhere in these files: the distribution, and one file."""
    found = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"regulens"}:
                found[canonicalize_name(DISTRIBUTIONS[name][0])] = str(file.relative_to(ROOT))
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_have_the_locked_versions(name):
    known = locked()
    assert {package: version for package, version in pinned(name).items() if known[package] != version} == {}


def test_the_environment_has_all_that_the_package_imports():
    missing = {k: file for k, file in third_party(sorted(SOURCE.rglob("*.py"))).items() if k not in pinned("regulens")}
    assert missing == {}, "add them to envs/regulens.yaml, with the version of requirements.lock"


def test_the_environment_has_what_the_package_declares():
    project = (ROOT / "pyproject.toml").read_text()
    declared = re.search(r"^dependencies = \[(.*?)^\]", project, re.M | re.S)[1]
    names = {canonicalize_name(Requirement(text).name) for text in re.findall(r'"(.+)"', declared)}
    assert names <= set(pinned("regulens"))
    assert names <= set(locked())


def test_the_environment_of_tomtom_has_what_its_commands_import():
    """Its rules run `tomtom`, and before that the command line loads its own modules."""
    there = with_dependencies(set(pinned("meme")))
    # One function of the sequences is PyTorch's, and not called here.
    modules = code_modules(["motifs.tomtom", "core.io"]) - {"core.sequence"}
    files = [SOURCE / f"{module.replace('.', '/')}.py" for module in modules]
    needed = third_party([file for file in files if file.exists()])
    look = "import sys, regulens.cli.signature; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    needed |= {canonicalize_name(DISTRIBUTIONS[name][0]): "regulens.cli" for name in loaded if name in DISTRIBUTIONS}
    assert {k: file for k, file in needed.items() if k not in there | {"regulens"}} == {}


def test_both_scripts_are_one():
    """Snakemake looks for a script beside each environment file."""
    texts = [(ROOT / f"envs/{name}.post-deploy.sh").read_text().replace(f"{name}.yaml", "") for name in ENVIRONMENTS]
    assert texts[0] == texts[1]


def deploy(tmp_path: Path, project: str | None) -> subprocess.CompletedProcess:
    """Run the script as Snakemake does, in an environment whose Python writes down how it was called."""
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "CONDA_PREFIX": str(tmp_path)}
    if project:
        environment["REGULENS_PROJECT"] = project
    command = ["bash", str(ROOT / "envs/regulens.post-deploy.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_script_links_the_project(tmp_path):
    done = deploy(tmp_path, str(ROOT))
    assert done.returncode == 0, done.stderr
    called = (tmp_path / "called").read_text().split()
    assert called[:3] == ["-m", "pip", "install"]
    assert called[-2:] == ["--editable", str(ROOT)]
    assert {"--no-deps", "--no-index"} <= set(called)


@pytest.mark.parametrize(("project", "words"), [(None, "--sdm conda"), ("/nowhere", "pip install --editable")])
def test_the_script_says_what_is_wrong(tmp_path, project, words):
    done = deploy(tmp_path, project)
    assert done.returncode != 0
    assert words in done.stderr
    assert not (tmp_path / "called").exists()


def test_the_container_installs_the_lock_and_nothing_else():
    text = (ROOT / "Containerfile").read_text()
    installs = re.findall(r"pip install (.*?)(?: \\)?$", text, re.M)
    assert installs == [
        "--requirement requirements.lock",
        "--no-index --no-deps --no-build-isolation --editable .",
    ]
    copied = [word for line in re.findall(r"^COPY (.+)$", text, re.M) for word in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"src", "workflow", "config", "Snakefile", "pyproject.toml"} <= set(copied)
    assert int(re.search(r"^USER (\d+)", text, re.M)[1]) > 0
    assert text.index("USER") < text.index("ENTRYPOINT") < text.index("CMD")
    wanted = {re.search(r"python:(\d+\.\d+)", text)[1]}
    wanted |= {re.search(r"python =(\S+)", (ROOT / f"envs/{name}.yaml").read_text())[1] for name in ENVIRONMENTS}
    assert wanted == {"3.11"}
