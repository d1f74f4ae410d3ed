"""Which of a model's classes the classes of a shifted set mean. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.runtime.errors import InputError


def class_targets(shifted: PreparedShift, base_classes: Sequence[str]) -> list[list[int]]:
    """Return for each class of a shifted set the labels of the base data set that mean it.

    Args:
        shifted: the set.
        base_classes: the names of the base's classes, in the order of its labels.

    Returns:
        One list for each of the set's classes: of one label, or of all that belong to a category.

    Raises:
        InputError: a class of the set is none of the base's.
    """
    known = meanings(shifted.folders, base_classes)
    check_known(shifted.name, shifted.classes, known)
    return [list(known[name]) for name in shifted.classes]


def meanings(folders: str, base_classes: Sequence[str]) -> dict[str, Sequence[int]]:
    """Return the names that class folders may have, and the base's labels that each means.

    Args:
        folders: what they are named by, see `filterfreq.data.shifted.registry.ShiftedSet`.
        base_classes: the names of the base's classes, in the order of its labels.
    """
    if folders == "categories":
        return dict(CATEGORIES)
    if folders == "indices":
        return {str(label): [label] for label in range(len(base_classes))}
    return {name: [label] for label, name in enumerate(base_classes)}


def check_known(shifted: str, classes: Iterable[str], known: Mapping[str, Sequence[int]]) -> None:
    """Refuse a class of a shifted set that is none of the known ones.

    Args:
        shifted: the name of the set.
        classes: those that it has.
        known: what `meanings` returns.

    Raises:
        InputError: one is none of them.
    """
    for name in classes:
        if name not in known:
            raise InputError(
                f"the shifted set {shifted} has the class {name!r}, which is none of the {len(known)} that are "
                f"known ({', '.join(list(known)[:3])}, ...): take its folder out or name it like one of them"
            )


def classes_of(dataset: str, record: dict, prepared: PreparedDataset | None) -> Sequence[str]:
    """Return the names of the classes that a run's logits stand for.

    Args:
        dataset: the run's data set.
        record: the run's record.
        prepared: its data set; None for one whose classes are known without it.

    Raises:
        InputError: the run has another number of classes.
    """
    classes = get_dataset(dataset).classes if prepared is None else prepared.classes
    count = record["classifier"]["num_classes"]
    if count != len(classes):
        raise InputError(
            f"the model {record['run']['model']} has {count} classes, but {dataset} has {len(classes)}: "
            "it cannot be shown shifted images"
        )
    return classes
