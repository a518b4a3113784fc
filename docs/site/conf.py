"""The documentation as a site (`make docs`): the Markdown of the repository as it is, and the API from docstrings.

The sources are the repository's own files, so that their links to one another, to figures and to code hold on both.
What only the site has, its contents and the pages of the API, is added while they are read.
"""

import re
from pathlib import Path

import regulens

ROOT = Path(__file__).parents[2]
CONTENTS = {
    "Use it": ["config/README", "results/README", "docs/your-own-data", "docs/tutorial", "docs/troubleshooting"],
    "On a cluster": ["docs/cluster", "docs/scale", "docs/use-as-a-module"],
    "Results": [
        "docs/demonstration",
        "docs/published-numbers",
        "docs/reproduction/genomic_interpreter/README",
        "docs/reproduction/genomic_interpreter/human_windows/README",
        "docs/reproduction/dnabert_lrp/README",
        "docs/reproduction/hybrid_networks/README",
        "docs/reproduction/sequence_to_function/README",
        "docs/reproduction/sequence_to_function/simulated/README",
    ],
    "The papers": ["docs/papers"],
    "Extend it": ["docs/architecture", "docs/add-a-model", "docs/add-a-score", "docs/site/api"],
    "All pages": ["docs/README", "CHANGELOG"],
}
"""Headings of the contents, and their pages."""

project, author, version = "regulens", "The regulens developers", regulens.__version__
copyright = author
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "config/README.md", "results/README.md", "docs/**"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_heading_anchors = 6
myst_enable_extensions = ["attrs_inline", "dollarmath"]
napoleon_custom_sections = [("Arguments", "params_style")]
# Single backticks in docstrings name functions, classes and columns.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
# Types of settings are long; what matters of a type, its shape and unit, is in the docstring.
autodoc_typehints = "none"
html_theme = "furo"
html_title = "regulens"
html_copy_source = False
# Excerpts are fetched, which browsers refuse to pages that are opened as files.
html_show_search_summary = False
# Tables of the committed runs are pages that only their run leads to.
suppress_warnings = ["toc.not_included"]


def complete(app, name: str, source: list[str]) -> None:
    """Add the contents to the first page, and the public functions to that of the API; let anchors be found."""
    source[0] = re.sub(r'<a id="([\w-]+)"></a>', r"[]{#\1}", source[0])
    if name == root_doc:
        trees = (
            f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n" + "\n".join(f"/{page}" for page in pages) + "\n```\n"
            for heading, pages in CONTENTS.items()
        )
        source[0] += "\n\n" + "\n".join(trees)
    if name == "docs/site/api":
        public = (f"```{{eval-rst}}\n.. autofunction:: regulens.{name}\n```\n" for name in regulens._PUBLIC)
        source[0] += "\n\n" + "\n".join(public)


def setup(app) -> None:
    app.connect("source-read", complete)
