"""Reads YAML written by people: one sentence for what cannot be read, and no key twice."""

from pathlib import Path
from typing import Any

import yaml

from regulens.core.errors import InputError


class _OneOfEachKey(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses a key that a map has twice, of which YAML would keep the last without a word."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        lines: dict[Any, int] = {}
        for key_node, _ in getattr(node, "value", ()):
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in lines:
                raise InputError(f"line {line}: the key {key!r} stands on line {lines[key]} too: keep one of them")
            lines[key] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: Path | str, missing: str = "no such configuration file") -> dict[str, Any]:
    """The map of keys that a YAML file holds.

    Raises InputError, naming the line where there is one, for a file that is missing (``missing`` says what to do), not
    UTF-8, not YAML or not a map, and for a key that stands twice in one map.
    """
    text = b""
    try:
        text = Path(path).read_bytes()
        values = yaml.load(text.decode("utf-8-sig"), Loader=_OneOfEachKey)
    except FileNotFoundError:
        raise InputError(f"{path}: {missing}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read the file: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text: save the file with the encoding UTF-8") from None
    except InputError as error:
        raise InputError(f"{path}, {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: the file must be a map of keys, found {type(values).__name__}")
    return values
