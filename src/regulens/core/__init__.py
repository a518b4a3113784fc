"""Shared utilities: files, tables, settings, statistics, sequences; independent of models and studies."""
