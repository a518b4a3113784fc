# Genomic Interpreter: train the assay models, predict the test set, correlate, export the main model's attention.
rule train_assay_model:
    input:
        train=f"{OUT}/data/train.h5",
        valid=f"{OUT}/data/valid.h5",
        shards=shards("train", "valid"),
    output:
        model=CHECKPOINT,
        epochs=EPOCHS,
    wildcard_constraints:
        model=names(TRAINED),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=gpus(TRAINING),
    params:
        # No hardware key is a parameter, so that finished models are not retrained on another machine.
        **parts(ARCHITECTURE, SIZES, TRAINING, without=HARDWARE_KEYS),
        model_code=model_code,
        state=f"{MODEL}/state",
    message:
        "Train {wildcards.model}, seed {wildcards.seed} (progress: {log})"
    shell:
        "regulens train --train {input.train:q} --valid {input.valid:q} {params.parts} --seed {wildcards.seed}"
        " --threads {threads} --state {params.state:q} --epochs-log {output.epochs:q} --output {output.model:q} 2> {log:q}"


# The main model takes longest to train; starting it first keeps all cores busy at the end.
use rule train_assay_model as train_main_model with:
    wildcard_constraints:
        model=names([name for name in TRAINED if name == MAIN]),
    priority: 10


ruleorder: train_main_model > train_assay_model


rule adopt_checkpoint:
    input:
        checkpoint=lambda wildcards: ASSAY.models[wildcards.model].checkpoint,
        train=f"{OUT}/data/train.h5",
        shards=shards("train"),
    output:
        model=CHECKPOINT,
    wildcard_constraints:
        model=names(ADOPTED),
    params:
        **parts(ARCHITECTURE, SIZES),
        model_code=model_code,
    message:
        "Use {input.checkpoint} as {wildcards.model} instead of training it"
    shell:
        "regulens adopt-checkpoint {input.checkpoint:q} --train {input.train:q} {params.parts}"
        " --output {output.model:q} 2> {log:q}"


rule predict:
    input:
        model=CHECKPOINT,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        PREDICTIONS,
    wildcard_constraints:
        model=names(MODELS),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(BATCH, BOTH_STRANDS),
    message:
        "Predict the test set with {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens predict {input.model:q} --data {input.test:q} {params.parts} --threads {threads}"
        " --name {wildcards.model} --seed {wildcards.seed} --output {output:q} 2> {log:q}"


rule predict_reference:
    input:
        train=f"{OUT}/data/train.h5",
        test=f"{OUT}/data/test.h5",
        shards=shards("train", "test"),
    output:
        PREDICTIONS,
    wildcard_constraints:
        model=names(REFERENCES),
    params:
        **parts("genomic_interpreter/evaluation/ridge_alpha"),
    message:
        "Reference row of Table 1: {wildcards.model}"
    shell:
        "regulens predict-reference {wildcards.model} --train {input.train:q} --test {input.test:q}"
        " {params.parts} --output {output:q} 2> {log:q}"


rule pearson:
    input:
        predictions=PREDICTIONS,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        PEARSON,
    message:
        "Pearson correlation of every track: {wildcards.model}, seed {wildcards.seed}"
    shell:
        "regulens pearson {input.predictions:q} --test {input.test:q} --output {output:q} 2> {log:q}"


rule export_assay_model:
    input:
        model=CHECKPOINT,
        scores=PEARSON,
    output:
        directory(f"{MODEL}/export"),
    wildcard_constraints:
        model=names(ASSAY.models),
    params:
        **parts(
            *(DATA_NOTE, "genomic_interpreter/evidence"),
            label="genomic_interpreter/labels/{model}",
        ),
    message:
        "{wildcards.model}, seed {wildcards.seed}, to give away: weights and a model card"
    shell:
        "regulens export-model {input.model:q} --scores {input.scores:q} {params.parts} --output {output:q} 2> {log:q}"


rule export_attention:
    input:
        model=MAIN_CHECKPOINT,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{OUT}/attention/example.h5",
    params:
        **parts("genomic_interpreter/figures/attention/example"),
        main_model=MAIN,
    message:
        "Attention weights of one test segment"
    shell:
        "regulens export-attention {input.model:q} --test {input.test:q} {params.parts}"
        " --name {params.main_model:q} --output {output:q} 2> {log:q}"


rule attention_distance:
    input:
        model=MAIN_CHECKPOINT,
        test=f"{OUT}/data/test.h5",
        shards=shards("test"),
    output:
        f"{OUT}/attention_distance.csv",
    threads: ASSAY.models[MAIN].threads
    resources:
        gpu=1,
    params:
        **parts(BATCH),
    message:
        "Mean attention distance of every layer over the test set"
    shell:
        "regulens attention-distance {input.model:q} --test {input.test:q} {params.parts}"
        " --threads {threads} --output {output:q} 2> {log:q}"
