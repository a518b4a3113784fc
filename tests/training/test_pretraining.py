"""Masks of k-mers, the windows, and the pre-training task."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from regulens.core.errors import InputError
from regulens.core.kmers import MASK, UNK, kmer_ids, token_ids, vocabulary_size
from regulens.core.sequence import decode, encode
from regulens.core.settings import validated
from regulens.core.tensors import read_weight_file
from regulens.data.sequences import SequenceSet, write_sequences
from regulens.models.bert import BertSettings, build_classifier, build_masked_model
from regulens.training.batches import BLANK, uniform
from regulens.training.classification import ENCODER_KIND, initialise_from
from regulens.training.pretraining import (
    MaskedKmerTask,
    mask_kmers,
    masked_kmer_task,
    pretraining_windows,
    split_windows,
)
from regulens.training.settings import MaskedTrainingSettings, PretrainingSettings

SMALL = BertSettings(k=3, layers=1, hidden=16, heads=2, intermediate=32, positions=40)


def codes(number: int, length: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (number, length), dtype=np.uint8)


def masked(kmers: torch.Tensor, key: int = 7, fraction: float = 0.15, run: int = 6, k: int = 6):
    return mask_kmers(kmers, torch.arange(len(kmers)), key, fraction, run, vocabulary_size(k))


@pytest.fixture(scope="module")
def kmers():
    return kmer_ids(torch.from_numpy(codes(2000, 200)))


@pytest.fixture
def task():
    torch.manual_seed(1)
    return MaskedKmerTask(codes(40, 30), codes(12, 30, 2), SMALL, PretrainingSettings(), "pretraining")


def test_random_numbers_are_uniform_and_independent():
    index = torch.arange(300)
    draws = uniform(7, 0, index, 200)
    assert draws.dtype == torch.float64
    assert 0 <= draws.min() < draws.max() < 1
    counts = torch.histc(draws, 20, 0, 1)
    assert ((counts - 3000) ** 2 / 3000).sum() < 43.8  # chi squared with 19 degrees of freedom: p = 0.001
    others = [draws.roll(1, 0), draws.roll(1, 1), uniform(7, 1, index, 200), uniform(8, 0, index, 200)]
    for other in others:
        assert abs(np.corrcoef(draws.flatten(), other.flatten())[0, 1]) < 4 / 60000**0.5
    # A column is its own draw: a shorter sequence has the same numbers, and an index the same in any batch.
    assert torch.equal(uniform(7, 0, index[[5, 2]], 50), draws[[5, 2], :50])


def test_share_of_hidden_kmers_and_what_is_shown(kmers):
    shown, hidden = masked(kmers)
    # Some runs overlap: at least one of six centres is there with 1 - (1 - 0.025) ** 6 = 14.1 %.
    assert hidden.float().mean().item() == pytest.approx(1 - 0.975**6, abs=0.003)
    assert hidden.any(1).all()
    assert torch.equal(shown[~hidden], kmers[~hidden])
    shown, truth = shown[hidden], kmers[hidden]
    assert (shown == MASK).float().mean().item() == pytest.approx(0.8, abs=0.01)
    assert (shown == truth).float().mean().item() == pytest.approx(0.1, abs=0.01)
    other = shown[(shown != MASK) & (shown != truth)]
    assert len(other) / len(shown) == pytest.approx(0.1, abs=0.01)
    assert other.min() >= 5
    assert other.max() < 4101
    assert len(other.unique()) > 2000


@pytest.mark.parametrize(("run", "before", "behind"), [(6, 2, 3), (5, 2, 2), (3, 1, 1), (1, 0, 0)])
def test_runs_lie_around_their_centres_as_in_dnabert(kmers, run, before, behind):
    fraction = 0.02 * run
    hidden = masked(kmers, fraction=fraction, run=run).hidden
    draws = uniform(7, 0, torch.arange(len(kmers)), kmers.shape[1])
    expected = torch.zeros_like(hidden)
    for row, values in enumerate(draws):
        centres = torch.where(values <= max(0.02, values.min()))[0].tolist()
        for centre in centres:
            expected[row, max(0, centre - before) : centre + behind + 1] = True
    assert torch.equal(hidden, expected)


def test_each_run_hides_the_same_base_from_all_kmers_shown(kmers):
    _, hidden = masked(kmers)
    bases_seen = torch.zeros(len(kmers), 200, dtype=torch.bool)
    for place in range(6):
        bases_seen[:, place : place + 195] |= ~hidden
    inside = hidden[:, 20:-20]  # where no run is cut at an end
    for place in range(20, 175):
        # Every hidden k-mer has a base that no k-mer shown has.
        assert not bases_seen[hidden[:, place], place : place + 6].all(1).any()
    assert inside.any()


def test_masks_follow_the_key_and_the_index_alone(kmers):
    index = torch.tensor([3, 900, 12])
    one = mask_kmers(kmers[index], index, 7, 0.15, 6, 4101)
    whole = masked(kmers)
    assert torch.equal(one.shown, whole.shown[index])
    assert torch.equal(one.hidden, whole.hidden[index])
    assert not torch.equal(whole.hidden, masked(kmers, key=8).hidden)
    assert not torch.equal(whole.hidden[0], whole.hidden[1])


def test_unknown_kmers_are_not_predicted():
    sequences = torch.from_numpy(codes(50, 60))
    sequences[:, 20:30] = 4
    kmers = kmer_ids(sequences)
    shown, hidden = masked(kmers, fraction=0.9)
    assert (kmers == UNK).any()
    assert not (hidden & (kmers == UNK)).any()
    assert (shown[kmers == UNK] == UNK).all()


def test_losses_are_means_over_the_hidden_kmers_of_the_whole_model(task):
    task.eval()
    task.start_epoch(1, 0)
    batch = task.train_data.__getitems__([4, BLANK, 9])
    losses = task.training_losses(batch)
    kmers = kmer_ids(batch.codes, 3)
    shown, hidden = mask_kmers(kmers, batch.index, task.train_key, 0.15, 3, 69)
    tokens = token_ids(batch.codes, 3)
    tokens[:, 1:-1] = shown
    logits = task.model(tokens).logits[:, 1:-1]
    for row in (0, 2):
        expected = cross_entropy(logits[row][hidden[row]], kmers[row][hidden[row]])
        assert losses[row].item() == pytest.approx(expected.item(), rel=1e-5)
    assert losses.dtype == torch.float32
    assert losses[1] == 0
    right = (logits.argmax(2) == kmers)[hidden]
    task._losses(batch, task.train_key)
    assert task._losses(batch, task.train_key)[1].tolist() == right.float().tolist()


def test_masks_are_new_in_every_epoch_and_fixed_for_validation(task):
    task.eval()
    batch = task.train_data.__getitems__(list(range(12)))
    losses, valid = [], []
    for seed, epoch in ((1, 0), (1, 1), (2, 0), (1, 0)):
        task.start_epoch(seed, epoch)
        task.reset_scores()
        with torch.inference_mode():
            losses.append(task.training_losses(batch))
            valid.append((task.validation_losses(batch).sum().item(), task.score_values()["accuracy"]))
    assert torch.equal(losses[0], losses[3])
    assert not torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert len(set(valid)) == 1


def test_accuracy_pools_batches_and_leaves_blanks_out(task):
    task.eval()
    with torch.inference_mode():
        whole = task._losses(task.valid_data.__getitems__(list(range(12))), task.valid_key)[1]
        for indices in ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11, BLANK], [BLANK]):
            task.validation_losses(task.valid_data.__getitems__(indices))
    assert task.score_values()["accuracy"] == pytest.approx(whole.mean().item())


def test_it_learns_windows_that_are_all_alike_and_saves_the_encoder(tmp_path):
    torch.manual_seed(1)
    windows = np.stack([encode("ACGGT" * 6)] * 40)
    task = MaskedKmerTask(windows, windows[:5], SMALL, PretrainingSettings(), "pretraining")
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=1e-2)
    for epoch in range(30):
        task.start_epoch(1, epoch)
        optimiser.zero_grad()
        task.training_losses(task.train_data.__getitems__(list(range(40)))).mean().backward()
        optimiser.step()
    task.eval()
    with torch.inference_mode():
        task.validation_losses(task.valid_data.__getitems__(list(range(5))))
    assert task.score_values()["accuracy"] > 0.9

    path = tmp_path / "encoder.ckpt"
    task.save(path, task.model.state_dict(), seed=1, epoch=30)
    content = read_weight_file(path)
    assert (content["kind"], content["epoch"], content["length_bp"]) == (ENCODER_KIND, 30, 30)
    assert all(name.startswith("bert.") for name in content["state_dict"])
    model = build_classifier(SMALL).eval()
    initialise_from(model, path)
    tokens = token_ids(torch.from_numpy(windows[:2]), 3)
    with torch.inference_mode():
        found = model.bert(tokens).last_hidden_state
        assert torch.equal(found, task.model.bert(tokens).last_hidden_state)


def test_windows_tile_contigs_and_leave_n_out(tmp_path):
    first, second = codes(1, 95, 3)[0], codes(1, 19, 4)[0]
    first[20:22] = 4  # 10 % of the second window
    first[45:48] = 4  # 15 % of the third
    fasta = tmp_path / "genome.fa"
    fasta.write_text(f">one\n{decode(first).lower()}\n>two\n{decode(second)}\n")
    windows = pretraining_windows([fasta], [], 20, None, 1)
    assert np.array_equal(windows, first[:80].reshape(4, 20)[[0, 1, 3]])
    assert windows.dtype == np.uint8

    table = tmp_path / "train.tsv"
    write_sequences(table, SequenceSet(list("abcd"), np.array([0, 1, 0, 1], np.uint8), codes(4, 20, 5)))
    both = pretraining_windows([fasta], [table], 20, None, 1)
    assert {row.tobytes() for row in both} == {row.tobytes() for row in (*windows, *codes(4, 20, 5))}
    few = pretraining_windows([fasta], [table], 20, 3, 1)
    assert len(few) == 3
    assert {row.tobytes() for row in few} < {row.tobytes() for row in both}
    assert np.array_equal(few, pretraining_windows([fasta], [table], 20, 3, 1))
    assert not np.array_equal(few, pretraining_windows([fasta], [table], 20, 3, 2))
    with pytest.raises(InputError, match=r"train\.tsv: sequences of 20 bp where pre-training has 19"):
        pretraining_windows([fasta], [table], 19, None, 1)
    with pytest.raises(InputError, match=r"1 windows of 90 bp for pre-training in .*genome\.fa: give more sequences"):
        pretraining_windows([fasta], [], 90, None, 1)


def test_windows_are_split_with_the_seed():
    windows = codes(100, 20)
    train, valid = split_windows(windows, 0.1, 1)
    assert (len(train), len(valid)) == (90, 10)
    assert {row.tobytes() for row in (*train, *valid)} == {row.tobytes() for row in windows}
    assert np.array_equal(valid, split_windows(windows, 0.1, 1)[1])
    assert not np.array_equal(valid, split_windows(windows, 0.1, 2)[1])
    assert [len(part) for part in split_windows(windows[:2], 0.01, 1)] == [1, 1]


def test_the_factory_and_the_identity(tmp_path):
    fasta, table = tmp_path / "genome.fa", tmp_path / "train.tsv"
    fasta.write_text(f">one\n{decode(codes(1, 900, 3)[0])}\n")
    write_sequences(table, SequenceSet(list("abcd"), np.array([0, 1, 0, 1], np.uint8), codes(4, 30, 5)))

    def identity(length: int = 30, bert: BertSettings = SMALL, **settings) -> tuple[int, str]:
        torch.manual_seed(1)
        with masked_kmer_task([fasta], [table], bert, PretrainingSettings(**settings), length) as task:
            return len(task.train_data) + len(task.valid_data), str(task.identity())

    assert identity() == identity()
    assert identity()[0] == 34
    assert identity(fasta=["x"], training_sequences=False)[0] == 30
    assert identity(max_windows=8)[0] == 8
    changes = [{}, {"mask_fraction": 0.2}, {"mask_run": 5}, {"seed": 2}, {"valid_fraction": 0.2}, {"max_windows": 8}]
    assert len({identity(**change)[1] for change in changes}) == len(changes)
    with pytest.raises(InputError, match="set positions to 59 or more"):
        identity(60, SMALL.model_copy(update={"positions": 40, "k": 4}))


def test_settings():
    with pytest.raises(InputError, match="no training data"):
        validated(PretrainingSettings, {"training_sequences": False})
    assert MaskedTrainingSettings().schedule == "linear"
    with pytest.raises(InputError, match="select: unknown value"):
        validated(MaskedTrainingSettings, {"select": "auroc"})


def test_the_model_has_huggingfaces_names_and_one_embedding():
    model = build_masked_model(SMALL)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert model.bert.pooler is None
