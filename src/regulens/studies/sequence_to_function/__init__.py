"""Sequence to function: what the trained assay models know of regulation (Enformer lecture)."""
