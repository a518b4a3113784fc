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
        if "{" in template and (found := re.fullmatch(_named(template), name)):
            return source.model_copy(update={"url": source.url.format(**found.groupdict())})
    return None


def _named(template: str) -> str:
    """Pattern with a named group for each placeholder; where one occurs again, it must say the same."""
    seen: set[str] = set()

    def group(found: re.Match) -> str:
        name = found[1]
        text = rf"(?P={name})" if name in seen else rf"(?P<{name}>[^/]+?)"
        seen.add(name)
        return text

    return PLACEHOLDER.sub(group, re.escape(template))
