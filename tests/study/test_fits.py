import copy
import shutil
from dataclasses import replace

import pytest

from filterfreq.fits.registry import FITS
from filterfreq.fits.two_class_checks import count_trained
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS
from filterfreq.study.fits import FitRepeats, FitRun
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study

SINUSOIDS = {
    "frequencies": [1, 3],
    "amplitudes": [1, 0.5],
    "points": 16,
    "iterations": 100,
    "record_every": 10,
    "learning_rate": 0.001,
}
CONFIG = {
    "fits": {
        "sums": {
            "sinusoids": SINUSOIDS,
            "networks": {
                "narrow": {"widths": [4], "activation": "relu"},
                "wide": {"widths": [8, 8], "activation": "tanh"},
            },
            "variants": {"even": {}, "rising": {"label": "rising amplitudes", "amplitudes": [0.5, 1]}},
            "seeds": [0, 7],
        }
    },
    "compute": {"device": "cpu", "publish": {"threads": 1, "mem_mb": 1, "runtime": 1}},
}


def study_of(**entry) -> Study:
    """The study of the one fit, with some of its keys changed; a key of None is left out."""
    config = copy.deepcopy(CONFIG)
    config["fits"]["sums"] = {
        key: value for key, value in {**config["fits"]["sums"], **entry}.items() if value is not None
    }
    return Study(config, SCHEMAS / "config.schema.yaml")


def test_a_study_of_fits_alone_is_a_grid_and_asks_for_no_images():
    study = study_of()
    assert (study.runs, study.experiments, study.datasets) == ([], {}, [])
    runs = study.fits.runs["sums"]
    assert len(runs) == len(set(runs)) == 2 * 2 * 2
    assert runs[1] == FitRun("sums", "narrow", "even", 7)
    assert study.fits.labels("sums") == {"even": "even", "rising": "rising amplitudes"}
    assert study.fits.kind("sums") == "sinusoids"
    assert study.fits.spec(FitRun("sums", "wide", "rising", 7)) == {
        "run": {"fit": "sums", "network": "wide", "variant": "rising", "seed": 7},
        "kind": "sinusoids",
        "network": {"widths": [8, 8], "activation": "tanh"},
        "settings": SINUSOIDS | {"amplitudes": [0.5, 1]},
    }


def test_the_repeats_that_a_seed_is_trained_with_hang_on_it_alone():
    few, many = study_of(seeds=[13], seeds_at_once=10), study_of(seeds=list(range(40)), seeds_at_once=10)
    run = FitRun("sums", "wide", "even", 13)
    assert few.fits.repeats(run) == many.fits.repeats(run) == FitRepeats("sums", "wide", "even", "10-19")
    together = few.fits.spec(few.fits.repeats(run))
    assert together == many.fits.spec(many.fits.repeats(run))
    assert together["seeds"] == list(range(10, 20))
    # With other ones beside it, a repeat is another run.
    assert few.fits.spec(run)["seeds_at_once"] == 10
    assert "seeds_at_once" not in study_of().fits.spec(run)


def test_repeats_of_a_kind_that_trains_one_by_one_are_refused(monkeypatch):
    monkeypatch.setitem(FITS, "sinusoids", replace(FITS["sinusoids"], trains_together=False))
    study_of(seeds_at_once=1)
    with pytest.raises(InputError, match=r"^fits\.sums\.seeds_at_once: repeats of sinusoids are trained one by one, l"):
        study_of(seeds_at_once=2)


def test_a_fit_without_variants_has_one_and_a_sweep_makes_more():
    assert study_of(variants=None).fits.labels("sums") == {"plain": "plain"}
    study = study_of(variants=None, sweep={"points": [16, 32], "learning_rate": [0.001, 0.01]})
    assert study.fits.labels("sums") == {
        "plain": "plain",
        "plain_learning_rate-0.01": "plain, learning rate 0.01",
        "plain_points-32": "plain, 32 points",
        "plain_points-32_learning_rate-0.01": "plain, 32 points, learning rate 0.01",
    }
    settings = study.fits.spec(FitRun("sums", "wide", "plain_points-32", 0))["settings"]
    assert settings == SINUSOIDS | {"points": 32}


def test_what_a_study_of_fits_alone_has_for_experiments_is_said():
    assert remarks(study_of()) == []
    config = copy.deepcopy(CONFIG) | {"variants": {"plain": {}}, "evaluation": {"batch_size": 1, "clean": {}}}
    assert remarks(Study(config, SCHEMAS / "config.schema.yaml")) == [
        f"{section}: nothing that the config asks for uses it, as there are no experiments"
        for section in ("variants", "evaluation")
    ]


def test_a_study_has_experiments_fits_or_detection():
    with pytest.raises(
        InputError, match=r"^config: it has neither experiments nor fits nor gans nor detection: write what is"
    ):
        Study({"compute": CONFIG["compute"]}, SCHEMAS / "config.schema.yaml")
    with pytest.raises(InputError, match=r"^config: 'evaluation' is missing, which 'experiments' needs: write it, or"):
        Study(copy.deepcopy(CONFIG) | {"experiments": {"a": {"datasets": ["mnist"]}}}, SCHEMAS / "config.schema.yaml")


def test_a_setting_that_an_entry_leaves_out_can_be_swept(tmp_path):
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    fragment = tmp_path / "schemas" / "fits" / "sinusoids.yaml"
    text = fragment.read_text().replace(
        "properties:\n", "properties:\n  noise: {type: number, sweep_label: 'noise {}'}\n"
    )
    fragment.write_text(text)
    config = copy.deepcopy(CONFIG)
    config["fits"]["sums"] |= {"variants": {"even": {}}, "sweep": {"noise": [0, 1]}}
    labels = Study(config, tmp_path / "schemas" / "config.schema.yaml").fits.labels("sums")
    assert labels == {"even_noise-0": "even, noise 0", "even_noise-1": "even, noise 1"}


def test_the_order_of_keys_means_nothing():
    turned = study_of(sinusoids=dict(reversed(SINUSOIDS.items())))
    run = FitRun("sums", "wide", "even", 0)
    assert list(turned.fits.spec(run)["settings"]) == list(study_of().fits.spec(run)["settings"])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"sinusoids": None}, "fits.sums: does not say what is learned, give those of one: sinusoids, p"),
        ({"networks": None}, "fits.sums: 'networks' is missing, name at least one network there"),
        ({"networks": {"a": {"widths": [4], "activation": "ricker"}}}, "fits.sums.networks.a: 'ricker_width' is mis"),
        (
            {"networks": {"a": {"widths": [4], "activation": "relu", "ricker_width": 1}}},
            "fits.sums.networks.a: this value cannot stand here: ricker_width is of the activation ricker, remove it",
        ),
        ({"seeds_at_once": 0}, "fits.sums.seeds_at_once: 0 is out of range"),
        ({"sinusoids": {**SINUSOIDS, "frequencies": [1, 8]}}, "fits.sums.sinusoids.frequencies: 16 points on a period"),
        ({"sinusoids": {**SINUSOIDS, "amplitudes": [1]}}, "fits.sums.sinusoids.amplitudes: there are 1 of them and 2"),
        ({"sinusoids": {**SINUSOIDS, "amplitudes": [1, 0]}}, "fits.sums.sinusoids.amplitudes.1: 0 is out of range"),
        ({"sinusoids": {**SINUSOIDS, "record_every": 101}}, "fits.sums.sinusoids.record_every: nothing is recorded"),
        ({"sinusoids": {**SINUSOIDS, "shown_at": [15]}}, "fits.sums.sinusoids.shown_at: nothing is recorded after"),
        ({"sinusoids": {**SINUSOIDS, "shown_at": [110]}}, "fits.sums.sinusoids.shown_at: nothing is recorded after"),
        ({"variants": {"few": {"points": 6}}}, "fits.sums.variants.few.frequencies: 6 points on a period"),
        ({"variants": {"few": {"point": 6}}}, "fits.sums.variants.few: unknown key 'point': did you mean 'points'?"),
        (
            {"variants": {"a": {"label": "x"}, "b": {"label": "x"}}},
            "fits.sums.variants: 'a' and 'b' have the same label",
        ),
        ({"sweep": {"points": [0]}}, "fits.sums.sweep.points: 0 is out of range"),
        ({"sweep": {"points": [32, 6]}}, "fits.sums.sweep.frequencies: 6 points on a period"),
        ({"sweep": {"amplitudes": [[1, 1]]}}, "fits.sums.sweep: 'amplitudes' cannot be swept"),
        ({"seeds": list(range(50_000))}, "fits.sums: asks for 200000 runs"),
    ],
)
def test_what_does_not_fit_is_one_sentence(entry, said):
    with pytest.raises(InputError) as caught:
        study_of(**entry)
    assert str(caught.value).startswith(said)


SINE = {
    "dataset": "mnist-28",
    "classes": ["3", "8"],
    "train_fraction": 0.8,
    "amplitude": 1,
    "frequency": 1,
    "convention": "paper",
    "iterations": 100,
    "record_every": 10,
    "learning_rate": 0.001,
}
KERNEL = {key: value for key, value in SINE.items() if key not in ("train_fraction", "amplitude", "frequency")}
KERNEL |= {"kernel_width": 1, "noise": "hfn", "exponent": 2, "bin": 20, "spectrum_at": [0, 100]}


def noise_study(kind: str, settings: dict, **data) -> Study:
    """The study of one fit on images, in place of that of sums."""
    config = copy.deepcopy(CONFIG) | {"data": {"seed": 0, **data}}
    entry = config["fits"]["sums"]
    del entry["variants"], entry["sinusoids"]
    return Study(config | {"fits": {"noise": {**entry, kind: settings}}}, SCHEMAS / "config.schema.yaml")


def test_a_fit_on_images_names_its_data_set():
    study = noise_study("sine_noise", SINE)
    assert (study.datasets, study.fits.datasets) == ([], ["mnist-28"])
    assert remarks(study) == []


def test_an_equation_has_no_networks():
    kernel = {"points": 50, "kernel_width": 0.1}
    entry = {"sinusoids": None, "variants": None, "kernel_eigenvectors": kernel}
    study = study_of(**entry, networks=None)
    assert study.fits.runs["sums"] == [FitRun("sums", "equation", "plain", seed) for seed in (0, 7)]
    assert study.fits.spec(study.fits.runs["sums"][0])["network"] == {}
    with pytest.raises(InputError, match=r"^fits.sums.networks: kernel_eigenvectors is solved without a network"):
        study_of(**entry)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("sine_noise", {"classes": ["3", "ten"]}, "classes: unknown class of mnist-28 'ten': choose one of 0, 1"),
        ("kernel_noise", {"classes": ["8", "8"]}, "classes: both are '8', and a network is to tell one from the other"),
        ("sine_noise", {"train_fraction": 1e-6}, "train_fraction: 1e-06 of 60000 images leaves none to train on"),
        ("sine_noise", {"train_fraction": 0.9, "images": 1}, "train_fraction: 0.9 of 1 images leaves none to train on"),
        ("sine_noise", {"images": 60_001}, "images: mnist-28 has 60000 to train on and not 60001: lower it"),
        ("sine_noise", {"dataset": "mnist28"}, "dataset: unknown data set 'mnist28': did you mean 'mnist-28'?"),
        (
            "kernel_noise",
            {"dataset": "imagenet"},
            "dataset: the images of imagenet stay in files, and a fit takes",
        ),
        ("kernel_noise", {"spectrum_at": [0, 15]}, "spectrum_at: iteration 15 is not recorded, as 100 are made"),
        ("kernel_noise", {"spectrum_at": [110]}, "spectrum_at: iteration 110 is not recorded, as 100 are made"),
        ("kernel_noise", {"record_every": 101}, "record_every: nothing is recorded in 100"),
    ],
)
def test_images_that_are_not_there_are_one_sentence(kind, settings, said):
    base = SINE if kind == "sine_noise" else KERNEL
    with pytest.raises(InputError) as caught:
        noise_study(kind, base | settings)
    assert str(caught.value).startswith(f"fits.noise.{kind}.{said}")


def test_of_a_class_folder_that_is_not_read_yet_nothing_is_refused():
    own = {"kind": "imagefolder", "path": "own.zip", "image_size": 32, "test_fraction": 0.2}
    study = noise_study("sine_noise", SINE | {"dataset": "own", "classes": ["cat", "dog"]}, datasets={"own": own})
    assert study.fits.datasets == ["own"]


def test_fractions_of_images_are_rounded_down_and_floats_are_no_trap():
    assert [count_trained(*pair) for pair in ((0.8, 11_982), (0.29, 100), (0.5, 3))] == [9585, 29, 1]
    with pytest.raises(InputError, match=r"^train_fraction: 0.1 of 9 images leaves none to train on: change it"):
        count_trained(0.1, 9)
