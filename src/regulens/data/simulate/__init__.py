"""Simulated genomes, labelled sequences and binding sites, where the truth is known."""
