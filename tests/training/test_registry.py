import importlib
from pathlib import Path

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.training.epochs import count_epochs
from filterfreq.training.intervention import Intervention, interventions_of
from filterfreq.training.registry import INTERVENTIONS, check_interventions, intervention_modules, strengths_of

SCHEMAS = Path(__file__).parents[2] / "schemas" / "interventions"
PENALTY = {"kind": "highest", "strength": 0.1, "layers": "all"}


def test_every_intervention_has_a_module_an_entry_and_a_fragment():
    folder = Path(importlib.import_module("filterfreq.training.interventions").__file__).parent
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert modules == set(INTERVENTIONS) == {file.stem for file in SCHEMAS.glob("*.yaml")}
    assert all(entry.module.rpartition(".")[2] == key for key, entry in INTERVENTIONS.items())


def test_what_excludes_another_is_excluded_by_it():
    for key, entry in INTERVENTIONS.items():
        assert all(key in INTERVENTIONS[other].excludes for other in entry.excludes)


def test_a_variant_has_its_own_interventions_in_the_order_of_the_registry():
    variant = {"penalty": PENALTY, "label": "any", "decomposition": "weight", "gaussian_noise": 0.1}
    assert list(interventions_of(variant)) == ["gaussian_noise", "penalty"]
    assert all(isinstance(one, Intervention) for one in interventions_of(variant).values())
    assert intervention_modules(variant) == [
        "filterfreq.training.interventions.gaussian_noise",
        "filterfreq.training.interventions.penalty",
    ]
    assert strengths_of("decomposition") == {}
    assert list(strengths_of("penalty")) == ["strength"]


@pytest.mark.parametrize(
    ("penalty", "said"),
    [
        (
            {**PENALTY, "padding": "released"},
            "penalty.padding: belongs to the kind orthogonal, take that or leave padding",
        ),
        ({"kind": "smooth", "strength": 1, "layers": "all", "counted": "all"}, "penalty.counted: belongs to the kind"),
        (
            {"kind": "orthogonal", "strength": 1, "layers": "half"},
            "penalty.layers: the kind orthogonal says by counted which layers count: write all here",
        ),
    ],
)
def test_settings_of_other_penalties_are_refused(penalty, said):
    with pytest.raises(InputError) as caught:
        check_interventions("variants.one", {"penalty": penalty, "decomposition": "weight"})
    assert str(caught.value).startswith(f"variants.one.{said}")


def test_the_orthogonal_penalty_has_settings_of_its_own_and_needs_no_decomposition():
    penalty = {"kind": "orthogonal", "strength": 1, "layers": "all", "padding": "released", "counted": "released"}
    check_interventions("variants.one", {"penalty": penalty})


def test_draws_of_two_interventions_have_streams_of_their_own():
    settings = {"augmentation_policy": "augmix", "gaussian_noise": 0.1, "mixup": 0.5}
    streams = [one.stream for one in interventions_of(settings).values()]
    assert len(set(streams)) == 3
    assert "" not in streams


@pytest.mark.parametrize(("epochs", "replays", "expected"), [(4, None, 4), (4, 1, 4), (4, 2, 2), (5, 2, 3)])
def test_replays_divide_the_epochs(epochs, replays, expected):
    variant = {"gaussian_noise": 0.1, "adversarial_training": {"replays": replays} if replays else {}}
    assert count_epochs({"training": {"epochs": epochs}, "variant": variant}) == expected


def test_an_intervention_that_draws_names_its_stream():
    with pytest.raises(InputError, match="an intervention with change_images lacks a stream: name its draws"):
        Intervention(change_images=lambda images, seed, share: images)
    assert Intervention(penalty=lambda classifier: 0).stream == ""


def test_no_two_interventions_of_a_variant_draw_from_one_stream(monkeypatch):
    monkeypatch.setattr(
        "filterfreq.training.interventions.mixup.intervention",
        lambda alpha: Intervention(stream="noise", mix=lambda images, labels, classes, seed: (images, labels)),
    )
    with pytest.raises(InputError, match="both draw from the stream 'noise': give one another name for it"):
        interventions_of({"gaussian_noise": 0.1, "mixup": 1.0})
