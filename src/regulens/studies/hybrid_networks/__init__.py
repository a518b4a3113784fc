"""Hybrid networks: result tables, Figures 1 to 3."""
