# Labelled sequences of DNABERT-LRP: from a genome, from a table, or simulated; then filtered and split.
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
        filters=FILTERS,
        card=CARD,
    wildcard_constraints:
        task=names(TASKS_BY_ROUTE["coordinates"]),
    params:
        **parts(settings=TASK_SEQUENCES),
        coordinates=lambda wildcards: coordinate_options(wildcards.task),
    message:
        "Extract the sequences of task {wildcards.task} from the genome, filter and split them"
    shell:
        "regulens sequences-from-coordinates --fasta {input.fasta:q} {params.coordinates}"
        " {params.parts} --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q} --card {output.card:q}"
        " 2> {log:q}"


rule sequences_from_table:
    input:
        table=task_paths("table"),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=FILTERS,
        card=CARD,
    wildcard_constraints:
        task=names(set(TASKS_BY_ROUTE["table"]) - set(TASKS_WITH_SITES)),
    params:
        **parts(settings=TASK_SEQUENCES),
    message:
        "Read, filter and split the sequences of task {wildcards.task}"
    shell:
        "regulens sequences-from-table {input.table:q}"
        " {params.parts} --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q} --card {output.card:q}"
        " 2> {log:q}"


rule sequences_from_table_with_sites:
    input:
        table=task_paths("table"),
        sites=task_paths("sites"),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=FILTERS,
        card=CARD,
        sites=f"{TASK_DATA}/sites.tsv",
    wildcard_constraints:
        task=names(set(TASKS_BY_ROUTE["table"]) & set(TASKS_WITH_SITES)),
    params:
        **parts(settings=TASK_SEQUENCES),
    message:
        "Read, filter and split the sequences of task {wildcards.task}, with their annotated sites"
    shell:
        "regulens sequences-from-table {input.table:q} --annotated {input.sites:q}"
        " {params.parts} --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q} --card {output.card:q}"
        " --sites {output.sites:q} 2> {log:q}"


rule sequences_from_class_files:
    input:
        positive=task_paths("positive"),
        negative=task_paths("negative"),
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=FILTERS,
        card=CARD,
        sites=f"{TASK_DATA}/sites.tsv",
    wildcard_constraints:
        task=names(TASKS_BY_ROUTE["class_files"]),
    params:
        **parts(settings=TASK_SEQUENCES),
    message:
        "Read, filter and split the sequences of both classes of task {wildcards.task}"
    shell:
        "regulens sequences-from-class-files --positive {input.positive:q} --negative {input.negative:q}"
        " {params.parts} --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q} --card {output.card:q}"
        " --sites {output.sites:q} 2> {log:q}"


rule simulate_sequences:
    output:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
        filters=FILTERS,
        card=CARD,
        sites=f"{TASK_DATA}/sites.tsv",
    wildcard_constraints:
        task=names(TASKS_BY_ROUTE["simulated"]),
    params:
        **parts(settings=TASK_SEQUENCES),
    message:
        "Simulate sequences of task {wildcards.task} with planted motifs"
    shell:
        "regulens simulate-sequences"
        " {params.parts} --train {output.train:q} --valid {output.valid:q} --test {output.test:q} --filters {output.filters:q} --card {output.card:q}"
        " --sites {output.sites:q} 2> {log:q}"
