import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from filterfreq.evaluation.registry import SUITES
from filterfreq.models.surgery.registry import surgery_modules
from filterfreq.publishing.registry import read_products
from filterfreq.runtime import provenance
from filterfreq.training.registry import intervention_modules

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """A copy of the scripts that a test may change."""
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy / "filterfreq")
    return copy


def versions(scripts: Path) -> dict[str, str]:
    provenance._direct_imports.cache_clear()
    return {file.stem: provenance.code_version(file) for file in scripts.glob("*.py")}


def changed_by(scripts: Path, module: str) -> set[str]:
    before = versions(scripts)
    with open(scripts / "filterfreq" / module, "a") as file:
        file.write("\n# changed\n")
    after = versions(scripts)
    return {name for name in before if before[name] != after[name]}


def test_training_code_changes_training_alone(scripts):
    # The calibration times it; its rule has no parameter `code`, for a measured time stays one.
    assert changed_by(scripts, "training/loop.py") == {"train", "calibrate"}


def test_plotting_code_changes_figures_alone(scripts):
    tables = [f"filterfreq.publishing.tables.{file.stem}" for file in scripts.glob("filterfreq/publishing/tables/*.py")]
    before = provenance.code_version(scripts / "write_table.py", *tables)
    assert changed_by(scripts, "publishing/style.py") == {"draw_figure"}
    assert provenance.code_version(scripts / "write_table.py", *tables) == before


def test_indirect_imports_count(scripts):
    changed = changed_by(scripts, "models/surgery/composition.py")
    assert {"train", "run_suite", "perturb"} <= changed
    assert not {"draw_figure", "write_table"} & changed


def reached(scripts: Path, script: str, chosen: dict[str, list[str]], modules: Iterable[str]) -> dict[str, set[str]]:
    """Which jobs of a script, by the modules that are chosen for them, a comment in each of some modules makes due."""

    def job_versions() -> dict[str, str]:
        return {name: provenance.code_version(scripts / f"{script}.py", *names) for name, names in chosen.items()}

    provenance._direct_imports.cache_clear()
    before = job_versions()
    changed = {}
    for module in modules:
        with open(scripts / "filterfreq" / module, "a") as file:
            file.write("\n# changed\n")
        after = job_versions()
        changed[module] = {name for name in chosen if before[name] != after[name]}
        before = after
    return changed


# Each module of a training, and the variants that it makes due.
VARIANTS = {
    "plain": {},
    "decomposed": {"decomposition": "weight"},
    "penalised": {"decomposition": "weight", "penalty": {}},
    "noisy": {"gaussian_noise": 0.1},
    "filtered": {"front_end": {}},
    "not normalised": {"normalisation": "none"},
    "dropped": {"dropout": 0.5},
}
RETRAINED_BY = {
    "training/loop.py": set(VARIANTS),
    "models/resnet.py": set(VARIANTS),
    "models/surgery/composition.py": set(VARIANTS),
    "models/surgery/registry.py": set(),
    "models/surgery/decomposition.py": {"decomposed", "penalised"},
    "frequencies/dct.py": {"decomposed", "penalised"},
    "training/interventions/penalty.py": {"penalised"},
    "training/orthogonality.py": {"penalised"},
    "training/interventions/gaussian_noise.py": {"noisy"},
    "training/registry.py": set(),
    "training/noise.py": {"noisy"},
    "models/surgery/low_pass_kernels.py": set(),
    "models/surgery/smooth_kernels.py": set(),
    "models/surgery/kernels.py": set(),
    "models/surgery/normalisation.py": {"not normalised"},
    "models/surgery/convolution_normalisation.py": {"not normalised"},
    "models/surgery/conv_norm.py": {"not normalised"},
    "models/surgery/spectral_convolution.py": {"not normalised"},
    "models/surgery/weight_normalisation.py": {"not normalised"},
    "models/surgery/dropout.py": {"dropped"},
    "models/surgery/post_averaging.py": set(),
    "models/surgery/randomised_smoothing.py": set(),
    "models/averaging/classifier.py": set(),
    "models/stochastic.py": set(),
    "models/hfc_resnet.py": set(),
    "models/feedforward.py": set(),
    "models/dense.py": set(),
    "models/surgery/front_end.py": {"filtered"},
    "frequencies/masks.py": {"filtered"},
    # What reads files of others.
    "models/external_files.py": set(),
    "models/pickles.py": set(),
    "models/state_dicts.py": set(),
}


def test_a_module_of_the_training_changes_the_variants_that_use_it_alone(scripts):
    chosen = {
        name: ["filterfreq.models.resnet", *surgery_modules(variant), *intervention_modules(variant)]
        for name, variant in VARIANTS.items()
    }
    assert reached(scripts, "train", chosen, RETRAINED_BY) == RETRAINED_BY


# Each module that several tables or figures share, and those that it makes due.
TABLES = {target: product for target, product in read_products().items() if product.kind == "table"}
OF_ATTACKS = {"adversarial", "transfer", "free_training"}
OF_MEASURES = {
    *("main", "all_datasets", "differences", "ablation", "penalties", "out_of_distribution", "corruptions"),
    *("fourier_bands", "pairs", "severities", "frequency_filtered"),
    *("filter_quality", "filter_correlations", "masking", "spectral_norms", "side_by_side", "top_5"),
}
OF_SLOPES = {"corruption_energy", "energy_slopes"}
OF_FILTERS = {"filter_quality", "filter_shift", "filter_correlations"}
OF_MEANS = {*OF_ATTACKS, *OF_MEASURES, *OF_SLOPES, "calibration", "shape_bias"}
WRITTEN_BY = {
    "analysis/matching.py": {"scorecard", "detection", "learning_order"},
    "publishing/registry.py": set(),
    "evaluation/registry.py": set(),
    "evaluation/passes.py": set(),
    "publishing/penalty_settings.py": {"ablation", "penalties"},
    "publishing/corruptions.py": {"corruptions", "corruption_energy", "severities"},
    "publishing/published_normalisation.py": {"free_training"},
    "publishing/gan_panels.py": {"gans"},
    "publishing/calibration_errors.py": {"calibration"},
    "publishing/attacks.py": OF_MEANS,
    "publishing/measures.py": OF_MEANS,
    "publishing/selection.py": {*OF_MEANS, "costs", "filter_shift", "training_speed"},
    "publishing/histories.py": {"training_speed"},
    "publishing/phrases.py": {
        *(*OF_MEANS, "costs", "scorecard", "filter_shift", "detection", "training_speed", "gans", "learning_order"),
    },
    "publishing/fit_rows.py": {"learning_order"},
    "analysis/claims.py": {"scorecard", "detection", "learning_order"},
    "analysis/masking.py": {"masking"},
    "publishing/masking_rows.py": {"masking"},
    "publishing/averages.py": set(),
    "evaluation/reading.py": {
        *(*OF_MEANS, "costs", "scorecard", "filter_shift", "detection", "training_speed", "gans", "learning_order"),
    },
    "publishing/filter_frames.py": OF_FILTERS | {"spectral_norms"},
    "publishing/spectral_norm_frames.py": {"spectral_norms"},
    "publishing/side_by_side.py": {"side_by_side"},
    "publishing/map_bands.py": {"side_by_side", "fourier_bands"},
    "publishing/filter_coefficients.py": {"filter_shift"},
    "publishing/filtered_images.py": {"frequency_filtered"},
    "publishing/tables/main.py": {"main"},
    "publishing/tables/detection.py": {"detection"},
}
FIGURES = {target: product for target, product in read_products().items() if product.kind == "figure"}
OF_IMAGES = {"samples", "corruption_samples", "perturbations", "components"}
WITH_ATTACK_PANELS = {"accuracy_epsilon", "transfer"}
WITH_MEASURES = {"accuracy_epsilon", "ablation", "penalties", "corruptions", "frequency_filtered", "energy_slopes"}
WITH_EXAMPLES = {"fourier_attack", "fourier_heat_map", "front_ends"}
FIGURES_OF_FILTERS = {"filter_quality", "filter_pca", "filter_dct", "filter_coefficients", "filter_shift"}
SHOWING_FILTERS = {"filters", "first_filters"}
DRAWN_BY = {
    "publishing/penalty_settings.py": {"ablation", "penalties"},
    "publishing/corruptions.py": {"corruptions", "corruption_samples", "energy_slopes", "spectra"},
    "publishing/calibration_errors.py": {"calibration"},
    "publishing/attacks.py": {
        *(*WITH_ATTACK_PANELS, *WITH_MEASURES),
        *("perturbations", "spectra", "first_filters", "over_training", "regions"),
        *("side_by_side", "frequencies_and_robustness"),
    },
    "publishing/attack_panels.py": WITH_ATTACK_PANELS,
    "publishing/side_by_side.py": {"side_by_side", "frequencies_and_robustness"},
    "publishing/setting_panels.py": {"data_fraction", "label_noise"},
    "publishing/histories.py": {"training_curves"},
    "publishing/mosaic.py": OF_IMAGES | WITH_EXAMPLES | SHOWING_FILTERS | {"detection", "gan_samples"},
    "publishing/response_panels.py": {"curve", "poisson", "tanh_theorem"},
    "publishing/gan_panels.py": {"gan_training", "gan_divergence"},
    "publishing/loss_panels.py": {"sine_noise", "kernel_noise"},
    "publishing/fit_panels.py": {
        *("sinusoids", "layer_norms", "learned_functions"),
        *("perturbed_sinusoids", "manifold", "manifold_surfaces"),
    },
    "publishing/shown_filters.py": SHOWING_FILTERS,
    "publishing/filter_frames.py": FIGURES_OF_FILTERS | {"spectral_norms"},
    "publishing/spectral_norm_frames.py": {"spectral_norms"},
    "publishing/filter_styles.py": FIGURES_OF_FILTERS,
    "publishing/filter_coefficients.py": {"filter_coefficients", "filter_shift"},
    "analysis/claims.py": {"scorecard"},
    "analysis/masking.py": {"accuracy_radius"},
    "analysis/linear_regions.py": {"linear_regions"},
    "frequencies/averaging_draws.py": {"averaging_transfer"},
    "publishing/masking_rows.py": {"accuracy_radius"},
    "publishing/averages.py": {"accuracy_radius", "averaging_transfer"},
    "publishing/figures/transfer.py": {"transfer"},
    "publishing/figures/regions.py": {"regions"},
    "publishing/figures/line_spectrum.py": {"line_spectrum"},
    "publishing/figures/detection.py": {"detection"},
    "frequencies/pairs.py": WITH_EXAMPLES | {"spectra", "side_by_side", "frequencies_and_robustness"},
    "publishing/table.py": set(),
}


@pytest.mark.parametrize(
    ("script", "products", "expected"), [("write_table", TABLES, WRITTEN_BY), ("draw_figure", FIGURES, DRAWN_BY)]
)
def test_a_module_of_publishing_changes_what_uses_it_alone(scripts, script, products, expected):
    chosen = {product.name: [product.module] for product in products.values()}
    assert reached(scripts, script, chosen, expected) == expected


# Each module of the evaluation, and the suites that it makes due.
CALIBRATED = {"clean", "adversarial", "autoattack", "transfer", "corruption", "out_of_distribution"}
MEASURED_BY = {
    "evaluation/registry.py": set(),
    "evaluation/passes.py": set(),
    "evaluation/perturbations.py": set(),
    "evaluation/components.py": {"frequency_filtered"},
    "evaluation/only_high.py": set(),
    "evaluation/observers.py": {"cue_conflict"},
    "evaluation/shape_bias.py": {"cue_conflict"},
    "evaluation/categories.py": {"cue_conflict", "out_of_distribution"},
    "data/shifted/imagenet_categories.py": {"cue_conflict", "out_of_distribution"},
    "evaluation/confidence.py": CALIBRATED,
    "evaluation/accuracy.py": CALIBRATED,
    "evaluation/robustness.py": {"adversarial", "transfer"},
    "evaluation/corruptions/errors.py": set(),
    "evaluation/corruptions/generation.py": set(),
    "evaluation/corruptions/severities.py": set(),
    "evaluation/corruptions/functions/noise.py": set(),
    "evaluation/corruptions/stored.py": {"corruption"},
    "frequencies/components.py": {"frequency_filtered"},
    "frequencies/masks.py": {"frequency_filtered", "band_noise", "spectra"},
    "frequencies/fourier.py": {"fourier_heat_map", "fourier_attack"},
    "frequencies/line_spectra.py": {"line_spectrum"},
    "training/attacks.py": {"adversarial", "transfer", "spectra", "adaptive", "regions"},
    "evaluation/adaptive_attacks.py": {"adaptive"},
    "evaluation/adaptive_settings.py": {"adaptive"},
    "evaluation/draws.py": {"adaptive", "regions", "line_spectrum"},
    "evaluation/directions.py": {"regions", "line_spectrum"},
    "evaluation/relu_units.py": {"regions"},
    "evaluation/regions_settings.py": {"regions"},
    "evaluation/detection/components.py": set(),
    "evaluation/prediction.py": set(SUITES) - {"filters", "filter_quality", "spectral_norm"},
    "evaluation/filters/metrics.py": {"filter_quality"},
    "evaluation/filters/rows.py": {"filter_quality"},
    "evaluation/answers.py": {"response_frequency", "filtered_response"},
    "evaluation/image_vectors.py": {"response_frequency", "filtered_response"},
    "evaluation/response_settings.py": {"response_frequency"},
    "frequencies/nonuniform.py": {"response_frequency"},
    "frequencies/peaks.py": {"response_frequency"},
    "frequencies/gaussian_filter.py": {"filtered_response"},
    "evaluation/filters/graph.py": {"filter_quality", "spectral_norm", "first_layer"},
    "evaluation/filters/linear_maps.py": {"spectral_norm"},
    "frequencies/singular_values.py": {"spectral_norm"},
    "evaluation/filters/first_layer.py": {"first_layer"},
    "evaluation/results.py": set(SUITES),
    "evaluation/reading.py": set(),
    "models/surgery/decomposition.py": set(),  # which makes the model itself due
    "models/external_files.py": set(),
    "models/state_dicts.py": set(),
    **{f"evaluation/suites/{suite}.py": {suite} for suite in SUITES},
}


def test_a_module_of_the_evaluation_changes_the_suites_that_use_it_alone(scripts):
    chosen = {name: [suite.module] for name, suite in SUITES.items()}
    assert reached(scripts, "run_suite", chosen, MEASURED_BY) == MEASURED_BY


def test_a_registry_changes_nothing_but_what_it_names_does(scripts):
    assert changed_by(scripts, "models/registry.py") == set()
    chosen = "filterfreq.models.resnet"
    before = provenance.code_version(scripts / "train.py", chosen)
    assert before != provenance.code_version(scripts / "train.py")
    with open(scripts / "filterfreq" / "models" / "resnet.py", "a") as file:
        file.write("\n# changed\n")
    assert provenance.code_version(scripts / "train.py", chosen) != before


def test_environment_names_versions():
    found = provenance.environment()
    lock = (SCRIPTS.parent / "envs" / "requirements.lock").read_text()
    for name, version in found["packages"].items():
        assert f"{name}=={version.partition('+')[0]}" in lock
