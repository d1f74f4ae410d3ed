"""The corruptions by family, and what they are called."""

from collections.abc import Iterable

from filterfreq.evaluation.corruptions import COMMON, CORRUPTIONS, EXTRA

FAMILIES: dict[str, list[str]] = {
    family: [name for name, its_family in CORRUPTIONS.items() if its_family == family]
    for family in dict.fromkeys(CORRUPTIONS.values())
}
"""The 19 corruptions by family, in the field's order; each family's last is an extra one."""

_SPELLINGS = {"jpeg": "JPEG", "gaussian": "Gaussian"}


def corruption_label(corruption: str) -> str:
    """Return a corruption's name for readers: "jpeg_compression" is JPEG compression."""
    return " ".join(_SPELLINGS.get(word, word) for word in corruption.split("_"))


def corruption_rows(corruptions: Iterable[str]) -> dict[str, list[str]]:
    """Return the corruptions that occur in rows: the common ones by family, then the extra ones."""
    chosen = set(corruptions)
    rows = {family: [name for name in names if name in COMMON] for family, names in FAMILIES.items()}
    rows["extra"] = [name for name in CORRUPTIONS if name in EXTRA]
    kept = {title: [name for name in names if name in chosen] for title, names in rows.items()}
    return {title: names for title, names in kept.items() if names}
