# memelite's Tomtom, used by two studies to compare motifs if the MEME Suite is not installed.
MEMELITE = f"{RESULTS}/memelite.txt"


rule compile_memelite:
    output:
        MEMELITE,
    conda:
        "../../envs/meme.yaml"
    resources:
        engine="memelite" if "memelite" in motif_engines() else "auto",
    params:
        # Not compiled again when other code changes.
        code=None,
    message:
        "Compile memelite's Tomtom (a minute or two, once for an environment)"
    shell:
        "regulens compile-memelite --engine {resources.engine} --output {output:q} 2> {log:q}"
