# Genomic Interpreter: train the five assay models, predict the test set, Table 1 and Figures 1, 2, 3 and 5.
ASSAY = CONFIG.genomic_interpreter
MODELS = list(ASSAY.models)
ADOPTED = [name for name, model in ASSAY.models.items() if model.checkpoint]
TRAINED = [name for name in MODELS if name not in ADOPTED]
MAIN = ASSAY.figures.main_model
MODEL = f"{OUT}/models/{{model}}/seed{{seed}}"
CHECKPOINT = f"{MODEL}/model.ckpt"
PEARSON = f"{OUT}/pearson/{{model}}/seed{{seed}}.csv"
PREDICTIONS = f"{OUT}/predictions/{{model}}/seed{{seed}}.h5"
EPOCHS = f"{MODEL}/log.csv"
MODEL_RUNS = [(model, seed) for model in MODELS for seed in seeds_of(model)]
TRAINED_RUNS = [(model, seed) for model in TRAINED for seed in ASSAY.seeds]
FIGURE3_RUNS = [
    (model, ASSAY.seeds[0]) for model in (MAIN, ASSAY.figures.figure3.other)
]
REFERENCE_RUNS = [(reference, 0) for reference in REFERENCE_ROWS]
PAPER = "Genomic Interpreter"


wildcard_constraints:
    seed=r"\d+",


rule train_assay_model:
    input:
        train=f"{OUT}/data/train.h5",
        valid=f"{OUT}/data/valid.h5",
        shards=shards("train", "valid"),
    output:
        model=CHECKPOINT,
        epochs=EPOCHS,
    log:
        f"{RESULTS}/logs/train/{{model}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{model}}-seed{{seed}}.tsv"
    wildcard_constraints:
        model="|".join(TRAINED) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        # How to compute, not what: a resource, because a changed parameter would train finished models again.
        hardware=hardware,
        gpu=gpus(hardware),
    params:
        settings=model_settings,
        code=model_code,
        trainer=code("training.assay"),
        state=f"{MODEL}/state",
    message:
        "Train {wildcards.model}, seed {wildcards.seed} (progress: {log})"
    shell:
        "regulens train --train {input.train:q} --valid {input.valid:q} --settings {params.settings:q}"
        " --hardware {resources.hardware:q} --seed {wildcards.seed} --threads {threads}"
        " --state {params.state:q} --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


# The main model takes longest to train; begun first, it does not keep the others' cores waiting at the end.
use rule train_assay_model as train_main_model with:
    wildcard_constraints:
        model="|".join(name for name in TRAINED if name == MAIN) or "(?!)",
    priority: 10


ruleorder: train_main_model > train_assay_model


rule adopt_checkpoint:
    input:
        checkpoint=lambda wildcards: ASSAY.models[wildcards.model].checkpoint,
        train=f"{OUT}/data/train.h5",
        shards=shards("train"),
    output:
        model=CHECKPOINT,
    log:
        f"{RESULTS}/logs/adopt/{{model}}-seed{{seed}}.log",
    wildcard_constraints:
        model="|".join(ADOPTED) or "(?!)",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=model_settings,
        code=model_code,
    message:
        "Take {wildcards.model} from {input.checkpoint} instead of training it"
    shell:
        "regulens adopt-checkpoint {input.checkpoint:q} --train {input.train:q} --settings {params.settings:q}"
        " --output {output.model:q} 2> {log:q}"


rule predict:
    input:
        model=CHECKPOINT,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{OUT}/predictions/{{model}}/seed{{seed}}.h5",
    log:
        f"{RESULTS}/logs/predict/{{model}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict/{{model}}-seed{{seed}}.tsv"
    wildcard_constraints:
        model="|".join(MODELS),
    conda:
        "../../envs/regulens.yaml"
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        settings=settings(batch=f"{STUDY}/evaluation/batch"),
        code=code("training.evaluate"),
    message:
        "Predict the test set with {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens predict {input.model:q} --data {input.test:q} --settings {params.settings:q} --threads {threads}"
        " --name {wildcards.model} --seed {wildcards.seed} --output {output:q} 2> {log:q}"


rule predict_reference:
    input:
        train=f"{OUT}/data/train.h5",
        test=f"{OUT}/data/test.h5",
        shards=shards("train", "test"),
    output:
        f"{OUT}/predictions/{{model}}/seed{{seed}}.h5",
    log:
        f"{RESULTS}/logs/predict/{{model}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict/{{model}}-seed{{seed}}.tsv"
    wildcard_constraints:
        model="|".join(REFERENCE_ROWS),
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(ridge_alpha=f"{STUDY}/evaluation/ridge_alpha"),
        code=code("training.evaluate"),
    message:
        "Reference row of Table 1: {wildcards.model}"
    shell:
        "regulens predict-reference {wildcards.model} --train {input.train:q} --test {input.test:q}"
        " --settings {params.settings:q} --output {output:q} 2> {log:q}"


rule pearson:
    input:
        predictions=f"{OUT}/predictions/{{model}}/seed{{seed}}.h5",
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        PEARSON,
    log:
        f"{RESULTS}/logs/pearson/{{model}}-seed{{seed}}.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("training.evaluate"),
    message:
        "Pearson correlation of every track: {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens pearson {input.predictions:q} --test {input.test:q} --output {output:q} 2> {log:q}"


rule describe_models:
    input:
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{OUT}/architectures.csv",
    log:
        f"{RESULTS}/logs/describe_models.log",
    conda:
        "../../envs/regulens.yaml"
    params:
        settings=settings(models=f"{STUDY}/models"),
        code=code(
            "studies.genomic_interpreter.figure1",
            *(model_module(name) for name in MODELS),
        ),
    message:
        "Lengths and widths of every layer of the configured models"
    shell:
        "regulens describe-models --test {input.test:q} --settings {params.settings:q} --output {output:q} 2> {log:q}"


TABLES = ["table1.csv", "attention_distance.csv", "claims.csv"]
PICTURES = [
    "figure1",
    "figure2",
    "figure3",
    "figure4a",
    "figure4b",
    "figure5",
    "figure6",
    "figure7",
]
PICTURES += ["attention_distance_plot"] + ["loss_curves"] * bool(TRAINED)


rule genomic_interpreter_figures:
    input:
        expand(f"{OUT}/{{picture}}.{{ending}}", picture=PICTURES, ending=["pdf", "png"]),


rule genomic_interpreter:
    input:
        expand(f"{OUT}/{{table}}", table=TABLES),
        rules.genomic_interpreter_figures.input,
