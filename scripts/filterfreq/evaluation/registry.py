"""The suites: what configuration, planning and publishing must know of each. Imports no torch.

One more suite is one module in `filterfreq.evaluation.suites`, one entry here, and one schema of its settings,
`schemas/suites/<name>.yaml`. The order is that of tables and of lists.

A reference is "module:function". It keeps what it names unread until it is needed.
"""

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from filterfreq.evaluation.passes import (
    Work,
    adaptive_passes,
    adversarial_passes,
    autoattack_passes,
    band_noise_passes,
    corruption_passes,
    fourier_attack_passes,
    frequency_filtered_passes,
    heat_map_passes,
    line_spectrum_passes,
    one_pass,
    regions_passes,
    spectra_passes,
    transfer_passes,
)
from filterfreq.runtime.errors import InputError

STAGES = ("attack", "evaluate", "inspect")
"""What a suite may be, by what its jobs take; see `Suite`."""

ON_DEVICE = ("attack", "evaluate")
"""The stages whose jobs compute on the device that the config names."""


def check_texts(field: str, value: object) -> None:
    """Check that a field of an entry is a tuple of texts, which one text in brackets is not.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, tuple | list) or not all(isinstance(name, str) for name in value):
        raise InputError(f'{field} is {value!r}, write a tuple of texts, as ("one",) with its comma')


@dataclass(frozen=True)
class Metric:
    """One kind of number that a suite measures.

    Attributes:
        keys: what the column `parameter` holds in each of its rows.
        optional: what it may hold beside these.
        lowest: the smallest value that is possible.
        highest: the largest.
        is_share: whether it is a share or a ratio, which people read in percent; else a number of its own unit.
    """

    keys: tuple[str, ...]
    optional: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = 1
    is_share: bool = True

    def __post_init__(self) -> None:
        for name in ("keys", "optional"):
            check_texts(name, getattr(self, name))


@dataclass(frozen=True)
class Measurement:
    """What makes one kind of results, and what they hold.

    Attributes:
        run: a reference to the function that makes them.
        metrics: what it measures, by name.
        types: int or float, of the keys of its parameters that are numbers; others are text.
        signed: those of these keys whose numbers may be below 0.
    """

    run: str
    metrics: Mapping[str, Metric]
    types: Mapping[str, type] = field(default_factory=dict)
    signed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.metrics, Mapping) or not all(isinstance(one, Metric) for one in self.metrics.values()):
            raise InputError('metrics: write each as "name": Metric(("key of its parameter",))')
        if not isinstance(self.types, Mapping):
            raise InputError(f'types is {self.types!r}, write it as {{"key": int}}')

    @property
    def module(self) -> str:
        """The module of that function."""
        return self.run.partition(":")[0]


@dataclass(frozen=True)
class Suite(Measurement):
    """One suite: what `run` names measures one model, takes a `filterfreq.evaluation.job.SuiteJob` and returns rows.

    Attributes:
        stage: "attack" takes hours, and its results depend on the batch size; "evaluate" takes minutes; "inspect" looks
            at a model for seconds, on one processor core.
        inputs: what it reads beside the model, by the names of rules/evaluate.smk: "images" (the data set's own),
            "corrupted", "shifted" and "cue_conflict" (other images), "source" (another model), "perturbed" (some of the
            data set's own after an attack), "undefended" (the model that a derived one is made from, if it is derived).
        attacks: the keys that lead to the list of attacks in its settings; () where the settings are that list, None
            where there is none.
        given_as_inputs: the settings that its jobs have as inputs alone, or that are of what is measured of images
            without a model, so that a change of them runs again only where these change.
        of_filters: whether it measures 3 x 3 filters alone, and so also checkpoints that are files of these.
        takes_image_size: whether `image_size`, height and width of the data set's images, is given with its settings.
        run_snapshots: a reference: of the jobs of several models and the `Progress` of all of them, the rows of each;
            for a suite that makes images, which are then made once for all models. None where `run` measures one model
            after the other.
        splits: which images it sees unless its settings have `split`.
        passes: says what one job does, see `filterfreq.evaluation.passes`; None of what is not planned.
        why_not: a reference: of the study and a data set, why that cannot have the suite, as the rest of a sentence, or
            None where it can.
        why_not_run: a reference: of the study and a run of a data set that has the suite, the
            `filterfreq.study.measurable.UnservedRun` that says why this run cannot, or None where it can.
        check: a reference: of the study, the data sets that a suite is asked for on, and the key of the config that
            does, it raises `InputError` where that cannot be.
        remarks: a reference: of the study, sentences to be said before the first job.
    """

    stage: str = "evaluate"
    inputs: tuple[str, ...] = ("images",)
    attacks: tuple[str, ...] | None = None
    given_as_inputs: tuple[str, ...] = ()
    of_filters: bool = False
    takes_image_size: bool = False
    run_snapshots: str | None = None
    splits: tuple[str, ...] = ("test",)
    passes: Callable[..., Work] | None = one_pass
    why_not: str | None = None
    why_not_run: str | None = None
    check: str | None = None
    remarks: str | None = None

    @property
    def needs_images(self) -> bool:
        """Whether a data set's own test images are needed."""
        return "images" in self.inputs or "perturbed" in self.inputs

    def listed_attacks(self, settings: Any) -> list[dict] | None:
        """Return the attacks that settings of this suite list; None of a suite that does not attack."""
        if self.attacks is None:
            return None
        for key in self.attacks:
            settings = settings[key]
        return settings


_CALIBRATED = {name: Metric(("split",)) for name in ("accuracy", "expected_calibration_error")}
_BEFORE = {name: Metric(("split", "images")) for name in ("clean_accuracy", "clean_calibration_error")}
_ATTACK = ("attack", "norm", "epsilon")

BATCH_NORMS = ("separate", "folded")
"""Ways of treating the batch normalisation behind a convolution; tables and figures show the first that there is."""

_POSITION = ("layer", "index", "depth")
_WEIGHTS = ("batch_norm", "weight")
_LAYER = ("batch_norm", "layer", "index", "conv_depth", "conv_depth_norm")

SUITES: Mapping[str, Suite] = {
    "clean": Suite(run="filterfreq.evaluation.suites.clean:run", metrics=_CALIBRATED),
    "top_5": Suite(
        run="filterfreq.evaluation.suites.top_5:run",
        metrics={"top5_accuracy": Metric(("split",))},
        why_not="filterfreq.study.measurable:why_no_top_5",
    ),
    "adversarial": Suite(
        run="filterfreq.evaluation.suites.adversarial:run",
        metrics={"accuracy": Metric(_ATTACK), **_BEFORE},
        stage="attack",
        attacks=("attacks",),
        passes=adversarial_passes,
    ),
    "autoattack": Suite(
        run="filterfreq.evaluation.suites.autoattack:run",
        metrics={"accuracy": Metric(_ATTACK), **_BEFORE},
        stage="attack",
        attacks=(),
        passes=autoattack_passes,
        why_not="filterfreq.study.measurable:why_no_autoattack",
    ),
    "transfer": Suite(
        run="filterfreq.evaluation.suites.transfer:run",
        metrics={"accuracy": Metric((*_ATTACK, "source")), **_BEFORE},
        stage="attack",
        inputs=("images", "source"),
        attacks=("attacks",),
        passes=transfer_passes,
        why_not_run="filterfreq.study.attacked:why_no_source",
        check="filterfreq.study.attacked:check_source",
    ),
    "adaptive": Suite(
        run="filterfreq.evaluation.suites.adaptive:run",
        metrics={
            "accuracy": Metric((*_ATTACK, "judged", "draws")),
            "accuracy_by_eot": Metric((*_ATTACK, "judged", "draws", "eot")),
            "clean_accuracy": Metric(("split", "images")),
        },
        stage="attack",
        inputs=("images", "undefended"),
        types={"draws": int, "eot": int},
        passes=adaptive_passes,
        check="filterfreq.study.attacked:check_adaptive",
    ),
    "corruption": Suite(
        run="filterfreq.evaluation.suites.corruption:run",
        metrics={
            **{name: Metric(("corruption", "severity"), optional=("origin",)) for name in _CALIBRATED},
            **_BEFORE,
        },
        inputs=("images", "corrupted"),
        types={"severity": int},
        passes=corruption_passes,
    ),
    "frequency_filtered": Suite(
        run="filterfreq.evaluation.suites.frequency_filtered:run",
        metrics={
            "accuracy": Metric(("pass", "radius"), optional=("mask", "rescale", "split")),
            "svd_accuracy": Metric(("part", "rank"), optional=("rescale", "split")),
            "only_high": Metric(("radius",), optional=("mask", "rescale", "split")),
        },
        types={"radius": float, "rank": int},
        run_snapshots="filterfreq.evaluation.suites.frequency_filtered:run_snapshots",
        passes=frequency_filtered_passes,
        check="filterfreq.study.frequency_checks:check_frequency_filtered",
        remarks="filterfreq.study.measurable:radius_remarks",
    ),
    "fourier_heat_map": Suite(
        run="filterfreq.evaluation.suites.fourier_heat_map:run",
        metrics={
            "error": Metric(("l2_norm", "u", "v")),
            "norm_of_change": Metric(("l2_norm", "u", "v"), highest=math.inf, is_share=False),
            "layer_change": Metric(("l2_norm", "u", "v", "layer"), highest=math.inf, is_share=False),
        },
        types={"l2_norm": float, "u": int, "v": int},
        signed=("u", "v"),
        passes=heat_map_passes,
        check="filterfreq.study.frequency_checks:check_highest_frequency",
    ),
    "fourier_attack": Suite(
        run="filterfreq.evaluation.suites.fourier_attack:run",
        metrics={"universal_error": Metric(("l2_norm", "u", "v")), "fooled": Metric(("l2_norm",))},
        types={"l2_norm": float, "u": int, "v": int},
        signed=("u", "v"),
        passes=fourier_attack_passes,
        check="filterfreq.study.frequency_checks:check_norms",
    ),
    "band_noise": Suite(
        run="filterfreq.evaluation.suites.band_noise:run",
        metrics={
            "accuracy": Metric(("band", "bandwidth", "l2_norm")),
            "norm_of_change": Metric(("band", "bandwidth", "l2_norm"), highest=math.inf, is_share=False),
        },
        types={"bandwidth": int, "l2_norm": float},
        passes=band_noise_passes,
        check="filterfreq.study.frequency_checks:check_bandwidths",
        remarks="filterfreq.study.frequency_checks:band_noise_remarks",
    ),
    "spectra": Suite(
        run="filterfreq.evaluation.suites.spectra:run",
        metrics={
            "error": Metric(_ATTACK),
            "adversarial_magnitude": Metric((*_ATTACK, "u", "v"), highest=math.inf, is_share=False),
            # Of images alone, see filterfreq.evaluation.image_spectra.
            "natural_magnitude": Metric(("u", "v"), highest=math.inf, is_share=False),
            "corruption_magnitude": Metric(("corruption", "severity", "u", "v"), highest=math.inf, is_share=False),
            "high_frequency_energy": Metric(("corruption", "bandwidth")),
        },
        stage="attack",
        given_as_inputs=("severity", "corruptions", "bandwidth"),
        types={"u": int, "v": int, "severity": int, "bandwidth": int},
        signed=("u", "v"),
        passes=spectra_passes,
        check="filterfreq.study.frequency_checks:check_spectra",
        remarks="filterfreq.study.frequency_checks:spectra_remarks",
    ),
    "regions": Suite(
        run="filterfreq.evaluation.suites.regions:run",
        metrics={
            "crossed_units": Metric(("path", *_ATTACK)),
            "error": Metric(("path", *_ATTACK)),
            "norm_of_change": Metric(_ATTACK, highest=math.inf, is_share=False),
            "relu_units": Metric(("split",), highest=math.inf, is_share=False),
        },
        stage="attack",
        passes=regions_passes,
        check="filterfreq.study.attacked:check_regions",
    ),
    "line_spectrum": Suite(
        run="filterfreq.evaluation.suites.line_spectrum:run",
        metrics={
            "line_power": Metric(("output", "unit", "length", "frequency"), highest=math.inf, is_share=False),
            "line_power_share": Metric(("output", "unit", "length", "frequency")),
        },
        types={"length": float, "frequency": float},
        passes=line_spectrum_passes,
        check="filterfreq.study.frequency_checks:check_images",
    ),
    "response_frequency": Suite(
        run="filterfreq.evaluation.suites.response_frequency:run",
        metrics={
            # The size of one number of a transform, of labels and of probabilities at most 1.
            "label_magnitude": Metric(("class", "split", "frequency"), is_share=False),
            "response_magnitude": Metric(("class", "split", "output", "frequency"), highest=math.inf, is_share=False),
            "frequency_error": Metric(("class", "split", "output", "chosen"), highest=math.inf, is_share=False),
            "chosen_frequency": Metric(("class", "split", "chosen"), highest=math.inf, is_share=False),
        },
        types={"class": int, "chosen": int, "frequency": float},
        splits=("train",),
        check="filterfreq.study.response_checks:check_response_frequency",
    ),
    "filtered_response": Suite(
        run="filterfreq.evaluation.suites.filtered_response:run",
        metrics={
            f"{part}_frequency_error": Metric(("split", "output", "delta"), highest=math.inf, is_share=False)
            for part in ("low", "high")
        },
        types={"delta": float},
        splits=("train",),
        run_snapshots="filterfreq.evaluation.suites.filtered_response:run_snapshots",
        check="filterfreq.study.response_checks:check_responses",
    ),
    "out_of_distribution": Suite(
        run="filterfreq.evaluation.suites.out_of_distribution:run",
        metrics={name: Metric(("set",)) for name in _CALIBRATED},
        inputs=("shifted",),
        given_as_inputs=("sets",),
        why_not="filterfreq.study.measurable:why_no_shifted_sets",
        check="filterfreq.study.measurable:check_shifted_sets",
    ),
    "cue_conflict": Suite(
        run="filterfreq.evaluation.suites.cue_conflict:run",
        metrics={
            "shape_bias": Metric(("category",)),
            "accuracy": Metric(("cue",)),
            "error_consistency": Metric(("observer",), lowest=-1, is_share=False),  # of ImageNet's models
        },
        inputs=("cue_conflict",),
        why_not="filterfreq.study.measurable:why_no_stimuli",
    ),
    "filters": Suite(
        run="filterfreq.evaluation.suites.filters:run",
        metrics={"energy_share": Metric(("layer", "index", "depth", "horizontal", "vertical"))},
        stage="inspect",
        inputs=(),
        types={"index": int, "depth": float, "horizontal": int, "vertical": int},
        passes=None,
        why_not="filterfreq.study.measurable:why_no_filters",
        why_not_run="filterfreq.study.measurable:why_no_filters_in_model",
    ),
    "filter_quality": Suite(
        run="filterfreq.evaluation.suites.filter_quality:run",
        metrics={
            **{
                name: Metric(_LAYER, highest=math.inf, is_share=False)
                for name in (
                    *("num_filters", "num_sparse", "num_clean", "in_channels", "out_channels"),
                    *("layer_norm", "root_mean_square"),
                )
            },
            **{
                name: Metric(_LAYER, is_share=name.startswith("sparsity"))
                for name in (
                    *("sparsity", "sparsity_strict", "variance_entropy", "variance_entropy_unscaled"),
                    *("variance_entropy_with_sparse", "orthogonality"),
                )
            },
            "variance_entropy_ratio": Metric(_LAYER, highest=math.inf, is_share=False),
            **{name: Metric((*_LAYER, "horizontal", "vertical")) for name in ("dct_share_raw", "dct_share_scaled")},
            "filter_sum": Metric((*_LAYER, "i"), lowest=-math.inf, highest=math.inf, is_share=False),
            "filter_second_moment": Metric((*_LAYER, "i", "j"), lowest=-math.inf, highest=math.inf, is_share=False),
        },
        stage="inspect",
        inputs=(),
        of_filters=True,
        takes_image_size=True,
        types={
            **dict.fromkeys(("index", "conv_depth", "horizontal", "vertical", "i", "j"), int),
            "conv_depth_norm": float,
        },
        passes=None,
        why_not="filterfreq.study.measurable:why_no_filters",
        why_not_run="filterfreq.study.measurable:why_no_filter_graph",
        check="filterfreq.study.filter_files:check_batch_norm",
    ),
    "spectral_norm": Suite(
        run="filterfreq.evaluation.suites.spectral_norm:run",
        metrics={
            **{
                name: Metric((*_WEIGHTS, "boundary", *_POSITION), highest=math.inf, is_share=False)
                for name in ("spectral_norm", "smallest_singular_value", "condition_number")
            },
            "reshaped_matrix_norm": Metric((*_WEIGHTS, *_POSITION), highest=math.inf, is_share=False),
            "log_product_of_norms": Metric((*_WEIGHTS, "boundary"), lowest=-math.inf, highest=math.inf, is_share=False),
        },
        stage="inspect",
        inputs=(),
        takes_image_size=True,
        types={"index": int, "depth": float},
        passes=None,
    ),
    "first_layer": Suite(
        run="filterfreq.evaluation.suites.first_layer:run",
        metrics={"relative_change": Metric(("source", "layer"), highest=math.inf)},
        stage="inspect",
        inputs=("perturbed",),
        passes=None,
        check="filterfreq.study.attacked:check_perturbed",
    ),
}

PARAMETERS: tuple[str, ...] = (
    "epoch",
    *dict.fromkeys(
        key
        for suite in SUITES.values()
        for metric in suite.metrics.values()
        for key in (*metric.keys, *metric.optional, *(["epsilon_value"] if "epsilon" in metric.keys else []))
    ),
)
"""The keys of all parameters, with `epoch`, that of snapshots, and `epsilon_value`, which is epsilon as a number."""


def parameter_types(known: Mapping[str, Measurement]) -> dict[str, type]:
    """Return int or float for each key of parameters that are numbers, with `epoch`, that of snapshots."""
    return {"epoch": float, **{key: kind for measurement in known.values() for key, kind in measurement.types.items()}}


def signed_parameters(known: Mapping[str, Measurement]) -> frozenset[str]:
    """Return the keys of parameters whose numbers may be below 0."""
    return frozenset(key for measurement in known.values() for key in measurement.signed)


def value_ranges(known: Mapping[str, Measurement]) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest value of each metric."""
    return {
        name: (metric.lowest, metric.highest)
        for measurement in known.values()
        for name, metric in measurement.metrics.items()
    }


TYPES: Mapping[str, type] = parameter_types(SUITES)
SHARES: frozenset[str] = frozenset(
    name for suite in SUITES.values() for name, metric in suite.metrics.items() if metric.is_share
)
"""The metrics whose values people read in percent."""
RANGES: Mapping[str, tuple[float, float]] = value_ranges(SUITES)


def suite_of_rule(rule: str) -> str | None:
    """Return the name of the suite that a rule of Snakemake measures, `evaluate_<suite>`; None of other rules."""
    name = rule.removeprefix("evaluate_")
    return name if name != rule and name in SUITES else None


def suite_over_training(rule: str) -> str | None:
    """Return the name of the suite that a rule of Snakemake measures snapshots with; None of other rules."""
    name = rule.removeprefix("over_training_")
    return name if name != rule and name in SUITES else None


def load(reference: str) -> Callable[..., Any]:
    """Return the function that a reference names."""
    module, _, function = reference.partition(":")
    return getattr(importlib.import_module(module), function)
