"""The page that a person reads first: every figure and table of a run beside the paper's claims, in one HTML file."""
