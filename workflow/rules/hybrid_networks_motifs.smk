# First-layer filters of task 1: activation-based alignment, Tomtom against JASPAR, rates of true and false matches.


rule align_filters:
    input:
        model=TRIALS,
        data=network_data,
    output:
        meme=f"{NETWORK}/filters.meme",
        aligned=f"{NETWORK}/aligned.csv",
    log:
        f"{RESULTS}/logs/hybrid_networks/align/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/hybrid_networks/align/{{network}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: HYBRID.threads
    resources:
        gpu=1,
    params:
        settings=settings(filters="hybrid_networks/filters"),
        code=code("interpret.filters"),
    message:
        "Motifs of the first-layer filters of {wildcards.network}, all trials"
    shell:
        "regulens align-filters {input.model:q} --data {input.data:q} --settings {params.settings:q}"
        " --threads {threads} --meme {output.meme:q} --output {output.aligned:q} 2> {log:q}"


rule filter_targets:
    output:
        meme=f"{HYBRID_OUT}/targets.meme",
        annotation=f"{HYBRID_OUT}/targets.tsv",
    log:
        f"{RESULTS}/logs/hybrid_networks/targets.log",
    localrule: True
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=target_motifs("hybrid_networks/comparison"),
        code=code("motifs.jaspar"),
    message:
        "Target motifs of the filters: JASPAR"
    shell:
        "regulens jaspar-targets --settings {params.settings:q} --meme {output.meme:q}"
        " --annotation {output.annotation:q} 2> {log:q}"


rule tomtom_filters:
    input:
        queries=f"{NETWORK}/filters.meme",
        targets=f"{HYBRID_OUT}/targets.meme",
        memelite=[] if HYBRID.comparison.engine == "meme" else ancient(MEMELITE),
    output:
        f"{NETWORK}/tomtom.tsv",
    log:
        f"{RESULTS}/logs/hybrid_networks/tomtom/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/hybrid_networks/tomtom/{{network}}.tsv"
    conda:
        "../../envs/meme.yaml"
    params:
        settings=settings(comparison="hybrid_networks/comparison"),
        code=code("motifs.tomtom"),
    message:
        "Tomtom: filters of {wildcards.network} against JASPAR"
    shell:
        "regulens tomtom {input.queries:q} --targets {input.targets:q} --settings {params.settings:q}"
        " --output {output:q} 2> {log:q}"


rule match_filters:
    input:
        tomtom=f"{NETWORK}/tomtom.tsv",
        targets=f"{HYBRID_OUT}/targets.tsv",
        aligned=f"{NETWORK}/aligned.csv",
    output:
        filters=f"{NETWORK}/filters.csv",
        statistics=f"{NETWORK}/filter_statistics.csv",
    log:
        f"{RESULTS}/logs/hybrid_networks/match/{{network}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(filters="hybrid_networks/filters"),
        code=code("motifs.filter_matches"),
    message:
        "True and false matches of the filters of {wildcards.network}"
    shell:
        "regulens match-filters {input.tomtom:q} --targets {input.targets:q} --aligned {input.aligned:q}"
        " --settings {params.settings:q} --output {output.filters:q} --statistics {output.statistics:q} 2> {log:q}"
