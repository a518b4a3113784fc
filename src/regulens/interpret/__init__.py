"""Read-outs of trained models."""
