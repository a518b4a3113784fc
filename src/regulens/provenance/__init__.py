"""Provenance of every file: manifests, and tracing them back."""
