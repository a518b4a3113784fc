# BasenjiSmall: the centre of each window, cropped shard by shard, then one virtual data set per split.
wildcard_constraints:
    split="train|valid|test",
    shard=r"\d+",
    seed=r"\d+",


if DATA.route == "simulated":
    FASTA, WINDOWS = f"{GENOME}/genome.fa", f"{GENOME}/windows.bed"
    TRACKS, FOLDER = f"{GENOME}/targets.tsv", f"{GENOME}/coverage"
    COVERAGE = FOLDER

    rule simulate_genome:
        output:
            fasta=FASTA,
            windows=WINDOWS,
            tracks=TRACKS,
            coverage=directory(FOLDER),
            planted=f"{GENOME}/planted.bed",
            links=f"{GENOME}/links.tsv",
        benchmark:
            f"{RESULTS}/benchmarks/simulate_genome.tsv"
        params:
            **parts("genomic_interpreter/data/simulation"),
            folder=subpath(output.fasta, parent=True),
        message:
            "Simulate a genome with planted motifs and the coverage that follows from them"
        shell:
            "regulens simulate-genome {params.parts} --output {params.folder:q} 2> {log:q}"

elif DATA.route == "bigwig":
    FASTA, WINDOWS = unpacked(DATA.fasta), located(DATA.windows)
    TRACKS, FOLDER = located(DATA.tracks), DATA.coverage
    # The files that the table names; a table that is downloaded first names none yet, so then it is the folder.
    COVERAGE = (
        []
        if find_source(CONFIG.sources, DATA.tracks)
        else coverage_files(TRACKS, FOLDER)
    )
    COVERAGE = COVERAGE or FOLDER

else:
    WINDOWS, TRACKS = located(DATA.windows), located(DATA.tracks)


if DATA.route == "tfrecord":

    rule crop_tfrecord:
        input:
            tfrecord=located(DATA.tfrecords),
            windows=WINDOWS,
            tracks=TRACKS,
            statistics=located(DATA.statistics),
        output:
            f"{OUT}/data/shards/{{split}}-{{shard}}.h5",
        benchmark:
            f"{RESULTS}/benchmarks/crop/{{split}}-{{shard}}.tsv"
        params:
            **parts(GEOMETRY, CROP, GROUPS),
        message:
            "Crop {wildcards.split} TFRecord {wildcards.shard}"
        shell:
            "regulens crop-tfrecord --tfrecord {input.tfrecord:q} --windows {input.windows:q} --tracks {input.tracks:q}"
            " --statistics {input.statistics:q} --split {wildcards.split} --shard {wildcards.shard}"
            " {params.parts} --output {output:q} 2> {log:q}"

else:

    rule crop_bigwig:
        input:
            fasta=FASTA,
            windows=WINDOWS,
            tracks=TRACKS,
            coverage=COVERAGE,
            blacklist=located(DATA.crop.blacklist) if DATA.crop.blacklist else [],
        output:
            f"{OUT}/data/shards/{{split}}-{{shard}}.h5",
        benchmark:
            f"{RESULTS}/benchmarks/crop/{{split}}-{{shard}}.tsv"
        params:
            **parts(GEOMETRY, CROP, GROUPS),
            shards=lambda wildcards: DATA.shards[wildcards.split],
            folder=lambda wildcards: FOLDER,
            blacklist=lambda wildcards, input: options("--blacklist", input.blacklist),
        message:
            "Crop shard {wildcards.shard} of the {wildcards.split} examples from FASTA and bigWig"
        shell:
            "regulens crop-bigwig --fasta {input.fasta:q} --windows {input.windows:q} --tracks {input.tracks:q}"
            " --coverage {params.folder:q} {params.blacklist} --split {wildcards.split} --shard {wildcards.shard}"
            " --shards {params.shards} {params.parts} --output {output:q} 2> {log:q}"


rule link_shards:
    input:
        shards=lambda wildcards: shards(wildcards.split),
    output:
        f"{OUT}/data/{{split}}.h5",
    localrule: True
    message:
        "Join the {wildcards.split} shards into one virtual data set"
    shell:
        "regulens link-shards {input.shards:q} --output {output:q} 2> {log:q}"
