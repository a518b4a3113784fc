"""DNABERT-LRP: fine-tuned classifiers of sequences, and the relevance of their bases."""
