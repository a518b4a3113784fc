# The page that a person reads first. Included last: it shows what the other rules mark for the report.
INDEX = f"{RESULTS}/index.html"
MESSAGES = {rule.name: rule.message for rule in workflow.rules}


rule report_page:
    input:
        page_files,
    output:
        INDEX,
    log:
        f"{RESULTS}/logs/report_page.log",
    conda:
        "../../envs/regulens.yaml"
    resources:
        # Not a parameter: the name of the configuration file is no reason to write the page again.
        rebuild=rebuild_command,
    params:
        settings=page_settings,
        code=code("report.page"),
        texts=page_texts(),
    message:
        "The page of the run: every figure and table beside the papers' claims"
    shell:
        "regulens report --settings {params.settings:q} --rebuild {resources.rebuild:q} --output {output:q} 2> {log:q}"


# The same of one study, for a run of it alone.
use rule report_page as study_page with:
    output:
        f"{RESULTS}/{{study}}/index.html",
    log:
        f"{RESULTS}/logs/study_page/{{study}}.log",
    wildcard_constraints:
        study="|".join(CONFIGURED),
    message:
        "The page of the study {wildcards.study}"
