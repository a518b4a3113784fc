"""What the documents say exists and is valid: configuration snippets, files, links, commands and their options."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from copies import ROOT, blocks, merged

from regulens.cli import app
from regulens.config import STUDIES, Config, validate

DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config/README.md", ROOT / "results/README.md"]
)
DEMO = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
SNIPPETS = [
    pytest.param(document, block.text, id=f"{document}-{number}")
    for document in DOCUMENTS
    for number, block in enumerate(blocks(document, "yaml"))
]
MADE_BY_A_READER = ("data/", "my_", "own.yaml", "your.yaml", "report.csv", "../regulens")


def lines_of(document: str) -> list[str]:
    """Command lines of a document's bash blocks, without comments."""
    text = "".join(block.text for block in blocks(document, "bash"))
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


COMMANDS = [(document, line) for document in DOCUMENTS for line in lines_of(document)]


@pytest.mark.parametrize(("document", "text"), SNIPPETS)
def test_configuration_snippets_are_valid(document, text):
    """A whole configuration by itself; a part on top of the demonstration, without the reader's own code."""
    snippet = yaml.safe_load(text)
    if document == "docs/add-a-model.md":
        del snippet["genomic_interpreter"]["models"]["strided_cnn"]["settings"]
        snippet["genomic_interpreter"]["models"]["strided_cnn"]["architecture"] = "maxpool_cnn"
    if document == "docs/add-a-score.md":
        snippet["dnabert_lrp"]["relevance"]["scores"].remove("attention_gradient")
    values = snippet if "run" in snippet else merged(DEMO, snippet)
    config = validate(values)
    assert isinstance(config, Config)
    assert set(snippet) - {"run", "sources", "download"} <= set(STUDIES)


def test_there_are_snippets():
    assert len(SNIPPETS) >= 5
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", (ROOT / document).read_text())
    here = (ROOT / document).parent
    assert [target for target in targets if "://" not in target and not (here / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_are_there(document):
    """Paths of this repository in backticks; what a run makes is no part of it."""
    folders = "src|workflow|config|docs|envs|profiles|tests|benchmarks"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]+)`", text_of(document)))
    made = {"src/regulens/models/strided_cnn.py", "config/sources.lock"}
    assert [name for name in sorted(named - made) if not (ROOT / name).exists()] == []


def text_of(document: str) -> str:
    text = (ROOT / document).read_text()
    # The table of keys names files of the data, which only a download brings.
    return re.sub(r"<!-- generated: keys -->.*<!-- end", "", text, flags=re.S)


@pytest.mark.parametrize(("document", "line"), [pair for pair in COMMANDS if pair[1].startswith("regulens ")])
def test_commands_of_regulens_have_their_options(document, line):
    words = shlex.split(line, comments=True)
    command, context = app, click.Context(app)
    for name in words[1:]:
        if not isinstance(command, click.Group):
            break
        assert name in command.list_commands(context), f"{document}: {line}"
        command = command.get_command(context, name)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, f"{document}: {line}"


@pytest.mark.parametrize(("document", "line"), [pair for pair in COMMANDS if re.match(r"(snakemake|make) ", pair[1])])
def test_commands_of_snakemake_and_make_name_what_is_there(document, line):
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        rules = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.M)
        targets = {name for rule in rules for name in rule.split()}
        assert {word for word in words[1:] if "=" not in word} <= targets
        return
    for flag in ("--profile", "--configfile"):
        if flag in words:
            value = words[words.index(flag) + 1]
            assert value.startswith(MADE_BY_A_READER) or (ROOT / value).exists(), f"{document}: {line}"
    # `--configfile` takes all words behind it: a target there would be read as a configuration.
    behind = words[words.index("--configfile") + 2 :] if "--configfile" in words else []
    assert not behind or behind[0].startswith("-"), f"{document}: {line}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_rules_exist(document):
    rules = set()
    for path in Path(ROOT / "workflow").rglob("*"):
        if path.suffix == ".smk" or path.name == "Snakefile":
            rules |= set(re.findall(r"^\s*(?:rule|use rule \w+ as) (\w+)", path.read_text(), re.M))
    named = set(re.findall(r"rules\.regulens_(\w+)", (ROOT / document).read_text()))
    assert named <= rules
