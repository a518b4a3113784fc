"""Models: assay models, from one-hot DNA to positive rates per bin and track; the BERT of k-mers; hybrid networks.

One assay architecture is one module of this package with one ``@register``-ed `base.AssayModel`; no other file has to
be edited to add one.
"""
