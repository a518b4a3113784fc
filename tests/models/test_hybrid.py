"""The hybrid networks: counts and lengths, a plain reference, trials together and alone, input checks."""

import pytest
import torch
from hybrids import ARCHITECTURES, SMALL, TASK_2, sequences, small
from torch.nn import functional as F

from regulens.models.hybrid import HybridNetwork, TrialDropout
from regulens.models.settings import HybridNetworkSettings, HybridSizes

COMBINATIONS = [pytest.param(name, id=name) for name in ARCHITECTURES]


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_there_are_17_architectures():
    assert len(ARCHITECTURES) == 17


@pytest.mark.parametrize(
    ("name", "sizes", "parameters"),
    [
        ("c24", {}, 140_748),
        ("c4c6", {}, 147_980),
        ("c24_att", {}, 563_148),
        ("c24_att", {"qkv_bias": False}, 562_764),
        # BiLSTM 2 x 4 x 64 x (32 + 64 + 1) = 49,664; flatten 8 x 128; the rest as in c24.
        ("c4", {}, 2432 + 64 + 49_664 + 1024 * 512 + 1024 + 6156),
        # LN 256; block: attention 66,048, feed-forward 8,352, two LN 512.
        ("c4_trans2", {}, 583_628 + 256 + 2 * (66_048 + 8_352 + 512)),
    ],
)
def test_parameter_counts(name, sizes, parameters):
    baseline, modules = ARCHITECTURES[name]
    settings = HybridNetworkSettings(baseline=baseline, modules=modules, sizes=HybridSizes(**sizes))
    assert HybridNetwork(settings, 2).parameter_count() == parameters


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("name", COMBINATIONS)
def test_every_architecture_runs_at_the_sizes_of_both_tasks(name, activation):
    baseline, modules = ARCHITECTURES[name]
    wide = {"attention": 96} if name in ("c24_lstm_att", "c4_att") else {}
    for sizes, classes in (HybridSizes(), 12), (TASK_2.model_copy(update=wide), 1):
        parts = {"baseline": baseline, "modules": modules, "activation": activation}
        network = HybridNetwork(HybridNetworkSettings(**parts, sizes=sizes, classes=classes), 1).train()
        assert network.length == 8
        logits = network(sequences(1, 2, 200), TrialDropout([1]))
        logits.square().sum().backward()
        assert logits.shape == (1, 2, classes)
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
        assert all(tensor.shape[0] == 1 for tensor in network.state_dict().values())


def plain(network: HybridNetwork, one_hot: torch.Tensor, trial: int) -> torch.Tensor:
    """One trial in textbook order, (B, 4, L) to (B, classes), without dropout; BiLSTM and attention are the layers'."""
    settings, state = network.settings, {name: tensor[trial] for name, tensor in network.state_dict().items()}
    first, *others = {"c24": [24], "c4c6": [4, 6], "c4": [4, 6]}[settings.baseline]

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_variance")]
        weight, bias, mean, variance = parts
        return F.batch_norm(x, mean.clone(), variance.clone(), weight, bias, network.training, 0.01, 1e-3)

    def layer(part, x, *extra):
        return part(x[None].expand(network.trials, *x.shape), *extra)[trial]

    x = norm(F.conv1d(one_hot, state["convolution.weight"], padding="same"), "convolution_norm")
    x = F.max_pool1d(x.exp() if settings.activation == "exponential" else x.relu(), first)
    if settings.baseline == "c4c6":
        x = norm(F.conv1d(x, state["second_convolution.weight"], padding="same"), "second_norm").relu()
    elif settings.baseline == "c4":
        x = layer(network.lstm, x.transpose(1, 2)).transpose(1, 2)
    if others:
        x = F.max_pool1d(x, others[0])
    x = x.transpose(1, 2)
    for part in network.modules_on_top:
        x = layer(part, x, None) if type(part).__name__ == "TrialEncoderBlock" else layer(part, x)
    x = norm(x.flatten(1) @ state["dense.weight"].T, "dense_norm").relu()
    return x @ state["classes.weight"].T + state["classes.bias"]


def shaken(network: HybridNetwork) -> HybridNetwork:
    """Scales, shifts and running statistics that are not 0 or 1, some scales negative."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            values = torch.randn(tensor.shape, generator=generator)
            if "running_variance" in name:
                tensor.copy_(values.exp())
            elif tensor.ndim == 2:
                tensor.add_(values)
    return network


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("name", ["c24", "c4c6_lstm_att", "c4_trans2", "c24_att"])
def test_logits_are_those_of_the_layers_in_textbook_order(double, name, activation, training):
    network = shaken(HybridNetwork(small(name, activation), 2).double()).train(training)
    x = sequences(2, 5).double()
    expected = [plain(network, x[trial], trial) for trial in range(2)]
    torch.testing.assert_close(network(x), torch.stack(expected))


@pytest.mark.parametrize("name", COMBINATIONS)
def test_trials_together_are_each_trial_alone(double, name):
    """Logits, gradients and running statistics after a step with dropout, whatever else is computed."""
    seeds, x = [11, 12, 13], sequences(3, 4).double()
    target = torch.randint(0, 2, (3, 4, 3), generator=torch.Generator().manual_seed(2)).double()

    def step(chosen):
        network = HybridNetwork(small(name, "exponential"), len(chosen)).double().train()
        network.initialise([seeds[trial] for trial in chosen])
        logits = network(x[chosen], TrialDropout([seeds[trial] for trial in chosen]))
        F.binary_cross_entropy_with_logits(logits, target[chosen], reduction="none").sum().backward()
        gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
        return logits.detach(), gradients, network.state_dict()

    together = step([0, 1, 2])
    for trial in range(3):
        alone = step([trial])
        torch.testing.assert_close(together[0][trial], alone[0][0])
        for ours, theirs in zip(together[1:], alone[1:], strict=True):
            for key, tensor in theirs.items():
                torch.testing.assert_close(ours[key][trial], tensor[0], msg=lambda text, key=key: f"{key}: {text}")


def test_a_trial_that_is_not_finite_leaves_the_others_alone():
    network, x = HybridNetwork(small("c4_trans2"), 3).train(), sequences(3, 4)
    expected = network(x).detach()
    network.convolution.weight.data[1] = float("nan")
    logits = network(x)
    logits[[0, 2]].sum().backward()
    assert logits[1].isnan().all()
    torch.testing.assert_close(logits[[0, 2]].detach(), expected[[0, 2]])
    assert all(parameter.grad[[0, 2]].isfinite().all() for parameter in network.parameters())


def test_one_batch_for_all_trials_is_that_batch_for_each():
    network, x = HybridNetwork(small("c4c6_att"), 3).eval(), sequences(1, 4)
    torch.testing.assert_close(network(x), network(x.expand(3, -1, -1, -1)))
    torch.testing.assert_close(network.first_layer(x), network.first_layer(x.expand(3, -1, -1, -1)))


def test_weights_follow_from_the_seed_alone():
    first, second = HybridNetwork(small("c4c6_lstm_att"), 3), HybridNetwork(small("c4c6_lstm_att"), 2)
    first.initialise([7, 8, 9])
    second.initialise([9, 7])
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor[[2, 0]], second.state_dict()[name])
    assert not torch.equal(first.dense.weight[0], first.dense.weight[1])
    with pytest.raises(ValueError, match="2 seeds for 3 trials"):
        first.initialise([1, 2])


def test_initialising_again_forgets_everything():
    network = HybridNetwork(small("c4c6"), 1)
    new = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shaken(network).initialise([0])
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, new[name])


def test_first_layer_is_the_convolution_normalised_by_running_statistics_and_activated(double):
    for activation, function in ("relu", torch.relu), ("exponential", torch.exp):
        network = shaken(HybridNetwork(small("c4c6", activation), 2).double()).eval()
        x, state = sequences(2, 5).double(), network.state_dict()
        activations = network.first_layer(x)
        assert activations.shape == (2, 5, SMALL.filters, 53)
        for trial in range(2):
            y = F.conv1d(x[trial], state["convolution.weight"][trial], padding="same")
            names = ("running_mean", "running_variance", "weight", "bias")
            mean, variance, scale, shift = (state[f"convolution_norm.{name}"][trial][:, None] for name in names)
            y = (y - mean) / (variance + 1e-3).sqrt() * scale + shift
            torch.testing.assert_close(activations[trial], function(y))


@pytest.mark.parametrize("name", ["c4c6", "c4_trans2"])
def test_the_activation_changes_the_first_layer_only(name):
    """With a ReLU network's own pooled ReLU values in place of exp, nothing else differs."""
    relu, exponential = (HybridNetwork(small(name, activation)).eval() for activation in ("relu", "exponential"))
    exponential.load_state_dict(relu.state_dict())
    x = sequences(1, 4)
    assert not torch.allclose(relu(x), exponential(x))
    exponential._activate = torch.relu
    assert torch.equal(relu(x), exponential(x))


def test_gradients_reach_the_input(double):
    network = HybridNetwork(small("c4_att", "exponential"), 2).double().eval()
    x = sequences(2, 2).double().requires_grad_()

    def probability(inputs):
        return network(inputs)[..., 0].sigmoid().sum(dim=1)

    (gradient,) = torch.autograd.grad(probability(x).sum(), x)
    for place in (0, 1, 0, 20), (1, 0, 3, 47):
        shift = torch.zeros_like(x)
        shift[place] = 1e-6
        slope = (probability(x + shift) - probability(x - shift)).sum().item() / 2e-6
        assert gradient[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_selected_trials_are_copies_in_the_order_asked_for():
    network = HybridNetwork(small("c4_att"), 3).double().eval()
    chosen, x = network.select([2, 0]), sequences(1, 4).double()
    assert chosen.trials == 2
    assert not chosen.training
    torch.testing.assert_close(chosen(x), network(x)[[2, 0]])
    chosen.dense.weight.data.zero_()
    assert network.dense.weight.any()


def test_stages_tell_lengths_and_channels():
    baseline, modules = ARCHITECTURES["c4_trans2"]
    stages = HybridNetwork(HybridNetworkSettings(baseline=baseline, modules=modules, activation="exponential")).stages()
    assert [(stage.name, stage.length, stage.channels) for stage in stages] == [
        ("input", 200, 4),
        ("convolution", 200, 32),
        ("max pool", 50, 32),
        ("BiLSTM", 50, 128),
        ("max pool", 8, 128),
        ("transformer", 8, 128),
        ("transformer", 8, 128),
        ("dense", 1, 512),
        ("output", 1, 12),
    ]
    assert stages[1].detail == "32 filters of 19 bp, batch norm, exponential"


@pytest.mark.parametrize("shape", [(2, 4, 4, 53), (3, 4, 4, 52), (3, 4, 53, 4)])
def test_sequences_of_a_wrong_shape_are_an_error(shape):
    with pytest.raises(ValueError, match=r"not \(3 or 1, B, 4, 53\)"):
        HybridNetwork(small("c24"), 3)(torch.zeros(shape))
