"""Training and evaluation of the assay models."""
