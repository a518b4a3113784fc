# Labelled sequences of the DNABERT study: cut out of a genome, read from a table, or simulated; then filtered and split.
LRP = CONFIG.dnabert_lrp
LRP_OUT = f"{RESULTS}/dnabert_lrp"
TASKS = list(LRP.tasks)
TASK_DATA = f"{LRP_OUT}/data/{{task}}"
TASKS_BY_ROUTE = {
    route: [name for name, task in LRP.tasks.items() if task.data.route == route]
    for route in ("coordinates", "table", "simulated")
}
# Where motif sites are known, the scores can be held against them.
TASKS_WITH_SITES = [
    name
    for name, task in LRP.tasks.items()
    if task.data.route == "simulated" or getattr(task.data, "sites", None)
]


wildcard_constraints:
    task="|".join(TASKS),


rule sequences_from_coordinates:
    input:
        fasta=lambda wildcards: unpacked(LRP.tasks[wildcards.task].data.fasta),
        coordinates=lambda wildcards: coordinate_files(wildcards.task),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=f"{TASK_DATA}/filters.csv",
    log:
        f"{RESULTS}/logs/sequences/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sequences/{{task}}.tsv"
    wildcard_constraints:
        task="|".join(TASKS_BY_ROUTE["coordinates"]) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_data,
        coordinates=lambda wildcards: coordinate_options(wildcards.task),
        code=code("data.sequences", "data.sequences"),
    message:
        "Cut the sequences of task {wildcards.task} out of the genome, filter and split them"
    shell:
        "regulens sequences-from-coordinates --fasta {input.fasta:q} {params.coordinates}"
        " --settings {params.settings:q} --train {output.train:q} --valid {output.valid:q} --test {output.test:q}"
        " --filters {output.filters:q} 2> {log:q}"


rule sequences_from_table:
    input:
        table=task_paths("table"),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=f"{TASK_DATA}/filters.csv",
    log:
        f"{RESULTS}/logs/sequences/{{task}}.log",
    wildcard_constraints:
        task="|".join(set(TASKS_BY_ROUTE["table"]) - set(TASKS_WITH_SITES)) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_data,
        code=code("data.sequences", "data.sequences"),
    message:
        "Read, filter and split the sequences of task {wildcards.task}"
    shell:
        "regulens sequences-from-table {input.table:q} --settings {params.settings:q}"
        " --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q}"
        " 2> {log:q}"


rule sequences_from_table_with_sites:
    input:
        table=task_paths("table"),
        sites=task_paths("sites"),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=f"{TASK_DATA}/filters.csv",
        sites=f"{TASK_DATA}/sites.tsv",
    log:
        f"{RESULTS}/logs/sequences/{{task}}.log",
    wildcard_constraints:
        task="|".join(set(TASKS_BY_ROUTE["table"]) & set(TASKS_WITH_SITES)) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_data,
        code=code("data.sequences", "data.sequences"),
    message:
        "Read, filter and split the sequences of task {wildcards.task}, with their annotated sites"
    shell:
        "regulens sequences-from-table {input.table:q} --annotated {input.sites:q} --settings {params.settings:q}"
        " --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q}"
        " --sites {output.sites:q} 2> {log:q}"


rule simulate_sequences:
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=f"{TASK_DATA}/filters.csv",
        sites=f"{TASK_DATA}/sites.tsv",
    log:
        f"{RESULTS}/logs/sequences/{{task}}.log",
    wildcard_constraints:
        task="|".join(TASKS_BY_ROUTE["simulated"]) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=task_data,
        code=code("data.simulate.labelled", "data.sequences", "motifs.meme"),
    message:
        "Simulate sequences of task {wildcards.task} with planted motifs"
    shell:
        "regulens simulate-sequences --settings {params.settings:q}"
        " --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q}"
        " --sites {output.sites:q} 2> {log:q}"
