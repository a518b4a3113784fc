"""Coverage files of one's own are inputs, each for itself."""

import os
import shutil
import time

from .conftest import planned, run_snakemake


def test_crops_follow_the_files_that_the_track_table_names(tiny, tmp_path, changed_config):
    shutil.copytree(tiny / "results/tiny/simulated_genome", tmp_path / "own")
    data = {"fasta": "genome.fa", "windows": "windows.bed", "tracks": "targets.tsv", "coverage": "coverage"}
    changes = {f"genomic_interpreter.data.{key}": f"own/{name}" for key, name in data.items()}
    changes |= {"genomic_interpreter.data.route": "bigwig", "genomic_interpreter.data.shards.train": 1}
    others = "dnabert_lrp", "hybrid_networks", "sequence_to_function"
    config = changed_config(changes, ("genomic_interpreter.data.simulation", *others))
    target = "results/tiny/genomic_interpreter/data/test.h5"
    done = run_snakemake(tmp_path, config, target)
    assert done.returncode == 0, done.stderr[-4000:]
    assert planned(run_snakemake(tmp_path, config, "--dry-run", target)) == {}

    (tmp_path / "own/coverage/notes.txt").write_text("beside the coverage")
    assert planned(run_snakemake(tmp_path, config, "--dry-run", target)) == {}

    first, second, *_ = sorted((tmp_path / "own/coverage").glob("*.bw"))
    shutil.copyfile(second, first)
    os.utime(first, (time.time() + 2,) * 2)
    assert "crop_bigwig" in planned(run_snakemake(tmp_path, config, "--dry-run", target))
