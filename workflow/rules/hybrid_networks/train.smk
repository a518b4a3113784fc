# Hybrid networks: train the trials of every network, test them; saliency of task 2, filters of task 1 against JASPAR.


rule train_trials:
    input:
        data=network_data,
    output:
        model=TRIALS,
        epochs=f"{NETWORK}/log.csv",
    wildcard_constraints:
        network=names(TRAINED_NETWORKS),
    priority: 4
    threads: HYBRID.threads
    resources:
        gpu=gpus(of_task("training")),
    params:
        **parts(
            network="hybrid_networks/networks/{network}",
            training=of_task("training"),
            trials=of_task("trials"),
            seed="hybrid_networks/seed",
            without=TRIAL_HARDWARE_KEYS,
        ),
        state=f"{NETWORK}/state",
    message:
        "Train all trials of {wildcards.network} (progress: {log})"
    shell:
        "regulens train-trials {input.data:q} {params.parts} --threads {threads} --state {params.state:q}"
        " --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


rule adopt_trials:
    input:
        checkpoint=lambda wildcards: checkpoint_of(wildcards.network),
    output:
        model=TRIALS,
    wildcard_constraints:
        network=names(ADOPTED_NETWORKS),
    params:
        **parts(network="hybrid_networks/networks/{network}"),
    message:
        "Use {input.checkpoint} as the trials of {wildcards.network} instead of training them"
    shell:
        "regulens adopt-trials {input.checkpoint:q} {params.parts} --output {output.model:q} 2> {log:q}"


rule evaluate_trials:
    input:
        model=TRIALS,
        data=network_data,
    output:
        f"{NETWORK}/metrics.csv",
    threads: HYBRID.threads
    resources:
        # Not a parameter: the batch size changes no score.
        parts=parts(batch="hybrid_networks/evaluation_batch")["parts"],
        gpu=1,
    message:
        "Test every trial of {wildcards.network}"
    shell:
        "regulens evaluate-trials {input.model:q} --data {input.data:q} {resources.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule score_saliency:
    input:
        model=TRIALS,
        data=network_data,
    output:
        statistics=f"{NETWORK}/saliency.csv",
        examples=f"{NETWORK}/saliency_examples.h5",
    threads: HYBRID.threads
    resources:
        gpu=1,
    params:
        **parts(settings="hybrid_networks/saliency"),
    message:
        "Saliency maps of the positive test sequences against their motifs, {wildcards.network}"
    shell:
        "regulens score-saliency {input.model:q} --data {input.data:q} {params.parts} --threads {threads}"
        " --output {output.statistics:q} --examples {output.examples:q} 2> {log:q}"


rule align_filters:
    input:
        model=TRIALS,
        data=network_data,
    output:
        meme=f"{NETWORK}/filters.meme",
        aligned=f"{NETWORK}/aligned.csv",
    threads: HYBRID.threads
    resources:
        gpu=1,
    params:
        **parts(settings="hybrid_networks/filters"),
    message:
        "Motifs of the first-layer filters of {wildcards.network}, all trials"
    shell:
        "regulens align-filters {input.model:q} --data {input.data:q} {params.parts} --threads {threads}"
        " --meme {output.meme:q} --output {output.aligned:q} 2> {log:q}"


rule tomtom_filters:
    input:
        queries=f"{NETWORK}/filters.meme",
        targets=f"{HYBRID_OUT}/targets.meme",
    output:
        f"{NETWORK}/tomtom.tsv",
    conda:
        "../../../envs/meme.yaml"
    threads: HYBRID.threads
    params:
        **parts(settings="hybrid_networks/comparison"),
    message:
        "Tomtom: filters of {wildcards.network} against JASPAR"
    shell:
        "regulens tomtom {input.queries:q} --targets {input.targets:q} {params.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule match_filters:
    input:
        tomtom=f"{NETWORK}/tomtom.tsv",
        targets=f"{HYBRID_OUT}/targets.tsv",
        aligned=f"{NETWORK}/aligned.csv",
    output:
        filters=f"{NETWORK}/filters.csv",
        statistics=f"{NETWORK}/filter_statistics.csv",
    params:
        **parts(settings="hybrid_networks/filters"),
    message:
        "True and false matches of the filters of {wildcards.network}"
    shell:
        "regulens match-filters {input.tomtom:q} --targets {input.targets:q} --aligned {input.aligned:q}"
        " {params.parts} --output {output.filters:q} --statistics {output.statistics:q} 2> {log:q}"
