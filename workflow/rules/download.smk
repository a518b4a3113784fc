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


rule index_genome:
    input:
        f"{DOWNLOADS}/{{name}}",
    output:
        f"{DOWNLOADS}/{{name}}.fai",
    wildcard_constraints:
        name=names(pattern(name.removesuffix(".gz")) for name in genomes(CONFIG)),
    localrule: True
    message:
        "Index {input}"
    shell:
        "regulens index-genome {input:q} --output {output:q} 2> {log:q}"


# All that needs the internet, and what all jobs read: after it, every other job runs without a network.
rule prepare:
    input:
        [located(name) for name in needed_sources(CONFIG)],
        [f"{unpacked(name)}.fai" for name in genomes(CONFIG)],
