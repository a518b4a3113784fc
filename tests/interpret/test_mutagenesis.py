"""Which bases are mutated, into what, and what the outcomes say about a score whose worth is known."""

import h5py
import numpy as np
import pytest
import torch
from score_files import write_scores

from regulens.core.errors import InputError
from regulens.core.kmers import token_ids
from regulens.interpret.mutagenesis import (
    RANDOM_SEQUENCE,
    UNMUTATED,
    classifier,
    mutagenesis,
    mutate,
    random_positions,
    read_outcomes,
    run_mutagenesis,
    sample_sequences,
    top_positions,
)
from regulens.interpret.settings import MutagenesisSettings
from regulens.models.bert import BertSettings, build_classifier, save_classifier

MOTIF = np.array([0, 2, 3, 3, 1, 0, 2, 1, 1, 3, 0, 2], np.uint8)
LENGTH = 200


def has_motif(codes: torch.Tensor) -> torch.Tensor:
    """1 where at least 10 of the motif's 12 bases are found somewhere, else 0."""
    return ((codes.unfold(1, 12, 1) == torch.from_numpy(MOTIF)).sum(2) >= 10).any(1).long()


@pytest.fixture
def planted():
    """60 sequences without and 60 with the motif, and a score that is 1 on its bases."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.array([0, 1], np.uint8), 60)
    codes = rng.integers(0, 4, (120, LENGTH), dtype=np.uint8)
    while (found := has_motif(torch.from_numpy(codes)).bool().numpy()).any():
        codes[found] = rng.integers(0, 4, (found.sum(), LENGTH))
    oracle = np.zeros(codes.shape, np.float32)
    starts = rng.integers(0, LENGTH - 12, 120)
    for row in range(120):
        where = slice(starts[row], starts[row] + 12)
        oracle[row, where] = 1
        if labels[row]:
            codes[row, where] = MOTIF
    return codes, labels, oracle


def ids(codes: np.ndarray) -> list[str]:
    return [f"s{row}" for row in range(len(codes))]


def correct_of(codes, labels, scores, changed):
    return mutagenesis(has_motif, ids(codes), codes, labels, scores, changed).correct


def settings(**changes) -> MutagenesisSettings:
    return MutagenesisSettings(**{"mutations": [1, 5, 12], "repeats": 4, "batch": 64} | changes)


def test_mutants_differ_in_exactly_the_given_bases():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (3000, 30), dtype=np.uint8)
    before = codes.copy()
    positions = random_positions(codes.shape, 7, rng)
    mutants = mutate(codes, positions, rng)
    changed = np.zeros(codes.shape, bool)
    np.put_along_axis(changed, positions, True, 1)
    assert mutants.dtype == np.uint8
    assert np.array_equal(mutants != codes, changed)
    assert np.array_equal(codes, before)
    assert (changed.sum(1) == 7).all()
    assert mutants.max() == 3
    # Each of the other three bases equally often, from every base; every position equally often.
    counts = np.array([np.bincount(mutants[changed & (codes == base)], minlength=4) for base in range(4)])
    assert np.allclose(counts / counts.sum(1, keepdims=True), (1 - np.eye(4)) / 3, atol=0.025)
    assert np.allclose(changed.mean(0), 7 / 30, atol=0.04)
    assert np.array_equal(mutate(codes, positions[:, :0], rng), codes)


def test_every_score_mutates_its_highest_bases(planted):
    codes, labels, oracle = planted
    seen = []

    def spy(batch):
        seen.append(batch.numpy())
        return has_motif(batch)

    outcomes = mutagenesis(spy, ids(codes), codes, labels, {"oracle": oracle, "random": oracle}, settings())
    result = outcomes.correct
    # 12 bases have the value 1: any fewer of them are a choice.
    assert {key: tied.mean() for key, tied in outcomes.tied.items()} == {
        ("oracle", 1): 1,
        ("oracle", 5): 1,
        ("oracle", 12): 0,
    }
    mutants = np.concatenate(seen).reshape(-1, *codes.shape)
    sizes = {key: len(correct) for key, correct in result.items()}
    assert sizes == {(UNMUTATED, 0): 1, (RANDOM_SEQUENCE, LENGTH): 4} | {
        (name, n): 4 for name in ("oracle", "random") for n in (1, 5, 12)
    }
    assert {len(batch) for batch in seen[:-1]} == {64}
    changed = np.split(mutants != codes, np.cumsum(list(sizes.values()))[:-1])
    for (name, n), where in zip(sizes, changed, strict=True):
        if name in ("oracle", "random"):
            assert (where.sum(2) == n).all()
        if name == "oracle":
            assert np.array_equal(where[0], where[-1])
            expected = np.sort(top_positions(oracle, ids(codes), n, "oracle", 1), axis=1)
            assert (expected == np.nonzero(where[0])[1].reshape(-1, n)).all()
        if name == "random":
            assert len(np.unique(np.packbits(where, axis=2).reshape(-1, 25), axis=0)) > 3.5 * len(codes) * min(n / 5, 1)
    assert not changed[0].any()
    random = mutants[-4:]
    assert np.allclose([(random == base).mean() for base in range(4)], 0.25, atol=0.01)
    assert np.isclose((random != codes).mean(), 0.75, atol=0.01)
    for key, found in zip(sizes, np.split(mutants, np.cumsum(list(sizes.values()))[:-1]), strict=True):
        expected = has_motif(torch.from_numpy(found.reshape(-1, LENGTH))).numpy().reshape(-1, len(codes)) == labels
        assert np.array_equal(result[key], expected)


def test_oracle_drops_a_planted_motif_and_random_hardly(planted):
    codes, labels, oracle = planted
    rng = np.random.default_rng(1)
    scores = {"oracle": oracle, "elsewhere": 1 - oracle, "random": rng.random(codes.shape)}
    result = correct_of(codes, labels, scores, settings(repeats=10))
    accuracy = {key: correct.mean() for key, correct in result.items()}
    assert accuracy[UNMUTATED, 0] == 1
    assert result["oracle", 1][:, labels == 1].mean() == 1  # two may differ
    assert accuracy["oracle", 12] == pytest.approx(0.5, abs=0.01)
    assert accuracy["elsewhere", 12] > 0.99
    assert 0.95 < accuracy["random", 12] < 1
    positive = result[RANDOM_SEQUENCE, LENGTH][:, labels == 1].mean()
    negative = result[RANDOM_SEQUENCE, LENGTH][:, labels == 0].mean()
    assert positive + negative == pytest.approx(1, abs=0.03)


def test_outcomes_do_not_depend_on_batch_order_or_company(planted):
    codes, labels, oracle = planted
    scores = {"oracle": oracle, "other": np.roll(oracle, 6, 1), "random": oracle}
    whole = correct_of(codes, labels, scores, settings(mutations=[3, 5]))
    assert 0 < whole["random", 5].mean() < 1
    assert 0 < whole["oracle", 5].mean() < 1
    for batch in (1, 7, 10_000):
        again = correct_of(codes, labels, scores, settings(mutations=[3, 5], batch=batch))
        assert all(np.array_equal(again[key], whole[key]) for key in whole)
    fewer = dict(reversed([item for item in scores.items() if item[0] != "oracle"]))
    alone = correct_of(codes, labels, fewer, settings(mutations=[5], repeats=2))
    assert [name for name, _ in alone] == [UNMUTATED, "random", "other", RANDOM_SEQUENCE]
    assert all(np.array_equal(alone[key], whole[key][: len(alone[key])]) for key in alone)
    other_seed = correct_of(codes, labels, scores, settings(mutations=[3, 5], seed=2))
    assert not np.array_equal(other_seed["random", 5], whole["random", 5])


def test_a_score_without_information_is_as_good_as_random(planted):
    """All bases equal, the motifs away from the start: the first bases would change nothing."""
    codes, labels, _ = planted
    positive = codes[labels == 1]
    starts = (torch.from_numpy(positive).unfold(1, 12, 1) == torch.from_numpy(MOTIF)).sum(2).argmax(1).numpy()
    codes = np.array([np.roll(row, 100 - start) for row, start in zip(positive, starts, strict=True)])
    assert has_motif(torch.from_numpy(codes)).all()
    scores = {"flat": np.zeros(codes.shape), "first": -np.arange(LENGTH) + np.zeros(codes.shape), "random": codes}
    result = correct_of(codes, np.ones(60), scores, settings(mutations=[60], repeats=20))
    assert result["first", 60].mean() == 1
    assert result["flat", 60].mean() == pytest.approx(result["random", 60].mean(), abs=0.08)
    assert result["random", 60].mean() < 0.5


def test_same_number_of_mutations_twice_is_computed_once(planted):
    codes, labels, oracle = planted
    result = correct_of(codes, labels, {"oracle": oracle}, settings(mutations=[5, 1, 5]))
    assert list(result) == [(UNMUTATED, 0), ("oracle", 5), ("oracle", 1), (RANDOM_SEQUENCE, LENGTH)]


def test_bad_input_is_named(planted):
    codes, labels, oracle = planted
    with pytest.raises(InputError, match="mutagenesis.mutations: cannot mutate 201 bases of sequences of 200 bp"):
        correct_of(codes, labels, {"oracle": oracle}, settings(mutations=[1, 201]))
    broken = oracle.copy()
    broken[[2, 5], 7] = np.nan
    with pytest.raises(InputError, match="lrp.h5: the score oracle is NaN in 2 sequences"):
        mutagenesis(has_motif, ids(codes), codes, labels, {"oracle": broken}, settings(), "lrp.h5")
    unknown = codes.copy()
    unknown[4, 4] = 4
    with pytest.raises(InputError, match="1 sequences have a base that is not A, C, G or T"):
        correct_of(unknown, labels, {"oracle": oracle}, settings())


def test_sample_takes_as_many_of_each_class_by_seed(capsys):
    labels = np.random.default_rng(0).integers(0, 2, 400)
    chosen = sample_sequences(labels, 50, 1)
    assert np.bincount(labels[chosen]).tolist() == [50, 50]
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, sample_sequences(labels, 50, 1))
    assert not np.array_equal(chosen, sample_sequences(labels, 50, 2))
    assert capsys.readouterr().err == ""
    few = np.array([1, 0, 0, 0, 0, 1])
    assert np.bincount(few[sample_sequences(few, 3, 1, "lrp.h5")]).tolist() == [3, 2]
    assert "lrp.h5: 2 sequences have label 1, all are used (3 requested)" in capsys.readouterr().err
    with pytest.raises(InputError, match="lrp.h5: no sequence has label 0"):
        sample_sequences(np.ones(4), 2, 1, "lrp.h5")


@pytest.fixture(scope="module")
def bert():
    torch.manual_seed(0)
    tiny = BertSettings(k=3, layers=1, hidden=8, heads=2, intermediate=16, positions=64, init_sd=1)
    model = build_classifier(tiny).eval()
    codes = torch.randint(0, 4, (500, 24), dtype=torch.uint8)
    with torch.no_grad():  # new weights may prefer one class: balance them
        logits = model(input_ids=token_ids(codes, 3)).logits
        model.classifier.bias[0] += (logits[:, 1] - logits[:, 0]).median()
    return tiny, model


@pytest.fixture
def bert_files(bert, tmp_path):
    """Scores and model of 40 sequences of 24 bp; half of the labels are those that the model predicts."""
    tiny, model = bert
    save_classifier(tmp_path / "model.ckpt", model, model.state_dict(), tiny, 24, task="toy", seed=3)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (40, 24), dtype=np.uint8)
    labels = rng.integers(0, 2, 40)
    with torch.no_grad():
        predicted = model(input_ids=token_ids(torch.from_numpy(codes), 3)).logits.argmax(1).numpy()
    assert 0.1 < predicted.mean() < 0.9
    scores = {"lrp": rng.random(codes.shape), "attention": rng.random(codes.shape), "random": rng.random(codes.shape)}
    return write_scores(tmp_path / "scores.h5", labels, codes, scores, predicted, k=3), tmp_path / "model.ckpt"


def test_run_writes_outcomes_of_the_model(bert, bert_files, tmp_path):
    scores, model = bert_files
    chosen = settings(mutations=[2], repeats=3, sequences_per_class=12)
    run_mutagenesis(scores, model, tmp_path / "outcomes.h5", chosen, accelerator="cpu")
    found = read_outcomes(tmp_path / "outcomes.h5")
    keys = [(UNMUTATED, 0), ("lrp", 2), ("attention", 2), ("random", 2), (RANDOM_SEQUENCE, 24)]
    assert list(found.correct) == keys
    assert found.scores == ["lrp", "attention", "random"]
    assert {key: values.shape for key, values in found.correct.items()} == {
        key: (1 if key[0] == UNMUTATED else 3, 24) for key in keys
    }
    assert np.bincount(found.labels).tolist() == [12, 12]
    # The same as the core functions with the model, sequence by sequence.
    with h5py.File(scores) as file:
        rows = [int(name[1:]) for name in found.ids]
        codes, labels, lrp = file["codes"][rows], file["label"][rows], file["scores/lrp"][rows]
        assert np.array_equal(found.labels, labels)
        assert np.array_equal(found.correct[UNMUTATED, 0][0], file["predicted"][rows] == labels)
    with h5py.File(tmp_path / "outcomes.h5") as file:
        assert dict(file.attrs) == {"task": "toy", "seed": 3, "k": 3}
    again = mutagenesis(classifier(bert[1], 3), found.ids, codes, labels, {"lrp": lrp}, chosen)
    assert np.array_equal(found.correct["lrp", 2], again.correct["lrp", 2])
    assert {key: tied.dtype for key, tied in found.tied.items()} == {("lrp", 2): bool, ("attention", 2): bool}


def test_scores_of_another_model_or_length_are_refused(bert, bert_files, tmp_path):
    scores, _ = bert_files
    tiny, model = bert
    weights = {name: tensor.flip(0) if "classifier" in name else tensor for name, tensor in model.state_dict().items()}
    save_classifier(tmp_path / "other.ckpt", model, weights, tiny, 24)
    with pytest.raises(InputError, match="scores.h5 and .*other.ckpt assign 24 of 24 sequences to different classes"):
        run_mutagenesis(scores, tmp_path / "other.ckpt", tmp_path / "out.h5", settings(sequences_per_class=12), "cpu")
    save_classifier(tmp_path / "longer.ckpt", model, model.state_dict(), tiny, 30)
    with pytest.raises(InputError, match="has sequences of 24 bp, the model .*longer.ckpt is for 30 bp"):
        run_mutagenesis(scores, tmp_path / "longer.ckpt", tmp_path / "out.h5", settings(), "cpu")
    assert not (tmp_path / "out.h5").exists()


def test_bf16_classifies_nearly_alike(bert):
    codes = torch.randint(0, 4, (500, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    exact, rounded = (classifier(bert[1], 3, precision)(codes) for precision in ("fp32", "bf16"))
    assert (exact != rounded).float().mean() < 0.05
