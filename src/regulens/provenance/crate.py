"""A run as a Workflow Run RO-Crate: machine-readable provenance in the vocabulary that archives and registries read.

The crate is the folder of the run, with ``ro-crate-metadata.json`` beside the results, and a copy of the workflow.
Everything it says is taken from the manifests. Profile: Provenance Run Crate 0.5 (Leo et al. 2024,
https://w3id.org/ro/wfrun/provenance).
"""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from regulens.core.code import ROOT
from regulens.core.command import command
from regulens.core.errors import InputError
from regulens.core.io import atomic_output
from regulens.core.yaml_file import read_yaml
from regulens.provenance.record import read_manifest

METADATA = "ro-crate-metadata.json"

SUFFIX = ".manifest.json"

WORKFLOW = "workflow/Snakefile"

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
"""Terms of the metadata: those of RO-Crate, and one that it lacks."""

ORGANISATION = "#developers"


class Job(NamedTuple):
    """One command of the run: what its manifests have in common."""

    command: str
    identity: dict[str, Any]
    run: dict[str, Any]
    outputs: list[str]
    """Identifiers of its outputs."""


@command("crate", manifests=False)
def crate(run: Path, /, *, project: Path | None = None) -> Path:
    """Describe a finished run as a Workflow Run RO-Crate: RUN/ro-crate-metadata.json, and a copy of the workflow.

    ``run``: the folder of its results, such as results/demo.

    Arguments:
        project: the clone of regulens whose workflow made it; none: that of this code.

    Returns the path of the metadata. Raises `InputError` for a folder without manifests.
    """
    run, project = Path(run), ROOT.parents[1] if project is None else Path(project)
    jobs, files = _jobs(run)
    if not jobs:
        raise InputError(
            f"{run}: there is no manifest below it: name the folder of a finished run, such as results/demo"
        )
    graph = [*_about(run, project, jobs, files), *_software(jobs), *files.values(), *_actions(jobs)]
    if (run / "workflow").exists():
        shutil.rmtree(run / "workflow")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project / "workflow", run / "workflow", ignore=ignored)
    with atomic_output(run / METADATA) as temporary:
        temporary.write_text(json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1) + "\n", encoding="utf-8")
    print(run / METADATA)
    return run / METADATA


# What was made, and from what.


def _jobs(run: Path) -> tuple[list[Job], dict[str, dict]]:
    """Jobs of a run in the order of their start, and every file that they read or wrote, by identifier."""
    found: dict[tuple, Job] = {}
    files: dict[str, dict] = {}
    places = {}
    manifests = []
    for path in sorted(run.rglob(f"*{SUFFIX}")):
        artefact = path.with_name(path.name.removesuffix(SUFFIX))
        if artefact.exists():
            manifests.append((artefact, read_manifest(artefact)))
    for artefact, manifest in manifests:
        identity = manifest["identity"]
        name = _identifier(artefact, run)
        places[manifest["identity_sha256"]] = name
        files[name] = _file(name, artefact, identity)
        same = (manifest["run"]["started"], identity["inputs"], identity["arguments"])
        key = (identity["command"], json.dumps(same))
        found.setdefault(key, Job(identity["command"], identity, manifest["run"], [])).outputs.append(name)
    jobs = sorted(found.values(), key=lambda job: job.run["started"])
    for job in jobs:
        for entry in job.identity["inputs"]:
            name = places.get(entry.get("manifest")) or f"#{entry['path']}"
            entry["identifier"] = name
            if name not in files:
                files[name] = _outside(name, entry, run)
    return jobs, files


def _identifier(artefact: Path, run: Path) -> str:
    path = artefact.relative_to(run).as_posix()
    return f"{path}/" if artefact.is_dir() else path


def _file(name: str, artefact: Path, identity: dict[str, Any]) -> dict:
    """A result: a data entity of the crate."""
    if artefact.is_dir():
        return {"@id": name, "@type": "Dataset", "name": artefact.name, "sha256": identity["sha256"]}
    changed = datetime.fromtimestamp(artefact.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    return {
        "@id": name,
        "@type": "File",
        "name": artefact.name,
        "contentSize": str(artefact.stat().st_size),
        "sha256": identity["sha256"],
        "dateModified": changed,
        "encodingFormat": FORMATS.get(artefact.suffix, "application/octet-stream"),
    }


FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".html": "text/html",
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".bed": "text/plain",
    ".fa": "text/plain",
    ".tex": "text/x-tex",
}


def _outside(name: str, entry: dict[str, Any], run: Path) -> dict:
    """A file that the run has read and not made: a download with its address, or one of the user's."""
    found = {"@id": name, "@type": "CreativeWork", "name": entry["path"]}
    try:
        identity = read_manifest(run.parents[1] / entry["path"])["identity"]
    except (InputError, IndexError):
        return found | ({"sha256": entry["sha256"]} if entry.get("sha256") else {})
    arguments = identity["arguments"]
    return found | {
        key: value
        for key, value in {
            "sha256": identity["sha256"],
            "url": arguments.get("url"),
            "license": arguments.get("licence"),
        }.items()
        if value
    }


# The run as a whole.


def _about(run: Path, project: Path, jobs: list[Job], files: dict[str, dict]) -> Iterator[dict]:
    """The crate itself, its people and licence, the workflow and the run of it."""
    citation = read_yaml(project / "CITATION.cff")
    ended = max(_ended(job) for job in jobs)
    inside = [name for name in files if not name.startswith("#")]
    inputs = [name for name in files if name.startswith("#")]
    shown = [name for name in inside if name.endswith((".png", ".pdf", ".md", ".csv")) and name.count("/") == 1]
    licence = f"https://spdx.org/licenses/{citation['license']}"
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": list(PROFILES)[-1]}],
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"regulens run {run.name}",
        "description": f"Results of the run {run.name}: {citation['title']}, with the provenance of every file.",
        "datePublished": ended.isoformat(timespec="seconds"),
        "license": {"@id": licence},
        "author": {"@id": ORGANISATION},
        "conformsTo": [{"@id": profile} for profile in PROFILES],
        "mainEntity": {"@id": WORKFLOW},
        "hasPart": [{"@id": name} for name in [WORKFLOW, *inside]],
        "mentions": [{"@id": "#run"}],
    }
    for profile, name in PROFILES.items():
        yield {"@id": profile, "@type": "CreativeWork", "name": name, "version": profile.rpartition("/")[2]}
    yield {"@id": licence, "@type": "CreativeWork", "name": citation["license"]}
    yield {"@id": ORGANISATION, "@type": "Organization", "name": citation["authors"][0]["name"]}
    commands = dict.fromkeys(job.command for job in jobs)
    yield {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": citation["title"],
        "programmingLanguage": {"@id": "#snakemake-language"},
        "version": jobs[-1].identity["code"]["version"],
        "creator": {"@id": ORGANISATION},
        "license": {"@id": licence},
        "hasPart": [{"@id": _tool(name)} for name in commands],
        "step": [{"@id": _step(name)} for name in commands],
        "input": [{"@id": "#inputs"}],
        "output": [{"@id": "#results"}],
    }
    yield {
        "@id": "#snakemake-language",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": {"@id": "https://doi.org/10.12688/f1000research.29032.1"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }
    for name, required in (("inputs", False), ("results", True)):
        yield {
            "@id": f"#{name}",
            "@type": "FormalParameter",
            "additionalType": "File",
            "name": name,
            "valueRequired": required,
            "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        }
    for name in inputs:
        files[name]["exampleOfWork"] = {"@id": "#inputs"}
    for name in shown:
        files[name]["exampleOfWork"] = {"@id": "#results"}
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run {run.name}",
        "instrument": {"@id": WORKFLOW},
        "agent": {"@id": ORGANISATION},
        "object": [{"@id": name} for name in inputs],
        "result": [{"@id": name} for name in shown],
        "startTime": jobs[0].run["started"],
        "endTime": ended.isoformat(timespec="seconds"),
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
    }


def _ended(job: Job) -> datetime:
    return datetime.fromisoformat(job.run["started"]) + timedelta(seconds=job.run["wall_s"])


def _tool(name: str) -> str:
    return f"#command-{name.replace(' ', '-')}"


def _step(name: str) -> str:
    return f"#step-{name.replace(' ', '-')}"


def _software(jobs: list[Job]) -> Iterator[dict]:
    """Commands as tools and as steps of the workflow, with the packages that they run with."""
    packages = jobs[-1].identity["packages"]
    version = jobs[-1].identity["code"]["version"]
    for package, found in packages.items():
        yield {"@id": f"#package-{package}", "@type": "SoftwareApplication", "name": package, "softwareVersion": found}
    for position, name in enumerate(dict.fromkeys(job.command for job in jobs), 1):
        yield {
            "@id": _tool(name),
            "@type": "SoftwareApplication",
            "name": f"regulens {name}",
            "softwareVersion": version,
            "softwareRequirements": [{"@id": f"#package-{package}"} for package in packages],
            "input": [{"@id": f"{_tool(name)}-settings"}],
        }
        yield {
            "@id": f"{_tool(name)}-settings",
            "@type": "FormalParameter",
            "additionalType": "Text",
            "name": "settings",
            "valueRequired": False,
            "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        }
        yield {
            "@id": _step(name),
            "@type": "HowToStep",
            "position": str(position),
            "name": f"regulens {name}",
            "workExample": {"@id": _tool(name)},
        }


def _actions(jobs: list[Job]) -> Iterator[dict]:
    """What every job did, and that Snakemake had it done."""
    controls = []
    for number, job in enumerate(jobs, 1):
        action, settings = f"#job-{number}", f"#job-{number}-settings"
        given = job.identity["arguments"] | job.identity["settings"]
        yield {
            "@id": settings,
            "@type": "PropertyValue",
            "name": "settings",
            "value": json.dumps(given, ensure_ascii=False, sort_keys=True),
            "exampleOfWork": {"@id": f"{_tool(job.command)}-settings"},
        }
        yield {
            "@id": action,
            "@type": "CreateAction",
            "name": f"regulens {job.command}",
            "instrument": {"@id": _tool(job.command)},
            "agent": {"@id": ORGANISATION},
            "object": [{"@id": settings}, *({"@id": entry["identifier"]} for entry in job.identity["inputs"])],
            "result": [{"@id": name} for name in job.outputs],
            "startTime": job.run["started"],
            "endTime": _ended(job).isoformat(timespec="seconds"),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        }
        controls.append(f"#control-{number}")
        yield {
            "@id": controls[-1],
            "@type": "ControlAction",
            "name": f"Snakemake runs regulens {job.command}",
            "instrument": {"@id": _step(job.command)},
            "object": {"@id": action},
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        }
    engine = jobs[-1].identity["packages"].get("snakemake", "")
    yield {"@id": "#snakemake", "@type": "SoftwareApplication", "name": "Snakemake", "softwareVersion": engine}
    yield {
        "@id": "#organised",
        "@type": "OrganizeAction",
        "name": f"Run of Snakemake {engine}".rstrip(),
        "instrument": {"@id": "#snakemake"},
        "agent": {"@id": ORGANISATION},
        "object": [{"@id": name} for name in controls],
        "result": {"@id": "#run"},
        "startTime": jobs[0].run["started"],
        "endTime": max(map(_ended, jobs)).isoformat(timespec="seconds"),
    }
