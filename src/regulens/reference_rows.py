"""The two rows of Table 1 that are no models, and what the tables call them."""

MEAN, RIDGE = "mean", "gc_cpg_ridge"
REFERENCE_ROWS = {MEAN: "Training mean", RIDGE: "GC + CpG ridge"}
