"""Tokens of k-mers: checked against the definition of the vocabulary on every k-mer."""

import itertools

import pytest
import torch

from regulens.core.kmers import (
    CLS,
    MASK,
    PAD,
    SEP,
    UNK,
    base_relevance,
    kmer_ids,
    kmer_text,
    token_ids,
    vocabulary_size,
)
from regulens.core.sequence import encode


def codes_of(*sequences: str) -> torch.Tensor:
    return torch.stack([torch.from_numpy(encode(sequence)) for sequence in sequences])


def vocabulary(k: int) -> list[str]:
    """The words of DNABERT's vocab.txt, line by line (docs/papers.md, "DNABERT-6")."""
    kmers = ["".join(letters) for letters in itertools.product("ATCG", repeat=k)]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *kmers]


@pytest.mark.parametrize("k", [1, 3, 6, 8])
def test_every_kmer_has_its_line_in_the_vocabulary(k):
    words = vocabulary(k)
    assert len(words) == vocabulary_size(k) == 5 + 4**k
    ids = kmer_ids(codes_of(*words[5:]), k)
    assert ids.shape == (4**k, 1)
    assert ids.dtype == torch.int64
    assert ids.flatten().tolist() == list(range(5, 5 + 4**k))


def test_words_of_the_published_vocabulary():
    known = {"AAAAAA": 5, "AAAAAT": 6, "AAAAAC": 7, "AAAAAG": 8, "GGGGGG": 4100}
    assert kmer_ids(codes_of(*known)).flatten().tolist() == list(known.values())
    assert (PAD, UNK, CLS, SEP, MASK) == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("k", [3, 6, 8])
def test_windows_of_sequences_with_n_are_looked_up_as_text(k):
    index = {word: number for number, word in enumerate(vocabulary(k))}
    letters = torch.randint(0, 5, (40, 50), generator=torch.Generator().manual_seed(1))
    letters[letters == 4] *= torch.rand(int((letters == 4).sum()), generator=torch.Generator().manual_seed(2)) < 0.2
    texts = ["".join("ACGTN"[code] for code in row) for row in letters.tolist()]
    assert any("N" in text for text in texts)
    expected = [[index.get(text[i : i + k], UNK) for i in range(50 - k + 1)] for text in texts]
    assert kmer_ids(codes_of(*texts), k).tolist() == expected


def test_every_place_of_an_n_makes_the_kmer_unknown():
    assert kmer_ids(codes_of(*("GGGGGG"[:i] + "N" + "GGGGGG"[i + 1 :] for i in range(6)), "NNNNNN")).unique() == UNK


def test_200_bases_are_195_kmers_between_two_special_tokens():
    codes = torch.randint(0, 4, (2, 200), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    tokens = token_ids(codes)
    assert tokens.shape == (2, 197)
    assert (tokens[:, 0] == CLS).all()
    assert (tokens[:, -1] == SEP).all()
    assert torch.equal(tokens[:, 1:-1], kmer_ids(codes))
    assert kmer_ids(codes[:, :6]).shape == (2, 1)


def test_text_of_a_token():
    assert [kmer_text(token, 3) for token in range(vocabulary_size(3))] == vocabulary(3)
    sequence = "ACGTTGCAAGTC"
    assert [kmer_text(int(token)) for token in kmer_ids(codes_of(sequence))[0]] == [
        sequence[i : i + 6] for i in range(7)
    ]
    for token in (-1, 4101):
        with pytest.raises(ValueError, match="not in the vocabulary of 6-mers"):
            kmer_text(token)


def test_value_of_a_base_is_the_mean_over_the_kmers_that_cover_it():
    values = torch.rand(3, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    bases = base_relevance(values)
    assert bases.shape == (3, 20)
    for base in range(20):
        covering = values[:, max(0, base - 5) : min(base, 14) + 1]
        assert covering.shape[1] == min(base + 1, 6, 20 - base)
        assert torch.allclose(bases[:, base], covering.mean(1))
    assert torch.equal(bases[:, [0, -1]], values[:, [0, -1]])


def test_base_values_are_linear_in_kmer_values_and_keep_a_constant():
    one, other = torch.randn(2, 4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(
        base_relevance(2 * one - 3 * other, 3), 2 * base_relevance(one, 3) - 3 * base_relevance(other, 3)
    )
    assert torch.allclose(base_relevance(torch.full((1, 7), 0.25), 6), torch.full((1, 12), 0.25))
    assert torch.allclose(base_relevance(torch.ones(1, 1), 6), torch.ones(1, 6))
