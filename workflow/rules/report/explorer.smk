# The explorer: test segments and sequences to choose from, and what every model says of them.
EXPLORER = f"{RESULTS}/explorer"
EXPLORED_READOUTS = f"{EXPLORER}/readouts.csv"
EXPLORED_ATTRIBUTIONS = f"{EXPLORER}/attributions/{{model}}/seed{{seed}}.h5"
EXPLORED_MUTANTS = f"{EXPLORER}/mutants/{{task}}/seed{{seed}}.csv"
# Files of the page: option of its command, what comes before the path (MODEL:SEED= or nothing), path.
EXPLORED, EXPLORED_SHARDS, EXPLORED_PARTS = [], [], {}


if CONFIG.genomic_interpreter:
    if DATA.route != "tfrecord":
        EXPLORED_GENOME = FASTA
    else:
        EXPLORED_GENOME = (
            unpacked(CONFIG.explorer.fasta) if CONFIG.explorer.fasta else []
        )
    EXPLORED_MODELS = [(model, FIRST) for model in MODELS]
    EXPLORED_SHARDS = shards("test")
    EXPLORED_PARTS |= {"labels": LABELS, "evidence": "genomic_interpreter/evidence"}
    EXPLORED += [
        ("readouts", "", EXPLORED_READOUTS),
        ("test", "", f"{OUT}/data/test.h5"),
        *explored_runs("predictions", PREDICTIONS, EXPLORED_MODELS),
    ]
    if EXPLORED_GENOME:
        EXPLORED += explored_runs(
            "attributions", EXPLORED_ATTRIBUTIONS, EXPLORED_MODELS
        )
    if DATA.route == "simulated":
        EXPLORED.append(("planted", "", f"{GENOME}/planted.bed"))
    elif CONFIG.sequence_to_function and PROBED.sites:
        EXPLORED.append(("pairs", "", of_analysis(PAIRS, "sites")))

    rule explorer_readouts:
        input:
            predictions=PREDICTIONS.format(model=MAIN, seed=FIRST),
            test=f"{OUT}/data/test.h5",
            shards=shards("test"),
        output:
            EXPLORED_READOUTS,
        params:
            **parts(
                *("explorer", f"{FIGURE3}/track", f"{FIGURE3}/example"),
                attended=f"{SHOWN_ATTENTION}/example",
            ),
        message:
            "Segments for the explorer: of the figures, and predicted best, middling and worst"
        shell:
            "regulens explorer-readouts {input.predictions:q} --test {input.test:q} {params.parts} --output {output:q} 2> {log:q}"

    rule explorer_attributions:
        input:
            model=CHECKPOINT,
            fasta=EXPLORED_GENOME,
            readouts=EXPLORED_READOUTS,
        output:
            EXPLORED_ATTRIBUTIONS,
        threads: lambda wildcards: ASSAY.models[wildcards.model].threads
        resources:
            gpu=1,
        params:
            **parts("explorer/attribution", without={"batch"}),
            model_code=model_code,
        message:
            "Attribute the highest places of the explorer's segments to bases, {wildcards.model}"
        shell:
            "regulens attribute {input.model:q} --fasta {input.fasta:q} --readouts {input.readouts:q} {params.parts}"
            " --threads {threads} --output {output:q} 2> {log:q}"


if CONFIG.dnabert_lrp:
    EXPLORED_PARTS |= {
        "task_labels": TASK_LABELS,
        "task_evidence": "dnabert_lrp/evidence",
    }
    EXPLORED_TASKS = [(task, FIRST_SEED) for task in EXPLAINED]
    EXPLORED_SITES = [run for run in EXPLORED_TASKS if run[0] in TASKS_WITH_SITES]
    EXPLORED += [
        *explored_runs("relevance", RELEVANCE, EXPLORED_TASKS, "task"),
        *explored_runs("mutants", EXPLORED_MUTANTS, EXPLORED_TASKS, "task"),
        *explored_runs("sites", f"{TASK_DATA}/sites.tsv", EXPLORED_SITES, "task"),
    ]

    rule explorer_mutants:
        input:
            scores=RELEVANCE,
            model=CLASSIFIER,
        output:
            EXPLORED_MUTANTS,
        threads: LRP.model.threads
        resources:
            gpu=1,
        params:
            **parts(
                *("explorer", "dnabert_lrp/mutagenesis"),
                examples="dnabert_lrp/tasks/{task}/examples",
                without={"batch"},
            ),
        message:
            "Sequences for the explorer, and what mutants of them give, task {wildcards.task}"
        shell:
            "regulens explorer-mutants {input.scores:q} --model {input.model:q} {params.parts} --threads {threads}"
            " --output {output:q} 2> {log:q}"


rule explorer:
    input:
        [path for _, _, path in EXPLORED],
        EXPLORED_SHARDS,
    output:
        f"{RESULTS}/explore.html",
    params:
        **parts("run", "explorer", **EXPLORED_PARTS),
        files=" ".join(f"--{option} {run}{path}" for option, run, path in EXPLORED),
    message:
        "The explorer: choose a model, a segment and a track, or a sequence"
    shell:
        "regulens explorer {params.files} {params.parts} --output {output:q} 2> {log:q}"
