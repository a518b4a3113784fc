# Helpers of the report page, which shows what rules mark with report(...) among the files requested by the studies.
import hashlib
from importlib.resources import files as package_files

from snakemake.io import get_flag_value, is_flagged
from snakemake.io import strip_wildcard_constraints

# Whether there is something to choose from.
EXPLORES = CONFIG.explorer is not None and bool(
    CONFIG.genomic_interpreter
    or (CONFIG.dnabert_lrp and CONFIG.dnabert_lrp.explained_tasks)
)


def project_path(file):
    """Path of a file of the workflow relative to the working folder, so that it is the same in every run."""
    return os.path.relpath(file.get_path_or_uri(secret_free=True))


def marked_outputs(rule):
    """Outputs of a rule that are marked for the report."""
    return [path for path in rule.output if is_flagged(path, "report")]


def page_studies(wildcards):
    """Studies on a page: the one in its name, or all."""
    return [wildcards.study] if "study" in wildcards.keys() else CONFIGURED


def shown_rules(studies):
    """Rules with marked outputs, by the study that requests them, each with its requested wildcards."""
    marked = [rule for rule in workflow.rules if marked_outputs(rule)]
    found = {}
    for study in studies:
        for path in getattr(rules, study).input:
            maker = next((rule for rule in marked if rule.is_producer(path)), None)
            if maker:
                wanted = found.setdefault((study, maker), [])
                wildcards = dict(maker.get_wildcards(path).items())
                if wildcards not in wanted:
                    wanted.append(wildcards)
    return found


def shown_rule(study, rule, wildcards):
    """Description of a rule for the page."""
    mark = get_flag_value(marked_outputs(rule)[0], "report")
    return {
        "study": study,
        "rule": rule.name,
        "caption": project_path(mark.caption),
        "message": MESSAGES[rule.name] or "",
        "labels": mark.labels,
        "shown": [strip_wildcard_constraints(path) for path in marked_outputs(rule)],
        "outputs": [strip_wildcard_constraints(path) for path in rule.output],
        "wildcards": wildcards,
    }


def page_files(wildcards):
    """Every figure and table of the page, and the captions."""
    files = []
    for (study, rule), wanted in shown_rules(page_studies(wildcards)).items():
        shown = shown_rule(study, rule, wanted)
        files.append(shown["caption"])
        files += [path.format(**values) for path in shown["shown"] for values in wanted]
    return sorted(set(files))


def page_of(studies):
    """Settings of the page: its rules, and the configuration of every study."""
    wanted = shown_rules(studies).items()
    return {
        "run": CONFIG.run,
        "folder": RESULTS,
        "studies": {study: SETTINGS[study] for study in studies},
        "rules": [shown_rule(study, rule, values) for (study, rule), values in wanted],
        "explorer": EXPLORES,
    }


def page_settings(wildcards):
    """JSON of everything that the page shows of its studies; a parameter of the rule."""
    return json.dumps(page_of(page_studies(wildcards)))


def explored_runs(option, template, pairs, wildcard="model"):
    """The file of each model (or task) and seed, for the explorer: option of its command, what comes before the path, path."""
    paths = files(template, pairs, wildcard)
    return [
        (option, f"{name}:{seed}=", path)
        for (name, seed), path in zip(pairs, paths, strict=True)
    ]


def rebuild_command(wildcards):
    """Command that makes a file again when its path is appended."""
    words = ["snakemake", "--cores", "all"]
    configfiles = workflow.config_settings.configfiles
    if configfiles:
        words += ["--configfile", *[os.path.relpath(path) for path in configfiles]]
    return shlex.join([*words, "--force"])


def page_texts():
    """Hash of the templates and texts of the page; a parameter of the rule."""
    package = package_files("regulens.report")
    texts = [*package.iterdir(), *(package / "templates").iterdir()]
    kept = [text for text in texts if text.is_file() and not text.name.endswith(".py")]
    contents = [text.read_bytes() for text in sorted(kept, key=lambda text: text.name)]
    return hashlib.sha256(b"".join(contents)).hexdigest()[:12]
