# DNABERT: pre-train where there are no weights, fine-tune each task, classify its test set, Section 5.1.
LRP_PAPER = "DNABERT and LRP"
ENCODER = f"{LRP_OUT}/pretraining/encoder.ckpt"
INITIAL = (
    ENCODER
    if LRP.pretraining
    else (located(LRP.model.weights) if LRP.model.weights else [])
)
CLASSIFIER_FOLDER = f"{LRP_OUT}/models/{{task}}/seed{{seed}}"
CLASSIFIER = f"{CLASSIFIER_FOLDER}/model.ckpt"
CLASS_PREDICTIONS = f"{LRP_OUT}/predictions/{{task}}/seed{{seed}}.csv"
METRICS = f"{LRP_OUT}/metrics/{{task}}/seed{{seed}}.csv"
FINE_TUNED = [name for name, task in LRP.tasks.items() if not task.checkpoint]
TASK_RUNS = [(task, seed) for task in TASKS for seed in task_seeds(task)]
FINE_TUNED_RUNS = [(task, seed) for task in FINE_TUNED for seed in LRP.seeds]


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
        epochs=f"{LRP_OUT}/pretraining/log.csv",
    log:
        f"{RESULTS}/logs/pretrain.log",
    benchmark:
        f"{RESULTS}/benchmarks/pretrain.tsv"
    priority: 5
    conda:
        "../../envs/regulens.yaml"
    threads: LRP.model.threads
    resources:
        hardware=pretraining_hardware,
        gpu=gpus(pretraining_hardware),
    params:
        settings=pretraining,
        code=code("training.pretraining", "training.loop"),
        fasta=lambda wildcards, input: options("--fasta", input.fasta),
        sequences=lambda wildcards, input: options("--sequences", input.sequences),
        state=f"{LRP_OUT}/pretraining/state",
    message:
        "Pre-train on masked k-mers (progress: {log})"
    shell:
        "regulens pretrain {params.fasta} {params.sequences} --settings {params.settings:q}"
        " --hardware {resources.hardware:q} --threads {threads} --state {params.state:q}"
        " --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


rule fine_tune:
    input:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        initial=INITIAL,
    output:
        model=CLASSIFIER,
        epochs=f"{CLASSIFIER_FOLDER}/log.csv",
    log:
        f"{RESULTS}/logs/fine_tune/{{task}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fine_tune/{{task}}-seed{{seed}}.tsv"
    wildcard_constraints:
        task="|".join(FINE_TUNED) or "(?!)",
    priority: 5
    conda:
        "../../envs/regulens.yaml"
    threads: LRP.model.threads
    resources:
        hardware=fine_tuning_hardware,
        gpu=gpus(fine_tuning_hardware),
    params:
        settings=fine_tuning,
        initial=lambda wildcards, input: options(
            "--initial", [input.initial] if input.initial else []
        ),
        code=code("training.classification", "training.loop"),
        state=f"{CLASSIFIER_FOLDER}/state",
    message:
        "Fine-tune on task {wildcards.task}, seed {wildcards.seed} (progress: {log})"
    shell:
        "regulens fine-tune --train {input.train:q} --valid {input.valid:q} {params.initial}"
        " --settings {params.settings:q} --hardware {resources.hardware:q} --task {wildcards.task}"
        " --seed {wildcards.seed} --threads {threads} --state {params.state:q} --epochs-log {output.epochs:q}"
        " --output {output.model:q} 2> {log:q}"


rule adopt_classifier:
    input:
        checkpoint=lambda wildcards: LRP.tasks[wildcards.task].checkpoint,
        test=f"{TASK_DATA}/test.tsv",
    output:
        model=CLASSIFIER,
    log:
        f"{RESULTS}/logs/adopt/{{task}}-seed{{seed}}.log",
    wildcard_constraints:
        task="|".join(name for name in TASKS if name not in FINE_TUNED) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(model="dnabert_lrp/model/settings"),
        code=code("training.classification"),
    message:
        "Take the classifier of task {wildcards.task} from {input.checkpoint} instead of fine-tuning one"
    shell:
        "regulens adopt-classifier {input.checkpoint:q} --test {input.test:q} --settings {params.settings:q}"
        " --task {wildcards.task} --output {output.model:q} 2> {log:q}"


rule classify:
    input:
        model=CLASSIFIER,
        test=f"{TASK_DATA}/test.tsv",
    output:
        CLASS_PREDICTIONS,
    log:
        f"{RESULTS}/logs/classify/{{task}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/classify/{{task}}-seed{{seed}}.tsv"
    conda:
        "../../envs/regulens.yaml"
    threads: LRP.model.threads
    resources:
        gpu=1,
    params:
        settings=settings(batch="dnabert_lrp/evaluation/batch"),
        code=code("training.classification"),
    message:
        "Classify the test set of task {wildcards.task}, seed {wildcards.seed}"
    shell:
        "regulens classify {input.model:q} --test {input.test:q} --settings {params.settings:q} --threads {threads}"
        " --output {output:q} 2> {log:q}"


rule classify_by_kmers:
    input:
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
    output:
        f"{LRP_OUT}/predictions/{{task}}/logistic_regression.csv",
    log:
        f"{RESULTS}/logs/classify/{{task}}-logistic_regression.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(reference_k="dnabert_lrp/evaluation/reference_k"),
        code=code("training.classification"),
    message:
        "Reference row: logistic regression on k-mer frequencies, task {wildcards.task}"
    shell:
        "regulens classify-by-kmers --train {input.train:q} --valid {input.valid:q} --test {input.test:q}"
        " --settings {params.settings:q} --output {output:q} 2> {log:q}"


rule classifier_metrics:
    input:
        predictions=CLASS_PREDICTIONS,
        reference=f"{LRP_OUT}/predictions/{{task}}/logistic_regression.csv",
        train=f"{TASK_DATA}/train.tsv",
        valid=f"{TASK_DATA}/valid.tsv",
        test=f"{TASK_DATA}/test.tsv",
    output:
        METRICS,
    log:
        f"{RESULTS}/logs/classifier_metrics/{{task}}-seed{{seed}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(bootstrap="dnabert_lrp/evaluation/bootstrap"),
        code=code("training.classification"),
    message:
        "Test scores with and without overlap, task {wildcards.task}, seed {wildcards.seed}"
    shell:
        "regulens classifier-metrics {input.predictions:q} --reference {input.reference:q} --train {input.train:q}"
        " --valid {input.valid:q} --test {input.test:q} --settings {params.settings:q} --output {output:q} 2> {log:q}"


LRP_TABLES = [
    "section51.csv",
    "filters.csv",
    "table1.csv",
    "paired_tests.csv",
    "claims.csv",
]
LRP_TABLES += ["truth.csv"] * bool(TASKS_WITH_SITES)
LRP_TABLES += [f"section53_{task}.csv" for task in LRP.motif_tasks]
LRP_PICTURES = ["figure1", "figure2", "score_agreement"]
LRP_PICTURES += ["truth"] * bool(TASKS_WITH_SITES)
LRP_PICTURES += ["fine_tuning_curves"] * bool(FINE_TUNED)
LRP_PICTURES += ["pretraining_curves"] * bool(LRP.pretraining and FINE_TUNED)
LRP_PICTURES += [
    f"relevance_{name}_{example}"
    for name, task in LRP.tasks.items()
    for example in task.examples
]
LRP_PICTURES += [f"motif_logos_{task}" for task in LRP.motif_tasks]


rule dnabert_lrp_figures:
    input:
        expand(
            f"{LRP_OUT}/{{picture}}.{{ending}}",
            picture=LRP_PICTURES,
            ending=["pdf", "png"],
        ),


rule dnabert_lrp:
    input:
        expand(f"{LRP_OUT}/{{table}}", table=LRP_TABLES),
        rules.dnabert_lrp_figures.input,
