# Hybrid networks: simulate both tasks, train the trials of every network, test them.
HYBRID = CONFIG.hybrid_networks
HYBRID_PAPER = "Hybrid networks"
HYBRID_OUT = f"{RESULTS}/hybrid_networks"
HYBRID_DATA = f"{HYBRID_OUT}/data/{{dataset}}.h5"
# All about one network, a pair of architecture and activation on one task, is in one folder.
NETWORK = f"{HYBRID_OUT}/{{network}}"
TRIALS = f"{NETWORK}/model.pt"
NETWORKS = [network for dataset in HYBRID_TASKS for network in networks_of(dataset)]
TRAINED_NETWORKS = [
    network for dataset in HYBRID_TASKS for network in trained_networks(dataset)
]


wildcard_constraints:
    dataset="|".join(HYBRID_TASKS),
    network=names(NETWORKS),
    architecture=names(HYBRID.architectures),
    activation=names(HYBRID.activations),


rule simulate_motif_sequences:
    output:
        HYBRID_DATA,
    log:
        f"{RESULTS}/logs/hybrid_networks/simulate/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/hybrid_networks/simulate/{{dataset}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=dataset_settings,
        code=code("motifs.jaspar"),
    message:
        "Simulate the sequences of {wildcards.dataset} with embedded JASPAR motifs"
    shell:
        "regulens simulate-motif-sequences --settings {params.settings:q} --output {output:q} 2> {log:q}"


rule train_trials:
    input:
        data=network_data,
    output:
        model=TRIALS,
        epochs=f"{NETWORK}/log.csv",
    log:
        f"{RESULTS}/logs/hybrid_networks/train/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/hybrid_networks/train/{{network}}.tsv"
    wildcard_constraints:
        network=names(TRAINED_NETWORKS),
    priority: 4
    conda:
        "../../envs/regulens.yaml"
    threads: HYBRID.threads
    resources:
        hardware=trial_hardware,
        gpu=gpus(trial_hardware),
    params:
        settings=trial_settings,
        state=f"{NETWORK}/state",
        code=code("training.trials"),
    message:
        "Train all trials of {wildcards.network} (progress: {log})"
    shell:
        "regulens train-trials {input.data:q} --settings {params.settings:q} --hardware {resources.hardware:q}"
        " --threads {threads} --state {params.state:q} --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


rule adopt_trials:
    input:
        checkpoint=lambda wildcards: checkpoint_of(wildcards.network),
    output:
        model=TRIALS,
    log:
        f"{RESULTS}/logs/hybrid_networks/adopt/{{network}}.log",
    wildcard_constraints:
        network=names([name for name in NETWORKS if name not in TRAINED_NETWORKS]),
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=network_settings,
        code=code("training.trials"),
    message:
        "Take the trials of {wildcards.network} from {input.checkpoint} instead of training them"
    shell:
        "regulens adopt-trials {input.checkpoint:q} --settings {params.settings:q} --output {output.model:q} 2> {log:q}"


rule evaluate_trials:
    input:
        model=TRIALS,
        data=network_data,
    output:
        f"{NETWORK}/metrics.csv",
    log:
        f"{RESULTS}/logs/hybrid_networks/evaluate/{{network}}.log",
    conda:
        "../../envs/regulens.yaml"
    threads: HYBRID.threads
    resources:
        settings=settings(batch="hybrid_networks/evaluation_batch"),
        gpu=1,
    params:
        code=code("training.trials"),
    message:
        "Test every trial of {wildcards.network}"
    shell:
        "regulens evaluate-trials {input.model:q} --data {input.data:q} --settings {resources.settings:q}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule score_saliency:
    input:
        model=TRIALS,
        data=network_data,
    output:
        statistics=f"{NETWORK}/saliency.csv",
        examples=f"{NETWORK}/saliency_examples.h5",
    log:
        f"{RESULTS}/logs/hybrid_networks/saliency/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/hybrid_networks/saliency/{{network}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: HYBRID.threads
    resources:
        gpu=1,
    params:
        settings=settings(saliency="hybrid_networks/saliency"),
        code=code("interpret.saliency"),
    message:
        "Saliency maps of the positive test sequences against their motifs, {wildcards.network}"
    shell:
        "regulens score-saliency {input.model:q} --data {input.data:q} --settings {params.settings:q}"
        " --threads {threads} --output {output.statistics:q} --examples {output.examples:q} 2> {log:q}"
