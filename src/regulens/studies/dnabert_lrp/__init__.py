"""DNABERT and LRP: fine-tuned classifiers of sequences, and the relevance of their bases."""
