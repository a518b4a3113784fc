"""Genomic Interpreter: models of assay tracks from DNA sequence, and their attention."""
