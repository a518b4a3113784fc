# BasenjiSmall: the centre of each window, cropped shard by shard, then one virtual data set a split.
STUDY = "genomic_interpreter"
OUT = f"{RESULTS}/{STUDY}"
DATA = CONFIG.genomic_interpreter.data
GENOME = f"{RESULTS}/simulated_genome"


wildcard_constraints:
    split="train|valid|test",
    shard=r"\d+",


if DATA.route == "simulated":
    FASTA, WINDOWS = f"{GENOME}/genome.fa", f"{GENOME}/windows.bed"
    TRACKS, COVERAGE = f"{GENOME}/targets.tsv", f"{GENOME}/coverage"

    rule simulate_genome:
        output:
            fasta=FASTA,
            windows=WINDOWS,
            tracks=TRACKS,
            coverage=directory(COVERAGE),
            planted=f"{GENOME}/planted.bed",
            links=f"{GENOME}/links.tsv",
        log:
            f"{RESULTS}/logs/simulate_genome.log",
        benchmark:
            f"{RESULTS}/benchmarks/simulate_genome.tsv"
        conda:
            "../../envs/regulens.yaml"
        params:
            settings=settings(f"{STUDY}/data/simulation"),
            code=code("data.simulate.genome", "motifs.meme"),
            folder=subpath(output.fasta, parent=True),
        message:
            "Simulate a genome with planted motifs and the coverage that follows from them"
        shell:
            "regulens simulate-genome --settings {params.settings:q} --output {params.folder:q} 2> {log:q}"

elif DATA.route == "bigwig":
    FASTA, WINDOWS = unpacked(DATA.fasta), located(DATA.windows)
    TRACKS, COVERAGE = located(DATA.tracks), DATA.coverage

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
        log:
            f"{RESULTS}/logs/crop/{{split}}-{{shard}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/crop/{{split}}-{{shard}}.tsv"
        conda:
            "../../envs/regulens.yaml"
        params:
            settings=settings(
                geometry=f"{STUDY}/data/geometry",
                crop=f"{STUDY}/data/crop",
                groups=f"{STUDY}/data/groups",
            ),
            code=code("data.crop"),
        message:
            "Crop {wildcards.split} TFRecord {wildcards.shard}"
        shell:
            "regulens crop-tfrecord {input.tfrecord:q} --windows {input.windows:q} --tracks {input.tracks:q}"
            " --statistics {input.statistics:q} --split {wildcards.split} --shard {wildcards.shard}"
            " --settings {params.settings:q} --output {output:q} 2> {log:q}"

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
        log:
            f"{RESULTS}/logs/crop/{{split}}-{{shard}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/crop/{{split}}-{{shard}}.tsv"
        conda:
            "../../envs/regulens.yaml"
        params:
            settings=settings(
                geometry=f"{STUDY}/data/geometry",
                crop=f"{STUDY}/data/crop",
                groups=f"{STUDY}/data/groups",
            ),
            shards=lambda wildcards: DATA.shards[wildcards.split],
            blacklist=lambda wildcards, input: (
                f"--blacklist {shlex.quote(str(input.blacklist))}"
                if input.blacklist
                else ""
            ),
            code=code("data.crop"),
        message:
            "Crop shard {wildcards.shard} of the {wildcards.split} examples from FASTA and bigWig"
        shell:
            "regulens crop-bigwig --fasta {input.fasta:q} --windows {input.windows:q} --tracks {input.tracks:q}"
            " --coverage {input.coverage:q} {params.blacklist} --split {wildcards.split} --shard {wildcards.shard}"
            " --shards {params.shards} --settings {params.settings:q} --output {output:q} 2> {log:q}"


rule link_shards:
    input:
        shards=lambda wildcards: shards(wildcards.split),
    output:
        f"{OUT}/data/{{split}}.h5",
    log:
        f"{RESULTS}/logs/link_shards/{{split}}.log",
    localrule: True
    conda:
        "../../envs/regulens.yaml"
    params:
        code=code("data.store"),
    message:
        "Join the {wildcards.split} shards into one virtual data set"
    shell:
        "regulens link-shards {input.shards:q} --output {output:q} 2> {log:q}"
