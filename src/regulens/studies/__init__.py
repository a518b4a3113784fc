"""The studies: one module for every table, figure and claims table of a paper, under the paper's name for it."""
