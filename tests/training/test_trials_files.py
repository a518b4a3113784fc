"""``model.pt``: written, read, refused."""

import pandas as pd
import pytest
import torch
from small_trials import LENGTH_BP, SIZES, network

from regulens.core.errors import InputError
from regulens.core.sequence import one_hot
from regulens.models.hybrid import HybridNetwork
from regulens.training.trials import TRIAL_COLUMNS, adopt_trials, load_trials, save_trials

SETTINGS = network("c4c6", "attention")


def entry(trial: int, **changes) -> dict:
    values = (trial, 100 + trial, "early_stopped", 30, 20, 0.9, 0.8)
    return dict(zip(TRIAL_COLUMNS, values, strict=True)) | changes


@pytest.fixture
def model(tmp_path):
    """A file of two trials and the network in it."""
    trained = HybridNetwork(SETTINGS, 2)
    trained.initialise([5, 6])
    trials = [entry(0), entry(1, status="diverged", best_epoch=0, valid_auroc=float("nan"))]
    save_trials(tmp_path / "model.pt", SETTINGS, trained.state_dict(), trials, {"epochs": 3}, 1, "abc")
    return tmp_path / "model.pt", trained.eval()


def test_what_is_written_is_read(model):
    path, trained = model
    loaded = load_trials(path)
    assert loaded.settings == SETTINGS
    assert not loaded.network.training
    assert (loaded.training, loaded.seed, loaded.settings_hash) == ({"epochs": 3}, 1, "abc")
    codes = one_hot(torch.arange(LENGTH_BP).view(1, -1) % 4).unsqueeze(0)
    assert torch.equal(loaded.network(codes), trained(codes))
    expected = pd.DataFrame([entry(0), entry(1, status="diverged", best_epoch=0, valid_auroc=float("nan"))])
    pd.testing.assert_frame_equal(loaded.trials, expected)


def test_some_trials_alone(model):
    path, trained = model
    codes = one_hot(torch.arange(2 * LENGTH_BP).view(2, -1) % 4).unsqueeze(0)
    alone = load_trials(path).only([1])
    assert not alone.training
    torch.testing.assert_close(alone(codes), trained(codes)[1:])


def test_files_that_are_no_models(model, tmp_path):
    path, _ = model
    content = torch.load(path, weights_only=True)
    with pytest.raises(InputError, match=r"none\.pt: the file of trained trials does not exist"):
        load_trials(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(InputError, match=r"text\.pt: not a readable model\.pt"):
        load_trials(tmp_path / "text.pt")
    refused = {
        r"format 'another', expected 'regulens hybrid trials 1'": content | {"format": "another"},
        r"not a model\.pt of hybrid networks \(format 'list'": [1],
        r"missing or wrong in this model\.pt: state, seed": {k: v for k, v in content.items() if k != "state"}
        | {"seed": "1"},
        r"missing or wrong in this model\.pt: trials": content | {"trials": []},
        r"network\.baseline: unknown value; found 'c5'": content | {"network": content["network"] | {"baseline": "c5"}},
        r"weights do not fit the network": content | {"trials": content["trials"][:1]},
        r"1 weights do not fit the network that it describes:\n  unknown: more": content
        | {"state": content["state"] | {"more": torch.zeros(2)}},
    }
    for message, changed in refused.items():
        torch.save(changed, tmp_path / "changed.pt")
        with pytest.raises(InputError, match=message):
            load_trials(tmp_path / "changed.pt")


def test_adopted_file_has_the_same_trials_and_says_where_it_is_from(model, tmp_path, capfd):
    path, _ = model
    adopt_trials(path, SETTINGS, tmp_path / "adopted.pt")
    adopted = torch.load(tmp_path / "adopted.pt", weights_only=True)
    assert adopted["adopted_from"] == str(path)
    assert load_trials(tmp_path / "adopted.pt").trials.equals(load_trials(path).trials)
    assert "2 trials; that they were trained on the configured data is not checked" in capfd.readouterr().err


def test_adopting_another_network_says_what_differs(model, tmp_path):
    other = network("c4c6", "attention", activation="exponential", sizes=SIZES.model_copy(update={"dense": 9}))
    with pytest.raises(InputError) as error:
        adopt_trials(model[0], other, tmp_path / "adopted.pt")
    assert str(error.value) == (
        f"{model[0]} does not fit the configured network:\n"
        "  activation: 'relu', configured 'exponential'\n  sizes.dense: 8, configured 9"
    )
    assert not (tmp_path / "adopted.pt").exists()
