# Hybrid networks: the sequences of both tasks, and the target motifs for the filters.


wildcard_constraints:
    dataset=names(HYBRID_TASKS),
    network=names(NETWORKS),
    architecture=names(HYBRID.architectures),
    activation=names(HYBRID.activations),


rule simulate_motif_sequences:
    output:
        HYBRID_DATA,
    params:
        **parts("hybrid_networks/{dataset}/data"),
    message:
        "Simulate the sequences of {wildcards.dataset} with embedded JASPAR motifs"
    shell:
        "regulens simulate-motif-sequences {params.parts} --output {output:q} 2> {log:q}"


rule filter_targets:
    output:
        meme=f"{HYBRID_OUT}/targets.meme",
        annotation=f"{HYBRID_OUT}/targets.tsv",
    localrule: True
    params:
        **parts(settings="hybrid_networks/comparison", without=COMPARING),
    message:
        "Target motifs of the filters: JASPAR"
    shell:
        "regulens jaspar-targets {params.parts} --meme {output.meme:q} --annotation {output.annotation:q} 2> {log:q}"
