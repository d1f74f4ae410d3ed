import copy

import numpy as np
import pytest
import torch
from oracles import attacks as oracle
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.perturbations import perturb
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.robustness import accuracies_under_attacks, withstands
from filterfreq.runtime.errors import InputError

FGSM = {"attack": "fgsm", "norm": "linf", "epsilons": ["4/255"]}
PGD = {"attack": "pgd", "norm": "linf", "steps": 5, "epsilons": ["4/255"]}


@pytest.fixture
def images() -> np.ndarray:
    """Grey levels far enough from 0 and 255 that the attacks of these tests never meet them."""
    return np.random.default_rng(0).integers(60, 196, (100, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def linear() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    model[1].bias.data.copy_(-model[1].weight.data.sum(dim=1) / 2)
    return model


@pytest.fixture
def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 4))


def test_robust_accuracy_of_a_linear_model_has_its_closed_form(linear, images):
    """A linear model is right on the whole ball where its margin exceeds epsilon times the weight's dual norm."""
    labels = np.random.default_rng(1).integers(0, 2, 100)
    with torch.no_grad():
        logits = linear(to_images(images, "cpu")).double().numpy()
    weight = linear[1].weight.detach().double().numpy()
    rows_of, truth = np.arange(100), labels
    margin = logits[rows_of, truth] - logits[rows_of, 1 - truth]
    dual = {"linf": np.abs(weight[1] - weight[0]).sum(), "l2": np.linalg.norm(weight[1] - weight[0])}
    epsilons = {"linf": ["0", "1/255", "4/255", "16/255"], "l2": ["0.05", "0.1", "0.3"]}
    attacks = [
        {"attack": attack, "norm": norm, "epsilons": epsilons[norm], **steps}
        for attack, steps in (("fgsm", {}), ("pgd", {"steps": 10}))
        for norm in ("linf", "l2")
    ]
    rows = accuracies_under_attacks(linear, images, labels, attacks, 32, "cpu", seed=0)
    expected = [
        (f"attack={name};norm={norm};epsilon={epsilon}", np.mean(margin > eval(epsilon) * dual[norm]))
        for name in ("fgsm", "pgd-10")
        for norm in ("linf", "l2")
        for epsilon in epsilons[norm]
    ]
    assert [(row["parameter"], row["value"]) for row in rows] == expected
    assert {row["n"] for row in rows} == {100}
    assert len({value for _, value in expected}) > 4


def test_misclassified_images_stay_wrong():
    """FGSM carries this image past the nearest maximum of the loss, into a region where it is classified correctly."""

    class Wave(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            wave = torch.sin(2 * torch.pi * images.mean(dim=(1, 2, 3)) / 0.2)
            return torch.stack([torch.zeros_like(wave), wave], dim=1)

    images = np.full((1, 4, 4, 3), round(0.43 * 255), dtype=np.uint8)
    labels = np.array([0])
    attack = {"attack": "fgsm", "norm": "linf", "epsilons": ["0.1"]}
    shown = perturb(Wave(), images, labels, attack, "0.1", "cpu", seed=0)
    assert shown.clean_predictions.tolist() == [1]
    assert shown.adversarial_predictions.tolist() == [0]
    (row,) = accuracies_under_attacks(Wave(), images, labels, [attack], 10, "cpu", seed=0)
    assert row["value"] == 0


@pytest.mark.parametrize("attack", [FGSM, PGD], ids=["fgsm", "pgd"])
def test_leaving_out_misclassified_images_changes_no_other_image(convolutional, images, attack):
    labels = predict(convolutional, images, 100, "cpu")
    labels[::3] = (labels[::3] + 1) % 4
    labels[32:64] = (labels[32:64] + 1) % 4  # nothing to attack in the second batch
    correct = predict(convolutional, images, 100, "cpu") == labels
    seen = []
    convolutional[1].register_forward_hook(lambda module, inputs, outputs: seen.append(len(outputs)))

    robust = withstands(convolutional, images, labels, correct, attack, 4 / 255, 32, "cpu", seed=3)

    steps = attack.get("steps", 0)
    assert sum(seen) == correct.sum() * (max(steps, 1) + 1)
    expected = oracle.withstands(convolutional, images, labels, 4 / 255, steps, 32, seed=3)
    assert 0 < expected.sum() < correct.sum()
    np.testing.assert_array_equal(robust, expected)


def test_epsilon_zero_is_the_clean_accuracy_and_larger_ones_only_lower_it(convolutional, images):
    labels = predict(convolutional, images, 100, "cpu")
    labels[::10] = (labels[::10] + 1) % 4
    attack = {"attack": "pgd", "norm": "linf", "steps": 10, "epsilons": ["0", "1/255", "4/255", "32/255"]}
    values = [
        row["value"] for row in accuracies_under_attacks(convolutional, images, labels, [attack], 32, "cpu", seed=0)
    ]
    assert values[0] == 0.9
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5


def test_l2_pgd_from_the_image_finds_what_it_misses_from_a_random_point(linear, images):
    """The nearest adversarial example of a linear model lies straight ahead; a random point is far beside it."""
    labels = predict(linear, images, 100, "cpu")
    with torch.no_grad():
        logits = linear(to_images(images, "cpu")).double().numpy()
    weight = linear[1].weight.detach().double().numpy()
    distances = np.abs(logits[:, 0] - logits[:, 1]) / np.linalg.norm(weight[1] - weight[0])
    epsilon = np.sort(distances)[60] * (1 + 1e-4)
    attacks = [
        {"attack": "pgd", "norm": "l2", "steps": 2, "epsilons": [str(epsilon)], **start}
        for start in ({}, {"random_start": True}, {"random_start": False})
    ]
    default, random, straight = accuracies_under_attacks(linear, images, labels, attacks, 100, "cpu", seed=0)
    assert [row["parameter"].split(";")[0] for row in (default, random, straight)] == [
        "attack=pgd-2",
        "attack=pgd-2",
        "attack=pgd-2-from-image",
    ]
    assert straight["value"] == np.mean(distances > epsilon) == 0.39
    assert default == random
    assert random["value"] > straight["value"]
    (fast,) = accuracies_under_attacks(linear, images, labels, [{**FGSM, "random_start": True}], 100, "cpu", seed=0)
    assert fast["parameter"].startswith("attack=fgsm-from-random;")


def test_attacks_that_start_elsewhere_do_not_share_what_is_done(linear, images, tmp_path):
    labels = predict(linear, images, 100, "cpu")
    attack = {"attack": "pgd", "norm": "l2", "steps": 1, "epsilons": ["0.3"]}
    attacks = [attack, {**attack, "random_start": False}]
    expected = accuracies_under_attacks(linear, images, labels, attacks, 32, "cpu", seed=0)
    progress = Progress(tmp_path / "progress.json", "model")
    assert accuracies_under_attacks(linear, images, labels, attacks, 32, "cpu", seed=0, progress=progress) == expected
    assert expected[0]["value"] != expected[1]["value"]


def test_relative_step_size_matters(linear, images):
    """Steps that add up to less than epsilon cannot leave a small ball around the random start."""
    labels = predict(linear, images, 100, "cpu")
    timid, bold = (
        {"attack": "pgd", "norm": "linf", "steps": 4, "relative_step_size": size, "epsilons": ["8/255"]}
        for size in (1e-6, 1)
    )
    weak, strong = accuracies_under_attacks(linear, images, labels, [timid, bold], 100, "cpu", seed=0)
    assert strong["value"] < weak["value"]


def test_the_seed_fixes_the_evaluation_whatever_else_is_evaluated(convolutional, images):
    labels = predict(convolutional, images, 100, "cpu")
    attack = {**PGD, "steps": 1, "relative_step_size": 0.1, "epsilons": ["3/255"]}
    longer = {**attack, "epsilons": ["2/255", "3/255"]}
    (alone,) = accuracies_under_attacks(convolutional, images, labels, [attack], 32, "cpu", seed=0)
    torch.manual_seed(1)
    together = accuracies_under_attacks(convolutional, images, labels, [FGSM, longer], 32, "cpu", seed=0)
    assert together[-1] == alone


def test_the_model_is_left_as_it_was(convolutional, images):
    convolutional.train()
    accuracies_under_attacks(convolutional, images, np.zeros(100, dtype=np.int64), [FGSM, PGD], 32, "cpu", seed=0)
    assert convolutional.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in convolutional.parameters())


def test_attacks_transferred_from_a_linear_model_have_their_closed_form(linear, images):
    """FGSM of one linear model takes sum(sign(v) w) epsilon off the other's margin, v and w being their slopes."""
    torch.manual_seed(1)
    source = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    labels = np.random.default_rng(1).integers(0, 2, 100)
    with torch.no_grad():
        logits = linear(to_images(images, "cpu")).double().numpy()
    margin = logits[np.arange(100), labels] - logits[np.arange(100), 1 - labels]
    slope, other = (model[1].weight.detach().double().numpy() for model in (linear, source))
    taken = np.sum((slope[0] - slope[1]) * np.sign(other[0] - other[1]))
    epsilons = ["2/255", "8/255", "0.2"]
    attack = {"attack": "fgsm", "norm": "linf", "epsilons": epsilons}
    rows = accuracies_under_attacks(
        linear, images, labels, [attack], 32, "cpu", seed=0, source=source, source_name="plain"
    )
    expected = [
        (
            f"attack=fgsm;norm=linf;epsilon={epsilon};source=plain",
            np.mean((margin > 0) & (margin > eval(epsilon) * taken)),
        )
        for epsilon in epsilons
    ]
    assert [(row["parameter"], row["value"]) for row in rows] == expected
    assert len({value for _, value in expected}) > 1


def test_attacks_transferred_from_the_model_itself_are_its_own(convolutional, images):
    labels = predict(convolutional, images, 100, "cpu")
    labels[::10] = (labels[::10] + 1) % 4
    twin = copy.deepcopy(convolutional)
    own = accuracies_under_attacks(convolutional, images, labels, [FGSM, PGD], 32, "cpu", seed=3)
    transferred = accuracies_under_attacks(
        convolutional, images, labels, [FGSM, PGD], 32, "cpu", seed=3, source=twin, source_name="plain"
    )
    assert [row["value"] for row in transferred] == [row["value"] for row in own]
    assert 0 < own[0]["value"] < 0.9


def test_a_source_that_is_wrong_is_attacked_nevertheless_and_left_as_it_was(convolutional, linear, images):
    labels = predict(convolutional, images, 100, "cpu")
    source = nn.Sequential(nn.Flatten(), nn.Linear(48, 4)).train()
    assert (predict(source, images, 100, "cpu") != labels).any()
    robust = withstands(
        convolutional, images, labels, np.ones(100, dtype=bool), FGSM, 8 / 255, 32, "cpu", 0, source=source
    )
    clean, truth = to_images(images, "cpu").requires_grad_(), torch.from_numpy(labels)
    nn.functional.cross_entropy(source(clean), truth, reduction="sum").backward()
    adversarial = (clean + 8 / 255 * clean.grad.sign()).detach()
    np.testing.assert_array_equal(robust, (convolutional(adversarial).argmax(1) == truth).numpy())
    assert source.training
    assert all(parameter.requires_grad for parameter in source.parameters())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_perturbations_are_adversarial_examples_for_display(convolutional, images, norm):
    images = images[:5]
    labels = predict(convolutional, images, 5, "cpu")
    shown = perturb(convolutional, images, labels, {**PGD, "norm": norm}, "0.1", "cpu", seed=0)
    assert shown.clean.dtype == shown.adversarial.dtype == np.float32
    np.testing.assert_allclose(shown.clean, images / 255, atol=1e-6)
    offset = (shown.adversarial - shown.clean).reshape(5, -1)
    lengths = np.linalg.norm(offset, {"linf": np.inf, "l2": 2}[norm], axis=1)
    assert (lengths <= 0.1 + 1e-6).all()
    assert (lengths > 0.09).all()
    assert shown.adversarial.min() >= 0
    assert shown.adversarial.max() <= 1
    assert shown.clean_predictions.tolist() == labels.tolist()
    with torch.no_grad():
        logits = convolutional(torch.from_numpy(shown.adversarial).permute(0, 3, 1, 2))
    assert shown.adversarial_predictions.tolist() == logits.argmax(1).tolist()


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        ({**FGSM, "attack": "deepfool"}, "deepfool"),
        ({**FGSM, "norm": "l1"}, "l1"),
        ({"attack": "pgd", "norm": "linf", "epsilons": ["4/255"]}, "steps"),
        ({**FGSM, "epsilons": ["4/255", "-1/255"]}, "-1/255"),
    ],
)
def test_a_wrong_attack_is_refused_before_any_work(images, attack, named):
    class Untouched(nn.Module):
        def forward(self, _images: torch.Tensor) -> torch.Tensor:
            raise AssertionError

    with pytest.raises(InputError, match=named):
        accuracies_under_attacks(Untouched(), images, np.zeros(100, dtype=np.int64), [FGSM, attack], 32, "cpu", seed=0)
