import copy

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS
from filterfreq.study.fits import FitRun, GanRun
from filterfreq.study.gans import gan_methods
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study

SNGAN = {
    "dataset": "texdigits",
    "normalisation": "none",
    "iterations": 100,
    "record_every": 10,
    "learning_rate": 0.0002,
    "beta1": 0,
    "beta2": 0.9,
    "discriminator_steps": 5,
    "batch_size": 64,
    "latent": 128,
    "strided_kernel": 4,
    "samples": 64,
}
CONFIG = {
    "gans": {
        "textures": {
            "sngan": SNGAN,
            "networks": {"narrow": {"width": 8}},
            "variants": {"none": {}, "spectral": {"label": "SN", "normalisation": "spectral"}},
            "seeds": [0, 1],
        }
    },
    "data": {"seed": 0},
    "compute": {"device": "cpu", "publish": {"threads": 1, "mem_mb": 1, "runtime": 1}},
}


def study_of(**entry) -> Study:
    """The study of the one GAN, with some of its keys changed; a key of None is left out."""
    config = copy.deepcopy(CONFIG)
    config["gans"]["textures"] = {
        key: value for key, value in {**config["gans"]["textures"], **entry}.items() if value is not None
    }
    return Study(config, SCHEMAS / "config.schema.yaml")


def test_gans_are_a_grid_of_their_own_beside_fits():
    study = study_of()
    assert study.gans.runs["textures"][3] == GanRun("textures", "narrow", "spectral", 1)
    assert study.fits.runs == {}
    assert (study.datasets, study.gans.datasets) == ([], ["texdigits"])
    assert study.gans.spec(study.gans.runs["textures"][2]) == {
        "run": {"gan": "textures", "network": "narrow", "variant": "spectral", "seed": 0},
        "kind": "sngan",
        "network": {"width": 8},
        "settings": SNGAN | {"normalisation": "spectral"},
    }
    assert remarks(study) == []
    # Equal as tuples, and yet two runs.
    assert not isinstance(study.gans.runs["textures"][0], FitRun)


def test_methods_differ_in_more_than_the_learning_rate():
    study = study_of(sweep={"learning_rate": [0.0002, 0.001]})
    assert gan_methods(study.gans, "textures") == {
        "none": {"method": "none", "learning_rate": 0.0002},
        "none_learning_rate-0.001": {"method": "none", "learning_rate": 0.001},
        "spectral": {"method": "SN", "learning_rate": 0.0002},
        "spectral_learning_rate-0.001": {"method": "SN", "learning_rate": 0.001},
    }
    # A variant that is written out, too.
    study = study_of(variants={"none": {}, "fast": {"label": "at 0.01", "learning_rate": 0.01}})
    assert gan_methods(study.gans, "textures")["fast"] == {"method": "none", "learning_rate": 0.01}
    # A sweep without the variants' own value.
    study = study_of(sweep={"learning_rate": [0.001, 0.01]})
    assert {entry["method"] for entry in gan_methods(study.gans, "textures").values()} == {"none", "SN"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"sngan": None}, "gans.textures: does not say what is learned, give those of one: sngan"),
        ({"networks": {"narrow": {}}}, "gans.textures.networks.narrow: 'width' is missing"),
        ({"sngan": {**SNGAN, "dataset": "texdigit"}}, "gans.textures.sngan.dataset: unknown data set 'texdigit'"),
        (
            {"sngan": {**SNGAN, "dataset": "imagenet"}},
            "gans.textures.sngan.dataset: the images of imagenet stay in files, and a GAN takes prepared arrays",
        ),
        ({"sngan": {**SNGAN, "record_every": 101}}, "gans.textures.sngan.record_every: nothing is recorded in 100"),
        (
            {"variants": {"sn": {"normalisation": "batch"}}},
            "gans.textures.variants.sn.normalisation: 'batch' is none of",
        ),
        (
            {"sngan": {**SNGAN, "exact_norms_every": 25}},
            "gans.textures.sngan.exact_norms_every: 25 is no multiple of record_every, 10: write one, such as 100",
        ),
        (
            {"frechet_classifier": {"model": "resnet_20", "variant": "plain", "seed": 0}},
            "gans.textures.frechet_classifier: no experiment trains texdigits/resnet_20/plain/0 (data set, model,",
        ),
        ({"sweep": {"latent": [1, 2]}}, "gans.textures.sweep: 'latent' cannot be swept"),
        ({"sngan": {**SNGAN, "beta1": 1}}, "gans.textures.sngan.beta1: 1 is out of range"),
    ],
)
def test_what_does_not_fit_is_one_sentence(entry, said):
    with pytest.raises(InputError) as caught:
        study_of(**entry)
    assert str(caught.value).startswith(said)


def test_images_of_another_size_are_refused():
    config = copy.deepcopy(CONFIG)
    config["data"]["datasets"] = {
        "mine": {"kind": "imagefolder", "path": "mine", "image_size": 48, "test_fraction": 0.2}
    }
    config["gans"]["textures"]["sngan"]["dataset"] = "mine"
    with pytest.raises(
        InputError, match=r"^gans.textures.sngan.dataset: images of mine have 48 pixels, and generators"
    ):
        Study(config, SCHEMAS / "config.schema.yaml")
