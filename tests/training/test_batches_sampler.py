"""Every example once an epoch, in equally many batches on every device."""

from collections import Counter

import pytest

from regulens.core.errors import InputError
from regulens.data.store import AssayStore
from regulens.training.batches import (
    BLANK,
    BatchPlan,
    StoreDataset,
    TrainingBatches,
    derived_seed,
    evaluation_batches,
)
from regulens.training.settings import TrainingSettings


@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("batch_per_device", [1, 3, 8])
@pytest.mark.parametrize("examples", [1, 5, 12, 13, 24, 50])
def test_every_example_once_an_epoch(examples, batch_per_device, devices):
    settings = TrainingSettings(effective_batch=12, batch_per_device=batch_per_device, devices=devices)
    plan = BatchPlan.of(examples, settings)
    ranks = [list(TrainingBatches(plan, seed=1, rank=rank, epoch=0)) for rank in range(devices)]

    assert {len(batches) for batches in ranks} == {plan.batches_per_epoch()}
    assert all(len(batch) <= batch_per_device for batches in ranks for batch in batches)
    seen = Counter(index for batches in ranks for batch in batches for index in batch)
    seen.pop(BLANK, None)
    assert seen == Counter(range(examples))


def test_micro_batches_of_a_step_hold_the_step():
    plan = BatchPlan(examples=30, effective_batch=12, batch_per_device=4, devices=2)
    order = plan.order(seed=3, epoch=1)
    ranks = [list(plan.batches(order, rank)) for rank in (0, 1)]
    for step in range(plan.steps):
        chunk = slice(step * plan.accumulation, (step + 1) * plan.accumulation)
        members = {index for batches in ranks for batch in batches[chunk] for index in batch if index != BLANK}
        assert members == set(order[step * 12 : step * 12 + 12])
        assert len(members) == plan.step_size(step)


def test_orders_differ_between_epochs_and_seeds_and_come_again():
    plan = BatchPlan(examples=40, effective_batch=8, batch_per_device=8)
    first = plan.order(seed=1, epoch=0).tolist()
    assert first == plan.order(seed=1, epoch=0).tolist()
    assert first != plan.order(seed=1, epoch=1).tolist()
    assert first != plan.order(seed=2, epoch=0).tolist()


def test_the_batch_of_a_device_is_an_upper_bound():
    plan = BatchPlan.of(100, TrainingSettings(effective_batch=24, batch_per_device=16))
    assert (plan.accumulation, plan.micro_batch) == (2, 12)


@pytest.mark.parametrize(("batch", "devices", "nearest"), [(24, 5, "20 or 25"), (2, 3, "3")])
def test_a_batch_that_does_not_divide_names_the_nearest(batch, devices, nearest):
    with pytest.raises(InputError, match=f"effective_batch: {batch} .* nearest: {nearest}$"):
        BatchPlan.of(100, TrainingSettings(effective_batch=batch, devices=devices))


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_evaluation_takes_each_example_once(devices):
    ranks = [evaluation_batches(13, 4, rank, devices) for rank in range(devices)]
    assert len({len(batches) for batches in ranks}) == 1
    seen = [index for batches in ranks for batch in batches for index in batch if index != BLANK]
    assert sorted(seen) == list(range(13))


def test_streams_of_random_numbers_are_independent():
    streams = ("order", "dropout", "augmentation", "weights")
    seeds = {derived_seed(stream, seed, epoch) for stream in streams for seed in range(5) for epoch in range(5)}
    assert len(seeds) == 100


def test_a_share_of_the_examples_is_a_fixed_random_one(stores):
    with AssayStore(stores["train"]) as store:
        whole, half = StoreDataset(store), StoreDataset(store, TrainingSettings(share=0.5).examples(len(store)))
        assert whole.rows.tolist() == list(range(len(store)))
        assert len(half) == round(len(store) / 2)
        assert set(half.rows) < set(whole.rows)
        assert half.rows.tolist() != list(range(len(half)))
        assert StoreDataset(store, len(half)).rows.tolist() == half.rows.tolist()
        first, last = half.__getitems__([0, len(half) - 1]).codes, [half.rows[0], half.rows[-1]]
        assert first.tolist() == [store.sequence(row).tolist() for row in last]
    assert TrainingSettings(share=0.01).examples(10) == 1
    few = TrainingSettings(max_steps=2, effective_batch=4)
    assert [few.examples(available) for available in (100, 5)] == [8, 5]
    assert few.model_copy(update={"share": 0.05}).examples(100) == 5
