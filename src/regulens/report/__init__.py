"""The HTML page of a run: every figure and table beside the claims of the papers, in one file."""
