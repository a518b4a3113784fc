"""Codes of bases, one-hot rows and reverse complements."""

import numpy as np
import torch

from regulens.core.sequence import decode, encode, one_hot, reverse_complement


def test_codes_round_trip_and_reverse_complement():
    codes = encode("ACGTNacgtnRX")
    assert codes.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4, 4]
    assert decode(codes) == "ACGTNACGTNNN"
    assert decode(reverse_complement(encode("AACGN"))) == "NCGTT"


def test_one_hot_rows_are_acgt_and_n_is_zero():
    x = one_hot(torch.from_numpy(np.stack([encode("ACGTN"), encode("NNGGA")])))
    assert x.shape == (2, 4, 5)
    assert torch.equal(x[0, :, :4], torch.eye(4))
    assert x[:, :, :].sum(1).tolist() == [[1, 1, 1, 1, 0], [0, 0, 1, 1, 1]]
