"""Genomic Interpreter: Table 1, Figures 1 to 7."""
