"""The classification task: batches, losses, scores, and that it learns."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from regulens.core.errors import InputError
from regulens.core.kmers import UNK, token_ids
from regulens.core.settings import validated
from regulens.data.sequences import SequenceSet, write_sequences
from regulens.models.bert import BertSettings, load_classifier, save_classifier
from regulens.training.batches import BLANK
from regulens.training.classification import ClassificationTask, classification_task
from regulens.training.settings import FineTuningSettings, MaskedTrainingSettings, SequenceAugmentation

SMALL = BertSettings(k=3, layers=1, hidden=16, heads=2, intermediate=32, positions=40)


def sequences(number: int, seed: int, length: int = 30) -> SequenceSet:
    """Half of them have TATAAA somewhere, the others nowhere."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (number, length), dtype=np.uint8)
    codes[:, 1::3] = random.integers(1, 3, codes[:, 1::3].shape)  # C or G at every third base: no TATAAA by chance
    labels = (np.arange(number) % 2).astype(np.uint8)
    for row in np.flatnonzero(labels):
        start = random.integers(0, length - 6)
        codes[row, start : start + 6] = (3, 0, 3, 0, 0, 0)
    return SequenceSet([f"s{i}" for i in range(number)], labels, codes)


@pytest.fixture
def task():
    torch.manual_seed(1)
    return ClassificationTask(sequences(64, 1), sequences(32, 2), SMALL, None, "promoters")


def test_a_batch_has_the_sequences_asked_for(task):
    batch = task.train_data.__getitems__([5, BLANK, 2])
    data = sequences(64, 1)
    assert batch.codes.dtype == torch.uint8
    assert batch.label.dtype == torch.int64
    assert batch.index.tolist() == [5, BLANK, 2]
    assert batch.weight.tolist() == [1, 0, 1]
    assert np.array_equal(batch.codes[[0, 2]], data.codes[[5, 2]])
    assert batch.label.tolist() == [1, 0, 0]
    assert (token_ids(batch.codes[1:2], 3)[0, 1:-1] == UNK).all()
    assert np.array_equal(task.train_data.codes, data.codes)


def test_losses_are_those_of_huggingface(task):
    task.eval()
    batch = task.train_data.__getitems__(list(range(6)))
    losses = task.training_losses(batch)
    assert losses.shape == (6,)
    assert losses.dtype == torch.float32
    expected = task.model(token_ids(batch.codes, 3), labels=batch.label).loss
    assert losses.mean().item() == pytest.approx(expected.item(), rel=1e-5)
    assert torch.equal(losses, task.validation_losses(batch))


def test_scores_leave_blanks_out_and_start_anew(task):
    task.eval()
    probability = []
    with torch.inference_mode():
        for indices in (list(range(20)), [*range(20, 32), BLANK, BLANK], [BLANK]):
            batch = task.valid_data.__getitems__(indices)
            task.validation_losses(batch)
            real = batch.weight.bool()
            probability += (
                task.model(token_ids(batch.codes[real], 3)).logits.softmax(1)[:, 1].tolist() if any(real) else []
            )
    labels, probability = task.valid_data.labels, np.array(probability)
    scores = task.score_values()
    assert tuple(scores) == task.scores
    assert scores["accuracy"] == pytest.approx(((probability > 0.5) == labels).mean())
    assert scores["auroc"] == pytest.approx(roc_auc_score(labels, probability))
    task.reset_scores()
    task.validation_losses(task.valid_data.__getitems__([0, 2, 4]))
    assert np.isnan(task.score_values()["auroc"])
    task.reset_scores()
    task.validation_losses(task.valid_data.__getitems__([0, 1, BLANK]))
    assert task.score_values()["auroc"] in (0, 0.5, 1)


def test_training_sequences_are_augmented_anew_in_every_epoch_and_validation_is_not():
    torch.manual_seed(1)
    augmentation = SequenceAugmentation(substitute=0.1, mask_kmers=0.2, crop_bp=10)
    settings = SMALL.model_copy(update={"init_sd": 0.5})  # so that losses differ
    task = ClassificationTask(sequences(64, 1), sequences(32, 2), settings, None, "promoters", augmentation)
    plain = ClassificationTask(sequences(64, 1), sequences(32, 2), settings, None, "promoters")
    plain.model.load_state_dict(task.model.state_dict())
    task.eval()
    plain.eval()

    def losses(seed: int, epoch: int, *parts: list[int]) -> torch.Tensor:
        task.start_epoch(seed, epoch)
        with torch.inference_mode():
            return torch.cat([task.training_losses(task.train_data.__getitems__(part)) for part in parts])

    whole = losses(1, 3, list(range(12)))
    # The same whatever the batches are, and after other epochs.
    assert not torch.allclose(whole, losses(1, 4, list(range(12))))
    assert not torch.allclose(whole, losses(2, 3, list(range(12))))
    parts = losses(1, 3, [5, 4, 3, BLANK], [2], [1, 0], list(range(6, 12)))
    assert torch.allclose(parts[[6, 5, 4, 2, 1, 0, *range(7, 13)]], whole, atol=1e-6)
    with torch.inference_mode():
        batch = task.valid_data.__getitems__(list(range(12)))
        assert torch.equal(task.validation_losses(batch), plain.validation_losses(batch))
        assert not torch.allclose(whole, plain.training_losses(plain.train_data.__getitems__(list(range(12)))))


def test_it_learns_a_planted_motif(task):
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=5e-3)
    task.train()
    for epoch in range(20):
        task.start_epoch(1, epoch)
        for start in range(0, 64, 16):
            optimiser.zero_grad()
            losses = task.training_losses(task.train_data.__getitems__(list(range(start, start + 16))))
            losses.mean().backward()
            optimiser.step()
    task.eval()
    with torch.inference_mode():
        task.validation_losses(task.valid_data.__getitems__(list(range(32))))
    assert losses.mean() < 0.3
    assert task.score_values()["auroc"] > 0.85


def test_identity_follows_data_sizes_and_initial_weights(task, tmp_path):
    path = tmp_path / "initial.ckpt"
    save_classifier(path, task.model, task.model.state_dict(), SMALL, 30)
    same = ClassificationTask(sequences(64, 1), sequences(32, 2), SMALL, None, "other name")
    other = sequences(64, 1)
    other.labels[0] = 1
    others = [
        ClassificationTask(other, sequences(32, 2), SMALL, None, "promoters"),
        ClassificationTask(sequences(64, 1), sequences(32, 3), SMALL, None, "promoters"),
        ClassificationTask(
            sequences(64, 1), sequences(32, 2), SMALL.model_copy(update={"heads": 4}), None, "promoters"
        ),
        ClassificationTask(sequences(64, 1), sequences(32, 2), SMALL, path, "promoters"),
        ClassificationTask(
            sequences(64, 1), sequences(32, 2), SMALL, None, "promoters", SequenceAugmentation(crop_bp=1)
        ),
    ]
    assert same.identity() == task.identity()
    assert len({str(each.identity()) for each in [task, *others]}) == 6
    assert task.code_modules() == {"training.classification"}


def test_the_factory_reads_tables_and_starts_from_initial_weights(task, tmp_path, capfd):
    write_sequences(tmp_path / "train.tsv", sequences(64, 1))
    write_sequences(tmp_path / "valid.tsv", sequences(32, 2))
    initial, output = tmp_path / "initial.ckpt", tmp_path / "model.ckpt"
    save_classifier(initial, task.model, task.model.state_dict(), SMALL, 30)
    tables = tmp_path / "train.tsv", tmp_path / "valid.tsv"
    torch.manual_seed(2)
    with classification_task(*tables, SMALL, initial, "promoters") as again:
        assert again.identity()["data"] == task.identity()["data"]
        assert not torch.equal(again.model.bert.pooler.dense.weight, task.model.bert.pooler.dense.weight)
        again.initialise()
        assert torch.equal(again.model.bert.pooler.dense.weight, task.model.bert.pooler.dense.weight)
        assert not torch.equal(again.model.classifier.weight, task.model.classifier.weight)
        again.save(output, task.model.state_dict(), seed=4, epoch=2)
    model, content = load_classifier(output)
    assert torch.equal(model.classifier.weight, task.model.classifier.weight)
    assert (content["task"], content["seed"], content["length_bp"]) == ("promoters", 4, 30)
    assert content["initial"] == str(initial)


def test_the_seed_decides_the_new_weights(tmp_path):
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(ClassificationTask(sequences(4, 1), sequences(4, 2), SMALL, None, "x").model.classifier.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_tables_that_do_not_fit_are_named(tmp_path):
    good, longer, one_class = sequences(8, 1), sequences(8, 1, 36), sequences(8, 1)
    one_class.labels[:] = 1
    for name, data in {"good": good, "longer": longer, "one": one_class}.items():
        write_sequences(tmp_path / f"{name}.tsv", data)

    def make(train: str, valid: str, settings: BertSettings = SMALL, initial=None, **augmentation):
        tables = (tmp_path / f"{name}.tsv" for name in (train, valid))
        with classification_task(*tables, settings, initial, "x", SequenceAugmentation(**augmentation)) as task:
            assert task.augmentation == SequenceAugmentation(**augmentation)

    with pytest.raises(InputError, match=r"good\.tsv has sequences of 30 bp, .*longer\.tsv of 36"):
        make("good", "longer")
    with pytest.raises(InputError, match=r"one\.tsv: all labels are 1"):
        make("one", "good")
    with pytest.raises(InputError, match="set positions to 30 or more"):
        make("good", "good", SMALL.model_copy(update={"positions": 20}))
    with pytest.raises(InputError, match="initial weights does not exist"):
        make("good", "good", initial=tmp_path / "absent.bin")
    make("good", "good", crop_bp=27)
    with pytest.raises(InputError, match=r"crop_bp: cropping 28 of the 30 bp of .*good\.tsv .*: set it to 27"):
        make("good", "good", crop_bp=28)


def test_settings_of_fine_tuning_are_the_papers():
    settings = FineTuningSettings()
    assert (settings.max_epochs, settings.effective_batch, settings.learning_rate) == (5, 48, 2e-4)
    assert (settings.warmup_fraction, settings.weight_decay, settings.gradient_clip) == (0.1, 0.01, 1.0)
    assert (settings.schedule, settings.select) == ("linear", "last")
    with pytest.raises(InputError, match="select: unknown value"):
        validated(FineTuningSettings, {"select": "pearson"})
    assert settings.augmentation == SequenceAugmentation()
    with pytest.raises(InputError, match="augmentation.shift_bp: unknown key"):
        validated(FineTuningSettings, {"augmentation": {"shift_bp": 3}})
    with pytest.raises(InputError, match="augmentation: unknown key"):
        validated(MaskedTrainingSettings, {"augmentation": {}})
    with pytest.raises(InputError, match="augmentation.mask_kmers: .*less than 1"):
        validated(FineTuningSettings, {"augmentation": {"mask_kmers": 1}})
