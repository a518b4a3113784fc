# Sequence to function: what read-outs at start sites depend on, base by base and element by element.
rule attribute:
    input:
        model=CHECKPOINT,
        fasta=PROBED_GENOME,
        pairs=PAIRS,
    output:
        ATTRIBUTIONS,
    wildcard_constraints:
        analysis=names(ANALYSES),
        model=names(PROBED.models),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(ATTRIBUTION, without={"batch"}),
        model_code=model_code,
    message:
        "Attribute the read-outs of {wildcards.model}, seed {wildcards.seed}, to the bases around start sites ({wildcards.analysis})"
    shell:
        "regulens attribute {input.model:q} --fasta {input.fasta:q} --readouts {input.pairs:q} {params.parts}"
        " --threads {threads} --output {output:q} 2> {log:q}"


rule score_elements:
    input:
        attributions=ATTRIBUTIONS,
        model=CHECKPOINT,
        pairs=PAIRS,
        activity=activity_of,
    output:
        ELEMENTS,
    wildcard_constraints:
        analysis=names(ANALYSES),
        model=names(PROBED.models),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(ATTRIBUTION, without={"batch"}),
        activity=lambda wildcards, input: options("--activity", input.activity),
        model_code=model_code,
    message:
        "Score every element with {wildcards.model}, seed {wildcards.seed} ({wildcards.analysis})"
    shell:
        "regulens score-elements {input.attributions:q} --model {input.model:q} --pairs {input.pairs:q} {params.activity}"
        " {params.parts} --threads {threads} --output {output:q} 2> {log:q}"


rule check_attributions:
    input:
        attributions=ATTRIBUTIONS,
        model=CHECKPOINT,
        pairs=PAIRS,
        sites=planted_sites,
        others=attributions_of_other_seeds,
    output:
        SCORE_CHECKS,
    wildcard_constraints:
        analysis=names(ANALYSES),
        model=names(PROBED.models),
    threads: lambda wildcards: ASSAY.models[wildcards.model].threads
    resources:
        gpu=1,
    params:
        **parts(ATTRIBUTION, "sequence_to_function/tests", without={"batch"}),
        known=known_options,
        model_code=model_code,
    message:
        "Consistency, faithfulness and truth of the attributions of {wildcards.model}, seed {wildcards.seed} ({wildcards.analysis})"
    shell:
        "regulens check-attributions {input.attributions:q} --model {input.model:q} --pairs {input.pairs:q} {params.known}"
        " {params.parts} --threads {threads} --output {output:q} 2> {log:q}"
