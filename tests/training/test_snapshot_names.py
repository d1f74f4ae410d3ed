import pytest

from filterfreq.training.snapshot_names import batches_until, epoch_after, snapshot_names, snapshots_problem


def test_names_of_epochs_and_of_batches():
    assert snapshot_names([5, 1, 0]) == ["epoch-0", "epoch-1", "epoch-5"]
    assert snapshot_names({"epochs": [2], "batches": [100, 20]}) == ["batch-20", "batch-100", "epoch-2"]
    assert snapshot_names({"batches": [3]}) == ["batch-3"]
    assert snapshot_names([]) == []


def test_a_batch_is_a_part_of_an_epoch():
    assert [batches_until(name, 7) for name in ("epoch-0", "epoch-2", "batch-3")] == [0, 14, 3]
    assert [str(epoch_after(batches, 3)) for batches in (0, 1, 3, 4)] == ["0", "0.333333", "1", "1.333333"]


@pytest.mark.parametrize(
    ("names", "batches_per_epoch", "problem"),
    [
        (["batch-1", "batch-19", "epoch-0", "epoch-2"], 10, None),
        (["epoch-3"], 10, "snapshots names epoch 3, the last one is 2: name epochs up to that"),
        (["batch-21"], 10, "snapshots names batch 21, the last one is 20: name batches up to that"),
        (["batch-21"], None, None),
        (["batch-20", "epoch-1"], 10, None),
        (
            ["batch-10", "epoch-1"],
            10,
            "snapshots names batch 10, which ends epoch 1, and that epoch: leave one of them out",
        ),
    ],
)
def test_what_a_training_cannot_keep(names, batches_per_epoch, problem):
    assert snapshots_problem(names, 2, batches_per_epoch) == problem
