"""Assay models: from a one-hot DNA sequence to positive rates per bin and track.

One architecture is one module of this package with one ``@register``-ed :class:`AssayModel`; nothing else has to
be edited to add another. Importing the package loads PyTorch and pydantic only.
"""
