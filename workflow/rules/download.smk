# Public files, each checked against its sha256; the mirror folder is looked at first.


rule download:
    output:
        f"{DOWNLOADS}/{{name}}",
    wildcard_constraints:
        name="|".join(pattern(name) for name in CONFIG.sources) or "(?!)",
    params:
        source=lambda wildcards: find_source(CONFIG.sources, wildcards.name).model_dump_json(),
        settings=settings("download"),
        code=code("data.download"),
    log:
        f"{RESULTS}/logs/download/{{name}}.log",
    localrule: True
    message:
        "Download {wildcards.name}"
    shell:
        "regulens download {wildcards.name:q} --source {params.source:q} --settings {params.settings:q}"
        " --output {output:q} 2> {log:q}"
