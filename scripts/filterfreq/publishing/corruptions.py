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


def family_grid(corruptions: Iterable[str]) -> tuple[dict[str, dict[int, str]], int]:
    """Arrange corruptions in rows by family, the extra ones in the last column.

    Returns:
        For every family that occurs its corruptions by column, and the number of columns.
    """
    chosen = set(corruptions)
    common = {
        family: [name for name in names if name in chosen and name in COMMON] for family, names in FAMILIES.items()
    }
    extra = {family: [name for name in names if name in chosen and name in EXTRA] for family, names in FAMILIES.items()}
    last = max(map(len, common.values()))
    grid = {family: dict(enumerate(common[family])) | dict(enumerate(extra[family], last)) for family in FAMILIES}
    return {family: row for family, row in grid.items() if row}, last + max(map(len, extra.values()))
