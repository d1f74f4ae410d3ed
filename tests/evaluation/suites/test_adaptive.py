import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.adaptive_settings import measured_values
from filterfreq.evaluation.draws import classify_over_draws
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.adaptive import evaluate_adaptive

pytestmark = pytest.mark.slow

FAST = {"steps": 10, "restarts": 1, "square": {"queries": 300}, "square_eot": {"queries": 20, "draws": 3}, "draws": 4}
METRICS = SUITES["adaptive"].metrics


class Noisy(nn.Module):
    """A classifier that sees Gaussian noise on its images, drawn as the contract of stochastic classifiers says."""

    is_stochastic = True

    def __init__(self, model: nn.Module, scale: float) -> None:
        super().__init__()
        self.model, self.scale = model, scale
        self.seed_draws(0)

    def seed_draws(self, seed: int, first_image: int = 0) -> None:
        self.seed, self.first_image, self.calls = seed, first_image, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        sequences = (np.random.SeedSequence((self.seed, self.first_image + i, self.calls)) for i in range(len(images)))
        noise = np.stack([np.random.default_rng(sequence).normal(size=images.shape[1:]) for sequence in sequences])
        self.calls += 1
        return self.model(images + self.scale * torch.from_numpy(noise).to(images))


class Scaled(nn.Module):
    """Logits that are multiplied until the softmax is saturated, so that cross entropy has no gradient."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.factor * self.model(images)


class Quantised(nn.Module):
    """Logits that are rounded, so that no loss has a gradient."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.model(images)
        return logits + (torch.round(5000 * logits) / 5000 - logits).detach() - logits + logits.detach()


def images_of(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(80, 176, (n, 6, 6, 3), dtype=np.uint8)


def linear(classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(108, classes))
    model[1].bias.data.copy_(-model[1].weight.data.sum(dim=1) / 2)
    return model


def exact_radii(model: nn.Module, images: np.ndarray, labels: np.ndarray, dual: int = 1) -> np.ndarray:
    """The distance of each image to the decision boundary of a linear model: margin by dual norm, in closed form."""
    weight, bias = model[1].weight.detach().double().numpy(), model[1].bias.detach().double().numpy()
    logits = np.moveaxis(images, -1, 1).reshape(len(images), -1) / 255 @ weight.T + bias
    found = []
    for row, label in zip(logits, labels, strict=True):
        others = [k for k in range(len(row)) if k != label]
        slopes = [np.linalg.norm(weight[label] - weight[k], dual) for k in others]
        found.append(min((row[label] - row[k]) / slope for k, slope in zip(others, slopes, strict=True)))
    return np.array(found)


def accuracies(rows: list[dict], metric: str = "accuracy") -> dict[str, float]:
    """The values of a metric by attack, at one epsilon; with draws a step behind the attack where there are some."""
    found = {}
    for row in rows:
        pairs = dict(pair.split("=") for pair in row["parameter"].split(";"))
        if row["metric"] == metric:
            found[":".join(filter(None, (pairs.get("attack"), pairs.get("eot"))))] = row["value"]
    return found


def evaluate(model, images, labels, epsilon, *, norm="linf", batch=16, source=None, progress=None, **changes):
    settings = {"norm": norm, "epsilons": [str(epsilon)], **FAST, **changes}
    rows = evaluate_adaptive(model, images, labels, settings, batch, "cpu", 3, source, progress)
    check_rows(rows, "it", METRICS)
    return rows


@pytest.fixture
def images() -> np.ndarray:
    return images_of(40)


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_attacks_along_gradients_find_the_exact_accuracy_of_a_linear_model(images, norm, dual):
    model = linear()
    labels = predict(model, images, 40, "cpu")
    labels[3] = (labels[3] + 1) % 5
    radii = np.sort(exact_radii(model, images, labels, dual))
    broken = 10 + int(np.diff(radii[10:30]).argmax()) + 1  # up to the widest gap of those in the middle
    epsilon, left = radii[broken - 1 : broken + 1].mean(), 1 - broken / 40
    found = accuracies(evaluate(model, images, labels, epsilon, norm=norm, attacks=["pgd", "apgd"], steps=50))
    # Cross entropy may pull towards a class that is not the nearest, a margin does not.
    assert found["pgd-50-margin"] == found["adaptive"] == found["worst"] == left
    assert all(left <= value < left + 0.15 for value in found.values())


def test_rows_of_every_attack_are_those_that_the_claims_may_name(images):
    model = linear()
    labels = predict(model, images, 40, "cpu")
    rows = evaluate(Noisy(model, 0.01), images, labels, 0.02, source=model, eot=[1, 2])
    names = list(accuracies(rows))
    settings = {"norm": "linf", "epsilons": ["0.02"], **FAST, "eot": [1, 2]}
    assert sorted(names) == sorted(measured_values(settings)["attack"])
    by_eot = accuracies(rows, "accuracy_by_eot")
    assert [name for name in by_eot if name.startswith("apgd-10-ce")] == ["apgd-10-ce:1", "apgd-10-ce:2"]
    assert all(by_eot[f"{name}:2"] <= by_eot[f"{name}:1"] for name in ("pgd-10-ce", "apgd-10-dlr"))
    assert "judged=after;draws=4" in rows[1]["parameter"]


def test_the_worst_case_is_taken_image_by_image(images, monkeypatch):
    """Two attacks that break other images leave fewer together than each alone."""
    model = linear()
    labels = predict(model, images, 40, "cpu")
    half = np.arange(40) < 20
    points = images.copy()
    points[:] = 255 - points

    def breaking(rows):
        def attack(self, *arguments, **_):
            found, starts = arguments[-3], arguments[-1]
            return found if starts else rows

        return attack

    broken = {"square": half, "noise": ~half & (np.arange(40) % 2 == 0)}

    def attacks_of(self, radius):
        def attack_for(name):
            def attack(clean, truth, seed):
                numbers = [
                    int(
                        np.flatnonzero(
                            (np.moveaxis(images, -1, 1) == (one * 255).round().byte().numpy()).all((1, 2, 3))
                        )[0]
                    )
                    for one in clean
                ]
                flipped = torch.from_numpy(broken[name][numbers])[:, None, None, None]
                return torch.where(flipped, 1 - clean, clean)

            return attack

        return {name: (attack_for(name), 1) for name in broken}

    monkeypatch.setattr("filterfreq.evaluation.suites.adaptive._Evaluation._other_attacks", attacks_of)
    flipped_is_wrong = predict(model, 255 - images, 40, "cpu") != labels
    assert flipped_is_wrong.all()
    found = accuracies(evaluate(model, images, labels, 0.01, attacks=["noise"]))
    assert found == {"square": 0.5, "noise": 0.75, "worst": 0.25}


def test_an_ordinary_model_shows_none_of_the_signs(images):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(288, 5))
    labels = predict(model, images, 40, "cpu")
    found = accuracies(evaluate(model, images, labels, 0.02))
    assert found["adaptive"] <= min(found["square"], found["fgsm"], found["noise"])
    assert 0 < found["worst"] < 1
    assert accuracies(evaluate(model, images, labels, "64/255"))["adaptive"] == 0


def test_a_model_without_gradients_is_broken_by_queries_alone(images):
    model = Quantised(linear())
    labels = predict(model, images, 40, "cpu")
    epsilon = float(np.quantile(exact_radii(model.model, images, labels), 0.5)) * 3
    found = accuracies(evaluate(model, images, labels, epsilon, square={"queries": 500}))
    assert found["square"] < found["adaptive"] - 0.3
    assert found["worst"] <= found["square"]


def test_saturated_logits_hide_cross_entropy_and_not_a_margin(images):
    model = Scaled(linear(), 1e5)
    labels = predict(model, images, 40, "cpu")
    radii = np.sort(exact_radii(model.model, images, labels))
    epsilon = (radii[9] + radii[10]) / 2
    found = accuracies(evaluate(model, images, labels, epsilon, attacks=["fgsm", "pgd", "square"], steps=50))
    assert found["pgd-50-ce"] > 0.9
    assert found["pgd-50-margin"] == found["adaptive"] == 0.75


def test_images_that_are_wrong_or_broken_are_spared(images):
    """Attacked again, they would be counted."""

    class Counting(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model, self.shown = model, 0

        def forward(self, images):
            self.shown += len(images)
            return self.model(images)

    model = Counting(linear())
    right = predict(model.model, images, 40, "cpu")
    wrong = (right + 1) % 5
    half = np.where(np.arange(40) < 20, right, wrong)
    shown = {}
    for name, labels in (("all", right), ("half", half), ("none", wrong)):
        model.shown = 0
        evaluate(model, images, labels, 0.0001, attacks=["pgd"], losses=["ce"])
        shown[name] = model.shown - 40
    assert shown == {"all": 40 * 12, "half": 20 * 12, "none": 0}
    model.shown = 0
    evaluate(model, images, right, 0.3, attacks=["pgd"], losses=["ce"], restarts=5, steps=100)
    assert model.shown < 40 * 20


def test_success_is_judged_over_fresh_draws_and_not_by_the_attack():
    """A classifier of chance: any attack finds a draw that fails, and over many draws it stays right."""

    class Chance(nn.Module):
        is_stochastic = True

        def __init__(self):
            super().__init__()
            self.seed_draws(0)

        def seed_draws(self, seed, first_image=0):
            self.generator = np.random.default_rng((seed, first_image))

        def forward(self, images):
            wrong = torch.from_numpy(self.generator.random(len(images)) < 0.2)
            return torch.where(wrong[:, None], torch.tensor([0.0, 0.5]), torch.tensor([3.0, 0.0])) + 0 * images.sum()

    model, images, labels = Chance(), images_of(64), np.zeros(64, dtype=np.int64)
    judged = {"attacks": ["square", "noise"], "square": {"queries": 50}}
    assert accuracies(evaluate(model, images, labels, 0.1, **judged, draws=30))["worst"] == 1
    assert accuracies(evaluate(model, images, labels, 0.1, **judged, draws=1))["worst"] < 0.9


@pytest.mark.parametrize("model", [linear(), Noisy(linear(), 0.05)], ids=["plain", "noisy"])
def test_an_interrupted_evaluation_ends_as_an_uninterrupted_one(images, model, tmp_path):
    labels = predict(linear(), images, 40, "cpu")
    told = {"source": linear(), "eot": [1, 2], "steps": 2, "square": {"queries": 20}, "noise": {"tries": 2}}
    whole = evaluate(model, images, labels, 0.03, **told)
    kept = Progress(tmp_path / "whole.json", "one")
    assert evaluate(model, images, labels, 0.03, **told, progress=kept) == whole

    class Stopped(Progress):
        """Is interrupted once so many batches are kept."""

        def flags(self, key, compute):
            if len(self.batches) == count:
                raise KeyboardInterrupt
            return super().flags(key, compute)

    for count in (1, len(kept.batches) // 2):
        path = tmp_path / f"{count}.json"
        with pytest.raises(KeyboardInterrupt):
            evaluate(model, images, labels, 0.03, **told, progress=Stopped(path, "one"))
        again = Progress(path, "one")
        assert len(again.batches) == count
        assert evaluate(model, images, labels, 0.03, **told, progress=again) == whole
        assert again.batches == kept.batches


def test_draws_are_raised_until_the_accuracy_falls_no_more(images):
    model = Noisy(linear(), 0.3)
    labels = predict(model.model, images, 40, "cpu")
    found = accuracies(evaluate(model, images, labels, 0.03, eot="auto", attacks=["pgd"], losses=["ce"], steps=5),
                       "accuracy_by_eot")  # fmt: skip
    counts = [int(name.partition(":")[2]) for name in found]
    values = list(found.values())
    assert counts == [1, 5, 10, 20][: len(counts)]
    assert len(counts) == 4 or values[-1] == values[-2]
    assert all(np.diff(values[:-1]) < 0)
    # Without draws there is nothing to average over.
    assert list(accuracies(evaluate(model.model, images, labels, 0.03, attacks=["pgd"]), "accuracy_by_eot")) == [
        "pgd-10-ce:1",
        "pgd-10-margin:1",
    ]


def test_transfer_is_from_the_source_and_only_where_there_is_one(images):
    source = linear()
    labels = predict(source, images, 40, "cpu")
    radii = np.sort(exact_radii(source, images, labels))
    epsilon = radii[-1] * 1.5
    blind = Quantised(source)
    found = accuracies(evaluate(blind, images, labels, epsilon, attacks=["pgd", "transfer"], source=source))
    assert found["transfer"] == 0
    assert found["adaptive"] > 0.3
    assert "transfer" not in accuracies(evaluate(blind, images, labels, epsilon, attacks=["pgd", "transfer"]))


def test_two_classes_have_no_ratio_of_logits(images):
    model = linear(2)
    labels = predict(model, images, 40, "cpu")
    found = accuracies(evaluate(model, images, labels, 0.01, attacks=["apgd"]))
    assert list(found) == ["apgd-10-ce", "adaptive", "worst"]


def test_a_prediction_over_draws_is_that_of_the_mean(images):
    model = Noisy(linear(), 0.5)
    shown = torch.from_numpy(np.moveaxis(images, -1, 1) / 255).float()
    labels = torch.zeros(40, dtype=torch.int64)
    right = classify_over_draws(model, shown, labels, 6, 11, 7)
    model.seed_draws(11, 7)
    mean = sum(model(shown).log_softmax(1) for _ in range(6))
    np.testing.assert_array_equal(right, (mean.argmax(1) == 0).numpy())
    assert 0 < right.sum() < 40
