# Entry point: the workflow itself is workflow/Snakefile.
include: "workflow/Snakefile"


# An included file's default target is dropped; without this line the workflow would run nothing and exit 0.
workflow.default_target = "all"
