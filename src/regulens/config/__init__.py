"""The configuration: a settings class describes every key; read only by the command line and the workflow."""

import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, model_validator

from regulens.config.dnabert_lrp import DnabertLrp
from regulens.config.dnabert_lrp import resolved as resolved_dnabert_lrp
from regulens.config.dnabert_lrp import unfit_references as unfit_dnabert_lrp
from regulens.config.genomic_interpreter import GenomicInterpreter
from regulens.config.genomic_interpreter import resolved as resolved_genomic_interpreter
from regulens.config.genomic_interpreter import unfit_references as unfit_genomic_interpreter
from regulens.config.hybrid_networks import HybridNetworks
from regulens.config.hybrid_networks import resolved as resolved_hybrid_networks
from regulens.config.hybrid_networks import unfit_references as unfit_hybrid_networks
from regulens.config.overrides import NAME
from regulens.config.sequence_to_function import SequenceToFunction
from regulens.config.sequence_to_function import resolved as resolved_sequence_to_function
from regulens.config.sequence_to_function import unfit_references as unfit_sequence_to_function
from regulens.core.errors import InputError
from regulens.core.settings import Settings, validated
from regulens.core.yaml_file import read_yaml
from regulens.data.settings import DownloadSettings, Source
from regulens.explorer.settings import ExplorerSettings

STUDIES = ("genomic_interpreter", "dnabert_lrp", "hybrid_networks", "sequence_to_function")
"""Keys of the studies, which are also names of folders and of targets of the workflow."""


def _inside(name: str) -> str:
    """The name of a source, which is a path inside the download folder."""
    if name.startswith(("/", "../")) or posixpath.normpath(name) != name or name in (".", ".."):
        raise ValueError(
            "a source's name is its path in the download folder: no / before it, no . or .. as a part of it"
        )
    return name


class Config(Settings):
    """Configuration of a run: one or more of the studies."""

    run: str = Field(pattern=NAME)
    """Name of the run; everything is written to `results/<run>`."""
    download: DownloadSettings = DownloadSettings()
    """Downloads."""
    sources: dict[Annotated[str, AfterValidator(_inside)], Source]
    """Files to download: name (the path in the download and mirror folders) and where it comes from. With `{split}` and
    `{shard}` in its name, one entry describes many files."""
    genomic_interpreter: GenomicInterpreter | None = None
    """The first study; leave the key out to run the others alone."""
    dnabert_lrp: DnabertLrp | None = None
    """The second study; leave the key out to run the others alone."""
    hybrid_networks: HybridNetworks | None = None
    """The third study; leave the key out to run the others alone."""
    sequence_to_function: SequenceToFunction | None = None
    """The fourth study, of the models that the first one trains; leave the key out to run the others alone."""
    explorer: ExplorerSettings | None = ExplorerSettings()
    """A page on which one chooses what is plotted, of the first two studies; null: none."""

    @model_validator(mode="after")
    def _a_study(self):
        if not any(getattr(self, study) for study in STUDIES):
            raise ValueError(f"no study is configured: give at least one of {', '.join(STUDIES)}")
        return self


def validate(values: dict, misfits: Callable[[Config], list[str]] | None = None) -> Config:
    """Check a configuration and fill in its defaults.

    ``misfits`` replaces `unfit_references`, e.g. by a version that caches its result.

    Raises `InputError` listing every wrong key with its path, the value found, and the nearest valid key.
    """
    config = validated(Config, values)
    if problems := (misfits or unfit_references)(config):
        raise InputError("\n".join(problems))
    return config


def unfit_references(config: Config) -> list[str]:
    """One line for each pair of keys that contradict each other. Loads the models, and with them PyTorch."""
    problems = []
    if config.genomic_interpreter:
        problems += unfit_genomic_interpreter(config.genomic_interpreter)
    if config.dnabert_lrp:
        problems += unfit_dnabert_lrp(config.dnabert_lrp)
    if config.hybrid_networks:
        problems += unfit_hybrid_networks(config.hybrid_networks)
    if config.sequence_to_function:
        problems += unfit_sequence_to_function(config.sequence_to_function, config.genomic_interpreter)
    return problems


def resolved(config: Config) -> dict:
    """A configuration as plain maps, in which every value derived from several keys has a key of its own.

    For example, `genomic_interpreter/models/swin1d/training` is the shared training overridden by the model's own keys.
    A run writes this for its commands (`results/<run>/configuration.yaml`).
    """
    values = config.model_dump(mode="json")
    if config.genomic_interpreter:
        values["genomic_interpreter"] = resolved_genomic_interpreter(config.genomic_interpreter)
    if config.dnabert_lrp:
        values["dnabert_lrp"] = resolved_dnabert_lrp(config.dnabert_lrp)
    if config.hybrid_networks:
        values["hybrid_networks"] = resolved_hybrid_networks(config.hybrid_networks)
    if config.sequence_to_function:
        values["sequence_to_function"] = resolved_sequence_to_function(
            config.sequence_to_function, config.genomic_interpreter
        )
    return values


def to_yaml(values: dict) -> str:
    """Plain maps as YAML, their keys in the order given."""
    return yaml.dump(values, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True)


def load(path: Path | str) -> Config:
    """Read and check one configuration file."""
    values = read_yaml(path)
    try:
        return validate(values)
    except InputError as error:
        raise InputError(f"{path}:\n{error}") from None
