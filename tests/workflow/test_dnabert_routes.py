"""Ways into the DNABERT study that the tiny configuration does not take: coordinates, known sites, a checkpoint."""

import shutil

import numpy as np
import pandas as pd

from regulens.data.sequences import read_sequences
from regulens.models.bert import load_classifier

from .conftest import planned, run_snakemake
from .enhancers import MOTIF

STUDY = "dnabert_lrp"


def write_genome(folder) -> str:
    """A genome of one contig, and coordinates of its windows: 40 train and 20 test windows of 70 bp a class."""
    genome = "".join(np.random.default_rng(2).choice(list("ACGT"), 9000))
    (folder / "genome.fa").write_text(f">chr1\n{genome}\n")
    starts = iter(range(0, 9000, 75))
    for split, number in (("train", 40), ("test", 20)):
        for name in ("positive", "negative"):
            rows = [(i, "chr1", start, start + 70, "+") for i, start in zip(range(number), starts, strict=False)]
            table = pd.DataFrame(rows, columns=["id", "region", "start", "end", "strand"])
            table.to_csv(folder / f"{split}.{name}.csv", index=False)
    return genome


def test_coordinates_and_a_genome_to_pretrain_on(folder, changed_config):
    genome = write_genome(folder)
    data = {"route": "coordinates", "fasta": "genome.fa", "coordinates": "{split}.{class}.csv", "length_bp": 60}
    config = changed_config(
        {
            f"{STUDY}.tasks.promoters.data": data,
            f"{STUDY}.pretraining.data": {"fasta": ["genome.fa"], "training_sequences": False},
        }
    )
    out = f"results/tiny/{STUDY}"
    done = run_snakemake(folder, config, f"{out}/data/promoters/test.tsv", f"{out}/pretraining/encoder.ckpt")
    assert done.returncode == 0, done.stderr[-3000:]
    test = read_sequences(folder / out / "data/promoters/test.tsv")
    assert np.bincount(test.labels).tolist() == [20, 20]
    assert "".join("ACGT"[code] for code in test.codes[0]) == genome[6000:6060]
    # 150 windows of 60 bp of the genome, and no job for the sequences of the tasks.
    assert "sequences_from_table" not in planned(done)
    log = pd.read_csv(folder / out / "pretraining/log.csv")
    assert len(log) == 1
    assert (folder / out / "pretraining/encoder.ckpt").stat().st_size > 0


def test_known_sites_of_ones_own_sequences(folder, changed_config):
    lines = (folder / "enhancers.tsv").read_text().splitlines()[1:]
    sites = [(f"line_{i}", line.index(MOTIF), MOTIF) for i, line in enumerate(lines, 2) if MOTIF in line]
    text = "".join(f"{name}\t{start}\t{start + len(motif)}\tGATA\t+\n" for name, start, motif in sites)
    (folder / "sites.tsv").write_text("id\tstart\tend\tmotif\tstrand\n" + text)
    config = changed_config({f"{STUDY}.tasks.enhancers.data.sites": "sites.tsv"})
    jobs = planned(run_snakemake(folder, config, "--dry-run", STUDY))
    assert (jobs["sequences_from_table_with_sites"], jobs["score_truth"]) == (1, 2)
    assert "sequences_from_table" not in jobs
    data = f"results/tiny/{STUDY}/data/enhancers"
    done = run_snakemake(folder, config, f"{data}/sites.tsv")
    assert done.returncode == 0, done.stderr[-3000:]
    found = pd.read_csv(folder / data / "sites.tsv", sep="\t")
    sets = [read_sequences(folder / data / f"{split}.tsv") for split in ("train", "valid", "test")]
    text = {
        name: "".join("ACGT"[base] for base in row)
        for one in sets
        for name, row in zip(one.ids, one.codes, strict=True)
    }
    assert len(found) == sum(int(one.labels.sum()) for one in sets)
    assert set(found["role"]) == {"positive"}
    for site in found.itertuples():
        assert text[site.id][site.start : site.end] == MOTIF


def test_files_of_each_class_with_a_known_place_and_a_grouped_split(folder, changed_config):
    lines = (folder / "enhancers.tsv").read_text().splitlines()[1:]
    texts = list(dict.fromkeys(text for line in lines for text in line.split("\t") if len(text) > 50))
    (folder / "bound.txt").write_text("\n".join(texts[::2]))
    (folder / "other.fa").write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(texts[1::2])))
    data = {"route": "class_files", "positive": "bound.txt", "negative": "other.fa", "split": "grouped"}
    data |= {"length_bp": 60, "valid_fraction": 0.2, "places": {"here": [10, 20]}}
    config = changed_config({f"{STUDY}.tasks.enhancers.data": data})
    jobs = planned(run_snakemake(folder, config, "--dry-run", STUDY))
    assert (jobs["sequences_from_class_files"], jobs["score_truth"]) == (1, 2)
    assert jobs["dnabert_lrp_relevance_by_position"] == 1
    tables = f"results/tiny/{STUDY}/data/enhancers"
    done = run_snakemake(folder, config, f"{tables}/sites.tsv", f"results/tiny/{STUDY}/data_card.md")
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(pd.read_csv(folder / tables / "sites.tsv", sep="\t")["start"]) == {10}
    card = (
        pd.read_csv(folder / f"results/tiny/{STUDY}/data_card.csv").set_index(["task", "split", "class"]).sort_index()
    )
    assert card.loc[("enhancers", "valid"), "overlapping"].tolist() == [0, 0]
    assert card.loc[("enhancers", "test"), "overlapping"].tolist() == [0, 0]


def test_a_checkpoint_skips_fine_tuning(tiny, lrp, changed_config):
    source = tiny / "adopted.ckpt"
    shutil.copy(lrp / "models/promoters/seed1/model.ckpt", source)
    changes = {"run": "adopted", f"{STUDY}.tasks.promoters.checkpoint": str(source), f"{STUDY}.seeds": [1, 2]}
    config = changed_config(changes)
    jobs = planned(run_snakemake(tiny, config, "--dry-run", STUDY))
    # The same weights for every seed: one row, no standard deviation.
    assert (jobs["adopt_classifier"], jobs["fine_tune"], jobs["classify"]) == (1, 2, 3)
    target = f"results/adopted/{STUDY}/models/promoters/seed1/model.ckpt"
    done = run_snakemake(tiny, config, target)
    assert done.returncode == 0, done.stderr[-3000:]
    model, content = load_classifier(tiny / target)
    assert content["adopted_from"] == str(source)
    expected = load_classifier(source)[0].state_dict()
    assert all(bool((expected[name] == tensor).all()) for name, tensor in model.state_dict().items())

    changes |= {"run": "both_adopted", f"{STUDY}.tasks.enhancers.checkpoint": str(source)}
    jobs = planned(run_snakemake(tiny, changed_config(changes, (f"{STUDY}.pretraining",)), "--dry-run", STUDY))
    assert jobs["adopt_classifier"] == 2
    assert not {"fine_tune", "pretrain", "dnabert_lrp_fine_tuning_curves"} & set(jobs)
