"""Hybrid networks: convolutions with attention, motifs in their filters, and saliency."""
