"""Motif matrices and their comparison."""
