"""Copies of configurations with a key changed."""

import copy


def changed(values: dict, path: str, value) -> dict:
    """A copy of a configuration with one key set."""
    values = copy.deepcopy(values)
    *parents, last = path.split(".")
    node = values
    for part in parents:
        node = node.setdefault(part, {})
    node[last] = value
    return values
