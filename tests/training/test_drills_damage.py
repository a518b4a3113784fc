"""Damaged files: each is found before it counts, the error names the file, and without it the run goes on."""

import re
import zipfile

import h5py
import numpy as np
import pytest
import torch

from regulens.core.errors import InputError
from regulens.core.tensors import read_tensors
from regulens.data.store import AssayStore, link_shards
from regulens.training.checkpoint import adopt_checkpoint, read_checkpoint
from regulens.training.evaluate import pearson_table, predict, write_predictions

SETTINGS = {"max_epochs": 2}


def change_a_weight(path) -> None:
    """Change one byte in the largest part of a file of torch.save, as a bad disk or a bad copy does."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
        content = archive.read(largest)
    data = path.read_bytes()
    start = data.index(content)
    place = start + len(content) // 2
    path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])


def zero_a_piece(path, dataset: str, example: int) -> None:
    """Zero a part of one example in an HDF5 file: what a crash leaves of a page that was not written."""
    with h5py.File(path) as file:
        chunk = file[dataset].id.get_chunk_info(example)
    data = path.read_bytes()
    end = chunk.byte_offset + chunk.size // 2
    assert any(data[chunk.byte_offset : end])
    path.write_bytes(data[: chunk.byte_offset] + bytes(end - chunk.byte_offset) + data[end:])


def test_pytorch_does_not_look_at_its_checksums(tmp_path):
    """What makes `read_tensors` necessary."""
    path = tmp_path / "a.ckpt"
    torch.save({"a": torch.arange(1000.0)}, path)
    change_a_weight(path)
    assert not torch.equal(torch.load(path, weights_only=True)["a"], torch.arange(1000.0))
    with pytest.raises(ValueError, match=r"checksum of .*data/0 is wrong"):
        read_tensors(path)


def test_a_changed_byte_in_the_state(make_run, monkeypatch):
    run, whole = make_run(settings=SETTINGS), make_run("whole", settings=SETTINGS)
    whole.here()
    with monkeypatch.context() as patch:
        patch.setattr("regulens.training.loop._finish", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            run.here()
    change_a_weight(run.state / "last.ckpt")
    with pytest.raises(
        InputError, match=r"last.ckpt: .* cannot be read .*: delete it, and training starts from the beginning"
    ):
        run.here()
    assert not run.output.exists()
    (run.state / "last.ckpt").unlink()
    run.here()
    assert all(torch.equal(value, whole.weights()[name]) for name, value in run.weights().items())


@pytest.mark.parametrize("damage", ["changed", "cut", "empty"])
def test_a_damaged_model(make_run, stores, model_keys, tmp_path, damage):
    run = make_run(settings=SETTINGS)
    run.here()
    if damage == "changed":
        change_a_weight(run.output)
    else:
        content = run.output.read_bytes()
        run.output.write_bytes(content[: len(content) * 2 // 3] if damage == "cut" else b"")
    message = r"model\.ckpt: not a readable checkpoint .* it is damaged: delete it and start again"
    with pytest.raises(InputError, match=message):
        read_checkpoint(run.output)
    with pytest.raises(InputError, match=message):
        predict(run.output, stores["test"], tmp_path / "p.h5")
    with pytest.raises(InputError, match=message):
        adopt_checkpoint(run.output, "maxpool_cnn", model_keys, stores["test"], tmp_path / "adopted.ckpt")
    assert not (tmp_path / "p.h5").exists()
    assert not (tmp_path / "adopted.ckpt").exists()
    run.output.unlink()
    run.here()
    predict(run.output, stores["test"], tmp_path / "p.h5")


def test_training_names_a_damaged_shard(make_run, stores, tmp_path):
    shard, linked = tmp_path / "shards/train-0.h5", tmp_path / "train.h5"
    shard.parent.mkdir()
    shard.write_bytes(stores["train"].read_bytes())
    link_shards([shard], linked)
    zero_a_piece(shard, "sequence", 33)
    run = make_run(settings=SETTINGS)
    run.stores = stores | {"train": linked}
    with pytest.raises(InputError, match=r"train-0\.h5: the file is damaged: example 33 cannot be read .*: delete the"):
        run.here()
    assert not run.output.exists()


@pytest.mark.exhaustive
@pytest.mark.parametrize(("settings", "dataset"), [({"workers": 1}, "sequence"), ({"devices": 2}, "target")])
def test_a_damaged_shard_ends_training(make_run, stores, tmp_path, settings, dataset):
    """HDF5 finds nothing wrong on opening: the checksum of the example does, in whichever process reads it."""
    shard, linked = tmp_path / "shards/train-0.h5", tmp_path / "train.h5"
    shard.parent.mkdir()
    shard.write_bytes(stores["train"].read_bytes())
    link_shards([shard], linked)
    zero_a_piece(shard, dataset, 33)
    run = make_run(settings=SETTINGS | settings)
    run.stores = stores | {"train": linked}
    process = run.start()
    _, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert re.search(r"train-0\.h5: the file is damaged: example 33 cannot be read .*: delete the file", errors), errors
    assert not run.output.exists()

    shard.write_bytes(stores["train"].read_bytes())
    process = run.start()  # not here: with two devices, Lightning runs the command again, which would be pytest
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert run.output.exists()


def test_any_piece_of_a_shard(stores, tmp_path):
    """Wherever a page is lost: reading all of it ends with an error that names the file, or gives what was written."""
    content, path = stores["valid"].read_bytes(), tmp_path / "a.h5"
    with AssayStore(stores["valid"]) as store:
        whole = [(store.sequence(row), store.target(row), store.location(row)) for row in range(len(store))]
    messages = []
    for start in range(0, len(content), 512):
        path.write_bytes(content[:start] + bytes(min(512, len(content) - start)) + content[start + 512 :])
        try:
            with AssayStore(path) as store:
                read = [(store.sequence(row), store.target(row), store.location(row)) for row in range(len(store))]
        except InputError as error:
            messages.append(str(error))
            continue
        for one, other in zip(read, whole, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len(messages) > 5
    assert all(f"{path}: " in message and "delete" in message for message in messages)


def test_damaged_predictions(stores, tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "p.h5"
    with AssayStore(stores["test"]) as store, write_predictions(path, store, "random", 1) as writer:
        writer.append(random.random((11, 6, 4)))
    zero_a_piece(path, "prediction", 4)
    with pytest.raises(InputError, match=r"p\.h5: the file is damaged .*: delete it and make the predictions again"):
        pearson_table(path, stores["test"], tmp_path / "pearson.csv")
    assert not (tmp_path / "pearson.csv").exists()
