"""What holds for every command, and what the command line says of wrong words."""

import errno
import inspect
import os
import re
import subprocess
import sys

import click
import pytest
import yaml
from click.testing import CliRunner

from regulens.cli import GROUPS, app, commands, load, main
from regulens.cli.signature import click_command, described
from regulens.core.command import settings_of
from regulens.core.errors import InputError
from regulens.core.settings import part_of

NAMES = list(commands())
LIGHT = [
    name
    for name in NAMES
    if re.search("figure|table|claims|curves|plot|results|download|unpack|link-shards|tomtom", name)
]
LIGHT.remove("mutagenesis-tables")
LIGHT.remove("hybrid-networks figure1")  # counts the parameters of the networks
"""Commands that need no PyTorch."""


def test_the_sources_have_been_read():
    assert len(NAMES) > 20
    assert {name.split()[0] for name in NAMES if " " in name} <= set(GROUPS)
    assert all(place.function == load(name).__name__ for name, place in commands().items())


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_and_its_options_are_the_parameters(name):
    function = load(name)
    built = click_command(function)
    assert function.command.name == name
    summary, _, meanings = described(function)
    assert re.fullmatch(r"[A-Z].{10,110}\.", summary), "first line of the docstring: one sentence"
    parameters = inspect.signature(function).parameters
    assert set(meanings) <= set(parameters), "the docstring describes arguments that are not there"
    options = {each.name: each for each in built.params}
    added = {"config", "part"} if settings_of(function) else set()
    added |= {"threads"} if function.command.threads else set()
    only_python = {key for key in parameters if key not in options and key not in settings_of(function)}
    assert set(options) - added == set(parameters) - set(settings_of(function)) - only_python
    assert all(parameters[key].default is not inspect.Parameter.empty for key in only_python)
    for key, option in options.items():
        if isinstance(option, click.Option):
            assert option.opts == [f"--{key.replace('_', '-')}"]
            assert option.type is not click.UNPROCESSED
    shown = CliRunner().invoke(app, [*name.split(), "--help"])
    assert shown.exit_code == 0, shown.output
    assert summary.split(".")[0][:50] in " ".join(shown.output.split())
    assert all(word in shown.output for option in options.values() for word in option.opts if word.startswith("--"))


@pytest.mark.parametrize("name", [name for name in NAMES if " " in name])
def test_a_command_of_a_study_is_found_by_its_name(name):
    """`genomic-interpreter figure4b` is `figure4b` of `studies/genomic_interpreter/figure4.py`."""
    study, word = name.replace("-", "_").split()
    place = commands()[name]
    assert place.function == word
    assert re.fullmatch(rf"regulens\.studies\.{study}\.{re.sub('(?<=[0-9])[a-z]$', '', word)}", place.module)


def test_figures_and_tables_do_not_wait_for_pytorch():
    loads = f"from regulens.cli import load; [load(name) for name in {LIGHT!r}]"
    look = f"import sys; {loads}; print(*{{'torch', 'transformers', 'lightning'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_overview_imports_no_command():
    look = "import sys; from regulens.cli import app; app(['--help'], standalone_mode=False)"
    look += "; print('heavy:', *{'numpy', 'pandas', 'matplotlib', 'torch', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert re.search(r"train +Train an assay model", done.stdout)
    assert done.stdout.splitlines()[-1].split() == ["heavy:"]


VALUES = {
    "genomic_interpreter": {
        "figures": {"main_model": "swin1d", "attention": {"heads_layer": 8}},
        "models": {"swin1d": {"training": {"max_epoch": 3}}},
        "seeds": [1, 2],
    },
    "sources": {"hg38/genome.fa": {"url": "https://example.org"}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("genomic_interpreter/figures/main_model", "swin1d"),
        ("genomic_interpreter/figures/attention", {"heads_layer": 8}),
        ("sources/hg38/genome.fa/url", "https://example.org"),
    ],
)
def test_a_path_leads_to_a_part(path, value):
    assert part_of(VALUES, path) == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["figures/main_model"],
            r"c.yaml: no figures/main_model; did you mean 'genomic_interpreter/figures/main_model'\?",
        ),
        (["genomic_interpreter/figurs/main_model"], r"did you mean 'genomic_interpreter/figures/main_model'\?"),
        (
            ["genomic_interpreter/figures/x"],
            r"valid: genomic_interpreter/figures/attention, genomic_interpreter/figures/main_model",
        ),
        (["genomic_interpreter/seeds/0"], r"no genomic_interpreter/seeds/0: genomic_interpreter/seeds is not a map"),
        (["genomic_interpreter/seeds"], r"figure1 has no setting 'seeds'; valid: main_model; --part NAME=PATH"),
        (["main_modl=genomic_interpreter/seeds"], r"no setting 'main_modl'; did you mean 'main_model'\?"),
        (
            ["main_model=genomic_interpreter/seeds"],
            r"genomic_interpreter/seeds: input should be a valid string; found \[",
        ),
        ([], r"--part \[main_model=\]PATH is missing"),
    ],
)
def test_a_wrong_part_is_answered_with_the_right_one(tmp_path, words, message):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump(VALUES))
    options = [word for path in words for word in ("--part", path)]
    line = ["genomic-interpreter", "figure1", "a.csv", "--pdf", "f.pdf", "--png", "f.png", "--config", str(config)]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, [*line, *options], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such configuration: a run writes it"),
        ("a: [", "not valid YAML"),
        ("- a", "the file must be a map of keys, found list"),
    ],
)
def test_a_configuration_that_cannot_be_read(tmp_path, text, message):
    config = tmp_path / "c.yaml"
    if text is not None:
        config.write_text(text)
    line = ["genomic-interpreter", "figure1", "a.csv", "--pdf", "f.pdf", "--png", "f.png", "--config", str(config)]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, [*line, "--part", "a"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("swin1d=a.csv", "a run must be MODEL:SEED=FILE, found 'swin1d=a.csv'"),
        ("swin1:1=a.csv", "run swin1:1: no such model; did you mean 'swin1d'"),
    ],
)
def test_a_wrong_run(tmp_path, run, message):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({"labels": {"swin1d": "1D-Swin", "enformer": "Enformer"}}))
    line = ["genomic-interpreter", "loss-curves", run, "--pdf", "f.pdf", "--png", "f.png", "--config", str(config)]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, [*line, "--part", "labels"], catch_exceptions=False)


def test_wrong_settings_are_named_as_in_the_configuration(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump(VALUES))
    line = [
        "train",
        "--train",
        "a",
        "--valid",
        "b",
        "--seed",
        "1",
        "--state",
        "s",
        "--epochs-log",
        "l",
        "--output",
        "o",
    ]
    line += ["--config", str(config), "--part", "genomic_interpreter/models/swin1d/training"]
    line += ["--part", "architecture=genomic_interpreter/figures/main_model", "--part", "settings=sources"]
    with pytest.raises(InputError, match="swin1d/training.max_epoch: unknown key .* did you mean 'max_epochs'"):
        CliRunner().invoke(app, line, catch_exceptions=False)


def test_bad_input_ends_with_one_line_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["regulens", "unpack", "none.gz", "--output", "none"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("regulens: error: none.gz: cannot read the compressed file")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_missing_permission_ends_with_one_line_and_status_2(monkeypatch, capsys, code):
    def fail():
        raise OSError(code, os.strerror(code), "x/y.txt")

    monkeypatch.setattr("regulens.cli.app", fail)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert re.fullmatch(r"regulens: error: x/y\.txt: .*: no permission to read or write it\n", capsys.readouterr().err)


def test_an_unknown_command_is_answered_with_the_nearest():
    done = CliRunner().invoke(app, ["genomic-interpreter", "figure22"])
    assert done.exit_code == 2
    assert "did you mean 'figure2'?" in done.output.lower()
