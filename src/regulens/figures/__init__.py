"""Tidy tables in, matplotlib figures out."""
