"""Substituted bases, hidden k-mers and windows of training sequences."""

import pytest
import torch

from regulens.core.kmers import CLS, MASK, SEP, UNK, kmer_ids, token_ids
from regulens.models.bert import BertSettings, build_classifier
from regulens.training.batches import BLANK
from regulens.training.classification import SequenceBatch, augmented_input, plain_input
from regulens.training.settings import SequenceAugmentation

K, LENGTH, KEY = 6, 200, 7
ALL = SequenceAugmentation(substitute=0.05, mask_kmers=0.2, crop_bp=50)


@pytest.fixture(scope="module")
def batch():
    random = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 4, (2000, LENGTH), generator=random, dtype=torch.uint8)
    return SequenceBatch(torch.arange(2000), codes, torch.zeros(2000, dtype=torch.int64))


def augmented(batch, key=KEY, **settings):
    return augmented_input(batch, SequenceAugmentation(**settings), key, K)


def changed_bases(tokens: torch.Tensor, batch: SequenceBatch) -> torch.Tensor:
    """How many steps further in A, T, C, G the first base of each k-mer is, int64 (batch, kmers); 0: not changed."""
    first, before = ((each - 5) // 4 ** (K - 1) for each in (tokens[:, 1:-1], kmer_ids(batch.codes, K)))
    return (first - before) % 4


def runs_of(hidden: list[bool]) -> list[tuple[int, int]]:
    """First and last k-mer of every run."""
    places = [i for i, value in enumerate(hidden) if value]
    starts = [i for i in places if i - 1 not in places]
    return list(zip(starts, [i for i in places if i + 1 not in places], strict=True))


def test_nothing_happens_without_augmentation(batch):
    tokens, visible = augmented(batch)
    assert torch.equal(tokens, token_ids(batch.codes, K))
    assert visible is None
    plain = plain_input(batch.codes, K)
    assert torch.equal(plain.input_ids, tokens)
    assert plain.attention_mask is None


def test_half_of_the_sequences_are_reverse_complemented(batch):
    tokens, _ = augmented(batch, reverse_complement=True)
    forward = (tokens == token_ids(batch.codes, K)).all(1)
    reverse = (tokens == token_ids(3 - batch.codes.flip(1), K)).all(1)
    assert (forward ^ reverse).all()
    assert reverse.float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert not torch.equal(tokens, augmented(batch, KEY + 1, reverse_complement=True)[0])
    unknown = batch._replace(codes=torch.full_like(batch.codes, 4))
    assert (augmented(unknown, reverse_complement=True)[0][:, 1:-1] == UNK).all()


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_share_of_substituted_bases_and_their_alternatives(batch, share):
    given = batch.codes.clone()
    tokens, visible = augmented(batch, substitute=share)
    steps = changed_bases(tokens, batch)
    assert (steps > 0).float().mean().item() == pytest.approx(share, abs=0.003)
    for step in (1, 2, 3):
        assert (steps == step).float().mean().item() == pytest.approx(share / 3, abs=0.002)
    # Neighbours agree on the bases they share: the tokens are those of a sequence.
    numbers = tokens[:, 1:-1] - 5
    assert torch.equal(numbers[:, :-1] % 4 ** (K - 1), numbers[:, 1:] // 4)
    assert visible is None
    assert torch.equal(batch.codes, given)


def test_bases_that_are_unknown_stay_unknown(batch):
    codes = batch.codes[:50].clone()
    codes[:, 20:30] = 4
    tokens, _ = augmented(SequenceBatch(batch.index[:50], codes, batch.label[:50]), substitute=0.9)
    assert torch.equal(tokens == UNK, token_ids(codes, K) == UNK)


@pytest.mark.parametrize("share", [0.12, 0.5])
def test_share_of_hidden_kmers_is_the_same_at_every_place(batch, share):
    tokens, visible = augmented(batch, mask_kmers=share)
    hidden = tokens[:, 1:-1] == MASK
    expected = 1 - (1 - share / K) ** K  # with the overlaps of runs
    assert hidden.float().mean().item() == pytest.approx(expected, abs=0.005)
    noise = (expected * (1 - expected) / len(tokens)) ** 0.5
    assert (hidden.float().mean(0) - expected).abs().max() < 4.5 * noise
    assert torch.equal(tokens[:, 1:-1][~hidden], kmer_ids(batch.codes, K)[~hidden])
    assert (tokens[:, 0] == CLS).all()
    assert (tokens[:, -1] == SEP).all()
    assert visible is None


def test_hidden_kmers_are_adjacent(batch):
    hidden = augmented(batch, mask_kmers=0.12).input_ids[:200, 1:-1] == MASK
    lengths = [
        last - first + 1
        for row in hidden.tolist()
        for first, last in runs_of(row)
        if first > 0 and last < len(row) - 1  # others are cut at an end of the sequence
    ]
    assert min(lengths) == K
    assert lengths.count(K) > 0.7 * len(lengths)
    assert len(lengths) > 300


def test_window_is_a_run_of_any_length_at_any_place(batch):
    tokens, visible = augmented(batch, crop_bp=50)
    assert torch.equal(tokens, token_ids(batch.codes, K))
    assert visible.dtype == torch.bool
    assert visible[:, [0, -1]].all()
    kmers = visible[:, 1:-1]
    windows = [runs_of(row) for row in kmers.tolist()]
    assert all(len(window) == 1 for window in windows)
    cut = torch.tensor([kmers.shape[1] - (last - first + 1) for ((first, last),) in windows])
    before = torch.tensor([first for ((first, _),) in windows])
    counts = torch.bincount(cut, minlength=51)
    assert len(counts) == 51
    assert ((counts - 2000 / 51) ** 2 / (2000 / 51)).sum() < 86.7  # chi squared, 50 degrees of freedom: p = 0.001
    assert (before == 0).any()
    assert (before == cut).any()
    assert before.float().mean().item() == pytest.approx(12.5, abs=1)  # half of the mean cut
    assert abs(torch.corrcoef(torch.stack((before / cut, cut.float()))[:, cut > 0])[0, 1]) < 0.1


def test_the_model_sees_the_window_at_its_place_and_nothing_else(batch):
    torch.manual_seed(1)
    settings = BertSettings(layers=2, hidden=16, heads=2, intermediate=32, positions=LENGTH, init_sd=0.5)
    model = build_classifier(settings).eval()
    few = SequenceBatch(*(values[:6] for values in batch))
    tokens, visible = augmented(few, crop_bp=150)
    with torch.no_grad():
        found = model(input_ids=tokens, attention_mask=visible).logits
        for row in range(6):
            places = visible[row].nonzero()[:, 0]
            alone = model(input_ids=tokens[row : row + 1, places], position_ids=places[None]).logits[0]
            assert torch.allclose(found[row], alone, atol=1e-5)
        assert not torch.allclose(found, model(input_ids=tokens).logits, atol=1e-3)


def test_a_window_of_one_kmer_is_the_shortest(batch):
    visible = augmented(batch, crop_bp=LENGTH - K).attention_mask
    assert visible[:, 1:-1].sum(1).min() == 1


def test_draws_belong_to_the_epoch_and_the_example_whatever_the_batch(batch):
    whole = augmented_input(batch, ALL, KEY, K)
    index = torch.tensor([3, 900, 12, BLANK])
    part = augmented_input(SequenceBatch(index, batch.codes[index], batch.label[index]), ALL, KEY, K)
    assert torch.equal(part.input_ids[:3], whole.input_ids[index[:3]])
    assert torch.equal(part.attention_mask[:3], whole.attention_mask[index[:3]])
    other = augmented_input(batch, ALL, KEY + 8, K)
    assert not torch.equal(other.input_ids, whole.input_ids)
    assert not torch.equal(other.attention_mask, whole.attention_mask)
    one = SequenceBatch(batch.index[:2], batch.codes[:1].expand(2, -1), batch.label[:2])
    one = augmented_input(one, ALL, KEY, K)
    assert not torch.equal(one.input_ids[0], one.input_ids[1])


def test_one_kind_does_not_change_the_draws_of_another(batch):
    whole = augmented_input(batch, ALL, KEY, K)
    hidden = augmented(batch, mask_kmers=0.2).input_ids == MASK
    assert torch.equal(whole.input_ids == MASK, hidden)
    substituted = augmented(batch, substitute=0.05).input_ids
    assert torch.equal(whole.input_ids[~hidden], substituted[~hidden])
    assert torch.equal(whole.attention_mask, augmented(batch, crop_bp=50).attention_mask)
