"""Papers' claims as data, and what the results say of them. Imports no torch.

A claim compares two variants on one measure, or on one measure each, or one variant on two measures. Runs are paired:
two runs of one model with one seed begin with the same weights where their layers allow it, and see the same batches,
so that their difference varies less than either. A claim over pairs compares the treatments with the controls of the
pairs that an experiment names. A claim with `beyond` compares two differences, see `score`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.intervals import Estimate, holm, mean_difference
from filterfreq.analysis.learning_order import share_until
from filterfreq.analysis.pairs import RUN, Pairs, observations, pair_values, run_key
from filterfreq.analysis.slopes import least_squares_slope
from filterfreq.evaluation.registry import BATCH_NORMS
from filterfreq.training.epsilon import parse_epsilon

VERDICTS: tuple[str, ...] = (
    *("supported", "contradicted", "negligible", "undecided"),
    *("too few pairs", "no pairs", "not measured", "no rows in range"),
)
FEWEST_PAIRS = 3
"""With fewer pairs of a model there is no verdict: two seeds tell next to nothing of how much a third would differ."""
SHOWN_BATCH_NORM = "shown"
"""The value of batch_norm in `where` that means the way that tables and figures show: the first of `BATCH_NORMS`."""
HIGHEST = "highest"
"""The value of a frequency in `where` that means the highest of the layer, whatever the size of its kernels."""

_PAIR = ["model", "seed"]
_SIDES = ("treatment", "control")
_LEVEL = 0.05
_SHARES = ("accuracy", "clean_accuracy", "shape_bias")  # metrics that count images
_EPOCH_ROUNDING = 1e-6  # of the epoch of a snapshot of a batch, as results have it
_AGAINST = "against"  # the column of what a slope is against
# Which layer a row is of: two models of different sources call their layers by other names.
_LAYER = ("layer", "index", "depth", "conv_depth", "conv_depth_norm")
_OF_EPOCH = re.compile(r"^epoch=[^;]*;?")
_OF_LAYER = re.compile(rf"(?:^|;)(?:{'|'.join(_LAYER)})=[^;]*")


class _Compared(NamedTuple):
    """What a claim compares: differences, a group of them for each model or one of all, and what they are of."""

    groups: list[np.ndarray]
    models: list[str]
    pairs: int
    columns: dict[str, Any]  # what the scores say of them


def claim_measures(claim: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a claim measures by its key in the file: `beyond` is the measure on other rows."""
    found = {key: claim[key] for key in ("measure", "control_measure", "beyond") if key in claim}
    return {**found, "beyond": claim["measure"] | claim["beyond"]} if "beyond" in claim else found


def score(
    results: pd.DataFrame,
    claims: Mapping[str, Mapping[str, Any]],
    pairs: Pairs = (),
    controls: str = "each_pair",
) -> pd.DataFrame:
    """Test claims on the results of one data set.

    Args:
        results: what `filterfreq.evaluation.reading.read_results` returns, of one data set.
        claims: what `filterfreq.study.claims_files.load_claims` returns.
        pairs: those that claims over pairs are on.
        controls: how often a control of several pairs counts, see `filterfreq.analysis.pairs.observations`.

    Returns:
        One row per claim, in order: claim, statement, source, treatment, control, direction, smallest_effect; effect,
        the mean of treatment - control over the pairs of runs of one model and seed, each model weighing the same;
        lowest_model and highest_model, the least and the largest mean of a model; ci_low and ci_high, the effect's 95 %
        interval (see `mean_difference`), NaN where there is none; models, those that the pairs are of; fewest_images
        and most_images, on how many images (of the suite filters: filters) the rows of the pairs stand; pairs, their
        number; verdict, one of `VERDICTS` (see `verdict`): "not measured" where a value that the measure names has no
        row, "no rows in range" where a range that it names has none, as that of layers which no model has, "no pairs"
        where no pair has a number, "too few pairs" below `FEWEST_PAIRS` of a model;
        p, that of the verdict, NaN of no verdict and of "undecided"; together, whether the verdict stands at 5 % also
        with all claims of these results that have enough pairs tested at once (see `holm`).

        Of a claim over pairs all observations are one sample, whatever their models, so that lowest_model and
        highest_model are the effect, and three observations take a verdict. With such claims there are three more
        columns, empty of the others: over, "pairs"; controls, the number of distinct ones; counting, as `controls` was.

        Of a claim with `beyond` the effect is |D| - |E|: how much larger the mean difference D of the measure is than
        the mean difference E of the same measure on other rows, whichever way each of them lies. A pair, whose own
        differences are d and e, has the value sign(D) d - sign(E) e; pairs that lack one of the two are left out. Means
        of |d| and |e| would not do: an absolute value grows with the noise, most on the side that stands on fewer
        layers. |D| and |E| have that bias too, but of a mean's noise, at most 0.8 of its standard error. It can make
        "supported" twice as likely by chance, 5 % in place of 2.5 %, no more: one of two signs is chosen for D, and the
        choice for E lowers the effect. With such claims there is one more column: beyond, the label of the other rows.
    """
    rows = []
    for name, claim in claims.items():
        known = claim_measures(claim)
        measures = [claim["measure"], claim.get("control_measure", claim["measure"])]
        measures += [known["beyond"]] * 2 if "beyond" in known else []
        sides, others = ([_measured_rows(results, one) for one in two] for two in (measures[:2], measures[2:]))
        said, p = "not measured", np.nan
        if not any(side.empty for side in (*sides, *others)):
            said, p = "no pairs", np.nan
        elif any(_misses_range(results, measure) for measure in measures):
            said = "no rows in range"
        if "over" in claim:
            sides, others = (
                [_rows_of_runs(rows, pairs, side) for rows, side in zip(both, _SIDES, strict=False)]
                for both in (sides, others)
            )
        compared = _compare(sides, others, claim, pairs, controls)
        sides += others
        groups = compared.groups
        measured = pd.concat(sides)
        images = measured.loc[measured["model"].isin(compared.models), "n"]
        counts = [_images(side, measure) for side, measure in zip(sides, measures, strict=True)]
        estimate = mean_difference(groups, float(np.min(counts)))
        low, high = estimate.interval()
        if compared.pairs:
            said = "too few pairs"
        if compared.pairs and min(map(len, groups)) >= FEWEST_PAIRS:
            said, p = verdict(claim["direction"], claim["smallest_effect"], estimate)
        means = [np.mean(group) for group in groups]
        rows.append(
            {
                "claim": name,
                **{key: claim[key] for key in ("statement", "source")},
                **{side: claim.get(side, f"{side}s") for side in _SIDES},
                "direction": claim["direction"],
                "smallest_effect": claim["smallest_effect"],
                "effect": estimate.mean,
                "lowest_model": min(means, default=np.nan),
                "highest_model": max(means, default=np.nan),
                "ci_low": low,
                "ci_high": high,
                "models": ", ".join(compared.models),
                "fewest_images": images.min() if compared.pairs else 0,
                "most_images": images.max() if compared.pairs else 0,
                "pairs": compared.pairs,
                "verdict": said,
                "p": p,
                **compared.columns,
            }
        )
    scores = pd.DataFrame(rows)
    if "controls" in scores:
        scores = scores.astype({"controls": "Int64"})
    # What stayed undecided was tested too.
    tested = scores["p"].notna() | (scores["verdict"] == "undecided")
    adjusted = holm(scores.loc[tested, "p"].fillna(1).to_numpy())
    return scores.assign(together=pd.Series(adjusted, scores.index[tested]).reindex(scores.index) <= _LEVEL)


def verdict(direction: str, smallest_effect: float, estimate: Estimate) -> tuple[str, float]:
    """Say whether an effect and its interval support a claim.

    - `higher`, `lower`: supported when the effect is at least the smallest of interest and the interval leaves zero
      out; negligible when the whole interval lies within plus and minus the smallest effect of interest, on whichever
      side of zero; contradicted when the whole interval falls short of the effect of interest and some of it lies
      beyond that on the other side.
    - `not lower`, `not higher`: supported when the whole interval stays on the right side of a loss of that size,
      contradicted when all of it lies beyond.
    - `equal`: supported when the whole interval lies within plus and minus the smallest effect of interest (an
      equivalence test: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987), contradicted when all
      of it lies outside.

    Otherwise the claim is undecided, as it is without an interval.

    Args:
        direction: as in `schemas/claims.schema.yaml`.
        smallest_effect: more than 0.
        estimate: of treatment - control.

    Returns:
        One of `VERDICTS`, and the two-sided p-value of what it rejects, NaN of "undecided".
    """
    if np.isnan(estimate.standard_error):
        return "undecided", np.nan
    if direction in ("lower", "not higher"):
        estimate = estimate._replace(mean=-estimate.mean)
    no_loss, no_gain = estimate.p_above(-smallest_effect), estimate.p_below(smallest_effect)
    within = max(no_loss, no_gain)
    if direction == "equal":
        outside = min(estimate.p_above(smallest_effect), estimate.p_below(-smallest_effect))
        decisions = {"supported": within, "contradicted": outside}
    elif direction in ("not lower", "not higher"):
        decisions = {"supported": no_loss, "contradicted": estimate.p_below(-smallest_effect)}
    else:
        is_large = estimate.mean >= smallest_effect
        decisions = {
            "supported": estimate.p_above(0) if is_large else 1.0,
            "negligible": within,
            "contradicted": no_gain,
        }
    return next(((said, p) for said, p in decisions.items() if p < _LEVEL), ("undecided", np.nan))


def _measured_rows(results: pd.DataFrame, measure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that a claim's measure stands on, those with a value; none where one that it names has no row.

    Of a slope also those alone have a value that have one to be set against.
    """
    rows = results[(results["suite"] == measure["suite"]) & (results["metric"] == measure["metric"])]
    over_training = measure.get("over_training")
    if "epoch" in rows:
        rows = rows[rows["epoch"].notna() if over_training else rows["epoch"].isna()]
    elif over_training:
        return rows[:0]
    if over_training and "at" in over_training:
        rows = rows[np.isclose(rows["epoch"], over_training["at"], rtol=0, atol=_EPOCH_ROUNDING)]
    if "slope_over" in measure:
        slope_over = measure["slope_over"]
        others = results[(results["suite"] == slope_over["suite"]) & (results["metric"] == slope_over["metric"])]
        key = slope_over["parameter"]
        if rows.empty or others.empty:
            return rows[:0]
        rows = rows.assign(**{_AGAINST: rows[key].map(others.groupby(key)["value"].mean())}).dropna(subset=_AGAINST)
    if rows.empty or "where" not in measure:
        return rows.dropna(subset="value")
    chosen = pd.Series(False, index=rows.index)
    for entry in measure["where"]:
        fits = pd.Series(True, index=rows.index)
        for key, wanted in entry.items():
            matches = [_match_rows(rows, key, one) for one in (wanted if isinstance(wanted, list) else [wanted])]
            if not all(match.any() for match in matches):
                return rows[:0]
            fits &= np.logical_or.reduce(matches)
        if not fits.any():
            return rows[:0]
        chosen |= fits
    return rows[chosen].dropna(subset="value")


def _misses_range(results: pd.DataFrame, measure: Mapping[str, Any]) -> bool:
    """Whether the suite's metric was measured, but not within a range that a measure names."""
    rows = results[(results["suite"] == measure["suite"]) & (results["metric"] == measure["metric"])]
    ranges = [(key, one) for entry in measure.get("where", []) for key, one in entry.items() if isinstance(one, dict)]
    return len(rows) > 0 and any(not _match_rows(rows, key, one).any() for key, one in ranges)


def _match_rows(rows: pd.DataFrame, key: str, wanted: Any) -> pd.Series:
    """Mark the rows whose parameter `key` is a value, lies in a range, or is the highest of its layer."""
    if isinstance(wanted, dict):
        return rows[key].between(wanted.get("from", -np.inf), wanted.get("to", np.inf)).fillna(False).astype(bool)
    if wanted == SHOWN_BATCH_NORM:
        return rows[key] == next((name for name in BATCH_NORMS if (rows[key] == name).any()), None)
    if wanted == HIGHEST:
        return rows[key] == rows.groupby(["variant", *_PAIR, "layer"])[key].transform("max")
    if key == "epsilon":
        return rows["epsilon_value"] == parse_epsilon(str(wanted))
    # A number where rows hold text is that text.
    is_text = not pd.api.types.is_numeric_dtype(rows[key])
    return rows[key] == (str(wanted) if is_text else wanted)


def _compare(
    sides: Sequence[pd.DataFrame],
    others: Sequence[pd.DataFrame],
    claim: Mapping[str, Any],
    pairs: Pairs,
    counting: str,
) -> _Compared:
    """Compare the rows of a claim's two sides; where it has `beyond`, see `score`, these less those of the others."""
    over_pairs = "over" in claim
    differences = _differences_of_pairs if over_pairs else _differences_of_variants
    values = differences(*sides, claim, pairs)
    if others:
        rest = differences(*others, claim, pairs)
        values = values[values.index.isin(rest.index)]
        rest = rest.reindex(values.index)
        larger, smaller = (_direction(_groups(side, claim, pairs, counting)) * side for side in (values, rest))
        values = larger - smaller
    columns: dict[str, Any] = {"beyond": claim["beyond"]["label"]} if others else {}
    if not over_pairs:
        groups = _groups(values, claim, pairs, counting)
        return _Compared(groups, list(values.index.unique("model")), len(values), columns)
    compared = [pairs[number] for number in values.index]
    models = dict.fromkeys(pair[side]["model"] for pair in compared for side in _SIDES)
    distinct = {run_key(pair["control"]) for pair in compared}
    columns |= {"over": "pairs", "controls": len(distinct), "counting": counting}
    return _Compared(_groups(values, claim, pairs, counting), list(models), len(compared), columns)


def _groups(values: pd.Series, claim: Mapping[str, Any], pairs: Pairs, counting: str) -> list[np.ndarray]:
    """Return the observations of differences: those of each model, or over pairs one group of all."""
    if "over" in claim:
        return [observations(values, pairs, counting)] if len(values) else []
    return [of_model.to_numpy() for _, of_model in values.groupby(level="model")]


def _direction(groups: list[np.ndarray]) -> float:
    """Return the sign of the mean that a claim takes of groups of differences, 1 or -1."""
    return -1.0 if mean_difference(groups).mean < 0 else 1.0


def _differences_of_pairs(
    of_treatments: pd.DataFrame, of_controls: pd.DataFrame, claim: Mapping[str, Any], pairs: Pairs
) -> pd.Series:
    """Return treatment - control by the pair's number, of those that are there; of one measure, with the same rows.

    Rows of layers are the same whatever their layers are called and however deep these are.
    """
    measure = claim["measure"]
    new, rows_of_new = _run_values(of_treatments, measure, whatever_layers=True)
    old, rows_of_old = _run_values(of_controls, claim.get("control_measure", measure), whatever_layers=True)
    values = pair_values(new, old, pairs)
    differences = (values["treatment"] - values["control"]).dropna()
    if "control_measure" not in claim:
        keys = {number: [run_key(pairs[number][side]) for side in _SIDES] for number in differences.index}
        alike = [rows_of_new[treatment] == rows_of_old[control] for treatment, control in keys.values()]
        differences = differences[np.array(alike, dtype=bool)]
    return differences


def _rows_of_runs(rows: pd.DataFrame, pairs: Pairs, side: str) -> pd.DataFrame:
    """Return the rows of the runs on one side of the pairs."""
    wanted = {run_key(pair[side]) for pair in pairs}
    return rows[pd.MultiIndex.from_frame(rows[RUN]).isin(wanted)]


def _differences_of_variants(
    of_treatment: pd.DataFrame, of_control: pd.DataFrame, claim: Mapping[str, Any], _pairs: Pairs
) -> pd.Series:
    """Return treatment - control by model and seed, of the pairs that are there; of one measure, with the same rows."""
    measure = claim["measure"]
    new, rows_of_new = _variant_values(of_treatment, measure, claim["treatment"])
    old, rows_of_old = _variant_values(of_control, claim.get("control_measure", measure), claim["control"])
    differences = (new - old).dropna()
    alike = ["control_measure" in claim or rows_of_new[pair] == rows_of_old[pair] for pair in differences.index]
    return differences[np.array(alike, dtype=bool)]


def _variant_values(rows: pd.DataFrame, measure: Mapping[str, Any], variant: str) -> tuple[pd.Series, pd.Series]:
    """Return what `_run_values` does of a variant's runs, by model and seed."""
    values, parameters = _run_values(rows[rows["variant"] == variant], measure)
    return values.droplevel("variant"), parameters.droplevel("variant")


def _run_values(
    rows: pd.DataFrame, measure: Mapping[str, Any], *, whatever_layers: bool = False
) -> tuple[pd.Series, pd.Series]:
    """Return a measure of each run, by `RUN`, and the parameters of the rows that it stands on.

    With `whatever_layers` they do not say which layers these are of.
    """
    if rows.empty:
        nothing = pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], [], []], names=RUN))
        return nothing, nothing
    summed, reach = measure.get("sum_over", []), measure.get("over_training", {}).get("reach")
    if summed:
        # What is left to tell rows apart is not added up but averaged.
        others = [key for key in _parameters(rows) if key not in summed]
        kept = [_AGAINST] if _AGAINST in rows else []
        parts = rows.groupby([*RUN, *others, *kept], as_index=False, dropna=False)
        rows = parts.agg({"value": "sum", "n": "max"})
        untold = (*(_LAYER if whatever_layers else ()), *(("epoch",) if reach is not None else ()))
        told = [key for key in others if key not in untold]
        rows["parameter"] = rows[told].astype(str).agg(";".join, axis="columns") if told else ""
    elif whatever_layers:
        rows = rows.assign(parameter=rows["parameter"].str.replace(_OF_LAYER, "", regex=True))
    by = RUN if reach is None else [*RUN, "epoch"]
    values = rows.groupby(by)["value"].mean()
    if measure.get("weighted_by_n", False):
        weighted = (rows["value"] * rows["n"]).groupby([rows[key] for key in by]).sum()
        values = weighted / rows.groupby(by)["n"].sum()
    if reach is not None:
        above = measure["over_training"].get("above", 0.0)
        values = values.groupby(level=RUN).apply(
            lambda run: share_until(run.index.get_level_values("epoch").to_numpy(float), run.to_numpy(), reach, above)
        )
        # Trainings of other batches have other snapshots, which changes nothing of what is compared.
        rows = rows.assign(parameter=rows["parameter"].str.replace(_OF_EPOCH, "", regex=True))
    if _AGAINST in rows:
        points = rows.groupby([*RUN, measure["slope_over"]["parameter"]])[["value", _AGAINST]].mean()
        of_runs = points.groupby(level=RUN)
        values = of_runs.apply(lambda run: float(least_squares_slope(*run[[_AGAINST, "value"]].to_numpy().T)))
    return values, rows.groupby(RUN)["parameter"].agg(frozenset)


def _images(rows: pd.DataFrame, measure: Mapping[str, Any]) -> float:
    """On how many images, over all its rows, the least run stands; NaN where a measure is no share of images."""
    if "reach" in measure.get("over_training", {}):
        return np.nan
    if rows.empty or _AGAINST in rows or not rows["metric"].isin(_SHARES).all():
        return np.nan
    return float(rows.groupby(["variant", *_PAIR])["n"].sum().min())


def _parameters(rows: pd.DataFrame) -> list[str]:
    """The keys of the rows' parameters."""
    return [pair.split("=")[0] for pair in rows["parameter"].iloc[0].split(";")]
