"""Papers' claims as data, and what the results say of them. Imports no torch.

A claim compares two variants on one measure, or on one measure each, or one variant on two measures. Runs are paired:
two runs of one model with one seed begin with the same weights where their layers allow it, and see the same batches,
so that their difference varies less than either. A claim over pairs compares the treatments with the controls of the
pairs that an experiment names. A claim with `beyond` or `minus` compares two differences, one with `matched` compares a
variant with a sweep where both are alike in another measure, see `score`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.claim_measures import RunValues, image_count, measured_rows, misses_range, run_values
from filterfreq.analysis.intervals import Estimate, holm, mean_difference
from filterfreq.analysis.matching import matched_differences
from filterfreq.analysis.pairs import RUN, Pairs, observations, pair_values, run_key

VERDICTS: tuple[str, ...] = (
    *("supported", "contradicted", "negligible", "undecided"),
    *("too few pairs", "no pairs", "not measured", "no rows in range", "outside the sweep"),
)
FEWEST_PAIRS = 3
"""With fewer pairs of a model there is no verdict: two seeds tell next to nothing of how much a third would differ."""

_SIDES = ("treatment", "control")
_LEVEL = 0.05


class _Compared(NamedTuple):
    """What a claim compares: differences, a group of them for each model or one of all, and what they are of."""

    groups: list[np.ndarray]
    models: list[str]
    pairs: int
    columns: dict[str, Any]  # what the scores say of them
    outside: int = 0  # pairs that are left out because they lie outside a sweep


def claim_measures(claim: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a claim measures by its key in the file: `beyond` is the measure on other rows."""
    found = {key: claim[key] for key in ("measure", "control_measure", "beyond", "matched") if key in claim}
    return {**found, "beyond": claim["measure"] | claim["beyond"]} if "beyond" in claim else found


def claim_variants(claim: Mapping[str, Any]) -> dict[str, str]:
    """Return the variants that a claim names by where it does, as `minus.control`; none of a claim over pairs."""
    named = {side: claim[side] for side in _SIDES if side in claim}
    named |= {f"minus.{side}": variant for side, variant in claim.get("minus", {}).items()}
    beside = enumerate(claim.get("matched", {}).get("also", ()))
    return named | {f"matched.also.{number}": variant for number, variant in beside}


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

        Of a claim with `minus` the effect is D - E, with their signs: E is the mean difference of the same measures
        between the two variants that `minus` names. A pair of a model and seed that lacks one of the two differences is
        left out. With such claims there are two more columns: minus_treatment and minus_control.

        Of a claim with `matched` the control is the line through the variants that a sweep makes of it, and those under
        `also`, over a second measure, see `filterfreq.analysis.matching`. The difference of a model and seed is that of
        the treatment from the line, at the treatment's own value of the second measure. Where that lies beyond the ends
        of the line nothing is compared: the verdict is "outside the sweep" if that is so of any model and seed, as what
        is left would be a selection. With such claims there is one more column: matched, the second measure's label.

        Of a claim over images the differences are those of the two measures on each image of a detector, all images one
        sample; pairs is their number, and over says "images".
    """
    rows = []
    for name, claim in claims.items():
        known = claim_measures(claim)
        measures = [claim["measure"], claim.get("control_measure", claim["measure"])]
        measures += [known[key] for key in ("beyond", "matched") if key in known for _ in _SIDES]
        measures += measures if "minus" in claim else []
        sides, others = ([measured_rows(results, one) for one in two] for two in (measures[:2], measures[2:]))
        said, p = "not measured", np.nan
        if not any(side.empty for side in (*sides, *others)):
            said, p = "no pairs", np.nan
        elif any(misses_range(results, measure) for measure in measures):
            said = "no rows in range"
        if claim.get("over") == "pairs":
            sides, others = (
                [_rows_of_runs(rows, pairs, side) for rows, side in zip(both, _SIDES, strict=False)]
                for both in (sides, others)
            )
        compared = _compare(sides, others, claim, pairs, controls)
        sides += others
        groups = compared.groups
        measured = pd.concat(sides)
        images = measured.loc[measured["model"].isin(compared.models), "n"]
        counts = [image_count(side, measure) for side, measure in zip(sides, measures, strict=True)]
        estimate = mean_difference(groups, float(np.min(counts)))
        low, high = estimate.interval()
        if compared.pairs:
            said = "too few pairs"
        if compared.pairs and min(map(len, groups)) >= FEWEST_PAIRS:
            said, p = verdict(claim["direction"], claim["smallest_effect"], estimate)
        if compared.outside:
            said, p = "outside the sweep", np.nan
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


def _compare(
    sides: Sequence[pd.DataFrame],
    others: Sequence[pd.DataFrame],
    claim: Mapping[str, Any],
    pairs: Pairs,
    counting: str,
) -> _Compared:
    """Compare the rows of a claim's two sides, and with others where it has `beyond`, `minus` or `matched`."""
    if "matched" in claim:
        return _compare_matched(sides[0], others[0], claim)
    if claim.get("over") == "images":
        return _compare_images(*sides)
    over_pairs = "over" in claim
    differences = _differences_of_pairs if over_pairs else _differences_of_variants
    values = differences(*sides, claim, pairs)
    if others:
        rest = differences(*others, {**claim, **claim.get("minus", {})}, pairs)
        values = values[values.index.isin(rest.index)]
        rest = rest.reindex(values.index)
        if "beyond" in claim:
            values, rest = (_direction(_groups(side, claim, pairs, counting)) * side for side in (values, rest))
        values = values - rest
    columns: dict[str, Any] = {"beyond": claim["beyond"]["label"]} if "beyond" in claim else {}
    columns |= {f"minus_{side}": variant for side, variant in claim.get("minus", {}).items()}
    if not over_pairs:
        groups = _groups(values, claim, pairs, counting)
        return _Compared(groups, list(values.index.unique("model")), len(values), columns)
    compared = [pairs[number] for number in values.index]
    models = dict.fromkeys(pair[side]["model"] for pair in compared for side in _SIDES)
    distinct = {run_key(pair["control"]) for pair in compared}
    columns |= {"over": "pairs", "controls": len(distinct), "counting": counting}
    return _Compared(_groups(values, claim, pairs, counting), list(models), len(compared), columns)


def _compare_matched(rows: pd.DataFrame, matched_rows: pd.DataFrame, claim: Mapping[str, Any]) -> _Compared:
    """Compare the treatment with the sweep of the control where the second measure is the same."""
    matched, control = claim["matched"], claim["control"]
    values, outside = matched_differences(
        run_values(rows, claim["measure"]),
        run_values(matched_rows, matched),
        claim["treatment"],
        # As `filterfreq.study.variants.swept_name` calls them.
        lambda name: name in (control, *matched.get("also", ())) or name.startswith(f"{control}_"),
    )
    groups = _groups(values, claim, (), "")
    return _Compared(groups, list(values.index.unique("model")), len(values), {"matched": matched["label"]}, outside)


def _compare_images(of_treatment: pd.DataFrame, of_control: pd.DataFrame) -> _Compared:
    """Compare two measures on each image that has both."""
    models = list(of_treatment["model"].unique())
    if of_treatment.empty or of_control.empty:
        return _Compared([], models, 0, {"over": "images"})
    new, old = (rows.groupby("image")["value"].mean() for rows in (of_treatment, of_control))
    values = (new - old).dropna().to_numpy()
    return _Compared([values] if len(values) else [], models, len(values), {"over": "images"})


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
    new, rows_of_new = run_values(of_treatments, measure, whatever_layers=True)
    old, rows_of_old = run_values(of_controls, claim.get("control_measure", measure), whatever_layers=True)
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


def _variant_values(rows: pd.DataFrame, measure: Mapping[str, Any], variant: str) -> RunValues:
    """Return what `run_values` does of a variant's runs, by model and seed."""
    values, parameters = run_values(rows[rows["variant"] == variant], measure)
    return values.droplevel("variant"), parameters.droplevel("variant")
