from pathlib import Path

import numpy as np
import pyautoattack
import pytest
import torch
import yaml
from torch import nn

from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.only_high import find_only_high
from filterfreq.evaluation.passes import Passes, Work, averaged_work, draws_anew, passes_of_autoattack
from filterfreq.evaluation.perturbations import perturb
from filterfreq.evaluation.robustness import accuracies_under_attacks
from filterfreq.evaluation.suites.adaptive import evaluate_adaptive
from filterfreq.evaluation.suites.autoattack import evaluate_autoattack
from filterfreq.evaluation.suites.band_noise import evaluate_band_noise
from filterfreq.evaluation.suites.clean import evaluate_clean
from filterfreq.evaluation.suites.corruption import evaluate_corruption
from filterfreq.evaluation.suites.fourier_attack import evaluate_fourier_attack
from filterfreq.evaluation.suites.fourier_heat_map import evaluate_heat_map
from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered
from filterfreq.evaluation.suites.line_spectrum import evaluate_line_spectrum
from filterfreq.evaluation.suites.regions import evaluate_regions
from filterfreq.evaluation.suites.spectra import evaluate_spectra
from filterfreq.planning.costs import CostModel, image_bytes
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
RUN = Run("texdigits", "resnet_8_2", "dct-penalty", 0)
IMAGES = np.random.default_rng(0).integers(60, 200, (3, 8, 8, 3)).astype(np.uint8)
LABELS = np.zeros(3, dtype=np.int64)


class Counting(nn.Module):
    """Is right about every image whatever an attack does, and counts how many it sees and gradients it gives."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3 * 8 * 8, classes)
        self.forwards = self.backwards = 0

    def forward(self, images):
        self.forwards += len(images)
        logits = 0.01 * self.linear(images.flatten(1))
        logits[:, 0] += 100
        if logits.requires_grad:
            logits.register_hook(self.count)
        return logits

    def count(self, gradient):
        self.backwards += len(gradient)

    @property
    def passes(self) -> Passes:
        return Passes(self.forwards, self.backwards)


def tiny(**changes) -> CostModel:
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["evaluation"] |= changes.pop("evaluation", {})
    return CostModel(Study(config | changes, ROOT / "schemas/config.schema.yaml"), "nowhere")


ATTACKS = [
    {"attack": "fgsm", "norm": "linf", "epsilons": ["2/255", "4/255"]},
    {"attack": "pgd", "norm": "l2", "steps": 7, "epsilons": ["0.25"]},
]


def test_attacks_pass_as_often_as_a_model_counts():
    model = Counting()
    evaluate_before(model, IMAGES, LABELS, 2, "cpu")
    accuracies_under_attacks(model, IMAGES, LABELS, ATTACKS, 2, "cpu", 0)
    planned = tiny(evaluation={"adversarial": {"images": 3, "attacks": ATTACKS}}).work("adversarial", RUN)
    assert planned == Work(model.passes)
    # By hand: of each image two clean passes, then for two epsilons of FGSM 1 step and a last look, for one of PGD 7.
    assert planned.own == (3 * (2 + 2 * 2 + 8), 3 * (2 + 7))


def test_transferred_attacks_pass_through_their_source():
    model, source = Counting(), Counting()
    evaluate_before(model, IMAGES, LABELS, 2, "cpu")
    accuracies_under_attacks(model, IMAGES, LABELS, ATTACKS, 2, "cpu", 0, source=source, source_name="plain")
    suites = {"transfer": {"source": "plain", "images": 3, "attacks": ATTACKS}}
    assert tiny(evaluation=suites).work("transfer", RUN) == Work(model.passes, source.passes)


ADAPTIVE = {"images": 3, "norm": "linf", "epsilons": ["1/255", "2/255"], "steps": 4, "restarts": 2, "draws": 3}
ADAPTIVE |= {"deepfool": {"steps": 4}, "transferred": ["fgsm", "pgd", "deepfool"]}
ADAPTIVE |= {"square": {"queries": 7}, "square_eot": {"queries": 5, "draws": 2}, "noise": {"tries": 6}, "eot": [1, 3]}


class Drawing(Counting):
    """Says that it draws at every call, and answers as ever."""

    is_stochastic = True

    def seed_draws(self, seed, first_image=0):
        pass


def derived(**settings) -> CostModel:
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["variants"]["smooth"] = {"from": "plain", "smooth_kernels": {"rho": 1}}
    config["experiments"]["tiny"]["variants"].append("smooth")
    config["evaluation"]["adaptive"] = settings
    return CostModel(Study(config, ROOT / "schemas/config.schema.yaml"), "nowhere")


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["dct-penalty", "smooth"])
def test_attacks_through_a_defence_pass_as_often_as_a_model_that_withstands_them_counts(variant):
    costs, run = derived(**ADAPTIVE), RUN._replace(variant=variant)
    model, source = Counting(), Counting() if variant == "smooth" else None
    evaluate_adaptive(model, IMAGES, LABELS, ADAPTIVE, 2, "cpu", 0, source)
    # Beside these, each epsilon's ratio of logits counts the classes by one image.
    own = costs.work("adaptive", run).own + Passes(2, 0)
    assert own == model.passes
    assert costs.work("adaptive", run).source == (source.passes if source else Passes(0, 0))
    assert costs.attacked_run("adaptive", run).variant == ("plain" if source else variant)


@pytest.mark.slow
def test_draws_multiply_the_passes_of_a_stochastic_model(monkeypatch):
    monkeypatch.setattr("filterfreq.planning.costs.draws_anew", lambda variant: True)
    model = Drawing()
    evaluate_adaptive(model, IMAGES, LABELS, ADAPTIVE, 2, "cpu", 0)
    assert derived(**ADAPTIVE).work("adaptive", RUN).own + Passes(2, 0) == model.passes


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({}, False),
        ({"post_averaging": {"directions": "random", "count": 15, "radius": 6}}, True),
        ({"post_averaging": {"directions": "random", "count": 15, "radius": 0}}, False),
        ({"post_averaging": {"directions": "approx", "count": 15, "radius": 6}}, False),
        (
            {"post_averaging": {"directions": "approx", "count": 3, "radius": 6, "second": {"directions": "random"}}},
            True,
        ),
        ({"randomised_smoothing": {"count": 10, "sigma": 0.25}}, True),
        ({"randomised_smoothing": {"count": 10, "radius": 6}}, True),
        ({"randomised_smoothing": {"count": 10, "sigma": 0}}, False),
    ],
)
def test_models_that_draw_at_random_are_known_from_their_variant(variant, expected):
    assert draws_anew(variant) is expected


@pytest.mark.parametrize(
    ("attack", "classes"),
    [("apgd-ce", 5), ("apgd-dlr", 5), ("apgd-t", 5), ("apgd-t", 12), ("fab", 5), ("fab-t", 4), ("square", 5)],
)
@pytest.mark.slow
def test_autoattack_passes_as_often_as_a_model_that_withstands_it_counts(attack, classes):
    model = Counting(classes)
    evaluate_autoattack(model, IMAGES[:1], LABELS[:1], "linf", ["1/255"], 1, "cpu", 0, [attack])
    # One image more, by which the classes are counted once.
    assert passes_of_autoattack([attack], classes) + Passes(1, 0) == model.passes


def test_the_standard_autoattack_is_the_packages_and_an_upper_bound():
    standard = pyautoattack.AutoAttack(Counting(), eps=0.1, device="cpu").attacks_to_run
    assert passes_of_autoattack(None, 10) == passes_of_autoattack(standard, 10)
    broken = Counting()
    evaluate_autoattack(broken, IMAGES, LABELS + 1, "l2", ["0.1"], 3, "cpu", 0)
    assert broken.forwards < 3 * passes_of_autoattack(None, 10).forward / 100


def test_autoattacks_of_several_entries_and_epsilons_add_up():
    entries = [
        {"images": 100, "norm": "linf", "epsilons": ["1/255", "2/255"], "attacks": ["apgd-ce"]},
        {"images": 10, "norm": "l2", "epsilons": ["0.25"], "attacks": ["square"]},
    ]
    # 8 and 103 forward passes of the first for each of two epsilons, 8 and 5,004 of the second; one of each unattacked.
    expected = Work(Passes(200 * 111 + 10 * 5012 + 100 + 10, 200 * 101))
    assert tiny(evaluation={"autoattack": entries}).work("autoattack", RUN) == expected


def test_suites_without_gradients_pass_as_often_as_a_model_counts():
    model = Counting()
    evaluate_clean(model, IMAGES, LABELS, 2, "cpu")
    assert tiny().work("clean", RUN) == Work(Passes(model.forwards * 1000 / 3, 0))

    model = Counting()
    corrupted = {name: np.repeat(IMAGES, 5, axis=0) for name in CORRUPTIONS}
    evaluate_before(model, IMAGES, LABELS, 8, "cpu")
    evaluate_corruption(model, corrupted, LABELS, 8, "cpu")
    assert tiny(evaluation={"corruption": {"images": 3}}).work("corruption", RUN) == Work(model.passes)

    model = Counting()
    radii = {"low": [2, 3], "high": [2]}
    evaluate_frequency_filtered(model, IMAGES, LABELS, radii, 2, "cpu")
    suites = {"frequency_filtered": {"images": 3, "radii": radii}, "datasets": {}}
    assert tiny(evaluation=suites).work("frequency_filtered", RUN) == Work(model.passes)
    both = {"images": 3, "radii": radii, "split": ["test", "train"]}
    twice = tiny(evaluation={"frequency_filtered": both, "datasets": {}}).work("frequency_filtered", RUN)
    assert twice == Work(model.passes.times(2))

    model = Counting()
    more = {"radii": radii, "svd": [1, 2], "only_high": True}
    evaluate_frequency_filtered(model, IMAGES, LABELS, batch_size=2, device="cpu", **more)
    suites = {"frequency_filtered": {"images": 3, **more}, "datasets": {}}
    assert tiny(evaluation=suites).work("frequency_filtered", RUN) == Work(model.passes)
    model = Counting()
    find_only_high(model, IMAGES, LABELS, more, list("abcdefghij"), 2, "cpu")
    assert tiny(evaluation=suites).work_of_only_high(RUN) == Work(model.passes)


@pytest.mark.parametrize("settings", [{"highest_frequency": 3}, {"highest_frequency": 2, "layer": "linear"}])
def test_a_heat_map_passes_once_for_each_distinct_frequency(settings):
    model, settings = Counting(), {"norm": 1, **settings}
    evaluate_heat_map(model, IMAGES, LABELS, 2, "cpu", **settings)
    suites = {"fourier_heat_map": {"images": 3, **settings}}
    assert tiny(evaluation=suites).work("fourier_heat_map", RUN) == Work(model.passes)
    attack = {"images": 3, "norms": [1, 2, 3], "highest_frequency": 3}
    model = Counting()
    evaluate_fourier_attack(model, IMAGES, LABELS, 2, "cpu", [1, 2, 3], highest_frequency=3)
    assert tiny(evaluation={"fourier_attack": attack}).work("fourier_attack", RUN) == Work(model.passes)
    everything = {"fourier_heat_map": {"images": 3, "norm": 1}}
    assert tiny(evaluation=everything).work("fourier_heat_map", RUN) == Work(Passes(3 * 514, 0))


def test_noise_of_bands_passes_as_often_as_a_model_counts():
    model, settings = Counting(), {"norm": 1, "bandwidths": {"low": [1, 3], "corner": [3]}}
    evaluate_band_noise(model, IMAGES, LABELS, 2, "cpu", **settings)
    suites = {"band_noise": {"images": 3, **settings}}
    assert tiny(evaluation=suites).work("band_noise", RUN) == Work(model.passes)


@pytest.mark.parametrize("settings", [{}, {"steps": 4}, {"attack": "fgsm"}])
def test_spectra_pass_as_often_as_a_model_counts(settings):
    model = Counting()
    evaluate_spectra(model, IMAGES, LABELS, 2, "cpu", 0, **settings)
    suites = {"corruption": {"images": 3}, "spectra": {"images": 3, **settings}}
    assert tiny(evaluation=suites).work("spectra", RUN) == Work(model.passes)


class CountingWithUnits(Counting):
    """The same behind a ReLU."""

    def forward(self, images):
        return super().forward(images.relu())


@pytest.mark.parametrize("steps", [{}, {"steps": 4}])
def test_regions_pass_as_often_as_a_model_counts(steps):
    model, settings = CountingWithUnits(), {"norm": "linf", "epsilon": "2/255", **steps}
    evaluate_regions(model, IMAGES, LABELS, 2, "cpu", settings)
    suites = {"regions": {"images": 3, **settings}}
    assert tiny(evaluation=suites).work("regions", RUN) == Work(model.passes)


@pytest.mark.parametrize("settings", [{}, {"points": 16, "lines": 2}])
def test_spectra_along_lines_pass_as_often_as_a_model_counts(settings):
    model, settings = Counting(), {"length": 2, "unit": "pixels", **settings}
    evaluate_line_spectrum(model, IMAGES, LABELS, 2, "cpu", **settings)
    suites = {"line_spectrum": {"images": 3, **settings}}
    assert tiny(evaluation=suites).work("line_spectrum", RUN) == Work(model.passes)


def test_perturbations_that_are_shown_pass_as_often_as_a_model_counts():
    model, attack = Counting(), {"attack": "pgd", "norm": "linf", "epsilon": "2/255", "steps": 4, "images": 3}
    perturb(model, IMAGES, LABELS, attack, attack["epsilon"], "cpu", 0)
    assert tiny(evaluation={"perturbations": attack}).work_of_perturbations(RUN) == Work(model.passes)


def test_what_is_not_known_before_the_data_are_there_is_not_guessed():
    model = tiny()
    assert model.work("out_of_distribution", RUN) is None
    assert model.work("cue_conflict", RUN) is None
    assert model.size("texdigits", "train") == 4000


def test_units_are_what_changes_the_work_of_a_batch():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    model = CostModel(Study(config, ROOT / "schemas/config.schema.yaml"), "nowhere")
    free, penalised = (Run("cifar10", "lowres_resnet9", name, 1) for name in ("plain-free", "dct-penalty"))
    assert model.training_unit(penalised) == model.training_unit(penalised._replace(seed=2, dataset="cifar100"))
    stronger = penalised._replace(variant="dct-penalty_strength-0.1")
    deeper = penalised._replace(variant="dct-penalty_layers-half")
    assert stronger in model.study.runs
    assert deeper in model.study.runs or any(run.variant.endswith("layers-half") for run in model.study.runs)
    assert model.training_unit(penalised) == model.training_unit(stronger)
    assert model.training_unit(penalised) != model.training_unit(free)
    # Which images they are, and what labels they have, changes nothing of a batch.
    config["variants"]["dct-penalty"] |= {"data": {"fraction": 0.1}, "validation": {"fraction": 0.1}}
    fewer = CostModel(Study(config, ROOT / "schemas/config.schema.yaml"), "nowhere")
    assert fewer.training_unit(penalised) == model.training_unit(penalised)
    assert model.images_of_epoch(penalised) == (50_000, 10_000)
    assert fewer.images_of_epoch(penalised) == (5000, 15_000)
    # 125 epochs of batches that are each replayed 8 times.
    assert (model.epochs(penalised), model.epochs(free)) == (125, 16)
    # The filters are composed for evaluations, so decompositions share them.
    assert model.evaluation_unit(penalised) == model.evaluation_unit(free)
    assert {entry["unit"]["kind"] for entry in model.units()} == {"train", "evaluate", "corrupt"}


def test_stored_images_have_three_bytes_a_pixel():
    assert image_bytes(10_000, 32) == 30_720_000


@pytest.mark.parametrize(
    ("variant", "forward", "backward"),
    [
        ({}, 3, 2),
        ({"post_averaging": {"directions": "random", "count": 15, "radius": 6}}, 91 * 5, 91 * 2),
        ({"post_averaging": {"directions": "random", "count": 15, "radius": 0}}, 3, 2),
        ({"randomised_smoothing": {"count": 90, "sigma": 0.5}}, 90 * 5, 90 * 2),
        (
            {
                "post_averaging": {
                    **{"directions": "approx", "count": 60, "lengths": [2, 3, 4]},
                    "second": {"directions": "random", "count": 60, "lengths": [10, 20, 30]},
                }
            },
            722 * 5 + 3,
            722 * 2 + 60 * 3,
        ),
    ],
)
def test_an_average_passes_its_points_through_the_network(variant, forward, backward):
    """With gradients twice forward; approx a further pass, and a backward pass for each direction."""
    assert averaged_work(Work(Passes(3, 2), Passes(1, 1)), variant) == Work(Passes(forward, backward), Passes(1, 1))
