"""What tables and figures say in words: of seeds, of images, and of the variants that a claim compares."""

from collections.abc import Iterable, Mapping
from typing import Any

from filterfreq.analysis.learning_order import asks_for_share
from filterfreq.evaluation.registry import SHARES


def is_one_seed(counts: Iterable[int]) -> bool:
    """Whether no mean was taken over more than one seed, and some over one."""
    return {int(count) for count in counts if count > 0} == {1}


def seeds_phrase(counts: Iterable[int]) -> str:
    """Say over how many seeds a mean was taken: "3 seeds", "1 seed", "1 to 3 seeds", or "0 seeds" of no mean."""
    numbers = sorted({int(count) for count in counts if count > 0})
    if len(numbers) > 1:
        return f"{numbers[0]} to {numbers[-1]} seeds"
    return "1 seed" if is_one_seed(numbers) else f"{max(numbers, default=0)} seeds"


def images_range(counts: Iterable[float]) -> tuple[int, int] | None:
    """Return the least and the largest number of images, or None where it is not known."""
    numbers = [int(count) for count in counts if count > 0]
    return (min(numbers), max(numbers)) if numbers else None


def range_phrase(counts: Iterable[float]) -> str:
    """Say such a range: "1,000", "120 to 1,000", or nothing where it is not known."""
    return " to ".join(f"{number:,}" for number in dict.fromkeys(images_range(counts) or ()))


def images_phrase(counts: Iterable[float]) -> str:
    """Say on how many images something stands: "n = 1,000", "n = 120 to 1,000", or nothing where it is not known."""
    phrase = range_phrase(counts)
    return f"n = {phrase}" if phrase else ""


def comparison_label(claim: Mapping, labels: dict[str, str]) -> str:
    """Return which variants a claim compares, by label where they have one: "DCT + penalty against plain".

    Where it compares two measures of one variant, that is the one: "plain". Over pairs it is "treatments against
    controls". Of two differences it is "A against B, less C against D".

    Args:
        claim: its row of the scores.
        labels: display labels of the variants.
    """
    if claim.get("over") == "pairs":
        return "treatments against controls"
    treatment, control = (labels.get(claim[side], claim[side]) for side in ("treatment", "control"))
    compared = treatment if claim["treatment"] == claim["control"] else f"{treatment} against {control}"
    others = [claim.get(f"minus_{side}") for side in ("treatment", "control")]
    if all(isinstance(other, str) for other in others):
        compared += f", less {' against '.join(labels.get(other, other) for other in others)}"
    return compared


def pairs_phrase(pairs: int, controls: int) -> str:
    """Say how many pairs there are, and controls where several have one: "3 pairs", "49 pairs, 29 controls"."""
    said = "1 pair" if pairs == 1 else f"{pairs} pairs"
    return said if controls == pairs else f"{said}, {_controls_phrase(controls)}"


def counting_phrase(counting: str) -> str:
    """Say how pairs weigh in a mean, see `filterfreq.analysis.pairs.observations`."""
    return "all pairs of one control counting once" if counting == "once" else "each weighing the same"


def pairs_cell(pairs: int, controls: int) -> str:
    """Say the same in a column of numbers of pairs: "3", "49 (29 controls)"."""
    return str(pairs) if controls == pairs else f"{pairs} ({_controls_phrase(controls)})"


def needs_phrase(fewest: int, of: str) -> str:
    """Say in place of a number that it needs more: "needs at least 2 pairs"."""
    return f"needs at least {fewest} {of}"


def observations_phrase(counting: str) -> str:
    """Say what the observations over pairs are, see `filterfreq.analysis.pairs.observations`."""
    return "controls" if counting == "once" else "pairs"


def _controls_phrase(controls: int) -> str:
    return "1 control" if controls == 1 else f"{controls} controls"


def claim_phrase(claim: Mapping[str, Any]) -> str:
    """Say what a claim measures; of two measures: "accuracy (clean) less accuracy (corruption)".

    Where it compares differences: "entropy of the first layer beyond layers between"; where something is equal:
    "accuracy under attacks at equal clean accuracy".
    """
    measures = " less ".join(_measure_phrase(claim[key]) for key in ("measure", "control_measure") if key in claim)
    if "matched" in claim:
        return f"{measures} at equal {claim['matched']['label']}"
    return f"{measures} beyond {claim['beyond']['label']}" if "beyond" in claim else measures


def claims_in_points(claims: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the names of the claims whose effects are percentage points, of shares; the others have their own unit."""
    return {
        name
        for name, claim in claims.items()
        if claim["measure"]["metric"] in SHARES or asks_for_share(claim["measure"].get("over_training", {}))
    }


def _measure_phrase(measure: Mapping[str, Any]) -> str:
    """Say what one measure is: its label, or else metric, suite and rows: "accuracy (adversarial: norm l2)".

    Over training it is "accuracy (clean) at epoch 1", or "training until 50% of accuracy (clean)".
    """
    if "label" in measure:
        return measure["label"]
    entries = (
        ", ".join(f"{key} {_value_phrase(value)}" for key, value in entry.items()) for entry in measure.get("where", ())
    )
    rows = " or ".join(entries)
    suite = measure["suite"].replace("_", " ")
    phrase = f"{measure['metric'].replace('_', ' ')} ({': '.join(filter(None, (suite, rows)))})"
    over_training = measure.get("over_training", {})
    if "at" in over_training:
        return f"{phrase} at epoch {over_training['at']}"
    if "below" in over_training:
        return f"training until {phrase} is below {over_training['below']:g}"
    return f"training until {over_training['reach']:.0%} of {phrase}" if over_training else phrase


def _value_phrase(value: Any) -> str:
    """Say a value, a list of values, or a range."""
    if isinstance(value, Mapping):
        return " ".join(f"{end} {value[end]}" for end in ("from", "to") if end in value)
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
