# The HTML page of a run. Included last, because it shows what the other rules mark for the report.
INDEX = f"{RESULTS}/index.html"
MESSAGES = {rule.name: rule.message for rule in workflow.rules}


rule report_page:
    input:
        page_files,
    output:
        INDEX,
    resources:
        # Not a parameter: the name of the configuration file must not trigger a rerun.
        rebuild=rebuild_command,
    params:
        parts=parts(settings="page")["parts"],
        settings=page_settings,
        study="",
        texts=page_texts(),
    message:
        "The page of the run: every figure and table beside the papers' claims"
    shell:
        "regulens report {params.parts} {params.study} --rebuild {resources.rebuild:q} --output {output:q} 2> {log:q}"


# The page of one study, for running it alone.
use rule report_page as study_page with:
    output:
        f"{RESULTS}/{{study}}/index.html",
    wildcard_constraints:
        study="|".join(CONFIGURED),
    params:
        parts=parts(settings="page")["parts"],
        settings=page_settings,
        study=lambda wildcards: f"--study {wildcards.study}",
        texts=page_texts(),
    message:
        "The page of the study {wildcards.study}"


# Not part of a run: asked for when it is done.
rule resources:
    output:
        csv=f"{RESULTS}/resources.csv",
        md=f"{RESULTS}/resources.md",
    localrule: True
    params:
        # Not an input, because every run writes it before its first job; its date makes the table again after a run.
        requests=REQUESTS,
        configfile=lambda wildcards: workflow.configfiles[0],
        of=lambda wildcards: os.path.exists(REQUESTS) and os.path.getmtime(REQUESTS),
    message:
        "Memory and time that the jobs requested, and what they took"
    shell:
        "regulens resources {params.requests:q} --configfile {params.configfile:q} --csv {output.csv:q} --md {output.md:q} 2> {log:q}"


# Last of the settings that a run writes for its commands.
RESOLVED["page"] = page_of(CONFIGURED)
