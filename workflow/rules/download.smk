# Public files, each checked against its sha256; the mirror folder is looked at first.


rule download:
    output:
        f"{DOWNLOADS}/{{name}}",
    log:
        f"{RESULTS}/logs/download/{{name}}.log",
    wildcard_constraints:
        name="|".join(pattern(name) for name in CONFIG.sources) or "(?!)",
    localrule: True
    conda:
        "../../envs/regulens.yaml"
    resources:
        # Not parameters: another mirror, one more retry or the wording of the licence is no reason to download again.
        settings=settings("download"),
        licence=lambda wildcards: find_source(CONFIG.sources, wildcards.name).licence
        or "not stated",
    params:
        source=lambda wildcards: find_source(
            CONFIG.sources, wildcards.name
        ).model_dump_json(exclude={"licence"}),
        lock="config/sources.lock",
    message:
        "Download {wildcards.name}"
    shell:
        "regulens download {wildcards.name:q} --source {params.source:q} --licence {resources.licence:q}"
        " --settings {resources.settings:q} --lock {params.lock:q} --output {output:q} 2> {log:q}"


rule unpack:
    input:
        f"{DOWNLOADS}/{{name}}.gz",
    output:
        f"{DOWNLOADS}/{{name}}",
    log:
        f"{RESULTS}/logs/unpack/{{name}}.log",
    wildcard_constraints:
        name="|".join(
            pattern(name.removesuffix(".gz"))
            for name in CONFIG.sources
            if name.endswith(".gz") and name.removesuffix(".gz") not in CONFIG.sources
        )
        or "(?!)",
    localrule: True
    conda:
        "../../envs/regulens.yaml"
    message:
        "Unpack {input}"
    shell:
        "regulens unpack {input:q} --output {output:q} 2> {log:q}"
