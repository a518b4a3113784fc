"""Interpretation of trained models: relevance, attention, filters, saliency."""
