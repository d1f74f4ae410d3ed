# What the names in the labels of tables and figures mean (scripts/filterfreq/publishing/registry.py says what a label is).

from collections.abc import Callable
from typing import NamedTuple

from filterfreq.analysis.slopes import FEWEST_POINTS
from filterfreq.publishing import published_normalisation
from filterfreq.publishing.averages import random_averages
from filterfreq.publishing.style_numbers import style_numbers as number_styles
from filterfreq.study.claims_files import can_test
from filterfreq.study.frequency_checks import count_energies

# Conditions: what an experiment must have on a data set, beside suites.


class Condition(NamedTuple):
    """A condition of experiment and data set, and what is said to be lacking where it holds nowhere."""

    holds: Callable[[str, str], bool]
    lacking: str


def has_trained_runs(experiment, dataset):
    return bool(trained_runs(experiment, dataset))


def shows_images(experiment, dataset):
    return study.has_images(dataset) and has_models(experiment, dataset)


def has_perturbations(experiment, dataset):
    wanted = study.wants(experiment, "perturbations") and study.settings("perturbations", dataset) is not None
    return wanted and has_models(experiment, dataset)


def has_perturbed_images(experiment, dataset):
    """Whether an experiment has an attacked image, for its own figure or for the suite first_layer."""
    is_wanted = any(study.wants(experiment, name) for name in ("perturbations", "first_layer"))
    return is_wanted and study.settings("perturbations", dataset) is not None and has_models(experiment, dataset)


def has_models(experiment, dataset):
    """Whether an experiment has a model on a data set, and not only files of filters."""
    return bool(study.classifiers_of(experiment, dataset))


def has_only_high(experiment, dataset):
    settings = study.settings("frequency_filtered", dataset) or {}
    return study.wants(experiment, "frequency_filtered") and settings.get("only_high", False)


def has_claims(experiment, dataset):
    return bool(claims_of(experiment, dataset))


def sweeps_strength_or_layers(experiment, dataset):
    return is_swept(experiment, dataset, "strength") or is_swept(experiment, dataset, "layers")


def sweeps_kind(experiment, dataset):
    return is_swept(experiment, dataset, "kind")


def is_swept(experiment, dataset, setting):
    """Whether the penalties of an experiment's variants differ in a setting."""
    return len({penalty[setting] for penalty in study.penalties(experiment, dataset).values()}) > 1


def sweeps_bandwidth(experiment, dataset):
    """Whether an experiment has a filter before models with several bandwidths."""
    filters = {(one["band"], one["bandwidth"]) for one in study.front_ends(experiment, dataset).values()}
    return len(filters) > len({band for band, _ in filters})


def sweeps_label_noise(experiment, dataset):
    """Whether an experiment's variants are trained with label noise of several rates."""
    return len({one["rate"] for one in study.data_settings(experiment, dataset, "labels").values()}) > 1


def sweeps_data_fraction(experiment, dataset):
    """Whether an experiment's variants are trained on several fractions of the images."""
    return len({one["fraction"] for one in study.data_settings(experiment, dataset, "data").values()}) > 1


def sweeps_radius(experiment, dataset):
    """Whether an experiment's variants are averaged over several radii."""
    return len({one["radius"] for one in study.averages(experiment, dataset).values() if "radius" in one}) > 1


def has_random_averages(experiment, dataset):
    """Whether a variant of an experiment is averaged along random directions."""
    return bool(random_averages(study.averages(experiment, dataset)))


def free_training_methods(experiment, dataset):
    """By variant of an experiment, the method that something is published of after free adversarial training."""
    if dataset != published_normalisation.DATASET:
        return {}
    runs = [run for run in study.runs_of(experiment, dataset) if run.model == published_normalisation.MODEL]
    methods = {
        run.variant: published_normalisation.published_method(study.variants.get(run.variant, {})) for run in runs
    }
    return {variant: method for variant, method in methods.items() if method is not None}


def has_published_free_training(experiment, dataset):
    return bool(free_training_methods(experiment, dataset))


def pairs_baseline(experiment, dataset):
    """Whether an experiment has another variant of a model and seed that it has the baseline of."""
    runs = study.runs_of(experiment, dataset)
    baseline = study.baseline(experiment)
    pairs = {(run.model, run.seed) for run in runs if run.variant == baseline}
    return any(run.variant != baseline and (run.model, run.seed) in pairs for run in runs)


def has_pairs(experiment, dataset):
    return bool(study.pairs_of(experiment, dataset))


def compares_runs(experiment, dataset):
    return has_pairs(experiment, dataset) or pairs_baseline(experiment, dataset)


def has_accuracies(experiment, dataset):
    """Whether an experiment's accuracies are measured on a data set, or published of one of its models."""
    return "clean" in study.suites_in(experiment, dataset) or bool(study.published_accuracies(experiment, dataset))


def pairs_known_models(experiment, dataset):
    return has_pairs(experiment, dataset) and has_accuracies(experiment, dataset)


def compares_accuracies(experiment, dataset):
    """Whether accuracies of two runs can be compared; what is published, of both runs of a pair."""
    if "clean" in study.suites_in(experiment, dataset):
        return compares_runs(experiment, dataset)
    published = set(study.published_accuracies(experiment, dataset))
    return any({run.variant for run in pair} <= published for pair in study.pairs_of(experiment, dataset))


def has_slopes(experiment, dataset):
    """Whether lines can be drawn through accuracies, compared with the baseline's, against corruptions' energies."""
    return pairs_baseline(experiment, dataset) and count_energies(study, dataset) >= FEWEST_POINTS


def claims_of(experiment, dataset):
    """The claims on two variants of an experiment, or over its pairs, of which it wants the suites that are compared."""
    return {name: claim for name, claim in claims.items() if can_test(study, claim, experiment, dataset)}


def measured_over_training(experiment, dataset):
    """The suites that the snapshots of an experiment's runs on a data set are measured with."""
    measured = {suite for run in study.runs_of(experiment, dataset) for suite in study.suites_over_training(run)}
    return [suite for suite in study.snapshot_suites if suite in measured and study.wants(experiment, suite)]


def has_suites_over_training(experiment, dataset):
    return bool(measured_over_training(experiment, dataset))


def has_frequencies(experiment, dataset):
    """Whether anything is measured of how an experiment's models use frequencies."""
    suites = {"fourier_heat_map", "frequency_filtered", "filters", "filter_quality", "spectral_norm"}
    return bool(suites & set(study.suites_in(experiment, dataset)))


CONDITIONS = {
    "trained": Condition(has_trained_runs, "a run that is trained here"),
    "measured_over_training": Condition(has_suites_over_training, "snapshots and evaluation.over_training: [clean]"),
    "images_shown": Condition(shows_images, "a data set with images of its own, and a model that sees them"),
    "perturbations_shown": Condition(has_perturbations, "evaluation.perturbations"),
    "models_there": Condition(has_models, "a model, and not only files of filters"),
    "images_perturbed": Condition(has_perturbed_images, "evaluation.perturbations"),
    "only_high_listed": Condition(has_only_high, "evaluation.frequency_filtered with only_high: true"),
    "claims_tested": Condition(
        has_claims, "both variants of a claim, or pairs for one over pairs, in a file that the key claims names"
    ),
    "strength_or_layers_swept": Condition(sweeps_strength_or_layers, "a sweep of penalty.strength or penalty.layers"),
    "kind_swept": Condition(sweeps_kind, "a sweep of penalty.kind"),
    "bandwidth_swept": Condition(sweeps_bandwidth, "a sweep of front_end.bandwidth"),
    "label_noise_swept": Condition(sweeps_label_noise, "a sweep of labels.rate"),
    "data_fraction_swept": Condition(sweeps_data_fraction, "a sweep of data.fraction"),
    "radius_swept": Condition(sweeps_radius, "a sweep of post_averaging.radius"),
    "averaged_at_random": Condition(has_random_averages, "a variant with post_averaging of random directions"),
    "baseline_paired": Condition(pairs_baseline, "another variant of a model and seed that the baseline has"),
    "free_training_published": Condition(
        has_published_free_training,
        "resnet_18 on cifar10 with free adversarial training of free_protocol liu2021, L∞ norm 8/255 and 4 replays",
    ),
    "accuracies_known": Condition(has_accuracies, "evaluation.clean, or models whose accuracies are published"),
    "pairs_known": Condition(
        pairs_known_models,
        "pairs of an experiment with evaluation.clean, or with models whose accuracies are published",
    ),
    "accuracies_compared": Condition(
        compares_accuracies,
        "evaluation.clean and another variant of a model and seed that the baseline has, or pairs of models whose "
        "accuracies are measured or published",
    ),
    "frequencies_measured": Condition(
        has_frequencies, "one of fourier_heat_map, frequency_filtered, filters, filter_quality and spectral_norm"
    ),
    "compared": Condition(
        compares_runs, "another variant of a model and seed that the baseline has, or pairs of an experiment"
    ),
    "slopes_fitted": Condition(
        has_slopes,
        f"{FEWEST_POINTS} of spectra.corruptions, and another variant of a model and seed that the baseline has",
    ),
}


# Parameters: what a product's function can take. A product is made again for those alone that its label takes.


def shown_datasets(wildcards):
    """The data set of a job, or all data sets of its experiment."""
    return [wildcards.dataset] if "dataset" in wildcards.keys() else experiment_datasets(wildcards.experiment)


def labels(wildcards):
    """The labels of the variants of a fit, a GAN or an experiment, in the config's order."""
    for over in study.grids.keys() & wildcards.keys():
        return study.grids[over].labels(wildcards[over])
    return {
        name: label
        for dataset in shown_datasets(wildcards)
        for name, label in study.labels(wildcards.experiment, dataset).items()
    }


def classifier_labels(wildcards):
    """The labels of the variants of an experiment whose models classify, in the config's order."""
    runs = [run for name in shown_datasets(wildcards) for run in study.classifiers_of(wildcards.experiment, name)]
    return {run.variant: study.label(run.variant) for run in runs}


def style_numbers(wildcards):
    """The style of each variant of an experiment, which it has in all figures of the study."""
    shown = labels(wildcards)
    return {name: number for name, number in study_style_numbers().items() if name in shown}


@cache
def study_style_numbers():
    """The same of all variants of the study."""
    return number_styles([run.variant for run in runs] for runs in study.experiments.values())


def baseline(wildcards):
    """The variant that corruption errors and differences are relative to."""
    return study.baseline(wildcards.experiment)


def main_epsilons(wildcards):
    """The epsilon of each norm that tables and figures of one epsilon show on a data set."""
    return study.main_epsilons(wildcards.dataset)


def main_epsilons_by_dataset(wildcards):
    """The same for each data set of an experiment."""
    return {dataset: study.main_epsilons(dataset) for dataset in shown_datasets(wildcards)}


def published_accuracies(wildcards):
    """What is published of an experiment's models on a data set."""
    return study.published_accuracies(wildcards.experiment, wildcards.dataset)


def published_accuracies_by_dataset(wildcards):
    """The same for each data set of an experiment."""
    experiment = wildcards.experiment
    return {dataset: study.published_accuracies(experiment, dataset) for dataset in shown_datasets(wildcards)}


def published_methods(wildcards):
    """By variant, the method that something is published of after free adversarial training."""
    return free_training_methods(wildcards.experiment, wildcards.dataset)


def penalties(wildcards):
    """The settings of the penalty of an experiment's variants that have one, in the config's order."""
    return study.penalties(wildcards.experiment, wildcards.dataset)


def front_ends(wildcards):
    """The settings of the filter before an experiment's variants that have one, in the config's order."""
    return study.front_ends(wildcards.experiment, wildcards.dataset)


def label_noises(wildcards):
    """The label noise of an experiment's variants that have some, in the config's order."""
    return study.data_settings(wildcards.experiment, wildcards.dataset, "labels")


def data_fractions(wildcards):
    """The fractions of the images that an experiment's variants are trained on, in the config's order."""
    return study.data_settings(wildcards.experiment, wildcards.dataset, "data")


def averages(wildcards):
    """The settings of the average round the image of the variants that have one, in the config's order."""
    return study.averages(wildcards.experiment, wildcards.dataset)


def dimension(wildcards):
    """How many values an image of a data set has, which is RGB."""
    return 3 * study.dataset(wildcards.dataset).image_size ** 2


def data_seed(wildcards):
    """The seed of what the study draws of data."""
    return study.data.get("seed", 0)


def paired_runs(wildcards):
    """The pairs of an experiment, each a treatment and a control with what tells them from other runs."""
    found = [pair for name in shown_datasets(wildcards) for pair in study.pairs_of(wildcards.experiment, name)]
    return [{side: run._asdict() for side, run in pair._asdict().items()} for pair in found]


def counting(wildcards):
    """How often a control of several pairs counts."""
    return study.counting(wildcards.experiment)


def tested_claims(wildcards):
    """The claims on two variants of an experiment on a data set, or over its pairs."""
    return claims_of(wildcards.experiment, wildcards.dataset)


def claims_over_images(wildcards):
    """The claims on a detector."""
    return {name: claim for name, claim in claims.items() if claim.get("over") == "images"}


def shown_attack(wildcards):
    """The settings of the attack whose perturbations are shown."""
    return study.settings("perturbations", wildcards.dataset)


def extent(wildcards):
    """A sentence for captions about each data set of which only a part is here; empty where there is none."""
    return captions.extent(study, shown_datasets(wildcards))


def extent_with_shifted(wildcards):
    """The same of one data set, and of the shifted sets that are shown to its models and have some of their classes."""
    sets = study.shifted_sets(wildcards.dataset)
    parts = [
        f"{entry.name} has {part}, which alone are answers to its images."
        for entry in sets
        if (part := study.shifted_extent(entry))
    ]
    return " ".join(filter(None, [extent(wildcards), *parts]))


def fit_settings(wildcards):
    """The settings of the variants of a fit."""
    return study.fits.settings(wildcards.fit)


def gan_methods_shown(wildcards):
    """What is compared of the variants of a GAN."""
    return gan_methods(study.gans, wildcards.gan)


PARAMETERS = {
    "labels": labels,
    "fit_settings": fit_settings,
    "gan_methods": gan_methods_shown,
    "classifier_labels": classifier_labels,
    "style_numbers": style_numbers,
    "baseline": baseline,
    "epsilons": main_epsilons,
    "epsilons_by_dataset": main_epsilons_by_dataset,
    "published": published_accuracies,
    "published_by_dataset": published_accuracies_by_dataset,
    "published_methods": published_methods,
    "penalties": penalties,
    "front_ends": front_ends,
    "label_noises": label_noises,
    "data_fractions": data_fractions,
    "averages": averages,
    "dimension": dimension,
    "data_seed": data_seed,
    "pairs": paired_runs,
    "controls": counting,
    "claims": tested_claims,
    "claims_over_images": claims_over_images,
    "attack": shown_attack,
    "extent": extent,
    "extent_with_shifted": extent_with_shifted,
}


# Inputs: what a product can read, as functions of the product and the wildcards of its job.


def aggregated_results(product, wildcards):
    """The aggregated suites that a product shows; where these are those of claims, of snapshots too."""
    experiment = wildcards.experiment
    datasets = [dataset for dataset in shown_datasets(wildcards) if is_possible(product, experiment, dataset)]
    shown = [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for dataset in datasets
        for suite in shown_suites(product, experiment, dataset)
    ]
    of_snapshots = [
        AGGREGATED_OVER_TRAINING.format(experiment=experiment, dataset=dataset, suite=suite)
        for dataset in datasets
        for suite in measured_over_training(experiment, dataset)
        if CLAIMED in product.label.shows and suite in claimed_over_training
    ]
    return shown + of_snapshots


def image_spectra(product, wildcards):
    """What is measured of the images of each data set alone, without a model."""
    return [IMAGE_SPECTRA.format(dataset=dataset) for dataset in shown_datasets(wildcards)]


def aggregated_histories(product, wildcards):
    """The training histories of an experiment's runs, one file for each data set."""
    experiment = wildcards.experiment
    return [AGGREGATED_HISTORY.format(experiment=experiment, dataset=name) for name in shown_datasets(wildcards)]


def training_records(product, wildcards):
    """The records of an experiment's runs that are trained here."""
    datasets = shown_datasets(wildcards)
    return [RECORD.format(**run._asdict()) for name in datasets for run in trained_runs(wildcards.experiment, name)]


def prepared_images(product, wildcards):
    """The prepared images of each data set."""
    datasets = shown_datasets(wildcards)
    return {
        "dataset": [DATASET.format(dataset=name) for name in datasets],
        "arrays": [ancient(ARRAYS.format(dataset=name)) for name in datasets],
    }


def results_with_images(product, wildcards):
    """The aggregated suites that a product shows, and the prepared images."""
    return {"results": aggregated_results(product, wildcards), **prepared_images(product, wildcards)}


def first_files(pattern, wildcards):
    """A file of the first run of each variant that has a model, in the order of the variants."""
    first = {}
    for dataset in shown_datasets(wildcards):
        for run in study.classifiers_of(wildcards.experiment, dataset):
            first.setdefault(run.variant, pattern.format(**run._asdict()))
    return list(first.values())


def perturbed_images(product, wildcards):
    """The prepared images, and the adversarial examples of each variant's first run, in the order of the variants."""
    return {**prepared_images(product, wildcards), "perturbations": first_files(PERTURBATIONS, wildcards)}


def only_high_images(product, wildcards):
    """The same of the images that are found from their high component and not from their low one."""
    return {**prepared_images(product, wildcards), "only_high": first_files(ONLY_HIGH_EXAMPLES, wildcards)}


def corrupted_images(product, wildcards):
    """The prepared images, and the same under corruptions."""
    datasets = shown_datasets(wildcards)
    return {
        **prepared_images(product, wildcards),
        "corrupted": [ancient(CORRUPTED.format(dataset=name)) for name in datasets],
        "corrupted_record": [CORRUPTED_RECORD.format(dataset=name) for name in datasets],
    }


def no_files(product, wildcards):
    """What a product reads that is computed from settings alone."""
    return []


def aggregated_fit(product, wildcards):
    """The results of all runs of a fit."""
    return [AGGREGATED_FIT.format(fit=wildcards.fit)]


def aggregated_gan(product, wildcards):
    """The results of all runs of a GAN."""
    return [AGGREGATED_GAN.format(gan=wildcards.gan)]


def gan_samples(product, wildcards):
    """The sample sheets of all runs of a GAN, and their records."""
    return {"samples": gan_files(GAN_SAMPLES)(wildcards), "records": gan_files(GAN_RECORD)(wildcards)}


def detection_results(product, wildcards):
    """How well a detector finds objects, and examples."""
    patterns = {"results": DETECTION_RESULTS, "examples": DETECTION_EXAMPLES}
    return {name: pattern.format(detection=wildcards.detection) for name, pattern in patterns.items()}


def shown_filters(product, wildcards):
    """Filters of some of an experiment's models, one file for each data set."""
    experiment = wildcards.experiment
    return [SHOWN_FILTERS.format(experiment=experiment, dataset=name) for name in shown_datasets(wildcards)]


def filter_coefficients(product, wildcards):
    """The coefficients of the filters of an experiment's models, counted, and their basis."""
    return {
        "counts": FILTER_COEFFICIENTS.format(experiment=wildcards.experiment),
        "basis": FILTER_BASIS.format(experiment=wildcards.experiment),
    }


def aggregated_over_training(product, wildcards):
    """What is measured of an experiment's snapshots, one file for each data set and suite: those needed, or all."""
    experiment, needs = wildcards.experiment, product.label.needs
    return [
        AGGREGATED_OVER_TRAINING.format(experiment=experiment, dataset=name, suite=suite)
        for name in shown_datasets(wildcards)
        for suite in measured_over_training(experiment, name)
        if not needs or suite in needs
    ]


INPUTS = {
    "results": aggregated_results,
    "results_if_any": aggregated_results,
    "nothing": no_files,
    "fits": aggregated_fit,
    "gans": aggregated_gan,
    "gan_samples": gan_samples,
    "detections": detection_results,
    "history": aggregated_histories,
    "over_training": aggregated_over_training,
    "records": training_records,
    "images": prepared_images,
    "image_spectra": image_spectra,
    "results_with_images": results_with_images,
    "perturbations": perturbed_images,
    "only_high": only_high_images,
    "corrupted_images": corrupted_images,
    "filter_coefficients": filter_coefficients,
    "shown_filters": shown_filters,
}
