"""regulens: interpretable deep learning for regulatory genomics, three papers as one workflow."""

__version__ = "0.1.0"
