"""Training of many trials of one hybrid network at once."""
