# Public files, each checked against its sha256; the mirror folder takes precedence.


rule download:
    output:
        f"{DOWNLOADS}/{{name}}",
    wildcard_constraints:
        name=names(pattern(name) for name in CONFIG.sources),
    localrule: True
    resources:
        # Not parameters, so that another mirror, more retries or a reworded licence do not trigger a download.
        parts=parts(settings="download")["parts"],
        licence=lambda wildcards: source(wildcards).licence or "not stated",
    params:
        url=lambda wildcards: source(wildcards).url,
        sha256=lambda wildcards: options("--sha256", source(wildcards).sha256 or []),
    message:
        "Download {wildcards.name}"
    shell:
        "regulens download {wildcards.name:q} --url {params.url:q} {params.sha256} --licence {resources.licence:q}"
        " {resources.parts} --output {output:q} 2> {log:q}"


rule unpack:
    input:
        f"{DOWNLOADS}/{{name}}.gz",
    output:
        f"{DOWNLOADS}/{{name}}",
    wildcard_constraints:
        name=names(
            pattern(name.removesuffix(".gz"))
            for name in CONFIG.sources
            if name.endswith(".gz") and name.removesuffix(".gz") not in CONFIG.sources
        ),
    localrule: True
    message:
        "Unpack {input}"
    shell:
        "regulens unpack {input:q} --output {output:q} 2> {log:q}"
