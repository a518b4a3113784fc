"""From the settings of a motif simulation to its file: the matrices come from JASPAR, the rest from `regulens.data`."""

from pathlib import Path

from regulens.data.motif_background import choose_background
from regulens.data.motif_grammar import both_strands, simulate_binding_sites, simulate_regulatory_code
from regulens.data.motif_grammar_settings import CODE_BACKGROUND, LOOK_ALIKES, BindingSites, RegulatoryCode
from regulens.data.motif_sequences import MotifSequences, write_motif_sequences
from regulens.motifs.jaspar import load_targets
from regulens.motifs.matrices import PositionWeightMatrix, load_matrices


def write_simulation(settings: BindingSites | RegulatoryCode, output: Path | str) -> MotifSequences:
    """Simulate the configured data set and write it to ``output``; returns it.

    Raises `InputError` for a release or a matrix that is not there, and what the simulation raises.
    """
    data = simulate(settings)
    write_motif_sequences(output, data, settings.model_dump_json())
    return data


def simulate(settings: BindingSites | RegulatoryCode) -> MotifSequences:
    """The configured data set; raises as `write_simulation` does."""
    if isinstance(settings, BindingSites):
        return simulate_binding_sites(settings, load_matrices(settings.motifs, settings.release))
    core = load_matrices(settings.core, settings.release)
    return simulate_regulatory_code(settings, core, background_matrices(settings, list(core.values())))


def background_matrices(settings: RegulatoryCode, core: list[PositionWeightMatrix]) -> list[PositionWeightMatrix]:
    """What negative sequences have besides the core motifs: ``settings.background`` with its strands."""
    if settings.background == "paper":
        library = [target.motif.matrix for target in load_targets(settings.release, "CORE", "vertebrates")]
        return choose_background(core, library, settings.background_motifs, settings.max_similarity, settings.seed)
    dropped = LOOK_ALIKES if settings.background == "fixed" else ()
    names = {name: matrix for name, matrix in CODE_BACKGROUND.items() if name not in dropped}
    return both_strands(load_matrices(names, settings.release).values())
