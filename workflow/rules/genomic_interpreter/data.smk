# BasenjiSmall: the centre of each window, cropped shard by shard, then one virtual data set per split.
wildcard_constraints:
    split="train|valid|test",
    shard=r"\d+",
    seed=r"\d+",


if DATA.route == "simulated":
    FASTA, WINDOWS = f"{GENOME}/genome.fa", f"{GENOME}/windows.bed"
    TRACKS, FOLDERS = f"{GENOME}/targets.tsv", [f"{GENOME}/coverage"]
    COVERAGE = FOLDERS

    rule simulate_genome:
        output:
            fasta=FASTA,
            windows=WINDOWS,
            tracks=TRACKS,
            coverage=directory(FOLDERS[0]),
            planted=f"{GENOME}/planted.bed",
            links=f"{GENOME}/links.tsv",
        params:
            **parts("genomic_interpreter/data/simulation"),
            folder=subpath(output.fasta, parent=True),
        message:
            "Simulate a genome with planted motifs and the coverage that follows from them"
        shell:
            "regulens simulate-genome {params.parts} --output {params.folder:q} 2> {log:q}"

elif DATA.route == "bigwig":
    FASTA, TRACKS = unpacked(DATA.fasta), located(DATA.tracks)
    WINDOWS = located(DATA.windows) if DATA.windows else f"{OUT}/data/windows.bed"
    MADE = f"{OUT}/data/coverage"
    MADE_FILES = DATA.made_coverage()
    FOLDERS = [folder for folder in (MADE_FILES and MADE, DATA.coverage) if folder]
    COVERAGE = named_coverage()

    rule windows_by_contig:
        input:
            fasta=FASTA,
        output:
            f"{OUT}/data/windows.bed",
        localrule: True
        params:
            **parts(SPLITS, GEOMETRY),
        message:
            "Tile the genome with windows, split by contig"
        shell:
            "regulens windows-by-contig --fasta {input.fasta:q} {params.parts} --output {output:q} 2> {log:q}"

    rule coverage_from_positions:
        input:
            table=lambda wildcards: located(
                DATA.positions[MADE_FILES[wildcards.file][0]].file
            ),
            fasta=FASTA,
        output:
            f"{MADE}/{{file}}",
        wildcard_constraints:
            file=names(map(re.escape, MADE_FILES)),
        params:
            **parts(CONTIG_NAMES, positions=positions_of),
            strand=lambda wildcards: MADE_FILES[wildcards.file][1],
        message:
            "Make {wildcards.file} from a table of positions"
        shell:
            "regulens positions-to-bigwig {input.table:q} --fasta {input.fasta:q} {params.parts}"
            " --strand {params.strand} --output {output:q} 2> {log:q}"

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
        params:
            **parts(GEOMETRY, CROP, GROUPS),
            shards=lambda wildcards: DATA.shards[wildcards.split],
            folders=lambda wildcards: options("--coverage", FOLDERS),
            blacklist=lambda wildcards, input: options("--blacklist", input.blacklist),
        message:
            "Crop shard {wildcards.shard} of the {wildcards.split} examples from FASTA and bigWig"
        shell:
            "regulens crop-bigwig --fasta {input.fasta:q} --windows {input.windows:q} --tracks {input.tracks:q}"
            " {params.folders} {params.blacklist} --split {wildcards.split} --shard {wildcards.shard}"
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
