import subprocess
import sys
from pathlib import Path

import numpy as np
import pyautoattack
import pytest
import torch
from oracles import attacks as oracle
from torch import nn

import filterfreq
from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.robustness import accuracies_under_attacks
from filterfreq.evaluation.suites import autoattack
from filterfreq.evaluation.suites.autoattack import evaluate_autoattack, withstands
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow


def images_of(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 196, (n, 6, 6, 3), dtype=np.uint8)


def linear(classes: int) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(108, classes))
    model[1].bias.data.copy_(-model[1].weight.data.sum(dim=1) / 2)
    return model


@pytest.fixture
def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5)).train()


def radii(model: nn.Module, images: np.ndarray, labels: np.ndarray, dual: int) -> np.ndarray:
    """The exact distance of each image to the decision boundary of a linear model, negative where it is wrong."""
    with torch.no_grad():
        logits = model(to_images(images, "cpu")).double().numpy()
    weight = model[1].weight.detach().double().numpy()
    n, classes = logits.shape
    margin = logits[np.arange(n), labels][:, None] - logits
    slope = np.linalg.norm(weight[labels][:, None] - weight[None], dual, axis=2)
    other = np.arange(classes) != labels[:, None]
    return (margin[other] / slope[other]).reshape(n, classes - 1).min(axis=1)


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_the_standard_version_finds_the_exact_robust_accuracy_of_a_linear_model(norm, dual, capfd):
    model, images = linear(5), images_of(8)
    labels = predict(model, images, 8, "cpu")
    labels[0] = (labels[0] + 1) % 5
    exact = np.sort(radii(model, images, labels, dual))
    epsilon = str((exact[-2] + exact[-1]) / 2)
    (row,) = evaluate_autoattack(model, images, labels, norm, [epsilon], 8, "cpu", seed=0)
    assert row["value"] == 1 / 8
    assert row["n"] == 8
    assert row["parameter"] == f"attack=autoattack;norm={norm};epsilon={epsilon}"
    assert capfd.readouterr() == ("", "")


def test_a_subset_is_named_and_exact_too():
    model, images = linear(12), images_of(40)
    labels = predict(model, images, 40, "cpu")
    exact = np.sort(radii(model, images, labels, 1))
    epsilons = [str((exact[k - 1] + exact[k]) / 2) for k in (10, 30)]
    rows = evaluate_autoattack(model, images, labels, "linf", epsilons, 16, "cpu", 0, ["apgd-ce", "apgd-t"])
    assert [row["value"] for row in rows] == [0.75, 0.25]
    assert rows[0]["parameter"].startswith("attack=apgd-ce+apgd-t;norm=linf;epsilon=")


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_autoattack_is_at_least_as_strong_as_pgd(convolutional, norm):
    images = images_of(32)
    labels = predict(convolutional, images, 32, "cpu")
    epsilons = {"linf": ["4/255", "8/255"], "l2": ["0.1", "0.2"]}[norm]
    pgd = {"attack": "pgd", "norm": norm, "steps": 20, "epsilons": epsilons}
    upper = [row["value"] for row in accuracies_under_attacks(convolutional, images, labels, [pgd], 32, "cpu", seed=0)]
    rows = evaluate_autoattack(convolutional, images, labels, norm, epsilons, 32, "cpu", 0, ["apgd-ce", "fab-t"])
    assert all(row["value"] <= bound for row, bound in zip(rows, upper, strict=True))
    assert 0 < min(upper) < max(upper) < 1


def test_each_epsilon_has_the_packages_result_batch_for_batch(convolutional):
    images = images_of(24)
    labels = predict(convolutional, images, 24, "cpu")
    labels[::5] = (labels[::5] + 1) % 5
    attacks = ["apgd-ce", "square"]
    expected = [
        np.concatenate(
            [
                oracle.autoattack(convolutional.eval(), images[i : i + 16], labels[i : i + 16], epsilon, 16, 3, attacks)
                for i in (0, 16)
            ]
        )
        for epsilon in (5 / 255, 4 / 255)
    ]

    robust = withstands(convolutional, images, labels, "linf", [5 / 255, 4 / 255], 16, "cpu", 3, attacks)

    assert 0 < robust[0].sum() < robust[1].sum() < 19
    np.testing.assert_array_equal(robust, expected)


def test_an_epsilon_has_the_same_result_whatever_others_there_are(monkeypatch):
    """With attacks that succeed by chance alone: what is drawn for an image does not depend on other epsilons."""

    def classify_by_chance(self, images, labels, batch_size):
        generator = torch.Generator().manual_seed(self.seed)
        return images, labels + (torch.rand(len(labels), generator=generator) < self.epsilon).long()

    monkeypatch.setattr(pyautoattack.AutoAttack, "run_standard_evaluation", classify_by_chance)
    images = images_of(40)
    labels = np.zeros(40, dtype=np.int64)
    alone = {}
    for epsilon in (0.3, 0.5, 0.7):
        (alone[epsilon],) = withstands(linear(5), images, labels, "linf", [epsilon], 16, "cpu", seed=3)
    assert 0 < alone[0.7].sum() < alone[0.5].sum() < alone[0.3].sum() < 40
    for epsilons in ([0.5, 0.7], [0.3, 0.5, 0.7], [0.7, 0.3]):
        robust = withstands(linear(5), images, labels, "linf", epsilons, 16, "cpu", seed=3)
        np.testing.assert_array_equal(robust, [alone[epsilon] for epsilon in epsilons])


def test_an_interrupted_evaluation_ends_with_the_same_result(convolutional, monkeypatch, tmp_path):
    images = images_of(24)
    labels = predict(convolutional, images, 24, "cpu")
    arguments = (convolutional, images, labels, "linf", ["2/255", "6/255"], 8, "cpu", 3, ["apgd-ce"])
    expected = evaluate_autoattack(*arguments)
    calls = []
    run = autoattack._run

    def dies(adversary, batch, truth, batch_size):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(len(truth))
        return run(adversary, batch, truth, batch_size)

    monkeypatch.setattr(autoattack, "_run", dies)
    progress = Progress(tmp_path / "progress.json", "model")
    with pytest.raises(KeyboardInterrupt):
        evaluate_autoattack(*arguments, progress=progress)
    redone = []
    monkeypatch.setattr(autoattack, "_run", lambda *given: redone.append(len(given[2])) or run(*given))
    result = evaluate_autoattack(*arguments, progress=Progress(tmp_path / "progress.json", "model"))
    assert result == expected
    # Three of the first epsilon's batches were done, and the three of the second are left.
    assert redone == [8, 8, 8]


def test_it_is_seeded_and_leaves_model_and_generator_alone(convolutional):
    images = images_of(12)
    labels = predict(convolutional, images, 12, "cpu")
    state = torch.random.get_rng_state()
    runs = [
        evaluate_autoattack(convolutional, images, labels, "linf", ["6/255"], 5, "cpu", 3, ["apgd-ce", "fab-t"])
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert convolutional.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in convolutional.parameters())


@pytest.mark.parametrize("attacks", [None, ["apgd-ce"]])
def test_seed_and_effort_are_the_standard_versions(monkeypatch, attacks):
    made = []

    class Recorded(pyautoattack.AutoAttack):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(pyautoattack, "AutoAttack", Recorded)
    # At an epsilon this large the first attack leaves the others nothing to do.
    images = images_of(4)
    model = linear(10)
    labels = predict(model, images, 4, "cpu")
    evaluate_autoattack(model, images, labels, "linf", ["0.9"], 4, "cpu", 17, attacks)
    (attack,) = made
    assert attack.seed == 17
    assert attack.attacks_to_run == (attacks or ["apgd-ce", "apgd-t", "fab-t", "square"])
    assert (attack.apgd.n_restarts, attack.apgd.n_iter, attack.apgd_targeted.n_target_classes) == (1, 100, 9)
    assert (attack.fab.n_restarts, attack.fab.n_target_classes, attack.square.n_queries) == (1, 9, 5000)


def test_nothing_is_left_to_attack_when_all_images_are_wrong():
    model, images = linear(5), images_of(3)
    labels = (predict(model, images, 3, "cpu") + 1) % 5
    (row,) = evaluate_autoattack(model, images, labels, "linf", ["1/255"], 3, "cpu", seed=0)
    assert row["value"] == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"norm": "l1"}, "l1"),
        ({"attacks": ["apgd"]}, "apgd"),
        ({"epsilons": ["two"]}, "two"),
        ({"epsilons": ["0"]}, "epsilon 0"),
        ({"model": linear(3)}, "3"),
    ],
)
def test_bad_input_is_named(settings, named):
    arguments = {"model": linear(5), "norm": "linf", "epsilons": ["1/255"], **settings}
    with pytest.raises(InputError, match=named):
        evaluate_autoattack(
            images=images_of(2), labels=np.zeros(2, dtype=np.int64), batch_size=2, device="cpu", seed=0, **arguments
        )


def test_robustbench_can_be_imported():
    code = (
        "from filterfreq.models.robustbench_models import register_autoattack; register_autoattack(); "
        "import robustbench, pyautoattack; assert robustbench.eval.AutoAttack is pyautoattack.AutoAttack"
    )
    scripts = Path(filterfreq.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=scripts, check=True)


def test_two_classes_are_enough_for_attacks_that_need_no_more():
    model, images = linear(2), images_of(3)
    labels = predict(model, images, 3, "cpu")
    distances = radii(model, images, labels, 1)
    epsilon = str(np.sort(distances)[:2].mean())
    (row,) = evaluate_autoattack(model, images, labels, "linf", [epsilon], 3, "cpu", seed=0, attacks=["apgd-ce"])
    assert row["value"] == (distances > float(epsilon)).mean()
    for attacks, fewest in ((None, 4), (["apgd-dlr"], 3)):
        with pytest.raises(InputError, match=f"at least {fewest} classes .* write attacks: .apgd-ce, square."):
            evaluate_autoattack(model, images, labels, "linf", [epsilon], 3, "cpu", seed=0, attacks=attacks)
