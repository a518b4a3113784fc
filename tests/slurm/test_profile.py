"""The shipped profile and the rules agree; needs no cluster."""

import re

import pytest
from snakemake.profiles import ProfileConfigFileParser
from workflow.conftest import ROOT

RULE = re.compile(r"^ *(?:use rule (?P<base>\w+) as (?P<derived>\w+) with|rule (?P<name>\w+)):", re.M)


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, str]]:
    """Resources by rule, as Snakemake reads them from the profile."""
    with open(ROOT / "profiles/slurm-a100/config.yaml") as lines:
        parsed = ProfileConfigFileParser().parse(lines)
    by_rule = {}
    for entry in parsed["set-resources"]:
        rule, resource, value = re.fullmatch(r"(\w+):(\w+)=(.*)", entry).groups()
        by_rule.setdefault(rule, {})[resource] = value
    named = [*parsed["set-threads"], *parsed["groups"]]
    return by_rule | {name: by_rule.get(name, {}) for name in (entry.partition("=")[0] for entry in named)}


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    """Text of every rule."""
    found = {}
    for path in sorted((ROOT / "workflow/rules").rglob("*.smk")):
        text = path.read_text()
        matches = list(RULE.finditer(text))
        ends = [match.start() for match in matches[1:]] + [len(text)]
        for match, end in zip(matches, ends, strict=False):
            found[match["name"] or match["derived"]] = found.get(match["base"], "") + text[match.start() : end]
    return found


def test_the_profile_names_rules_that_exist(resources, rules):
    assert set(resources) <= set(rules)


def test_every_job_with_a_gpu_gets_one_on_one_node(resources, rules):
    with_gpu = {name for name, text in rules.items() if re.search(r"^ +gpu=", text, flags=re.M)}
    assert with_gpu
    for name in with_gpu:
        wanted = resources[name]
        if wanted.get("gpu") == "0":  # on CPUs here
            assert "gpu_model" not in wanted, name
        else:
            assert (wanted["slurm_partition"], wanted["gpu_model"], wanted["nodes"]) == ("gpu", "a100", "1"), name
    assert {name for name, wanted in resources.items() if "gpu_model" in wanted} <= with_gpu


def test_memory_and_time_grow_with_the_attempt(resources):
    for name, wanted in resources.items():
        for resource in {"mem_mb", "runtime"} & set(wanted):
            assert "attempt" in wanted[resource], (name, resource)


def test_rules_do_not_retry_by_themselves(rules):
    # They would retry inside the same allocation, where neither memory nor time can come.
    assert not [name for name, text in rules.items() if re.search(r"^ +retries:", text, flags=re.M)]
