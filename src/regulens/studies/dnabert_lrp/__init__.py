"""DNABERT + LRP: Table 1, Figures 1 and 2, Sections 5.1 and 5.3."""
