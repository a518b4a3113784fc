"""The explorer of a run: a page on which one chooses what is plotted."""
