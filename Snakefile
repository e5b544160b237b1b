include: "workflow/Snakefile"


# without this line an included workflow has no default target, and snakemake does nothing
workflow.default_target = "all"
