"""Genomic Interpreter: assay models of a window of DNA, and their attention."""
