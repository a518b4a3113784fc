# DNABERT-LRP: pre-train if there are no weights, fine-tune each task, classify its test set.
wildcard_constraints:
    seed=r"\d+",


rule pretrain:
    input:
        fasta=(
            [unpacked(name) for name in LRP.pretraining.data.fasta]
            if LRP.pretraining
            else []
        ),
        sequences=(
            expand(f"{TASK_DATA}/train.tsv", task=TASKS)
            if LRP.pretraining and LRP.pretraining.data.training_sequences
            else []
        ),
    output:
        model=ENCODER,
        epochs=PRETRAINING_EPOCHS,
    priority: 5
    threads: LRP.model.threads
    resources:
        gpu=gpus(f"{PRETRAINING}/training"),
    params:
        **parts(
            *(f"{PRETRAINING}/data", f"{PRETRAINING}/training"),
            *(f"{PRETRAINING}/length_bp", f"{PRETRAINING}/seed"),
            model=BERT_SIZES,
            without=HARDWARE_KEYS,
        ),
        fasta=lambda wildcards, input: options("--fasta", input.fasta),
        sequences=lambda wildcards, input: options("--sequences", input.sequences),
        state=f"{LRP_OUT}/pretraining/state",
    message:
        "Pre-train on masked k-mers (progress: {log})"
    shell:
        "regulens pretrain {params.fasta} {params.sequences} {params.parts} --threads {threads}"
        " --state {params.state:q} --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


rule fine_tune:
    input:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        initial=INITIAL,
    output:
        model=CLASSIFIER,
        epochs=CLASSIFIER_EPOCHS,
    wildcard_constraints:
        task=names(FINE_TUNED),
    priority: 5
    threads: LRP.model.threads
    resources:
        gpu=gpus(FINE_TUNING),
    params:
        **parts(FINE_TUNING, model=BERT_SIZES, without=HARDWARE_KEYS),
        initial=lambda wildcards, input: options(
            "--initial", [input.initial] if input.initial else []
        ),
        state=f"{CLASSIFIER_FOLDER}/state",
    message:
        "Fine-tune on task {wildcards.task}, seed {wildcards.seed} (progress: {log})"
    shell:
        "regulens fine-tune --train {input.train:q} --valid {input.valid:q} {params.initial} {params.parts}"
        " --task {wildcards.task} --seed {wildcards.seed} --threads {threads} --state {params.state:q}"
        " --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


rule adopt_classifier:
    input:
        checkpoint=lambda wildcards: LRP.tasks[wildcards.task].checkpoint,
    output:
        model=CLASSIFIER,
    wildcard_constraints:
        task=names([name for name in TASKS if name not in FINE_TUNED]),
    params:
        **parts(f"{TASK_SEQUENCES}/length_bp", settings=BERT_SIZES),
    message:
        "Use the classifier {input.checkpoint} for task {wildcards.task} instead of fine-tuning one"
    shell:
        "regulens adopt-classifier {input.checkpoint:q} {params.parts} --task {wildcards.task}"
        " --output {output.model:q} 2> {log:q}"


rule classify:
    input:
        model=CLASSIFIER,
        test=f"{TASK_DATA}/test.tsv",
    output:
        CLASS_PREDICTIONS,
    threads: LRP.model.threads
    resources:
        gpu=1,
    params:
        **parts("dnabert_lrp/evaluation/batch"),
    message:
        "Classify the test set of task {wildcards.task}, seed {wildcards.seed}"
    shell:
        "regulens classify {input.model:q} --test {input.test:q} {params.parts} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule classify_by_kmers:
    input:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
    output:
        REFERENCE_PREDICTIONS,
    params:
        **parts(k="dnabert_lrp/evaluation/reference_k"),
    message:
        "Reference row: logistic regression on k-mer frequencies, task {wildcards.task}"
    shell:
        "regulens classify-by-kmers --train {input.train:q} --train {input.valid:q} --test {input.test:q}"
        " {params.parts} --output {output:q} 2> {log:q}"


rule classifier_metrics:
    input:
        predictions=CLASS_PREDICTIONS,
        reference=REFERENCE_PREDICTIONS,
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
    output:
        METRICS,
    params:
        **parts("dnabert_lrp/evaluation/bootstrap"),
    message:
        "Test scores with and without overlap, task {wildcards.task}, seed {wildcards.seed}"
    shell:
        "regulens classifier-metrics {input.predictions:q} --reference {input.reference:q} --train {input.train:q}"
        " --train {input.valid:q} --test {input.test:q} {params.parts} --output {output:q} 2> {log:q}"


rule export_classifier:
    input:
        model=CLASSIFIER,
        scores=METRICS,
    output:
        directory(f"{CLASSIFIER_FOLDER}/export"),
    params:
        **parts(*(LRP_NOTE, "dnabert_lrp/evidence"), label="dnabert_lrp/labels/{task}"),
    message:
        "Classifier of task {wildcards.task}, seed {wildcards.seed}, to give away: weights, vocabulary and a model card"
    shell:
        "regulens export-model {input.model:q} --scores {input.scores:q} {params.parts} --output {output:q} 2> {log:q}"
