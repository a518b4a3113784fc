"""Which entry of the source table a file name belongs to."""

import re

from regulens.data.settings import Source

PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")


def pattern(name: str) -> str:
    """Regular expression of the file names that a source's name stands for: `{shard}` matches a part of a name."""
    return PLACEHOLDER.sub(r"[^/]+?", re.escape(name))


def find_source(sources: dict[str, Source], name: str) -> Source | None:
    """Source of a file: the entry of that very name, or a template with its placeholders filled in the URL."""
    if name in sources:
        return sources[name]
    for template, source in sources.items():
        groups = PLACEHOLDER.sub(r"(?P<\1>[^/]+?)", re.escape(template))
        if "{" in template and (found := re.fullmatch(groups, name)):
            return source.model_copy(update={"url": source.url.format(**found.groupdict())})
    return None
