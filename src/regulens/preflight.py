"""What a run needs before its first job."""

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import chain

from regulens.config import Config
from regulens.config.dnabert_lrp import DnabertLrp
from regulens.config.genomic_interpreter import GenomicInterpreter, SimulatedData, TfrecordData
from regulens.config.hybrid_networks import TASKS
from regulens.data.sequence_settings import CoordinateSequences, SimulatedSequences, coordinate_tables
from regulens.preflight_cluster import GpuRequest, cluster_problems
from regulens.preflight_files import bucket_problems, disk_problems, file_problems, mirror_problems
from regulens.sources import find_source


def needed_sources(config: Config) -> list[str]:
    """Names of all files that the run downloads."""
    studies = (config.genomic_interpreter, _assay_files), (config.dnabert_lrp, _sequence_files)
    names = chain.from_iterable(files(study) for study, files in studies if study)
    return [name for name in dict.fromkeys(names) if name and find_source(config.sources, name)]


def _assay_files(study: GenomicInterpreter) -> list[str | None]:
    data = study.data
    names = [getattr(data, key, None) for key in ("windows", "tracks", "statistics", "fasta")] + [data.crop.blacklist]
    if isinstance(data, TfrecordData):
        shards = ((split, shard) for split, count in data.shards.items() for shard in range(count))
        names += [data.tfrecords.replace("{split}", split).replace("{shard}", str(i)) for split, i in shards]
    return names


def _sequence_files(study: DnabertLrp) -> list[str | None]:
    names = [study.model.weights, *(study.pretraining.data.fasta if study.pretraining else [])]
    for task in study.tasks.values():
        names += [getattr(task.data, key, None) for key in ("fasta", "table", "sites")]
        if isinstance(task.data, CoordinateSequences):
            names += coordinate_tables(task.data.coordinates).values()
    return names


def problems(config: Config, requests: Iterable[GpuRequest] = (), conda: bool = False) -> list[str]:
    """Everything that is known to be missing, each with its remedy; empty when the run can start.

    ``requests``: GPUs that jobs ask a SLURM cluster for. ``conda``: rules bring their own programs.
    """
    if found := mirror_problems(config):
        return found  # all else depends on it
    names = needed_sources(config)
    return [
        *bucket_problems(config, names),
        *disk_problems(config, names),
        *file_problems(config),
        *motif_problems(config, conda),
        *cluster_problems(config, list(requests)),
    ]


def motif_problems(config: Config, conda: bool = False) -> list[str]:
    """JASPAR releases that are not installed, and engines of motif comparison that are not there."""
    releases, engines = {}, {}
    if (assay := config.genomic_interpreter) and isinstance(assay.data, SimulatedData):
        releases["genomic_interpreter.data.simulation.release"] = assay.data.simulation.release
    if lrp := config.dnabert_lrp:
        for name, task in lrp.tasks.items():
            if isinstance(task.data, SimulatedSequences):
                releases[f"dnabert_lrp.tasks.{name}.data.simulation.release"] = task.data.simulation.release
        releases["dnabert_lrp.motifs.comparison.release"] = lrp.motifs.comparison.release
        engines["dnabert_lrp.motifs.comparison.engine"] = lrp.motifs.comparison.engine
    if hybrid := config.hybrid_networks:
        releases |= {f"hybrid_networks.{name}.data.release": hybrid.task(name).data.release for name in TASKS}
        releases["hybrid_networks.comparison.release"] = hybrid.comparison.release
        engines["hybrid_networks.comparison.engine"] = hybrid.comparison.engine
    return _release_problems(releases) + ([] if conda else _engine_problems(engines))


def _release_problems(releases: dict[str, str]) -> list[str]:
    if not releases:
        return []
    from pyjaspar import JASPAR_LATEST_RELEASE, jaspardb  # opens a database of every release on import

    known = jaspardb(release=JASPAR_LATEST_RELEASE).get_releases()
    return [
        f"{key}: JASPAR release {release!r} is not installed: choose one of {', '.join(sorted(known))}"
        for key, release in releases.items()
        if release not in known
    ]


def _engine_problems(engines: dict[str, str]) -> list[str]:
    from regulens.motifs.tomtom_meme import find_tomtom

    tomtom, memelite = find_tomtom(), find_spec("memelite")
    found = []
    for key, engine in engines.items():
        if engine == "meme" and not tomtom:
            found.append(
                f"{key}: meme needs the program tomtom of the MEME Suite, which is not on the PATH: install it (conda: "
                f"envs/meme.yaml), run with --sdm conda, or set {key}: memelite"
            )
        elif (engine == "memelite" or not tomtom) and not memelite:
            found.append(f"{key}: neither tomtom nor memelite is installed: pip install memelite")
    return found
