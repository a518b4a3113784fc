"""k-mers as token ids of DNABERT's vocabulary, and values of k-mers as values of bases.

The vocabulary has five special tokens and then all k-mers in lexicographic order of the letters A, T, C, G
(docs/papers.md, "DNABERT-6").
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

PAD, UNK, CLS, SEP, MASK = range(5)
"""Special tokens; UNK stands for a k-mer with an N."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_LETTERS = "ATCG"


def token_ids(codes: Tensor, k: int = 6) -> Tensor:
    """Input of the model for each sequence: CLS, the tokens of `kmer_ids`, SEP; int64 (N, L - k + 3)."""
    kmers = kmer_ids(codes, k)
    first, last = (kmers.new_full((len(kmers), 1), token) for token in (CLS, SEP))
    return torch.cat((first, kmers, last), 1)


def kmer_ids(codes: Tensor, k: int = 6) -> Tensor:
    """Tokens of the overlapping k-mers of each sequence: int64 (N, L - k + 1), on the device of ``codes``.

    ``codes`` is uint8 (N, L), bases A, C, G, T, N = 0 to 4, with L >= k and 1 <= k <= 8. A k-mer is 5 + its number to
    the base 4 with the digits A, T, C, G = 0 to 3; one with an N is UNK.
    """
    kmers = codes.shape[1] - k + 1
    # The code's bits (high, low) become (high xor low, high): from A, C, G, T to the digits of A, T, C, G.
    digits = (((codes ^ (codes << 1)) & 2) | ((codes & 3) >> 1)).int()
    # N gets a digit so negative that any k-mer with it is negative; int32 holds that up to k = 8.
    digits -= (codes >> 2).int() << 2 * k
    number = digits[:, :kmers]
    for place in range(1, k):
        number = torch.add(digits[:, place : place + kmers], number, alpha=4)
    return torch.where(number < 0, UNK, number + len(_SPECIAL)).long()


def kmer_text(token: int, k: int = 6) -> str:
    """Letters of a k-mer's token, or the name of a special token such as ``[CLS]``.

    Raises ``ValueError`` for a number outside the vocabulary.
    """
    if not 0 <= token < vocabulary_size(k):
        raise ValueError(f"token {token} is not in the vocabulary of {k}-mers (0 to {vocabulary_size(k) - 1})")
    if token < len(_SPECIAL):
        return _SPECIAL[token]
    number = token - len(_SPECIAL)
    return "".join(_LETTERS[number >> 2 * place & 3] for place in reversed(range(k)))


def vocabulary_size(k: int) -> int:
    """Number of tokens: the special ones and 4 ** k k-mers."""
    return len(_SPECIAL) + 4**k


def base_relevance(kmer_values: Tensor, k: int = 6) -> Tensor:
    """Value of each base, the mean over the k-mers that cover it: (N, L) from (N, L - k + 1).

    The first and the last base are covered by one k-mer, those at least k - 1 from both ends by k. See docs/papers.md,
    "K-mers to bases".
    """
    return _covering_sum(kmer_values, k) / _covering_sum(torch.ones_like(kmer_values[:1]), k)


def _covering_sum(kmer_values: Tensor, k: int) -> Tensor:
    return pad(kmer_values, (k - 1, k - 1)).unfold(1, k, 1).sum(2)
