"""Checks and estimates before a run starts: what is missing, and its jobs, bytes and GPU-hours."""
