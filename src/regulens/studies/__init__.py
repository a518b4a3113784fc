"""The studies: every table, figure and list of claims of a paper under its own name."""
